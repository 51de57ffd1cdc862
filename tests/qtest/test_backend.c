/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices with a real TPM: swtpm on libtpms. Commands through every door, the
 * six bytes that hang stock QEMU, swtpm killed, a machine that moves.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "swtpm.h"
#include "tpm_guest.h"
#include "tpmix.h"

#define BASE TPM_GUEST_BASE

struct fixture {
	struct swtpm *tpm;
	QtestClient *q;
};

static void setup(struct fixture *f, gconstpointer device)
{
	f->tpm = swtpm_new(NULL);
	swtpm_run(f->tpm);
	f->q = swtpm_qemu(f->tpm, -1, device, "", "");
}

static void teardown(struct fixture *f, gconstpointer device)
{
	(void)device;
	if (f->q) {
		qtest_stop(f->q);
	}
	swtpm_free(f->tpm);
}

static void wait_for(QtestClient *q, uint32_t off, uint32_t mask, uint32_t want)
{
	qtest_await(q, BASE + off, 4, mask, want);
}

static void by_fifo(QtestClient *q, const uint8_t *cmd, uint32_t size)
{
	uint32_t i;

	qtest_writeb(q, BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
	for (i = 0; i < size; i++) {
		qtest_writeb(q, BASE + TPM_REG_DATA_FIFO, cmd[i]);
	}
	qtest_writeb(q, BASE + TPM_REG_STS, TPM_STS_GO);
}

static void by_crb(QtestClient *q, const uint8_t *cmd, uint32_t size)
{
	qtest_writel(q, BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	qtest_write(q, BASE + TPM_REG_DATA_BUFFER, cmd, size);
	qtest_writel(q, BASE + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
}

/* The response to a command through the door of the standard. */
static void standard(QtestClient *q, bool crb, const struct tpm_command *c,
		     uint8_t *rsp, uint32_t size)
{
	uint32_t i;

	if (crb) {
		by_crb(q, c->bytes, c->size);
		wait_for(q, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 0);
		qtest_read(q, BASE + TPM_REG_DATA_BUFFER, rsp, size);
		return;
	}
	by_fifo(q, c->bytes, c->size);
	wait_for(q, TPM_REG_STS, TPM_STS_DATA_AVAIL, TPM_STS_DATA_AVAIL);
	for (i = 0; i < size; i++) {
		rsp[i] = qtest_readb(q, BASE + TPM_REG_DATA_FIFO);
	}
}

/* A command with one answer: by trapped window, the standard's door, and in RAM. */
static void doors_agree(struct fixture *f, gconstpointer device)
{
	bool crb = strcmp(device, "tpm-crb-ext") == 0;
	uint8_t indexed[TPM_GUEST_MAX], other[TPM_GUEST_MAX];

	tpm_guest_honest(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, indexed), ==, 0);
	qtest_read(f->q, BASE + TPMIX_RSP_WINDOW, other, 27);
	g_assert_cmpmem(indexed, 27, other, 27);
	standard(f->q, crb, &tpm_get_cap, other, 27);
	g_assert_cmpmem(indexed, 27, other, 27);
	/* another command in between, so that it is not the old one's */
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL), ==, 0);
	standard(f->q, crb, &tpm_get_cap, other, 27);
	g_assert_cmpmem(indexed, 27, other, 27);
}

static const uint8_t six[] = { 0x80, 0x01, 0, 0, 0, 6 };

/* Then abort (0x40) or cancel (0x01000000). */
static void six_bytes(QtestClient *q, uint32_t end)
{
	qtest_writeb(q, BASE, TPM_ACCESS_REQUEST_USE);
	by_fifo(q, six, sizeof(six));
	/* swtpm is to have them, and to wait for the rest, when the abort comes */
	g_usleep(300000);
	qtest_writel(q, BASE + TPM_REG_STS, end);
}

static void short_command(struct fixture *f, gconstpointer device)
{
	(void)device;
	six_bytes(f->q, TPM_STS_COMMAND_READY);
	tpm_guest_honest(f->q);
	six_bytes(f->q, TPM_STS_COMMAND_CANCEL);
	qtest_writeb(f->q, BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
	tpm_guest_honest(f->q);
}

static void short_command_crb(struct fixture *f, gconstpointer device)
{
	uint8_t rsp[10];

	(void)device;
	tpm_guest_request(f->q, 0);
	by_crb(f->q, six, sizeof(six));
	g_usleep(300000);
	qtest_writel(f->q, BASE + TPM_REG_CTRL_CANCEL, TPM_CTRL_CANCEL_INVOKE);
	wait_for(f->q, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 0);
	qtest_read(f->q, BASE + TPMIX_RSP_WINDOW, rsp, sizeof(rsp));
	g_assert_cmpmem(rsp, 10, "\x80\x01\0\0\0\x0A\0\0\x01\x42", 10);
	tpm_guest_honest(f->q);
}

/* The control group, in a subprocess that is given five seconds. */
static void stock_hangs(void)
{
	struct fixture f;

	setup(&f, "tpm-tis");
	six_bytes(f.q, TPM_STS_COMMAND_READY);
	/* where the emulator is not waited for, the reset waits for ever */
	qtest_reset(f.q);
	teardown(&f, NULL);
}

/* Of one level below, too: what the subprocess could not remove. */
static void remove_all(const char *path, unsigned int levels)
{
	g_autoptr(GDir) d = levels ? g_dir_open(path, 0, NULL) : NULL;
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		remove_all(file, levels - 1);
	}
	g_remove(path);
}

