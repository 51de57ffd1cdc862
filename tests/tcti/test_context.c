/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCTI as the TSS specification has it, in process: sizes, sequence, waiting,
 * polling, cancelling, localities, errors, endings.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"

struct fixture {
	char *dir;
	char *config;
	TSS2_TCTI_CONTEXT *c;
};

static void setup(struct fixture *f, gconstpointer more)
{
	f->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	f->config = g_strdup_printf("state=%s%s", f->dir, more ? (const char *)more : "");
	f->c = context_open(f->config, TSS2_RC_SUCCESS);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	context_close(f->c);
	context_remove_dir(f->dir);
	g_free(f->dir);
	g_free(f->config);
}

static void test_init(void)
{
	const TSS2_TCTI_INFO *info = Tss2_Tcti_Info();
	size_t size = 1;
	uint8_t small[8];

	g_assert_cmpuint(info->version, ==, 2);
	g_assert_nonnull(strstr(info->config_help, "transport"));
	g_assert_true(info->init == Tss2_Tcti_Indexed_Init);
	g_assert_cmphex(Tss2_Tcti_Indexed_Init(NULL, NULL, NULL), ==,
			TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(Tss2_Tcti_Indexed_Init((TSS2_TCTI_CONTEXT *)small, &size, NULL),
			==, TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	context_open("transport=usb", TSS2_TCTI_RC_BAD_VALUE);
	context_open("transport=qtest,path=/nonexistent/socket",
		     TSS2_TCTI_RC_NO_CONNECTION);
	context_open("transport=mem,path=/nonexistent/mem", TSS2_TCTI_RC_NO_CONNECTION);
	context_open("state=/proc/tpmix", TSS2_TCTI_RC_IO_ERROR);
}

static void test_bad_arguments(struct fixture *f, gconstpointer unused)
{
	TSS2_TCTI_CONTEXT_COMMON_V2 *v2 = (TSS2_TCTI_CONTEXT_COMMON_V2 *)f->c;
	uint8_t cmd[16] = { 0x80, 1, 0, 0, 0, 16 };
	size_t size = 16, none = 0;
	TSS2_TCTI_POLL_HANDLE handle;
	uint64_t magic;

	(void)unused;
	g_assert_cmphex(v2->v1.transmit(NULL, 16, cmd), ==, TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(v2->v1.transmit(f->c, 16, NULL), ==, TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(v2->v1.transmit(f->c, 9, cmd), ==, TSS2_TCTI_RC_BAD_VALUE);
	g_assert_cmphex(v2->v1.transmit(f->c, 15, cmd), ==, TSS2_TCTI_RC_BAD_VALUE);
	g_assert_cmphex(v2->v1.receive(NULL, &size, cmd, 0), ==,
			TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(v2->v1.getPollHandles(f->c, &handle, NULL), ==,
			TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(v2->v1.getPollHandles(f->c, &handle, &none), ==,
			TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	g_assert_cmpuint(none, ==, 1);
	g_assert_cmphex(v2->v1.setLocality(f->c, 5), ==, TSS2_TCTI_RC_BAD_VALUE);
	g_assert_cmphex(v2->v1.setLocality(f->c, 32), ==, TSS2_TCTI_RC_BAD_VALUE);
	g_assert_cmphex(v2->makeSticky(f->c, NULL, 0), ==, TSS2_TCTI_RC_NOT_IMPLEMENTED);
	magic = v2->v1.magic;
	v2->v1.magic = 1;
	g_assert_cmphex(v2->v1.cancel(f->c), ==, TSS2_TCTI_RC_BAD_CONTEXT);
	v2->v1.magic = magic;

	/* Larger than the TPM's buffer, by its own header. */
	{
		g_autofree uint8_t *large = g_malloc0(5000);

		memcpy(large, cmd, 6);
		large[4] = 5000 >> 8;
		large[5] = 5000 & 0xFF;
		g_assert_cmphex(v2->v1.transmit(f->c, 5000, large), ==,
				TSS2_TCTI_RC_BAD_VALUE);
	}
	/* None of it left the state. */
	context_send_random(f->c);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
}

static void test_sequence(struct fixture *f, gconstpointer unused)
{
	uint8_t rsp[64];
	size_t size = sizeof(rsp);

	(void)unused;
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, rsp, 0), ==,
			TSS2_TCTI_RC_BAD_SEQUENCE);
	g_assert_cmphex(Tss2_Tcti_Cancel(f->c), ==, TSS2_TCTI_RC_BAD_SEQUENCE);
	context_send_random(f->c);
	g_assert_cmphex(Tss2_Tcti_Transmit(f->c, sizeof(context_random), context_random), ==,
			TSS2_TCTI_RC_BAD_SEQUENCE);
	g_assert_cmphex(Tss2_Tcti_SetLocality(f->c, 1), ==, TSS2_TCTI_RC_BAD_SEQUENCE);
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, NULL, rsp, 0), ==,
			TSS2_TCTI_RC_BAD_REFERENCE);
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, rsp, -2), ==,
			TSS2_TCTI_RC_BAD_VALUE);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, rsp, 0), ==,
			TSS2_TCTI_RC_BAD_SEQUENCE);
}

