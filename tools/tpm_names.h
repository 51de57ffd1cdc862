/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers of TPM 2.0 commands and responses in words. Results: g_free(). */
#ifndef TPM_NAMES_H
#define TPM_NAMES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Command or response code. Requires a header, as the next one. */
uint32_t tpm_code(const uint8_t *data);

/* "TPM2_GetRandom", "command 0x..." */
char *tpm_command_name(const uint8_t *cmd);

/* "TPM_RC_SUCCESS", or "error 0x18b, handle(1): ..." */
char *tpm_rc_name(uint32_t rc);

/* Both with the size and what the tag says; of any number of bytes. */
char *tpm_describe(const uint8_t *data, uint32_t len, bool response);

#endif /* TPM_NAMES_H */
