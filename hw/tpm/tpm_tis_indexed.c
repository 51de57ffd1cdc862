/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed: TIS FIFO with the replay-safe indexed door, on the
 * ISA bus or, as "tpm-tis-indexed-device", a platform bus
 *
 * Models the TPM interface of docs/specification.md: TIS 1.3 / PTP 1.05 FIFO
 * registers, five localities, and in each locality's vendor range an index
 * register, a trapped window, tickets and checksums.
 *
 * QEMU interface:
 * + QOM property "tpmdev":      id of the -tpmdev backend (required)
 * + QOM property "irq":         ISA IRQ, 1 to 15, default 3; 0: none. In ACPI
 *                               where it is 3 or 4, no other ISA device's, and
 *                               no stock TIS driver may bind. On a platform
 *                               bus the machine chooses; not 0: there is one
 * + QOM property "ppi":         physical presence interface page, default on;
 *                               ISA only
 * + QOM property "compat":      ACPI _CID, or name in the device tree, that the
 *                               stock TPM drivers bind to, default on
 * + QOM property "buffer-size": bytes of the command and of the response
 *                               window, a power of 2, 4 KiB to 64 KiB, default
 *                               16 KiB, on a platform bus 64 KiB
 * + QOM property "sync-us":     a write that begins a command waits for its end
 *                               that long, in microseconds, default 500; 0:
 *                               not at all
 * + QOM property "ram":         "on", "off" or "auto", the default: off where
 *                               the machine's memory is confidential. Off:
 *                               everything traps, and there is no PPI page
 * + the counters of tpmix_device.h (read-only)
 * + MMIO region: the space of TPMIX_SPACE_SIZE bytes, on ISA at 0xFED40000
 * + RAM in it: PPI page at 0xFED45000, command window at 0xFED50000, response
 *   window at 0xFED60000, header page at 0xFED70000
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "tpmix_qdev.h"

static const TPMIXModel tpm_tis_indexed_model = {
    .hid = "QEMU0021",
};

static const VMStateDescription vmstate_tpm_tis_indexed =
    TPMIX_VMSTATE(TYPE_TPM_TIS_INDEXED, TPMIXState);

static void tpm_tis_indexed_init(Object *obj)
{
    TPMIX(obj)->device.model = &tpm_tis_indexed_model;
}

static void tpm_tis_indexed_class_init(ObjectClass *klass, TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_tpm_tis_indexed;
    dc->desc = "TPM TIS with replay-safe indexed access";
    TPM_IF_CLASS(klass)->model = TPM_MODEL_TPM_TIS_INDEXED;
}

static const TypeInfo tpm_tis_indexed_types[] = {
    {
        .name = TYPE_TPM_TIS_INDEXED,
        .parent = TYPE_TPMIX_ISA,
        .instance_init = tpm_tis_indexed_init,
        .class_init = tpm_tis_indexed_class_init,
    },
    {
        .name = TYPE_TPM_TIS_INDEXED_SYSBUS,
        .parent = TYPE_TPMIX_SYSBUS,
        .instance_init = tpm_tis_indexed_init,
        .class_init = tpm_tis_indexed_class_init,
    },
};

DEFINE_TYPES(tpm_tis_indexed_types)
