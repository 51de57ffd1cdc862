/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-crb-ext's registers and windows: commands as SeaBIOS, edk2 and QEMU's own
 * tests send them, the rule of START, localities and what each may see, every
 * access; bad input.
 */
#include <string.h>

#include "txn.h"

#define BASE    0xFED40000u
#define CMD     0xFED50000u
#define RSP     0xFED60000u
#define HEADER  0xFED70000u
#define DEVICE  "-machine q35 -device tpm-crb-ext,id=tpm,tpmdev=tpm0 "


/* Offsets in a page: PTP 1.05 table 24 */
enum {
	LOC_STATE = 0x00, LOC_CTRL = 0x08, LOC_STS = 0x0C, CTRL_REQ = 0x40,
	CTRL_STS = 0x44, CTRL_CANCEL = 0x48, CTRL_START = 0x4C, CMD_SIZE = 0x58,
	CMD_LADDR = 0x5C, CMD_HADDR = 0x60, RSP_SIZE = 0x64, RSP_ADDR = 0x68,
	BUFFER = 0x80,
};

static const uint8_t cmd_size[10] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x42 };

struct fixture {
	TpmStub *stub;
	QtestClient *q;
	uint8_t cmd[32];
	uint32_t size;
};

static void setup(struct fixture *f, gconstpointer extra)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), DEVICE "%s",
			   extra ? (const char *)extra : "");
}

static void teardown(struct fixture *f, gconstpointer extra)
{
	(void)extra;
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

static uint64_t page(unsigned int l)
{
	return BASE + l * 0x1000;
}

static void put(struct fixture *f, unsigned int l, uint32_t off, uint32_t val)
{
	qtest_writel(f->q, page(l) + off, val);
}

static uint32_t get(struct fixture *f, unsigned int l, uint32_t off)
{
	return qtest_readl(f->q, page(l) + off);
}

static void make(struct fixture *f, uint8_t fill)
{
	static const uint8_t head[] = { 0x80, 0x01, 0, 0, 0, 32, 0, 0, 1, 0x7B };

	f->size = sizeof(f->cmd);
	memset(f->cmd, fill, f->size);
	memcpy(f->cmd, head, sizeof(head));
}

static void wait_done(struct fixture *f)
{
	qtest_await(f->q, page(0) + CTRL_START, 4, G_MAXUINT32, 0);
}

/* The response to f->cmd as the stub's nth command stands at @at. */
static void check_response(struct fixture *f, uint64_t at, unsigned int nth)
{
	uint8_t rsp[40], want[40];

	qtest_read(f->q, at, rsp, sizeof(rsp));
	tpm_stub_answer_default(NULL, f->cmd, f->size, nth, want, sizeof(want));
	g_assert_cmpmem(rsp, sizeof(rsp), want, sizeof(want));
}

static void check_is(struct fixture *f, uint64_t at, const uint8_t *want, size_t n)
{
	g_autofree uint8_t *is = g_malloc(n);

	qtest_read(f->q, at, is, n);
	g_assert_cmpmem(is, n, want, n);
}

static void check_all(struct fixture *f, uint64_t at, size_t n, uint8_t byte)
{
	g_autofree uint8_t *want = g_malloc(n);

	memset(want, byte, n);
	check_is(f, at, want, n);
}

static void start(struct fixture *f, unsigned int l)
{
	put(f, l, CTRL_START, 1);
	wait_done(f);
}

/* As QEMU's tests/qtest/tpm-util.c: START from Idle, registers of odd widths. */
static void as_qtest(struct fixture *f, gconstpointer extra)
{
	unsigned int nth;

	(void)extra;
	g_assert_cmphex(get(f, 0, CTRL_STS), ==, 2);
	for (nth = 1; nth <= 3; nth++) {
		uint64_t cmd = qtest_readq(f->q, BASE + CMD_LADDR);
		uint64_t rsp = qtest_readq(f->q, BASE + RSP_ADDR);

		make(f, (uint8_t)(0x30 + nth));
		qtest_writeb(f->q, BASE + LOC_CTRL, 1);
		qtest_write(f->q, cmd, f->cmd, f->size);
		start(f, 0);
		g_assert_cmphex(get(f, 0, CTRL_STS) & 1, ==, 0);
		check_response(f, rsp, nth);
	}
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 3);
}

