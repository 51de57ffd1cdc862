/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_client.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 60
#define QUIT_TIMEOUT_MS  20000

/* The child's file descriptors */
enum { FD_QTEST = 3, FD_QMP = 4, FD_TPM = 5 };

/* One end of a socket that carries lines */
typedef struct {
	int fd;
	const char *name;
	GString *in; /* received, not yet consumed */
} LineSocket;

struct QtestClient {
	GPid pid;
	LineSocket qtest;
	LineSocket qmp;
	GQueue events; /* of char *: names not yet waited for */
};

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

static void line_socket_send(LineSocket *s, const char *line)
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

/* The next line without its end; free with g_free(). */
static char *line_socket_receive(LineSocket *s)
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

static char **build_arguments(int tpm_fd, const char *extra, bool control)
{
	const char *qemu = g_getenv("QEMU");
	const char *firmware = g_getenv("QEMU_FIRMWARE");
	GString *line = g_string_new(NULL);
	GError *error = NULL;
	char **argv;

	/* vapic=off: its option ROM is not in Debian's firmware directory. */
	g_string_printf(line,
			"'%s' -L '%s' -accel qtest -nodefaults -display none"
			" -global apic-common.vapic=off",
			qemu ? qemu : "qemu-system-x86_64",
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

/* Send a qtest command; returns what follows "OK ", free with g_free(). */
static char *qtest_command(QtestClient *q, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *qtest_command(QtestClient *q, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	line_socket_send(&q->qtest, line);

	for (;;) {
		char *answer = line_socket_receive(&q->qtest);

		if (g_str_has_prefix(answer, "IRQ ")) {
			g_free(answer);
			continue;
		}
		if (!g_str_has_prefix(answer, "OK"))
			g_error("qtest: %s answered by %s", line, answer);
		memmove(answer, answer + 2, strlen(answer + 2) + 1);
		g_free(line);
		return g_strchug(answer);
	}
}

static char width_letter(unsigned width)
{
	switch (width) {
	case 1: return 'b';
	case 2: return 'w';
	case 4: return 'l';
	case 8: return 'q';
	default: g_error("no access of %u bytes", width);
	}
}

uint64_t qtest_read_width(QtestClient *q, uint64_t addr, unsigned width)
{
	char *answer = qtest_command(q, "read%c 0x%" PRIx64 "\n", width_letter(width), addr);
	uint64_t value = g_ascii_strtoull(answer, NULL, 0);

	g_free(answer);
	return value;
}

void qtest_write_width(QtestClient *q, uint64_t addr, uint64_t value, unsigned width)
{
	g_free(qtest_command(q, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", width_letter(width), addr,
			     value));
}

uint8_t qtest_readb(QtestClient *q, uint64_t addr)
{
	return (uint8_t)qtest_read_width(q, addr, 1);
}

uint16_t qtest_readw(QtestClient *q, uint64_t addr)
{
	return (uint16_t)qtest_read_width(q, addr, 2);
}

uint32_t qtest_readl(QtestClient *q, uint64_t addr)
{
	return (uint32_t)qtest_read_width(q, addr, 4);
}

uint64_t qtest_readq(QtestClient *q, uint64_t addr)
{
	return qtest_read_width(q, addr, 8);
}

void qtest_writeb(QtestClient *q, uint64_t addr, uint8_t value)
{
	qtest_write_width(q, addr, value, 1);
}

void qtest_writew(QtestClient *q, uint64_t addr, uint16_t value)
{
	qtest_write_width(q, addr, value, 2);
}

void qtest_writel(QtestClient *q, uint64_t addr, uint32_t value)
{
	qtest_write_width(q, addr, value, 4);
}

void qtest_writeq(QtestClient *q, uint64_t addr, uint64_t value)
{
	qtest_write_width(q, addr, value, 8);
}

void qtest_read(QtestClient *q, uint64_t addr, void *data, size_t size)
{
	char *answer = qtest_command(q, "read 0x%" PRIx64 " 0x%zx\n", addr, size);
	uint8_t *to = data;
	size_t i;

	g_assert_cmpuint(strlen(answer), ==, 2 + 2 * size);
	for (i = 0; i < size; i++)
		to[i] = (uint8_t)(g_ascii_xdigit_value(answer[2 + 2 * i]) << 4 |
				  g_ascii_xdigit_value(answer[3 + 2 * i]));
	g_free(answer);
}

void qtest_write(QtestClient *q, uint64_t addr, const void *data, size_t size)
{
	GString *hex = g_string_new(NULL);
	const uint8_t *from = data;
	size_t i;

	for (i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", from[i]);
	g_free(qtest_command(q, "write 0x%" PRIx64 " 0x%zx 0x%s\n", addr, size, hex->str));
	g_string_free(hex, TRUE);
}

int64_t qtest_clock_step(QtestClient *q, int64_t ns)
{
	char *answer = qtest_command(q, "clock_step %" PRId64 "\n", ns);
	int64_t now = g_ascii_strtoll(answer, NULL, 0);

	g_free(answer);
	return now;
}

/* The next message of QMP, event or reply. */
static JsonNode *qmp_receive(QtestClient *q)
{
	char *line = line_socket_receive(&q->qmp);
	GError *error = NULL;
	JsonNode *node = json_from_string(line, &error);

	if (error || !node || !JSON_NODE_HOLDS_OBJECT(node))
		g_error("qmp: not an object: %s", line);
	g_free(line);
	return node;
}

/* Keep an event's name; false where the message is a reply. */
static bool qmp_keep_event(QtestClient *q, JsonNode *message)
{
	JsonObject *object = json_node_get_object(message);

	if (!json_object_has_member(object, "event"))
		return false;
	g_queue_push_tail(&q->events, g_strdup(json_object_get_string_member(object, "event")));
	return true;
}

static JsonNode *qmp_execute(QtestClient *q, const char *command, const char *format, va_list args)
{
	char *line;

	if (format) {
		char *arguments = g_strdup_vprintf(format, args);

		line = g_strdup_printf("{\"execute\":\"%s\",\"arguments\":%s}\n", command,
				       arguments);
		g_free(arguments);
	} else {
		line = g_strdup_printf("{\"execute\":\"%s\"}\n", command);
	}
	line_socket_send(&q->qmp, line);
	g_free(line);

	for (;;) {
		JsonNode *message = qmp_receive(q);

		if (!qmp_keep_event(q, message))
			return message;
		json_node_unref(message);
	}
}

JsonNode *qtest_qmp_reply(QtestClient *q, const char *command, const char *format, ...)
{
	JsonNode *reply;
	va_list args;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	return reply;
}

JsonNode *qtest_qmp(QtestClient *q, const char *command, const char *format, ...)
{
	JsonNode *reply, *result;
	JsonObject *object;
	va_list args;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	object = json_node_get_object(reply);
	if (!json_object_has_member(object, "return"))
		g_error("qmp: %s: %s", command, json_to_string(reply, FALSE));
	result = json_object_dup_member(object, "return");
	json_node_unref(reply);
	return result;
}

char *qtest_qmp_fails(QtestClient *q, const char *command, const char *format, ...)
{
	JsonObject *object;
	JsonNode *reply;
	va_list args;
	char *text;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	object = json_node_get_object(reply);
	if (!json_object_has_member(object, "error"))
		g_error("qmp: %s should fail: %s", command, json_to_string(reply, FALSE));
	object = json_object_get_object_member(object, "error");
	text = g_strdup(json_object_get_string_member(object, "desc"));
	json_node_unref(reply);
	return text;
}

void qtest_wait_event(QtestClient *q, const char *name)
{
	for (;;) {
		char *event = g_queue_pop_head(&q->events);
		bool found = event && strcmp(event, name) == 0;
		JsonNode *message;

		if (found || event) {
			g_free(event);
			if (found)
				return;
			continue;
		}
		message = qmp_receive(q);
		g_assert_true(qmp_keep_event(q, message));
		json_node_unref(message);
	}
}

void qtest_reset(QtestClient *q)
{
	json_node_unref(qtest_qmp(q, "system_reset", NULL));
	qtest_wait_event(q, "RESET");
}

static char *qom_path(const char *path)
{
	return *path == '/' ? g_strdup(path) : g_strdup_printf("/machine/peripheral/%s", path);
}

static JsonNode *qom_get(QtestClient *q, const char *path, const char *property)
{
	char *full = qom_path(path);
	JsonNode *value = qtest_qmp(q, "qom-get", "{\"path\":\"%s\",\"property\":\"%s\"}", full,
				    property);

	g_free(full);
	return value;
}

static void qom_set(QtestClient *q, const char *path, const char *property, const char *value)
{
	char *full = qom_path(path);

	json_node_unref(qtest_qmp(q, "qom-set",
				  "{\"path\":\"%s\",\"property\":\"%s\",\"value\":%s}", full,
				  property, value));
	g_free(full);
}

uint64_t qtest_qom_get_uint(QtestClient *q, const char *path, const char *property)
{
	JsonNode *node = qom_get(q, path, property);
	uint64_t value = (uint64_t)json_node_get_int(node);

	json_node_unref(node);
	return value;
}

bool qtest_qom_get_bool(QtestClient *q, const char *path, const char *property)
{
	JsonNode *node = qom_get(q, path, property);
	bool value = json_node_get_boolean(node);

	json_node_unref(node);
	return value;
}

void qtest_qom_set_uint(QtestClient *q, const char *path, const char *property, uint64_t value)
{
	char text[32];

	g_snprintf(text, sizeof(text), "%" PRIu64, value);
	qom_set(q, path, property, text);
}

void qtest_qom_set_bool(QtestClient *q, const char *path, const char *property, bool value)
{
	qom_set(q, path, property, value ? "true" : "false");
}

void qtest_qom_set_str(QtestClient *q, const char *path, const char *property, const char *value)
{
	char *text = g_strdup_printf("\"%s\"", value);

	qom_set(q, path, property, text);
	g_free(text);
}

void qtest_save(QtestClient *q, const char *file)
{
	const gint64 end = g_get_monotonic_time() + ANSWER_TIMEOUT_S * G_TIME_SPAN_SECOND;

	json_node_unref(qtest_qmp(q, "migrate", "{\"uri\":\"file:%s\"}", file));
	for (;;) {
		JsonNode *node = qtest_qmp(q, "query-migrate", NULL);
		JsonObject *object = json_node_get_object(node);
		const char *status = json_object_get_string_member(object, "status");
		bool done = strcmp(status, "completed") == 0;

		if (strcmp(status, "failed") == 0)
			g_error("migration failed: %s", json_to_string(node, FALSE));
		json_node_unref(node);
		if (done)
			return;
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}

void qtest_wait_running(QtestClient *q)
{
	const gint64 end = g_get_monotonic_time() + ANSWER_TIMEOUT_S * G_TIME_SPAN_SECOND;

	for (;;) {
		JsonNode *node = qtest_qmp(q, "query-status", NULL);
		JsonObject *object = json_node_get_object(node);
		bool running = json_object_get_boolean_member(object, "running");

		json_node_unref(node);
		if (running)
			return;
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}
