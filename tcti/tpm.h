/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM 2.0 of libtpms, with its state in a store. One in a process.
 *
 * A command is a transaction: what it changed is stored before its response is
 * returned, permanent state durably; where that fails the TPM is put back to what
 * it was and the response is TPM_RC_NV_UNAVAILABLE.
 *
 * The end of a process is no loss of power for this TPM: its volatile state (PCRs,
 * saved contexts, NV locks) is kept for the next one, and dictionary attack
 * counters are left alone. After TPM2_Shutdown as the last command it is: the next
 * process starts it by TPM2_Startup. Transient objects and sessions that the last
 * process left loaded are flushed for the next one, as /dev/tpmrm0 does it.
 *
 * Several processes may have one TPM at once: a command is one's turn, and who finds
 * that another process had its turn goes on from its state.
 */
#ifndef TPMIX_TPM_H
#define TPMIX_TPM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct tpmix_tpm;

/*
 * Made anew where the directory holds none, and started. Another process's turn is
 * waited for, @wait_s seconds.
 */
struct tpmix_tpm *tpmix_tpm_open(const char *dir, unsigned int wait_s, GError **error);
void tpmix_tpm_close(struct tpmix_tpm *tpm);

/* True where @dir is its directory, by whatever path. */
bool tpmix_tpm_is(const struct tpmix_tpm *tpm, const char *dir);

/* Largest command or response, bytes. */
uint32_t tpmix_tpm_bufsize(struct tpmix_tpm *tpm);

/*
 * Runs a command; its response, g_free(), or NULL where libtpms broke. One thread
 * at a time.
 */
uint8_t *tpmix_tpm_process(struct tpmix_tpm *tpm, unsigned int locality,
			   const uint8_t *cmd, uint32_t len, uint32_t *rsp_len);

/*
 * Any thread; also ends the wait for a turn. May come too early or too late, and then
 * has no effect.
 */
void tpmix_tpm_cancel(struct tpmix_tpm *tpm);

#endif /* TPMIX_TPM_H */