/* SeaBIOS: the first command without cmdReady, in the window; LOC_STATE polled. */
static void as_seabios(struct fixture *f, gconstpointer extra)
{
	unsigned int nth;

	(void)extra;
	g_assert_cmphex(get(f, 0, LOC_STATE), ==, 0x81);
	put(f, 0, 0x30, 1u << 17);
	put(f, 0, 0x30, 1u << 19);
	for (nth = 1; nth <= 3; nth++) {
		make(f, (uint8_t)(0x40 + nth));
		put(f, 0, LOC_CTRL, 1);
		g_assert_cmphex(get(f, 0, LOC_STATE), ==, 0x83);
		qtest_write(f->q, get(f, 0, CMD_LADDR), f->cmd, f->size);
		start(f, 0);
		g_assert_cmpuint(get(f, 0, RSP_SIZE), ==, 4096);
		check_response(f, get(f, 0, RSP_ADDR), nth);
		put(f, 0, CTRL_REQ, 1);
		g_assert_cmphex(get(f, 0, CTRL_REQ), ==, 0);
		put(f, 0, LOC_CTRL, 2);
	}
}

/* edk2 writes addresses of its own, and bytes at +0x80. */
static void as_edk2(struct fixture *f, gconstpointer extra)
{
	unsigned int nth, i;

	(void)extra;
	for (nth = 1; nth <= 3; nth++) {
		make(f, (uint8_t)(0x50 + nth));
		put(f, 0, LOC_CTRL, 1);
		g_assert_cmphex(get(f, 0, LOC_STS), ==, 1);
		put(f, 0, CTRL_REQ, 1);
		g_assert_cmphex(get(f, 0, CTRL_STS), ==, 0);
		for (i = 0; i < f->size; i++) {
			qtest_writeb(f->q, BASE + BUFFER + i, f->cmd[i]);
		}
		put(f, 0, CMD_HADDR, 0x12345678);
		put(f, 0, CMD_LADDR, BASE + BUFFER);
		put(f, 0, CMD_SIZE, 0xF80);
		qtest_writeq(f->q, BASE + RSP_ADDR, BASE + BUFFER);
		put(f, 0, RSP_SIZE, 0xF80);
		start(f, 0);
		check_response(f, BASE + BUFFER, nth);
		/* the same bytes, and the registers as they were */
		check_response(f, RSP, nth);
		check_is(f, CMD, f->cmd, f->size);
		g_assert_cmphex(get(f, 0, CMD_LADDR), ==, CMD);
		g_assert_cmphex(get(f, 0, CMD_HADDR), ==, 0);
		g_assert_cmphex(get(f, 0, CMD_SIZE), ==, 4096);
		g_assert_cmphex(qtest_readq(f->q, BASE + RSP_ADDR), ==, RSP);
		g_assert_cmphex(get(f, 0, RSP_SIZE), ==, 4096);
		put(f, 0, CTRL_REQ, 2);
		g_assert_cmphex(get(f, 0, CTRL_STS), ==, 2);
	}
}

/* START */

static void start_nothing(struct fixture *f, gconstpointer extra)
{
	unsigned int i;

	(void)extra;
	/* inactive: nothing at all */
	put(f, 0, CTRL_START, 1);
	g_assert_cmphex(get(f, 0, CTRL_START), ==, 0);
	check_all(f, RSP, 64, 0xFF);
	/* an empty buffer, a size that is none, one that is too large */
	put(f, 0, LOC_CTRL, 1);
	for (i = 0; i < 4; i++) {
		static const uint32_t sizes[] = { 0, 9, 4097, 0xFFFFFFFF };
		const uint32_t be = GUINT32_TO_BE(sizes[i]);

		qtest_write(f->q, CMD + 2, &be, 4);
		put(f, 0, CTRL_CANCEL, 0);
		start(f, 0);
		check_is(f, RSP, cmd_size, sizeof(cmd_size));
		check_all(f, RSP + 10, 64, 0);
	}
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 0);
	g_assert_cmpuint(tpm_stub_malformed(f->stub), ==, 0);
}

