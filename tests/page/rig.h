/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine as a machine has it, and the page's model beside it: a guest's accesses and
 * a host's events go to both, and every difference is found.
 */
#ifndef PAGE_RIG_H
#define PAGE_RIG_H

#include <glib.h>

#include "page_model.h"
#include "tpmix.h"

#define RIG_SPACE 0x40000u

/* A device, by its name on QEMU's command line. */
struct rig_device {
	const char *name;
	struct page_config cfg;
	enum page_tpm tpm;
};

/* One machine: the engine and what the host keeps for it. */
struct machine {
	struct tpmix e;
	uint8_t *cmd, *run, *rsp;
	uint8_t *ram_cmd, *ram_rsp;
	uint8_t *migrated;       /* ram_cmd as a migration has copied it */
	uint32_t block[TPMIX_BLOCK_SIZE / 4];
	uint32_t crb_regs[TPM_REG_DATA_BUFFER / 4];
	uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
	bool fast;               /* the backend answers before start() returns */
	/* what the backend saw */
	uint32_t starts, cancels, resets_of_established, guest_errors;
	uint32_t digest;         /* of every command, its ticket and locality */
	uint8_t command[PAGE_BUFFER];
	uint32_t command_len, ticket;
};

enum op_kind {
	OP_READ, OP_WRITE,
	OP_TICKET,       /* writes ACCEPTED + val, 4 bytes */
	OP_RING,         /* CSUM_EXPECT with bits 3:2 of val, and ACCEPTED + bits 1:0 */
	OP_COMPLETE,     /* val: 0 as it should be, else an answer that is wrong */
	OP_FAST, OP_RESET, OP_MIGRATE, OP_ESTABLISHED,
};

struct op {
	enum op_kind kind;
	uint32_t addr;
	unsigned int size;
	uint64_t val;
	bool repeat;     /* at once */
};

struct rig {
	const struct rig_device *device;
	struct machine *m;
	struct page *p;
	uint32_t digest;         /* the model's */
	bool fast, thorough;
	unsigned int ops;
	uint64_t value;          /* of the last read */
	GString *difference;
};

void rig_begin(struct rig *r, const struct rig_device *device);
void rig_end(struct rig *r);
/* False, and a text in r->difference, where model and engine differ. */
bool rig_do(struct rig *r, const struct op *op);
/* All of what a guest finds in memory; rig_do() looks at it now and then. */
bool rig_memory_differs(struct rig *r);
void op_print(const struct op *op);

/* The response to a command; @kind as in OP_COMPLETE. NULL: the backend failed. */
uint8_t *rig_response(const uint8_t *cmd, uint32_t len, uint32_t bufsize,
		      unsigned int kind, uint32_t *rsp_len);

/* The machine alone, for tests that have no model beside. */
struct machine *machine_new(const struct page_config *cfg);
void machine_free(struct machine *m);
uint64_t machine_read(struct machine *m, uint32_t addr, unsigned int size);
void machine_write(struct machine *m, uint32_t addr, uint64_t val, unsigned int size);
bool machine_complete(struct machine *m, unsigned int kind);
/* A fresh machine that goes on where @m was saved; @m is freed. */
struct machine *machine_migrate(struct machine *m, const struct page_config *cfg);

#endif /* PAGE_RIG_H */
