/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R5: no write reaches a response, but by its acceptance a command that is answered
 * at once with an error; what starts is the command, byte for byte. Twin: without
 * that exception.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot before;

	any_valid_machine();
	before = snapshot();
	write(any_access());
	/* An access that also writes the window may change the command first. */
	if (seen.starts) {
		assert(k >= seen.len || run.at_k == cmd.at_k);
	}
#ifndef TWIN
	if (e.s.accepted == before.s.accepted || seen.starts)
#endif
	assert(rsp.at_k == before.rsp_k);
	possible(seen.starts && k < seen.len);
}
