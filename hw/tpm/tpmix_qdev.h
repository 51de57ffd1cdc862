/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the models' types have in common, whatever bus they are on: a
 * TPMIXDevice behind the bus' own parent, and TPMIf.
 *
 * A model (tpm_tis_indexed.c, tpm_crb_ext.c) has a type for each bus. The
 * abstract parents, TYPE_TPMIX_ISA and TYPE_TPMIX_SYSBUS, bring the properties
 * that all models have and what is the bus': realize, and what the machine's
 * tables say.
 */
#ifndef TPM_TPMIX_QDEV_H
#define TPM_TPMIX_QDEV_H

#include "hw/acpi/aml-build.h"
#include "hw/acpi/tpm.h"
#include "hw/isa/isa.h"
#include "qom/object.h"
#include "tpm_prop.h"
#include "tpmix_device.h"

#define TYPE_TPMIX_ISA    "tpmix-isa"
#define TYPE_TPMIX_SYSBUS "tpmix-sysbus"

/* An interface without methods: the types whose instance is a TPMIXState. */
#define TYPE_TPMIX        "tpmix"

/* One layout on any bus, so that properties and streams stand once. */
struct TPMIXState {
    union {
        ISADevice isa;
        SysBusDevice sysbus;
    } parent_obj;

    TPMIXDevice device;
};

OBJECT_DECLARE_SIMPLE_TYPE(TPMIXState, TPMIX)

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

/**
 * tpmix_qdev_class_init:
 *
 * For the class_init of an abstract parent: reset and TPMIf, but for the model.
 */
void tpmix_qdev_class_init(ObjectClass *klass);

/* instance_init and instance_finalize of such a parent. */
void tpmix_qdev_init(Object *obj);
void tpmix_qdev_finalize(Object *obj);

/**
 * tpmix_qdev_build_aml:
 * @name: of the ACPI device, 4 letters or fewer
 * @size: bytes that it says are the device's
 * @irq: appends the interrupt to _CRS; NULL: there is none
 *
 * Appends the ACPI device to @scope and returns it; NULL where there is no TPM.
 * It has one memory resource: of several some guests keep the last one only
 * (Linux' tpm_crb up to 5.4, tpm_tis before), or reach all of them through the
 * first (FreeBSD's tpmcrb).
 */
Aml *tpmix_qdev_build_aml(TPMIXDevice *d, const char *name, uint32_t size,
                          Aml *irq, Aml *scope);

/**
 * tpmix_qdev_offers_irq:
 *
 * Whether the tables may name an interrupt. Where a stock TIS driver may bind
 * it gets none, as of tpm-tis: those of FreeBSD and of Linux 5.10 to 6.5 would
 * use it, and wait where polling does not.
 */
bool tpmix_qdev_offers_irq(const TPMIXDevice *d);

#endif /* TPM_TPMIX_QDEV_H */
