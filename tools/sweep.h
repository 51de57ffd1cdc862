/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One transaction again and again, each time with another of its accesses repeated,
 * compared with what the TPM says when nothing is.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "device.h"
#include "record.h"

enum sweep_outcome {
	SWEEP_RIGHT,
	SWEEP_WRONG,    /* a response, taken for good, that is not the TPM's */
	SWEEP_FAILED,   /* the driver noticed */
	SWEEP_NONE,     /* there was nothing to repeat */
	SWEEP_OUTCOMES,
};

struct sweep {
	struct tpmix_device *dev;
	struct record *record;
	const GByteArray *cmd;
	/* after sweep_begin() */
	GByteArray *right;              /* the response */
	guint accesses;                 /* of the transaction */
	struct tpmix_door probe;        /* past replay: tells how often the TPM ran */
	bool counts;                    /* probe is there */
	guint idle_waits;               /* since it was last seen to run a command */
	uint8_t *rsp;
};

struct sweep_trial {
	enum sweep_outcome outcome;
	int runs;                       /* of the command by the TPM; -1: not known */
	struct record_access access;    /* that was repeated */
	char *error;                    /* of FAILED; g_free() */
};

/* What replay must be for the sweep; before the device is opened. */
void sweep_options(struct tpmix_options *o);

/*
 * Runs the command twice, without repetitions. False and @error where that fails or
 * where the responses differ, so that right and wrong cannot be told apart.
 */
bool sweep_begin(struct sweep *s, struct tpmix_device *dev, struct record *record,
		 const GByteArray *cmd, GError **error);

/*
 * The transaction with its access @nth (from 1) repeated. False and @error where the
 * device does not recover.
 */
bool sweep_run(struct sweep *s, enum tpmix_replay_when when, guint nth, guint delay,
	       struct sweep_trial *trial, GError **error);

void sweep_end(struct sweep *s);

#endif /* SWEEP_H */
