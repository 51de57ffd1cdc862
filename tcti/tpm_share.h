/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM of this process behind the registers of all who use it. libtpms is one TPM
 * a process: who opens the same state directory gets the same TPM, another directory
 * is refused. Commands run in a thread, one after the other, as they were given.
 *
 * All functions may be called by any thread.
 */
#ifndef TPMIX_TPM_SHARE_H
#define TPMIX_TPM_SHARE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct tpmix_share;

/* One user's command; one at a time. Zeroed at first but for done and opaque. */
struct tpmix_job {
	/*
	 * The response, or NULL where libtpms broke; with the share's lock held, in its
	 * thread. The job may be given again.
	 */
	void (*done)(void *opaque, const uint8_t *rsp, uint32_t len);
	void *opaque;
	const uint8_t *cmd;     /* stays as it is until then */
	uint32_t len;
	unsigned int locality;
};

/* Opened by the first, as tpmix_tpm_open(), and closed by the last. */
struct tpmix_share *tpmix_share_open(const char *state, unsigned int wait_s,
				     GError **error);
void tpmix_share_close(struct tpmix_share *share);

/* Largest command or response, bytes. */
uint32_t tpmix_share_bufsize(struct tpmix_share *share);

/*
 * Protects the queue, and what the users want protected with it. cond_wait: returns
 * after @end, or earlier where a command ended.
 */
void tpmix_share_lock(struct tpmix_share *share);
void tpmix_share_unlock(struct tpmix_share *share);
bool tpmix_share_wait_until(struct tpmix_share *share, gint64 end);

/* With the lock held: */

void tpmix_share_give(struct tpmix_share *share, struct tpmix_job *job);

/* Takes a job back that has not begun; false: it runs or is over. */
bool tpmix_share_take_back(struct tpmix_share *share, struct tpmix_job *job);

/* Asks libtpms for an early end of the job, where it runs; others are left alone. */
void tpmix_share_cancel(struct tpmix_share *share, const struct tpmix_job *job);

/* Returns when the job is neither waiting nor running: takes it back, or cancels it. */
void tpmix_share_end(struct tpmix_share *share, struct tpmix_job *job);

#endif /* TPMIX_TPM_SHARE_H */
