/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TPMIXDevice as an ISA device: the abstract parent of the models' types,
 * which add properties, a name and what they are by instance_init.
 */
#ifndef TPM_TPMIX_ISA_H
#define TPM_TPMIX_ISA_H

#include "hw/acpi/tpm.h"
#include "hw/isa/isa.h"
#include "hw/qdev-properties.h"
#include "qom/object.h"
#include "tpm_prop.h"
#include "tpmix_device.h"

#define TYPE_TPMIX_ISA "tpmix-isa"

struct TPMIXISADevice {
    ISADevice parent_obj;

    TPMIXDevice device;
};

OBJECT_DECLARE_SIMPLE_TYPE(TPMIXISADevice, TPMIX_ISA)

/* The stream of a model: its name, and all of the device. */
#define TPMIX_ISA_VMSTATE(_name) {                                            \
    .name = _name,                                                            \
    .version_id = 1,                                                          \
    .minimum_version_id = 1,                                                  \
    .fields = (const VMStateField[]) {                                        \
        VMSTATE_STRUCT(device, TPMIXISADevice, 1, vmstate_tpmix_device,       \
                       TPMIXDevice),                                          \
        VMSTATE_END_OF_LIST()                                                 \
    }                                                                         \
}

#endif /* TPM_TPMIX_ISA_H */
