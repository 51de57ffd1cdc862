/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One command through a TPM's registers over qtest, as the drivers do it: by
 * the FIFO as Linux' tpm_tis, by the indexed door as tpm_tis_indexed. A
 * transaction can stop after any of its accesses and go on later, with another
 * QEMU if need be: what the guest knows is in the struct.
 */
#ifndef TIS_H
#define TIS_H

#include "qtest_client.h"
#include "tpm_stub.h"

#define TIS_BASE     0xFED40000u
#define TIS_CMD_SIZE 30u
#define TIS_RSP_SIZE 38u  /* the stub's is 8 bytes longer */

enum tis_door { TIS_FIFO, TIS_INDEXED };

struct tis {
	QtestClient *q;
	enum tis_door door;
	uint32_t ticket;        /* last one used; the guest counts itself */
	/* accesses to be made before the transaction stops; -1: all */
	int budget;
	bool stopped;
	/* accesses made */
	unsigned int made;
	/* accesses that are done already when a transaction goes on */
	unsigned int skip;
	uint8_t cmd[TIS_CMD_SIZE];
	uint8_t rsp[4096];
	uint32_t rsp_size;
	/* read values, replayed to the guest's code when it goes on */
	uint64_t seen[256];
};

void tis_init(struct tis *t, QtestClient *q, enum tis_door door, uint8_t fill);

/*
 * Runs the transaction up to the budget. Returns true where it ended with a
 * response that passed the driver's own checks, false where it stopped
 * (t->stopped) or the driver gave up.
 */
bool tis_transaction(struct tis *t);

/* Goes on after tis_transaction() stopped, against @q. */
bool tis_resume(struct tis *t, QtestClient *q);

/* The response that the TPM gave to t->cmd as its nth command. */
bool tis_response_is(const struct tis *t, unsigned int nth);

/* The name of a new, empty file; g_unlink() and g_free() it. */
char *tis_temp_file(void);

#endif /* TIS_H */
