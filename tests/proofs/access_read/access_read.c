/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An inactive locality reads nothing of command, response, tickets, checksums or
 * state: with any others its reads are the same. Twin: the active one.
 */
#include "proof.h"

static void secret(unsigned int l, struct tpmix_loc old, unsigned int reader)
{
	e.s.loc[l].access = old.access;
	if (l == reader) {
		e.s.loc[l].int_enable = old.int_enable;
		e.s.loc[l].int_status = old.int_status;
	}
}

void proof(void)
{
	struct tpmix_state_all old;
	unsigned int l = any_u8(), size = any_u8();
	uint32_t off = any_u32();
	uint64_t val;

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES && size <= 4);
	assume(off < TPMIX_LOCALITY_SIZE && (off & 3) + size <= 4);
#ifndef TWIN
	assume(e.s.active != l);
#endif
	val = tpmix_mmio_read(&e, l << 12 | off, size);
	old = e.s;
	any_state();
	secret(0, old.loc[0], l);
	secret(1, old.loc[1], l);
	secret(2, old.loc[2], l);
	secret(3, old.loc[3], l);
	secret(4, old.loc[4], l);
	e.s.active = old.active;
	e.s.family = old.family;
	e.s.established = old.established;
	e.s.intf_sel_lock = old.intf_sel_lock;
	e.s.bufsize = old.bufsize;
	assume(tpmix_valid(&e));
	any_bytes(&cmd);
	any_bytes(&rsp);
	assert(tpmix_mmio_read(&e, l << 12 | off, size) == val);
	possible(size == 4 && off == TPMIX_WINDOW);
}