static void test_sizes(struct fixture *f, gconstpointer unused)
{
	uint8_t rsp[CONTEXT_RANDOM_RSP];
	size_t size = 0;

	(void)unused;
	context_send_random(f->c);
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, NULL, TSS2_TCTI_TIMEOUT_BLOCK), ==,
			TSS2_RC_SUCCESS);
	g_assert_cmpuint(size, ==, CONTEXT_RANDOM_RSP);
	size = CONTEXT_RANDOM_RSP - 1;
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, rsp, TSS2_TCTI_TIMEOUT_BLOCK), ==,
			TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	g_assert_cmpuint(size, ==, CONTEXT_RANDOM_RSP);
	g_assert_cmphex(Tss2_Tcti_Receive(f->c, &size, rsp, 0), ==, TSS2_RC_SUCCESS);
	g_assert_cmpuint(size, ==, CONTEXT_RANDOM_RSP);
	g_assert_cmpuint(rsp[5], ==, CONTEXT_RANDOM_RSP);
}

static TSS2_TCTI_POLL_HANDLE poll_handle(TSS2_TCTI_CONTEXT *c)
{
	TSS2_TCTI_POLL_HANDLE handle = { .fd = -1 };
	size_t n = 0;

	g_assert_cmphex(Tss2_Tcti_GetPollHandles(c, NULL, &n), ==, TSS2_RC_SUCCESS);
	g_assert_cmpuint(n, ==, 1);
	g_assert_cmphex(Tss2_Tcti_GetPollHandles(c, &handle, &n), ==, TSS2_RC_SUCCESS);
	return handle;
}

static void nothing(int signal)
{
	(void)signal;
}

static void interrupt_often(bool on)
{
	const struct sigaction action = { .sa_handler = nothing };
	const struct itimerval often = { .it_interval.tv_usec = on ? 700 : 0,
					 .it_value.tv_usec = on ? 700 : 0 };

	sigaction(SIGALRM, &action, NULL); /* no SA_RESTART */
	setitimer(ITIMER_REAL, &often, NULL);
}

