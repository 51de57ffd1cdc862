/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a device inside QEMU: its qtest protocol
 * (docs/devel/testing/qtest.rst of QEMU), over a Unix socket.
 */
#include "bus.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_MS 30000

struct qtest {
	struct tpmix_bus bus;
	char *path;
	GString *input;         /* received and not yet used */
	int fd;
};

static bool send_all(struct qtest *q, const char *text, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(q->fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			tpmix_bus_fail(&q->bus, TPMIX_ERROR_IO,
				       "qtest socket %s: %s: QEMU ended, start it again",
				       q->path, g_strerror(errno));
			return false;
		}
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Appends what comes; false and an error where nothing does. */
static bool receive_some(struct qtest *q)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	char buf[512];
	ssize_t n;

	do
		n = poll(&p, 1, ANSWER_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		tpmix_bus_fail(&q->bus, TPMIX_ERROR_IO,
			       "qtest socket %s: no answer for %d s: is QEMU stopped, or has it another client?",
			       q->path, ANSWER_TIMEOUT_MS / 1000);
		return false;
	}
	do
		n = recv(q->fd, buf, sizeof(buf), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		tpmix_bus_fail(&q->bus, TPMIX_ERROR_IO,
			       "qtest socket %s: %s: QEMU ended, start it again",
			       q->path, n ? g_strerror(errno) : "closed");
		return false;
	}
	g_string_append_len(q->input, buf, n);
	return true;
}

/* The next line that answers a command, without its end; g_free(). NULL: error. */
static char *receive_line(struct qtest *q)
{
	for (;;) {
		const char *end = strchr(q->input->str, '\n');
		char *line;

		if (!end) {
			if (!receive_some(q))
				return NULL;
			continue;
		}
		line = g_strndup(q->input->str, (gsize)(end - q->input->str));
		g_string_erase(q->input, 0, end - q->input->str + 1);
		/* Interrupts come whenever they want. */
		if (!g_str_has_prefix(line, "IRQ "))
			return line;
		g_free(line);
	}
}

static bool command(struct qtest *q, const char *text, uint64_t *value)
{
	g_autofree char *line = NULL;

	if (!send_all(q, text, strlen(text)))
		return false;
	line = receive_line(q);
	if (!line)
		return false;
	if (!g_str_has_prefix(line, "OK")) {
		tpmix_bus_fail(&q->bus, TPMIX_ERROR_IO,
			       "qtest socket %s answers '%s': give the path of QEMU's -qtest",
			       q->path, line);
		return false;
	}
	if (value)
		*value = g_ascii_strtoull(line + 2, NULL, 16);
	return true;
}

static char letter(unsigned int size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

static uint64_t qtest_bus_read(struct tpmix_bus *bus, uint32_t off,
			       unsigned int size)
{
	struct qtest *q = (struct qtest *)bus;
	uint64_t val = UINT64_MAX;
	char text[64];

	g_snprintf(text, sizeof(text), "read%c 0x%" G_GINT64_MODIFIER "x\n",
		   letter(size), bus->base + off);
	return command(q, text, &val) ? val : UINT64_MAX;
}

static void qtest_bus_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			    unsigned int size)
{
	struct qtest *q = (struct qtest *)bus;
	char text[96];

	g_snprintf(text, sizeof(text),
		   "write%c 0x%" G_GINT64_MODIFIER "x 0x%" G_GINT64_MODIFIER "x\n",
		   letter(size), bus->base + off, val);
	command(q, text, NULL);
}

static uint64_t split_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	return tpmix_bus_split_read(bus, off, size, qtest_bus_read);
}

static void split_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			unsigned int size)
{
	tpmix_bus_split_write(bus, off, val, size, qtest_bus_write);
}

static void qtest_close(struct tpmix_bus *bus)
{
	struct qtest *q = (struct qtest *)bus;

	close(q->fd);
	g_string_free(q->input, TRUE);
	g_free(q->path);
	g_free(q);
}

static const struct tpmix_bus_ops qtest_ops = {
	.read = split_read,
	.write = split_write,
	.close = qtest_close,
};

struct tpmix_bus *tpmix_qtest_open(const char *path, uint64_t address,
				   GError **error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct qtest *q;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "path=%s: a socket's path has at most %zu bytes", path,
			    sizeof(addr.sun_path) - 1);
		return NULL;
	}
	g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "path=%s: %s: start QEMU with -qtest unix:%s,server=on,wait=off",
			    path, g_strerror(errno), path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	q = g_new0(struct qtest, 1);
	q->bus.ops = &qtest_ops;
	q->bus.base = address;
	q->path = g_strdup(path);
	q->input = g_string_new(NULL);
	q->fd = fd;
	return &q->bus;
}
