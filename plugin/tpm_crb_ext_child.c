/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext as a child of tpm-crb; see the header.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "system/reset.h"
#include "tpm_crb_ext_child.h"

DECLARE_INSTANCE_CHECKER(TPMCRBExtState, TPM_CRB_EXT, TYPE_TPM_CRB_EXT)

/* As hw/tpm/tpm_crb_ext.c, model and stream; _HID is the parent's. */
static const TPMIXModel tpm_crb_ext_model = {
    .crb = true,
};

static const VMStateDescription vmstate_tpm_crb_ext =
    TPMIX_VMSTATE(TYPE_TPM_CRB_EXT, TPMCRBExtState);

/* A child cannot define the parent's properties anew: tpmdev, ppi. */
static const Property tpm_crb_ext_child_properties[] = {
    DEFINE_PROP_UINT32("irq", TPMCRBExtState, device.irq_num,
                       TPMIX_DEVICE_IRQ),
    DEFINE_PROP_SIZE32("buffer-size", TPMCRBExtState, device.capacity,
                       TPMIX_DEVICE_CAPACITY),
    DEFINE_PROP_ON_OFF_AUTO("ram", TPMCRBExtState, device.ram,
                            ON_OFF_AUTO_AUTO),
    DEFINE_PROP_UINT8("localities", TPMCRBExtState, device.localities,
                      TPMIX_NUM_LOCALITIES),
};

static void tpm_crb_ext_child_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPM_CRB_EXT(ti)->device, ret);
}

static TPMVersion tpm_crb_ext_child_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPM_CRB_EXT(ti)->device);
}

/* Like its parent it is on no bus that would reset it. */
static void tpm_crb_ext_child_reset(void *opaque)
{
    tpmix_device_reset(&TPM_CRB_EXT(opaque)->device);
}

static void tpm_crb_ext_child_realize(DeviceState *dev, Error **errp)
{
    Object *obj = OBJECT(dev);
    TPMIXDevice *d = &TPM_CRB_EXT(dev)->device;
    g_autofree char *id = object_property_get_str(obj, "tpmdev", &error_abort);

    d->be_driver = qemu_find_tpm_be(id);
    d->model = &tpm_crb_ext_model;
    d->ppi = object_property_get_bool(obj, "ppi", &error_abort);
    if (tpmix_isa_realize_device(d, obj, NULL, errp)) {
        qemu_register_reset(tpm_crb_ext_child_reset, dev);
    }
    /* QEMU's ACPI code asks the parent whether there is a page. */
    object_property_set_bool(obj, "ppi", d->ppi, &error_abort);
}

static void tpm_crb_ext_child_init(Object *obj)
{
    tpmix_device_add_counters(&TPM_CRB_EXT(obj)->device, obj);
}

static void tpm_crb_ext_child_finalize(Object *obj)
{
    tpmix_device_finalize(&TPM_CRB_EXT(obj)->device);
}

static void tpm_crb_ext_child_class_init(ObjectClass *klass,
                                         TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);

    device_class_set_props(dc, tpm_crb_ext_child_properties);
    dc->vmsd = &vmstate_tpm_crb_ext;
    dc->realize = tpm_crb_ext_child_realize;
    dc->desc = "TPM CRB with replay-safe indexed access";
    /* tc->model stays the parent's: QAPI has no name for this one. */
    tc->request_completed = tpm_crb_ext_child_request_completed;
    tc->get_version = tpm_crb_ext_child_get_version;
}

static const TypeInfo tpm_crb_ext_child_info = {
    .name = TYPE_TPM_CRB_EXT,
    .parent = TYPE_TPM_CRB,
    .instance_size = sizeof(TPMCRBExtState),
    .instance_init = tpm_crb_ext_child_init,
    .instance_finalize = tpm_crb_ext_child_finalize,
    .class_init = tpm_crb_ext_child_class_init,
};

static void tpm_crb_ext_child_register(void)
{
    type_register_static(&tpm_crb_ext_child_info);
}

type_init(tpm_crb_ext_child_register)
