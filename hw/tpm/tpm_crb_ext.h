/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext: TPM 2.0 CRB with the replay-safe indexed door, FIFO behind it
 *
 * Models the TPM interface of docs/specification.md: PTP 1.05 CRB registers in
 * up to five localities with buffers that are really memory, TIS 1.3 / PTP FIFO
 * behind InterfaceSelector, and index register, trapped window, tickets and
 * checksums in extension pages of their own.
 *
 * QEMU interface:
 * + QOM property "tpmdev":     id of the -tpmdev backend, TPM 2.0 (required)
 * + QOM property "irq":        ISA IRQ, 0 to 15, default 5
 * + QOM property "ppi":        physical presence interface page, default on
 * + QOM property "interface":  "crb" or "fifo", active at power on, default
 *                              crb; then InterfaceSelector counts
 * + QOM property "fifo":       FIFO is there, default on
 * + QOM property "localities": 1 or 5, default 5
 * + QOM property "compat":     ACPI _CID that the stock TPM drivers bind to,
 *                              default on
 * + QOM property "active-interface": "crb" or "fifo" (read-only), as in ACPI
 * + MMIO region: the locality pages at 0xFED40000, locality 0's a ROM device;
 *   the extension pages at 0xFED46000; the PPI page at 0xFED45000
 * + RAM: header page at 0xFED4F000, command window at 0xFED50000, response
 *   window at 0xFED60000
 * + the properties of tpmix_device.h
 *
 * "fifo=off,localities=1" has tpm-crb's INTF_ID to the bit.
 *
 * Registration as a QEMU type is in tpm_crb_ext_isa.c, apart from the device,
 * for hosts that register it in another way.
 */
#ifndef TPM_TPM_CRB_EXT_H
#define TPM_TPM_CRB_EXT_H

#include "tpmix_device.h"

/* ACPI _HID; "QEMU" is the vendor id that QEMU's own devices use. */
#define TPM_CRB_EXT_HID "QEMU0022"

/**
 * tpm_crb_ext_init:
 * @d: device, zeroed but for the properties' defaults
 * @obj: owner of the properties
 *
 * For instance_init. realize, reset and the others are tpmix_device.h's.
 */
void tpm_crb_ext_init(TPMIXDevice *d, Object *obj);

#endif /* TPM_TPM_CRB_EXT_H */
