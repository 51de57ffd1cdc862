/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FIFO door beside stock tpm-tis, access by access: the same accesses to two
 * QEMUs, each read must return the same. Aligned accesses of 1, 2 and 4 bytes,
 * which is what tpm-tis answers. The deviations of docs/specification.md are
 * left out of the random walk; the last tests show each of them.
 */
#include <string.h>

#include "txn.h"

#define BASE 0xFED40000u

struct pair {
	TpmStub *stub[2];
	QtestClient *q[2];
	unsigned int reads;
};

static const char *const devices[2] = { "tpm-tis", "tpm-tis-indexed" };

static void setup(struct pair *p, gconstpointer version)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		p->stub[i] = tpm_stub_new(GPOINTER_TO_UINT(version));
		p->q[i] = qtest_start(tpm_stub_connect(p->stub[i]),
				      "-machine q35 -device %s,id=tpm,tpmdev=tpm0,irq=5",
				      devices[i]);
	}
	p->reads = 0;
}

static void teardown(struct pair *p, gconstpointer version)
{
	unsigned int i;

	(void)version;
	for (i = 0; i < 2; i++) {
		qtest_stop(p->q[i]);
		tpm_stub_free(p->stub[i]);
	}
}

static void put(struct pair *p, unsigned int l, uint32_t off, uint32_t val,
		unsigned int width)
{
	qtest_write_width(p->q[0], BASE + l * 0x1000 + off, val, width);
	qtest_write_width(p->q[1], BASE + l * 0x1000 + off, val, width);
}

static uint32_t get(struct pair *p, unsigned int l, uint32_t off,
		    unsigned int width)
{
	uint64_t at = BASE + l * 0x1000 + off;
	uint64_t stock = qtest_read_width(p->q[0], at, width);
	uint64_t ours = qtest_read_width(p->q[1], at, width);

	if (stock != ours) {
		g_error("locality %u, offset 0x%03x, width %u: tpm-tis 0x%"
			G_GINT64_MODIFIER "x, tpm-tis-indexed 0x%"
			G_GINT64_MODIFIER "x", l, off, width, stock, ours);
	}
	p->reads++;
	return (uint32_t)stock;
}

static void get_all(struct pair *p, bool data)
{
	static const uint32_t regs[] = {
		0x000, 0x008, 0x00C, 0x010, 0x014, 0x018, 0x030, 0xF00, 0xF04,
		0x004, 0x01C, 0x020, 0x028, 0x02C, 0x0C0, 0xF08,
	};
	unsigned int l, i;

	for (l = 0; l < 5; l++) {
		for (i = 0; i < G_N_ELEMENTS(regs); i++) {
			get(p, l, regs[i], 4);
			get(p, l, regs[i], 2);
			get(p, l, regs[i] + 2, 2);
			get(p, l, regs[i] + 1, 1);
			get(p, l, regs[i] + 3, 1);
		}
		if (data) {
			get(p, l, 0x024, 4);
			get(p, l, 0x0BC, 2);
		}
	}
}

/* Both have what the TPM answered. */
static void wait_done(struct pair *p, unsigned int l)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		qtest_await(p->q[i], BASE + l * 0x1000 + 0x18, 4, 0x10, 0x10);
	}
}

static void reset_values(struct pair *p, gconstpointer version)
{
	(void)version;
	get_all(p, true);
	qtest_reset(p->q[0]);
	qtest_reset(p->q[1]);
	get_all(p, true);
}

static uint32_t pick(GRand *r, uint32_t n)
{
	return (uint32_t)g_rand_int_range(r, 0, (gint32)n);
}

static void send(struct pair *p, GRand *r, unsigned int l, const uint8_t *cmd,
		 uint32_t len)
{
	static const uint32_t at[] = { 0x024, 0x080, 0x0A4, 0x0BC };
	uint32_t i = 0;

	while (i < len) {
		unsigned int width = 1u << pick(r, 3);
		uint32_t val = 0;

		if (width > len - i) {
			width = 1;
		}
		memcpy(&val, cmd + i, width);
		put(p, l, at[pick(r, 4)], val, width);
		i += width;
		if (pick(r, 4) == 0) {
			get(p, l, 0x018, 1u << pick(r, 3));
		}
	}
}

static void receive(struct pair *p, GRand *r, unsigned int l, uint32_t max)
{
	uint32_t n;

	for (n = 0; n < max; n++) {
		get(p, l, 0x024, 1u << pick(r, 3));
		if (pick(r, 3) == 0) {
			get(p, l, 0x018, 4);
			get(p, l, 0x010, 4);
		}
	}
}

