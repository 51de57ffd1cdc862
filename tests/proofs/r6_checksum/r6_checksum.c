/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R6: what a doorbell starts with a checksum expected has that checksum, taken of the
 * private copy after the last byte of it was copied; else the doorbell takes no
 * ticket. Whatever the guest writes meanwhile. Twin: tpmGo, which knows no checksum.
 */
#define STEADY
#ifdef TWIN
#define FIRST 2
#define LAST 2
#else
#define FIRST 7
#define LAST 7
#endif
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before;

	assume(e.s.loc[w.locality].csum_expect & TPMIX_CSUM_EXPECT_ON);
	before = snapshot();
	do_write(w);
	if (e.s.accepted != before.s.accepted) {
		assert(summed.crc ==
		       (e.s.loc[w.locality].csum_expect & TPMIX_CSUM_EXPECT_MASK));
		assert(summed.version == run.version);
		assert(!seen.starts || summed.len == seen.len);
	} else {
		assert(cmd.at_k == before.cmd_k && rsp.at_k == before.rsp_k);
		assert(!seen.starts);
	}
	possible(e.s.loc[w.locality].refused == TPMIX_REFUSED_CSUM);
	possible(seen.starts);
}
