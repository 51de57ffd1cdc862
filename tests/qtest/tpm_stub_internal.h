/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the TPM stub share; not for tests.
 *
 * tpm_stub.c          what tests call: life, connections, settings, counters
 * tpm_stub_control.c  the control channel: swtpm's commands beside the TPM's own
 * tpm_stub_data.c     the data channel: commands, their execution and answers; how
 *                     both channels receive and transmit
 *
 * Each channel has a thread: the control channel's from tpm_stub_serve() on, the
 * data channel's from CMD_SET_DATAFD on.
 */
#ifndef TPM_STUB_INTERNAL_H
#define TPM_STUB_INTERNAL_H

#include <string.h>

#include "tpm_stub.h"

/* Of a buffer */
#define MIN_SIZE 128u
#define MAX_SIZE (1u << 20)

#define RC12_BAD_PARAMETER 3u

typedef struct {
	TpmStub *stub;
	GThread *control_thread;
	GThread *data_thread;
	int control;      /* our end */
	int data;         /* CMD_SET_DATAFD, or -1 */
	bool initialised; /* since CMD_INIT commands count */
} Connection;

struct TpmStub {
	enum tpm_stub_version version;

	GMutex lock; /* protects all below, and the connections' fields */
	GCond changed;
	GPtrArray *connections;

	TpmStubAnswer answer;
	void *opaque;
	uint32_t max_size;
	uint32_t size; /* negotiated */
	unsigned delay_ms;
	bool dead;

	bool hold;
	unsigned held;     /* commands in execution that wait */
	unsigned releases; /* counts tpm_stub_release() */

	uint32_t control_hold; /* this command, 0: none */
	bool control_held;     /* one has come */

	bool refuses_data; /* CMD_SET_DATAFD */
	bool established;
	uint32_t reset_established_result;
	uint8_t locality;
	GPtrArray *commands; /* of GBytes */
	unsigned malformed;
	unsigned cancels;
	unsigned honoured;    /* of them */
	bool ignores_cancels;
	size_t first;      /* bytes of a response that go before the rest; 0: all */
	unsigned inits;
	unsigned restored_blobs;
	unsigned established_resets;
	unsigned stray_descriptors;
};

/* Big endian, as both channels are */
static inline void put32(uint8_t *to, uint32_t value)
{
	value = GUINT32_TO_BE(value);
	memcpy(to, &value, 4);
}

static inline uint32_t get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, 4);
	return GUINT32_FROM_BE(value);
}

/* Whole or not at all; false at the end of the connection. */
bool tpm_stub_receive(int fd, void *buffer, size_t size);
bool tpm_stub_transmit(int fd, const void *buffer, size_t size);

/* The threads; the argument is a Connection. */
gpointer tpm_stub_control_main(gpointer opaque);
gpointer tpm_stub_data_main(gpointer opaque);

#endif /* TPM_STUB_INTERNAL_H */
