/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for the tests of mmio-replay: stock tpm-tis with the stub behind it and
 * the overlay over it, and a driver as Linux' tpm_tis_core.c.
 */
#ifndef REPLAY_RIG_H
#define REPLAY_RIG_H

#include "qtest_client.h"
#include "tpm_stub.h"
#include "tpmix_regs.h"

#define REG(offset) (0xFED40000u + (offset))
#define REPLAY      "-device mmio-replay,id=replay,addr=0xfed40000,size=0x5000"
#define TPM_TIS     "-machine q35 -device tpm-tis,id=tpm,tpmdev=tpm0 "

#define COMMAND_SIZE  54u
#define RESPONSE_SIZE 62u /* as in 2011; the stub's is 8 bytes longer than the command */
#define NO_DATA       0xFF /* what tpm-tis reads without data */

typedef struct {
	TpmStub *stub;
	QtestClient *q;
} Fixture;

enum outcome { RIGHT, WRONG, FAILED };

typedef struct {
	enum outcome outcome;
	uint8_t response[4096];
	size_t size;
} Result;

void fixture_start(Fixture *f, gconstpointer arguments);
void fixture_stop(Fixture *f, gconstpointer unused);
/* g_assert_cmpmem() has int sizes. */
void assert_bytes(const void *got, size_t size, const void *expected, size_t expected_size);
/* No two neighbours are equal, so that a byte more or less is seen. */
void make_command(uint8_t command[COMMAND_SIZE]);
/* What the TPM must say: the stub's counter is the only thing that differs. */
void make_response(unsigned nth, uint8_t response[RESPONSE_SIZE]);
/* STS has these bits, or gets them within a minute: the TPM is slow, not silent. */
void wait_status(QtestClient *q, uint8_t bits);
void request_locality(QtestClient *q);
void relinquish_locality(QtestClient *q);
/* careless: the driver looks neither at Expect nor whether the write was done */
bool send_command(QtestClient *q, const uint8_t *command, size_t size, bool careless);
bool receive_response(QtestClient *q, Result *r);
/* A transaction; WRONG where the driver believes another response than the TPM's. */
void transact(Fixture *f, bool careless, Result *r);
/* Repeat exactly the nth read or write of one register. */
void arm(QtestClient *q, uint32_t offset, bool writes, uint64_t nth, const char *when,
		unsigned delay);
void assert_counters(QtestClient *q, uint64_t reads, uint64_t writes, uint64_t pending);

#endif /* REPLAY_RIG_H */
