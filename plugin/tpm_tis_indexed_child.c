/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed as a child of tpm-tis; see the header.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "tpm_tis_indexed_child.h"

DECLARE_INSTANCE_CHECKER(TPMTISIndexedState, TPM_TIS_INDEXED,
                         TYPE_TPM_TIS_INDEXED)

/* As hw/tpm/tpm_tis_indexed.c, model and stream. */
static const TPMIXModel tpm_tis_indexed_model = {
    .hid = "QEMU0021",
};

static const VMStateDescription vmstate_tpm_tis_indexed =
    TPMIX_VMSTATE(TYPE_TPM_TIS_INDEXED, TPMTISIndexedState);

/* A child cannot define the parent's properties anew: tpmdev, irq, ppi. */
static const Property tpm_tis_indexed_child_properties[] = {
    DEFINE_PROP_BOOL("compat", TPMTISIndexedState, device.compat, true),
    DEFINE_PROP_SIZE32("buffer-size", TPMTISIndexedState, device.capacity,
                       TPMIX_DEVICE_CAPACITY),
    DEFINE_PROP_ON_OFF_AUTO("ram", TPMTISIndexedState, device.ram,
                            ON_OFF_AUTO_AUTO),
};

static void tpm_tis_indexed_child_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPM_TIS_INDEXED(ti)->device, ret);
}

static TPMVersion tpm_tis_indexed_child_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPM_TIS_INDEXED(ti)->device);
}

static void tpm_tis_indexed_child_reset(DeviceState *dev)
{
    tpmix_device_reset(&TPM_TIS_INDEXED(dev)->device);
}

static void tpm_tis_indexed_child_realize(DeviceState *dev, Error **errp)
{
    Object *obj = OBJECT(dev);
    TPMIXDevice *d = &TPM_TIS_INDEXED(dev)->device;
    g_autofree char *id = object_property_get_str(obj, "tpmdev", &error_abort);

    d->be_driver = qemu_find_tpm_be(id);
    d->model = &tpm_tis_indexed_model;
    d->irq_num = object_property_get_uint(obj, "irq", &error_abort);
    d->ppi = object_property_get_bool(obj, "ppi", &error_abort);
    tpmix_isa_realize_device(d, obj, ISA_DEVICE(dev), errp);
    /* QEMU's ACPI code asks the parent whether there is a page. */
    object_property_set_bool(obj, "ppi", d->ppi, &error_abort);
}

static void tpm_tis_indexed_child_build_aml(AcpiDevAmlIf *adev, Aml *scope)
{
    TPMTISIndexedState *s = TPM_TIS_INDEXED(adev);

    tpmix_isa_build_device_aml(&s->device, TPM_IF(adev), scope);
}

static void tpm_tis_indexed_child_init(Object *obj)
{
    tpmix_device_add_counters(&TPM_TIS_INDEXED(obj)->device, obj);
    /* The parent's default is a line of the PCI links. */
    object_property_set_uint(obj, "irq", TPMIX_DEVICE_IRQ, &error_abort);
}

static void tpm_tis_indexed_child_finalize(Object *obj)
{
    tpmix_device_finalize(&TPM_TIS_INDEXED(obj)->device);
}

static void tpm_tis_indexed_child_class_init(ObjectClass *klass,
                                             TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);
    AcpiDevAmlIfClass *adevc = ACPI_DEV_AML_IF_CLASS(klass);

    device_class_set_props(dc, tpm_tis_indexed_child_properties);
    device_class_set_legacy_reset(dc, tpm_tis_indexed_child_reset);
    dc->vmsd = &vmstate_tpm_tis_indexed;
    dc->realize = tpm_tis_indexed_child_realize;
    dc->desc = "TPM TIS with replay-safe indexed access";
    /* tc->model stays the parent's: QAPI has no name for this one. */
    tc->request_completed = tpm_tis_indexed_child_request_completed;
    tc->get_version = tpm_tis_indexed_child_get_version;
    adevc->build_dev_aml = tpm_tis_indexed_child_build_aml;
}

static const TypeInfo tpm_tis_indexed_child_info = {
    .name = TYPE_TPM_TIS_INDEXED,
    .parent = TYPE_TPM_TIS_ISA,
    .instance_size = sizeof(TPMTISIndexedState),
    .instance_init = tpm_tis_indexed_child_init,
    .instance_finalize = tpm_tis_indexed_child_finalize,
    .class_init = tpm_tis_indexed_child_class_init,
};

static void tpm_tis_indexed_child_register(void)
{
    type_register_static(&tpm_tis_indexed_child_info);
}

type_init(tpm_tis_indexed_child_register)
