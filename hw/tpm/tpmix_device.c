/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a host of the replay-safe TPM engine; see tpmix_device.h.
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "system/runstate.h"
#include "system/tpm_util.h"
#include "tpmix_device.h"
#include "trace.h"

static bool tpmix_device_irq_changed(const TPMIXDevice *d)
{
    return tpmix_irq(&d->engine) != d->irq_level ||
           d->engine.edges != d->edges_raised;
}

/*
 * Others may use the line, and nobody ORs theirs with ours: it is set where
 * ours changes, and otherwise left as it is. Called with the BQL, and the lock
 * where a command may end meanwhile.
 */
static void tpmix_device_update_irq(TPMIXDevice *d)
{
    bool level = tpmix_irq(&d->engine);

    if (d->engine.edges != d->edges_raised) {
        d->edges_raised = d->engine.edges;
        qemu_set_irq(d->irq, !d->irq_level);
        qemu_set_irq(d->irq, d->irq_level);
    }
    if (level != d->irq_level) {
        d->irq_level = level;
        qemu_set_irq(d->irq, level);
    }
}

static void tpmix_device_irq_bh(void *opaque)
{
    TPMIXDevice *d = opaque;
    QEMU_LOCK_GUARD(&d->lock);

    tpmix_device_update_irq(d);
}

/* CRB's registers are read from memory; DATA_FIFO has to trap. */
static void tpmix_device_update_map(TPMIXDevice *d)
{
    tpmix_memory_set_crb(&d->memory,
                         d->engine.s.interface == TPMIX_INTERFACE_CRB);
}

static uint64_t tpmix_device_read(void *opaque, hwaddr addr, unsigned size)
{
    TPMIXDevice *d = opaque;
    uint64_t val;
    QEMU_LOCK_GUARD(&d->lock);

    d->mmio_reads++;
    val = tpmix_mmio_read(&d->engine, addr, size);
    trace_tpmix_mmio_read(size, addr, val);
    tpmix_device_update_irq(d);
    return val;
}

static void tpmix_device_write(void *opaque, hwaddr addr, uint64_t val,
                               unsigned size)
{
    TPMIXDevice *d = opaque;
    bool started;
    int64_t ns;

    WITH_QEMU_LOCK_GUARD(&d->lock) {
        uint64_t starts = d->engine.starts;

        d->mmio_writes++;
        trace_tpmix_mmio_write(size, addr, val);
        tpmix_write(&d->engine, addr, val, size);
        /* Who asked for an interrupt expects that it takes long. */
        ns = d->engine.s.notify ? 0 : (int64_t)d->sync_us * SCALE_US;
        started = d->engine.starts != starts;
        tpmix_device_update_irq(d);
    }
    /* A guest looks at once, and sleeps if the command has not ended then. */
    if (started && tpm_backend_wait_request(d->be_driver, ns)) {
        d->sync_completions++;
    }
}

static const MemoryRegionOps tpmix_device_ops = {
    .read = tpmix_device_read,
    .write = tpmix_device_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
    .impl = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
};

/* The backend's side of the engine */

static void tpmix_backend_start(void *opaque, uint32_t ticket,
                                unsigned int locality, const uint8_t *cmd,
                                uint32_t len)
{
    TPMIXDevice *d = opaque;

    trace_tpmix_start(ticket, locality, len);
    d->be_ticket = ticket;
    d->be_cmd = (TPMBackendCmd) {
        .locty = locality,
        .in = cmd,
        .in_len = len,
        .out = d->out,
        .out_len = d->engine.s.bufsize,
    };
    tpm_backend_begin_request(d->be_driver, &d->be_cmd);
}

static void tpmix_backend_cancel(void *opaque)
{
    TPMIXDevice *d = opaque;

    trace_tpmix_cancel(d->be_ticket);
    tpm_backend_cancel_cmd(d->be_driver);
}

/* Called with the lock. */
static void tpmix_device_update_established(TPMIXDevice *d)
{
    if (!tpm_backend_had_startup_error(d->be_driver)) {
        tpmix_set_established(&d->engine,
            tpm_backend_get_tpm_established_flag(d->be_driver));
    }
}

void tpmix_device_established_changed(TPMIXDevice *d)
{
    QEMU_LOCK_GUARD(&d->lock);

    tpmix_device_update_established(d);
}

static void tpmix_backend_reset_established(void *opaque,
                                            unsigned int locality)
{
    TPMIXDevice *d = opaque;

    tpm_backend_reset_tpm_established_flag(d->be_driver, locality);
    /* A backend that asks the TPM later says when it has answered. */
    tpmix_device_update_established(d);
}

