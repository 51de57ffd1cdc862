/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second opinion: docs/specification.md as naive code.
 *
 * Written from that page, with its numbers as literals, not from the engine:
 * it exists to disagree. It is slow, allocates, and is never optimised. Where the
 * page says nothing QEMU's tpm-tis and tpm-crb decide, as the page itself has it.
 *
 * model.c: localities and the transaction; model_fifo.c, model_crb.c,
 * model_indexed.c: the doors; model_map.c: the address map and RAM; model_wait.c:
 * START and tpmGo that wait.
 */
#ifndef TPMIX_FUZZ_MODEL_H
#define TPMIX_FUZZ_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_PAGES 5
#define MODEL_NOBODY (-1)

enum model_phase { IDLE, READY, RECEPTION, EXECUTION, COMPLETION };
enum model_door { FIFO = 0, CRB = 1 };

struct model_config {
	uint32_t capacity;
	uint64_t base;
	bool ram;               /* windows and header in RAM */
	uint8_t int_vector;
	bool locality4;
	bool has[2];            /* by enum model_door */
	enum model_door door;   /* at power on */
	int localities;
	/* a backend that answers before start() returns; 0: not */
	const uint8_t *answer;
	uint32_t answer_len;
	/* writes into the command window before start() returns; NULL: not */
	void (*scribble)(uint8_t *window);
};

/* A command from its acceptance to its completion. */
struct model_command {
	uint32_t ticket;
	int owner;
	bool aborted;
	bool notify;            /* its completion is an edge */
	uint16_t crc;
	uint32_t len;
	uint8_t bytes[];
};

/* A response from its completion to the next acceptance. */
struct model_response {
	uint32_t ticket;
	int owner;
	uint16_t crc;
	uint32_t given;         /* bytes that the FIFO gave out */
	uint32_t len;
	uint8_t bytes[];
};

struct model_page {
	enum model_phase phase;
	bool requests;
	bool been_seized;
	bool armed;
	/* "while a command of this locality runs": its bytes, until another comes */
	bool armed_early;
	/* the last ticket when it last wrote a START or tpmGo that is new */
	uint32_t asked_at;
	bool asked;
	uint32_t int_enable;    /* both as the active interface has them */
	uint32_t int_status;
	uint32_t index;
	uint32_t csum_expect;
	unsigned int refused;
};

struct model {
	struct model_config cfg;
	/* the TPM */
	bool none;              /* there is none until the next TPM_INIT */
	bool tpm2;
	bool established;
	bool selftest_done;
	enum model_door door;
	enum model_door selected; /* from the next TPM_INIT on */
	bool selector_locked;
	uint32_t bufsize;
	uint32_t accepted;
	int active;
	struct model_page page[MODEL_PAGES];
	uint8_t *window;        /* locality 0's command, capacity bytes */
	uint8_t *command;       /* the command of localities 1 to 4, bufsize bytes */
	int command_of;
	uint32_t received;      /* bytes of it that came by the FIFO */
	uint16_t last_crc;      /* of the last accepted command */
	struct model_command *running;
	int waits;              /* whose START or tpmGo waits for its end */
	struct model_response *response;
	struct {
		bool any;
		uint32_t addr;
		uint64_t val;
		unsigned int size;
	} last;
	bool to_cancel;         /* by the write that is being made */
	unsigned int strays;    /* words read where no register is */
	/* what the backend saw */
	unsigned int starts;
	unsigned int cancels;
	unsigned int edges;     /* of the interrupt line */
	unsigned int established_resets;
	struct model_command *started; /* the last one */
};

struct model *model_new(const struct model_config *cfg);
void model_free(struct model *m);
void model_reset(struct model *m, bool tpm2, uint32_t bufsize);
/* TPM_INIT that finds no TPM. */
void model_reset_none(struct model *m);
uint64_t model_read(struct model *m, uint32_t addr, unsigned int size, bool take);
void model_write(struct model *m, uint32_t addr, uint64_t val, unsigned int size);
bool model_complete(struct model *m, uint32_t ticket, const uint8_t *rsp,
		    uint32_t len, bool selftest_done);
bool model_irq(const struct model *m);
/* Somebody has an earlier command's response for an answer. */
bool model_answers_another(const struct model *m);

#endif /* TPMIX_FUZZ_MODEL_H */
