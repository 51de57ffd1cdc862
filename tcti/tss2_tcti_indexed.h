/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tpm2-tss TCTI that drives the registers of a TPM: tss2-tcti-indexed(7).
 */
#ifndef TSS2_TCTI_INDEXED_H
#define TSS2_TCTI_INDEXED_H

#include <tss2/tss2_tcti.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * With context NULL: the context's size in *size. Otherwise *size bytes at context
 * are initialised from "key=value,...", NULL for the defaults; finalize it by
 * Tss2_Tcti_Finalize(). A context is used by one thread at a time, and not across
 * fork().
 */
TSS2_RC Tss2_Tcti_Indexed_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
			       const char *config);

/* For tctildr. */
const TSS2_TCTI_INFO *Tss2_Tcti_Info(void);

#ifdef __cplusplus
}
#endif

#endif /* TSS2_TCTI_INDEXED_H */
