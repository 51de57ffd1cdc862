/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to tpm-crb-ext, of every width at every offset: what is read from
 * memory is what is read from the registers, and nothing that is written stops
 * QEMU or the next command.
 */
#include <string.h>

#include "txn.h"

#define BASE    0xFED40000u
#define DEVICE  "-machine q35 -device tpm-crb-ext,id=tpm,tpmdev=tpm0 "
/* Over a ROM device reads trap: the same registers, not from memory. */
#define TRAPS   "-device mmio-replay,id=replay,addr=0xfed40000,size=0xb000,nth=0"

struct pair {
	TpmStub *stub[2];
	QtestClient *q[2]; /* 0: locality 0's page is read from memory */
};

static void setup(struct pair *p, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	for (i = 0; i < 2; i++) {
		p->stub[i] = tpm_stub_new(TPM_STUB_2_0);
		p->q[i] = qtest_start(tpm_stub_connect(p->stub[i]), DEVICE "%s",
				      i ? TRAPS : "");
	}
}

static void teardown(struct pair *p, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	for (i = 0; i < 2; i++) {
		qtest_stop(p->q[i]);
		tpm_stub_free(p->stub[i]);
	}
}

static uint64_t traps(QtestClient *q)
{
	return qtest_qom_get_uint(q, "tpm", "mmio-reads");
}

/* Every width at every offset of the registers, the buffer in one go. */
static void compare(struct pair *p, const char *state)
{
	uint64_t memory = traps(p->q[0]), registers = traps(p->q[1]);
	uint8_t a[0xF80], b[0xF80];
	unsigned int off, width;

	for (off = 0; off < 0x80; off++) {
		for (width = 1; width <= 8; width <<= 1) {
			uint64_t m = qtest_read_width(p->q[0], BASE + off, width);
			uint64_t r = qtest_read_width(p->q[1], BASE + off, width);

			if (m != r) {
				g_error("%s: offset 0x%02x, width %u: memory 0x%"
					G_GINT64_MODIFIER "x, registers 0x%"
					G_GINT64_MODIFIER "x", state, off, width,
					m, r);
			}
		}
	}
	qtest_read(p->q[0], BASE + 0x80, a, sizeof(a));
	qtest_read(p->q[1], BASE + 0x80, b, sizeof(b));
	if (memcmp(a, b, sizeof(a))) {
		g_error("%s: the buffers differ", state);
	}
	/* and so it was: no read of the one trapped, all of the other did */
	g_assert_cmpuint(traps(p->q[0]), ==, memory);
	g_assert_cmpuint(traps(p->q[1]), >=, registers + 0x80 * 4);
}

static void put(struct pair *p, uint32_t off, uint32_t val)
{
	qtest_writel(p->q[0], BASE + off, val);
	qtest_writel(p->q[1], BASE + off, val);
}

static void command(struct pair *p, uint32_t at, uint8_t size)
{
	uint8_t cmd[255] = { 0x80, 0x01, 0, 0, 0, size, 0, 0, 1, 0x7B };
	unsigned int i;

	memset(cmd + 10, size, sizeof(cmd) - 10);
	for (i = 0; i < 2; i++) {
		qtest_write(p->q[i], BASE + at, cmd, size);
	}
}

static void wait_done(struct pair *p)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		qtest_await(p->q[i], BASE + 0x4C, 4, G_MAXUINT32, 0);
	}
}

