/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R7: a guest that is rolled back from any point of its transaction to any earlier
 * one, and runs on, gets the same response; the TPM ran the command once. A command
 * and a response of 16 bytes, completed at any time. Twin: the response by XDATA_FIFO.
 */
#define STEADY
#include "proof.h"

#define STEPS 10
#ifndef WAY
#define WAY 0
#endif
/* FIFO with the trapped window; the same with RAM; CRB, extension page and RAM. */
#define INTERFACE (WAY == 2 ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO)
#define BLOCK (WAY == 2 ? TPMIX_EXT : 0)
#define COMMAND(at) ((WAY == 0 ? TPMIX_WINDOW : TPMIX_CMD_WINDOW) + (at))
#ifdef TWIN
#define RESPONSE(at) TPM_REG_XDATA_FIFO
#else
#define RESPONSE(at) ((WAY == 0 ? TPMIX_WINDOW : TPMIX_RSP_WINDOW) + (at))
#endif

static uint32_t ticket, expect;
static uint64_t sent[2], got[2];

static void answer_now(void)
{
	if (tpmix_busy(&e)) {
		tpmix_complete(&e, ticket, &answer_mem, answer_len, true);
	}
}

/* Steps 1 to 5 of docs/specification.md, "Transaction", one access each. */
static void step(unsigned int i)
{
	switch (i) {
	case 0:
		if (WAY == 2) {
			write((struct access) { TPM_REG_LOC_CTRL, 1, 4 });
		} else {
			write((struct access) { TPM_REG_ACCESS, 2, 1 });
		}
		break;
	case 1:
	case 7:
		write((struct access) { BLOCK + TPMIX_REG_INDEX, 0, 4 });
		break;
	case 2:
	case 3:
		write((struct access) { COMMAND((i - 2) * 8), sent[i - 2], 8 });
		break;
	case 4:
		write((struct access) {
			BLOCK + TPMIX_REG_CSUM_EXPECT, expect, 4 });
		break;
	case 5:
		write((struct access) {
			BLOCK + TPMIX_REG_DOORBELL, ticket, 4 });
		/* Where a checksum is expected it is that of the command. */
		assume(e.s.accepted == ticket ||
		       !(expect & TPMIX_CSUM_EXPECT_ON));
		assert(e.s.accepted == ticket);
		break;
	case 6: /* polls until COMPLETED is the ticket */
		answer_now();
		break;
	default:
		got[i - 8] = tpmix_mmio_read(&e, RESPONSE((i - 8) * 8), 8);
		break;
	}
	if (any_bool()) {
		answer_now();
	}
}

void proof(void)
{
	unsigned int i, to = any_u8(), from = any_u8();

	any_valid_machine();
	assume(to < STEPS && from <= to && k < 16);
	/* Of a twin one case is enough, and of the cases the longest. */
#if defined(TWIN)
	assume(to == STEPS - 1 && from == STEPS - 2);
	to = STEPS - 1;
	from = STEPS - 2;
#elif defined(POSSIBLE)
	assume(to == STEPS - 1 && from == 0);
	to = STEPS - 1;
	from = 0;
#endif
	/* Locality 0 is alone, and what it wrote last left nothing running. */
	assume(!tpmix_busy(&e) && !e.s.last.size);
	assume(e.s.active == 0 || e.s.active == TPMIX_NO_LOCALITY);
	assume(e.s.bufsize >= 16 && e.s.family != TPMIX_FAMILY_NONE);
	assume(WAY == 0 || tpmix_has_ram(&e));
	assume(e.s.interface == INTERFACE);
	e.s.interface = INTERFACE;
	assume(e.cfg.localities == TPMIX_NUM_LOCALITIES && (WAY < 2 || e.cfg.crb));
	e.cfg.localities = TPMIX_NUM_LOCALITIES;
	e.cfg.crb = WAY == 2 ? true : e.cfg.crb;
	ticket = e.s.accepted + 1;
	expect = any_u32();
	sent[0] = any_u64();
	sent[1] = any_u64();
	assume((sent[0] >> 16 & 0xFFFFFFFF) == 0x10000000); /* 16, big-endian */
	any_bytes(&answer);
	answer_len = 16;
	assume(tpmix_get_be32(&answer_mem, 2) == 16);

	for (i = 0; i < STEPS; i++) {
		if (i <= to) {
			step(i);
		}
	}
	for (i = 0; i < STEPS; i++) {
		if (i >= from) {
			step(i);
		}
	}
	assert(seen.starts == 1 && seen.len == 16);
	assert(run.at_k == (uint8_t)(sent[k / 8] >> (k % 8 * 8)));
	assert((uint8_t)(got[k / 8] >> (k % 8 * 8)) == answer.at_k);
	possible(seen.starts == 1 && (expect & TPMIX_CSUM_EXPECT_ON));
}
