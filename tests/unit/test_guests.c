/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transactions of the guests that are there, access by access, on the CRB door:
 * each access repeated at once, after the next k, before and after the completion.
 * The response that the guest has read is right, and its command ran once.
 */
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

static void op(struct guest *g, enum kind kind, uint32_t addr, unsigned int size,
	       uint64_t val, unsigned int flags)
{
	g_assert_cmpuint(g->n, <, G_N_ELEMENTS(g->op));
	g->op[g->n++] = (struct op) { .kind = kind, .addr = addr, .size = size,
				      .val = val, .flags = flags };
}

/* A buffer in pieces of @size bytes. */
static void op_buffer(struct guest *g, enum kind kind, uint32_t addr, uint32_t len,
		      unsigned int size, unsigned int flags)
{
	uint32_t at;

	for (at = 0; at < len; at += size) {
		uint64_t val = 0;

		/* a larger RAM_WRITE is all of the command */
		if (at < COMMAND && size <= 8) {
			memcpy(&val, g->cmd + at, MIN(size, COMMAND - at));
		}
		op(g, kind, addr + at, MIN(size, len - at), val, flags);
		g->op[g->n - 1].at = at;
	}
}

/* Linux 6.x tpm_crb: request, cmdReady, RAM, START, RAM, goIdle, relinquish. */
static void linux_crb(struct guest *g)
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
static void seabios(struct guest *g)
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
static void edk2(struct guest *g)
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
static void qtest(struct guest *g)
{
	op(g, WRITE, 0x08, 1, 1, ARMS);
	op_buffer(g, RAM_WRITE, 0, COMMAND, COMMAND, 0);
	op(g, WRITE, 0x4C, 4, 1, STARTS);
	op(g, POLL, 0x4C, 4, 0, 0);
	op(g, READ, 0x44, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, RESPONSE, 0);
}

/* QEMU's tpm-crb-test: cmdReady, then goIdle, then START. */
static void from_idle(struct guest *g)
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
static void driver_ram(struct guest *g)
{
	op(g, WRITE, 0x08, 4, 1, 0);
	op_buffer(g, RAM_WRITE, 0, COMMAND, 8, 0);
	op(g, WRITE, 0x6FC8, 8, 2ull << 32 | 0x10000 |
				tpmix_crc16(g->cmd, COMMAND), 0);
	op(g, POLL, 0xFFD8, 4, 2, 0);
	op(g, READ, 0xFFDC, 4, 0, 0);
	op_buffer(g, RAM_READ, 0, RESPONSE, 8, 0);
	op(g, READ, 0xFFE0, 4, 0, 0);
	op(g, WRITE, 0x08, 4, 2, LEAVES);
}

/* The same by the trapped window. */
static void driver_window(struct guest *g)
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

static void play(struct bench *b, const struct op *o, uint8_t *got)
{
	uint64_t val;

	switch (o->kind) {
	case WRITE:
		tpmix_write(&b->e, o->addr, o->val, o->size);
		break;
	case READ:
		tpmix_mmio_read(&b->e, o->addr, o->size);
		break;
	case READ_RESPONSE:
		val = tpmix_mmio_read(&b->e, o->addr, o->size);
		memcpy(got + o->at, &val, o->size);
		break;
	case RAM_WRITE:
		if (o->size <= 8) {
			memcpy(b->ram_cmd + o->at, &o->val, o->size);
		} else {
			make_command(b->ram_cmd, COMMAND, COMMAND, 0x6B);
		}
		break;
	case RAM_READ:
		memcpy(got + o->at, b->ram_rsp + o->at, o->size);
		break;
	case POLL:
		if (b->e.s.running != 0xFF) {
			complete(b, RESPONSE, (uint8_t)(0x40 + b->e.s.accepted));
		}
		g_assert_cmphex(tpmix_read(&b->e, o->addr, o->size), ==, o->val);
		break;
	}
}

/* Access @i comes once more after the @k that follow it. */
static void replay(const struct bench *fresh, const struct guest *g,
		   unsigned int i, unsigned int k, bool completes_first)
{
	unsigned int n, starts = 2, last = i + k;
	bool armed = false, active = true;
	uint8_t got[RESPONSE + 8], late[RESPONSE + 8];
	struct bench b;

	bench_clone(&b, fresh);
	for (n = 0; n < g->n; n++) {
		play(&b, &g->op[n], got);
		if (n > i && n <= last) {
			armed |= g->op[n].kind == WRITE && (g->op[n].flags & ARMS);
			active &= !(g->op[n].flags & LEAVES);
		}
		if (n != last) {
			continue;
		}
		if (completes_first && b.e.s.running != 0xFF) {
			complete(&b, RESPONSE, 0x42);
		}
		if (g->op[i].kind != POLL) {
			/* at once: the second read is what the guest gets */
			play(&b, &g->op[i], k == 0 ? got : late);
			check(&b);
		}
	}
	/* START names no ticket: what armed it since then was for the next one. */
	if ((g->op[i].flags & STARTS) && armed && active) {
		starts++;
	}
	g_assert_cmpuint(b.starts, ==, starts);
	g_assert_cmpmem(b.last_cmd, b.last_len, g->cmd, COMMAND);
	g_assert_cmphex(got[0] << 8 | got[1], ==, 0x8001);
	g_assert_cmphex(got[5], ==, RESPONSE);
	for (n = 6; n < RESPONSE; n++) {
		g_assert_cmphex(got[n], ==, n + 0x42);
	}
	check(&b);
}

struct who {
	const char *name;
	void (*script)(struct guest *g);
	unsigned int locality;
};

static const struct who whos[] = {
	{ "/guests/linux", linux_crb, 0 },
	{ "/guests/seabios", seabios, 0 },
	{ "/guests/edk2", edk2, 0 },
	{ "/guests/edk2/3", edk2, 3 },
	{ "/guests/qtest", qtest, 0 },
	{ "/guests/from-idle", from_idle, 0 },
	{ "/guests/driver-ram", driver_ram, 0 },
	{ "/guests/driver-window/0", driver_window, 0 },
	{ "/guests/driver-window/4", driver_window, 4 },
};

static void guest(gconstpointer data)
{
	const struct who *w = data;
	struct guest g = { .locality = w->locality };
	struct bench fresh;
	unsigned int i, k;

	/* a transaction before this one: there is something old to be found */
	bench_init_crb(&fresh, 4096);
	start_crb(&fresh, g.locality);
	complete(&fresh, 99, 1);
	crb_relinquish(&fresh, g.locality);

	make_command(g.cmd, COMMAND, COMMAND, 0x6B);
	w->script(&g);
	for (i = 0; i < g.n; i++) {
		for (k = 0; i + k < g.n; k++) {
			g_test_message("access %u, after %u more", i, k);
			replay(&fresh, &g, i, k, false);
			replay(&fresh, &g, i, k, true);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(whos); i++) {
		g_test_add_data_func(whos[i].name, &whos[i], guest);
	}
	return g_test_run();
}
