/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The abstract ISA device type under the models; see tpmix_isa.h.
 */

#include "qemu/osdep.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "tpmix_isa.h"

static void tpmix_isa_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPMIX_ISA(ti)->device, ret);
}

static void tpmix_isa_established_changed(TPMIf *ti)
{
    tpmix_device_established_changed(&TPMIX_ISA(ti)->device);
}

static TPMVersion tpmix_isa_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPMIX_ISA(ti)->device);
}

static void tpmix_isa_reset(DeviceState *dev)
{
    tpmix_device_reset(&TPMIX_ISA(dev)->device);
}

static void tpmix_isa_realize(DeviceState *dev, Error **errp)
{
    tpmix_device_realize(&TPMIX_ISA(dev)->device, OBJECT(dev), ISA_DEVICE(dev),
                         errp);
}

static void tpmix_isa_build_aml(AcpiDevAmlIf *adev, Aml *scope)
{
    tpmix_device_build_aml(&TPMIX_ISA(adev)->device, TPM_IF(adev), scope);
}

static void tpmix_isa_finalize(Object *obj)
{
    tpmix_device_finalize(&TPMIX_ISA(obj)->device);
}

static void tpmix_isa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);
    AcpiDevAmlIfClass *adevc = ACPI_DEV_AML_IF_CLASS(klass);

    device_class_set_legacy_reset(dc, tpmix_isa_reset);
    dc->realize = tpmix_isa_realize;
    tc->request_completed = tpmix_isa_request_completed;
    tc->established_changed = tpmix_isa_established_changed;
    tc->get_version = tpmix_isa_get_version;
    adevc->build_dev_aml = tpmix_isa_build_aml;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo tpmix_isa_info = {
    .name = TYPE_TPMIX_ISA,
    .parent = TYPE_ISA_DEVICE,
    .abstract = true,
    .instance_size = sizeof(TPMIXISADevice),
    .instance_finalize = tpmix_isa_finalize,
    .class_init = tpmix_isa_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_TPM_IF },
        { TYPE_ACPI_DEV_AML_IF },
        { }
    }
};

static void tpmix_isa_register(void)
{
    type_register_static(&tpmix_isa_info);
}

type_init(tpmix_isa_register)
