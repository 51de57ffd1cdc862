/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM for tests, in the test's own process: it speaks swtpm's control and
 * data protocol (QEMU's backends/tpm/tpm_ioctl.h) to -tpmdev emulator, answers
 * with a function of the test, when the test lets it, and remembers every
 * command that it was given.
 *
 * Left out: hashing (CMD_HASH_*), which QEMU does not use.
 *
 * One stub serves any number of QEMUs, also at once (migration), and its
 * counters go on over all of them, as those of a device that is not rolled
 * back with its guest. The commands by which QEMU probes the TPM before
 * CMD_INIT are answered but neither counted nor recorded.
 *
 * All functions may be called from any thread.
 */
#ifndef TPM_STUB_H
#define TPM_STUB_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TpmStub TpmStub;

enum tpm_stub_version { TPM_STUB_1_2, TPM_STUB_2_0 };

/*
 * Answer a command. nth is its number, from 1, of all that were executed. Writes
 * at most max bytes to response and returns their number; where it returns 0 no
 * answer is sent.
 * Called by a thread of the stub, without its lock.
 */
typedef size_t (*TpmStubAnswer)(void *opaque, const uint8_t *command, size_t size, unsigned nth,
				uint8_t *response, size_t max);

/*
 * The default: tag, size and rc 0; nth as 4 bytes; a hash (FNV-1a) of the
 * command as 4 bytes; the command's bytes from 10 on. All big endian. So the
 * response tells which command was executed, and how often one was.
 */
size_t tpm_stub_answer_default(void *opaque, const uint8_t *command, size_t size, unsigned nth,
			       uint8_t *response, size_t max);

TpmStub *tpm_stub_new(enum tpm_stub_version version);

/* Ends its threads and connections; QEMUs that use it should be stopped. */
void tpm_stub_free(TpmStub *t);

/* A new connection: the socket for qtest_start(), which closes it. */
int tpm_stub_connect(TpmStub *t);

/* The same over a stream socket that is connected already; the stub closes it. */
void tpm_stub_serve(TpmStub *t, int fd);

void tpm_stub_set_answer(TpmStub *t, TpmStubAnswer answer, void *opaque);

/* Largest buffer that CMD_SET_BUFFERSIZE grants, and the first one: 4096. */
void tpm_stub_set_max_size(TpmStub *t, uint32_t size);

/* Each command takes this long; a cancel ends it. */
void tpm_stub_set_delay(TpmStub *t, unsigned delay_ms);

/*
 * While the stub holds, a command that came in is recorded and counted, and
 * stays in execution until it is released or cancelled. tpm_stub_wait_held()
 * waits until a command is in execution; tpm_stub_release() answers all that
 * are, and ends the holding where hold is false.
 */
void tpm_stub_hold(TpmStub *t);
void tpm_stub_wait_held(TpmStub *t);
void tpm_stub_release(TpmStub *t, bool hold);

/*
 * The first @bytes of a response are sent at once, the rest after
 * tpm_stub_send_rest(). 0: all of it at once.
 */
void tpm_stub_send_first(TpmStub *t, size_t bytes);
void tpm_stub_send_rest(TpmStub *t);

/* A cancel is acknowledged and ends nothing, as a TPM may do it. */
void tpm_stub_ignore_cancels(TpmStub *t);

/* Die as a process does: close all connections, whatever runs. */
void tpm_stub_die(TpmStub *t);

/*
 * Close the data channels there are, and go on answering the control channels, where
 * CMD_SET_DATAFD opens a new one.
 */
void tpm_stub_hang_up(TpmStub *t);

/* CMD_SET_DATAFD is refused, or no longer. */
void tpm_stub_refuse_data_channel(TpmStub *t, bool refuse);

/* The established bit as CMD_GET_TPMESTABLISHED tells it. */
void tpm_stub_set_established(TpmStub *t, bool established);

/* What CMD_RESET_TPMESTABLISHED answers; with another result than 0 the bit stays. */
void tpm_stub_refuse_reset_established(TpmStub *t, uint32_t result);

/*
 * While the stub holds a command of the control channel, one that came in is counted,
 * and not answered until it is released; of a state blob the header is sent, and
 * the body held, which then comes byte by byte. tpm_stub_waits_control() waits until
 * one is held, at most @ms.
 */
enum tpm_stub_control {
	TPM_STUB_GET_ESTABLISHED = 4,
	TPM_STUB_SET_LOCALITY = 5,
	TPM_STUB_RESET_ESTABLISHED = 11,
	TPM_STUB_GET_STATE_BLOB = 12,
};
void tpm_stub_hold_control(TpmStub *t, enum tpm_stub_control command);
bool tpm_stub_waits_control(TpmStub *t, unsigned ms);
void tpm_stub_release_control(TpmStub *t);

/*
 * Commands executed since tpm_stub_new(), counted when they begin, and the nth of
 * them, from 1. Waiting for more than a minute ends the test.
 */
unsigned tpm_stub_executed(TpmStub *t);
void tpm_stub_wait_executed(TpmStub *t, unsigned num);
GBytes *tpm_stub_command(TpmStub *t, unsigned nth); /* g_bytes_unref() */

/* Commands whose header had a size below 10 or above the buffer: not executed. */
unsigned tpm_stub_malformed(TpmStub *t);

/* Others of the control protocol */
unsigned tpm_stub_cancels(TpmStub *t);
unsigned tpm_stub_inits(TpmStub *t);
unsigned tpm_stub_restored_blobs(TpmStub *t);
unsigned tpm_stub_established_resets(TpmStub *t);
uint8_t tpm_stub_locality(TpmStub *t); /* the last one set */
/* Descriptors that came with a command that takes none */
unsigned tpm_stub_stray_descriptors(TpmStub *t);

#endif /* TPM_STUB_H */
