/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine/buffer.c itself: what model.h says of get, put, fill, copy, same and put_word
 * is so, for any range of a buffer of 24 bytes. Twin: copying one byte more.
 */
#include <assert.h>

#include "internal.h"

#define SIZE 24

void proof(void)
{
	uint8_t to[SIZE], from[SIZE], byte, old;
	uint32_t k, at, begin, end, val, words[SIZE / 4];
	bool stored;

	__CPROVER_assume(k < SIZE && at < SIZE && begin < SIZE && end <= SIZE);
	old = to[k];
	assert(tpmix_get(to, k) == old);
	tpmix_copy(to, from, begin, end);
#ifdef TWIN
	assert(to[k] == (begin <= k && k <= end ? from[k] : old));
#else
	assert(to[k] == (begin <= k && k < end ? from[k] : old));
#endif
	old = to[k];
	tpmix_put(to, at, byte);
	assert(to[k] == (k == at ? byte : old));
	old = to[k];
	tpmix_fill(to, byte, begin, end);
	assert(to[k] == (begin <= k && k < end ? byte : old));
	old = ((const uint8_t *)words)[at];
	stored = tpmix_put_word(words, at / 4, val);
	assert(((const uint8_t *)words)[at] == (uint8_t)(val >> (at % 4 * 8)));
	assert(stored || old == (uint8_t)(val >> (at % 4 * 8)));
	/* "The same" says so of each byte, and is said of what was copied. */
	assert(!tpmix_same(to, from, end) || k >= end || to[k] == from[k]);
	tpmix_copy(to, from, 0, end);
	assert(tpmix_same(to, from, end));
}
