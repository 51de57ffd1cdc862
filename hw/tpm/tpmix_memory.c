/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory regions of a device over the TPM engine; see tpmix_memory.h.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "tpmix_memory.h"

/*
 * All memory migrates, since QEMU 11 has no other kind. What the engine shows
 * in it arrives stale, for the engine marks nothing there as dirty; the
 * device's state comes after RAM, and tpmix_refresh() then writes all of it.
 */
static bool tpmix_memory_init_one(MemoryRegion *mr, Object *owner,
                                  const char *name, uint32_t size,
                                  bool guest_writes, Error **errp)
{
    Error *err = NULL;

    if (guest_writes) {
        memory_region_init_ram(mr, owner, name, size, &err);
    } else {
        memory_region_init_rom(mr, owner, name, size, &err);
    }
    error_propagate(errp, err);
    return !err;
}

void tpmix_memory_init_io(TPMIXMemory *m, Object *owner,
                          const MemoryRegionOps *ops, void *opaque)
{
    memory_region_init_io(&m->space, owner, ops, opaque, "tpmix-mmio",
                          TPMIX_SPACE_SIZE);
}

hwaddr tpmix_memory_base(const TPMIXMemory *m)
{
    const MemoryRegion *mr;
    hwaddr base = 0;

    for (mr = &m->space; mr; mr = mr->container) {
        base += mr->addr;
    }
    return base;
}

bool tpmix_memory_init_ram(TPMIXMemory *m, Object *owner, uint32_t capacity,
                           struct tpmix_ram *ram, Error **errp)
{
    uint8_t *header;

    if (!tpmix_memory_init_one(&m->cmd_window, owner, "tpmix-cmd", capacity,
                               true, errp) ||
        !tpmix_memory_init_one(&m->rsp_window, owner, "tpmix-rsp", capacity,
                               false, errp) ||
        !tpmix_memory_init_one(&m->header, owner, "tpmix-header",
                               TPMIX_HEADER_PAGE_SIZE, false, errp)) {
        return false;
    }
    header = memory_region_get_ram_ptr(&m->header);
    ram->cmd = memory_region_get_ram_ptr(&m->cmd_window);
    ram->rsp = memory_region_get_ram_ptr(&m->rsp_window);
    ram->block = (uint32_t *)(header + TPMIX_BLOCK);

    memory_region_add_subregion(&m->space, TPMIX_HEADER, &m->header);
    memory_region_add_subregion(&m->space, TPMIX_CMD_WINDOW, &m->cmd_window);
    memory_region_add_subregion(&m->space, TPMIX_RSP_WINDOW, &m->rsp_window);
    return true;
}

bool tpmix_memory_init_crb(TPMIXMemory *m, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           struct tpmix_ram *ram, Error **errp)
{
    Error *err = NULL;
    uint8_t *page;

    /*
     * A page more than is mapped: address_space_translate_internal() does not
     * clamp the length of an access to a ROM device, so that one which runs
     * over its end (of a device's DMA, say) is a memcpy() over the end of RAM.
     */
    memory_region_init_rom_device(&m->crb_page, owner, ops, opaque, "tpmix-crb",
                                  2 * TPMIX_LOCALITY_SIZE, &err);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    page = memory_region_get_ram_ptr(&m->crb_page);
    ram->crb_regs = (uint32_t *)page;
    ram->crb_buffer = page + TPM_REG_DATA_BUFFER;

    memory_region_init_alias(&m->crb_mapped, owner, "tpmix-crb-mapped",
                             &m->crb_page, 0, TPMIX_LOCALITY_SIZE);
    memory_region_add_subregion(&m->space, 0, &m->crb_mapped);
    m->has_crb_page = true;
    return true;
}

bool tpmix_memory_init_ppi(TPMIXMemory *m, Object *owner, Error **errp)
{
    if (!tpmix_memory_init_one(&m->ppi.ram, owner, "tpmix-ppi",
                               TPMIX_LOCALITY_SIZE, true, errp)) {
        return false;
    }
    m->ppi.buf = memory_region_get_ram_ptr(&m->ppi.ram);
    memory_region_add_subregion(&m->space, TPMIX_PPI, &m->ppi.ram);
    return true;
}

void tpmix_memory_set_crb(TPMIXMemory *m, bool reads)
{
    if (m->has_crb_page) {
        memory_region_rom_device_set_romd(&m->crb_page, reads);
    }
}

/* What the engine writes elsewhere tpmix_refresh() writes anew after a load. */
void tpmix_memory_changed(TPMIXMemory *m, uint32_t addr, uint32_t len)
{
    if (addr >= TPMIX_CMD_WINDOW && addr < TPMIX_RSP_WINDOW) {
        memory_region_set_dirty(&m->cmd_window, addr - TPMIX_CMD_WINDOW, len);
    }
}