static void short_command_hangs_stock(void)
{
	g_autofree char *dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);

	g_setenv("TMPDIR", dir, TRUE);
	g_test_trap_subprocess("/backend/subprocess/stock-hangs",
			       5 * G_USEC_PER_SEC, 0);
	g_unsetenv("TMPDIR");
	g_assert_true(g_test_trap_reached_timeout());
	remove_all(dir, 2);
}

static void swtpm_killed(struct fixture *f, gconstpointer device)
{
	(void)device;
	tpm_guest_honest(f->q);
	swtpm_kill(f->tpm);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL), ==,
			TPM_GUEST_FAILURE);
	json_node_unref(qtest_qmp(f->q, "query-status", NULL));
	/* QEMU's own shutdown of the emulator has nobody to talk to */
	qtest_kill(f->q);
	f->q = NULL;
}

/* To another QEMU with another swtpm, which gets its state with the stream. */
static void migrate(struct fixture *f, gconstpointer device)
{
	struct fixture to = { .tpm = swtpm_new(NULL) };
	g_autofree char *file = g_build_filename(to.tpm->dir, "stream", NULL);
	g_autofree char *incoming = g_strdup_printf("-incoming file:%s", file);
	uint8_t rsp[TPM_GUEST_MAX], there[TPM_GUEST_MAX];
	uint64_t page;
	uint32_t ticket;

	tpm_guest_honest(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, rsp), ==, 0);
	page = tpm_guest_indexed(f->q);
	ticket = qtest_readl(f->q, page + TPMIX_REG_COMPLETED);
	qtest_save(f->q, file);
	swtpm_run(to.tpm);
	to.q = swtpm_qemu(to.tpm, -1, device, "", incoming);
	qtest_wait_running(to.q);
	g_assert_cmphex(qtest_readl(to.q, page + TPMIX_REG_COMPLETED), ==, ticket);
	g_assert_cmpuint(tpm_guest_response(to.q, there), ==, 28);
	g_assert_cmpmem(there, 28, rsp, 28);
	qtest_read(to.q, BASE + TPMIX_RSP_WINDOW, there, 28);
	g_assert_cmpmem(there, 28, rsp, 28);
	/* started up over there: this one was */
	g_assert_cmphex(tpm_guest_command(to.q, &tpm_get_random, NULL), ==, 0);
	teardown(&to, NULL);
}

/* A TPM whose state is garbage does not start: QEMU says so, and ends. */
static void does_not_start(gconstpointer device)
{
	struct swtpm *tpm = swtpm_new(NULL);
	g_autofree char *state = g_build_filename(tpm->dir, "tpm2-00.permall", NULL);
	g_autofree char *message = NULL;

	g_assert_true(g_file_set_contents(state, "garbage", -1, NULL));
	swtpm_run(tpm);
	message = qtest_start_fails(-1, "-machine q35 "
				    "-chardev socket,id=chr,path=%s/tpm "
				    "-tpmdev emulator,id=tpm0,chardev=chr "
				    "-device %s,tpmdev=tpm0", tpm->dir,
				    (const char *)device);
	g_test_message("%s", message);
	g_assert_nonnull(strstr(message, "tpm-emulator: TPM result for CMD_INIT"));
	swtpm_free(tpm);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, device, func) \
	g_test_add("/backend/" path, struct fixture, device, setup, func, teardown)
#define BOTH(path, func) \
	ADD("tis/" path, "tpm-tis-indexed", func); \
	ADD("crb/" path, "tpm-crb-ext", func)
	BOTH("doors-agree", doors_agree);
	ADD("tis/short-command", "tpm-tis-indexed", short_command);
	ADD("crb/short-command", "tpm-crb-ext", short_command_crb);
	BOTH("swtpm-killed", swtpm_killed);
	BOTH("migrate", migrate);
	g_test_add_data_func("/backend/tis/does-not-start", "tpm-tis-indexed",
			     does_not_start);
	g_test_add_data_func("/backend/crb/does-not-start", "tpm-crb-ext",
			     does_not_start);
	g_test_add_func("/backend/subprocess/stock-hangs", stock_hangs);
	g_test_add_func("/backend/short-command-hangs-stock",
			short_command_hangs_stock);
	return g_test_run();
}
