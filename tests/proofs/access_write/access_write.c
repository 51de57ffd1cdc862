/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write of an inactive locality changes its own interrupt registers and the
 * interface lock, which any locality may; ACCESS apart. Twin: the active one.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot before;
	struct access a = any_access();
	uint32_t off = a.addr & (TPMIX_LOCALITY_SIZE - 1);
	unsigned int l = a.addr >> TPMIX_LOCALITY_SHIFT;

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES && a.size <= 8);
	assume(off >= 4 && a.size <= TPMIX_LOCALITY_SIZE - off);
#ifndef TWIN
	assume(e.s.active != l);
#endif
	before = snapshot();
	write(a);
	before.s.loc[l].int_enable = e.s.loc[l].int_enable;
	before.s.loc[l].int_status &= e.s.loc[l].int_status;
	before.s.intf_sel_lock |= e.s.intf_sel_lock;
	before.s.last = e.s.last;
	assert(unchanged(&before) && !seen.resets);
	possible(a.size == 4);
}
