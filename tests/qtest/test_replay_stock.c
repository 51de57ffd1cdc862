/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a repeated access does to stock tpm-crb, row by row, and beside it what it
 * does to tpm-crb-ext: nothing. On a real
 * TPM (swtpm), but for the row that needs to see what the TPM was given. And
 * QEMU's CRB chunking, which is newer than 10.0, where the binary has it.
 */
#include <string.h>

#include "swtpm.h"
#include "tpm_guest.h"
#include "tpm_stub.h"
#include "tpmix_regs.h"

#define BASE 0xFED40000u
#define TRIES 200

struct fixture {
	struct swtpm *tpm;
	TpmStub *stub; /* NULL: swtpm */
	QtestClient *q;
	uint32_t cmd, rsp;
	bool stock;
};

/* Models: "tpm-crb", "tpm-crb-ext". */
static void attach(struct fixture *f, const char *device, TpmStub *stub)
{
	f->stub = stub;
	f->stock = strcmp(device, "tpm-crb") == 0;
	f->tpm = swtpm_new(NULL);
	if (!stub) {
		swtpm_run(f->tpm);
	}
	f->q = swtpm_qemu(f->tpm, stub ? tpm_stub_connect(stub) : -1, device, "",
			  "");
	f->cmd = qtest_readl(f->q, BASE + TPM_REG_CTRL_CMD_LADDR);
	f->rsp = qtest_readl(f->q, BASE + TPM_REG_CTRL_RSP_ADDR);
	qtest_writel(f->q, BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
}

static void setup(struct fixture *f, gconstpointer device)
{
	attach(f, device, NULL);
}

static void teardown(struct fixture *f, gconstpointer device)
{
	(void)device;
	qtest_stop(f->q);
	swtpm_free(f->tpm);
	if (f->stub) {
		tpm_stub_free(f->stub);
	}
}

static void put(struct fixture *f, const struct tpm_command *c)
{
	qtest_writel(f->q, BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	qtest_writel(f->q, BASE + TPM_REG_CTRL_CANCEL, 0);
	qtest_write(f->q, f->cmd, c->bytes, c->size);
}

static void start(struct fixture *f)
{
	qtest_writel(f->q, BASE + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
}

static void wait_done(struct fixture *f)
{
	qtest_await(f->q, BASE + TPM_REG_CTRL_START, 4, G_MAXUINT32, 0);
}

/* The response code; the response's first bytes are in @rsp. */
static uint32_t code(struct fixture *f, uint8_t *rsp, size_t size)
{
	qtest_read(f->q, f->rsp, rsp, size);
	return (uint32_t)rsp[6] << 24 | (uint32_t)rsp[7] << 16 |
	       (uint32_t)rsp[8] << 8 | rsp[9];
}

static void complete(struct fixture *f, const struct tpm_command *c)
{
	put(f, c);
	start(f);
	wait_done(f);
}

/* "CTRL_START, after completion: response replaced by rc 0x143" */
static void start_completed(struct fixture *f, gconstpointer device)
{
	uint8_t before[27], after[27];

	(void)device;
	complete(f, &tpm_startup);
	complete(f, &tpm_get_cap);
	g_assert_cmphex(code(f, before, 27), ==, 0);
	g_assert_cmpmem(before + 23, 4, "IBM", 4);
	start(f);
	wait_done(f);
	if (f->stock) {
		g_assert_cmphex(code(f, after, 27), ==, 0x143);
		g_assert_cmpuint(after[5], ==, 10);
	} else {
		g_assert_cmphex(code(f, after, 27), ==, 0);
		g_assert_cmpmem(after, 27, before, 27);
	}
}

/* "last buffer write, after completion: response overwritten, rc 0" */
static void write_completed(struct fixture *f, gconstpointer device)
{
	const struct tpm_command *c = &tpm_get_cap;
	const uint32_t last = c->size - 4;
	uint8_t before[27], after[27];

	(void)device;
	complete(f, &tpm_startup);
	complete(f, c);
	g_assert_cmphex(code(f, before, 27), ==, 0);
	/* Linux' last memcpy_toio() */
	qtest_write(f->q, f->cmd + last, c->bytes + last, 4);
	g_assert_cmphex(code(f, after, 27), ==, 0);
	g_assert_cmpmem(after, last, before, last);
	if (f->stock) {
		g_assert_cmpmem(after + last, 4, c->bytes + last, 4);
		g_assert_true(memcmp(after + last, before + last, 4) != 0);
	} else {
		g_assert_cmpmem(after, 27, before, 27);
	}
}

/*
 * "CTRL_START, at once: the response is run as a command". It depends on how fast
 * the TPM is; so the repetition comes within a millisecond, at once or later, and
 * what is wanted is that it happens, in 200 tries, and that it never happens to the
 * other.
 */
static void start_at_once(gconstpointer device)
{
	struct fixture f;
	unsigned int i, again = 0;
	uint8_t rsp[30];

	attach(&f, device, tpm_stub_new(TPM_STUB_2_0));
	for (i = 0; i < TRIES; i++) {
		unsigned int nth = tpm_stub_executed(f.stub) + 1;

		put(&f, &tpm_get_cap);
		start(&f);
		if (i % 20) {
			g_usleep(i % 20 * 50);
		}
		start(&f);
		wait_done(&f);
		g_assert_cmphex(code(&f, rsp, 30), ==, 0);
		if (tpm_stub_executed(f.stub) > nth) {
			g_autoptr(GBytes) second =
				tpm_stub_command(f.stub, nth + 1);
			uint8_t want[30];

			tpm_stub_answer_default(NULL, tpm_get_cap.bytes,
						tpm_get_cap.size, nth, want, 30);
			g_assert_cmpuint(g_bytes_get_size(second), ==, 30);
			g_assert_cmpmem(g_bytes_get_data(second, NULL), 30,
					want, 30);
			again++;
		}
	}
	g_test_message("%u of %u ran the response as a command", again, TRIES);
	g_assert_true(f.stock ? again > 0 : again == 0);
	teardown(&f, device);
}

/* CRB chunking: PTP 1.07 (review), QEMU after 10.0 */

#define INTF_CAP_CHUNK (1u << 10)
#define START_NEXT_CHUNK (1u << 2)
#define CHUNK 3968u

/* A command of two chunks: nextChunk between them, START at the end. */
static void put_chunks(struct fixture *f, const uint8_t *cmd, unsigned int times)
{
	qtest_writel(f->q, BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	qtest_write(f->q, f->cmd, cmd, CHUNK);
	while (times--) {
		qtest_writel(f->q, BASE + TPM_REG_CTRL_START, START_NEXT_CHUNK);
	}
	qtest_write(f->q, f->cmd, cmd + CHUNK, CHUNK);
	start(f);
	wait_done(f);
}

static bool ran_command(struct fixture *f, unsigned int nth, const uint8_t *cmd)
{
	g_autoptr(GBytes) ran = tpm_stub_command(f->stub, nth);

	return g_bytes_get_size(ran) == 2 * CHUNK &&
	       memcmp(g_bytes_get_data(ran, NULL), cmd, 2 * CHUNK) == 0;
}

/* nextChunk moves a hidden offset: repeated, another command is run, or read. */
static void next_chunk(void)
{
	static uint8_t cmd[2 * CHUNK] = {
		0x80, 0x01, 0, 0, 2 * CHUNK >> 8, 2 * CHUNK & 0xFF, 0, 0, 1, 0x7B,
	};
	struct fixture f;
	uint8_t once[64], twice[64];
	unsigned int i;

	attach(&f, "tpm-crb", tpm_stub_new(TPM_STUB_2_0));
	if (!(qtest_readl(f.q, BASE + TPM_REG_INTF_ID) & INTF_CAP_CHUNK)) {
		g_test_skip("this QEMU's tpm-crb has no CRB chunking "
			    "(CapCRBChunk is 0; newer than 10.0 has it)");
		teardown(&f, NULL);
		return;
	}
	tpm_stub_set_max_size(f.stub, 16384);
	qtest_reset(f.q);
	qtest_writel(f.q, BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	for (i = 10; i < sizeof(cmd); i++) {
		cmd[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	put_chunks(&f, cmd, 1);
	g_assert_true(ran_command(&f, 1, cmd));
	/* the response's second chunk, and what a repeated nextChunk makes of it */
	qtest_writel(f.q, BASE + TPM_REG_CTRL_START, START_NEXT_CHUNK);
	qtest_read(f.q, f.rsp, once, sizeof(once));
	qtest_writel(f.q, BASE + TPM_REG_CTRL_START, START_NEXT_CHUNK);
	qtest_read(f.q, f.rsp, twice, sizeof(twice));
	g_assert_true(memcmp(once, twice, sizeof(once)) != 0);

	qtest_writel(f.q, BASE + TPM_REG_CTRL_CANCEL, TPM_CTRL_CANCEL_INVOKE);
	put_chunks(&f, cmd, 2);
	g_assert_false(ran_command(&f, 2, cmd));
	teardown(&f, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define SWTPM(device, row, func) \
	g_test_add("/replay/" device "/" row, struct fixture, device, setup, \
		   func, teardown)
#define STUB(device, row, func) \
	g_test_add_data_func("/replay/" device "/" row, device, func)
	SWTPM("tpm-crb", "start-completed", start_completed);
	SWTPM("tpm-crb-ext", "start-completed", start_completed);
	SWTPM("tpm-crb", "write-completed", write_completed);
	SWTPM("tpm-crb-ext", "write-completed", write_completed);
	STUB("tpm-crb", "start-at-once", start_at_once);
	STUB("tpm-crb-ext", "start-at-once", start_at_once);
	g_test_add_func("/replay/tpm-crb/next-chunk", next_chunk);
	return g_test_run();
}
