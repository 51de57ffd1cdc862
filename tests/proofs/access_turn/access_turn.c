/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is active changes by writes of ACCESS and LOC_CTRL alone, at once, whatever runs:
 * to the locality that writes, or, where the active one relinquishes, to the highest
 * that requests at that moment, or to none. What a locality requests it has written
 * itself, and a relinquish takes it back: what was withdrawn is never granted.
 * complete_apart: nor by a completion. Twin: seizes are requests.
 */
#define TWIN_PLACE 0
#define CASES_PLACE 0
#include "place.h"

#define REQUESTS(state, l) ((state).loc[l].access & TPM_ACCESS_REQUEST_USE)

static bool asks(struct write w)
{
	return w.off == TPM_REG_ACCESS ?
	       w.val & (TPM_ACCESS_REQUEST_USE | TPM_ACCESS_SEIZE) :
	       w.val & (TPM_LOC_CTRL_REQUEST_ACCESS | TPM_LOC_CTRL_SEIZE);
}

static bool seizes(struct write w)
{
	return w.val & (w.off == TPM_REG_ACCESS ? (uint32_t)TPM_ACCESS_SEIZE :
						  (uint32_t)TPM_LOC_CTRL_SEIZE);
}

/* Of several bits relinquish counts before request, seize before both. */
static bool relinquishes(struct write w)
{
	return w.off == TPM_REG_ACCESS ?
	       (w.val & TPM_ACCESS_ACTIVE_LOCALITY) && !seizes(w) :
	       (w.val & TPM_LOC_CTRL_RELINQUISH) && !seizes(w);
}

static void theorem(struct write w)
{
	struct tpmix_state_all old = e.s;
	bool turn = (w.door == FIFO && w.off == TPM_REG_ACCESS) ||
		    (w.door == CRB && w.off == TPM_REG_LOC_CTRL);
	uint8_t l = any_u8();

	assume(l < TPMIX_NUM_LOCALITIES);
	do_write(w);
	if (!turn) {
		assert(e.s.active == old.active);
		assert(REQUESTS(e.s, l) == REQUESTS(old, l));
	} else if (e.s.active != old.active && e.s.active == w.locality) {
		assert(asks(w) && !relinquishes(w));
	} else if (e.s.active != old.active) {
		assert(old.active == w.locality && relinquishes(w));
		assert(e.s.active == TPMIX_NO_LOCALITY || REQUESTS(old, e.s.active));
		assert(l == w.locality || !REQUESTS(old, l) ||
		       (e.s.active != TPMIX_NO_LOCALITY && l <= e.s.active));
		possible(tpmix_busy(&e));
	}
	/* TIS 1.3 5.6.4: a higher locality has it at once; where none is active, any. */
	if (turn && (old.active == TPMIX_NO_LOCALITY ?
		     asks(w) && !relinquishes(w) :
		     seizes(w) && w.locality > old.active)) {
		assert(e.s.active == w.locality);
	}
	if (turn && relinquishes(w)) {
		assert(e.s.active != w.locality);
		assert(!REQUESTS(e.s, w.locality));
	}
	/* A request comes from its locality, and goes with it, or by its grant. */
	if (turn && REQUESTS(e.s, l) && !REQUESTS(old, l)) {
		assert(l == w.locality && asks(w));
#ifdef TWIN
		assert(w.val & TPM_ACCESS_SEIZE);
#endif
	}
	if (turn && !REQUESTS(e.s, l) && REQUESTS(old, l)) {
		assert(l == w.locality || l == e.s.active);
	}
	assert(!turn || (e.s.running == old.running &&
			 e.s.waiting == old.waiting));
}
