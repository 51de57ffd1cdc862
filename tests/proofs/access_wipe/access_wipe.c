/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A locality that becomes active finds nothing of the command of another, and no
 * response but its own. Twin: its own command.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot before;
	uint32_t off = any_u32();
	uint8_t l;

	any_valid_machine();
	before = snapshot();
	if (any_bool()) {
		complete_any();
	} else {
		write(any_access());
	}
	l = e.s.active;
	assume(tpmix_loc_ok(l) && l != before.s.active);
#ifndef TWIN
	assume(before.s.cmd_owner != l);
#endif
	assert(cmd.at_k == 0 && e.s.fifo_len == 0 && e.s.cmd_owner == l);
	if (e.s.rsp_owner != l && off < TPMIX_WINDOW_SIZE) {
		assert(tpmix_read(&e, (uint32_t)l << 12 | (TPMIX_WINDOW + off),
				  1) == 0xFF);
	}
	possible(before.cmd_k);
}
