/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a host of the replay-safe TPM engine (tpmix/tpmix.h)
 *
 * What the devices over that engine share: MMIO, backend, interrupt line,
 * migration, counters. It translates and calls; the rules of the interface are
 * the engine's. Everything here runs under the BQL.
 *
 * QEMU interface:
 * + QOM property "mmio-reads":  accesses that trapped, reads (read-only)
 * + QOM property "mmio-writes": accesses that trapped, writes (read-only)
 * + QOM property "commands":    commands handed to the backend (read-only)
 * + MMIO region mmio: five locality pages, 0x5000 bytes
 */
#ifndef TPM_TPMIX_DEVICE_H
#define TPM_TPMIX_DEVICE_H

#include "exec/memory.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "system/tpm_backend.h"
#include "tpm_ppi.h"
#include "tpmix/tpmix.h"

/* Bytes of the command and response buffers; no backend in QEMU takes more. */
#define TPMIX_DEVICE_CAPACITY  (16 * 1024)

typedef struct TPMIXDevice {
    /* configuration */
    TPMBackend *be_driver;
    uint32_t irq_num;
    bool ppi_enabled;
    bool compat;

    /* host resources */
    MemoryRegion mmio;
    TPMPPI ppi;
    qemu_irq irq;

    /* state: engine.s, cmd and rsp migrate */
    struct tpmix engine;
    uint8_t *cmd;
    uint8_t *rsp;
    uint32_t capacity;

    /* scratch: lives no longer than a command */
    uint8_t *run;
    uint8_t *out;
    TPMBackendCmd be_cmd;
    uint32_t be_ticket;

    /* what the backend of this machine takes, set at reset */
    uint32_t be_bufsize;
    bool started; /* the backend did, once */

    /* counters, not migrated */
    uint64_t mmio_reads;
    uint64_t mmio_writes;
} TPMIXDevice;

/**
 * tpmix_device_init:
 * @d: device, zeroed
 * @obj: owner of the region and the properties
 *
 * Allocates buffers and the MMIO region. For instance_init.
 */
void tpmix_device_init(TPMIXDevice *d, Object *obj);

/**
 * tpmix_device_finalize:
 *
 * Frees what tpmix_device_init() allocated. For instance_finalize.
 */
void tpmix_device_finalize(TPMIXDevice *d);

/**
 * tpmix_device_check:
 *
 * The checks of realize that all models share: one TPM, a backend, an IRQ of the
 * ISA bus. Returns false with @errp set where one fails.
 */
bool tpmix_device_check(TPMIXDevice *d, Error **errp);

/**
 * tpmix_device_reset:
 *
 * Machine start, reset, S3 resume. Ends QEMU where the backend does not start
 * with the machine, as tpm-tis does. Where it fails at a later reset the
 * registers read as 0 until a reset that finds it.
 */
void tpmix_device_reset(TPMIXDevice *d);

/**
 * tpmix_device_request_completed:
 * @ret: below 0 if the backend failed
 *
 * For TPMIfClass.request_completed.
 */
void tpmix_device_request_completed(TPMIXDevice *d, int ret);

/**
 * tpmix_device_get_version:
 *
 * For TPMIfClass.get_version.
 */
TPMVersion tpmix_device_get_version(TPMIXDevice *d);

/* Everything of a TPMIXDevice that migrates; for VMSTATE_STRUCT. */
extern const VMStateDescription vmstate_tpmix_device;

#endif /* TPM_TPMIX_DEVICE_H */
