/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TPMIXDevice on the ISA bus of a PC, for TYPE_TPMIX_ISA and for a type with
 * another parent (plugin/).
 */
#ifndef TPM_TPMIX_ISA_H
#define TPM_TPMIX_ISA_H

#include "tpmix_qdev.h"

/**
 * tpmix_isa_realize_device:
 * @owner: of the memory regions, a DeviceState
 * @isa: the ISA device it is; NULL: the machine's ISA bus
 *
 * Checks what is ISA's of the properties, realizes @d, maps it at
 * TPM_TIS_ADDR_BASE and connects its IRQ. Returns false with @errp set.
 */
bool tpmix_isa_realize_device(TPMIXDevice *d, Object *owner, ISADevice *isa,
                              Error **errp);

/**
 * tpmix_isa_build_device_aml:
 *
 * Appends the ACPI device, with the physical presence interface, to @scope.
 */
void tpmix_isa_build_device_aml(TPMIXDevice *d, TPMIf *ti, Aml *scope);

#endif /* TPM_TPMIX_ISA_H */
