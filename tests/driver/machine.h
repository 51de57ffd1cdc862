/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine below the driver: the engine with its TPM in memory that a roll-back
 * of the guest does not touch, and what it does wrong with the guest's accesses.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "tpmix.h"

#define CAPACITY        8192u
#define SERIALS         256u    /* of commands; those of other localities are the upper half */
#define FOREVER         UINT32_MAX
#define IRQ             3

enum fault_kind {
	FAULT_NONE,
	FAULT_REPEATED,         /* at once */
	FAULT_REPEATED_LATE,    /* and again @delay accesses later */
	FAULT_LATE,             /* a write: not now, but @delay accesses later */
	FAULT_LOST,             /* a read: brings what was in the CPU's register */
	FAULT_CORRUPTED,        /* @mask says which bits */
	FAULT_CORRUPTED_TWICE,  /* and, in the bits beside, @delay accesses later */
	FAULT_RELINQUISHED,     /* locality 0 is relinquished before the access */
	FAULT_SEIZED,           /* by locality 1 before it, for @delay accesses */
	FAULT_SEIZED_COMMAND,   /* the same, and a command is run there */
	FAULT_ROLLED_BACK,      /* to before the access, from @delay accesses later */
	FAULT_KINDS,
};

struct fault {
	enum fault_kind kind;
	uint32_t at;            /* number of the access, from 1 */
	uint32_t delay;
	uint64_t mask;
};

struct setup {
	bool crb;               /* tpm-crb-ext, else tpm-tis-indexed */
	bool one_range;         /* firmware names one range for all */
	bool of;                /* by a device tree, else by ACPI */
	uint32_t takes;         /* accesses for which a command runs; FOREVER */
	uint32_t takes_us;      /* not 0: so long, whatever accesses there are */
	bool cancels;           /* the TPM honours a cancel */
	bool irq;               /* the line is there, and named by ACPI */
};

/* What the machine keeps. */
struct machine {
	struct tpmix engine;
	struct setup setup;
	uint8_t cmd[CAPACITY], run[CAPACITY], rsp[CAPACITY];
	uint8_t ram_cmd[CAPACITY] __attribute__((aligned(4096)));
	uint8_t ram_rsp[CAPACITY] __attribute__((aligned(4096)));
	uint32_t ram_page[1024] __attribute__((aligned(4096)));

	uint32_t accesses;      /* of the guest since machine_fault() */
	uint32_t trapped;       /* of these, by an exit */
	uint32_t runs[SERIALS]; /* how often each command was executed */
	uint32_t cancels;       /* that the TPM was asked for */
	uint32_t run_ticket, run_len, left;
	int64_t ends_us;        /* with takes_us */
	int64_t asks_us;        /* when locality 1 requests; 0: never */
	uint64_t edges_taken;
	uint32_t rsp_len;       /* of the responses */

	struct fault fault;
	bool hit;               /* its access was made */
	uint32_t due;           /* number of the access before which the rest is done */
	uint64_t val;
	uint32_t addr;
	unsigned int size;
};

extern struct machine *const machine;

/* Powers on a TPM 2.0. */
void machine_init(const struct setup *setup);

/* From here on accesses are counted, and this goes wrong; NULL: nothing. */
void machine_fault(const struct fault *fault);

/* All that the fault does has been done. */
bool machine_fault_over(void);

/* The command with a number, its right response as the TPM's @nth execution of it. */
uint32_t machine_command(uint32_t serial, uint8_t *cmd, uint32_t len);
uint32_t machine_response(uint32_t serial, uint32_t nth, uint8_t *rsp);

/* A command by the door of @locality that is outside the guest, or of another guest. */
void machine_other_command(unsigned int locality, uint32_t serial);

/* It is so late now. */
void machine_time(int64_t now_us);

/* The line had an edge since it was asked last. */
bool machine_take_edge(void);

/* Locality 1 is to request in so many microseconds. */
void machine_ask_in(int64_t us);

/* The running command ends. */
void machine_complete(void);
bool machine_busy(void);

/* The memory at a physical address, as the guest maps it. */
void *machine_ram(uint64_t addr);

#endif /* MACHINE_H */
