/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that writes START, or tpmGo, for a command while another runs: neither is
 * taken for the other. The START waits; nothing starts, nothing else changes. START
 * reads 1. Where the command that runs is of the same locality the START is a new one
 * only if it was armed and, where that came while the command ran, the buffer holds
 * other bytes; if it is not new nothing changes but that. Twin: not new.
 */
#define STEADY
#define TWIN_PLACE 5
#define CASES_PLACE 5
#include "place.h"

/* As PTP and TIS have it: Expect is 0, in Reception. */
static bool go_is_new(struct write w)
{
	uint32_t sts;

	tpmix_fifo_read32(&e, w.locality, TPM_REG_STS, 4, &sts);
	return e.s.loc[w.locality].state == TPMIX_RECEPTION &&
	       !(sts & TPM_STS_EXPECT);
}

static void theorem(struct write w)
{
	struct tpmix_loc *l = &e.s.loc[w.locality];
	struct snapshot before;
	uint8_t armed = l->armed;
	uint32_t start;
	bool new;

	assume(tpmix_busy(&e));
	before = snapshot();
	if (w.door == CRB) {
		assume(w.val & TPM_CTRL_START_INVOKE);
		do_write(w);
		new = armed == TPMIX_ARMED ||
		      (armed == TPMIX_ARMED_EARLY && !compared);
		before.s.loc[w.locality].armed = TPMIX_DISARMED;
		tpmix_crb_read32(&e, w.locality, TPM_REG_CTRL_START, &start);
		assert(start == TPM_CTRL_START_INVOKE);
	} else {
		uint32_t goal = TPM_STS_GO | TPM_STS_COMMAND_READY |
				TPM_STS_RESPONSE_RETRY;

		/* tpmGo alone: reset establishment and cancel are not its. */
		assume((w.val & goal) == TPM_STS_GO);
		assume(!(w.val & (TPM_STS_COMMAND_CANCEL |
				  TPM_STS_RESET_ESTABLISHMENT)));
		new = go_is_new(w);
		do_write(w);
	}
#ifndef TWIN
	if (new)
#endif
	{
		assert(e.s.waiting == w.locality ||
		       e.s.waiting == e.s.running);
		before.s.waiting = e.s.waiting;
	}
	assert(unchanged(&before));
	possible(new && e.s.running == w.locality);
	possible(new && e.s.running != w.locality);
	possible(!new && armed == TPMIX_ARMED_EARLY);
}