/* A command that takes long: transmit returns, the handle becomes readable. */
static void test_async(struct fixture *f, gconstpointer unused)
{
	size_t size = 0;
	TSS2_TCTI_POLL_HANDLE h;
	gint64 begin;
	TSS2_RC rc;
	int tries = 0, i;

	(void)unused;
	/* Prime search has luck; a lucky one is not seen running. */
	for (i = 0; i < 50 && tries == 0; i++) {
		h = poll_handle(f->c);
		g_assert_cmpint(poll(&h, 1, 0), ==, 0);
		begin = g_get_monotonic_time();
		context_send_primary(f->c, (uint8_t)i);
		g_assert_cmpint(g_get_monotonic_time() - begin, <, 20000);
		interrupt_often(true);
		while ((rc = Tss2_Tcti_Receive(f->c, &size, NULL, 0)) ==
		       TSS2_TCTI_RC_TRY_AGAIN) {
			begin = g_get_monotonic_time();
			rc = Tss2_Tcti_Receive(f->c, &size, NULL, 3);
			if (rc != TSS2_TCTI_RC_TRY_AGAIN)
				break;
			g_assert_cmpint(g_get_monotonic_time() - begin, >=, 2000);
			tries++;
			poll(&h, 1, 5);
		}
		interrupt_often(false);
		g_assert_cmphex(rc, ==, TSS2_RC_SUCCESS);
		g_assert_cmpint(poll(&h, 1, 0), ==, 1);
		g_assert_cmpint(h.revents & POLLIN, ==, POLLIN);
		g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
		g_assert_cmpint(poll(&h, 1, 0), ==, 0);
		/* Room for the next one. */
		context_close(f->c);
		f->c = context_open(f->config, TSS2_RC_SUCCESS);
	}
	g_assert_cmpint(tries, >, 0);
}

/* Cancel ends what would have gone on; then the TPM works as before. */
static void test_cancel(struct fixture *f, gconstpointer unused)
{
	uint32_t rc = 0;
	int i;

	(void)unused;
	for (i = 0; i < 100 && rc != TPM2_RC_CANCELED; i++) {
		context_send_primary(f->c, (uint8_t)i);
		g_usleep((gulong)(i % 10) * 500);
		g_assert_cmphex(Tss2_Tcti_Cancel(f->c), ==, TSS2_RC_SUCCESS);
		g_assert_cmphex(Tss2_Tcti_Cancel(f->c), ==, TSS2_RC_SUCCESS);
		rc = context_receive(f->c);
		if (rc == TPM2_RC_OBJECT_MEMORY || rc == TPM2_RC_SUCCESS) {
			context_close(f->c);
			f->c = context_open(f->config, TSS2_RC_SUCCESS);
		}
	}
	g_assert_cmphex(rc, ==, TPM2_RC_CANCELED);
	context_send_random(f->c);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
}

/* PCR 17 to 22 can be extended by some localities only (PC Client profile). */
static uint32_t extend(TSS2_TCTI_CONTEXT *c, uint8_t pcr)
{
	context_send_extend(c, pcr);
	return context_receive(c);
}

static void test_locality(struct fixture *f, gconstpointer unused)
{
	uint8_t l;

	(void)unused;
	g_assert_cmphex(extend(f->c, 17), ==, TPM2_RC_LOCALITY);
	for (l = 0; l < 5; l++) {
		g_assert_cmphex(Tss2_Tcti_SetLocality(f->c, l), ==, TSS2_RC_SUCCESS);
		context_send_random(f->c);
		g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
	}
	g_assert_cmphex(extend(f->c, 17), ==, TPM2_RC_SUCCESS);
	g_assert_cmphex(Tss2_Tcti_SetLocality(f->c, 0), ==, TSS2_RC_SUCCESS);
	g_assert_cmphex(extend(f->c, 17), ==, TPM2_RC_LOCALITY);
}

static void test_window_locality(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	g_assert_cmphex(Tss2_Tcti_SetLocality(f->c, 1), ==, TSS2_TCTI_RC_NOT_SUPPORTED);
	g_assert_cmphex(Tss2_Tcti_SetLocality(f->c, 0), ==, TSS2_RC_SUCCESS);
	context_send_random(f->c);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
}

/* The parent's context is of no use to a child, and says so. */
static void test_fork(struct fixture *f, gconstpointer unused)
{
	int status;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		TSS2_RC rc = Tss2_Tcti_Transmit(f->c, sizeof(context_random),
						context_random);

		Tss2_Tcti_Finalize(f->c);
		_exit(rc != TSS2_TCTI_RC_BAD_CONTEXT);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	context_send_random(f->c);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
}

