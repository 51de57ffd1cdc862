/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast a QEMU answers QMP: a thread with a QMP connection of its own asks
 * query-status every 10 ms and keeps the times.
 *
 * Where an answer takes longer than the limit given at the start the function
 * given there is called, by the probe's thread, while QEMU still owes it.
 */
#ifndef QMP_PROBE_H
#define QMP_PROBE_H

#include <glib.h>

#define QMP_PROBE_LATE_US 100000 /* the promise: an answer within 100 ms */

struct qmp_probe;

struct qmp_latency {
	unsigned int count;
	unsigned int excused; /* answers that only the machine made late */
	unsigned int late;   /* above QMP_PROBE_LATE_US */
	unsigned int p50_us;
	unsigned int p99_us;
	unsigned int max_us;
};

/*
 * What the machine is to blame for does not count: the time that a thread of the
 * processes @pids (QEMU; 0 ends them) or of the test was ready to run and had no
 * CPU, from /proc/PID/task/TID/schedstat. A QEMU that waits for another process,
 * or works too long, is not excused by it.
 *
 * @socket: of "-chardev socket,server=on,wait=off -mon mode=control". */
struct qmp_probe *qmp_probe_start(const char *socket, const GPid *pids,
				  unsigned int limit_ms, void (*stalled)(void));

/* The times since the start or the last call, an unanswered question included. */
struct qmp_latency qmp_probe_take(struct qmp_probe *p);

/* Waits until a question that is asked from now on has its answer. */
void qmp_probe_wait(struct qmp_probe *p);

/* Ends the thread, also where QEMU is gone. */
void qmp_probe_stop(struct qmp_probe *p);

/* Says the numbers as a TAP comment. */
void qmp_latency_report(const char *what, const struct qmp_latency *l);

/*
 * Ends the test where QEMU did not keep the promise. What the machine itself
 * delays is judged by an idle QEMU's times: p99 holds in any case, as many late
 * answers are excused as the idle machine makes likely and three more, and
 * none of more than a second.
 */
void qmp_latency_check(const struct qmp_latency *idle,
		       const struct qmp_latency *busy);

#endif /* QMP_PROBE_H */
