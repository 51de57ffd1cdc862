/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzzer's input as a list of actions: reads, writes, completions, resets,
 * saves and loads, and short runs of them (a command through the FIFO or the
 * window, a drained FIFO), so that few bytes reach deep states. A backend is as
 * slow as the next completion is far.
 *
 * Any bytes decode to something. Values that only make sense in a state (the
 * next ticket, the command's checksum) are named, and filled in from the hints.
 */
#ifndef TPMIX_FUZZ_ACTIONS_H
#define TPMIX_FUZZ_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTIONS_MAX     400     /* single actions of one input */
#define ACTION_PATCHES  4

enum action_kind {
	ACTION_READ,
	ACTION_WRITE,
	ACTION_POKE,            /* the guest writes the command window: memory */
	ACTION_COMPLETE,
	ACTION_RESET,
	ACTION_RELOAD,          /* save, load into a new machine, go on with it */
	ACTION_HOSTILE_LOAD,    /* the same with bytes of the state patched */
};

enum answer_kind {
	ANSWER_GOOD,
	ANSWER_SIZE_LIES,       /* size field differs from the bytes */
	ANSWER_NONE,            /* the backend failed */
	ANSWER_STALE,           /* of a ticket that does not run */
};

struct action {
	enum action_kind kind;
	/* read, write; poke: offset in the window */
	uint32_t addr;
	unsigned int size;
	uint64_t val;
	/* complete */
	enum answer_kind answer;
	uint32_t len;           /* also reset: what the backend takes */
	uint8_t fill;
	bool selftest_done;
	/* reset */
	bool none;              /* finds no TPM */
	bool tpm2;
	bool established;
	/* hostile load */
	unsigned int num_patches;
	struct {
		uint16_t at;
		uint8_t byte;
	} patch[ACTION_PATCHES];
};

struct actions_config {
	uint32_t capacity;
	uint32_t bufsize;
	bool tpm2;
	bool locality4;
	bool at_once;           /* the backend answers before start() returns */
	/* of the third byte; 0 there: tpm-tis-indexed */
	bool fifo, crb;
	uint8_t interface;      /* at power on */
	uint8_t localities;
	bool scribbles;         /* see struct host */
	bool crb_traps;
	bool no_ram;
	uint64_t base;
};

/* What the guest could know. */
struct action_hints {
	uint32_t accepted;
	uint32_t bufsize;
	uint32_t rsp_len;
	unsigned int active;    /* 0 where none is */
	bool crb;               /* the active interface */
	const uint8_t *cmd;     /* the command as it stands, cmd_len bytes */
	uint32_t cmd_len;
};

enum run_kind {
	RUN_NONE, RUN_WINDOW, RUN_FIFO, RUN_DRAIN, RUN_HONEST, RUN_CRB, RUN_RAM,
};

struct actions {
	const uint8_t *at, *end;
	unsigned int made;
	bool wide;              /* has actions of CRB and RAM as well */
	bool tpm2_only;
	struct action last_write;
	/* a run of actions that is being made */
	enum run_kind run;
	unsigned int run_step;
	uint32_t page, block, cmd_size, run_len, run_pos;
	unsigned int width;
	uint8_t run_fill;
	bool run_leaves;        /* whoever is active relinquishes first */
};

/* Decodes the configuration, the first three bytes. */
struct actions_config actions_begin(struct actions *s, const uint8_t *data, size_t len);
/* False at the end. */
bool actions_next(struct actions *s, const struct action_hints *h, struct action *a);
/* One line on standard error, for FUZZ_TRACE=1 and failures. */
void action_print(unsigned int nth, const struct action *a);

#endif /* TPMIX_FUZZ_ACTIONS_H */
