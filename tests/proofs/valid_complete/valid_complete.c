/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any answer of the backend leaves a valid state; one that was not asked for
 * changes nothing; nothing undefined. Twin: from any state.
 */
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	bool taken;

#ifdef TWIN
	any_machine();
#else
	any_valid_machine();
#endif
	before = snapshot();
	taken = complete_any();
	assert(tpmix_valid(&e));
	assert(taken || unchanged(&before));
	/* What r2_repeat takes from here. */
	assert(e.s.interface == before.s.interface);
	assert(e.s.last.val == before.s.last.val &&
	       e.s.last.addr == before.s.last.addr &&
	       e.s.last.size == before.s.last.size);
	assert(!taken || (!tpmix_busy(&e) && e.s.accepted == before.s.accepted &&
			  e.s.rsp_owner == before.s.running));
	possible(taken);
	possible(!taken);
}