static void start_twice(struct fixture *f, gconstpointer extra)
{
	unsigned int i;

	(void)extra;
	make(f, 0x60);
	put(f, 0, LOC_CTRL, 1);
	put(f, 0, CTRL_REQ, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	tpm_stub_hold(f->stub);
	for (i = 0; i < 10; i++) {
		put(f, 0, CTRL_START, 1);
	}
	tpm_stub_wait_held(f->stub);
	put(f, 0, CTRL_REQ, 1); /* arms nothing while it runs */
	put(f, 0, CTRL_START, 1);
	g_assert_cmphex(get(f, 0, CTRL_START), ==, 1);
	tpm_stub_release(f->stub, false);
	wait_done(f);
	for (i = 0; i < 10; i++) {
		put(f, 0, CTRL_START, 1);
		g_assert_cmphex(get(f, 0, CTRL_START), ==, 0);
	}
	check_response(f, RSP, 1);
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
}

/*
 * START names no command. goIdle does not arm it, so that a START delayed over the
 * goIdle that ends its transaction runs nothing; delayed over what prepares the next
 * one, it is that next one. The indexed door has tickets.
 */
static void start_after_idle(struct fixture *f, gconstpointer extra)
{
	(void)extra;
	make(f, 0x61);
	put(f, 0, LOC_CTRL, 1);
	put(f, 0, CTRL_REQ, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	start(f, 0);
	check_response(f, RSP, 1);
	put(f, 0, CTRL_REQ, 2);
	start(f, 0);
	check_response(f, RSP, 1);
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
	put(f, 0, CTRL_REQ, 1);
	start(f, 0);
	check_response(f, RSP, 2);
}

/* The copy that was made at START counts, whatever the guest does to its bytes. */
static void copy_wins(struct fixture *f, gconstpointer extra)
{
	uint8_t scribble[4096];
	g_autoptr(GBytes) ran = NULL;

	(void)extra;
	make(f, 0x62);
	memset(scribble, 0xEE, sizeof(scribble));
	put(f, 0, LOC_CTRL, 1);
	put(f, 0, CTRL_REQ, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	tpm_stub_hold(f->stub);
	put(f, 0, CTRL_START, 1);
	qtest_write(f->q, CMD, scribble, sizeof(scribble));
	qtest_writeq(f->q, BASE + BUFFER, 0);
	qtest_write(f->q, CMD, scribble, sizeof(scribble));
	g_assert_cmphex(get(f, 0, CTRL_START), ==, 1);
	tpm_stub_wait_held(f->stub);
	tpm_stub_release(f->stub, false);
	wait_done(f);
	ran = tpm_stub_command(f->stub, 1);
	g_assert_cmpmem(g_bytes_get_data(ran, NULL), g_bytes_get_size(ran),
			f->cmd, f->size);
	check_response(f, RSP, 1);
	check_all(f, CMD, 4096, 0xEE);
}

/* What is read-only stays, in RAM and registers. */
static void read_only(struct fixture *f, gconstpointer extra)
{
	static const uint32_t regs[] = {
		LOC_STATE, LOC_STS, 0x34, CTRL_STS, CMD_SIZE, CMD_LADDR, CMD_HADDR,
		RSP_SIZE, RSP_ADDR, 0x6C, 0x04, 0x10, 0x38, 0x70, 0x7C,
	};
	uint8_t header[4096], after[4096], ones[256];
	unsigned int i;

	(void)extra;
	make(f, 0x63);
	put(f, 0, LOC_CTRL, 1);
	put(f, 0, CTRL_REQ, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	start(f, 0);
	qtest_read(f->q, HEADER, header, sizeof(header));
	memset(ones, 0xA5, sizeof(ones));
	qtest_write(f->q, RSP, ones, sizeof(ones));
	qtest_write(f->q, RSP + 0x3F00, ones, sizeof(ones));
	qtest_write(f->q, HEADER, ones, sizeof(ones));
	qtest_write(f->q, HEADER + 0xF00, ones, sizeof(ones));
	for (i = 0; i < G_N_ELEMENTS(regs); i++) {
		uint32_t was = get(f, 0, regs[i]);

		put(f, 0, regs[i], ~was);
		g_assert_cmphex(get(f, 0, regs[i]), ==, was);
	}
	check_response(f, RSP, 1);
	check_all(f, RSP + 0x3F00, 256, 0);
	qtest_read(f->q, HEADER, after, sizeof(after));
	g_assert_cmpmem(after, sizeof(after), header, sizeof(header));
}

/* Localities */

static void localities(struct fixture *f, gconstpointer extra)
{
	unsigned int l;

	(void)extra;
	for (l = 1; l <= 3; l++) {
		make(f, (uint8_t)(0x70 + l));
		put(f, l, LOC_CTRL, 1);
		g_assert_cmphex(get(f, l, LOC_STS), ==, 1);
		g_assert_cmphex(get(f, 0, LOC_STATE), ==, 0x83 | l << 2);
		g_assert_cmphex(get(f, 0, LOC_STS), ==, 0);
		g_assert_cmphex(get(f, l, CMD_LADDR), ==, page(l) + BUFFER);
		g_assert_cmphex(get(f, l, RSP_ADDR), ==, page(l) + BUFFER);
		g_assert_cmphex(get(f, l, CMD_SIZE), ==, 3968);
		put(f, l, CTRL_REQ, 1);
		qtest_write(f->q, page(l) + BUFFER, f->cmd, f->size);
		/* locality 0 is not active: no START, no command */
		put(f, 0, CTRL_START, 1);
		g_assert_cmpuint(tpm_stub_executed(f->stub), ==, l - 1);
		start(f, l);
		check_response(f, page(l) + BUFFER, l);
		check_all(f, page(0) + BUFFER, 64, 0xFF);
		check_all(f, RSP, 64, 0xFF);
		g_assert_cmpuint(tpm_stub_locality(f->stub), ==, l);
		put(f, l, LOC_CTRL, 2);
	}
	/* locality 4 is hardware's: writes are dropped, reads answered */
	put(f, 4, LOC_CTRL, 1);
	g_assert_cmphex(get(f, 4, LOC_STS), ==, 0);
	g_assert_cmphex(get(f, 4, LOC_STATE), ==, 0x81);
	put(f, 4, LOC_CTRL, 4);
	g_assert_cmphex(get(f, 4, LOC_STATE), ==, 0x81);
	g_assert_cmphex(get(f, 4, 0x30), ==, 0x00027911);
}

/* What locality 0 has in RAM, while another locality is active. */
static void windows_blank(struct fixture *f, gconstpointer extra)
{
	uint8_t secret[64];

	(void)extra;
	make(f, 0x65);
	memset(secret, 0x5E, sizeof(secret));
	put(f, 0, LOC_CTRL, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	start(f, 0);
	check_response(f, RSP, 1);
	put(f, 0, LOC_CTRL, 2);
	/* nobody is active: nothing to read */
	check_all(f, RSP, 4096, 0xFF);
	put(f, 1, LOC_CTRL, 1);
	check_all(f, RSP, 4096, 0xFF);
	check_all(f, BASE + BUFFER, 0xF80, 0xFF);
	check_all(f, CMD, 4096, 0x00);
	check_all(f, HEADER + 0xFC0, 0x28, 0xFF);
	g_assert_cmphex(qtest_readl(f->q, HEADER + 0xF90), ==, 0x58495054);
	/* what is written there now is no part of any command */
	qtest_write(f->q, CMD, secret, sizeof(secret));
	put(f, 1, CTRL_REQ, 1);
	start(f, 1);
	check_is(f, page(1) + BUFFER, cmd_size, sizeof(cmd_size));
	put(f, 1, LOC_CTRL, 2);
	put(f, 0, LOC_CTRL, 1);
	check_all(f, CMD, 4096, 0x00);
	check_all(f, RSP, 4096, 0); /* locality 1's command ended it */
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
}

/* Locality 0's response is back with locality 0, where no command was run. */
static void response_returns(struct fixture *f, gconstpointer extra)
{
	unsigned int l;

	(void)extra;
	make(f, 0x66);
	put(f, 0, LOC_CTRL, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	start(f, 0);
	for (l = 1; l <= 3; l++) {
		put(f, l, LOC_CTRL, 4); /* seizes */
		g_assert_cmphex(get(f, l, LOC_STS), ==, 1);
		check_all(f, RSP, 4096, 0xFF);
		check_all(f, page(l) + BUFFER, 0xF80, 0);
	}
	g_assert_cmphex(get(f, 0, LOC_STS), ==, 2); /* beenSeized */
	put(f, 3, LOC_CTRL, 2);
	put(f, 0, LOC_CTRL, 1);
	g_assert_cmphex(get(f, 0, LOC_STS), ==, 1);
	check_response(f, RSP, 1);
	check_response(f, BASE + BUFFER, 1);
}

/* A START while another locality's command runs is answered: try again. */
static void start_waits(struct fixture *f, gconstpointer extra)
{
	static const uint8_t retry[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22 };

	(void)extra;
	make(f, 0x67);
	/* the other one's command is cancelled, and is to run on all the same */
	tpm_stub_ignore_cancels(f->stub);
	put(f, 1, LOC_CTRL, 1);
	put(f, 1, CTRL_REQ, 1);
	qtest_write(f->q, page(1) + BUFFER, f->cmd, f->size);
	tpm_stub_hold(f->stub);
	put(f, 1, CTRL_START, 1);
	tpm_stub_wait_held(f->stub);
	put(f, 1, LOC_CTRL, 2);
	put(f, 0, LOC_CTRL, 1);
	put(f, 0, CTRL_START, 1);
	g_assert_cmphex(get(f, 0, CTRL_START), ==, 1);
	tpm_stub_release(f->stub, false);
	wait_done(f);
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
	check_is(f, RSP, retry, sizeof(retry));
	put(f, 0, LOC_CTRL, 1);
	qtest_write(f->q, CMD, f->cmd, f->size);
	start(f, 0);
	check_response(f, RSP, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, func) \
	g_test_add("/door/" path, struct fixture, NULL, setup, func, teardown)
	ADD("as-qtest", as_qtest);
	ADD("as-seabios", as_seabios);
	ADD("as-edk2", as_edk2);
	ADD("start/nothing", start_nothing);
	ADD("start/twice", start_twice);
	ADD("start/after-idle", start_after_idle);
	ADD("start/waits", start_waits);
	ADD("copy-wins", copy_wins);
	ADD("read-only", read_only);
	ADD("localities", localities);
	ADD("windows-blank", windows_blank);
	ADD("response-returns", response_returns);
	return g_test_run();
}
