/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several contexts in one process: on one state they share its TPM, on one QEMU its
 * socket. Commands go in turn; locality, cancelling and errors are each one's own.
 */
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "device.h"
#include "rig.h"

struct fixture {
	char *dir;
	char *config;
	TSS2_TCTI_CONTEXT *a, *b;
};

static void setup(struct fixture *f, gconstpointer more)
{
	g_autofree char *other = NULL;

	f->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	f->config = g_strdup_printf("state=%s", f->dir);
	/* The second one by another path, and by what @more says. */
	other = g_strdup_printf("state=%s/../%s//%s", f->dir, strrchr(f->dir, '/') + 1,
				(const char *)more);
	f->a = context_open(f->config, TSS2_RC_SUCCESS);
	f->b = context_open(other, TSS2_RC_SUCCESS);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	context_close(f->a);
	context_close(f->b);
	context_remove_dir(f->dir);
	g_free(f->dir);
	g_free(f->config);
}

static void assert_random(TSS2_TCTI_CONTEXT *c)
{
	context_send_random(c);
	g_assert_cmphex(context_receive(c), ==, TPM2_RC_SUCCESS);
}

static bool is_there(TSS2_TCTI_CONTEXT *c)
{
	size_t size = 0;
	TSS2_RC rc = Tss2_Tcti_Receive(c, &size, NULL, 0);

	g_assert_true(rc == TSS2_RC_SUCCESS || rc == TSS2_TCTI_RC_TRY_AGAIN);
	return rc == TSS2_RC_SUCCESS;
}

/* One TPM, both commands under way at once, responses taken in either order. */
static void test_share(struct fixture *f, gconstpointer unused)
{
	uint8_t before[32], a[32], b[32];
	int i;

	(void)unused;
	for (i = 0; i < 4; i++) {
		context_pcr16(f->a, before);
		context_send_extend(i % 2 ? f->a : f->b, 16);
		context_send_random(i % 2 ? f->b : f->a);
		g_assert_cmphex(context_receive(f->a), ==, TPM2_RC_SUCCESS);
		g_assert_cmphex(context_receive(f->b), ==, TPM2_RC_SUCCESS);
		context_pcr16(f->a, a);
		context_pcr16(f->b, b);
		g_assert_cmpmem(a, 32, b, 32);
		g_assert_cmpint(memcmp(a, before, 32), !=, 0);
	}
}

static void test_locality(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	g_assert_cmphex(Tss2_Tcti_SetLocality(f->a, 4), ==, TSS2_RC_SUCCESS);
	context_send_extend(f->a, 17);
	context_send_extend(f->b, 17);
	g_assert_cmphex(context_receive(f->a), ==, TPM2_RC_SUCCESS);
	g_assert_cmphex(context_receive(f->b), ==, TPM2_RC_LOCALITY);
}

/*
 * @f->a runs a command that takes long, and @f->b has one that waits; false where the
 * former was quick, as it is at times.
 */
static bool begin_both(struct fixture *f, uint8_t unique)
{
	context_send_primary(f->a, unique);
	g_usleep(2000);
	context_send_random(f->b);
	return !is_there(f->a);
}

/* Room for the next key: who comes when nobody has the TPM finds it empty. */
static void reopen(struct fixture *f)
{
	context_close(f->a);
	context_close(f->b);
	f->a = context_open(f->config, TSS2_RC_SUCCESS);
	f->b = context_open(f->config, TSS2_RC_SUCCESS);
}

/* What waits is cancelled at once; what runs goes on. */
static void test_cancel_waiting(struct fixture *f, gconstpointer unused)
{
	int i, seen = 0;

	(void)unused;
	for (i = 0; i < 100 && seen < 3; i++) {
		bool both = begin_both(f, (uint8_t)i);
		uint32_t rc;

		g_assert_cmphex(Tss2_Tcti_Cancel(f->b), ==, TSS2_RC_SUCCESS);
		rc = context_receive(f->b);
		seen += both && rc == TPM2_RC_CANCELED && !is_there(f->a);
		g_assert_cmphex(context_receive(f->a), ==, TPM2_RC_SUCCESS);
		reopen(f);
	}
	g_assert_cmpint(seen, ==, 3);
}

/* What runs is cancelled; what waits is not. */
static void test_cancel_running(struct fixture *f, gconstpointer unused)
{
	int i, seen = 0;

	(void)unused;
	for (i = 0; i < 100 && seen < 3; i++) {
		begin_both(f, (uint8_t)i);
		g_assert_cmphex(Tss2_Tcti_Cancel(f->a), ==, TSS2_RC_SUCCESS);
		seen += context_receive(f->a) == TPM2_RC_CANCELED;
		g_assert_cmphex(context_receive(f->b), ==, TPM2_RC_SUCCESS);
		reopen(f);
	}
	g_assert_cmpint(seen, ==, 3);
}

