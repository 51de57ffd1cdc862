/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2 for a write that reaches two or three registers, neighbours as lift_write shows
 * them: done twice it equals the write done once. Where it accepted a command, or one
 * runs, r2_repeat. Twin: with what accepts.
 */
#define STEADY
#define SEQUENCES
#define TWIN_PLACE 3
#define CASES_PLACE 5
#include "place.h"

#define WORDS 3

static struct write w[WORDS];

/* Of the bytes from w[0] on, @size from @begin: those in w[@i]. */
static uint32_t covered(unsigned int i, unsigned int begin, unsigned int size)
{
	uint32_t mask = 0;
	unsigned int at;

	for (at = i * 4; at < i * 4 + 4; at++) {
		if (at >= begin && at < begin + size) {
			mask |= 0xFFu << (at % 4 * 8);
		}
	}
	return mask;
}

static void do_all(void)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		if (w[i].mask) {
			do_write(w[i]);
		}
	}
}

static void theorem(struct write first)
{
	unsigned int i, begin = any_u8(), size = any_u8();
	uint32_t accepted = e.s.accepted;
	struct snapshot once;

	assume(begin < 4 && size <= 8);
	for (i = 0; i < WORDS; i++) {
		w[i] = (struct write) {
			first.door, first.locality, first.off + i * 4, any_u32(),
			covered(i, begin, size),
		};
		assume(!(w[i].val & ~w[i].mask));
	}
	do_all();
	assume(!tpmix_busy(&e) && e.s.waiting == TPMIX_NO_LOCALITY);
#ifndef TWIN
	assume(e.s.accepted == accepted);
#endif
	once = snapshot();
	do_all();
	assert(unchanged(&once));
	possible(w[0].mask && w[1].mask && w[2].mask);
}
