/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A byte of the command window in RAM that a write of a register changes is reported
 * to the host, which tracks memory for a migration. Twin: of the other localities' buffer.
 */
#define STEADY
#define TWIN_PLACE 17
#define CASES_PLACE 0
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before = snapshot();

	assume(tpmix_has_ram(&e));
	do_write(w);
#ifdef TWIN
	assert(cmd.at_k == before.cmd_k || seen.cmd);
#endif
	assert(ram_cmd.at_k == before.ram_cmd_k || seen.cmd);
	possible(ram_cmd.at_k != before.ram_cmd_k);
}