/* R1 makes it honest to keep the page in memory; this is that it is kept. */
static void page_in_memory(struct pair *p, gconstpointer unused)
{
	(void)unused;
	compare(p, "power on");
	put(p, 0x08, 1);
	compare(p, "active");
	put(p, 0x50, 0x8000000B);
	put(p, 0x40, 1);
	compare(p, "ready");
	command(p, 0x80, 200);
	compare(p, "written");
	tpm_stub_hold(p->stub[0]);
	tpm_stub_hold(p->stub[1]);
	put(p, 0x4C, 1);
	tpm_stub_wait_held(p->stub[0]);
	tpm_stub_wait_held(p->stub[1]);
	compare(p, "running");
	tpm_stub_release(p->stub[0], false);
	tpm_stub_release(p->stub[1], false);
	wait_done(p);
	compare(p, "completed");
	put(p, 0x54, 3);
	put(p, 0x40, 2);
	compare(p, "idle");
	put(p, 0x1008, 1);
	compare(p, "requested by 1");
	put(p, 0x08, 2);
	compare(p, "locality 1 active");
	put(p, 0x1008, 2);
	put(p, 0x08, 1);
	compare(p, "back");
	/* a shorter one after it: nothing of the longer is left */
	command(p, 0x10000, 20);
	put(p, 0x4C, 1);
	wait_done(p);
	compare(p, "shorter");
	put(p, 0x30, 1u << 19);
	compare(p, "locked");
	qtest_reset(p->q[0]);
	qtest_reset(p->q[1]);
	compare(p, "reset");
}

/* Reads of 1, 2, 4 and 8 bytes, aligned or not, are the bytes of the registers. */
static void widths(struct pair *p, gconstpointer unused)
{
	unsigned int k;

	(void)unused;
	for (k = 0; k < 2; k++) {
		QtestClient *q = p->q[k];
		const uint32_t one = BASE + 0x1000, ext = BASE + 0x6000;

		g_assert_cmphex(qtest_readq(q, BASE + 0x30), ==,
				0x0000101400027911ull);
		g_assert_cmphex(qtest_readl(q, BASE + 0x31), ==, 0x14000279);
		g_assert_cmphex(qtest_readq(q, BASE + 0x5C), ==, 0xFED50000);
		g_assert_cmphex(qtest_readq(q, BASE + 0x68), ==, 0xFED60000);
		g_assert_cmphex(qtest_readw(q, BASE + 0x5E), ==, 0xFED5);
		g_assert_cmphex(qtest_readq(q, one + 0x30), ==,
				0x0000101400027911ull);
		g_assert_cmphex(qtest_readl(q, one + 0x2F), ==, 0x02791100);
		g_assert_cmphex(qtest_readb(q, one + 0x33), ==, 0);
		g_assert_cmphex(qtest_readq(q, one + 0x5C), ==, 0xFED41080);
		g_assert_cmphex(qtest_readw(q, one + 0x7F), ==, 0xFF00);
		g_assert_cmphex(qtest_readq(q, ext + 0xF90), ==,
				0x0001000058495054ull);
		g_assert_cmphex(qtest_readl(q, ext + 0x3F97), ==, 0x00001F00);
		g_assert_cmphex(qtest_readl(q, ext + 0xF98), ==, 0x0000001F);
		g_assert_cmphex(qtest_readq(q, ext + 0x30), ==, G_MAXUINT64);
	}
}

