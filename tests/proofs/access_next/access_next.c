/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nor does one that becomes active because a command ended; and a response that is
 * not its own reads as ones, by any window. Twin: its own command.
 */
#define STEADY
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	uint8_t l;

	any_valid_machine();
	before = snapshot();
	complete_any();
	l = e.s.active;
	assume(tpmix_loc_ok(l) && l != before.s.active);
#ifndef TWIN
	assume(before.s.cmd_owner != l);
#endif
	assert(k >= e.cfg.capacity || (cmd.at_k == 0 && ram_cmd.at_k == 0));
	assert(e.s.fifo_len == 0 && e.s.cmd_owner == l);
	possible(before.cmd_k);
}
