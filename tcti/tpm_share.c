/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm_share.h"

#include <unistd.h>

#include "bus.h"
#include "thread.h"
#include "tpm.h"

struct tpmix_share {
	char *state;
	pid_t pid;              /* whose thread it is */
	unsigned int users;
	struct tpmix_tpm *tpm;
	GThread *thread;

	GMutex lock;            /* protects what follows */
	GCond given;
	GCond ended;
	GQueue jobs;            /* that wait */
	struct tpmix_job *running;
	bool stop;
};

static GMutex share_lock;       /* protects the_share and its users */
static struct tpmix_share *the_share;

static void run_next(struct tpmix_share *s)
{
	struct tpmix_job *job = s->running = g_queue_pop_head(&s->jobs);
	g_autofree uint8_t *rsp = NULL;
	uint32_t len = 0;

	g_mutex_unlock(&s->lock);
	rsp = tpmix_tpm_process(s->tpm, job->locality, job->cmd, job->len, &len);
	g_mutex_lock(&s->lock);
	s->running = NULL;
	job->done(job->opaque, rsp, rsp ? len : 0);
	g_cond_broadcast(&s->ended);
}

static gpointer tpm_thread(gpointer opaque)
{
	struct tpmix_share *s = opaque;

	g_mutex_lock(&s->lock);
	while (!s->stop) {
		if (g_queue_is_empty(&s->jobs))
			g_cond_wait(&s->given, &s->lock);
		else
			run_next(s);
	}
	g_mutex_unlock(&s->lock);
	return NULL;
}

static void free_share(struct tpmix_share *s)
{
	if (s->thread) {
		g_mutex_lock(&s->lock);
		s->stop = true;
		g_cond_signal(&s->given);
		g_mutex_unlock(&s->lock);
		g_thread_join(s->thread);
	}
	if (s->tpm)
		tpmix_tpm_close(s->tpm);
	g_cond_clear(&s->given);
	g_cond_clear(&s->ended);
	g_mutex_clear(&s->lock);
	g_free(s->state);
	g_free(s);
}

static struct tpmix_share *new_share(const char *state, unsigned int wait_s,
				     GError **error)
{
	struct tpmix_share *s = g_new0(struct tpmix_share, 1);

	s->state = g_strdup(state);
	s->pid = getpid();
	g_mutex_init(&s->lock);
	g_cond_init(&s->given);
	g_cond_init(&s->ended);
	g_queue_init(&s->jobs);
	s->tpm = tpmix_tpm_open(state, wait_s, error);
	if (s->tpm)
		s->thread = tpmix_thread_new("tpmix-tpm", tpm_thread, s, error);
	if (!s->thread) {
		free_share(s);
		return NULL;
	}
	return s;
}

/* False and @error where the process has a TPM that is not this one. */
static bool is_same(const struct tpmix_share *s, const char *state, GError **error)
{
	if (s->pid != getpid()) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "process %d had the TPM of state directory %s when it forked this one: open it after fork() only, or in a program that is started by exec()",
			    (int)s->pid, s->state);
		return false;
	}
	if (!tpmix_tpm_is(s->tpm, state)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "state directory %s: this process has the TPM of %s, and libtpms is one TPM a process: close that first, or reach the other one by transport=qtest",
			    state, s->state);
		return false;
	}
	return true;
}

struct tpmix_share *tpmix_share_open(const char *state, unsigned int wait_s,
				     GError **error)
{
	struct tpmix_share *s = NULL;

	g_mutex_lock(&share_lock);
	if (!the_share)
		s = the_share = new_share(state, wait_s, error);
	else if (is_same(the_share, state, error))
		s = the_share;
	if (s)
		s->users++;
	g_mutex_unlock(&share_lock);
	return s;
}

void tpmix_share_close(struct tpmix_share *s)
{
	g_mutex_lock(&share_lock);
	if (--s->users == 0) {
		the_share = NULL;
		free_share(s);
	}
	g_mutex_unlock(&share_lock);
}

uint32_t tpmix_share_bufsize(struct tpmix_share *s)
{
	return tpmix_tpm_bufsize(s->tpm);
}

void tpmix_share_lock(struct tpmix_share *s)
{
	g_mutex_lock(&s->lock);
}

void tpmix_share_unlock(struct tpmix_share *s)
{
	g_mutex_unlock(&s->lock);
}

bool tpmix_share_wait_until(struct tpmix_share *s, gint64 end)
{
	return g_cond_wait_until(&s->ended, &s->lock, end);
}

void tpmix_share_give(struct tpmix_share *s, struct tpmix_job *job)
{
	g_queue_push_tail(&s->jobs, job);
	g_cond_signal(&s->given);
}

bool tpmix_share_take_back(struct tpmix_share *s, struct tpmix_job *job)
{
	return g_queue_remove(&s->jobs, job);
}

void tpmix_share_cancel(struct tpmix_share *s, const struct tpmix_job *job)
{
	if (s->running == job)
		tpmix_tpm_cancel(s->tpm);
}

void tpmix_share_end(struct tpmix_share *s, struct tpmix_job *job)
{
	tpmix_share_take_back(s, job);
	while (s->running == job) {
		/* Again: one that came before libtpms began had no effect. */
		tpmix_tpm_cancel(s->tpm);
		g_cond_wait_until(&s->ended, &s->lock,
				  g_get_monotonic_time() + G_USEC_PER_SEC / 10);
	}
}
