/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-crb-ext beside stock tpm-crb, register by register: the same accesses to two
 * QEMUs, what is read must be the same. Aligned accesses of 1, 2 and 4 bytes, which
 * is what tpm-crb answers. The deviations are in a list, and each is a test.
 */
#include <string.h>

#include "txn.h"

#define BASE 0xFED40000u

/* Offsets in a page: PTP 1.05 table 24 */
enum {
	LOC_STATE = 0x00, LOC_CTRL = 0x08, LOC_STS = 0x0C, INTF_ID = 0x30,
	CTRL_REQ = 0x40, CTRL_STS = 0x44, CTRL_CANCEL = 0x48, CTRL_START = 0x4C,
	INT_ENABLE = 0x50, INT_STS = 0x54, CMD_SIZE = 0x58, CMD_LADDR = 0x5C,
	RSP_SIZE = 0x64, RSP_ADDR = 0x68, BUFFER = 0x80,
};

static const char *const devices[2] = {
	"tpm-crb", "tpm-crb-ext,fifo=off,localities=1",
};
enum { STOCK, OURS };

struct pair {
	TpmStub *stub[2];
	QtestClient *q[2];
	unsigned int reads;
};

static void setup(struct pair *p, gconstpointer established)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		p->stub[i] = tpm_stub_new(TPM_STUB_2_0);
		tpm_stub_set_established(p->stub[i], established != NULL);
		p->q[i] = qtest_start(tpm_stub_connect(p->stub[i]),
				      "-machine q35 -device %s,id=tpm,tpmdev=tpm0",
				      devices[i]);
	}
	p->reads = 0;
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

static void put(struct pair *p, uint32_t off, uint32_t val)
{
	qtest_writel(p->q[STOCK], BASE + off, val);
	qtest_writel(p->q[OURS], BASE + off, val);
}

static void get(struct pair *p, uint32_t off, unsigned int width)
{
	uint64_t stock = qtest_read_width(p->q[STOCK], BASE + off, width);
	uint64_t ours = qtest_read_width(p->q[OURS], BASE + off, width);

	if (stock != ours) {
		g_error("offset 0x%02x, width %u: tpm-crb 0x%" G_GINT64_MODIFIER
			"x, tpm-crb-ext 0x%" G_GINT64_MODIFIER "x", off, width,
			stock, ours);
	}
	p->reads++;
}

/* Where the buffers are and how large is the point of the device. */
static bool differs(uint32_t off)
{
	return off >= CMD_SIZE && off < RSP_ADDR + 8;
}

static void get_all(struct pair *p)
{
	uint32_t off;

	for (off = 0; off < BUFFER; off += 4) {
		if (differs(off)) {
			continue;
		}
		get(p, off, 4);
		get(p, off, 2);
		get(p, off + 2, 2);
		get(p, off + 1, 1);
		get(p, off + 3, 1);
	}
}

static void reset_values(struct pair *p, gconstpointer established)
{
	const uint32_t loc_state = established ? 0x80 : 0x81;

	get_all(p);
	g_assert_cmphex(qtest_readl(p->q[OURS], BASE + LOC_STATE), ==, loc_state);
	put(p, LOC_CTRL, 1);
	qtest_reset(p->q[STOCK]);
	qtest_reset(p->q[OURS]);
	get_all(p);
	g_assert_cmphex(qtest_readl(p->q[OURS], BASE + LOC_STATE), ==, loc_state);
}

/* What a driver writes to find its buffers, by the registers of each. */
static void command(struct pair *p, GRand *r)
{
	uint8_t cmd[200], rsp[2][220];
	uint32_t len = (uint32_t)g_rand_int_range(r, 10, sizeof(cmd)), i;
	size_t n = 0;

	for (i = 0; i < len; i++) {
		cmd[i] = (uint8_t)g_rand_int(r);
	}
	memcpy(cmd, "\x80\x01\0\0\0", 5);
	cmd[5] = (uint8_t)len;
	for (i = 0; i < 2; i++) {
		uint64_t cmd_at = qtest_readl(p->q[i], BASE + CMD_LADDR);
		uint64_t rsp_at = qtest_readl(p->q[i], BASE + RSP_ADDR);

		qtest_write(p->q[i], cmd_at, cmd, len);
		qtest_writel(p->q[i], BASE + CTRL_START, 1);
		qtest_await(p->q[i], BASE + CTRL_START, 4, G_MAXUINT32, 0);
		n = len + 8;
		qtest_read(p->q[i], rsp_at, rsp[i], n);
	}
	g_assert_cmpmem(rsp[STOCK], n, rsp[OURS], n);
}

