/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changed_write for a write of the window itself that goes through the engine, which
 * lift_write shows to be a call of tpmix_cmd_put(), and for a reset.
 * Twin: it reports bytes that changed only.
 */
#define STEADY
#include "proof.h"

void proof(void)
{
	uint32_t at = any_u32(), size = any_u8();
	struct snapshot before;
	bool reset = any_bool();

	any_valid_machine();
	assume(tpmix_has_ram(&e) && k < e.cfg.capacity);
	before = snapshot();
	if (reset) {
		tpmix_reset(&e, any_u8() % 3, any_u32());
	} else {
		assume(size <= 4 && at < e.cfg.capacity &&
		       size <= e.cfg.capacity - at);
		tpmix_cmd_put(&e, 0, at, any_u32(), size);
	}
	assert(ram_cmd.at_k == before.ram_cmd_k || seen.cmd);
#ifdef TWIN
	assert(ram_cmd.at_k != before.ram_cmd_k || !seen.cmd);
#endif
	assert(reset || (cmd.at_k == before.cmd_k && rsp.at_k == before.rsp_k));
	possible(!reset && ram_cmd.at_k != before.ram_cmd_k);
}
