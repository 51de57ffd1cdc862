/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's signals are its own: no thread that the library starts takes one. A
 * signal to the process is handled by any thread that does not block it, in the
 * program's handler, or ends the program; so what is wanted is that all block all.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"

struct fixture {
	char *dir;
	char *config;
};

static void setup(struct fixture *f, gconstpointer more)
{
	f->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	f->config = g_strdup_printf("state=%s%s", f->dir, (const char *)more);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	context_remove_dir(f->dir);
	g_free(f->dir);
	g_free(f->config);
}

/* What thread @tid blocks: proc(5), SigBlk. */
static uint64_t blocked(const char *tid)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%s/status", tid);
	g_autofree char *text = NULL;
	const char *line;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	line = strstr(text, "SigBlk:");
	g_assert_nonnull(line);
	return g_ascii_strtoull(line + strlen("SigBlk:"), NULL, 16);
}

/* All threads but this one; their number. */
static unsigned int check_threads(void)
{
	/* SIGKILL, SIGSTOP, and the two that the C library keeps cannot be blocked. */
	const uint64_t can = ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) |
			       1ull << 31 | 1ull << 32);
	g_autofree char *own = g_strdup_printf("%d", (int)gettid());
	GDir *dir = g_dir_open("/proc/self/task", 0, NULL);
	unsigned int n = 0;
	const char *tid;

	while ((tid = g_dir_read_name(dir))) {
		if (!strcmp(tid, own))
			continue;
		g_assert_cmphex(blocked(tid) & can, ==, can);
		n++;
	}
	g_dir_close(dir);
	return n;
}

static void test_threads(struct fixture *f, gconstpointer unused)
{
	sigset_t before, after;
	TSS2_TCTI_CONTEXT *c;
	int i;

	(void)unused;
	sigemptyset(&before);
	sigaddset(&before, SIGWINCH);
	g_assert_cmpint(pthread_sigmask(SIG_SETMASK, &before, NULL), ==, 0);
	c = context_open(f->config, TSS2_RC_SUCCESS);
	context_send_primary(c, 1);
	/* The driver's and the TPM's. */
	g_assert_cmpuint(check_threads(), >=, 2);
	g_assert_cmphex(context_receive(c), ==, TPM2_RC_SUCCESS);
	check_threads();
	/* And the caller's mask is as it was. */
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (i = 1; i < 32; i++)
		g_assert_cmpint(sigismember(&after, i), ==, i == SIGWINCH);
	context_close(c);
	sigemptyset(&before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Runs @program in a child, before there are threads; its end must be exit(0). */
static void in_child(void (*program)(const char *config), const char *config)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(60);
		program(config);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmphex(status, ==, 0);
}

/* SIGTERM is blocked and read from a file, as by an event loop. */
static void program_signalfd(const char *config)
{
	struct signalfd_siginfo info;
	TSS2_TCTI_CONTEXT *c;
	sigset_t set;
	int fd, i;

	/* Before: or the library's threads would have the mask from here. */
	c = context_open(config, TSS2_RC_SUCCESS);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (i = 0; i < 20; i++) {
		if (i % 2)
			context_send_primary(c, (uint8_t)i);
		else
			context_send_random(c);
		kill(getpid(), SIGTERM);
		context_receive(c);
		if (read(fd, &info, sizeof(info)) != sizeof(info))
			_exit(2);
	}
	context_close(c);
	close(fd);
}

static volatile sig_atomic_t handled_by;

static void handler(int signal)
{
	(void)signal;
	handled_by = (int)gettid();
}

/* The handler may run in the main thread, and there in sigsuspend() only. */
static void program_handler(const char *config)
{
	const struct sigaction action = { .sa_handler = handler };
	TSS2_TCTI_CONTEXT *c;
	sigset_t set, old;
	int i;

	c = context_open(config, TSS2_RC_SUCCESS);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (i = 0; i < 20; i++) {
		handled_by = 0;
		context_send_random(c);
		kill(getpid(), SIGUSR1);
		context_receive(c);
		if (handled_by)
			_exit(3);
		sigsuspend(&old);
		if (handled_by != getpid())
			_exit(4);
	}
	context_close(c);
}

static void test_signalfd(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	in_child(program_signalfd, f->config);
}

static void test_handler(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	in_child(program_handler, f->config);
}

int main(int argc, char **argv)
{
	g_setenv("TSS2_LOG", "all+NONE", TRUE);
	g_test_init(&argc, &argv, NULL);
	/* The programs first: a child of fork() has no threads then. */
	g_test_add("/signals/signalfd", struct fixture, "", setup, test_signalfd, teardown);
	g_test_add("/signals/handler", struct fixture, "", setup, test_handler, teardown);
	g_test_add("/signals/threads", struct fixture, "", setup, test_threads, teardown);
	g_test_add("/signals/threads-crb", struct fixture, ",door=crb", setup, test_threads,
		   teardown);
	return g_test_run();
}
