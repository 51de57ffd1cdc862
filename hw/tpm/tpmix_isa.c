/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The models' way onto the ISA bus, and their place in a PC; see tpmix_isa.h.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "tpmix_isa.h"

/* What QEMU's ACPI code has to know, it knows from its own header. */
QEMU_BUILD_BUG_ON(TPM_TIS_ADDR_BASE + TPMIX_PPI != TPM_PPI_ADDR_BASE);
#ifdef TPMIX_ADDR_SIZE
QEMU_BUILD_BUG_ON(TPMIX_ADDR_SIZE != TPMIX_SPACE_SIZE);
#endif

/* A guest takes no range that PCI0 has a part of: it is as large as PCI0's. */
#ifndef TPMIX_ACPI_SIZE
#define TPMIX_ACPI_SIZE TPMIX_SPACE_SIZE
#endif

bool tpmix_isa_realize_device(TPMIXDevice *d, Object *owner, ISADevice *isa,
                              Error **errp)
{
    if (d->irq_num >= ISA_NUM_IRQS) {
        error_setg(errp, "IRQ %" PRIu32 " is outside valid range of 0 to %d",
                   d->irq_num, ISA_NUM_IRQS - 1);
        return false;
    }
    if (!tpmix_device_realize(d, owner, errp)) {
        return false;
    }
    memory_region_add_subregion(isa_address_space(isa), TPM_TIS_ADDR_BASE,
                                &d->memory.space);
    /* IRQ 0 is the timer's: TPM_INT_VECTOR says with it that there is none. */
    if (d->irq_num) {
        d->irq = isa_get_irq(isa, d->irq_num);
    }
    return true;
}

/*
 * A guest takes the line for the TPM's alone. So those of the PCI links (5, 10,
 * 11) and of what every PC has are not offered, nor one that a device on the
 * bus names in its property "irq".
 */
static bool tpmix_isa_irq_is_free(const TPMIXDevice *d, TPMIf *ti)
{
    static const uint16_t offered = 1 << 3 | 1 << 4;
    Object *bus = object_resolve_path_type("", TYPE_ISA_BUS, NULL);
    BusChild *kid;

    if (!bus || !(offered & 1 << d->irq_num)) {
        return false;
    }
    QTAILQ_FOREACH(kid, &BUS(bus)->children, sibling) {
        Object *other = OBJECT(kid->child);

        if (other != OBJECT(ti) && object_property_find(other, "irq") &&
            object_property_get_int(other, "irq", NULL) == d->irq_num) {
            return false;
        }
    }
    return true;
}

void tpmix_isa_build_device_aml(TPMIXDevice *d, TPMIf *ti, Aml *scope)
{
    Aml *dev, *irq = NULL;

    if (tpmix_qdev_offers_irq(d) && tpmix_isa_irq_is_free(d, ti)) {
        /* An edge, as of all ISA devices: nothing is to be acknowledged. */
        irq = aml_irq_no_flags(d->irq_num);
    }
    dev = tpmix_qdev_build_aml(d, "TPM", TPMIX_ACPI_SIZE, irq, scope);
    if (dev) {
        tpm_build_ppi_acpi(ti, dev);
    }
}

static void tpmix_isa_build_aml(AcpiDevAmlIf *adev, Aml *scope)
{
    tpmix_isa_build_device_aml(&TPMIX(adev)->device, TPM_IF(adev), scope);
}

static void tpmix_isa_realize(DeviceState *dev, Error **errp)
{
    tpmix_isa_realize_device(&TPMIX(dev)->device, OBJECT(dev), ISA_DEVICE(dev),
                             errp);
}

static const Property tpmix_isa_properties[] = {
    DEFINE_PROP_TPMBE("tpmdev", TPMIXState, device.be_driver),
    DEFINE_PROP_UINT32("irq", TPMIXState, device.irq_num, TPMIX_DEVICE_IRQ),
    DEFINE_PROP_BOOL("compat", TPMIXState, device.compat, true),
    DEFINE_PROP_SIZE32("buffer-size", TPMIXState, device.capacity,
                       TPMIX_DEVICE_CAPACITY),
    DEFINE_PROP_UINT32("sync-us", TPMIXState, device.sync_us,
                       TPMIX_DEVICE_SYNC_US),
    DEFINE_PROP_ON_OFF_AUTO("ram", TPMIXState, device.ram, ON_OFF_AUTO_AUTO),
    DEFINE_PROP_BOOL("ppi", TPMIXState, device.ppi, true),
};

static void tpmix_isa_class_init(ObjectClass *klass, TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    tpmix_qdev_class_init(klass);
    device_class_set_props(dc, tpmix_isa_properties);
    dc->realize = tpmix_isa_realize;
    ACPI_DEV_AML_IF_CLASS(klass)->build_dev_aml = tpmix_isa_build_aml;
}

static const TypeInfo tpmix_isa_info = {
    .name = TYPE_TPMIX_ISA,
    .parent = TYPE_ISA_DEVICE,
    .abstract = true,
    .instance_size = sizeof(TPMIXState),
    .instance_init = tpmix_qdev_init,
    .instance_finalize = tpmix_qdev_finalize,
    .class_init = tpmix_isa_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_TPMIX },
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
