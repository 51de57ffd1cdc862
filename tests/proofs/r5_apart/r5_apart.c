/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R5: no write reaches a response, but by its acceptance a command that is answered
 * at once with an error. What starts is what was copied: of the size that the copy's
 * own header says, and that fits; byte for byte the command, where the guest does not
 * write its window meanwhile (locality 0). Twin: without that exception.
 */
#define TWIN_PLACE 7
#define CASES_PLACE 5
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before = snapshot();

	do_write(w);
	if (seen.starts) {
		assert(tpmix_get_be32(&run_mem, 2) == seen.len);
		assert(seen.len >= TPMIX_HEADER_SIZE && seen.len <= e.s.bufsize);
		assert(w.door != FIFO || seen.len == before.s.fifo_len);
		assert(w.locality == 0 || k >= seen.len ||
		       run.at_k == before.cmd_k);
	}
#ifndef TWIN
	if (e.s.accepted == before.s.accepted || seen.starts)
#endif
	assert(rsp.at_k == before.rsp_k);
	possible(seen.starts && k < seen.len);
}
