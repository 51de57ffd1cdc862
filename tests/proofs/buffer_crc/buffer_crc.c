/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine/buffer.c itself: the checksum is CRC-16/KERMIT, bit by bit, for any 4 bytes,
 * and finds any one changed bit. Twin: start 0xFFFF.
 */
#include <assert.h>

#include "internal.h"

#ifdef TWIN
#define START 0xFFFFu
#else
#define START 0u
#endif

/* Division by the unreflected polynomial, the bits of a byte from the lowest. */
static uint16_t remainder(const uint8_t *data, uint32_t len)
{
	uint32_t reg = START, out = 0, i;

	for (i = 0; i < len * 8; i++) {
		uint32_t in = data[i / 8] >> (i % 8) & 1;

		reg = (reg << 1 & 0xFFFF) ^ ((reg >> 15 ^ in) ? 0x1021 : 0);
	}
	for (i = 0; i < 16; i++) {
		out |= (reg >> i & 1) << (15 - i);
	}
	return (uint16_t)out;
}

void proof(void)
{
	uint8_t data[4], bit;
	uint16_t crc = tpmix_crc16(data, sizeof(data));

	assert(crc == remainder(data, sizeof(data)));
	__CPROVER_assume(bit < 32);
	data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	assert(crc != tpmix_crc16(data, sizeof(data)));
}