/* A guest that makes sense, with turns and repetitions that make none. */
static void walk(struct pair *p, gconstpointer unused)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(5);
	unsigned int turn, i, commands = 0;

	(void)unused;
	for (turn = 0; turn < 40; turn++) {
		put(p, LOC_CTRL, 1);
		for (i = (unsigned int)g_rand_int_range(r, 0, 4); i > 0; i--) {
			put(p, CTRL_REQ, (uint32_t)g_rand_int_range(r, 0, 4));
			get_all(p);
		}
		put(p, CTRL_REQ, 1);
		put(p, CTRL_CANCEL, (uint32_t)g_rand_int_range(r, 0, 2));
		get_all(p);
		for (i = (unsigned int)g_rand_int_range(r, 0, 3); i > 0; i--) {
			put(p, CTRL_CANCEL, 0);
			command(p, r);
			commands++;
			get_all(p);
		}
		put(p, LOC_CTRL, 8); /* resetEstablishment: not of locality 0 */
		put(p, CTRL_REQ, 2);
		get_all(p);
		put(p, LOC_CTRL, 2);
		get_all(p);
		put(p, CTRL_START, 1);
		get_all(p);
	}
	g_assert_cmpuint(commands, >, 20);
	g_assert_cmpuint(tpm_stub_executed(p->stub[STOCK]), ==, commands);
	g_assert_cmpuint(tpm_stub_executed(p->stub[OURS]), ==, commands);
	g_test_message("%u commands, %u reads compared", commands, p->reads);
}

static void executing(struct pair *p, gconstpointer unused)
{
	static const uint8_t cmd[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B };
	unsigned int i;

	(void)unused;
	put(p, LOC_CTRL, 1);
	put(p, CTRL_REQ, 1);
	for (i = 0; i < 2; i++) {
		tpm_stub_hold(p->stub[i]);
		qtest_write(p->q[i], qtest_readl(p->q[i], BASE + CMD_LADDR), cmd, 12);
		qtest_writel(p->q[i], BASE + CTRL_START, 1);
		tpm_stub_wait_held(p->stub[i]);
	}
	get_all(p);
	put(p, CTRL_START, 1);
	get_all(p);
	put(p, CTRL_CANCEL, 1);
	for (i = 0; i < 2; i++) {
		uint8_t rc[10];

		qtest_await(p->q[i], BASE + CTRL_START, 4, G_MAXUINT32, 0);
		qtest_read(p->q[i], qtest_readl(p->q[i], BASE + RSP_ADDR), rc, 10);
		g_assert_cmphex(rc[8] << 8 | rc[9], ==, 0x909); /* canceled */
		g_assert_cmpuint(tpm_stub_cancels(p->stub[i]), ==, 1);
		tpm_stub_release(p->stub[i], false);
	}
	get_all(p);
}

static void send(struct pair *p, unsigned int i, uint8_t code)
{
	const uint8_t cmd[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, code };

	qtest_write(p->q[i], qtest_readl(p->q[i], BASE + CMD_LADDR), cmd, sizeof(cmd));
	qtest_writel(p->q[i], BASE + CTRL_START, 1);
}

static uint32_t answer(struct pair *p, unsigned int i)
{
	uint8_t rsp[10];

	qtest_await(p->q[i], BASE + CTRL_START, 4, G_MAXUINT32, 0);
	qtest_read(p->q[i], qtest_readl(p->q[i], BASE + RSP_ADDR), rsp, sizeof(rsp));
	return (uint32_t)rsp[8] << 8 | rsp[9];
}

/* A guest that has waited long enough, and asks something else: as Linux does it. */
static void given_up(struct pair *p, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	put(p, LOC_CTRL, 1);
	put(p, CTRL_REQ, 1);
	for (i = 0; i < 2; i++) {
		tpm_stub_ignore_cancels(p->stub[i]);
		tpm_stub_hold(p->stub[i]);
		send(p, i, 0x7B);
		tpm_stub_wait_held(p->stub[i]);
	}
	put(p, CTRL_CANCEL, 1);
	put(p, CTRL_REQ, 2);
	put(p, LOC_CTRL, 2);
	put(p, LOC_CTRL, 1);
	put(p, CTRL_REQ, 1);
	put(p, CTRL_CANCEL, 0);
	for (i = 0; i < 2; i++) {
		send(p, i, 0x82);
		g_assert_cmphex(qtest_readl(p->q[i], BASE + CTRL_START), ==, 1);
		tpm_stub_release(p->stub[i], false);
		g_assert_cmphex(answer(p, i), ==, 0x922); /* retry */
		g_assert_cmpuint(tpm_stub_executed(p->stub[i]), ==, 1);
		qtest_writel(p->q[i], BASE + CTRL_REQ, 1);
		send(p, i, 0x82);
		g_assert_cmphex(answer(p, i), ==, 0);
		g_assert_cmpuint(tpm_stub_executed(p->stub[i]), ==, 2);
	}
}

/* Deviations: literally what each of the two does. */

static void expect(struct pair *p, uint32_t off, uint32_t stock, uint32_t ours)
{
	g_assert_cmphex(qtest_readl(p->q[STOCK], BASE + off), ==, stock);
	g_assert_cmphex(qtest_readl(p->q[OURS], BASE + off), ==, ours);
}

