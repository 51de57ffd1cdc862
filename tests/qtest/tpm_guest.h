/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An honest guest of tpm-tis-indexed and tpm-crb-ext over qtest, by the transaction
 * of docs/specification.md, and the commands that the tests of hostile guests and
 * failing backends send. As a driver it finds out which of them it has, and whether
 * CRB or FIFO is active.
 */
#ifndef TPM_GUEST_H
#define TPM_GUEST_H

#include "qtest_client.h"

#define TPM_GUEST_BASE 0xFED40000u
#define TPM_GUEST_MAX  4096u

struct tpm_command {
	uint32_t size;
	uint8_t bytes[128];
};

extern const struct tpm_command tpm_startup;    /* TPM2_Startup(CLEAR) */
extern const struct tpm_command tpm_get_random; /* 16 bytes */
/* GetCapability(TPM_PT_MANUFACTURER): rc 0 and 27 bytes, always the same */
extern const struct tpm_command tpm_get_cap;
/*
 * TPM2_CreatePrimary, RSA, @bits 2048 or 3072: tens to hundreds of ms. Another
 * @unique is another key.
 */
struct tpm_command tpm_create_rsa(uint16_t bits, uint32_t unique);
/* The TPM holds three keys; the nth of them, from 0, goes. */
struct tpm_command tpm_flush(unsigned int nth);

/* An NV index of 8 bytes: define, write, read. */
#define TPM_NV_INDEX 0x01500010u
extern const struct tpm_command tpm_nv_define;
struct tpm_command tpm_nv_write(const uint8_t *data);
extern const struct tpm_command tpm_nv_read; /* data at rsp + 16 */

/* What the engine answers where the backend failed: TPM_RC_FAILURE. */
#define TPM_GUEST_FAILURE 0x101u

/* Address of the page that has locality 0's indexed door. */
uint64_t tpm_guest_indexed(QtestClient *q);

/* Whether the guest finds a TPM: a device whose backend did not start reads as none. */
bool tpm_guest_has_tpm(QtestClient *q);

/* What a locality asks for by TPM_ACCESS or TPM_LOC_CTRL. */
void tpm_guest_request(QtestClient *q, unsigned int locality);
void tpm_guest_relinquish(QtestClient *q, unsigned int locality);
void tpm_guest_seize(QtestClient *q, unsigned int locality);
bool tpm_guest_is_active(QtestClient *q, unsigned int locality);

/* Locality 0 writes the command into the window. */
void tpm_guest_put(QtestClient *q, const struct tpm_command *c);

/* The same, and rings; returns the ticket. */
uint32_t tpm_guest_ring(QtestClient *q, const struct tpm_command *c);

/* The same, and asks for an interrupt. */
uint32_t tpm_guest_ring_int(QtestClient *q, const struct tpm_command *c);

/* Whether the ticket completed within the time. */
bool tpm_guest_completes(QtestClient *q, uint32_t ticket, unsigned int ms);

/* The response to the last ticket, its size; checked against its checksum. */
uint32_t tpm_guest_response(QtestClient *q, uint8_t *rsp);

/* All of it, at most ten seconds: the response code, with its header checked. */
uint32_t tpm_guest_command(QtestClient *q, const struct tpm_command *c,
			   uint8_t *rsp);

/* Takes locality 0, after every other one has let go. */
void tpm_guest_take(QtestClient *q);

/* Takes locality 0; Startup if it is needed; a command with a known answer. */
void tpm_guest_honest(QtestClient *q);

#endif /* TPM_GUEST_H */
