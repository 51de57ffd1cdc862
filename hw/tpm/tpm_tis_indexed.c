/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed: TIS FIFO with the replay-safe indexed door; see the header.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/acpi/tpm.h"
#include "tpm_tis_indexed.h"

void tpm_tis_indexed_realize(TPMIXDevice *d, ISADevice *isa, Error **errp)
{
    MemoryRegion *space = isa_address_space(isa);

    if (!tpmix_device_check(d, errp)) {
        return;
    }
    d->irq = isa_get_irq(isa, d->irq_num);
    memory_region_add_subregion(space, TPM_TIS_ADDR_BASE, &d->mmio);
    if (d->ppi_enabled) {
        tpm_ppi_init(&d->ppi, space, TPM_PPI_ADDR_BASE, OBJECT(isa));
    }
}

void tpm_tis_indexed_build_aml(TPMIXDevice *d, TPMIf *ti, Aml *scope)
{
    bool tpm2 = tpmix_device_get_version(d) == TPM_VERSION_2_0;
    Aml *dev = aml_device("TPM");
    Aml *crs = aml_resource_template();

    aml_append(dev, aml_name_decl("_HID", aml_string(TPM_TIS_INDEXED_HID)));
    if (d->compat) {
        /* Unmodified guests find the standard FIFO by its standard name. */
        aml_append(dev, aml_name_decl("_CID", tpm2 ? aml_string("MSFT0101") :
                                                     aml_eisaid("PNP0C31")));
    }
    aml_append(dev, aml_name_decl("_STR", aml_string(
        tpm2 ? "TPM 2.0 Device" : "TPM 1.2 Device")));
    aml_append(dev, aml_name_decl("_UID", aml_int(1)));
    aml_append(dev, aml_name_decl("_STA", aml_int(0xF)));
    aml_append(crs, aml_memory32_fixed(TPM_TIS_ADDR_BASE, TPM_TIS_ADDR_SIZE,
                                       AML_READ_WRITE));
    /*
     * No IRQ resource, as tpm-tis: GSI 5 collides with the PCI link devices
     * (PNP0C0F).
     */
    aml_append(dev, aml_name_decl("_CRS", crs));
    tpm_build_ppi_acpi(ti, dev);
    aml_append(scope, dev);
}
