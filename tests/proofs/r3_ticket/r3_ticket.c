/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R3, inductive: a write starts at most one command, under the next ticket and with
 * the counter, so ticket n starts command n at most once until the 32 bits wrap; a
 * doorbell with another ticket starts none. Twin: tpmGo, which names no ticket.
 */
#define ANSWERS_AT_ONCE
#define TWIN_PLACE 2
#define CASES_PLACE 7
#include "place.h"

#ifdef TWIN
#define BELL TPM_REG_STS
#else
#define BELL TPMIX_REG_DOORBELL
#endif

static void theorem(struct write w)
{
	uint32_t n = e.s.accepted;

	do_write(w);
	assert(e.s.accepted == n || e.s.accepted == n + 1);
	assert(seen.starts <= (e.s.accepted != n));
	assert(!seen.starts || seen.ticket == n + 1);
	/* What lift_write counts: these three, and no others. */
	assert(e.s.accepted == n ||
	       (w.door == INDEXED && w.off == TPMIX_REG_DOORBELL) ||
	       (w.door == CRB && w.off == TPM_REG_CTRL_START) ||
	       (w.door == FIFO && w.off == TPM_REG_STS));
	if (w.off == BELL && w.door != PUSH) {
		assert(e.s.accepted == n || w.val == n + 1);
	}
	possible(seen.starts);
	possible(e.s.accepted != n && !seen.starts);
}
