/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of a QEMU under test: its command line, its start, the sockets that
 * it is given for qtest and QMP, its end.
 */
#include "qtest_client_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIT_TIMEOUT_MS 20000

/* The child's file descriptors */
enum { FD_QTEST = 3, FD_QMP = 4, FD_TPM = 5 };

static void line_socket_init(LineSocket *s, const char *name, int *peer)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	int fd[2];

	g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	g_assert_no_errno(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	s->fd = fd[0];
	s->name = name;
	s->in = g_string_new(NULL);
	*peer = fd[1];
}

static void line_socket_close(LineSocket *s)
{
	close(s->fd);
	g_string_free(s->in, TRUE);
}

void line_socket_send(LineSocket *s, const char *line)
{
	size_t left = strlen(line);

	while (left) {
		ssize_t n = send(s->fd, line, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			g_error("%s: QEMU is gone: %s", s->name, g_strerror(errno));
		line += n;
		left -= (size_t)n;
	}
}

char *line_socket_receive(LineSocket *s)
{
	for (;;) {
		char *end = strchr(s->in->str, '\n');
		char buffer[4096];
		ssize_t n;

		if (end) {
			size_t length = (size_t)(end - s->in->str);
			char *line = g_strndup(s->in->str, length);

			g_string_erase(s->in, 0, (gssize)length + 1);
			return g_strchomp(line);
		}
		n = recv(s->fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			g_error("%s: no answer: %s", s->name, g_strerror(errno));
		if (n == 0)
			g_error("%s: QEMU is gone", s->name);
		g_string_append_len(s->in, buffer, n);
	}
}

/* In the child, between fork and exec: it shall not outlive the test. */
static void die_with_parent(gpointer unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* $TPM_SYNC_US is "sync-us" of the project's devices, where a test has no other. */
static void set_sync_us(GString *line)
{
	static const char *const devices[] = { "-device tpm-tis-indexed", "-device tpm-crb-ext" };
	const char *sync_us = g_getenv("TPM_SYNC_US");
	unsigned int i;

	for (i = 0; sync_us && i < G_N_ELEMENTS(devices); i++) {
		g_autofree char *with = g_strdup_printf("%s,sync-us=%s", devices[i], sync_us);

		g_string_replace(line, devices[i], with, 0);
	}
}

/*
 * $QEMU_OTHER is every second QEMU that a test starts, so that a state which one saves
 * is loaded by the other. Both then have the machine $QEMU_MACHINE in place of the alias.
 */
static const char *next_qemu(void)
{
	static unsigned int started;
	const char *other = g_getenv("QEMU_OTHER"), *qemu = g_getenv("QEMU");

	if (other && started++ % 2)
		return other;
	return qemu ? qemu : "qemu-system-x86_64";
}

static void set_machine(GString *line)
{
	const char *machine = g_getenv("QEMU_MACHINE");

	if (machine) {
		g_autofree char *with = g_strdup_printf("-machine %s", machine);

		g_string_replace(line, "-machine q35", with, 0);
	}
}

static char **build_arguments(int tpm_fd, const char *extra, bool control)
{
	const char *firmware = g_getenv("QEMU_FIRMWARE");
	GString *line = g_string_new(NULL);
	GError *error = NULL;
	char **argv;

	/* vapic=off: its option ROM is not in Debian's firmware directory. */
	g_string_printf(line,
			"'%s' -L '%s' -accel qtest -m 16 -nodefaults -display none"
			" -global apic-common.vapic=off",
			next_qemu(),
			firmware ? firmware : "/usr/share/seabios");
	if (control)
		g_string_append_printf(line,
				       " -chardev socket,id=qtest-client,fd=%d -qtest chardev:qtest-client"
				       " -qtest-log none"
				       " -chardev socket,id=qmp-client,fd=%d -mon chardev=qmp-client,mode=control",
				       FD_QTEST, FD_QMP);
	if (tpm_fd != -1)
		g_string_append_printf(line,
				       " -chardev socket,id=tpm-chr,fd=%d"
				       " -tpmdev emulator,id=tpm0,chardev=tpm-chr",
				       FD_TPM);
	g_string_append_printf(line, " %s", extra);
	set_sync_us(line);
	set_machine(line);
	if (!g_shell_parse_argv(line->str, NULL, &argv, &error))
		g_error("%s: %s", line->str, error->message);
	g_string_free(line, TRUE);
	return argv;
}

static GPid spawn(char **argv, const int *from, const int *to, size_t num, int *errors)
{
	GError *error = NULL;
	GPid pid;

	if (!g_spawn_async_with_pipes_and_fds(NULL, (const char *const *)argv, NULL,
					      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
						      G_SPAWN_STDOUT_TO_DEV_NULL,
					      die_with_parent, NULL, -1, -1, -1, from, to, num,
					      &pid, NULL, NULL, errors, &error))
		g_error("%s", error->message);
	g_strfreev(argv);
	return pid;
}

QtestClient *qtest_start(int tpm_fd, const char *format, ...)
{
	static const int to[] = { FD_QTEST, FD_QMP, FD_TPM };
	QtestClient *q = g_new0(QtestClient, 1);
	int from[3];
	va_list args;
	char *extra;

	va_start(args, format);
	extra = g_strdup_vprintf(format, args);
	va_end(args);

	g_queue_init(&q->events);
	line_socket_init(&q->qtest, "qtest", &from[0]);
	line_socket_init(&q->qmp, "qmp", &from[1]);
	from[2] = tpm_fd;
	q->pid = spawn(build_arguments(tpm_fd, extra, true), from, to, tpm_fd == -1 ? 2 : 3, NULL);
	g_free(extra);
	close(from[0]);
	close(from[1]);
	if (tpm_fd != -1)
		close(tpm_fd);

	g_free(line_socket_receive(&q->qmp)); /* the greeting */
	json_node_unref(qtest_qmp(q, "qmp_capabilities", NULL));
	return q;
}

/* False where it still runs after the time. */
static bool wait_for_exit(GPid pid, int timeout_ms, int *status)
{
	const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

	for (;;) {
		pid_t rc = waitpid(pid, status, WNOHANG);

		if (rc == pid)
			return true;
		g_assert_cmpint(rc, ==, 0);
		if (g_get_monotonic_time() >= end)
			return false;
		g_usleep(1000);
	}
}

char *qtest_start_fails(int tpm_fd, const char *format, ...)
{
	static const int to[] = { FD_TPM };
	GString *text = g_string_new(NULL);
	char buffer[1024];
	va_list args;
	char *extra;
	int errors, status = 0;
	ssize_t n;
	GPid pid;

	va_start(args, format);
	extra = g_strdup_vprintf(format, args);
	va_end(args);

	pid = spawn(build_arguments(tpm_fd, extra, false), &tpm_fd, to, tpm_fd != -1, &errors);
	if (tpm_fd != -1)
		close(tpm_fd);
	if (!wait_for_exit(pid, QUIT_TIMEOUT_MS, &status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		g_error("QEMU runs, where it should refuse: %s", extra);
	}
	while ((n = read(errors, buffer, sizeof(buffer))) > 0)
		g_string_append_len(text, buffer, n);
	close(errors);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
		g_error("QEMU ended with status 0x%x, where it should refuse: %s\n%s",
			(unsigned)status, extra, text->str);
	g_free(extra);
	return g_string_free(text, FALSE);
}

static void client_free(QtestClient *q)
{
	line_socket_close(&q->qtest);
	line_socket_close(&q->qmp);
	g_queue_clear_full(&q->events, g_free);
	g_free(q);
}

void qtest_kill(QtestClient *q)
{
	kill(q->pid, SIGKILL);
	waitpid(q->pid, NULL, 0);
	client_free(q);
}

void qtest_stop(QtestClient *q)
{
	int status = 0;

	json_node_unref(qtest_qmp(q, "quit", NULL));
	if (!wait_for_exit(q->pid, QUIT_TIMEOUT_MS, &status)) {
		qtest_kill(q);
		g_error("QEMU does not quit");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		g_error("QEMU ended with status 0x%x", (unsigned)status);
	client_free(q);
}

GPid qtest_pid(const QtestClient *q)
{
	return q->pid;
}