/* A guest that makes sense, with random widths, lengths, aborts and retries. */
static void walk(struct pair *p, gconstpointer version)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(GPOINTER_TO_UINT(version) + 7);
	unsigned int turn, commands = 0;

	for (turn = 0; turn < 40; turn++) {
		unsigned int l = pick(r, 5), other = pick(r, 5);
		uint8_t cmd[200];
		uint32_t len = 10 + pick(r, 190), i;

		for (i = 0; i < len; i++) {
			cmd[i] = (uint8_t)pick(r, 256);
		}
		cmd[2] = cmd[3] = cmd[4] = 0;
		cmd[5] = (uint8_t)len;
		put(p, l, 0x008, pick(r, 2) ? 0x80000087 : pick(r, 0x7FFFFFFF), 4);
		put(p, l, 0x000, pick(r, 4) ? 0x02 : 0x08, 1);
		if (other != l) {
			put(p, other, 0x000, 0x02, 1);
		}
		get_all(p, false);
		if (l < 4) {
			put(p, l, 0x018, 0x40, 1);
			get_all(p, true);
			put(p, l, 0x018, 0x40, 4);
			if (pick(r, 3) == 0) {
				send(p, r, l, cmd, pick(r, len));
				get_all(p, true);
				put(p, l, 0x018, 0x20, 1);      /* too early */
				put(p, l, 0x018, 0x40, 1);      /* abort */
				get_all(p, true);
			}
			send(p, r, l, cmd, len);
			put(p, l, 0x024, 0xEE, 1);              /* too many */
			get_all(p, true);
			put(p, l, 0x010, 0x87, 4);
			put(p, l, 0x018, 0x20, 1);
			wait_done(p, l);
			commands++;
			get_all(p, false);
			receive(p, r, l, pick(r, 120));
			if (pick(r, 2)) {
				put(p, l, 0x018, 0x02, 1);      /* retry */
				get_all(p, false);
				receive(p, r, l, 250);
			}
			put(p, l, 0x018, 0x20, 1);              /* ignored */
			put(p, l, 0x018, 0x40, 1);
			get_all(p, true);
		}
		put(p, l, 0x010, 0x87, 1);
		put(p, l, 0x000, 0x20, 1);
		get_all(p, true);
		if (other != l) {
			put(p, other, 0x010, 0xFF, 4);
			put(p, other, 0x000, 0x10, 1);
			put(p, other, 0x000, 0x20, 1);
		}
		put(p, l, 0x000, 0x10, 1);
		if (pick(r, 6) == 0) {
			put(p, pick(r, 5), 0x030, 0xFFFFFFFF, 4);
		}
		get_all(p, true);
	}
	g_assert_cmpuint(commands, >, 20);
	g_assert_cmpuint(tpm_stub_executed(p->stub[0]), ==, commands);
	g_assert_cmpuint(tpm_stub_executed(p->stub[1]), ==, commands);
	g_test_message("%u commands, %u reads compared", commands, p->reads);
}

/* Localities alone: every pair, every order of request, seize, relinquish. */
static void arbitration(struct pair *p, gconstpointer version)
{
	static const uint8_t bits[] = { 0x02, 0x08, 0x20, 0x10 };
	g_autoptr(GRand) r = g_rand_new_with_seed(99);
	unsigned int i, l;

	(void)version;
	for (i = 0; i < 1500; i++) {
		put(p, pick(r, 5), 0x000, bits[pick(r, 4)], 1);
		for (l = 0; l < 5; l++) {
			get(p, l, 0x000, 1);
		}
	}
}

/* The backend sends a cancel when it can: both TPMs are to have it. */
static void cancel(struct pair *p, uint32_t sts)
{
	unsigned int before[2], k, n;

	before[0] = tpm_stub_cancels(p->stub[0]);
	before[1] = tpm_stub_cancels(p->stub[1]);
	put(p, 0, 0x018, sts, 4);
	for (k = 0; k < 2; k++) {
		for (n = 0; tpm_stub_cancels(p->stub[k]) == before[k]; n++) {
			g_assert_cmpuint(n, <, 20000);
			g_usleep(500);
		}
	}
}

