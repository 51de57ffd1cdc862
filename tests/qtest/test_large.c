/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands and responses as large as what was negotiated, by every door, in one
 * piece: 4, 8 and 64 KiB. A byte more is a TPM error, to the guest where the
 * command is too large and of the TPM where its response is.
 */
#include <string.h>

#include "txn.h"
#include "tpmix.h"

#define BASE 0xFED40000u
#define TIS  "tpm-tis-indexed"
#define CRB  "tpm-crb-ext"

struct large;

struct door {
	const char *name;
	const char *device;
	void (*send)(struct large *l);
	void (*receive)(struct large *l);
	bool crb;
	uint32_t page; /* the indexed door's */
};

struct size {
	const char *name;
	const char *window;  /* property buffer-size */
	uint32_t backend;    /* what the TPM takes */
	uint32_t negotiated;
};

struct combination {
	const struct door *door;
	const struct size *size;
};

struct large {
	const struct door *door;
	QtestClient *q;
	uint8_t *cmd, *rsp;
	uint32_t cmd_size, rsp_size;
};

static const struct size sizes[] = {
	{ "8k", "16K", 8192, 8192 },
	{ "64k", "64K", 65536, 65536 },
	{ "4k-of-8k", "4K", 8192, 4096 }, /* the window is the smaller */
};

static void put32(uint8_t *to, uint32_t val)
{
	val = GUINT32_TO_BE(val);
	memcpy(to, &val, 4);
}

/* No two pieces of 256 bytes are equal, so that none is in another's place. */
static void fill(uint8_t *buf, uint32_t size, uint32_t code, uint8_t with)
{
	uint32_t i;

	for (i = 0; i < size; i++) {
		buf[i] = (uint8_t)(with + i * 7 + (i >> 8));
	}
	buf[0] = 0x80;
	buf[1] = 0x01;
	put32(buf + 2, size);
	put32(buf + 6, code);
}

static size_t answer(void *opaque, const uint8_t *cmd, size_t size,
		     unsigned int nth, uint8_t *rsp, size_t max)
{
	const uint32_t n = GPOINTER_TO_UINT(opaque);

	(void)cmd;
	(void)size;
	g_assert_cmpuint(n, <=, max);
	fill(rsp, n, 0, (uint8_t)nth);
	return n;
}

static uint32_t get(struct large *l, uint32_t off)
{
	return qtest_readl(l->q, BASE + off);
}

static void put(struct large *l, uint32_t off, uint32_t val)
{
	qtest_writel(l->q, BASE + off, val);
}

static void wait_for(struct large *l, uint32_t off, uint32_t mask, uint32_t want)
{
	qtest_await(l->q, BASE + off, 4, mask, want);
}

/* CRB: the registers of PTP, the buffers where they say */

