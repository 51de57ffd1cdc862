/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed as a QEMU ISA device type; the device is tpm_tis_indexed.c.
 */

#include "qemu/osdep.h"
#include "tpmix_isa.h"
#include "tpm_tis_indexed.h"

static const VMStateDescription vmstate_tpm_tis_indexed =
    TPMIX_ISA_VMSTATE(TYPE_TPM_TIS_INDEXED);

static const Property tpm_tis_indexed_properties[] = {
    DEFINE_PROP_UINT32("irq", TPMIXISADevice, device.irq_num, TPM_TIS_IRQ),
    DEFINE_PROP_TPMBE("tpmdev", TPMIXISADevice, device.be_driver),
    DEFINE_PROP_BOOL("ppi", TPMIXISADevice, device.ppi_enabled, true),
    DEFINE_PROP_BOOL("compat", TPMIXISADevice, device.compat, true),
    DEFINE_PROP_TPMIX_BUFFER_SIZE(TPMIXISADevice, device),
};

static void tpm_tis_indexed_isa_init(Object *obj)
{
    tpm_tis_indexed_init(&TPMIX_ISA(obj)->device, obj);
}

static void tpm_tis_indexed_isa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    device_class_set_props(dc, tpm_tis_indexed_properties);
    dc->vmsd = &vmstate_tpm_tis_indexed;
    dc->desc = "TPM TIS with replay-safe indexed access";
    TPM_IF_CLASS(klass)->model = TPM_MODEL_TPM_TIS_INDEXED;
}

static const TypeInfo tpm_tis_indexed_isa_info = {
    .name = TYPE_TPM_TIS_INDEXED,
    .parent = TYPE_TPMIX_ISA,
    .instance_size = sizeof(TPMIXISADevice),
    .instance_init = tpm_tis_indexed_isa_init,
    .class_init = tpm_tis_indexed_isa_class_init,
};

static void tpm_tis_indexed_isa_register(void)
{
    type_register_static(&tpm_tis_indexed_isa_info);
}

type_init(tpm_tis_indexed_isa_register)