/* One ends while its command waits, or runs; the other one does not notice. */
static void test_finalize(struct fixture *f, gconstpointer unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 10; i++) {
		TSS2_TCTI_CONTEXT **first = i % 2 ? &f->a : &f->b;
		TSS2_TCTI_CONTEXT *other = i % 2 ? f->b : f->a;
		uint32_t rc;

		begin_both(f, (uint8_t)i);
		context_close(*first);
		*first = NULL;
		rc = context_receive(other);
		g_assert_cmphex(rc, ==, TPM2_RC_SUCCESS);
		assert_random(other);
		reopen(f);
	}
	assert_random(f->a);
}

/* libtpms is one TPM a process; with the last context it is free for another state. */
static void test_other_state(struct fixture *f, gconstpointer unused)
{
	g_autofree char *dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	g_autofree char *config = g_strdup_printf("state=%s", dir);
	g_autoptr(GError) error = NULL;
	TSS2_TCTI_CONTEXT *c;

	(void)unused;
	context_open(config, TSS2_TCTI_RC_IO_ERROR);
	g_assert_null(tpmix_inproc_open(dir, false, 0, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "one TPM a process"));
	g_assert_nonnull(strstr(error->message, f->dir));
	assert_random(f->a);
	g_clear_pointer(&f->a, context_close);
	context_open(config, TSS2_TCTI_RC_IO_ERROR);
	g_clear_pointer(&f->b, context_close);
	c = context_open(config, TSS2_RC_SUCCESS);
	assert_random(c);
	context_close(c);
	context_remove_dir(dir);
}

/* A child of fork() has none of the threads, so it has no TPM, of any state. */
static void test_fork(struct fixture *f, gconstpointer unused)
{
	int status;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		size_t size = sizeof(TSS2_TCTI_CONTEXT_COMMON_V2) + sizeof(void *);
		TSS2_TCTI_CONTEXT *c = g_malloc(size);
		TSS2_RC rc = Tss2_Tcti_Indexed_Init(c, &size, f->config);

		_exit(rc != TSS2_TCTI_RC_IO_ERROR);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	assert_random(f->a);
	assert_random(f->b);
}

/* Many at once, opened, used and closed by threads of their own. */
#define USERS   6
#define ROUNDS  4
#define EXTENDS 8

static gpointer use_often(gpointer config)
{
	int i, k;

	for (i = 0; i < ROUNDS; i++) {
		TSS2_TCTI_CONTEXT *c = context_open(config, TSS2_RC_SUCCESS);

		for (k = 0; k < EXTENDS; k++) {
			context_send_extend(c, 16);
			g_assert_cmphex(context_receive(c), ==, TPM2_RC_SUCCESS);
			assert_random(c);
		}
		context_close(c);
	}
	return NULL;
}

static void test_threads(struct fixture *f, gconstpointer unused)
{
	static const char *const more[] = { "", ",door=crb", ",door=window",
		",replay=rate=200000,seed=1", ",door=fifo", ",locality=2" };
	uint8_t got[32], want[32];
	GThread *threads[USERS];
	char *configs[USERS];
	unsigned int i;

	(void)unused;
	context_pcr16(f->a, want);
	for (i = 0; i < USERS; i++) {
		configs[i] = g_strconcat(f->config, more[i], NULL);
		threads[i] = g_thread_new("user", use_often, configs[i]);
	}
	for (i = 0; i < USERS; i++) {
		g_thread_join(threads[i]);
		g_free(configs[i]);
	}
	/* Each extend ran once. */
	for (i = 0; i < USERS * ROUNDS * EXTENDS; i++) {
		g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
		const uint8_t zeroes[32] = { 0 };
		gsize size = sizeof(want);

		g_checksum_update(sum, want, 32);
		g_checksum_update(sum, zeroes, 32);
		g_checksum_get_digest(sum, want, &size);
	}
	context_pcr16(f->a, got);
	g_assert_cmpmem(got, 32, want, 32);
}

/* A QEMU that has one client at a time, and the rig's device. */
struct qemu {
	char *dir, *path;
	int fd;                 /* listening */
	unsigned int clients;   /* so far */
	struct rig rig;
	GThread *thread;
};

