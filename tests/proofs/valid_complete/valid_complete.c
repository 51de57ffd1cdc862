/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any answer of the backend leaves a valid state; one that was not asked for
 * changes nothing; nothing undefined. Twin: from any state.
 */
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	uint8_t l = any_u8();
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
	/* What r2_repeat, intf_sel and crb_start take from here. */
	assert(e.s.interface == before.s.interface &&
	       e.s.family == before.s.family &&
	       e.s.bufsize == before.s.bufsize && e.s.intf_sel == before.s.intf_sel &&
	       e.s.intf_sel_lock == before.s.intf_sel_lock);
	/* Nothing arms but a write; "early" ends with what it is compared with. */
	assert(l >= TPMIX_NUM_LOCALITIES ||
	       e.s.loc[l].armed == before.s.loc[l].armed ||
	       e.s.loc[l].armed == TPMIX_DISARMED ||
	       (before.s.loc[l].armed == TPMIX_ARMED_EARLY &&
		tpmix_loc_ok(before.s.waiting)));
	assert(e.s.last.val == before.s.last.val &&
	       e.s.last.addr == before.s.last.addr &&
	       e.s.last.size == before.s.last.size);
	assert(!taken || !tpmix_busy(&e));
	possible(taken);
	possible(!taken);
}
