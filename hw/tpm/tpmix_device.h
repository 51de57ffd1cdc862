/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a host of the replay-safe TPM engine (tpmix/tpmix.h)
 *
 * What the devices over that engine share: MMIO, backend, interrupt line,
 * migration, counters. It translates and calls; the rules of the interface are
 * the engine's. Everything here runs under the BQL.
 *
 * QEMU interface:
 * + QOM property "buffer-size": bytes of the command and of the response
 *                               window, a power of 2, 4 KiB to 64 KiB, default
 *                               16 KiB
 * + QOM property "mmio-reads":  accesses that trapped, reads (read-only)
 * + QOM property "mmio-writes": accesses that trapped, writes (read-only)
 * + QOM property "commands":    commands handed to the backend (read-only)
 * + MMIO regions: the locality pages, locality 0's page apart where it is CRB
 *   (a ROM device: reads do not trap), the extension pages of CRB
 * + RAM regions: header page, command window, response window
 */
#ifndef TPM_TPMIX_DEVICE_H
#define TPM_TPMIX_DEVICE_H

#include "exec/memory.h"
#include "hw/acpi/aml-build.h"
#include "hw/irq.h"
#include "hw/isa/isa.h"
#include "migration/vmstate.h"
#include "qemu/units.h"
#include "system/tpm_backend.h"
#include "tpm_ppi.h"
#include "tpmix/tpmix.h"

#define TPMIX_DEVICE_CAPACITY_MIN  (4 * KiB)
#define TPMIX_DEVICE_CAPACITY      (16 * KiB)
#define TPMIX_DEVICE_CAPACITY_MAX  (64 * KiB)

typedef struct TPMIXDevice {
    /* configuration */
    TPMBackend *be_driver;
    uint32_t irq_num;
    bool ppi_enabled;
    bool compat;
    uint32_t capacity;          /* property "buffer-size" */
    const char *hid;            /* ACPI _HID of the model */
    /* models with CRB: */
    bool crb;
    bool fifo;
    char *interface;
    uint8_t localities;

    /* host resources */
    MemoryRegion mmio;
    MemoryRegion crb_page;
    MemoryRegion crb_mapped;
    MemoryRegion ext;
    MemoryRegion header;
    MemoryRegion cmd_window;
    MemoryRegion rsp_window;
    TPMPPI ppi;
    qemu_irq irq;

    /* state: engine.s, cmd, rsp and the RAM of cmd_window migrate */
    struct tpmix engine;
    uint8_t *cmd;
    uint8_t *rsp;

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

/* For an array of Property. */
#define DEFINE_PROP_TPMIX_BUFFER_SIZE(_state, _field)                         \
    DEFINE_PROP_SIZE32("buffer-size", _state, _field.capacity,                \
                       TPMIX_DEVICE_CAPACITY)

/**
 * tpmix_device_init:
 * @d: device, zeroed but for the properties' defaults
 * @obj: owner of the properties
 *
 * Adds the counters. For a model's instance_init, which then says what it is:
 * @hid, @crb.
 */
void tpmix_device_init(TPMIXDevice *d, Object *obj);

/**
 * tpmix_device_finalize:
 *
 * Frees what tpmix_device_realize() allocated. For instance_finalize.
 */
void tpmix_device_finalize(TPMIXDevice *d);

/**
 * tpmix_device_realize:
 * @owner: of the memory regions, a DeviceState
 * @isa: the ISA device it is; NULL: the machine's ISA bus
 *
 * What realize of all models shares: checks the properties, of which the model
 * has set those that it does not offer, allocates the buffers, maps registers,
 * RAM and the PPI page, connects the IRQ. Returns false with @errp set where a
 * property is wrong or memory is short.
 */
bool tpmix_device_realize(TPMIXDevice *d, Object *owner, ISADevice *isa,
                          Error **errp);

/**
 * tpmix_device_build_aml:
 *
 * Appends the ACPI device to @scope: _HID, with "compat" a _CID that the stock
 * drivers bind to, and the memory resources: locality pages, extension pages of
 * CRB, header page and windows. Linux' tpm_crb takes three, no more.
 */
void tpmix_device_build_aml(TPMIXDevice *d, TPMIf *ti, Aml *scope);

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
 * tpmix_device_established_changed:
 *
 * Shows the guest the established flag as the backend has it. For
 * TPMIfClass.established_changed.
 */
void tpmix_device_established_changed(TPMIXDevice *d);

/**
 * tpmix_device_get_version:
 *
 * For TPMIfClass.get_version.
 */
TPMVersion tpmix_device_get_version(TPMIXDevice *d);

/* Everything of a TPMIXDevice that migrates; for VMSTATE_STRUCT. */
extern const VMStateDescription vmstate_tpmix_device;

#endif /* TPM_TPMIX_DEVICE_H */
