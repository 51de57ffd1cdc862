/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext as a QEMU ISA device type; the device is tpm_crb_ext.c.
 */

#include "qemu/osdep.h"
#include "tpmix_isa.h"
#include "tpm_crb_ext.h"

static const VMStateDescription vmstate_tpm_crb_ext =
    TPMIX_ISA_VMSTATE(TYPE_TPM_CRB_EXT);

static const Property tpm_crb_ext_properties[] = {
    DEFINE_PROP_UINT32("irq", TPMIXISADevice, device.irq_num, TPM_TIS_IRQ),
    DEFINE_PROP_TPMBE("tpmdev", TPMIXISADevice, device.be_driver),
    DEFINE_PROP_BOOL("ppi", TPMIXISADevice, device.ppi_enabled, true),
    DEFINE_PROP_BOOL("compat", TPMIXISADevice, device.compat, true),
    DEFINE_PROP_TPMIX_BUFFER_SIZE(TPMIXISADevice, device),
    DEFINE_PROP_STRING("interface", TPMIXISADevice, device.interface),
    DEFINE_PROP_BOOL("fifo", TPMIXISADevice, device.fifo, true),
    DEFINE_PROP_UINT8("localities", TPMIXISADevice, device.localities,
                      TPMIX_NUM_LOCALITIES),
};

/* QEMU's ACPI code asks when it makes the tables, anew after each reset. */
static char *tpm_crb_ext_isa_get_interface(Object *obj, Error **errp)
{
    uint8_t now = TPMIX_ISA(obj)->device.engine.s.interface;

    return g_strdup(now == TPMIX_INTERFACE_CRB ? "crb" : "fifo");
}

static void tpm_crb_ext_isa_init(Object *obj)
{
    tpm_crb_ext_init(&TPMIX_ISA(obj)->device, obj);
}

static void tpm_crb_ext_isa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    device_class_set_props(dc, tpm_crb_ext_properties);
    dc->vmsd = &vmstate_tpm_crb_ext;
    dc->desc = "TPM CRB with replay-safe indexed access";
    TPM_IF_CLASS(klass)->model = TPM_MODEL_TPM_CRB_EXT;
    object_class_property_add_str(klass, "active-interface",
                                  tpm_crb_ext_isa_get_interface, NULL);
}

static const TypeInfo tpm_crb_ext_isa_info = {
    .name = TYPE_TPM_CRB_EXT,
    .parent = TYPE_TPMIX_ISA,
    .instance_size = sizeof(TPMIXISADevice),
    .instance_init = tpm_crb_ext_isa_init,
    .class_init = tpm_crb_ext_isa_class_init,
};

static void tpm_crb_ext_isa_register(void)
{
    type_register_static(&tpm_crb_ext_isa_info);
}

type_init(tpm_crb_ext_isa_register)
