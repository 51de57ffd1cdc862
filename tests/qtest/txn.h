/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One command through a TPM's registers and memory over qtest, as drivers do it,
 * by every door of the devices and of the stock ones beside them.
 *
 * A transaction can stop after any of its accesses and go on later, with another
 * QEMU if need be: what the guest knows is in the struct. And one of its accesses
 * can be made twice, as a VMM does that runs an instruction again; RAM, which no
 * overlay can watch, included.
 */
#ifndef TXN_H
#define TXN_H

#include "qtest_client.h"
#include "tpm_stub.h"

#define TXN_BASE     0xFED40000u
#define TXN_CMD_SIZE 30u
#define TXN_RSP_SIZE 38u  /* the stub's is 8 bytes longer */

struct txn;

/* What a guest talks to, and how. */
struct txn_kind {
	const char *name;
	const char *device;     /* arguments of QEMU */
	bool (*send)(struct txn *t);
	bool (*receive)(struct txn *t);
	bool crb;               /* the locality pages are CRB, else FIFO */
	bool stock;
	uint32_t indexed;       /* the indexed door's page, from TXN_BASE */
	unsigned int width;     /* bytes of an access to a buffer */
	uint32_t ram;           /* from here on nothing traps */
};

extern const struct txn_kind txn_stock_fifo;  /* tpm-tis */
extern const struct txn_kind txn_stock_crb;   /* tpm-crb, as edk2 */
extern const struct txn_kind txn_stock_linux; /* tpm-crb, as Linux' tpm_crb */
/* tpm-tis-indexed: FIFO; trapped window; windows and header in RAM */
extern const struct txn_kind txn_fifo;
extern const struct txn_kind txn_indexed;
extern const struct txn_kind txn_ram;
/* tpm-crb-ext: +0x80 as edk2; CMD_LADDR as Linux; the indexed door's two */
extern const struct txn_kind txn_crb;
extern const struct txn_kind txn_crb_linux;
extern const struct txn_kind txn_crb_indexed;
extern const struct txn_kind txn_crb_ram;
/* tpm-crb-ext,interface=fifo */
extern const struct txn_kind txn_crb_fifo;
extern const struct txn_kind txn_crb_fifo_indexed;

/* When an access is made a second time, if so. */
enum txn_when {
	TXN_NOW,        /* at once; what is read counts the second time */
	TXN_LATE,       /* after that many accesses more */
	TXN_COMPLETED,  /* after the command completed, before the guest sees it */
};

struct txn_repeat {
	unsigned int nth;       /* from 1; 0: none */
	enum txn_when when;
	unsigned int delay;     /* for TXN_LATE */
	bool overlay;           /* by -device mmio-replay,id=replay: what traps */
	/* the access, and whether it still waits */
	uint32_t off;
	uint64_t val;
	unsigned int width;
	bool writes;
	bool waits;
	unsigned int done;      /* repeats made here */
};

struct txn {
	QtestClient *q;
	const struct txn_kind *kind;
	uint32_t ticket;        /* last one used; the guest counts itself */
	struct txn_repeat repeat;
	/* accesses to be made before the transaction stops; -1: all */
	int budget;
	bool stopped;
	bool gives_up;          /* the driver, where it waits too long */
	/* accesses made, that which started the command; those that trapped */
	unsigned int made;
	unsigned int start;
	unsigned int trapped;
	unsigned int trapped_start;
	/* accesses that are done already when a transaction goes on */
	unsigned int skip;
	uint8_t cmd[TXN_CMD_SIZE + 2]; /* rounded up to 8 bytes */
	uint8_t rsp[4096];
	uint32_t rsp_size;
	/* read values, replayed to the guest's code when it goes on */
	uint64_t seen[256];
};

void txn_init(struct txn *t, QtestClient *q, const struct txn_kind *kind,
	      uint8_t fill);

/*
 * Runs the transaction up to the budget. Returns true where it ended with a
 * response that passed the driver's own checks, false where it stopped
 * (t->stopped) or the driver gave up.
 */
bool txn_run(struct txn *t);

/* Goes on after txn_run() stopped, against @q. */
bool txn_resume(struct txn *t, QtestClient *q);

/* The response that the TPM gave to t->cmd as its nth command. */
bool txn_response_is(const struct txn *t, unsigned int nth);

/* The name of a new, empty file; g_unlink() and g_free() it. */
char *txn_temp_file(void);

/*
 * For doors: one access, of a register or of memory, @off from TXN_BASE. A wait
 * is one access: the number of its polls is not the guest's. A wait of 20 s ends
 * the test.
 */
uint64_t txn_in(struct txn *t, uint32_t off, unsigned int width);
void txn_out(struct txn *t, uint32_t off, uint64_t val, unsigned int width);
uint64_t txn_wait(struct txn *t, uint32_t off, unsigned int width,
		  uint64_t mask, uint64_t want);
/* For the end of the command, or for a bit of @lost: it will not come. */
uint64_t txn_wait_done(struct txn *t, uint32_t off, unsigned int width,
		       uint64_t mask, uint64_t want, uint64_t lost);
/* The next access starts the command. */
void txn_starts(struct txn *t);
/* False also where the transaction stopped. */
bool txn_is(const struct txn *t, uint64_t val, uint64_t mask, uint64_t want);

#endif /* TXN_H */
