/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transactions of the guests that are there, access by access, on the CRB door,
 * as each of them writes and reads.
 */
#ifndef CRB_GUESTS_H
#define CRB_GUESTS_H

#include "bench.h"

#define COMMAND  14u
#define RESPONSE 26u

enum kind {
	WRITE,          /* a register, or +0x80 */
	READ,
	READ_RESPONSE,  /* +0x80 or the trapped window; response from @at on */
	RAM_WRITE,      /* the mapped command window, command from @at on */
	RAM_READ,       /* the mapped response window */
	POLL,           /* until START is 0, or COMPLETED the ticket */
};

enum { ARMS = 1, LEAVES = 2, STARTS = 4 };

struct op {
	enum kind kind;
	uint32_t addr;
	unsigned int size;
	uint64_t val;
	uint32_t at;
	unsigned int flags;
};

struct guest {
	struct op op[128];
	unsigned int n;
	unsigned int locality;
	uint8_t cmd[COMMAND];
};

static inline void op(struct guest *g, enum kind kind, uint32_t addr, unsigned int size,
	       uint64_t val, unsigned int flags)
{
	g_assert_cmpuint(g->n, <, G_N_ELEMENTS(g->op));
	g->op[g->n++] = (struct op) { .kind = kind, .addr = addr, .size = size,
				      .val = val, .flags = flags };
}

/* A buffer in pieces of @size bytes. */
static inline void op_buffer(struct guest *g, enum kind kind, uint32_t addr, uint32_t len,
		      unsigned int size, unsigned int flags)
{
	uint32_t at;

	for (at = 0; at < len; at += size) {
		uint64_t val = 0;

		/* a larger RAM_WRITE is all of the command */
		if (at < COMMAND && size <= 8) {
			val = bench_value(g->cmd + at, MIN(size, COMMAND - at));
		}
		op(g, kind, addr + at, MIN(size, len - at), val, flags);
		g->op[g->n - 1].at = at;
	}
}

/* Linux 6.x tpm_crb: request, cmdReady, RAM, START, RAM, goIdle, relinquish. */
static inline void linux_crb(struct guest *g)
{
	op(g, WRITE, 0x08, 4, 1, ARMS);
	op(g, READ, 0x00, 4, 0, 0);
	op(g, WRITE, 0x40, 4, 1, ARMS);
	op(g, READ, 0x40, 4, 0, 0);
	op(g, WRITE, 0x48, 4, 0, ARMS);
	op_buffer(g, RAM_WRITE, 0, COMMAND, 8, 0);
	op(g, WRITE, 0x4C, 4, 1, STARTS);
	op(g, POLL, 0x4C, 4, 0, 0);
	op(g, READ, 0x44, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, 8, 0);
	op(g, WRITE, 0x40, 4, 2, 0);
	op(g, READ, 0x40, 4, 0, 0);
	op(g, WRITE, 0x08, 4, 2, LEAVES);
	op(g, READ, 0x00, 4, 0, 0);
}

/* SeaBIOS 1.16: no cmdReady before its first command, one after each. */
static inline void seabios(struct guest *g)
{
	op(g, WRITE, 0x08, 1, 1, ARMS);
	op(g, READ, 0x00, 1, 0, 0);
	op_buffer(g, RAM_WRITE, 0, COMMAND, 4, 0);
	op(g, WRITE, 0x4C, 4, 1, STARTS);
	op(g, POLL, 0x4C, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, 4, 0);
	op(g, WRITE, 0x40, 4, 1, ARMS);
}

