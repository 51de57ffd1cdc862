/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers that place.h does not list do nothing: reserved and read-only ones, at
 * any aligned offset, of any locality. Twin: without the exception of INDEX.
 */
#define EACH_DOOR
#define TWIN_PLACE 2
#define CASES_PLACE 0
#include "place.h"

static bool listed(enum door door, uint32_t off)
{
#define X(n, d, o) if (door == d && off == o) { return true; }
#ifdef TWIN
	if (off == TPMIX_REG_INDEX) {
		return false;
	}
#endif
	PLACES(X)
#undef X
	return false;
}

static void theorem(struct write w)
{
	struct snapshot before = snapshot();

	w.off = any_u32();
	assume(!(w.off & 3) && !listed(w.door, w.off));
	do_write(w);
	assert(unchanged(&before) && !seen.resets);
	possible(w.off > 0xF00);
}
