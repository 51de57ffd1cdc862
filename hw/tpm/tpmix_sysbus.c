/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The models' way onto a platform bus: the abstract sysbus type under them, for
 * machines whose TPM is where the machine says (Arm's and RISC-V's "virt").
 *
 * Which interrupt it is only the machine knows: it makes the device tree's
 * node, and calls TPMIfClass.build_aml.
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "tpmix_qdev.h"

/*
 * A window that is no whole page of the host's is not mapped for a guest of
 * KVM, whose accesses then trap. No page that Linux has for these processors is
 * larger.
 */
#define TPMIX_SYSBUS_CAPACITY (64 * KiB)

static void tpmix_sysbus_build_aml(TPMIf *ti, Aml *scope, uint32_t irq)
{
    TPMIXDevice *d = &TPMIX(ti)->device;
    Aml *interrupt = NULL;

    if (irq && tpmix_qdev_offers_irq(d)) {
        interrupt = aml_interrupt(AML_CONSUMER, AML_EDGE, AML_ACTIVE_HIGH,
                                  AML_EXCLUSIVE, &irq, 1);
    }
    tpmix_qdev_build_aml(d, "TPM0", TPMIX_SPACE_SIZE, interrupt, scope);
}

static void tpmix_sysbus_realize(DeviceState *dev, Error **errp)
{
    TPMIXDevice *d = &TPMIX(dev)->device;

    if (tpmix_device_realize(d, OBJECT(dev), errp)) {
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &d->memory.space);
    }
}

static void tpmix_sysbus_init(Object *obj)
{
    tpmix_qdev_init(obj);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &TPMIX(obj)->device.irq);
}

/* These machines have no page for the physical presence interface. */
static const Property tpmix_sysbus_properties[] = {
    DEFINE_PROP_TPMBE("tpmdev", TPMIXState, device.be_driver),
    DEFINE_PROP_UINT32("irq", TPMIXState, device.irq_num, TPMIX_DEVICE_IRQ),
    DEFINE_PROP_BOOL("compat", TPMIXState, device.compat, true),
    DEFINE_PROP_SIZE32("buffer-size", TPMIXState, device.capacity,
                       TPMIX_SYSBUS_CAPACITY),
    DEFINE_PROP_UINT32("sync-us", TPMIXState, device.sync_us,
                       TPMIX_DEVICE_SYNC_US),
    DEFINE_PROP_ON_OFF_AUTO("ram", TPMIXState, device.ram, ON_OFF_AUTO_AUTO),
};

static void tpmix_sysbus_class_init(ObjectClass *klass, TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    tpmix_qdev_class_init(klass);
    device_class_set_props(dc, tpmix_sysbus_properties);
    dc->realize = tpmix_sysbus_realize;
    TPM_IF_CLASS(klass)->build_aml = tpmix_sysbus_build_aml;
}

static const TypeInfo tpmix_sysbus_info = {
    .name = TYPE_TPMIX_SYSBUS,
    .parent = TYPE_DYNAMIC_SYS_BUS_DEVICE,
    .abstract = true,
    .instance_size = sizeof(TPMIXState),
    .instance_init = tpmix_sysbus_init,
    .instance_finalize = tpmix_qdev_finalize,
    .class_init = tpmix_sysbus_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_TPMIX },
        { TYPE_TPM_IF },
        { }
    }
};

static void tpmix_sysbus_register(void)
{
    type_register_static(&tpmix_sysbus_info);
}

type_init(tpmix_sysbus_register)
