/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host of the engine: buffers of exactly the capacity, so that a sanitizer
 * sees a byte beyond them, and a backend that records.
 */
#ifndef TPMIX_FUZZ_HOST_H
#define TPMIX_FUZZ_HOST_H

#include <stddef.h>

#include "actions.h"
#include "tpmix.h"

struct host {
	struct tpmix e;
	uint32_t capacity;
	uint8_t *cmd, *run, *rsp;
	/* what a guest could map */
	uint8_t *ram_cmd, *ram_rsp;
	uint32_t block[TPMIX_BLOCK_SIZE / 4];
	uint32_t crb_regs[TPM_REG_DATA_BUFFER / 4];
	uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
	bool crb_traps;         /* the last two are not used */
	/* what the backend saw */
	unsigned int starts;
	unsigned int cancels;
	unsigned int established_resets;
	uint32_t ticket;
	unsigned int locality;
	uint32_t len;           /* of the last command; it is in run */
	/* a backend that answers before start() returns; 0: not */
	const uint8_t *answer;
	uint32_t answer_len;
	/* a guest that writes the command window while start() runs */
	bool scribbles;
};

/* A machine just powered on. *h is zero, or was one before: it keeps its memory. */
void host_new(struct host *h, const struct actions_config *c);
/* What a guest writes into the command window where it scribbles. */
void host_scribble(uint8_t *window);
/* Both of one capacity. */
void host_copy(struct host *to, const struct host *from);
/* State, command, response and what the backend was given. */
bool host_same(const struct host *a, const struct host *b);
/* What migrates: cmd, rsp and the saved fields. */
void host_migrate(struct host *to, const struct host *from);
bool host_complete(struct host *h, const struct action *a);

/* The bytes of an answer; returns its length, *rsp is NULL for none. */
uint32_t answer_bytes(const struct action *a, uint32_t capacity,
		      const uint8_t **rsp);
/* The hints that a guest of this engine has. */
struct action_hints host_hints(const struct host *h);

#endif /* TPMIX_FUZZ_HOST_H */
