/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hostile guest does over qtest, one misdeed after the other, at random, from
 * every locality, by every door that the device has: FIFO, CRB, trapped window,
 * windows in RAM.
 */
#ifndef MISDEED_H
#define MISDEED_H

#include "qtest_client.h"
#include "tpm_stub.h"

struct qmp_probe;
struct swtpm;

struct hostile {
	struct swtpm *tpm;
	TpmStub *stub;
	QtestClient *q;
	struct qmp_probe *probe;
	uint64_t random;
	uint32_t indexed; /* the indexed door's page, from the locality's */
	bool crb;         /* CRB is there, if not active */
	bool ram;         /* so are the windows in RAM */
	unsigned int resets;
	unsigned int cancels;
};

/* @n > 0, the answer is below it */
uint32_t hostile_pick(struct hostile *h, uint32_t n);
uint32_t hostile_any32(struct hostile *h);

/* 80 01 00 00 00 06 into the FIFO of the page at @at, then tpmGo. */
void hostile_six_bytes(struct hostile *h, uint32_t at);

/* One misdeed. @slow: RSA keys, which no reset may have to wait for. */
void hostile_misdeed(struct hostile *h, bool slow);

#endif /* MISDEED_H */