/* Buffers: apart, page-aligned, as large as command and response may be. */
static void buffers(struct pair *p, gconstpointer unused)
{
	(void)unused;
	expect(p, CMD_SIZE, 0xF80, 0x1000);
	expect(p, CMD_LADDR, 0xFED40080, 0xFED50000);
	expect(p, 0x60, 0, 0);
	expect(p, RSP_SIZE, 0xF80, 0x1000);
	expect(p, RSP_ADDR, 0xFED40080, 0xFED60000);
	expect(p, RSP_ADDR + 4, 0, 0);
}

/* +0x80: tpm-crb's is memory; here it reads the response, for the active one. */
static void buffer_reads(struct pair *p, gconstpointer unused)
{
	(void)unused;
	expect(p, BUFFER, 0, 0xFFFFFFFF);
	put(p, BUFFER, 0x12345678); /* by nobody */
	expect(p, BUFFER, 0x12345678, 0xFFFFFFFF);
	put(p, LOC_CTRL, 1);
	put(p, BUFFER, 0x87654321);
	expect(p, BUFFER, 0x87654321, 0);
	expect(p, 0x10000, 0, 0x87654321);
}

/* tpmIdle of a locality that is not active; cmdReady by it. */
static void idle(struct pair *p, gconstpointer unused)
{
	(void)unused;
	put(p, CTRL_REQ, 1);
	expect(p, CTRL_STS, 0, 2);
	put(p, CTRL_REQ, 2);
	put(p, LOC_CTRL, 1);
	put(p, CTRL_REQ, 1);
	expect(p, CTRL_STS, 0, 0);
	put(p, LOC_CTRL, 2);
	expect(p, CTRL_STS, 0, 2);
	put(p, LOC_CTRL, 1);
	expect(p, CTRL_STS, 0, 0);
}

/* Interrupts, seize and selector: not there in tpm-crb. */
static void more(struct pair *p, gconstpointer unused)
{
	(void)unused;
	put(p, INT_ENABLE, 0xFFFFFFFF);
	expect(p, INT_ENABLE, 0, 0x8000000B);
	put(p, LOC_CTRL, 4);
	expect(p, LOC_STS, 0, 1);
	expect(p, LOC_STATE, 0x81, 0x83);
	put(p, INTF_ID, 1u << 19);
	expect(p, INTF_ID, 0x00025811, 0x000A5811);
}

/* Bits beside the one that acts: tpm-crb compares the whole register. */
static void whole_values(struct pair *p, gconstpointer unused)
{
	(void)unused;
	put(p, LOC_CTRL, 0x101);
	expect(p, LOC_STS, 0, 1);
	put(p, LOC_CTRL, 2);
	put(p, LOC_CTRL, 3); /* relinquish goes before requestAccess */
	expect(p, LOC_STS, 0, 0);
	put(p, LOC_CTRL, 1);
	put(p, CTRL_REQ, 0x10001);
	expect(p, CTRL_STS, 2, 0);
}

/* START of nothing: tpm-crb sends the TPM what the guest did not. */
static void start_nothing(struct pair *p, gconstpointer unused)
{
	uint8_t rsp[10];

	(void)unused;
	put(p, LOC_CTRL, 1);
	qtest_writel(p->q[OURS], BASE + CTRL_START, 1);
	g_assert_cmphex(qtest_readl(p->q[OURS], BASE + CTRL_START), ==, 0);
	qtest_read(p->q[OURS], 0xFED60000, rsp, 10);
	g_assert_cmpmem(rsp, 10, "\x80\x01\0\0\0\x0A\0\0\x01\x42", 10);
	g_assert_cmpuint(tpm_stub_executed(p->stub[OURS]), ==, 0);
	/* with another one's bytes in the buffer: the response is a command */
	{
		g_autoptr(GRand) r = g_rand_new_with_seed(1);

		put(p, CTRL_CANCEL, 0);
		command(p, r);
	}
	put(p, CTRL_START, 1);
	tpm_stub_wait_executed(p->stub[STOCK], 2);
	g_assert_cmphex(qtest_readl(p->q[OURS], BASE + CTRL_START), ==, 0);
	g_assert_cmpuint(tpm_stub_executed(p->stub[OURS]), ==, 1);
	qtest_await(p->q[STOCK], BASE + CTRL_START, 4, G_MAXUINT32, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, func) \
	g_test_add("/crb-stock/" path, struct pair, NULL, setup, func, teardown)
	ADD("reset", reset_values);
	g_test_add("/crb-stock/reset-established", struct pair, "", setup,
		   reset_values, teardown);
	ADD("walk", walk);
	ADD("executing", executing);
	ADD("given-up", given_up);
	ADD("deviation/buffers", buffers);
	ADD("deviation/buffer-reads", buffer_reads);
	ADD("deviation/idle", idle);
	ADD("deviation/interrupts-seize-selector", more);
	ADD("deviation/whole-values", whole_values);
	ADD("deviation/start-nothing", start_nothing);
	return g_test_run();
}
