/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An inactive locality reads nothing of command, response, tickets, checksums or
 * state: with any others its reads are the same, in its page, its extension page, and,
 * of locality 0, in the header and the response window. What it may know: who is
 * active, who asks to be, and, in CRB, that a command runs (CTRL_START).
 * Twin: the active one.
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
	struct access a = any_access();
	unsigned int l = any_u8();
	uint64_t val;

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES);
	assume(a.addr >> TPMIX_LOCALITY_SHIFT == l ||
	       (a.addr - TPMIX_EXT) >> TPMIX_LOCALITY_SHIFT == l ||
	       (l == 0 && a.addr >= TPMIX_RSP_WINDOW));
#ifndef TWIN
	assume(e.s.active != l);
#endif
	val = tpmix_mmio_read(&e, a.addr, a.size);
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
	e.s.interface = old.interface;
	e.s.intf_sel = old.intf_sel;
	e.s.intf_sel_lock = old.intf_sel_lock;
	e.s.bufsize = old.bufsize;
	assume(tpmix_valid(&e));
	assume(e.s.interface != TPMIX_INTERFACE_CRB ||
	       tpmix_busy(&e) == tpmix_loc_ok(old.running));
	any_bytes(&cmd);
	any_bytes(&rsp);
	assert(tpmix_mmio_read(&e, a.addr, a.size) == val);
	possible(a.size == 4 && a.addr == TPMIX_WINDOW);
	possible(a.size == 4 && a.addr == TPMIX_RSP_WINDOW);
}
