/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A locality that becomes active by a write finds nothing of the command of another,
 * nor anything that was written into the window in RAM meanwhile. Twin: its own
 * command.
 */
#define STEADY
#define TWIN_PLACE 0
#define CASES_PLACE 0
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before = snapshot();
	uint8_t l;

	do_write(w);
	l = e.s.active;
	assume(tpmix_loc_ok(l) && l != before.s.active);
#ifndef TWIN
	assume(before.s.cmd_owner != l);
#endif
	assert(k >= e.cfg.capacity || (cmd.at_k == 0 && ram_cmd.at_k == 0));
	assert(e.s.fifo_len == 0 && e.s.cmd_owner == l);
	possible(before.cmd_k);
}
