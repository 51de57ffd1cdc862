/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: an active locality's write to INDEX sets it, whatever was there, and nothing
 * else. (Unless it repeats the last write: then INDEX was set already, or the locality
 * was not active; docs/soundness.md.) Twin: 2 bytes.
 */
#ifdef TWIN
#define MASK 0xFFFF
#else
#define MASK 0xFFFFFFFF
#endif
#define FIRST 9
#define LAST 9
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before = snapshot();

	assume(w.mask == MASK);
	do_write(w);
	assert(e.s.loc[w.locality].index == w.val);
	before.s.loc[w.locality].index = w.val;
	assert(unchanged(&before));
	possible(w.val > TPMIX_BUFFER_MAX);
}
