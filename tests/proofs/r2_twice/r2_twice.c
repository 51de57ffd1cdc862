/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2: a write done twice equals the write done once. Where a command runs after the
 * first one, or where that accepted one, r2_repeat. Twin: DATA_FIFO.
 */
#define STEADY
#define TWIN_PLACE 19
#define CASES_PLACE 3
#include "place.h"

static void theorem(struct write w)
{
	uint32_t accepted = e.s.accepted;
	struct snapshot once;

#ifndef TWIN
	assume(w.door != PUSH);
#endif
	do_write(w);
	assume(!tpmix_busy(&e) && e.s.accepted == accepted);
	assume(e.s.waiting == TPMIX_NO_LOCALITY); /* valid_write */
	once = snapshot();
	if (w.off == TPM_REG_ACCESS || w.off == TPM_REG_LOC_CTRL) {
		EACH_ACTIVE(do_write(w))
	} else {
		do_write(w);
	}
	assert(unchanged(&once));
	possible(e.s.loc[1].armed);
}
