/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device over the engine is to the machine: properties, memory map, ACPI
 * description; see tpmix_device.h.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/acpi/tpm.h"
#include "system/tpm_util.h"
#include "tpmix_device_internal.h"

static bool tpmix_device_check_crb(TPMIXDevice *d, Error **errp)
{
    if (!d->interface) {
        d->interface = g_strdup("crb");
    }
    if (strcmp(d->interface, "crb") && strcmp(d->interface, "fifo")) {
        error_setg(errp, "'interface' must be 'crb' or 'fifo', not '%s'",
                   d->interface);
        return false;
    }
    if (!d->fifo && !strcmp(d->interface, "fifo")) {
        error_setg(errp, "'interface=fifo' needs 'fifo=on'");
        return false;
    }
    if (d->localities != 1 && d->localities != TPMIX_NUM_LOCALITIES) {
        error_setg(errp, "'localities' must be 1 or %u, not %u",
                   TPMIX_NUM_LOCALITIES, d->localities);
        return false;
    }
    if (tpmix_device_get_version(d) != TPM_VERSION_2_0) {
        error_setg(errp, "CRB is for TPM 2.0, and the backend is not one");
        error_append_hint(errp, "Start swtpm with --tpm2, or use "
                          "-device tpm-tis-indexed for a TPM 1.2.\n");
        return false;
    }
    return true;
}

static bool tpmix_device_check(TPMIXDevice *d, Error **errp)
{
    if (!tpm_find()) {
        error_setg(errp, "at most one TPM device is permitted");
        return false;
    }
    if (!d->be_driver) {
        error_setg(errp, "'tpmdev' property is required");
        return false;
    }
    if (d->irq_num > 15) {
        error_setg(errp, "IRQ %" PRIu32 " is outside valid range of 0 to 15",
                   d->irq_num);
        return false;
    }
    if (!is_power_of_2(d->capacity) ||
        d->capacity < TPMIX_DEVICE_CAPACITY_MIN ||
        d->capacity > TPMIX_DEVICE_CAPACITY_MAX) {
        error_setg(errp, "'buffer-size' must be a power of 2 from 4K to 64K, "
                   "not %" PRIu32, d->capacity);
        return false;
    }
    return !d->crb || tpmix_device_check_crb(d, errp);
}

/* The engine writes what these show: they do not migrate. */
static bool tpmix_device_init_shown(MemoryRegion *mr, Object *owner,
                                    const char *name, uint32_t size,
                                    Error **errp)
{
    Error *err = NULL;

    memory_region_init_rom_nomigrate(mr, owner, name, size, &err);
    error_propagate(errp, err);
    return !err;
}

static bool tpmix_device_init_ram(TPMIXDevice *d, Object *owner, Error **errp)
{
    Error *err = NULL;

    memory_region_init_ram(&d->cmd_window, owner, "tpmix-cmd",
                           d->capacity, &err);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return tpmix_device_init_shown(&d->rsp_window, owner, "tpmix-rsp",
                                   d->capacity, errp) &&
           tpmix_device_init_shown(&d->header, owner, "tpmix-header",
                                   TPMIX_HEADER_PAGE_SIZE, errp);
}

static bool tpmix_device_init_io(TPMIXDevice *d, Object *owner, Error **errp)
{
    uint32_t size = d->localities << TPMIX_LOCALITY_SHIFT;
    Error *err = NULL;

    memory_region_init_io(&d->mmio, owner, &tpmix_device_ops, d,
                          "tpmix-mmio", size);
    if (!d->crb) {
        return true;
    }
    memory_region_init_io(&d->ext, owner, &tpmix_device_ext_ops, d,
                          "tpmix-ext", size);
    /*
     * A page more than is mapped: address_space_translate_internal() does not
     * clamp the length of an access to a ROM device, so that one which runs
     * over its end (of a device's DMA, say) is a memcpy() over the end of RAM.
     */
    memory_region_init_rom_device_nomigrate(&d->crb_page, owner,
                                            &tpmix_device_ops, d,
                                            "tpmix-crb",
                                            2 * TPMIX_LOCALITY_SIZE, &err);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    memory_region_init_alias(&d->crb_mapped, owner, "tpmix-crb-mapped",
                             &d->crb_page, 0, TPMIX_LOCALITY_SIZE);
    return true;
}