static void crb_send(struct large *l)
{
	put(l, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	put(l, TPM_REG_CTRL_CANCEL, 0);
	qtest_write(l->q, get(l, TPM_REG_CTRL_CMD_LADDR), l->cmd, l->cmd_size);
	put(l, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	wait_for(l, TPM_REG_CTRL_START, 1, 0);
}

static uint32_t size_of(const uint8_t *rsp)
{
	uint32_t size;

	memcpy(&size, rsp + 2, 4);
	return GUINT32_FROM_BE(size);
}

static void crb_receive(struct large *l)
{
	uint32_t at = get(l, TPM_REG_CTRL_RSP_ADDR);

	qtest_read(l->q, at, l->rsp, 10);
	l->rsp_size = size_of(l->rsp);
	g_assert_cmpuint(l->rsp_size, <=, get(l, TPM_REG_CTRL_RSP_SIZE));
	qtest_read(l->q, at, l->rsp, l->rsp_size);
}

/* Indexed door */

static void ring(struct large *l)
{
	uint32_t page = l->door->page;
	uint32_t ticket = get(l, page + TPMIX_REG_ACCEPTED) + 1;
	bool fits = l->cmd_size <= get(l, page + TPMIX_REG_BUFSIZE);

	/* bytes that do not fit are not there to be checked */
	put(l, page + TPMIX_REG_CSUM_EXPECT, fits ? TPMIX_CSUM_EXPECT_ON |
	    tpmix_crc16(l->cmd, l->cmd_size) : 0);
	put(l, page + TPMIX_REG_DOORBELL, ticket);
	wait_for(l, page + TPMIX_REG_COMPLETED, ~0u, ticket);
	l->rsp_size = get(l, page + TPMIX_REG_RSP_SIZE);
}

static void check_csum(struct large *l)
{
	g_assert_cmphex(get(l, l->door->page + TPMIX_REG_CSUM) >> 16, ==,
			tpmix_crc16(l->rsp, l->rsp_size));
}

static void indexed_send(struct large *l)
{
	uint32_t at, n;

	for (at = 0; at < l->cmd_size; at += n) {
		n = MIN(TPMIX_WINDOW_SIZE, l->cmd_size - at);
		put(l, l->door->page + TPMIX_REG_INDEX, at);
		qtest_write(l->q, BASE + l->door->page + TPMIX_WINDOW,
			    l->cmd + at, n);
	}
	ring(l);
}

static void indexed_receive(struct large *l)
{
	uint32_t at, n;

	for (at = 0; at < l->rsp_size; at += n) {
		n = MIN(TPMIX_WINDOW_SIZE, l->rsp_size - at);
		put(l, l->door->page + TPMIX_REG_INDEX, at);
		qtest_read(l->q, BASE + l->door->page + TPMIX_WINDOW,
			   l->rsp + at, n);
	}
	check_csum(l);
}

static void ram_send(struct large *l)
{
	qtest_write(l->q, BASE + TPMIX_CMD_WINDOW, l->cmd, l->cmd_size);
	ring(l);
}

static void ram_receive(struct large *l)
{
	qtest_read(l->q, BASE + TPMIX_RSP_WINDOW, l->rsp, l->rsp_size);
	check_csum(l);
}

/* FIFO, words of four bytes: burstCount says how many more */

static uint32_t burst(struct large *l)
{
	return get(l, TPM_REG_STS) >> TPM_STS_BURST_COUNT_SHIFT & 0xFFFF;
}

static void fifo_send(struct large *l)
{
	uint32_t i;

	put(l, TPM_REG_STS, TPM_STS_COMMAND_READY);
	for (i = 0; i < l->cmd_size; i += 4) {
		uint32_t left = l->cmd_size - i, val, k;

		if (left >= 4 && (i & 0x3FF) == 0) {
			g_assert_cmpuint(burst(l), >=, MIN(left, 0x400) - 1);
		}
		if (left >= 4) {
			memcpy(&val, l->cmd + i, 4);
			put(l, TPM_REG_DATA_FIFO, val);
			continue;
		}
		for (k = i; k < l->cmd_size; k++) {
			qtest_writeb(l->q, BASE + TPM_REG_DATA_FIFO, l->cmd[k]);
		}
	}
	g_assert_cmphex(get(l, TPM_REG_STS) & TPM_STS_EXPECT, ==, 0);
	put(l, TPM_REG_STS, TPM_STS_GO);
	wait_for(l, TPM_REG_STS, TPM_STS_DATA_AVAIL, TPM_STS_DATA_AVAIL);
}

static void fifo_receive(struct large *l)
{
	uint32_t i, size = burst(l);

	/* a larger number than 16 bits have is 0xFFFF until it is not */
	for (i = 0; get(l, TPM_REG_STS) & TPM_STS_DATA_AVAIL;) {
		uint32_t n;

		for (n = burst(l); n > 0; n--) {
			l->rsp[i++] = qtest_readb(l->q, BASE + TPM_REG_DATA_FIFO);
		}
	}
	l->rsp_size = i;
	g_assert_cmpuint(size, ==, MIN(i, 0xFFFF));
}

#define DOOR(send) send##_send, send##_receive

static const struct door doors[] = {
	{ "fifo", TIS, DOOR(fifo), false, 0 },
	{ "indexed", TIS, DOOR(indexed), false, 0 },
	{ "ram", TIS, DOOR(ram), false, 0 },
	{ "crb", CRB, DOOR(crb), true, TPMIX_EXT },
	{ "crb-indexed", CRB, DOOR(indexed), true, TPMIX_EXT },
	{ "crb-ram", CRB, DOOR(ram), true, TPMIX_EXT },
	{ "crb-fifo", CRB ",interface=fifo", DOOR(fifo), false, TPMIX_EXT },
};

static void command(struct large *l, uint32_t size, uint8_t with)
{
	l->cmd_size = size;
	fill(l->cmd, size, 0x17B, with);
	l->door->send(l);
	l->door->receive(l);
}

static void check_code(struct large *l, uint32_t rc)
{
	uint8_t want[10] = { 0x80, 0x01 };

	put32(want + 2, 10);
	put32(want + 6, rc);
	g_assert_cmpmem(l->rsp, l->rsp_size, want, sizeof(want));
}

/* The whole of both, with the TPM having got the command in one piece. */
static void check_whole(struct large *l, TpmStub *stub, unsigned int nth,
			uint32_t rsp_size)
{
	g_autofree uint8_t *want = g_malloc(rsp_size);
	g_autoptr(GBytes) ran = NULL;

	g_assert_cmpuint(tpm_stub_executed(stub), ==, nth);
	ran = tpm_stub_command(stub, nth);
	g_assert_cmpuint(g_bytes_get_size(ran), ==, l->cmd_size);
	g_assert_true(!memcmp(g_bytes_get_data(ran, NULL), l->cmd, l->cmd_size));
	fill(want, rsp_size, 0, (uint8_t)nth);
	g_assert_cmpuint(l->rsp_size, ==, rsp_size);
	g_assert_true(!memcmp(l->rsp, want, rsp_size));
}

static void answers(TpmStub *stub, uint32_t size)
{
	tpm_stub_set_answer(stub, answer, GUINT_TO_POINTER(size));
}

static void large(gconstpointer data)
{
	const struct combination *c = data;
	const uint32_t max = c->size->negotiated;
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	struct large l = { .door = c->door };

	tpm_stub_set_max_size(stub, c->size->backend);
	l.q = qtest_start(tpm_stub_connect(stub), "-machine q35 "
			  "-device %s,id=tpm,tpmdev=tpm0,buffer-size=%s",
			  c->door->device, c->size->window);
	l.cmd = g_malloc0(max + 8);
	l.rsp = g_malloc0(max + 8);
	put(&l, c->door->crb ? TPM_REG_LOC_CTRL : TPM_REG_ACCESS,
	    c->door->crb ? 1 : TPM_ACCESS_REQUEST_USE);
	g_assert_cmpuint(get(&l, c->door->page + TPMIX_REG_BUFSIZE), ==, max);

	answers(stub, max);
	command(&l, max, 0x10);
	check_whole(&l, stub, 1, max);

	/* a byte more: the TPM does not see it, the guest sees why */
	command(&l, max + 1, 0x20);
	check_code(&l, 0x142);
	g_assert_cmpuint(tpm_stub_executed(stub), ==, 1);

	answers(stub, max + 1);
	command(&l, 4000, 0x30);
	check_code(&l, 0x101);

	/* and it goes on, with nothing left over */
	answers(stub, 5 + max / 2);
	command(&l, max - 1, 0x40);
	check_whole(&l, stub, 3, 5 + max / 2);
	g_assert_cmpuint(tpm_stub_malformed(stub), ==, 0);
	qtest_stop(l.q);
	tpm_stub_free(stub);
	g_free(l.cmd);
	g_free(l.rsp);
}

int main(int argc, char **argv)
{
	static struct combination all[G_N_ELEMENTS(doors) * G_N_ELEMENTS(sizes)];
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autofree char *path = NULL;

		all[i].door = &doors[i / G_N_ELEMENTS(sizes)];
		all[i].size = &sizes[i % G_N_ELEMENTS(sizes)];
		path = g_strdup_printf("/large/%s/%s", all[i].size->name,
				       all[i].door->name);
		g_test_add_data_func(path, &all[i], large);
	}
	return g_test_run();
}
