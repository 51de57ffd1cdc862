/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cure that was tried in 2011, on the engine's FIFO: after a resume the device moves its
 * hidden pointer back by one. A response of 62 bytes, a suspend at each of its bytes, and a
 * machine monitor that has completed the read when it stops (KVM and QEMU of today) or that
 * runs it once more (those of then); with the decrement and without. A guest as Linux' tpm_tis.
 *
 *   decrement >JSON
 */
#define BENCH_CAPACITY 4096
#include <stdio.h>

#include "../unit/bench.h"

#define RESPONSE 62u
#define HEADER   10u

enum outcome { RIGHT, WRONG, FAILED };

static const char *const names[] = { "right", "wrong", "failed" };

static uint8_t sts(struct bench *b)
{
	return (uint8_t)tpmix_mmio_read(&b->e, TPM_REG_STS, 1);
}

static uint8_t read_byte(struct bench *b, bool suspended, bool again, bool decrement)
{
	uint8_t byte = (uint8_t)tpmix_mmio_read(&b->e, TPM_REG_DATA_FIFO, 1);

	if (suspended) {
		/* resumed: the device, then the machine monitor */
		b->e.s.rsp_pos -= decrement && b->e.s.rsp_pos;
		if (again) {
			byte = (uint8_t)tpmix_mmio_read(&b->e, TPM_REG_DATA_FIFO, 1);
		}
	}
	return byte;
}

/* As many bytes as burstCount says, while there is data. */
static uint32_t receive(struct bench *b, uint8_t *to, uint32_t got, uint32_t end,
			uint32_t suspend, bool again, bool decrement)
{
	while (got < end && sts(b) & TPM_STS_DATA_AVAIL) {
		uint32_t burst = (uint32_t)tpmix_mmio_read(&b->e, TPM_REG_STS, 4) >> 8 & 0xFFFF;

		for (burst = MIN(burst, end - got); burst; burst--, got++) {
			to[got] = read_byte(b, got == suspend, again, decrement);
		}
	}
	return got;
}

static enum outcome transact(uint32_t suspend, bool again, bool decrement)
{
	static struct bench b;
	const uint8_t cmd[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 48 };
	uint8_t want[RESPONSE], got[RESPONSE + 8] = { 0 };
	uint32_t i, size, n;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	tpmix_write(&b.e, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	tpmix_write(&b.e, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	for (i = 0; i < sizeof(cmd); i++) {
		tpmix_write(&b.e, TPM_REG_DATA_FIFO, cmd[i], 1);
	}
	tpmix_write(&b.e, TPM_REG_STS, TPM_STS_GO, 1);
	/* No two neighbours are equal: a byte more or less is seen. */
	for (i = 0; i < RESPONSE; i++) {
		want[i] = (uint8_t)(0x40 + i);
	}
	memcpy(want, "\x80\x01\0\0\0\x3E\0\0\0\0", HEADER);
	g_assert_true(tpmix_complete(&b.e, b.ticket, want, RESPONSE, true));

	n = receive(&b, got, 0, HEADER, suspend, again, decrement);
	size = (uint32_t)got[2] << 24 | (uint32_t)got[3] << 16 | (uint32_t)got[4] << 8 | got[5];
	if (n < HEADER || size < HEADER || size > RESPONSE + 8) {
		return FAILED;
	}
	n = receive(&b, got, n, size, suspend, again, decrement);
	if (n < size || sts(&b) & TPM_STS_DATA_AVAIL) {
		return FAILED;
	}
	return size == RESPONSE && !memcmp(got, want, RESPONSE) ? RIGHT : WRONG;
}

int main(void)
{
	unsigned int way;
	uint32_t at;

	printf("{\"response\": %u, \"header\": %u, \"cases\": [", RESPONSE, HEADER);
	for (way = 0; way < 4; way++) {
		printf("%s\n{\"runs_again\": %s, \"decrement\": %s, \"outcomes\": [",
		       way ? "," : "", way & 1 ? "true" : "false", way & 2 ? "true" : "false");
		for (at = 0; at < RESPONSE; at++) {
			printf("%s\"%s\"", at ? ", " : "", names[transact(at, way & 1, way & 2)]);
		}
		printf("]}");
	}
	printf("]}\n");
	return 0;
}
