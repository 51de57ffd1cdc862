/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext as a child of tpm-crb, for a QEMU that does not know it
 *
 * As tpm_tis_indexed_child.h. QEMU's ACPI code describes a child of tpm-crb as
 * it does tpm-crb: MSFT0101, start method CRB, one page. So there is no FIFO
 * behind InterfaceSelector, as no table could follow it, and no _HID of our
 * own.
 *
 * QEMU interface: as hw/tpm/tpm_crb_ext.c with fifo=off and compat=on;
 * "tpmdev" and "ppi" are the parent's properties.
 */
#ifndef PLUGIN_TPM_CRB_EXT_CHILD_H
#define PLUGIN_TPM_CRB_EXT_CHILD_H

#include "tpmix_isa.h"

#define TYPE_TPM_CRB_EXT "tpm-crb-ext"

/* QEMU's CRBState, which is private to hw/tpm/tpm_crb.c. */
typedef struct TPMCRBParent {
    DeviceState parent_obj;

    TPMBackend *tpmbe;
    TPMBackendCmd cmd;
    uint32_t regs[A_CRB_DATA_BUFFER / sizeof(uint32_t)];
    MemoryRegion mmio;
    MemoryRegion cmdmem;
    size_t be_buffer_size;
    bool ppi_enabled;
    TPMPPI ppi;
} TPMCRBParent;

typedef struct TPMCRBExtState {
    TPMCRBParent parent_obj;

    TPMIXDevice device;
} TPMCRBExtState;

#endif /* PLUGIN_TPM_CRB_EXT_CHILD_H */
