/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a host of the replay-safe TPM engine; see tpmix_device.h.
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qapi/error.h"
#include "hw/acpi/tpm.h"
#include "system/runstate.h"
#include "system/tpm_util.h"
#include "tpmix_device_internal.h"
#include "trace.h"

static void tpmix_update_irq(TPMIXDevice *d)
{
    qemu_set_irq(d->irq, tpmix_irq(&d->engine));
}

static uint64_t tpmix_device_read(void *opaque, hwaddr addr, unsigned size)
{
    TPMIXDevice *d = opaque;
    uint64_t val;

    if (tpm_backend_had_startup_error(d->be_driver)) {
        return 0;
    }
    d->mmio_reads++;
    val = tpmix_mmio_read(&d->engine, addr, size);
    trace_tpmix_mmio_read(size, addr, val);
    if (tpmix_is_fifo(&d->engine, addr, size)) {
        tpmix_update_irq(d);
    }
    return val;
}

static void tpmix_device_write(void *opaque, hwaddr addr, uint64_t val,
                               unsigned size)
{
    TPMIXDevice *d = opaque;

    if (tpm_backend_had_startup_error(d->be_driver)) {
        return;
    }
    d->mmio_writes++;
    trace_tpmix_mmio_write(size, addr, val);
    tpmix_write(&d->engine, addr, val, size);
    memory_region_set_dirty(&d->cmd_window, 0, d->capacity);
    tpmix_update_irq(d);
}

static uint64_t tpmix_device_ext_read(void *opaque, hwaddr addr, unsigned size)
{
    return tpmix_device_read(opaque, TPMIX_EXT + addr, size);
}

static void tpmix_device_ext_write(void *opaque, hwaddr addr, uint64_t val,
                                   unsigned size)
{
    tpmix_device_write(opaque, TPMIX_EXT + addr, val, size);
}

#define TPMIX_DEVICE_OPS(_read, _write) {       \
    .read = _read,                              \
    .write = _write,                            \
    .endianness = DEVICE_LITTLE_ENDIAN,         \
    .valid = {                                  \
        .min_access_size = 1,                   \
        .max_access_size = 8,                   \
        .unaligned = true,                      \
    },                                          \
    .impl = {                                   \
        .min_access_size = 1,                   \
        .max_access_size = 8,                   \
        .unaligned = true,                      \
    },                                          \
}

const MemoryRegionOps tpmix_device_ops =
    TPMIX_DEVICE_OPS(tpmix_device_read, tpmix_device_write);
const MemoryRegionOps tpmix_device_ext_ops =
    TPMIX_DEVICE_OPS(tpmix_device_ext_read, tpmix_device_ext_write);

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
    tpm_backend_deliver_request(d->be_driver, &d->be_cmd);
}

static void tpmix_backend_cancel(void *opaque)
{
    TPMIXDevice *d = opaque;

    trace_tpmix_cancel(d->be_ticket);
    tpm_backend_cancel_cmd(d->be_driver);
}

void tpmix_device_established_changed(TPMIXDevice *d)
{
    if (!tpm_backend_had_startup_error(d->be_driver)) {
        tpmix_set_established(&d->engine,
            tpm_backend_get_tpm_established_flag(d->be_driver));
    }
}

static void tpmix_backend_reset_established(void *opaque,
                                            unsigned int locality)
{
    TPMIXDevice *d = opaque;

    tpm_backend_reset_tpm_established_flag(d->be_driver, locality);
    /* A backend that asks the TPM later says when it has answered. */
    tpmix_device_established_changed(d);
}

static void tpmix_backend_guest_error(void *opaque, const char *what,
                                      uint32_t addr)
{
    qemu_log_mask(LOG_GUEST_ERROR, "tpm: %s (offset 0x%05" PRIx32 ")\n",
                  what, addr);
}

const struct tpmix_backend tpmix_device_backend = {
    .start = tpmix_backend_start,
    .cancel = tpmix_backend_cancel,
    .reset_established = tpmix_backend_reset_established,
    .guest_error = tpmix_backend_guest_error,
};

void tpmix_device_request_completed(TPMIXDevice *d, int ret)
{
    /* A backend that failed left no response, whatever is in the buffer. */
    const uint8_t *rsp = ret < 0 ? NULL : d->out;
    uint32_t len = rsp ? tpm_cmd_get_size(rsp) : 0;

    trace_tpmix_complete(d->be_ticket, len, ret);
    tpmix_complete(&d->engine, d->be_ticket, rsp, len,
                   d->be_cmd.selftest_done);
    tpmix_update_irq(d);
}

