/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TPMIXDevice on the ISA bus: the abstract parent of the models' types, and
 * what a type with another parent (plugin/) needs of it.
 */
#ifndef TPM_TPMIX_ISA_H
#define TPM_TPMIX_ISA_H

#include "hw/acpi/aml-build.h"
#include "hw/acpi/tpm.h"
#include "hw/isa/isa.h"
#include "hw/qdev-properties.h"
#include "qom/object.h"
#include "tpm_prop.h"
#include "tpmix_device.h"

#define TYPE_TPMIX_ISA "tpmix-isa"

struct TPMIXISADevice {
    ISADevice parent_obj;

    bool compat;
    TPMIXDevice device;
};

struct TPMIXISAClass {
    DeviceClass parent_class;

    const TPMIXModel *model;
};

OBJECT_DECLARE_TYPE(TPMIXISADevice, TPMIXISAClass, TPMIX_ISA)

/* The stream of a type with a TPMIXDevice "device": that, and no more. */
#define TPMIX_VMSTATE(_name, _state) {                                        \
    .name = _name,                                                            \
    .version_id = 1,                                                          \
    .minimum_version_id = 1,                                                  \
    .fields = (const VMStateField[]) {                                        \
        VMSTATE_STRUCT(device, _state, 1, vmstate_tpmix_device, TPMIXDevice), \
        VMSTATE_END_OF_LIST()                                                 \
    }                                                                         \
}
#define TPMIX_ISA_VMSTATE(_name) TPMIX_VMSTATE(_name, TPMIXISADevice)

/**
 * tpmix_isa_realize_device:
 * @owner: of the memory regions, a DeviceState
 * @isa: the ISA device it is; NULL: the machine's ISA bus
 *
 * Checks what is ISA's of the properties, realizes @d as a @model, maps it at
 * TPM_TIS_ADDR_BASE and connects its IRQ. Returns false with @errp set.
 */
bool tpmix_isa_realize_device(TPMIXDevice *d, const TPMIXModel *model,
                              Object *owner, ISADevice *isa, Error **errp);

/**
 * tpmix_isa_build_device_aml:
 * @compat: with a _CID that the stock drivers bind to
 *
 * Appends the ACPI device to @scope, with one memory resource: of several some
 * guests keep the last one only (Linux' tpm_crb up to 5.4, tpm_tis before), or
 * reach all of them through the first (FreeBSD's tpmcrb).
 */
void tpmix_isa_build_device_aml(TPMIXDevice *d, TPMIf *ti, bool compat,
                                Aml *scope);

#endif /* TPM_TPMIX_ISA_H */
