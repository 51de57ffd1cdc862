/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A large command and a large response by a CRB, each access of the transaction made twice:
 * in chunks, as PTP 1.07 (review) and the tpm-crb of QEMU 11.1 have them, and in one piece,
 * as tpm-crb-ext. A guest that believes what it reads; what the TPM was given is looked at,
 * and what the guest got.
 *
 *   chunks DEVICE SIZE >JSON       the device says in INTF_ID whether it chunks
 *
 * QEMU=PATH names the QEMU, as for the tests in tests/qtest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qtest_client.h"
#include "tpm_stub.h"
#include "tpmix_regs.h"

#define BASE             0xFED40000u
#define MOST             32768u
/* PTP 1.07 (review); the engine has neither. */
#define INTF_CAP_CHUNK   (1u << 10)
#define START_NEXT_CHUNK (1u << 2)

struct guest {
	TpmStub *stub;
	QtestClient *q;
	uint32_t size, chunk, cmd_at, rsp_at;
	unsigned int made, twice; /* accesses; which one is made twice */
	const char *what;         /* and what that was */
	uint32_t part;            /* of command or response, from 1 */
	uint8_t cmd[MOST], rsp[MOST];
};

static uint8_t pattern(uint32_t at, unsigned int seed)
{
	return (uint8_t)(at * 7 + (at >> 8) * 3 + seed);
}

static void header(uint8_t *to, uint32_t size, uint32_t code)
{
	const uint8_t head[10] = { 0x80, 0x01, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
				   (uint8_t)(size >> 8), (uint8_t)size, 0, 0,
				   (uint8_t)(code >> 8), (uint8_t)code };

	memcpy(to, head, sizeof(head));
}

/* As large as the command, whatever the command is. */
static size_t answer(void *opaque, const uint8_t *cmd, size_t size, unsigned int nth,
		     uint8_t *rsp, size_t max)
{
	const struct guest *g = opaque;
	uint32_t i;

	(void)cmd;
	(void)size;
	(void)nth;
	g_assert_cmpuint(g->size, <=, max);
	for (i = 0; i < g->size; i++) {
		rsp[i] = pattern(i, 91);
	}
	header(rsp, g->size, 0);
	return g->size;
}

/* True: once more. */
static bool again(struct guest *g, const char *what, uint32_t part)
{
	if (++g->made != g->twice) {
		return false;
	}
	g->what = what;
	g->part = part;
	return true;
}

static void put(struct guest *g, const char *what, uint32_t part, uint32_t off, uint32_t val)
{
	qtest_writel(g->q, BASE + off, val);
	if (again(g, what, part)) {
		qtest_writel(g->q, BASE + off, val);
	}
}

/* The TPM's end, but not for ever: a guest gives up. */
static bool wait_done(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		if (!(qtest_readl(g->q, BASE + TPM_REG_CTRL_START) & TPM_CTRL_START_INVOKE)) {
			return true;
		}
		g_usleep(500);
	}
	return false;
}