static void tpmix_backend_guest_error(void *opaque, const char *what,
                                      uint32_t addr)
{
    qemu_log_mask(LOG_GUEST_ERROR, "tpm: %s (offset 0x%05" PRIx32 ")\n",
                  what, addr);
}

static void tpmix_backend_changed(void *opaque, uint32_t addr, uint32_t len)
{
    TPMIXDevice *d = opaque;

    tpmix_memory_changed(&d->memory, addr, len);
}

static const struct tpmix_backend tpmix_device_backend = {
    .start = tpmix_backend_start,
    .cancel = tpmix_backend_cancel,
    .reset_established = tpmix_backend_reset_established,
    .guest_error = tpmix_backend_guest_error,
    .changed = tpmix_backend_changed,
};

void tpmix_device_request_completed(TPMIXDevice *d, int ret)
{
    /* A backend that failed left no response, whatever is in the buffer. */
    const uint8_t *rsp = ret < 0 ? NULL : d->out;
    uint32_t len = rsp ? tpm_cmd_get_size(rsp) : 0;
    QEMU_LOCK_GUARD(&d->lock);

    d->completions++;
    trace_tpmix_complete(d->be_ticket, len, ret);
    tpmix_complete(&d->engine, d->be_ticket, rsp, len,
                   d->be_cmd.selftest_done);
    if (!tpmix_device_irq_changed(d)) {
        return;
    }
    if (bql_locked()) {
        tpmix_device_update_irq(d);
    } else {
        qemu_bh_schedule(d->irq_bh);
    }
}

TPMVersion tpmix_device_get_version(TPMIXDevice *d)
{
    if (tpm_backend_had_startup_error(d->be_driver)) {
        return TPM_VERSION_UNSPEC;
    }
    return tpm_backend_get_tpm_version(d->be_driver);
}

/* The family is the backend's to tell, and nothing below asks a second time. */
static uint8_t tpmix_device_family(TPMIXDevice *d)
{
    return tpm_backend_get_tpm_version(d->be_driver) == TPM_VERSION_1_2 ?
           TPMIX_FAMILY_1_2 : TPMIX_FAMILY_2_0;
}

static bool tpmix_device_start_backend(TPMIXDevice *d)
{
    if (tpm_backend_startup_tpm(d->be_driver, d->be_bufsize) < 0) {
        if (!d->started) {
            exit(1);
        }
        /* A guest's reset is not to end QEMU. */
        error_report("tpm: the backend did not start");
        return false;
    }
    d->started = true;
    /*
     * Before an incoming migration the backend does not run yet, and would not
     * answer; the flag comes with the state.
     */
    if (!runstate_check(RUN_STATE_INMIGRATE)) {
        tpmix_device_established_changed(d);
    }
    return true;
}

void tpmix_device_reset(TPMIXDevice *d)
{
    if (d->ppi) {
        tpm_ppi_reset(&d->memory.ppi);
    }
    /* Waits for a running command; its completion is still the old one's. */
    tpm_backend_reset(d->be_driver);

    /* From here on nobody else has the engine: vCPUs wait, no command runs. */
    d->engine.cfg.base = tpmix_memory_base(&d->memory);
    d->be_family = tpmix_device_family(d);
    tpmix_reset(&d->engine, d->be_family,
                MIN(tpm_backend_get_buffer_size(d->be_driver), UINT32_MAX));
    d->be_bufsize = d->engine.s.bufsize;
    if (!tpmix_device_start_backend(d)) {
        tpmix_reset(&d->engine, TPMIX_FAMILY_NONE, 0);
    }
    tpmix_device_update_map(d);
    tpmix_device_update_irq(d);
}

/* Migration */

static int tpmix_device_pre_save(void *opaque)
{
    TPMIXDevice *d = opaque;

    /* A running command completes first: its response migrates. */
    return tpm_backend_finish_sync(d->be_driver) ? 0 : -EBUSY;
}

static int tpmix_device_post_load(void *opaque, int version_id)
{
    TPMIXDevice *d = opaque;
    const struct tpmix_state_all *s = &d->engine.s;

    if (!tpmix_valid(&d->engine) || s->running != TPMIX_NO_LOCALITY) {
        error_report("tpm: the migration stream holds no valid TPM state");
        return -EINVAL;
    }
    if (s->bufsize > d->be_bufsize) {
        error_report("tpm: the source negotiated %" PRIu32 " bytes with its "
                     "backend, this backend takes %" PRIu32,
                     s->bufsize, d->be_bufsize);
        return -EINVAL;
    }
    /* Where the source's TPM did not start there is none until a reset. */
    if (s->family != TPMIX_FAMILY_NONE && s->family != d->be_family) {
        error_report("tpm: source and destination backend differ in their "
                     "TPM version");
        return -EINVAL;
    }
    tpmix_refresh(&d->engine);
    tpmix_device_update_map(d);
    /* One that the source had yet to raise is lost; one more is harmless. */
    d->engine.edges += d->irq_num != 0;
    tpmix_device_update_irq(d);
    return 0;
}

