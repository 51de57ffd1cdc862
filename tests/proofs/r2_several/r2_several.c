/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2 for a write that reaches two or three registers, neighbours as lift_write shows
 * them, or up to eight bytes of a buffer: done twice it equals the write done once. Where
 * it accepted a command, or one runs, r2_repeat. Twin: with what accepts.
 */
#define STEADY
#define SEQUENCES
#define TWIN_PLACE 3
#define CASES_PLACE 5
#include "place.h"

/* Bytes of the buffers at the end: the window, and the buffer of CRB. */
#define WORDS 3
#define BYTES 8

static struct write w[BYTES];

/* Of the bytes of n words or bytes from w[0] on, @size from @begin. */
static uint32_t covered(unsigned int i, unsigned int begin, unsigned int size)
{
	uint32_t mask = 0;
	unsigned int k;

	for (k = 0; k < 4; k++) {
		if (i * 4 + k >= begin && i * 4 + k < begin + size) {
			mask |= 0xFFu << (k * 8);
		}
	}
	return mask;
}

static void do_all(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (w[i].mask) {
			do_write(w[i]);
		}
	}
}

static void theorem(struct write first)
{
	uint32_t accepted = e.s.accepted;
	unsigned int begin = any_u8(), size = any_u8();
	unsigned int i, n = first.door == WINDOW || first.door == BUFFER ?
			    BYTES : WORDS;
	struct snapshot once;

	assume(begin < 4 && size <= 8);
	for (i = 0; i < n; i++) {
		uint32_t off = first.off + (n == BYTES ? i : i * 4);

		w[i] = (struct write) {
			first.door, first.locality, off, any_u32(),
			n == BYTES ? 0xFF * (i < size) : covered(i, begin, size),
		};
		assume(!(w[i].val & ~w[i].mask));
	}
	do_all(n);
	assume(!tpmix_busy(&e) && e.s.next == TPMIX_NO_LOCALITY);
#ifndef TWIN
	assume(e.s.accepted == accepted);
#endif
	once = snapshot();
	do_all(n);
	assert(unchanged(&once));
	possible(w[0].mask && w[1].mask && w[2].mask);
}