static void answer(struct qemu *q, int fd, const char *line)
{
	char text[64] = "OK little\n", width = 0;
	guint64 addr, val = 0;
	unsigned int size;
	bool write_it = g_str_has_prefix(line, "write");

	if (strcmp(line, "endianness\n")) {
		g_assert_cmpint(sscanf(line, write_it ?
				"write%c 0x%" G_GINT64_MODIFIER "x 0x%" G_GINT64_MODIFIER "x" :
				"read%c 0x%" G_GINT64_MODIFIER "x", &width, &addr, &val),
				==, write_it ? 3 : 2);
		size = width == 'b' ? 1 : width == 'w' ? 2 : width == 'l' ? 4 : 8;
		addr -= TPMIX_BASE;
		if (write_it)
			tpmix_bus_write(&q->rig.bus, (uint32_t)addr, val, size);
		else
			val = tpmix_bus_read(&q->rig.bus, (uint32_t)addr, size);
		g_snprintf(text, sizeof(text), "OK 0x%" G_GINT64_MODIFIER "x\n", val);
	}
	g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
}

static gpointer be_qemu(gpointer opaque)
{
	struct qemu *q = opaque;
	char line[100];
	FILE *in;
	int fd;

	while ((fd = accept(q->fd, NULL, NULL)) >= 0) {
		q->clients++;
		in = fdopen(fd, "r");
		while (fgets(line, sizeof(line), in))
			answer(q, fd, line);
		fclose(in);
	}
	return NULL;
}