static const VMStateDescription vmstate_tpmix_loc = {
    .name = "tpmix/locality",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(state, struct tpmix_loc),
        VMSTATE_UINT8(access, struct tpmix_loc),
        VMSTATE_UINT8(refused, struct tpmix_loc),
        VMSTATE_UINT8(int_status, struct tpmix_loc),
        VMSTATE_UINT8(armed, struct tpmix_loc),
        VMSTATE_UINT32(int_enable, struct tpmix_loc),
        VMSTATE_UINT32(index, struct tpmix_loc),
        VMSTATE_UINT32(csum_expect, struct tpmix_loc),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_tpmix_state = {
    .name = "tpmix/state",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(loc, struct tpmix_state_all, TPMIX_NUM_LOCALITIES,
                             1, vmstate_tpmix_loc, struct tpmix_loc),
        VMSTATE_UINT64(last.val, struct tpmix_state_all),
        VMSTATE_UINT32(last.addr, struct tpmix_state_all),
        VMSTATE_UINT8(last.size, struct tpmix_state_all),
        VMSTATE_UINT32(accepted, struct tpmix_state_all),
        VMSTATE_UINT32(fifo_len, struct tpmix_state_all),
        VMSTATE_UINT32(rsp_len, struct tpmix_state_all),
        VMSTATE_UINT32(rsp_pos, struct tpmix_state_all),
        VMSTATE_UINT16(cmd_csum, struct tpmix_state_all),
        VMSTATE_UINT16(rsp_csum, struct tpmix_state_all),
        VMSTATE_UINT8(family, struct tpmix_state_all),
        VMSTATE_UINT8(active, struct tpmix_state_all),
        VMSTATE_UINT8(running, struct tpmix_state_all),
        VMSTATE_UINT8(waiting, struct tpmix_state_all),
        VMSTATE_UINT8(abort, struct tpmix_state_all),
        VMSTATE_UINT8(notify, struct tpmix_state_all),
        VMSTATE_UINT8(cmd_owner, struct tpmix_state_all),
        VMSTATE_UINT8(rsp_owner, struct tpmix_state_all),
        VMSTATE_UINT8(interface, struct tpmix_state_all),
        VMSTATE_UINT8(intf_sel, struct tpmix_state_all),
        VMSTATE_UINT8(intf_sel_lock, struct tpmix_state_all),
        VMSTATE_UINT8(selftest_done, struct tpmix_state_all),
        VMSTATE_UINT8(established, struct tpmix_state_all),
        VMSTATE_UINT32(bufsize, struct tpmix_state_all),
        VMSTATE_END_OF_LIST()
    }
};

/* Locality 0's command: what is in RAM migrates as RAM. */
static bool tpmix_device_has_no_ram(void *opaque, int version_id)
{
    return !((TPMIXDevice *)opaque)->has_ram;
}

const VMStateDescription vmstate_tpmix_device = {
    .name = "tpmix",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = tpmix_device_pre_save,
    .post_load = tpmix_device_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(capacity, TPMIXDevice,
                             "the TPM buffer sizes differ"),
        VMSTATE_UINT32_EQUAL(irq_num, TPMIXDevice,
                             "the TPM's property 'irq' differs"),
        VMSTATE_STRUCT(engine.s, TPMIXDevice, 1, vmstate_tpmix_state,
                       struct tpmix_state_all),
        VMSTATE_UINT8_EQUAL(has_ram, TPMIXDevice,
                            "the TPM's property 'ram' differs"),
        VMSTATE_VBUFFER_UINT32(cmd0, TPMIXDevice, 1, tpmix_device_has_no_ram,
                               capacity),
        VMSTATE_VBUFFER_UINT32(cmd, TPMIXDevice, 1, NULL, capacity),
        VMSTATE_VBUFFER_UINT32(run, TPMIXDevice, 1, NULL, capacity),
        VMSTATE_VBUFFER_UINT32(rsp, TPMIXDevice, 1, NULL, capacity),
        VMSTATE_END_OF_LIST()
    }
};

/* Realize */

