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

/* CRC-16/KERMIT, four bits a step. */
static const uint16_t crc_table[16] = {
	0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
	0x8408, 0x9489, 0xA50A, 0xB58B, 0xC60C, 0xD68D, 0xE70E, 0xF78F,
};

uint16_t tpmix_crc16(const uint8_t *data, uint32_t len)
{
	uint32_t crc = 0;
	uint32_t i;

	for (i = 0; i < len; i++) {
		crc ^= data[i];
		crc = crc >> 4 ^ crc_table[crc & 0xF];
		crc = crc >> 4 ^ crc_table[crc & 0xF];
	}
	return (uint16_t)crc;
}
