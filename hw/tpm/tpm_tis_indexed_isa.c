/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed as a QEMU ISA device type; the device is tpm_tis_indexed.c.
 */

#include "qemu/osdep.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "hw/acpi/tpm.h"
#include "hw/qdev-properties.h"
#include "qom/object.h"
#include "tpm_prop.h"
#include "tpm_tis_indexed.h"

struct TPMTISIndexedState {
    ISADevice parent_obj;

    TPMIXDevice device;
};

OBJECT_DECLARE_SIMPLE_TYPE(TPMTISIndexedState, TPM_TIS_INDEXED)

static const VMStateDescription vmstate_tpm_tis_indexed = {
    .name = TYPE_TPM_TIS_INDEXED,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(device, TPMTISIndexedState, 1, vmstate_tpmix_device,
                       TPMIXDevice),
        VMSTATE_END_OF_LIST()
    }
};

static const Property tpm_tis_indexed_properties[] = {
    DEFINE_PROP_UINT32("irq", TPMTISIndexedState, device.irq_num, TPM_TIS_IRQ),
    DEFINE_PROP_TPMBE("tpmdev", TPMTISIndexedState, device.be_driver),
    DEFINE_PROP_BOOL("ppi", TPMTISIndexedState, device.ppi_enabled, true),
    DEFINE_PROP_BOOL("compat", TPMTISIndexedState, device.compat, true),
};

static void tpm_tis_indexed_isa_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPM_TIS_INDEXED(ti)->device, ret);
}

static TPMVersion tpm_tis_indexed_isa_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPM_TIS_INDEXED(ti)->device);
}

static void tpm_tis_indexed_isa_reset(DeviceState *dev)
{
    tpmix_device_reset(&TPM_TIS_INDEXED(dev)->device);
}

static void tpm_tis_indexed_isa_realize(DeviceState *dev, Error **errp)
{
    tpm_tis_indexed_realize(&TPM_TIS_INDEXED(dev)->device, ISA_DEVICE(dev),
                            errp);
}

static void tpm_tis_indexed_isa_build_aml(AcpiDevAmlIf *adev, Aml *scope)
{
    tpm_tis_indexed_build_aml(&TPM_TIS_INDEXED(adev)->device, TPM_IF(adev),
                              scope);
}

static void tpm_tis_indexed_isa_init(Object *obj)
{
    tpmix_device_init(&TPM_TIS_INDEXED(obj)->device, obj);
}

static void tpm_tis_indexed_isa_finalize(Object *obj)
{
    tpmix_device_finalize(&TPM_TIS_INDEXED(obj)->device);
}

static void tpm_tis_indexed_isa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);
    AcpiDevAmlIfClass *adevc = ACPI_DEV_AML_IF_CLASS(klass);

    device_class_set_props(dc, tpm_tis_indexed_properties);
    device_class_set_legacy_reset(dc, tpm_tis_indexed_isa_reset);
    dc->vmsd = &vmstate_tpm_tis_indexed;
    dc->realize = tpm_tis_indexed_isa_realize;
    dc->desc = "TPM TIS with replay-safe indexed access";
    tc->model = TPM_MODEL_TPM_TIS_INDEXED;
    tc->request_completed = tpm_tis_indexed_isa_request_completed;
    tc->get_version = tpm_tis_indexed_isa_get_version;
    adevc->build_dev_aml = tpm_tis_indexed_isa_build_aml;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo tpm_tis_indexed_isa_info = {
    .name = TYPE_TPM_TIS_INDEXED,
    .parent = TYPE_ISA_DEVICE,
    .instance_size = sizeof(TPMTISIndexedState),
    .instance_init = tpm_tis_indexed_isa_init,
    .instance_finalize = tpm_tis_indexed_isa_finalize,
    .class_init = tpm_tis_indexed_isa_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_TPM_IF },
        { TYPE_ACPI_DEV_AML_IF },
        { }
    }
};

static void tpm_tis_indexed_isa_register(void)
{
    type_register_static(&tpm_tis_indexed_isa_info);
}

type_init(tpm_tis_indexed_isa_register)
