/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a host of the replay-safe TPM engine (subprojects/tpmix)
 *
 * What the devices over that engine share, whatever their bus: registers,
 * backend, interrupt line, reset, migration, counters. It translates and calls;
 * the rules of the interface are the engine's.
 *
 * Threads: everything here is called with the BQL, but for
 * tpmix_device_request_completed(), for which the engine has a lock of the
 * device's. It is taken after the BQL, and nobody waits for the TPM with it.
 *
 * QEMU interface, of every model:
 * + QOM property "mmio-reads":  accesses that trapped, reads (read-only)
 * + QOM property "mmio-writes": accesses that trapped, writes (read-only)
 * + QOM property "commands":    commands handed to the backend (read-only)
 * + QOM property "completions": how many of them have ended (read-only)
 * + QOM property "sync-completions": of these, how many before the write that
 *                               began them did (read-only)
 */
#ifndef TPM_TPMIX_DEVICE_H
#define TPM_TPMIX_DEVICE_H

#include "migration/vmstate.h"
#include "qapi/qapi-types-common.h"
#include "qemu/units.h"
#include "system/tpm_backend.h"
#include "subprojects/tpmix/tpmix.h"
#include "tpmix_memory.h"

#define TPMIX_DEVICE_CAPACITY_MIN  (4 * KiB)
#define TPMIX_DEVICE_CAPACITY      (16 * KiB)
#define TPMIX_DEVICE_CAPACITY_MAX  (64 * KiB)

/*
 * On q35 and pc without a second serial port nobody else has it, and it is no
 * PCI link's, as tpm-tis' 5 is.
 */
#define TPMIX_DEVICE_IRQ           3

#define TPMIX_DEVICE_SYNC_US       500
#define TPMIX_DEVICE_SYNC_US_MAX   10000

/* What a model is, as opposed to how it is configured. */
typedef struct TPMIXModel {
    const char *hid; /* ACPI _HID; "QEMU" is QEMU's own vendor id */
    bool crb;        /* CRB, with FIFO as the property says; else FIFO */
} TPMIXModel;

typedef struct TPMIXDevice {
    /* configuration */
    const TPMIXModel *model; /* set before realize */
    TPMBackend *be_driver;
    uint32_t irq_num;    /* TPM_INT_VECTOR shows it; 0: no interrupts */
    uint32_t capacity;   /* bytes of each window */
    OnOffAuto ram;       /* windows, CRB and PPI page are memory */
    bool ppi;
    bool compat;         /* ACPI and device tree: stock drivers may bind */
    uint32_t sync_us;    /* a write that begins a command waits that long */
    /* models with CRB: */
    bool fifo;
    bool starts_as_fifo; /* what is active at power on */
    uint8_t localities;

    /* host resources */
    TPMIXMemory memory;
    qemu_irq irq;        /* for the bus to connect; NULL: none */

    uint8_t has_ram;     /* bool: what became of @ram */

    QemuMutex lock;      /* the engine's, and what its callbacks use */

    /* state: engine.s, the buffers and the content of memory migrate */
    struct tpmix engine;
    uint8_t *cmd0;       /* without RAM: locality 0's command */
    uint8_t *cmd;
    uint8_t *run;
    uint8_t *rsp;

    /* scratch: lives no longer than a command */
    uint8_t *out;
    TPMBackendCmd be_cmd;
    uint32_t be_ticket;

    /* what this machine's TPM is, set at reset: a stream has to fit it */
    uint32_t be_bufsize;
    uint8_t be_family;   /* enum tpmix_family */
    bool started;        /* the backend did, once */

    bool irq_level;      /* as the line was last set */
    uint64_t edges_raised; /* of engine.edges */
    QEMUBH *irq_bh;      /* sets it, after a completion without the BQL */

    /* counters, not migrated */
    uint64_t mmio_reads;
    uint64_t mmio_writes;
    uint64_t completions;
    uint64_t sync_completions;
} TPMIXDevice;

/**
 * tpmix_device_add_counters:
 * @obj: owner of the properties
 *
 * For instance_init.
 */
void tpmix_device_add_counters(TPMIXDevice *d, Object *obj);

/**
 * tpmix_device_realize:
 * @owner: of the memory regions, a DeviceState
 *
 * Checks the configuration, allocates memory. The bus then maps
 * @d->memory.space at a multiple of 64 KiB and connects @d->irq. Returns false
 * with @errp set where the configuration is wrong or memory is short.
 */
bool tpmix_device_realize(TPMIXDevice *d, Object *owner, Error **errp);

/**
 * tpmix_device_finalize:
 *
 * Frees what tpmix_device_realize() allocated. For instance_finalize.
 */
void tpmix_device_finalize(TPMIXDevice *d);

/**
 * tpmix_device_reset:
 *
 * Machine start, reset, S3 resume. Ends QEMU where the backend does not start
 * with the machine, as tpm-tis does. Where it fails at a later reset there is
 * no TPM until a reset that finds it.
 */
void tpmix_device_reset(TPMIXDevice *d);

/**
 * tpmix_device_request_completed:
 * @ret: below 0 if the backend failed
 *
 * For TPMIfClass.request_completed; called by any thread, with or without the
 * BQL.
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
 * For TPMIfClass.get_version: TPM_VERSION_UNSPEC where there is no TPM.
 */
TPMVersion tpmix_device_get_version(TPMIXDevice *d);

/* Everything of a TPMIXDevice that migrates; for VMSTATE_STRUCT. */
extern const VMStateDescription vmstate_tpmix_device;

#endif /* TPM_TPMIX_DEVICE_H */
