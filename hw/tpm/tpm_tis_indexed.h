/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed: TIS FIFO with the replay-safe indexed door
 *
 * Models the TPM interface of docs/specification.md: TIS 1.3 / PTP 1.05 FIFO
 * registers, five localities, and in each locality's vendor range an index
 * register, a trapped window, tickets and checksums.
 *
 * QEMU interface:
 * + QOM property "tpmdev": id of the -tpmdev backend (required)
 * + QOM property "irq":    ISA IRQ, 0 to 15, default 5
 * + QOM property "ppi":    physical presence interface page, default on
 * + QOM property "compat": ACPI _CID that the stock TPM drivers bind to,
 *                          default on
 * + MMIO region: five locality pages at 0xFED40000; the PPI page at 0xFED45000
 * + RAM: header page at 0xFED4F000, command window at 0xFED50000, response
 *   window at 0xFED60000
 * + the properties of tpmix_device.h
 *
 * Registration as a QEMU type is in tpm_tis_indexed_isa.c, apart from the
 * device, for hosts that register it in another way.
 */
#ifndef TPM_TPM_TIS_INDEXED_H
#define TPM_TPM_TIS_INDEXED_H

#include "tpmix_device.h"

/* ACPI _HID; "QEMU" is the vendor id that QEMU's own devices use. */
#define TPM_TIS_INDEXED_HID "QEMU0021"

/**
 * tpm_tis_indexed_init:
 * @d: device, zeroed but for the properties' defaults
 * @obj: owner of the properties
 *
 * For instance_init. realize, reset and the others are tpmix_device.h's.
 */
void tpm_tis_indexed_init(TPMIXDevice *d, Object *obj);

#endif /* TPM_TPM_TIS_INDEXED_H */
