/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-tis-indexed with a real TPM: swtpm on libtpms. Commands through both
 * doors, the six bytes that hang stock QEMU, swtpm killed.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "txn.h"
#include "tpmix.h"

#define BASE         0xFED40000u
#define DIR_VARIABLE "TPMIX_TEST_DIR"

struct fixture {
	char *dir;
	GPid swtpm;
	QtestClient *q;
};

static const uint8_t startup[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0,
};
static const uint8_t get_random[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7B, 0, 16,
};

/* swtpm with its state in f->dir; returns the path of its control socket. */
static char *start_swtpm(struct fixture *f)
{
	g_autofree char *state = g_strdup_printf("dir=%s", f->dir);
	char *socket = g_build_filename(f->dir, "s", NULL);
	g_autofree char *ctrl = g_strdup_printf("type=unixio,path=%s", socket);
	const char *argv[] = { "swtpm", "socket", "--tpm2", "--tpmstate", state,
			       "--ctrl", ctrl, "--terminate", NULL };
	unsigned int i;

	g_assert_true(g_spawn_async(NULL, (char **)argv, NULL,
		G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
		G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
		NULL, NULL, &f->swtpm, NULL));
	for (i = 0; i < 1000 && !g_file_test(socket, G_FILE_TEST_EXISTS); i++) {
		g_usleep(5000);
	}
	return socket;
}

#define MACHINE "-machine q35 -chardev socket,id=chr,path=%s " \
		"-tpmdev emulator,id=tpm0,chardev=chr " \
		"-device %s,id=tpm,tpmdev=tpm0"

static void start(struct fixture *f, const char *device)
{
	g_autofree char *socket = start_swtpm(f);

	f->q = qtest_start(-1, MACHINE, socket, device);
}

static void setup(struct fixture *f, gconstpointer device)
{
	f->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	start(f, device);
}

static void remove_dir(const char *dir)
{
	g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		g_unlink(path);
	}
	g_rmdir(dir);
}

static void teardown(struct fixture *f, gconstpointer device)
{
	(void)device;
	if (f->q) {
		qtest_stop(f->q);
	}
	kill(f->swtpm, SIGKILL);
	g_spawn_close_pid(f->swtpm);
	remove_dir(f->dir);
	g_free(f->dir);
}

/* One command; returns the response's size. */
static uint32_t indexed(struct fixture *f, const uint8_t *cmd, uint32_t len,
			uint8_t *rsp, uint32_t max)
{
	uint32_t ticket = qtest_readl(f->q, BASE + 0xFD0) + 1, size, i;

	qtest_writel(f->q, BASE + 0xFC0, 0);
	for (i = 0; i < len; i++) {
		qtest_writeb(f->q, BASE + 0x100 + i, cmd[i]);
	}
	qtest_writeq(f->q, BASE + 0xFC8, (uint64_t)ticket << 32 | 0x10000 |
		     tpmix_crc16(cmd, len));
	for (i = 0; i < 5000; i++) {
		if (qtest_readl(f->q, BASE + 0xFD8) == ticket) {
			break;
		}
		g_usleep(1000);
	}
	size = qtest_readl(f->q, BASE + 0xFDC);
	g_assert_cmpuint(size, >=, 10);
	g_assert_cmpuint(size, <=, max);
	for (i = 0; i < size; i++) {
		rsp[i] = qtest_readb(f->q, BASE + 0x100 + i);
	}
	g_assert_cmphex(qtest_readl(f->q, BASE + 0xFE0) >> 16, ==,
			tpmix_crc16(rsp, size));
	return size;
}

static void honest_command(struct fixture *f)
{
	uint8_t rsp[64];

	qtest_writeb(f->q, BASE, 0x02);
	g_assert_cmpuint(indexed(f, startup, sizeof(startup), rsp, 64), ==, 10);
	g_assert_cmpuint(indexed(f, get_random, sizeof(get_random), rsp, 64),
			 ==, 28);
	g_assert_cmphex(rsp[9], ==, 0);
	qtest_writeb(f->q, BASE, 0x20);
}

static void doors_agree(struct fixture *f, gconstpointer device)
{
	/* GetCapability(TPM_PT_MANUFACTURER, 1) */
	static const uint8_t cmd[] = {
		0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7A,
		0, 0, 0, 6, 0, 0, 1, 5, 0, 0, 0, 1,
	};
	uint8_t a[64], b;
	uint32_t size, i;

	(void)device;
	honest_command(f);
	qtest_writeb(f->q, BASE, 0x02);
	size = indexed(f, cmd, sizeof(cmd), a, sizeof(a));
	g_assert_cmpmem(a + 23, 4, "IBM", 4);
	for (i = 0; i < size; i++) {
		b = qtest_readb(f->q, BASE + 0x24);
		g_assert_cmphex(b, ==, a[i]);
	}
	qtest_writeb(f->q, BASE + 0x18, 0x40);
	for (i = 0; i < sizeof(cmd); i++) {
		qtest_writeb(f->q, BASE + 0x24, cmd[i]);
	}
	qtest_writeb(f->q, BASE + 0x18, 0x20);
	for (i = 0; i < 5000 && !(qtest_readb(f->q, BASE + 0x18) & 0x10); i++) {
		g_usleep(1000);
	}
	for (i = 0; i < size; i++) {
		b = qtest_readb(f->q, BASE + 0x24);
		g_assert_cmphex(b, ==, a[i]);
	}
}

