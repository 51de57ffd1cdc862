/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space of a device over the TPM engine: registers that trap, and
 * above them what a guest reads and writes as memory.
 *
 * TPMIX_SPACE_SIZE bytes, one region: whatever no memory lies above traps and
 * is the engine's to answer, also where nothing is. Everything here runs under
 * the BQL.
 */
#ifndef TPM_TPMIX_MEMORY_H
#define TPM_TPMIX_MEMORY_H

#include "tpm_ppi.h"
#include "tpmix_compat.h"
#include "subprojects/tpmix/tpmix.h"

/* The physical presence interface's page, behind those of the localities. */
#define TPMIX_PPI TPMIX_MMIO_SIZE

typedef struct TPMIXMemory {
    MemoryRegion space;      /* for the bus to map */
    MemoryRegion crb_page;   /* locality 0's in CRB: a ROM device */
    MemoryRegion crb_mapped; /* the part of it that is mapped */
    MemoryRegion header;
    MemoryRegion cmd_window; /* the guest's: its content migrates with RAM */
    MemoryRegion rsp_window;
    TPMPPI ppi;              /* as cmd_window */
    bool has_crb_page;
} TPMIXMemory;

/**
 * tpmix_memory_init_io:
 * @m: zeroed
 * @owner: of the regions, a DeviceState; here and below
 * @ops: offsets from the start of the space
 * @opaque: for @ops
 *
 * The space, in which everything traps.
 */
void tpmix_memory_init_io(TPMIXMemory *m, Object *owner,
                          const MemoryRegionOps *ops, void *opaque);

/**
 * tpmix_memory_base:
 *
 * Physical address of the space, once the bus has mapped it.
 */
hwaddr tpmix_memory_base(const TPMIXMemory *m);

/**
 * tpmix_memory_init_ram:
 * @capacity: bytes of each window
 * @ram: the engine's memory for them
 *
 * Adds header page and windows. This one and those below return false with
 * @errp set where memory is short.
 */
bool tpmix_memory_init_ram(TPMIXMemory *m, Object *owner, uint32_t capacity,
                           struct tpmix_ram *ram, Error **errp);

/**
 * tpmix_memory_init_crb:
 * @ram: the engine's memory for it
 *
 * Adds locality 0's page in CRB: read as memory, its writes trap.
 */
bool tpmix_memory_init_crb(TPMIXMemory *m, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           struct tpmix_ram *ram, Error **errp);

/**
 * tpmix_memory_init_ppi:
 *
 * Adds the physical presence interface's page: a whole page of RAM, which
 * migrates, and with which tpm_ppi_reset() works.
 */
bool tpmix_memory_init_ppi(TPMIXMemory *m, Object *owner, Error **errp);

/**
 * tpmix_memory_set_crb:
 * @reads: locality 0's page is read as memory, else it traps as any other
 */
void tpmix_memory_set_crb(TPMIXMemory *m, bool reads);

/**
 * tpmix_memory_changed:
 *
 * The engine wrote @len bytes of tpmix_memory_init_ram() at @addr, an offset in
 * the space.
 */
void tpmix_memory_changed(TPMIXMemory *m, uint32_t addr, uint32_t len);

#endif /* TPM_TPMIX_MEMORY_H */