/* edk2's PtpCrbTpmCommand(): +0x80 by bytes, and the registers it believes in. */
static inline void edk2(struct guest *g)
{
	const uint32_t page = g->locality << 12;

	op(g, WRITE, page | 0x08, 4, 1, ARMS);
	op(g, READ, page | 0x00, 4, 0, 0);
	op(g, WRITE, page | 0x40, 4, 1, ARMS);
	op(g, READ, page | 0x40, 4, 0, 0);
	op(g, READ, page | 0x44, 4, 0, 0);
	op_buffer(g, WRITE, page | 0x80, COMMAND, 1, ARMS);
	op(g, WRITE, page | 0x60, 4, 0, 0);
	op(g, WRITE, page | 0x5C, 4, 0xFED40080, 0);
	op(g, WRITE, page | 0x58, 4, 0xF80, 0);
	op(g, WRITE, page | 0x68, 8, 0xFED40080, 0);
	op(g, WRITE, page | 0x64, 4, 0xF80, 0);
	op(g, WRITE, page | 0x4C, 4, 1, STARTS);
	op(g, POLL, page | 0x4C, 4, 0, 0);
	op_buffer(g, READ_RESPONSE, page | 0x80, RESPONSE, 1, 0);
	op(g, WRITE, page | 0x40, 4, 2, 0);
	op(g, READ, page | 0x44, 4, 0, 0);
}

/* QEMU's tpm_util_crb_transfer(): START from Idle, and nothing after it. */
static inline void qtest(struct guest *g)
{
	op(g, WRITE, 0x08, 1, 1, ARMS);
	op_buffer(g, RAM_WRITE, 0, COMMAND, COMMAND, 0);
	op(g, WRITE, 0x4C, 4, 1, STARTS);
	op(g, POLL, 0x4C, 4, 0, 0);
	op(g, READ, 0x44, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, RESPONSE, 0);
}

/* QEMU's tpm-crb-test: cmdReady, then goIdle, then START. */
static inline void from_idle(struct guest *g)
{
	op(g, WRITE, 0x08, 1, 1, ARMS);
	op(g, WRITE, 0x40, 4, 1, ARMS);
	op(g, READ, 0x44, 4, 0, 0);
	op(g, WRITE, 0x40, 4, 2, 0);
	op_buffer(g, RAM_WRITE, 0, COMMAND, 8, 0);
	op(g, WRITE, 0x4C, 4, 1, STARTS);
	op(g, POLL, 0x4C, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, 8, 0);
	op(g, WRITE, 0x08, 4, 2, LEAVES);
}

/* The project's driver: RAM and doorbell, polling the header page. */
static inline void driver_ram(struct guest *g)
{
	op(g, WRITE, 0x08, 4, 1, 0);
	op_buffer(g, RAM_WRITE, 0, COMMAND, 8, 0);
	op(g, WRITE, 0x6FC8, 8, 2ull << 32 | 0x10000 |
				tpmix_crc16(g->cmd, COMMAND), 0);
	op(g, POLL, 0x30FD8, 4, 2, 0);
	op(g, READ, 0x30FDC, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, 8, 0);
	op(g, READ, 0x30FE0, 4, 0, 0);
	op(g, WRITE, 0x08, 4, 2, LEAVES);
}

/* The same by the trapped window. */
static inline void driver_window(struct guest *g)
{
	const uint32_t page = g->locality << 12, ext = page + 0x6000;

	op(g, WRITE, page | 0x08, 4, 1, 0);
	op(g, WRITE, ext | 0xFC0, 4, 0, 0);
	op_buffer(g, WRITE, ext | 0x100, COMMAND, 8, 0);
	op(g, WRITE, ext | 0xFC8, 8, 2ull << 32 | 0x10000 |
				     tpmix_crc16(g->cmd, COMMAND), 0);
	op(g, POLL, ext | 0xFD8, 4, 2, 0);
	op(g, WRITE, ext | 0xFC0, 4, 0, 0);
	op_buffer(g, READ_RESPONSE, ext | 0x100, RESPONSE, 8, 0);
	op(g, READ, ext | 0xFE0, 4, 0, 0);
	op(g, WRITE, page | 0x08, 4, 2, LEAVES);
}

#endif /* CRB_GUESTS_H */
