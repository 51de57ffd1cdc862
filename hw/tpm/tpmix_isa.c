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

bool tpmix_isa_realize_device(TPMIXDevice *d, const TPMIXModel *model,
                              Object *owner, ISADevice *isa, Error **errp)
{
    if (d->irq_num >= ISA_NUM_IRQS) {
        error_setg(errp, "IRQ %" PRIu32 " is outside valid range of 0 to %d",
                   d->irq_num, ISA_NUM_IRQS - 1);
        return false;
    }
    if (!tpmix_device_realize(d, model, TPM_TIS_ADDR_BASE, owner, errp)) {
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

void tpmix_isa_build_device_aml(TPMIXDevice *d, TPMIf *ti, bool compat,
                                Aml *scope)
{
    TPMVersion version = tpmix_device_get_version(d);
    bool tpm2 = version == TPM_VERSION_2_0;
    Aml *dev, *crs;

    if (version == TPM_VERSION_UNSPEC) {
        return; /* it did not start: there is no TPM until the next reset */
    }
    dev = aml_device("TPM");
    aml_append(dev, aml_name_decl("_HID", aml_string("%s", d->model->hid)));
    if (compat) {
        /* Unmodified guests find the standard's door by its standard name. */
        aml_append(dev, aml_name_decl("_CID", tpm2 ? aml_string("MSFT0101") :
                                                     aml_eisaid("PNP0C31")));
    }
    aml_append(dev, aml_name_decl("_STR", aml_string(
        tpm2 ? "TPM 2.0 Device" : "TPM 1.2 Device")));
    aml_append(dev, aml_name_decl("_UID", aml_int(1)));
    aml_append(dev, aml_name_decl("_STA", aml_int(0xF)));
    crs = aml_resource_template();
    aml_append(crs, aml_memory32_fixed(TPM_TIS_ADDR_BASE, TPMIX_ACPI_SIZE,
                                       AML_READ_WRITE));
    /*
     * Where a TIS driver may bind it gets none, as of tpm-tis: those of FreeBSD
     * and of Linux 5.10 to 6.5 would use it, and wait where polling does not.
     */
    if ((!compat || d->engine.s.interface == TPMIX_INTERFACE_CRB) &&
        tpmix_isa_irq_is_free(d, ti)) {
        /* An edge, as of all ISA devices: nothing is to be acknowledged. */
        aml_append(crs, aml_irq_no_flags(d->irq_num));
    }
    aml_append(dev, aml_name_decl("_CRS", crs));
    tpm_build_ppi_acpi(ti, dev);
    aml_append(scope, dev);
}

static void tpmix_isa_build_aml(AcpiDevAmlIf *adev, Aml *scope)
{
    TPMIXISADevice *s = TPMIX_ISA(adev);

    tpmix_isa_build_device_aml(&s->device, TPM_IF(adev), s->compat, scope);
}

static void tpmix_isa_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPMIX_ISA(ti)->device, ret);
}

#ifndef TPM_BACKEND_OF_STOCK_QEMU
static void tpmix_isa_established_changed(TPMIf *ti)
{
    tpmix_device_established_changed(&TPMIX_ISA(ti)->device);
}
#endif

static TPMVersion tpmix_isa_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPMIX_ISA(ti)->device);
}

static void tpmix_isa_reset(DeviceState *dev)
{
    tpmix_device_reset(&TPMIX_ISA(dev)->device);
}

static void tpmix_isa_realize(DeviceState *dev, Error **errp)
{
    tpmix_isa_realize_device(&TPMIX_ISA(dev)->device,
                             TPMIX_ISA_GET_CLASS(dev)->model, OBJECT(dev),
                             ISA_DEVICE(dev), errp);
}

static void tpmix_isa_init(Object *obj)
{
    tpmix_device_add_counters(&TPMIX_ISA(obj)->device, obj);
}

static void tpmix_isa_finalize(Object *obj)
{
    tpmix_device_finalize(&TPMIX_ISA(obj)->device);
}

static void tpmix_isa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);
    AcpiDevAmlIfClass *adevc = ACPI_DEV_AML_IF_CLASS(klass);

    device_class_set_legacy_reset(dc, tpmix_isa_reset);
    dc->realize = tpmix_isa_realize;
    tc->request_completed = tpmix_isa_request_completed;
#ifndef TPM_BACKEND_OF_STOCK_QEMU
    tc->completes_without_bql = true;
    tc->established_changed = tpmix_isa_established_changed;
#endif
    tc->get_version = tpmix_isa_get_version;
    adevc->build_dev_aml = tpmix_isa_build_aml;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo tpmix_isa_info = {
    .name = TYPE_TPMIX_ISA,
    .parent = TYPE_ISA_DEVICE,
    .abstract = true,
    .instance_size = sizeof(TPMIXISADevice),
    .instance_init = tpmix_isa_init,
    .instance_finalize = tpmix_isa_finalize,
    .class_size = sizeof(TPMIXISAClass),
    .class_init = tpmix_isa_class_init,
    .interfaces = (InterfaceInfo[]) {
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
