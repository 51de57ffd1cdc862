/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A START or tpmGo that waits does so until the running command ends, whatever anybody
 * writes: unless its own locality takes a new goal, or another's START takes its place;
 * and neither where it waits for a command of its own locality, for then the response
 * to that one would be found in its place. Twin: without a locality's new goal.
 */
#define TWIN_PLACE 3
#define CASES_PLACE 3
#include "place.h"

static bool goal(struct write w)
{
	return (w.door == FIFO && w.off == TPM_REG_STS) ||
	       (w.door == CRB && w.off == TPM_REG_CTRL_REQ);
}

static bool start(struct write w)
{
	return (w.door == FIFO && w.off == TPM_REG_STS) ||
	       (w.door == CRB && w.off == TPM_REG_CTRL_START);
}

static void theorem(struct write w)
{
	struct tpmix_state_all old;

	assume(tpmix_loc_ok(e.s.waiting));
	old = e.s;
	do_write(w);
	assert(e.s.running == old.running && e.s.accepted == old.accepted);
	if (e.s.waiting == TPMIX_NO_LOCALITY) {
#ifdef TWIN
		assert(!goal(w));
#endif
		assert(goal(w) && w.locality == old.waiting);
		assert(old.waiting != old.running);
		possible(e.s.active == w.locality);
	} else if (e.s.waiting != old.waiting) {
		assert(start(w) && w.locality == e.s.waiting);
		assert(old.waiting != old.running);
	}
}
