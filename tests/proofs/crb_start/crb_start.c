/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CTRL_START starts a command only where it is armed; acceptance disarms; what arms
 * is a write of the active locality to LOC_CTRL, CTRL_REQ, CTRL_CANCEL or the buffer,
 * and not while its command runs. So a START that is repeated, at once or late,
 * starts nothing. Twin: without "armed".
 */
#define TWIN_PLACE 5
#define CASES_PLACE 5
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before = snapshot();
	uint8_t l = any_u8();

	assume(l < TPMIX_NUM_LOCALITIES);
	do_write(w);
	if (w.door == CRB && w.off == TPM_REG_CTRL_START) {
#ifndef TWIN
		assume(!before.s.loc[w.locality].armed);
#endif
		assert(unchanged(&before));
	}
	if (e.s.accepted != before.s.accepted) {
		assert(!e.s.loc[w.locality].armed);
	}
	if (e.s.loc[l].armed && !before.s.loc[l].armed) {
		assert(l == w.locality &&
		       (w.door == BUFFER ||
			(w.door == CRB && w.off == TPM_REG_LOC_CTRL) ||
			(w.door == CRB && w.off == TPM_REG_CTRL_REQ) ||
			(w.door == CRB && w.off == TPM_REG_CTRL_CANCEL)));
	}
	possible(tpmix_busy(&e));
}