static void start_qemu(struct qemu *q, bool crb)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	rig_init(&q->rig, crb);
	q->clients = 0;
	q->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	q->path = g_build_filename(q->dir, "s", NULL);
	g_strlcpy(addr.sun_path, q->path, sizeof(addr.sun_path));
	q->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	g_assert_cmpint(bind(q->fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(listen(q->fd, 1), ==, 0);
	q->thread = g_thread_new("qemu", be_qemu, q);
}

static void stop_qemu(struct qemu *q)
{
	shutdown(q->fd, SHUT_RDWR);
	g_thread_join(q->thread);
	close(q->fd);
	context_remove_dir(q->dir);
	g_free(q->path);
	g_free(q->dir);
}

#define COMMANDS 30
#define CMD_LEN  38u

struct user {
	GThread *thread;
	struct qemu *qemu;
	const char *more;
	uint8_t fill;
};

/* The response is to this command, as the TPM's nth for some n. */
static bool is_response(const struct qemu *q, const uint8_t *cmd, const uint8_t *rsp,
			size_t size)
{
	static const unsigned int most = 10 * COMMANDS;
	uint8_t want[RIG_CAPACITY];
	unsigned int n;

	for (n = 1; n < most; n++)
		if (size == rig_response(&q->rig, cmd, CMD_LEN, n, want) &&
		    !memcmp(rsp, want, size))
			return true;
	return false;
}

static gpointer use_qemu(gpointer opaque)
{
	struct user *u = opaque;
	g_autofree char *config = g_strdup_printf("transport=qtest,path=%s%s",
						  u->qemu->path, u->more);
	TSS2_TCTI_CONTEXT *c = context_open(config, TSS2_RC_SUCCESS);
	uint8_t cmd[CMD_LEN], rsp[RIG_CAPACITY];
	int i;

	for (i = 0; i < COMMANDS; i++) {
		size_t size = sizeof(rsp);

		rig_command(cmd, CMD_LEN, (uint8_t)(u->fill + i));
		g_assert_cmphex(Tss2_Tcti_Transmit(c, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
		g_assert_cmphex(Tss2_Tcti_Receive(c, &size, rsp, -1), ==, TSS2_RC_SUCCESS);
		g_assert_true(is_response(u->qemu, cmd, rsp, size));
	}
	context_close(c);
	return NULL;
}

/* Contexts of one process on one QEMU: of the same locality, and of different ones. */
static void test_qtest(gconstpointer data)
{
	const bool crb = data != NULL;
	const char *const more[] = { "", ",door=window", crb ? ",door=crb" : ",door=fifo",
				     ",locality=1" };
	struct qemu *q = g_new0(struct qemu, 1);
	struct user users[G_N_ELEMENTS(more)];
	TSS2_TCTI_CONTEXT *first;
	unsigned int i;

	start_qemu(q, crb);
	q->rig.delay = 20;
	{
		g_autofree char *config = g_strdup_printf("transport=qtest,path=%s/../%s/s",
							  q->dir, strrchr(q->dir, '/') + 1);

		first = context_open(config, TSS2_RC_SUCCESS);
	}
	for (i = 0; i < G_N_ELEMENTS(more); i++) {
		users[i] = (struct user) { .qemu = q, .more = more[i],
					   .fill = (uint8_t)(i * 60) };
		users[i].thread = g_thread_new("user", use_qemu, &users[i]);
	}
	for (i = 0; i < G_N_ELEMENTS(more); i++)
		g_thread_join(users[i].thread);
	g_assert_cmpuint(q->rig.runs, ==, G_N_ELEMENTS(more) * COMMANDS);
	g_assert_cmpuint(q->clients, ==, 1);
	context_close(first);
	stop_qemu(q);
	g_free(q);
}

/* QEMU ends and comes back: what was open is broken, what is opened then is not. */
static void test_qtest_restart(void)
{
	struct qemu *q = g_new0(struct qemu, 1);
	g_autofree char *config = NULL;
	TSS2_TCTI_CONTEXT *old, *c;
	uint8_t cmd[CMD_LEN], rsp[RIG_CAPACITY];
	size_t size = sizeof(rsp);
	int i;

	start_qemu(q, false);
	config = g_strdup_printf("transport=qtest,path=%s,wait=2", q->path);
	old = context_open(config, TSS2_RC_SUCCESS);
	/* Its client is the one to end, so that the double comes to accept again. */
	for (i = 3; i < 64; i++) {
		struct sockaddr_un peer = { .sun_family = 0 };
		socklen_t len = sizeof(peer);

		if (getpeername(i, (struct sockaddr *)&peer, &len) == 0 &&
		    !strcmp(peer.sun_path, q->path))
			shutdown(i, SHUT_RDWR);
	}
	c = context_open(config, TSS2_RC_SUCCESS);
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmphex(Tss2_Tcti_Transmit(old, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
	g_assert_cmphex(Tss2_Tcti_Receive(old, &size, rsp, -1), ==, TSS2_TCTI_RC_IO_ERROR);
	g_assert_cmphex(Tss2_Tcti_Transmit(c, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
	g_assert_cmphex(Tss2_Tcti_Receive(c, &size, rsp, -1), ==, TSS2_RC_SUCCESS);
	g_assert_cmpuint(q->clients, ==, 2);
	context_close(old);
	context_close(c);
	stop_qemu(q);
	g_free(q);
}

/*
 * Of two on one device one has its turn while its command runs: the other one is
 * cancelled where it waits, and the command that runs is left alone.
 */
static void test_qtest_cancel(void)
{
	struct qemu *q = g_new0(struct qemu, 1);
	g_autofree char *config = NULL;
	TSS2_TCTI_CONTEXT *a, *b;
	uint8_t cmd[CMD_LEN];

	start_qemu(q, true);
	config = g_strdup_printf("transport=qtest,path=%s,door=crb", q->path);
	a = context_open(config, TSS2_RC_SUCCESS);
	b = context_open(config, TSS2_RC_SUCCESS);
	q->rig.hold = true;
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmphex(Tss2_Tcti_Transmit(a, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
	g_usleep(50000);
	g_assert_cmphex(Tss2_Tcti_Transmit(b, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
	g_assert_cmphex(Tss2_Tcti_Cancel(b), ==, TSS2_RC_SUCCESS);
	g_assert_cmphex(context_receive(b), ==, TPM2_RC_CANCELED);
	g_assert_cmpuint(q->rig.runs, ==, 1);
	g_assert_cmpuint(q->rig.cancels, ==, 0);
	g_assert_false(is_there(a));
	/* And one that waits may end. */
	g_assert_cmphex(Tss2_Tcti_Transmit(b, CMD_LEN, cmd), ==, TSS2_RC_SUCCESS);
	context_close(b);
	g_assert_cmphex(Tss2_Tcti_Cancel(a), ==, TSS2_RC_SUCCESS);
	context_receive(a);
	g_assert_cmpuint(q->rig.cancels, ==, 1);
	g_assert_cmpuint(q->rig.runs, ==, 1);
	context_close(a);
	stop_qemu(q);
	g_free(q);
}

static void add(const char *name, const char *more,
		void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strconcat("/several/", name, NULL);

	g_test_add(path, struct fixture, more, setup, test, teardown);
}

int main(int argc, char **argv)
{
	g_setenv("TSS2_LOG", "all+NONE", TRUE);
	g_test_init(&argc, &argv, NULL);
	add("share", "", test_share);
	add("share-crb", ",door=crb", test_share);
	add("share-window", ",door=window", test_share);
	add("locality", "", test_locality);
	add("locality-crb", ",door=crb", test_locality);
	add("cancel-waiting", "", test_cancel_waiting);
	add("cancel-running", "", test_cancel_running);
	add("finalize", "", test_finalize);
	add("other-state", "", test_other_state);
	add("fork", "", test_fork);
	add("threads", "", test_threads);
	g_test_add_data_func("/several/qtest-tis", NULL, test_qtest);
	g_test_add_data_func("/several/qtest-crb", "crb", test_qtest);
	g_test_add_func("/several/qtest-restart", test_qtest_restart);
	g_test_add_func("/several/qtest-cancel", test_qtest_cancel);
	return g_test_run();
}
