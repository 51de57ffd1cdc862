/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CTRL_START starts a command only where it is armed, and where that came while a
 * command of the same locality ran, only other bytes than that one's; START disarms.
 * What arms is a requestAccess or a write of the active locality: cmdReady, CANCEL = 0
 * or the buffer; goIdle does not, nor does relinquish. So a START that is repeated, at
 * once or late, starts nothing. Twin: without "armed".
 */
#define STEADY
#define TWIN_PLACE 5
#define CASES_PLACE 5
#include "place.h"

static bool arms(struct write w)
{
	if (w.door != CRB) {
		return w.door == BUFFER;
	}
	switch (w.off) {
	case TPM_REG_LOC_CTRL:
		return w.val & TPM_LOC_CTRL_REQUEST_ACCESS;
	case TPM_REG_CTRL_REQ:
		return (w.val & 3) == TPM_CTRL_REQ_CMD_READY;
	case TPM_REG_CTRL_CANCEL:
		return !(w.val & TPM_CTRL_CANCEL_INVOKE);
	default:
		return false;
	}
}

static void theorem(struct write w)
{
	bool same = any_bool();
	struct snapshot before;
	uint8_t armed = e.s.loc[w.locality].armed;
	uint8_t run_k = run.at_k, l = any_u8();

	assume(l < TPMIX_NUM_LOCALITIES);
	if (same) {
		cmd = ram_cmd = run;
	}
	before = snapshot();
	do_write(w);
	if (w.door == CRB && w.off == TPM_REG_CTRL_START) {
#ifndef TWIN
		assume(!(w.val & TPM_CTRL_START_INVOKE) ||
		       armed == TPMIX_DISARMED ||
		       (armed == TPMIX_ARMED_EARLY && (same || compared)));
#endif
		before.s.loc[w.locality].armed = e.s.loc[w.locality].armed;
		assert(unchanged(&before));
		assert(!(w.val & TPM_CTRL_START_INVOKE) ||
		       e.s.active != w.locality ||
		       e.s.loc[w.locality].armed == TPMIX_DISARMED);
	}
	if (e.s.accepted != before.s.accepted) {
		assert(!e.s.loc[w.locality].armed);
	}
	if (e.s.loc[l].armed && !before.s.loc[l].armed) {
		assert(l == w.locality && arms(w));
		assert(before.s.running != l ||
		       e.s.loc[l].armed == TPMIX_ARMED_EARLY);
	}
	/* What it is compared with is still what its locality ran. */
	assert(e.s.loc[l].armed != TPMIX_ARMED_EARLY || run.at_k == run_k);
	possible(tpmix_busy(&e) && !armed);
	possible(armed == TPMIX_ARMED_EARLY && compared);
}
