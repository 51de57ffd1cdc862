/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any answer of the backend leaves a valid state; one that was not asked for
 * changes nothing; nothing undefined. Twin: from any state.
 */
#include "../proof.h"

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
	assert(!taken || (!tpmix_busy(&e) && e.s.accepted == before.s.accepted &&
			  e.s.rsp_owner == before.s.running));
	possible(taken);
	possible(!taken);
}
