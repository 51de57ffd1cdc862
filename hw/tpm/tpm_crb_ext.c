/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext: TPM 2.0 CRB with the replay-safe indexed door, FIFO behind it,
 * on the ISA bus ("tpm-crb-ext") or a platform bus ("tpm-crb-ext-device")
 *
 * Models the TPM interface of docs/specification.md: PTP 1.05 CRB registers in
 * up to five localities with buffers that are really memory, TIS 1.3 / PTP FIFO
 * behind InterfaceSelector, and index register, trapped window, tickets and
 * checksums in extension pages of their own. "fifo=off,localities=1" has
 * tpm-crb's INTF_ID to the bit.
 *
 * QEMU interface:
 * + QOM property "tpmdev":      id of the -tpmdev backend, TPM 2.0 (required)
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
 * + QOM property "interface":   "crb" or "fifo", active at power on, default
 *                               crb; then InterfaceSelector counts
 * + QOM property "fifo":        FIFO is there, default on
 * + QOM property "localities":  1 or 5, default 5
 * + QOM property "active-interface": "crb" or "fifo" (read-only), as in ACPI
 * + the counters of tpmix_device.h (read-only)
 * + MMIO region: the space of TPMIX_SPACE_SIZE bytes, on ISA at 0xFED40000;
 *   while CRB is active locality 0's page of it is a ROM device, whose reads do
 *   not trap
 * + RAM in it: PPI page at 0xFED45000, command window at 0xFED50000, response
 *   window at 0xFED60000, header page at 0xFED70000
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "tpmix_qdev.h"

static const TPMIXModel tpm_crb_ext_model = {
    .hid = "QEMU0022",
    .crb = true,
};

static const VMStateDescription vmstate_tpm_crb_ext =
    TPMIX_VMSTATE(TYPE_TPM_CRB_EXT, TPMIXState);

static const Property tpm_crb_ext_properties[] = {
    DEFINE_PROP_BOOL("fifo", TPMIXState, device.fifo, true),
    DEFINE_PROP_UINT8("localities", TPMIXState, device.localities,
                      TPMIX_NUM_LOCALITIES),
};

static char *tpm_crb_ext_get_interface(Object *obj, Error **errp)
{
    return g_strdup(TPMIX(obj)->device.starts_as_fifo ? "fifo" : "crb");
}

static void tpm_crb_ext_set_interface(Object *obj, const char *value,
                                      Error **errp)
{
    if (strcmp(value, "crb") && strcmp(value, "fifo")) {
        error_setg(errp, "'interface' must be 'crb' or 'fifo', not '%s'",
                   value);
        return;
    }
    TPMIX(obj)->device.starts_as_fifo = !strcmp(value, "fifo");
}

/* QEMU's ACPI code asks when it makes the tables, anew after each reset. */
static char *tpm_crb_ext_get_active_interface(Object *obj, Error **errp)
{
    uint8_t now = TPMIX(obj)->device.engine.s.interface;

    return g_strdup(now == TPMIX_INTERFACE_CRB ? "crb" : "fifo");
}

static void tpm_crb_ext_init(Object *obj)
{
    TPMIX(obj)->device.model = &tpm_crb_ext_model;
}

static void tpm_crb_ext_class_init(ObjectClass *klass, TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    device_class_set_props(dc, tpm_crb_ext_properties);
    object_class_property_add_str(klass, "interface",
                                  tpm_crb_ext_get_interface,
                                  tpm_crb_ext_set_interface);
    object_class_property_add_str(klass, "active-interface",
                                  tpm_crb_ext_get_active_interface, NULL);
    dc->vmsd = &vmstate_tpm_crb_ext;
    dc->desc = "TPM CRB with replay-safe indexed access";
    TPM_IF_CLASS(klass)->model = TPM_MODEL_TPM_CRB_EXT;
}

static const TypeInfo tpm_crb_ext_types[] = {
    {
        .name = TYPE_TPM_CRB_EXT,
        .parent = TYPE_TPMIX_ISA,
        .instance_init = tpm_crb_ext_init,
        .class_init = tpm_crb_ext_class_init,
    },
    {
        .name = TYPE_TPM_CRB_EXT_SYSBUS,
        .parent = TYPE_TPMIX_SYSBUS,
        .instance_init = tpm_crb_ext_init,
        .class_init = tpm_crb_ext_class_init,
    },
};

DEFINE_TYPES(tpm_crb_ext_types)
