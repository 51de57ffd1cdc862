/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A completion changes neither who is active, nor who asks to be, nor a byte of a
 * command: only a guest's writes do. So whenever a command ends, and be it while the
 * state is saved, no locality finds another's command in its buffer, and no byte of
 * the command window changes behind the back of a host that tracks memory.
 * Twin: nor a response.
 */
#define STEADY
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	uint8_t l = any_u8();

	any_valid_machine();
	before = snapshot();
	complete_any();
	assert(e.s.active == before.s.active);
	assert(e.s.cmd_owner == before.s.cmd_owner);
	assert(l >= TPMIX_NUM_LOCALITIES ||
	       e.s.loc[l].access == before.s.loc[l].access);
	assert(cmd.at_k == before.cmd_k && ram_cmd.at_k == before.ram_cmd_k);
	assert(!seen.cmd && !seen.cancels && !seen.starts);
#ifdef TWIN
	assert(rsp.at_k == before.rsp_k);
#endif
	possible(tpmix_busy(&e) != tpmix_loc_ok(before.s.running) &&
		 e.s.active != before.s.running);
}
