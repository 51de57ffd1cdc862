/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every access to the bytes of a buffer, and nothing else. tests/proofs replaces
 * this file by a model of itself and proves it apart: docs/soundness.md.
 */
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

uint8_t tpmix_get(const uint8_t *buf, uint32_t at)
{
	return buf[at];
}

void tpmix_put(uint8_t *buf, uint32_t at, uint8_t byte)
{
	buf[at] = byte;
}

void tpmix_fill(uint8_t *buf, uint8_t byte, uint32_t begin, uint32_t end)
{
	if (begin < end) {
		memset(buf + begin, byte, end - begin);
	}
}

void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end)
{
	if (begin < end) {
		memcpy(to + begin, from + begin, end - begin);
	}
}

bool tpmix_same(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	return memcmp(a, b, len) == 0;
}

static uint32_t to_le(uint32_t val)
{
	const union {
		uint8_t byte[4];
		uint32_t word;
	} le = { {
		(uint8_t)val, (uint8_t)(val >> 8), (uint8_t)(val >> 16),
		(uint8_t)(val >> 24),
	} };

	return le.word;
}

bool tpmix_put_word(uint32_t *words, uint32_t at, uint32_t val)
{
	/* volatile: in one access, not in bytes. */
	volatile uint32_t *word = &words[at];

	if (*word == to_le(val)) {
		return false;
	}
	*word = to_le(val);
	return true;
}

void tpmix_fence(void)
{
	atomic_thread_fence(memory_order_release);
}

/*
 * CRC-16/KERMIT is the remainder of the message, a polynomial over GF(2), by
 * P = x^16 + x^12 + x^5 + 1. Squaring adds no mixed terms there: P to the power 2^k
 * is x^(16 * 2^k) + x^(12 * 2^k) + x^(5 * 2^k) + 1, and P divides it. So the bits of
 * a whole unit of 2^k bits can be taken off the front of a message and added to the
 * units 4, 11 and 16 behind it, and the remainder stays the same: in units of 64
 * bits first, of a byte then.
 */
#define UNITS   16u                             /* behind the one that is taken off */
#define WORD    ((uint32_t)sizeof(uint64_t))

/* Word @i of each 16. With @i constant the sums stay in the processor's registers. */
#define FOLD_WORD(i) do { \
	memcpy(&word, data + (i) * WORD, WORD); \
	sum[i] ^= word; \
	sum[((i) + 4) % UNITS] ^= sum[i]; \
	sum[((i) + 11) % UNITS] ^= sum[i]; \
} while (0)

/*
 * Takes words off the front, 16 at a time. @rest, below 32 words long, is a
 * message with the same remainder. Returns its length.
 */
static uint32_t fold_words(const uint8_t *data, uint32_t len, uint8_t *rest)
{
	uint64_t sum[UNITS] = { 0 };
	uint64_t word;
	uint32_t i;

	for (; len >= 2 * UNITS * WORD; data += UNITS * WORD, len -= UNITS * WORD) {
		FOLD_WORD(0);
		FOLD_WORD(1);
		FOLD_WORD(2);
		FOLD_WORD(3);
		FOLD_WORD(4);
		FOLD_WORD(5);
		FOLD_WORD(6);
		FOLD_WORD(7);
		FOLD_WORD(8);
		FOLD_WORD(9);
		FOLD_WORD(10);
		FOLD_WORD(11);
		FOLD_WORD(12);
		FOLD_WORD(13);
		FOLD_WORD(14);
		FOLD_WORD(15);
	}
	tpmix_copy(rest, data, 0, len);
	for (i = 0; i < UNITS && len >= UNITS * WORD; i++) {
		memcpy(&word, rest + i * WORD, WORD);
		word ^= sum[i];
		memcpy(rest + i * WORD, &word, WORD);
	}
	return len;
}

uint16_t tpmix_crc16(const uint8_t *data, uint32_t len)
{
	uint8_t rest[2 * UNITS * WORD];
	uint32_t crc = 0;
	uint32_t i;

	len = fold_words(data, len, rest);
	for (i = 0; len - i > UNITS; i++) {
		rest[i + 4] ^= rest[i];
		rest[i + 11] ^= rest[i];
		rest[i + 16] ^= rest[i];
	}
	/* What is left, eight bits at once. */
	for (; i < len; i++) {
		uint32_t x = (crc ^ rest[i]) & 0xFF;

		x ^= x << 4 & 0xFF;
		crc = crc >> 8 ^ x << 8 ^ x << 3 ^ x >> 4;
	}
	return (uint16_t)crc;
}
