/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus over the engine for tests of what drives it: the test decides when a command
 * completes, which access is damaged, and sees what the TPM was given.
 */
#ifndef RIG_H
#define RIG_H

#include "bus.h"
#include "door.h"
#include "tpmix.h"

#define RIG_CAPACITY 8192u

struct rig {
	struct tpmix_bus bus;
	struct tpmix engine;
	uint8_t cmd[RIG_CAPACITY], run[RIG_CAPACITY], rsp[RIG_CAPACITY];
	uint8_t ram_cmd[RIG_CAPACITY], ram_rsp[RIG_CAPACITY];
	uint32_t ram_block[TPMIX_BLOCK_SIZE / 4];
	/* what the TPM saw */
	unsigned int runs, cancels;
	unsigned int locality;
	uint32_t run_ticket, run_len;
	/* a command completes with the access that makes this 0; 0: at once */
	unsigned int delay, left;
	bool hold;              /* it does not, until cancelled */
	uint32_t rsp_len;
	/* accesses so far, and the one, from 1, that is damaged; 0: none */
	unsigned int accesses, damage;
	enum { RIG_FLIP, RIG_DROP } how;
	bool damaged;
};

void rig_init(struct rig *r, bool crb);

/* A command of @len bytes that tells itself from others by @fill. */
void rig_command(uint8_t *cmd, uint32_t len, uint8_t fill);

/* The response to it as the TPM's nth command; its size. Differs in every byte. */
uint32_t rig_response(const struct rig *r, const uint8_t *cmd, uint32_t len,
		      unsigned int nth, uint8_t *rsp);

/* A door as a program opens it, and the device that it is opened on. */
struct rig_shape {
	enum tpmix_door_kind kind;
	unsigned int locality;
	bool crb;               /* the device is a CRB */
};

/* @test with @shape as its data, as GROUP/NAME/SHAPE. */
void rig_add_test(const char *group, const char *name,
		  const struct rig_shape *shape, void (*test)(gconstpointer));

#endif /* RIG_H */
