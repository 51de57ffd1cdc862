/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the models' types have in common; see tpmix_qdev.h.
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "tpmix_qdev.h"

bool tpmix_qdev_offers_irq(const TPMIXDevice *d)
{
    return !d->compat || d->engine.s.interface == TPMIX_INTERFACE_CRB;
}

Aml *tpmix_qdev_build_aml(TPMIXDevice *d, const char *name, uint32_t size,
                          Aml *irq, Aml *scope)
{
    TPMVersion version = tpmix_device_get_version(d);
    bool tpm2 = version == TPM_VERSION_2_0;
    Aml *dev, *crs;

    if (version == TPM_VERSION_UNSPEC) {
        return NULL; /* it did not start: no TPM until the next reset */
    }
    dev = aml_device("%s", name);
    aml_append(dev, aml_name_decl("_HID", aml_string("%s", d->model->hid)));
    if (d->compat) {
        /* Unmodified guests find the standard's door by its standard name. */
        aml_append(dev, aml_name_decl("_CID", tpm2 ? aml_string("MSFT0101") :
                                                     aml_eisaid("PNP0C31")));
    }
    aml_append(dev, aml_name_decl("_STR", aml_string(
        tpm2 ? "TPM 2.0 Device" : "TPM 1.2 Device")));
    aml_append(dev, aml_name_decl("_UID", aml_int(1)));
    aml_append(dev, aml_name_decl("_STA", aml_int(0xF)));
    crs = aml_resource_template();
    aml_append(crs, aml_memory32_fixed(tpmix_memory_base(&d->memory),
                                       size, AML_READ_WRITE));
    if (irq) {
        aml_append(crs, irq);
    }
    aml_append(dev, aml_name_decl("_CRS", crs));
    aml_append(scope, dev);
    return dev;
}

static void tpmix_qdev_request_completed(TPMIf *ti, int ret)
{
    tpmix_device_request_completed(&TPMIX(ti)->device, ret);
}

#ifndef TPM_BACKEND_OF_STOCK_QEMU
static void tpmix_qdev_established_changed(TPMIf *ti)
{
    tpmix_device_established_changed(&TPMIX(ti)->device);
}

static hwaddr tpmix_qdev_get_control_area(TPMIf *ti)
{
    const TPMIXDevice *d = &TPMIX(ti)->device;

    if (d->engine.s.interface == TPMIX_INTERFACE_FIFO) {
        return 0;
    }
    return tpmix_memory_base(&d->memory) + TPM_REG_CTRL_REQ;
}
#endif

static TPMVersion tpmix_qdev_get_version(TPMIf *ti)
{
    return tpmix_device_get_version(&TPMIX(ti)->device);
}

static void tpmix_qdev_reset(DeviceState *dev)
{
    tpmix_device_reset(&TPMIX(dev)->device);
}

void tpmix_qdev_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    TPMIfClass *tc = TPM_IF_CLASS(klass);

    device_class_set_legacy_reset(dc, tpmix_qdev_reset);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    tc->request_completed = tpmix_qdev_request_completed;
#ifndef TPM_BACKEND_OF_STOCK_QEMU
    tc->completes_without_bql = true;
    tc->established_changed = tpmix_qdev_established_changed;
    tc->get_control_area = tpmix_qdev_get_control_area;
#endif
    tc->get_version = tpmix_qdev_get_version;
}

void tpmix_qdev_init(Object *obj)
{
    tpmix_device_add_counters(&TPMIX(obj)->device, obj);
}

void tpmix_qdev_finalize(Object *obj)
{
    tpmix_device_finalize(&TPMIX(obj)->device);
}

static const TypeInfo tpmix_qdev_info = {
    .name = TYPE_TPMIX,
    .parent = TYPE_INTERFACE,
};

static void tpmix_qdev_register(void)
{
    type_register_static(&tpmix_qdev_info);
}

type_init(tpmix_qdev_register)