/* Finalize while a command runs: it ends, soon, and the next one may begin. */
static void test_finalize_running(struct fixture *f, gconstpointer unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 10; i++) {
		gint64 begin = g_get_monotonic_time();

		context_send_primary(f->c, (uint8_t)i);
		Tss2_Tcti_Finalize(f->c);
		g_assert_cmpint(g_get_monotonic_time() - begin, <, 10 * G_USEC_PER_SEC);
		/* Finalized twice is nothing. */
		context_close(f->c);
		f->c = context_open(f->config, TSS2_RC_SUCCESS);
	}
	context_send_random(f->c);
	g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
}

/* TPM2_Shutdown as the last command is a loss of power: PCR 16 begins anew. */
static void test_shutdown(struct fixture *f, gconstpointer unused)
{
	const uint8_t shutdown[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0 };
	uint8_t pcr[3][32];
	int i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		context_pcr16(f->c, pcr[i]);
		if (i == 0)
			g_assert_cmphex(extend(f->c, 16), ==, TPM2_RC_SUCCESS);
		if (i == 1) {
			g_assert_cmphex(Tss2_Tcti_Transmit(f->c, sizeof(shutdown), shutdown),
					==, TSS2_RC_SUCCESS);
			g_assert_cmphex(context_receive(f->c), ==, TPM2_RC_SUCCESS);
		}
		context_close(f->c);
		f->c = context_open(f->config, TSS2_RC_SUCCESS);
	}
	g_assert_cmpint(memcmp(pcr[0], pcr[1], 32), !=, 0);
	g_assert_cmpint(memcmp(pcr[0], pcr[2], 32), ==, 0);
}

/* The TPM has room for three loaded sessions; each user finds it empty. */
static void test_left_loaded(struct fixture *f, gconstpointer unused)
{
	const uint8_t start_session[43] = {
		0x80, 0x01, 0, 0, 0, 43, 0, 0, 0x01, 0x76,
		0x40, 0, 0, 0x07, 0x40, 0, 0, 0x07, 0, 16,      /* no key, no bind */
		[36] = 0, 0, 0, 0, 0x10, 0, 0x0B,               /* hmac, null, sha256 */
	};
	int i, n;

	(void)unused;
	for (i = 0; i < 3; i++) {
		for (n = 0; n < 4; n++) {
			g_assert_cmphex(Tss2_Tcti_Transmit(f->c, sizeof(start_session),
							   start_session), ==,
					TSS2_RC_SUCCESS);
			g_assert_cmphex(context_receive(f->c), ==,
					n < 3 ? TPM2_RC_SUCCESS : TPM2_RC_SESSION_MEMORY);
		}
		context_close(f->c);
		f->c = context_open(f->config, TSS2_RC_SUCCESS);
	}
}

static void add(const char *name, const char *more,
		void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strconcat("/context/", name, NULL);

	g_test_add(path, struct fixture, more, setup, test, teardown);
}

int main(int argc, char **argv)
{
	g_setenv("TSS2_LOG", "all+NONE", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/context/init", test_init);
	add("bad-arguments", NULL, test_bad_arguments);
	add("sequence", NULL, test_sequence);
	add("sizes", NULL, test_sizes);
	add("sizes-crb", ",door=crb", test_sizes);
	add("sizes-replay", ",replay=rate=300000,seed=1", test_sizes);
	add("async", NULL, test_async);
	add("async-window", ",door=window", test_async);
	add("cancel", NULL, test_cancel);
	add("cancel-crb", ",door=crb", test_cancel);
	add("cancel-fifo", ",door=fifo", test_cancel);
	add("locality", NULL, test_locality);
	add("locality-crb", ",door=crb", test_locality);
	add("locality-fifo", ",door=fifo", test_locality);
	add("window-locality", ",door=window", test_window_locality);
	add("fork", NULL, test_fork);
	add("finalize-running", NULL, test_finalize_running);
	add("shutdown", NULL, test_shutdown);
	add("left-loaded", NULL, test_left_loaded);
	return g_test_run();
}
