/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed as a child of tpm-tis, for a QEMU that does not know it
 *
 * QEMU's ACPI code describes a TPM to the guest where it finds one of the
 * types that it knows. A child of tpm-tis is one; what tpm-tis itself does is
 * overridden, and of its state only the properties are used.
 *
 * QEMU interface: as hw/tpm/tpm_tis_indexed.c; "tpmdev", "irq" and "ppi" are
 * the parent's properties.
 */
#ifndef PLUGIN_TPM_TIS_INDEXED_CHILD_H
#define PLUGIN_TPM_TIS_INDEXED_CHILD_H

#include "tpm_tis.h"
#include "tpmix_isa.h"

#define TYPE_TPM_TIS_INDEXED "tpm-tis-indexed"

/* QEMU's TPMStateISA, which is private to hw/tpm/tpm_tis_isa.c. */
typedef struct TPMTISParent {
    ISADevice parent_obj;

    TPMState state;
} TPMTISParent;

typedef struct TPMTISIndexedState {
    TPMTISParent parent_obj;

    TPMIXDevice device;
} TPMTISIndexedState;

#endif /* PLUGIN_TPM_TIS_INDEXED_CHILD_H */
