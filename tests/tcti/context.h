/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts of the TCTI and the commands that its tests send. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <glib.h>

#include "tss2_tcti_indexed.h"

/* Initialises one; @want is what that must return. NULL where it is an error. */
TSS2_TCTI_CONTEXT *context_open(const char *config, TSS2_RC want);
/* Finalizes and frees. NULL is allowed. */
void context_close(TSS2_TCTI_CONTEXT *c);

/* TPM2_GetRandom of 16 bytes, and the size of its response. */
extern const uint8_t context_random[12];
#define CONTEXT_RANDOM_RSP 28u
void context_send_random(TSS2_TCTI_CONTEXT *c);

/*
 * A CreatePrimary that takes long enough to be seen running, and ends early where it
 * is cancelled. How long is luck, and another's with another @unique.
 */
void context_send_primary(TSS2_TCTI_CONTEXT *c, uint8_t unique);

/* TPM2_PCR_Extend of zeroes. */
void context_send_extend(TSS2_TCTI_CONTEXT *c, uint8_t pcr);

/* Waits for the response; its code. */
uint32_t context_receive(TSS2_TCTI_CONTEXT *c);

/* The SHA-256 bank's PCR 16. */
void context_pcr16(TSS2_TCTI_CONTEXT *c, uint8_t digest[32]);

/* A directory of files, with them. */
void context_remove_dir(const char *path);

#endif /* CONTEXT_H */