static bool transact(struct guest *g)
{
	uint32_t at, n, part;

	put(g, "cmdReady", 1, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	for (at = 0, part = 1; at < g->size; at += n, part++) {
		n = MIN(g->chunk, g->size - at);
		if (at) {
			put(g, "nextChunk of the command", part - 1, TPM_REG_CTRL_START,
			    START_NEXT_CHUNK);
		}
		qtest_write(g->q, g->cmd_at, g->cmd + at, n);
		if (again(g, "command bytes", part)) {
			qtest_write(g->q, g->cmd_at, g->cmd + at, n);
		}
	}
	put(g, "START", 1, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	if (!wait_done(g)) {
		return false;
	}
	for (at = 0, part = 1; at < g->size; at += n, part++) {
		n = MIN(g->chunk, g->size - at);
		if (at) {
			put(g, "nextChunk of the response", part - 1, TPM_REG_CTRL_START,
			    START_NEXT_CHUNK);
		}
		qtest_read(g->q, g->rsp_at, g->rsp + at, n);
		if (again(g, "response bytes", part)) {
			qtest_read(g->q, g->rsp_at, g->rsp + at, n);
		}
		if (!at && (g->rsp[4] << 8 | g->rsp[5]) != (uint16_t)g->size) {
			return false; /* the driver sees an error, or another size */
		}
	}
	put(g, "goIdle", 1, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE);
	return true;
}

/* The first byte that is not what it is to be; size: none. */
static uint32_t differs(const uint8_t *got, const uint8_t *want, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size && got[i] == want[i]; i++) {
		;
	}
	return i;
}

/* Where the response is wrong it is what comes one chunk later. */
static bool skipped(const struct guest *g, const uint8_t *want, uint32_t at)
{
	uint32_t from = at + g->chunk;

	return from < g->size && !memcmp(g->rsp + at, want + from, MIN(g->size - from, 64u));
}

static void start(struct guest *g, const char *device)
{
	uint32_t i;

	g->stub = tpm_stub_new(TPM_STUB_2_0);
	tpm_stub_set_max_size(g->stub, MOST);
	tpm_stub_set_answer(g->stub, answer, g);
	g->q = qtest_start(tpm_stub_connect(g->stub), "-machine q35 -device %s,id=tpm,tpmdev=tpm0",
			   device);
	g->cmd_at = qtest_readl(g->q, BASE + TPM_REG_CTRL_CMD_LADDR);
	g->rsp_at = qtest_readl(g->q, BASE + TPM_REG_CTRL_RSP_ADDR);
	qtest_writel(g->q, BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	for (i = 0; i < g->size; i++) {
		g->cmd[i] = pattern(i, 17);
	}
	header(g->cmd, g->size, 0x17B);
	memset(g->rsp, 0, sizeof(g->rsp));
	g->made = 0;
	g->what = NULL;
}

static void stop(struct guest *g)
{
	qtest_stop(g->q);
	tpm_stub_free(g->stub);
}

/* What the TPM was given, and what the guest has, of a transaction. */
static void report(struct guest *g, bool ok)
{
	unsigned int ran = tpm_stub_executed(g->stub), num_given = 0;
	uint32_t given = 0, got;
	uint8_t *want = g_malloc(g->size);

	if (ran) {
		g_autoptr(GBytes) bytes = tpm_stub_command(g->stub, 1);

		num_given = (unsigned int)g_bytes_get_size(bytes);
		given = differs(g_bytes_get_data(bytes, NULL), g->cmd,
				MIN(num_given, g->size));
	}
	answer(g, NULL, 0, 0, want, g->size);
	got = differs(g->rsp, want, g->size);
	printf("{\"access\": %u, \"what\": \"%s\", \"part\": %u, \"ended\": %s, \"ran\": %u, "
	       "\"given\": %u, \"given_right\": %u, \"got_right\": %u, \"skipped\": %s}",
	       g->twice, g->what ? g->what : "", g->part, ok ? "true" : "false", ran, num_given,
	       given, got, skipped(g, want, got) ? "true" : "false");
	g_free(want);
}

int main(int argc, char **argv)
{
	static struct guest g;
	uint32_t window;
	unsigned int all, i;
	bool chunks;

	if (argc != 3 || (g.size = (uint32_t)strtoul(argv[2], NULL, 0)) < 16 || g.size > MOST) {
		g_printerr("usage: chunks DEVICE SIZE\n");
		return 2;
	}
	g.chunk = MOST;
	start(&g, argv[1]);
	chunks = qtest_readl(g.q, BASE + TPM_REG_INTF_ID) & INTF_CAP_CHUNK;
	window = qtest_readl(g.q, BASE + TPM_REG_CTRL_CMD_SIZE);
	stop(&g);
	printf("{\"device\": \"%s\", \"size\": %u, \"chunks\": %s, \"window\": %u, \"cases\": [",
	       argv[1], g.size, chunks ? "true" : "false", window);
	if (chunks || window >= g.size) {
		g.chunk = chunks ? window : g.size;
		/* The first without a repetition, to know what there is. */
		for (all = i = 0; i <= all; i++) {
			bool ok;

			g.twice = i;
			start(&g, argv[1]);
			ok = transact(&g);
			all = i ? all : g.made;
			printf("%s\n", i ? "," : "");
			report(&g, ok);
			stop(&g);
		}
	}
	printf("]}\n");
	return 0;
}
