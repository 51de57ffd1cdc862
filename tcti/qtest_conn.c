/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_conn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus.h"

#define ANSWER_TIMEOUT_MS 30000

struct tpmix_qtest_conn {
	char *path;
	dev_t dev;              /* of the socket's file; 0: not there */
	ino_t ino;
	pid_t pid;              /* a child's answers would come to its parent, too */
	unsigned int users;     /* protected by conns_lock */
	gint broken;            /* atomic: error is set */

	GMutex lock;            /* protects what follows */
	GError *error;          /* the first one */
	GString *input;         /* received and not yet used */
	int fd;                 /* -1: not connected yet */
};

static GMutex conns_lock;       /* protects conns and their users */
static GSList *conns;           /* struct tpmix_qtest_conn * */

static bool send_all(struct tpmix_qtest_conn *c, const char *text, GError **error)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len) {
		n = send(c->fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
				    "qtest socket %s: %s: QEMU ended, start it again",
				    c->path, g_strerror(errno));
			return false;
		}
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Appends what comes; false and an error where nothing does in @timeout_ms. */
static bool receive_some(struct tpmix_qtest_conn *c, int timeout_ms, GError **error)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char buf[512];
	ssize_t n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "qtest socket %s: no answer for %d s: another program has it, as QEMU talks to one at a time: wait until it ends (wait=SECONDS); or QEMU is stopped",
			    c->path, timeout_ms / 1000);
		return false;
	}
	do
		n = recv(c->fd, buf, sizeof(buf), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
			    "qtest socket %s: %s: QEMU ended, start it again",
			    c->path, n ? g_strerror(errno) : "closed");
		return false;
	}
	g_string_append_len(c->input, buf, n);
	return true;
}

/* The next line that answers a command, without its end; g_free(). NULL: error. */
static char *receive_line(struct tpmix_qtest_conn *c, int timeout_ms, GError **error)
{
	for (;;) {
		const char *end = strchr(c->input->str, '\n');
		char *line;

		if (!end) {
			if (!receive_some(c, timeout_ms, error))
				return NULL;
			continue;
		}
		line = g_strndup(c->input->str, (gsize)(end - c->input->str));
		g_string_erase(c->input, 0, end - c->input->str + 1);
		/* Interrupts come whenever they want. */
		if (!g_str_has_prefix(line, "IRQ "))
			return line;
		g_free(line);
	}
}

/* The answer without its OK, g_free(); with the lock held. NULL: error. */
static char *ask(struct tpmix_qtest_conn *c, const char *text, int timeout_ms,
		 GError **error)
{
	g_autofree char *line = NULL;

	if (!send_all(c, text, error))
		return NULL;
	line = receive_line(c, timeout_ms, error);
	if (!line)
		return NULL;
	if (!g_str_has_prefix(line, "OK")) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
			    "qtest socket %s answers '%s': give the path of QEMU's -qtest",
			    c->path, line);
		return NULL;
	}
	return g_strdup(line + 2);
}

static void set_broken(struct tpmix_qtest_conn *c, const GError *error)
{
	if (!c->error)
		c->error = g_error_copy(error);
	g_atomic_int_set(&c->broken, 1);
}

bool tpmix_qtest_conn_command(struct tpmix_qtest_conn *c, const char *text,
			      uint64_t *value, GError **error)
{
	g_autofree char *answer = NULL;

	g_mutex_lock(&c->lock);
	if (!c->error) {
		g_autoptr(GError) why = NULL;

		answer = ask(c, text, ANSWER_TIMEOUT_MS, &why);
		if (!answer)
			set_broken(c, why);
	}
	if (!answer)
		g_propagate_error(error, g_error_copy(c->error));
	g_mutex_unlock(&c->lock);
	if (answer && value)
		*value = g_ascii_strtoull(answer, NULL, 16);
	return answer != NULL;
}

/* With a limit: where QEMU has a client, the second one to connect waits already. */
static int connect_socket(const char *path, unsigned int wait_s)
{
	const struct timeval limit = { .tv_sec = wait_s, .tv_usec = wait_s ? 0 : 1 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* Asks for something harmless, so that a silent socket is known before it is used. */
static bool begin(struct tpmix_qtest_conn *c, unsigned int wait_s, GError **error)
{
	g_autofree char *answer = NULL;

	c->fd = connect_socket(c->path, wait_s);
	if (c->fd < 0 && errno == EAGAIN) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "qtest socket %s: other programs wait for it already, as QEMU talks to one at a time: wait until they end (wait=SECONDS)",
			    c->path);
		return false;
	}
	if (c->fd < 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "path=%s: %s: start QEMU with -qtest unix:%s,server=on,wait=off -qtest-log none",
			    c->path, g_strerror(errno), c->path);
		return false;
	}
	answer = ask(c, "endianness\n", MAX((int)wait_s, 1) * 1000, error);
	return answer != NULL;
}

/* QEMU is gone, and nobody noticed so far. */
static bool has_ended(const struct tpmix_qtest_conn *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* One more user of the connection to this socket, or of a new one, not yet open. */
static struct tpmix_qtest_conn *find(const char *path)
{
	struct tpmix_qtest_conn *c;
	struct stat st = { 0 };
	GSList *l;

	g_mutex_lock(&conns_lock);
	if (stat(path, &st) < 0)
		st.st_dev = 0;
	for (l = conns; l; l = l->next) {
		c = l->data;
		if (c->dev == st.st_dev && c->ino == st.st_ino && c->pid == getpid() &&
		    !g_atomic_int_get(&c->broken))
			break;
	}
	if (!l) {
		c = g_new0(struct tpmix_qtest_conn, 1);
		c->path = g_strdup(path);
		c->dev = st.st_dev;
		c->ino = st.st_ino;
		c->pid = getpid();
		g_mutex_init(&c->lock);
		c->input = g_string_new(NULL);
		c->fd = -1;
		conns = g_slist_prepend(conns, c);
	}
	c->users++;
	g_mutex_unlock(&conns_lock);
	return c;
}

struct tpmix_qtest_conn *tpmix_qtest_conn_open(const char *path, unsigned int wait_s,
					       GError **error)
{
	for (;;) {
		struct tpmix_qtest_conn *c = find(path);
		g_autoptr(GError) why = NULL;
		bool first, ok;

		g_mutex_lock(&c->lock);
		first = c->fd < 0;
		ok = first ? begin(c, wait_s, &why) : !c->error && !has_ended(c);
		if (!ok && !why)
			g_set_error(&why, TPMIX_ERROR, TPMIX_ERROR_IO,
				    "qtest socket %s: QEMU ended, start it again",
				    c->path);
		if (!ok)
			set_broken(c, why);
		g_mutex_unlock(&c->lock);
		if (ok)
			return c;
		tpmix_qtest_conn_close(c);
		if (first) {
			g_propagate_error(error, g_steal_pointer(&why));
			return NULL;
		}
	}
}

void tpmix_qtest_conn_close(struct tpmix_qtest_conn *c)
{
	bool last;

	g_mutex_lock(&conns_lock);
	last = --c->users == 0;
	if (last)
		conns = g_slist_remove(conns, c);
	g_mutex_unlock(&conns_lock);
	if (!last)
		return;
	if (c->fd >= 0)
		close(c->fd);
	g_clear_error(&c->error);
	g_string_free(c->input, TRUE);
	g_mutex_clear(&c->lock);
	g_free(c->path);
	g_free(c);
}

char *tpmix_qtest_conn_name(const struct tpmix_qtest_conn *c)
{
	return g_strdup_printf("qtest %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER "x",
			       (uint64_t)c->dev, (uint64_t)c->ino);
}
