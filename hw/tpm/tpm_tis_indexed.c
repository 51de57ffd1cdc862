/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed: TIS FIFO with the replay-safe indexed door, on the ISA bus
 *
 * Models the TPM interface of docs/specification.md: TIS 1.3 / PTP 1.05 FIFO
 * registers, five localities, and in each locality's vendor range an index
 * register, a trapped window, tickets and checksums.
 *
 * QEMU interface:
 * + QOM property "tpmdev":      id of the -tpmdev backend (required)
 * + QOM property "irq":         ISA IRQ, 1 to 15, default 3; 0: none. In ACPI
 *                               where it is 3 or 4, no other ISA device's, and no
 *                               stock TIS driver may bind
 * + QOM property "ppi":         physical presence interface page, default on
 * + QOM property "compat":      ACPI _CID that the stock TPM drivers bind to,
 *                               default on
 * + QOM property "buffer-size": bytes of the command and of the response
 *                               window, a power of 2, 4 KiB to 64 KiB, default
 *                               16 KiB
 * + QOM property "sync-us":     a write that begins a command waits for its end
 *                               that long, in microseconds, default 500; 0:
 *                               not at all
 * + QOM property "ram":         "on", "off" or "auto", the default: off where
 *                               the machine's memory is confidential. Off:
 *                               everything traps, and there is no PPI page
 * + the counters of tpmix_device.h (read-only)
 * + MMIO region: the space of TPMIX_SPACE_SIZE bytes at 0xFED40000
 * + RAM in it: PPI page at 0xFED45000, header page at 0xFED4F000, command
 *   window at 0xFED50000, response window at 0xFED60000
 */

#include "qemu/osdep.h"
#include "tpmix_isa.h"

static const TPMIXModel tpm_tis_indexed_model = {
    .hid = "QEMU0021",
};

static const VMStateDescription vmstate_tpm_tis_indexed =
    TPMIX_ISA_VMSTATE(TYPE_TPM_TIS_INDEXED);

static const Property tpm_tis_indexed_properties[] = {
    DEFINE_PROP_TPMBE("tpmdev", TPMIXISADevice, device.be_driver),
    DEFINE_PROP_UINT32("irq", TPMIXISADevice, device.irq_num,
                       TPMIX_DEVICE_IRQ),
    DEFINE_PROP_BOOL("ppi", TPMIXISADevice, device.ppi, true),
    DEFINE_PROP_BOOL("compat", TPMIXISADevice, compat, true),
    DEFINE_PROP_SIZE32("buffer-size", TPMIXISADevice, device.capacity,
                       TPMIX_DEVICE_CAPACITY),
    DEFINE_PROP_UINT32("sync-us", TPMIXISADevice, device.sync_us,
                       TPMIX_DEVICE_SYNC_US),
    DEFINE_PROP_ON_OFF_AUTO("ram", TPMIXISADevice, device.ram,
                            ON_OFF_AUTO_AUTO),
};

static void tpm_tis_indexed_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    device_class_set_props(dc, tpm_tis_indexed_properties);
    dc->vmsd = &vmstate_tpm_tis_indexed;
    dc->desc = "TPM TIS with replay-safe indexed access";
    TPM_IF_CLASS(klass)->model = TPM_MODEL_TPM_TIS_INDEXED;
    TPMIX_ISA_CLASS(klass)->model = &tpm_tis_indexed_model;
}

static const TypeInfo tpm_tis_indexed_info = {
    .name = TYPE_TPM_TIS_INDEXED,
    .parent = TYPE_TPMIX_ISA,
    .class_init = tpm_tis_indexed_class_init,
};

static void tpm_tis_indexed_register(void)
{
    type_register_static(&tpm_tis_indexed_info);
}

type_init(tpm_tis_indexed_register)