TPMVersion tpmix_device_get_version(TPMIXDevice *d)
{
    if (tpm_backend_had_startup_error(d->be_driver)) {
        return TPM_VERSION_UNSPEC;
    }
    return tpm_backend_get_tpm_version(d->be_driver);
}

/* CRB's registers are read from memory; DATA_FIFO has to trap. */
static void tpmix_device_map_interface(TPMIXDevice *d)
{
    if (d->crb) {
        memory_region_rom_device_set_romd(&d->crb_page,
            d->engine.s.interface == TPMIX_INTERFACE_CRB &&
            !tpm_backend_had_startup_error(d->be_driver));
    }
}

void tpmix_device_reset(TPMIXDevice *d)
{
    TPMVersion version = tpm_backend_get_tpm_version(d->be_driver);

    if (d->ppi_enabled) {
        tpm_ppi_reset(&d->ppi);
    }
    /* Waits for a running command; its completion is still the old one's. */
    tpm_backend_reset(d->be_driver);

    d->be_bufsize = MIN(tpm_backend_get_buffer_size(d->be_driver),
                        d->capacity);
    tpmix_reset(&d->engine, version == TPM_VERSION_1_2 ? TPMIX_FAMILY_1_2 :
                                                         TPMIX_FAMILY_2_0,
                d->be_bufsize);
    memory_region_set_dirty(&d->cmd_window, 0, d->capacity);

    if (tpm_backend_startup_tpm(d->be_driver, d->be_bufsize) < 0) {
        if (!d->started) {
            exit(1);
        }
        /* A guest's reset is not to end QEMU. There is no TPM till the next. */
        error_report("tpm: the backend did not start");
        memset(d->engine.cfg.ram.block, 0, TPMIX_BLOCK_SIZE);
        tpmix_device_map_interface(d);
        tpmix_update_irq(d);
        return;
    }
    tpmix_device_map_interface(d);
    d->started = true;
    /*
     * Before an incoming migration the backend does not run yet, and would not
     * answer; the flag comes with the state.
     */
    if (!runstate_check(RUN_STATE_INMIGRATE)) {
        tpmix_device_established_changed(d);
    }
    tpmix_update_irq(d);
}

void tpmix_device_init(TPMIXDevice *d, Object *obj)
{
    d->fifo = true;
    d->localities = TPMIX_NUM_LOCALITIES;
    object_property_add_uint64_ptr(obj, "mmio-reads", &d->mmio_reads,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "mmio-writes", &d->mmio_writes,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "commands", &d->engine.starts,
                                   OBJ_PROP_FLAG_READ);
}

/* Migration */

static int tpmix_device_pre_save(void *opaque)
{
    TPMIXDevice *d = opaque;

    /* A running command completes first: its response migrates. */
    tpm_backend_finish_sync(d->be_driver);
    return 0;
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
    if (s->family != (tpmix_device_get_version(d) == TPM_VERSION_1_2 ?
                      TPMIX_FAMILY_1_2 : TPMIX_FAMILY_2_0)) {
        error_report("tpm: source and destination backend differ in their "
                     "TPM version");
        return -EINVAL;
    }
    tpmix_refresh(&d->engine);
    tpmix_device_map_interface(d);
    tpmix_update_irq(d);
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
        VMSTATE_UINT8(next, struct tpmix_state_all),
        VMSTATE_UINT8(running, struct tpmix_state_all),
        VMSTATE_UINT8(abort, struct tpmix_state_all),
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

const VMStateDescription vmstate_tpmix_device = {
    .name = "tpmix",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = tpmix_device_pre_save,
    .post_load = tpmix_device_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(capacity, TPMIXDevice,
                             "the TPM buffer sizes differ"),
        VMSTATE_STRUCT(engine.s, TPMIXDevice, 1, vmstate_tpmix_state,
                       struct tpmix_state_all),
        VMSTATE_VBUFFER_UINT32(cmd, TPMIXDevice, 1, NULL, capacity),
        VMSTATE_VBUFFER_UINT32(rsp, TPMIXDevice, 1, NULL, capacity),
        VMSTATE_END_OF_LIST()
    }
};