/* While a command runs: what STS says, an abort, a cancel. */
static void execution(struct pair *p, gconstpointer version)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	static const uint8_t cmd[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B };
	static const uint32_t end[] = { 0, 0x40, 0x01000000 };
	unsigned int i, k;

	for (i = 0; i < G_N_ELEMENTS(end); i++) {
		if (end[i] == 0x01000000 &&
		    GPOINTER_TO_UINT(version) == TPM_STUB_1_2) {
			continue;
		}
		for (k = 0; k < 2; k++) {
			tpm_stub_hold(p->stub[k]);
		}
		put(p, 0, 0x000, 0x02, 1);
		put(p, 0, 0x018, 0x40, 1);
		send(p, r, 0, cmd, 12);
		put(p, 0, 0x018, 0x20, 1);
		for (k = 0; k < 2; k++) {
			tpm_stub_wait_held(p->stub[k]);
		}
		get_all(p, true);
		put(p, 0, 0x018, 0x02, 1);
		put(p, 0, 0x018, 0x20, 1);
		put(p, 0, 0x024, 0xFFFFFFFF, 4);
		get_all(p, true);
		if (end[i]) {
			cancel(p, end[i]);
		}
		for (k = 0; k < 2; k++) {
			tpm_stub_release(p->stub[k], false);
		}
		if (end[i] == 0x40) {
			for (k = 0; k < 2; k++) {
				qtest_await(p->q[k], BASE + 0x18, 4, 0x40, 0x40);
			}
		} else {
			wait_done(p, 0);
		}
		get_all(p, false);
		put(p, 0, 0x018, 0x40, 1);
		put(p, 0, 0x000, 0x20, 1);
		get_all(p, true);
	}
}

/* docs/specification.md says where the two differ; each is there. */
static void deviations(struct pair *p, gconstpointer version)
{
	const uint64_t access = BASE, sts = BASE + 0x18, ints = BASE + 0x10;
	static const uint8_t cmd[10] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 0x7B };
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	unsigned int i;

	(void)version;
	/* relinquish and request in one write, twice */
	put(p, 0, 0x000, 0x02, 1);
	put(p, 0, 0x000, 0x22, 1);
	put(p, 0, 0x000, 0x22, 1);
	g_assert_cmphex(qtest_readb(p->q[0], access), ==, 0xA1);
	g_assert_cmphex(qtest_readb(p->q[1], access), ==, 0x81);
	put(p, 0, 0x000, 0x20, 1);
	/* an unfinished command, and another locality's turn */
	put(p, 0, 0x000, 0x02, 1);
	put(p, 0, 0x018, 0x40, 1);
	put(p, 0, 0x024, 0x0180, 2);
	put(p, 0, 0x000, 0x20, 1);
	put(p, 1, 0x000, 0x02, 1);
	put(p, 1, 0x000, 0x20, 1);
	put(p, 0, 0x000, 0x02, 1);
	g_assert_cmphex(qtest_readb(p->q[0], sts), ==, 0x88);
	g_assert_cmphex(qtest_readb(p->q[1], sts), ==, 0x00);
	put(p, 0, 0x018, 0x40, 1);
	put(p, 0, 0x018, 0x40, 1);
	/* acceptance ends the old response's interrupts */
	put(p, 0, 0x008, 0x80000003, 4);
	for (i = 0; i < 2; i++) {
		if (i == 1) {
			tpm_stub_hold(p->stub[0]);
			tpm_stub_hold(p->stub[1]);
		}
		put(p, 0, 0x018, 0x40, 1);
		send(p, r, 0, cmd, 10);
		put(p, 0, 0x018, 0x20, 1);
		if (i == 0) {
			wait_done(p, 0);
			g_assert_cmphex(get(p, 0, 0x010, 4), ==, 0x03);
		}
	}
	g_assert_cmphex(qtest_readl(p->q[0], ints), ==, 0x03);
	g_assert_cmphex(qtest_readl(p->q[1], ints), ==, 0x00);
	tpm_stub_release(p->stub[0], false);
	tpm_stub_release(p->stub[1], false);
	wait_done(p, 0);
	put(p, 0, 0x018, 0x40, 1);
	/* bytes too many with the last word */
	put(p, 0, 0x024, 0x00000180, 4);
	put(p, 0, 0x024, 0x00000A00, 4);
	put(p, 0, 0x024, 0xEEEE7B01, 4);
	g_assert_cmphex(qtest_readl(p->q[0], sts) >> 8 & 0xFFFF, ==, 4096 - 12);
	g_assert_cmphex(qtest_readl(p->q[1], sts) >> 8 & 0xFFFF, ==, 4096 - 10);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; unsigned int version; } tpm[] = {
		{ "tpm2", TPM_STUB_2_0 }, { "tpm12", TPM_STUB_1_2 },
	};
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(tpm); i++) {
#define ADD(test, func) do { \
		g_autofree char *path = g_strdup_printf("/compare/%s/%s", test, \
							tpm[i].name); \
		g_test_add(path, struct pair, GUINT_TO_POINTER(tpm[i].version), \
			   setup, func, teardown); \
	} while (0)
		ADD("reset", reset_values);
		ADD("walk", walk);
		ADD("arbitration", arbitration);
		ADD("execution", execution);
		ADD("deviations", deviations);
	}
	return g_test_run();
}