/* 80 01 00 00 00 06, tpmGo, then abort (0x40) or cancel (0x01000000). */
static void six_bytes(struct fixture *f, uint32_t end)
{
	static const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 6 };
	unsigned int i;

	qtest_writeb(f->q, BASE, 0x02);
	qtest_writeb(f->q, BASE + 0x18, 0x40);
	for (i = 0; i < sizeof(cmd); i++) {
		qtest_writeb(f->q, BASE + 0x24, cmd[i]);
	}
	qtest_writeb(f->q, BASE + 0x18, 0x20);
	/* swtpm is to have them, and to wait for the rest, when the abort comes */
	g_usleep(300000);
	qtest_writel(f->q, BASE + 0x18, end);
}

static void short_command(struct fixture *f, gconstpointer device)
{
	(void)device;
	six_bytes(f, 0x40);
	honest_command(f);
	six_bytes(f, 0x01000000);
	qtest_writeb(f->q, BASE + 0x18, 0x40);
	qtest_writeb(f->q, BASE, 0x20);
	honest_command(f);
}

/* The control group, in a subprocess that is given five seconds. */
static void stock_hangs(void)
{
	const char *dir = g_getenv(DIR_VARIABLE);
	struct fixture f = { .dir = g_strdup(dir) };

	start(&f, "tpm-tis");
	six_bytes(&f, 0x40);
	/* where the emulator is not waited for, the reset waits for ever */
	qtest_reset(f.q);
	teardown(&f, NULL);
}

static void short_command_hangs_stock(void)
{
	g_autofree char *dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);

	g_setenv(DIR_VARIABLE, dir, TRUE);
	g_test_trap_subprocess("/backend/subprocess/stock-hangs",
			       5 * G_USEC_PER_SEC, 0);
	g_assert_true(g_test_trap_reached_timeout());
	remove_dir(dir);
}

static void swtpm_killed(struct fixture *f, gconstpointer device)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	uint8_t rsp[64];
	JsonNode *reply;

	(void)device;
	honest_command(f);
	kill(f->swtpm, SIGKILL);
	qtest_writeb(f->q, BASE, 0x02);
	g_assert_cmpuint(indexed(f, get_random, sizeof(get_random), rsp, 64),
			 ==, 10);
	g_assert_cmpmem(rsp, 10, failure, 10);
	reply = qtest_qmp(f->q, "query-status", NULL);
	json_node_unref(reply);
	/* QEMU's own shutdown of the emulator has nobody to talk to */
	qtest_kill(f->q);
	f->q = NULL;
}

/* To another QEMU with another swtpm, which gets its state with the stream. */
static void migrate(struct fixture *f, gconstpointer device)
{
	struct fixture to = { .dir = g_dir_make_tmp("tpmix-XXXXXX", NULL) };
	g_autofree char *socket = start_swtpm(&to);
	g_autofree char *file = g_build_filename(to.dir, "stream", NULL);
	uint8_t rsp[64];
	uint32_t ticket, i;

	honest_command(f);
	qtest_writeb(f->q, BASE, 0x02);
	indexed(f, get_random, sizeof(get_random), rsp, 64);
	ticket = qtest_readl(f->q, BASE + 0xFD8);
	qtest_save(f->q, file);
	to.q = qtest_start(-1, MACHINE " -incoming file:%s", socket,
			   (const char *)device, file);
	qtest_wait_running(to.q);
	g_assert_cmphex(qtest_readl(to.q, BASE + 0xFD8), ==, ticket);
	for (i = 0; i < 28; i++) {
		g_assert_cmphex(qtest_readb(to.q, BASE + 0x100 + i), ==, rsp[i]);
	}
	/* started up over there: this one was */
	g_assert_cmpuint(indexed(&to, get_random, sizeof(get_random), rsp, 64),
			 ==, 28);
	teardown(&to, NULL);
}

/* A TPM whose state is garbage does not start: QEMU says so, and ends. */
static void does_not_start(void)
{
	struct fixture f = { .dir = g_dir_make_tmp("tpmix-XXXXXX", NULL) };
	g_autofree char *state = g_build_filename(f.dir, "tpm2-00.permall", NULL);
	g_autofree char *socket = NULL, *message = NULL;

	g_assert_true(g_file_set_contents(state, "garbage", -1, NULL));
	socket = start_swtpm(&f);
	message = qtest_start_fails(-1, MACHINE, socket, "tpm-tis-indexed");
	g_test_message("%s", message);
	g_assert_nonnull(strstr(message, "tpm-emulator: TPM result for CMD_INIT"));
	teardown(&f, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, func) \
	g_test_add(path, struct fixture, "tpm-tis-indexed", setup, func, teardown)
	ADD("/backend/doors-agree", doors_agree);
	ADD("/backend/short-command", short_command);
	ADD("/backend/swtpm-killed", swtpm_killed);
	ADD("/backend/migrate", migrate);
	g_test_add_func("/backend/does-not-start", does_not_start);
	g_test_add_func("/backend/subprocess/stock-hangs", stock_hangs);
	g_test_add_func("/backend/short-command-hangs-stock",
			short_command_hangs_stock);
	return g_test_run();
}
