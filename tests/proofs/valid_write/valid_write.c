/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any write, from any valid state, leaves a valid state; nothing undefined. It
 * touches nothing of what mmio.c and ram.c keep. Twin: from any state.
 */
#define ANSWERS_AT_ONCE
#define TWIN_PLACE 9
#define CASES_PLACE 7
#ifdef TWIN
#define ANY_BITS
#endif
#include "place.h"

static void theorem(struct write w)
{
	struct tpmix_last_write last = e.s.last;

	do_write(w);
	assert(tpmix_valid(&e));
	assert(e.s.last.val == last.val && e.s.last.addr == last.addr &&
	       e.s.last.size == last.size);
	possible(seen.starts);
	possible(e.s.rsp_owner == w.locality);
}
