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
	bool no_ram;            /* nor any: ram_cmd is private */
	/* the same, as one has it that copies what is reported as changed */
	struct {
		uint8_t *cmd, *rsp;
		uint8_t block[TPMIX_BLOCK_SIZE];
		uint8_t crb_regs[TPM_REG_DATA_BUFFER];
		uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
	} copy;
	/* what the backend saw */
	unsigned int starts;
	unsigned int cancels;
	unsigned int established_resets;
	unsigned int guest_errors;
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
/* The guest writes byte @at of the command window: memory. */
void host_poke(struct host *h, uint32_t at, uint8_t byte);
/* What the engine wrote into RAM, it has reported. NULL, or where it has not. */
const char *host_unreported(const struct host *h);
/* Both of one capacity. */
void host_copy(struct host *to, const struct host *from);
/* State, command, response and what the backend was given. */
bool host_same(const struct host *a, const struct host *b);
/* What migrates: cmd, run, rsp and the saved fields. RAM comes as garbage. */
void host_migrate(struct host *to, const struct host *from);
bool host_complete(struct host *h, const struct action *a);

/* The bytes of an answer; returns its length, *rsp is NULL for none. */
uint32_t answer_bytes(const struct action *a, uint32_t capacity,
		      const uint8_t **rsp);
/* The hints that a guest of this engine has. */
struct action_hints host_hints(const struct host *h);

#endif /* TPMIX_FUZZ_HOST_H */