static bool tpmix_device_check_crb(TPMIXDevice *d, Error **errp)
{
    if (!d->fifo && d->starts_as_fifo) {
        error_setg(errp, "'interface=fifo' needs 'fifo=on'");
        return false;
    }
    if (d->localities != 1 && d->localities != TPMIX_NUM_LOCALITIES) {
        error_setg(errp, "'localities' must be 1 or %u, not %u",
                   TPMIX_NUM_LOCALITIES, d->localities);
        return false;
    }
    if (tpmix_device_family(d) != TPMIX_FAMILY_2_0) {
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
    if (!is_power_of_2(d->capacity) ||
        d->capacity < TPMIX_DEVICE_CAPACITY_MIN ||
        d->capacity > TPMIX_DEVICE_CAPACITY_MAX) {
        error_setg(errp, "'buffer-size' must be a power of 2 from 4K to 64K, "
                   "not %" PRIu32, d->capacity);
        return false;
    }
    if (d->sync_us > TPMIX_DEVICE_SYNC_US_MAX) {
        error_setg(errp, "'sync-us' must be at most %u, not %" PRIu32,
                   TPMIX_DEVICE_SYNC_US_MAX, d->sync_us);
        return false;
    }
    return !d->model->crb || tpmix_device_check_crb(d, errp);
}

/*
 * A guest whose memory is confidential gets no register in memory. A write to a
 * slot that it may only read does not trap there, what it reads it may decrypt,
 * and a window that is read-only for others it may make its own.
 */
static bool tpmix_device_wants_ram(const TPMIXDevice *d)
{
    if (d->ram == ON_OFF_AUTO_AUTO) {
        return !current_machine->cgs;
    }
    return d->ram == ON_OFF_AUTO_ON;
}

static bool tpmix_device_init_memory(TPMIXDevice *d, Object *owner,
                                     struct tpmix_ram *ram, Error **errp)
{
    tpmix_memory_init_io(&d->memory, owner, &tpmix_device_ops, d);
    d->has_ram = tpmix_device_wants_ram(d);
    if (!d->has_ram) {
        d->ppi = false; /* nor is there a page for it; ACPI looks here */
        ram->cmd = d->cmd0 = g_malloc0(d->capacity);
        return true;
    }
    return tpmix_memory_init_ram(&d->memory, owner, d->capacity, ram, errp) &&
           (!d->model->crb ||
            tpmix_memory_init_crb(&d->memory, owner, &tpmix_device_ops, d, ram,
                                  errp)) &&
           (!d->ppi || tpmix_memory_init_ppi(&d->memory, owner, errp));
}

bool tpmix_device_realize(TPMIXDevice *d, Object *owner, Error **errp)
{
    const bool crb = d->model->crb;
    struct tpmix_config cfg = {
        .backend = &tpmix_device_backend,
        .opaque = d,
        .capacity = d->capacity,
        .fifo = !crb || d->fifo,
        .crb = crb,
        .interface = !crb || d->starts_as_fifo ? TPMIX_INTERFACE_FIFO :
                                                 TPMIX_INTERFACE_CRB,
        .localities = crb ? d->localities : TPMIX_NUM_LOCALITIES,
        .int_vector = d->irq_num,
    };

    if (!tpmix_device_check(d, errp) ||
        !tpmix_device_init_memory(d, owner, &cfg.ram, errp)) {
        return false;
    }
    qemu_mutex_init(&d->lock);
    d->irq_bh = qemu_bh_new(tpmix_device_irq_bh, d);
    cfg.cmd = d->cmd = g_malloc0(d->capacity);
    cfg.run = d->run = g_malloc0(d->capacity);
    cfg.rsp = d->rsp = g_malloc0(d->capacity);
    d->out = g_malloc0(d->capacity);
    tpmix_init(&d->engine, &cfg);
    return true;
}

void tpmix_device_finalize(TPMIXDevice *d)
{
    if (d->irq_bh) {
        qemu_bh_delete(d->irq_bh);
        qemu_mutex_destroy(&d->lock);
    }
    g_free(d->cmd0);
    g_free(d->cmd);
    g_free(d->run);
    g_free(d->rsp);
    g_free(d->out);
}

void tpmix_device_add_counters(TPMIXDevice *d, Object *obj)
{
    object_property_add_uint64_ptr(obj, "mmio-reads", &d->mmio_reads,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "mmio-writes", &d->mmio_writes,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "commands", &d->engine.starts,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "completions", &d->completions,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "sync-completions",
                                   &d->sync_completions, OBJ_PROP_FLAG_READ);
}