static void tpmix_device_init_engine(TPMIXDevice *d)
{
    uint8_t *header = memory_region_get_ram_ptr(&d->header);
    struct tpmix_config cfg = {
        .backend = &tpmix_device_backend,
        .opaque = d,
        .ram = {
            .cmd = memory_region_get_ram_ptr(&d->cmd_window),
            .rsp = memory_region_get_ram_ptr(&d->rsp_window),
            .block = (uint32_t *)(header + TPMIX_BLOCK),
        },
        .capacity = d->capacity,
        .fifo = d->fifo,
        .crb = d->crb,
        .interface = d->crb && !strcmp(d->interface, "crb") ?
                     TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO,
        .localities = d->localities,
        .int_vector = d->irq_num,
    };

    if (d->crb) {
        uint8_t *page = memory_region_get_ram_ptr(&d->crb_page);

        cfg.ram.crb_regs = (uint32_t *)page;
        cfg.ram.crb_buffer = page + TPM_REG_DATA_BUFFER;
    }
    cfg.cmd = d->cmd = g_malloc0(d->capacity);
    cfg.run = d->run = g_malloc0(d->capacity);
    cfg.rsp = d->rsp = g_malloc0(d->capacity);
    d->out = g_malloc0(d->capacity);
    tpmix_init(&d->engine, &cfg);
}

static void tpmix_device_map(TPMIXDevice *d, MemoryRegion *space)
{
    memory_region_add_subregion(space, TPMIX_BASE, &d->mmio);
    memory_region_add_subregion(space, TPMIX_BASE + TPMIX_HEADER, &d->header);
    memory_region_add_subregion(space, TPMIX_BASE + TPMIX_CMD_WINDOW,
                                &d->cmd_window);
    memory_region_add_subregion(space, TPMIX_BASE + TPMIX_RSP_WINDOW,
                                &d->rsp_window);
    if (d->crb) {
        memory_region_add_subregion_overlap(&d->mmio, 0, &d->crb_mapped, 1);
        memory_region_add_subregion(space, TPMIX_BASE + TPMIX_EXT, &d->ext);
    }
}

bool tpmix_device_realize(TPMIXDevice *d, Object *owner, ISADevice *isa,
                          Error **errp)
{
    MemoryRegion *space = isa_address_space(isa);

    if (!tpmix_device_check(d, errp) ||
        !tpmix_device_init_ram(d, owner, errp) ||
        !tpmix_device_init_io(d, owner, errp)) {
        return false;
    }
    tpmix_device_init_engine(d);
    tpmix_device_map(d, space);
    d->irq = isa_get_irq(isa, d->irq_num);
    if (d->ppi_enabled) {
        tpm_ppi_init(&d->ppi, space, TPM_PPI_ADDR_BASE, owner);
    }
    return true;
}

void tpmix_device_finalize(TPMIXDevice *d)
{
    g_free(d->cmd);
    g_free(d->run);
    g_free(d->rsp);
    g_free(d->out);
}

void tpmix_device_build_aml(TPMIXDevice *d, TPMIf *ti, Aml *scope)
{
    bool tpm2 = tpmix_device_get_version(d) == TPM_VERSION_2_0;
    uint32_t size = d->localities << TPMIX_LOCALITY_SHIFT;
    Aml *dev = aml_device("TPM");
    Aml *crs = aml_resource_template();

    aml_append(dev, aml_name_decl("_HID", aml_string("%s", d->hid)));
    if (d->compat) {
        /* Unmodified guests find the standard's door by its standard name. */
        aml_append(dev, aml_name_decl("_CID", tpm2 ? aml_string("MSFT0101") :
                                                     aml_eisaid("PNP0C31")));
    }
    aml_append(dev, aml_name_decl("_STR", aml_string(
        tpm2 ? "TPM 2.0 Device" : "TPM 1.2 Device")));
    aml_append(dev, aml_name_decl("_UID", aml_int(1)));
    aml_append(dev, aml_name_decl("_STA", aml_int(0xF)));
    aml_append(crs, aml_memory32_fixed(TPMIX_BASE, size, AML_READ_WRITE));
    if (d->crb) {
        aml_append(crs, aml_memory32_fixed(TPMIX_BASE + TPMIX_EXT, size,
                                           AML_READ_WRITE));
    }
    aml_append(crs, aml_memory32_fixed(TPMIX_BASE + TPMIX_HEADER,
                                       TPMIX_SPACE_SIZE - TPMIX_HEADER,
                                       AML_READ_WRITE));
    /*
     * No IRQ resource, as tpm-tis: GSI 5 collides with the PCI link devices
     * (PNP0C0F).
     */
    aml_append(dev, aml_name_decl("_CRS", crs));
    tpm_build_ppi_acpi(ti, dev);
    aml_append(scope, dev);
}
