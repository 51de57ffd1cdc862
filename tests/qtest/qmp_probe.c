/* SPDX-License-Identifier: BSD-2-Clause */
#include "qmp_probe.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PERIOD_US 10000

struct qmp_probe {
	GThread *thread;
	int fd;
	unsigned int limit_ms;
	void (*stalled)(void);
	GPid pids[3]; /* 0: none */

	GMutex lock; /* protects all below */
	GArray *times; /* of unsigned int, us */
	unsigned int answers;
	unsigned int excused;
	gint64 asked; /* when, 0: nothing unanswered */
	bool end;
};

/* For how long the threads of a process were ready to run, and did not, in us. */
static gint64 run_delay(GPid pid)
{
	g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) dir = g_dir_open(tasks, 0, NULL);
	const char *tid;
	gint64 sum = 0;

	while (dir && (tid = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(tasks, tid, "schedstat",
							 NULL);
		g_autofree char *text = NULL;
		char *rest;

		if (g_file_get_contents(path, &text, NULL, NULL)) {
			g_ascii_strtoull(text, &rest, 10);
			sum += g_ascii_strtoll(rest, NULL, 10) / 1000;
		}
	}
	return sum;
}

static gint64 run_delays(const struct qmp_probe *p)
{
	gint64 sum = 0;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(p->pids) && p->pids[i]; i++) {
		sum += run_delay(p->pids[i]);
	}
	return sum;
}

static bool ended(struct qmp_probe *p)
{
	bool end;

	g_mutex_lock(&p->lock);
	end = p->end;
	g_mutex_unlock(&p->lock);
	return end;
}

/* Reads up to the end of the answer; false where there will be none. */
static bool await_answer(struct qmp_probe *p, gint64 asked)
{
	GString *in = g_string_new(NULL);
	bool told = false, answered = false;

	while (!answered && !ended(p)) {
		struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };
		gint64 waited = g_get_monotonic_time() - asked;
		char buffer[4096];
		ssize_t n;

		if (!told && waited > (gint64)p->limit_ms * 1000) {
			told = true;
			p->stalled();
		}
		if (poll(&poll_fd, 1, 50) <= 0) {
			continue;
		}
		n = recv(p->fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break;
		}
		g_string_append_len(in, buffer, n);
		/* events come between; only an answer has this member */
		answered = strstr(in->str, "\"return\"") &&
			   in->str[in->len - 1] == '\n';
	}
	g_string_free(in, TRUE);
	return answered;
}

static bool ask(struct qmp_probe *p, const char *line)
{
	gint64 delays = run_delays(p), asked = g_get_monotonic_time(), late;
	unsigned int took;

	g_mutex_lock(&p->lock);
	p->asked = asked;
	g_mutex_unlock(&p->lock);
	if (send(p->fd, line, strlen(line), MSG_NOSIGNAL) < 0 ||
	    !await_answer(p, asked)) {
		return false;
	}
	took = (unsigned int)(g_get_monotonic_time() - asked);
	late = took > QMP_PROBE_LATE_US ?
	       took - MAX(0, run_delays(p) - delays) : took;
	g_mutex_lock(&p->lock);
	if (took > QMP_PROBE_LATE_US && late <= QMP_PROBE_LATE_US) {
		p->excused++;
	}
	took = (unsigned int)MAX(late, MIN(took, QMP_PROBE_LATE_US));
	p->asked = 0;
	p->answers++;
	g_array_append_val(p->times, took);
	g_mutex_unlock(&p->lock);
	return true;
}

static gpointer probe_main(gpointer opaque)
{
	struct qmp_probe *p = opaque;

	if (!ask(p, "{\"execute\":\"qmp_capabilities\"}\n")) {
		return NULL;
	}
	while (!ended(p) && ask(p, "{\"execute\":\"query-status\"}\n")) {
		g_usleep(PERIOD_US);
	}
	return NULL;
}

struct qmp_probe *qmp_probe_start(const char *socket_path, const GPid *pids,
				  unsigned int limit_ms, void (*stalled)(void))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct qmp_probe *p = g_new0(struct qmp_probe, 1);
	unsigned int i;

	g_strlcpy(addr.sun_path, socket_path, sizeof(addr.sun_path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_no_errno(p->fd);
	g_assert_no_errno(connect(p->fd, (struct sockaddr *)&addr, sizeof(addr)));
	p->pids[0] = getpid();
	for (i = 0; i + 1 < G_N_ELEMENTS(p->pids) && pids[i]; i++) {
		p->pids[i + 1] = pids[i];
	}
	p->limit_ms = limit_ms;
	p->stalled = stalled;
	p->times = g_array_new(FALSE, FALSE, sizeof(unsigned int));
	g_mutex_init(&p->lock);
	p->thread = g_thread_new("qmp-probe", probe_main, p);
	return p;
}

static gint compare(gconstpointer a, gconstpointer b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

struct qmp_latency qmp_probe_take(struct qmp_probe *p)
{
	struct qmp_latency l = { 0 };
	GArray *t;
	guint i;

	g_mutex_lock(&p->lock);
	l.excused = p->excused;
	p->excused = 0;
	t = p->times;
	p->times = g_array_new(FALSE, FALSE, sizeof(unsigned int));
	if (p->asked) {
		unsigned int so_far =
			(unsigned int)(g_get_monotonic_time() - p->asked);

		g_array_append_val(t, so_far);
	}
	g_mutex_unlock(&p->lock);

	g_array_sort(t, compare);
	l.count = t->len;
	if (t->len) {
		l.p50_us = g_array_index(t, unsigned int, t->len / 2);
		l.p99_us = g_array_index(t, unsigned int, t->len * 99 / 100);
		l.max_us = g_array_index(t, unsigned int, t->len - 1);
	}
	for (i = 0; i < t->len; i++) {
		l.late += g_array_index(t, unsigned int, i) > QMP_PROBE_LATE_US;
	}
	g_array_unref(t);
	return l;
}

void qmp_probe_wait(struct qmp_probe *p)
{
	unsigned int begin = 0, now;
	bool first = true;

	do {
		g_mutex_lock(&p->lock);
		now = p->answers;
		g_mutex_unlock(&p->lock);
		begin = first ? now : begin;
		first = false;
		g_usleep(1000);
	} while (now - begin < 2); /* the first may have been asked before */
}

void qmp_probe_stop(struct qmp_probe *p)
{
	g_mutex_lock(&p->lock);
	p->end = true;
	g_mutex_unlock(&p->lock);
	g_thread_join(p->thread);
	close(p->fd);
	g_array_unref(p->times);
	g_mutex_clear(&p->lock);
	g_free(p);
}

void qmp_latency_report(const char *what, const struct qmp_latency *l)
{
	g_test_message("QMP %s: %u answers, p50 %u us, p99 %u us, max %u us, "
		       "%u above 100 ms, %u the machine's", what, l->count, l->p50_us,
		       l->p99_us, l->max_us, l->late, l->excused);
}

void qmp_latency_check(const struct qmp_latency *idle,
		       const struct qmp_latency *busy)
{
	unsigned int excused = 3;

	g_assert_cmpuint(busy->count, >, 0);
	if (idle->count) {
		excused += idle->late * busy->count / idle->count;
	}
	g_assert_cmpuint(busy->p99_us, <=, MAX(QMP_PROBE_LATE_US, idle->p99_us));
	g_assert_cmpuint(busy->late, <=, excused);
	g_assert_cmpuint(busy->max_us, <=, 1000000);
}