/* Writes of each width act on what they cover. */
static void write_widths(struct pair *p, gconstpointer unused)
{
	QtestClient *q = p->q[0];
	unsigned int width;

	(void)unused;
	for (width = 1; width <= 8; width <<= 1) {
		uint8_t cmd[16] = { 0x80, 0x01, 0, 0, 0, 16, 0, 0, 1, 0x7B, 1, 2,
				    3, 4, 5, (uint8_t)width };
		uint8_t is[16];
		unsigned int i;

		qtest_write_width(q, BASE + 0x08, 1, width);
		g_assert_cmphex(qtest_readl(q, BASE + 0x0C), ==, 1);
		qtest_write_width(q, BASE + 0x40, 1, width);
		g_assert_cmphex(qtest_readl(q, BASE + 0x44), ==, 0);
		for (i = 0; i < 16; i += width) {
			uint64_t val = 0;

			memcpy(&val, cmd + i, width);
			qtest_write_width(q, BASE + 0x80 + i, val, width);
		}
		qtest_read(q, BASE + 0x10000, is, sizeof(is));
		g_assert_cmpmem(is, 16, cmd, 16);
		/* START by its own byte, and by words that begin before it */
		qtest_write_width(q, BASE + (width == 8 ? 0x48 : 0x4C),
				  width == 8 ? 1ull << 32 : 1, width);
		qtest_await(q, BASE + 0x4C, 4, G_MAXUINT32, 0);
		qtest_read(q, BASE + 0x20000 + 8, is, 8);
		g_assert_cmphex(is[1], ==, 0);
		g_assert_cmphex(is[5], ==, tpm_stub_executed(p->stub[0]));
		qtest_write_width(q, BASE + 0x08, 2, width);
		g_assert_cmphex(qtest_readl(q, BASE + 0x0C), ==, 0);
	}
	/* an unaligned one is the words it covers: 0x3E to 0x45 is CTRL_REQ, too */
	qtest_writel(q, BASE + 0x08, 1);
	qtest_writeq(q, BASE + 0x3E, 1ull << 16);
	g_assert_cmphex(qtest_readl(q, BASE + 0x44), ==, 0);
	g_assert_cmpuint(tpm_stub_executed(p->stub[0]), ==, 4);
}

/*
 * With a pattern and with all ones; over the end of the page in memory as well,
 * where QEMU 10.0 does not clamp the length (hw/tpm/tpmix_device_map.c).
 */
static void at(QtestClient *q, uint64_t addr)
{
	unsigned int width;

	for (width = 1; width <= 8; width <<= 1) {
		qtest_read_width(q, addr, width);
		qtest_write_width(q, addr, 0x0807060504030201ull, width);
		qtest_write_width(q, addr, G_MAXUINT64, width);
	}
}

static void every_access(struct pair *p, gconstpointer unused)
{
	static const uint32_t pages[] = {
		0x0000, 0x1000, 0x2000, 0x3000, 0x4000, 0x6000, 0x7000, 0x8000,
		0x9000, 0xA000, 0xB000, 0xE000, 0xF000, 0x10000, 0x13000, 0x14000,
		0x1F000, 0x20000, 0x23000, 0x24000, 0x2F000, 0x30000, 0x31000, 0x3F000,
		0x40000,
	};
	QtestClient *q = p->q[0];
	unsigned int i, off;
	struct txn t;

	(void)unused;
	for (i = 0; i < G_N_ELEMENTS(pages); i++) {
		for (off = 0; off < 0x88; off++) {
			at(q, BASE + pages[i] + off);
		}
		for (off = 0xF88; off < 0x1000; off++) {
			at(q, BASE + pages[i] + off);
		}
	}
	json_node_unref(qtest_qmp(q, "query-status", NULL));
	/* InterfaceSelector was locked by all ones: CRB it is until the reset */
	g_assert_cmphex(qtest_readl(q, BASE + 0x30) & 0x80001, ==, 0x80001);
	qtest_await(q, BASE + 0x4C, 4, G_MAXUINT32, 0);
	for (i = 0; i < 5; i++) {
		qtest_writel(q, BASE + i * 0x1000 + 0x08, 2);
	}
	for (i = 0; i < 5; i++) {
		qtest_writel(q, BASE + i * 0x1000 + 0x08, 2);
	}
	txn_init(&t, q, &txn_crb, 0x14);
	g_assert_true(txn_run(&t));
	g_assert_true(txn_response_is(&t, tpm_stub_executed(p->stub[0])));
	g_assert_cmpuint(tpm_stub_malformed(p->stub[0]), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, func) \
	g_test_add("/access/" path, struct pair, NULL, setup, func, teardown)
	ADD("page-in-memory", page_in_memory);
	ADD("widths", widths);
	ADD("write-widths", write_widths);
	ADD("every-access", every_access);
	return g_test_run();
}
