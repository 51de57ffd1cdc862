/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMIO replay: repeat a guest's accesses to a device
 *
 * A test device for devices. It lies over a range of MMIO, hands each access
 * on to the device below, and hands some of them on a second time, as happens
 * when a VMM runs an MMIO instruction again after a resume, a snapshot or a
 * retry. The device below is neither changed nor aware of it.
 *
 * QEMU interface:
 *  + property "addr" (uint64): physical address of the range, multiple of 8;
 *    whole pages are best, as TCG treats parts of a page differently
 *  + property "size" (uint64): its size in bytes, multiple of 8, required
 *
 * These say which accesses are selected; an access that is repeated here is
 * never an access itself. They can be changed at run time:
 *  + property "enabled" (bool, on): off forwards and counts only "accesses"
 *  + property "reads" (bool, on), "writes" (bool, on): select these
 *  + property "min-offset" (uint64, 0), "max-offset" (uint64, all ones): select
 *    accesses whose first byte is in min-offset..max-offset, relative to addr
 *
 * Which of the selected accesses are repeated; either suffices, both 0: none.
 * They can be changed at run time:
 *  + property "nth" (uint64, 0): the nth selected one, from 1, counted since
 *    the start or "reset-counters"
 *  + property "rate" (uint32, 0): this many of 1000000, at random
 *  + property "seed" (uint64, 0): of the random numbers. Each selected access
 *    draws one, so the choice depends on seed, rate and the access's number
 *    only, and a higher rate repeats a superset. A change takes effect with
 *    "reset-counters".
 *
 * When they are repeated. They can be changed at run time:
 *  + property "when" (now, late, completed; default now)
 *    - now: at once. The guest gets the second value of a read.
 *    - late: after the next "delay" accesses. The value of a read is dropped.
 *    - completed: before the first access after the device completed the
 *      command that the access belongs to: the done condition (below) was false
 *      just before or just after the access, and is true. So an access before
 *      the doorbell waits for that command, and one made to a completed
 *      command waits for the next. The value of a read is dropped.
 *  + property "delay" (uint32, 1): for "late", at least 1
 *  + property "done-addr" (uint64, 0x18), "done-mask" (uint32, 0xb0),
 *    "done-value" (uint32, 0x90): the done condition: the 32-bit register at
 *    offset done-addr from addr, masked with done-mask, is done-value. This
 *    device reads it around accesses while a repeat waits for completion; such
 *    a read must have no side effect. The defaults are STS of TIS locality 0:
 *    stsValid and dataAvail set, and tpmGo, which reads as 0, to exclude the
 *    all ones of an inactive locality. CRB: 0x4c, 0x1, 0x0 (CTRL_START).
 *  + property "done-device" (link, none): a device whose property "completions"
 *    counts them, in place of the done condition: a command that ends within
 *    the access that begins it never makes the condition false
 *
 * Results:
 *  + property "accesses" (uint64, read-only): by the guest to the range
 *  + property "selected" (uint64, read-only): of those, see above
 *  + property "replayed-reads", "replayed-writes" (uint64, read-only): repeats
 *  + property "pending" (uint64, read-only): repeats still to come
 *  + property "reset-counters" (bool, write-only): true sets the counters to 0,
 *    drops pending repeats and restarts the random numbers from seed
 *
 * The memory map is looked at once, at realize: the device below must be there
 * already. RAM and ROM in the range are left alone, as nothing traps there. A
 * ROM device, of which writes trap, is covered whole: its reads trap as well.
 * A system reset drops pending repeats. Nothing migrates: a destination counts
 * from 0.
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qemu/queue.h"
#include "qapi/error.h"
#include "hw/tpm/tpmix_compat.h"
#include "qom/object.h"
#include "system/reset.h"
#include "trace.h"

#define TYPE_MMIO_REPLAY "mmio-replay"
OBJECT_DECLARE_SIMPLE_TYPE(MMIOReplayState, MMIO_REPLAY)

/* Above all that machines use; the latest of several mmio-replay is on top. */
#define MMIO_REPLAY_PRIORITY 100000

#define MMIO_REPLAY_RATE_MAX 1000000

/* Starting offsets within the device below keep their alignment. */
#define MMIO_REPLAY_ALIGN 8

typedef enum MMIOReplayWhen {
    MMIO_REPLAY_NOW,
    MMIO_REPLAY_LATE,
    MMIO_REPLAY_COMPLETED,
} MMIOReplayWhen;

static const QEnumLookup mmio_replay_when_lookup = {
    .array = (const char *const[]) {
        [MMIO_REPLAY_NOW] = "now",
        [MMIO_REPLAY_LATE] = "late",
        [MMIO_REPLAY_COMPLETED] = "completed",
    },
    .size = 3,
};

/* One MMIO section of the range */
typedef struct MMIOReplayOverlay {
    MMIOReplayState *s;
    MemoryRegion mr;
    MemoryRegionOps ops;
    MemoryRegion *below;        /* holds a reference */
    hwaddr below_offset;        /* of the overlay's first byte in below */
    hwaddr offset;              /* of the overlay's first byte from s->addr */
    QSLIST_ENTRY(MMIOReplayOverlay) next;
} MMIOReplayOverlay;

typedef struct MMIOReplayAccess {
    MMIOReplayOverlay *overlay;
    hwaddr addr;                /* in the overlay */
    uint64_t value;
    unsigned size;
    bool is_write;
    MemTxAttrs attrs;
} MMIOReplayAccess;

typedef struct MMIOReplayPending {
    MMIOReplayAccess access;
    MMIOReplayWhen when;
    uint32_t countdown;         /* late: accesses to go */
    bool armed;                 /* completed: the condition was seen false */
    uint64_t completions;       /* completed: before the access */
    QTAILQ_ENTRY(MMIOReplayPending) next;
} MMIOReplayPending;

struct MMIOReplayState {
    DeviceState parent_obj;

    /* configuration, fixed at realize */
    hwaddr addr;
    uint64_t size;
    DeviceState *done_device;
    QSLIST_HEAD(, MMIOReplayOverlay) overlays;

    /* configuration, changeable at run time */
    bool enabled;
    bool reads;
    bool writes;
    uint64_t min_offset;
    uint64_t max_offset;
    uint64_t nth;
    uint32_t rate;
    uint64_t seed;
    MMIOReplayWhen when;
    uint32_t delay;
    uint64_t done_addr;
    uint32_t done_mask;
    uint32_t done_value;

    /* state */
    uint64_t random;
    QTAILQ_HEAD(, MMIOReplayPending) pending;
    uint64_t num_pending;
    uint64_t accesses;
    uint64_t selected;
    uint64_t replayed_reads;
    uint64_t replayed_writes;
};

/* SplitMix64: the numbers depend on the seed alone, not on a library. */
static uint64_t mmio_replay_random(MMIOReplayState *s)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/*
 * The overlay takes an access whole and the dispatch to the region below
 * splits it as that region asks, so that a repeat is of all the parts in their
 * order. Little endian on both sides keeps the bytes, whatever the device is.
 */
static MemTxResult mmio_replay_perform(MMIOReplayAccess *a)
{
    MMIOReplayOverlay *o = a->overlay;
    hwaddr addr = o->below_offset + a->addr;
    MemOp op = size_memop(a->size) | MO_LE;

    if (a->is_write) {
        return memory_region_dispatch_write(o->below, addr, a->value, op,
                                            a->attrs);
    }
    return memory_region_dispatch_read(o->below, addr, &a->value, op,
                                       a->attrs);
}

static MemTxResult mmio_replay_repeat(MMIOReplayState *s, MMIOReplayAccess *a,
                                      MMIOReplayWhen when)
{
    const char *name = mmio_replay_when_lookup.array[when];
    hwaddr offset = a->overlay->offset + a->addr;
    uint64_t before = a->value;
    MemTxResult r = mmio_replay_perform(a);

    if (a->is_write) {
        s->replayed_writes++;
        trace_mmio_replay_repeat_write(name, offset, a->value, a->size);
    } else {
        s->replayed_reads++;
        trace_mmio_replay_repeat_read(name, offset, before, a->value, a->size);
    }
    return r;
}

static MMIOReplayOverlay *mmio_replay_find(MMIOReplayState *s, hwaddr offset,
                                           unsigned size)
{
    MMIOReplayOverlay *o;

    QSLIST_FOREACH(o, &s->overlays, next) {
        if (offset >= o->offset &&
            offset - o->offset < memory_region_size(&o->mr) &&
            size <= memory_region_size(&o->mr) - (offset - o->offset)) {
            return o;
        }
    }
    return NULL;
}

static bool mmio_replay_is_done(MMIOReplayState *s)
{
    MMIOReplayAccess a = {
        .overlay = mmio_replay_find(s, s->done_addr, sizeof(uint32_t)),
        .size = sizeof(uint32_t),
        .attrs = MEMTXATTRS_UNSPECIFIED,
    };

    if (s->done_device || !a.overlay) {
        return false;
    }
    a.addr = s->done_addr - a.overlay->offset;
    return mmio_replay_perform(&a) == MEMTX_OK &&
           (a.value & s->done_mask) == s->done_value;
}

static uint64_t mmio_replay_completions(MMIOReplayState *s)
{
    return s->done_device ? object_property_get_uint(OBJECT(s->done_device),
                                                     "completions", NULL) : 0;
}

/* Is it time for @p? Also remembers that it will be. */
static bool mmio_replay_is_due(MMIOReplayState *s, MMIOReplayPending *p,
                               bool done, uint64_t completions)
{
    if (s->done_device) {
        return completions != p->completions;
    }
    p->armed |= !done;
    return done && p->armed;
}

static bool mmio_replay_waits(MMIOReplayState *s, MMIOReplayWhen when)
{
    MMIOReplayPending *p;

    QTAILQ_FOREACH(p, &s->pending, next) {
        if (p->when == when) {
            return true;
        }
    }
    return false;
}

static void mmio_replay_drop(MMIOReplayState *s, MMIOReplayPending *p)
{
    QTAILQ_REMOVE(&s->pending, p, next);
    s->num_pending--;
    g_free(p);
}

static void mmio_replay_drop_all(MMIOReplayState *s)
{
    while (!QTAILQ_EMPTY(&s->pending)) {
        mmio_replay_drop(s, QTAILQ_FIRST(&s->pending));
    }
}

/*
 * Look at the done condition, and repeat or arm what waits for it. The order
 * is that of the original accesses; a repeat may end the completion, which
 * does not keep those after it from being repeated.
 */
static void mmio_replay_poll(MMIOReplayState *s, bool repeat)
{
    MMIOReplayPending *p, *tmp;
    uint64_t completions;
    bool done;

    if (!mmio_replay_waits(s, MMIO_REPLAY_COMPLETED)) {
        return;
    }
    completions = mmio_replay_completions(s);
    done = mmio_replay_is_done(s);
    QTAILQ_FOREACH_SAFE(p, &s->pending, next, tmp) {
        if (p->when == MMIO_REPLAY_COMPLETED &&
            mmio_replay_is_due(s, p, done, completions) && repeat) {
            mmio_replay_repeat(s, &p->access, p->when);
            mmio_replay_drop(s, p);
        }
    }
}

/* One more access was made: repeat those that waited for it. */
static void mmio_replay_count_down(MMIOReplayState *s)
{
    MMIOReplayPending *p, *tmp;

    QTAILQ_FOREACH_SAFE(p, &s->pending, next, tmp) {
        if (p->when == MMIO_REPLAY_LATE && --p->countdown == 0) {
            mmio_replay_repeat(s, &p->access, p->when);
            mmio_replay_drop(s, p);
        }
    }
}

/* Does this access count, and is it one to be repeated? */
static bool mmio_replay_select(MMIOReplayState *s, const MMIOReplayAccess *a)
{
    hwaddr offset = a->overlay->offset + a->addr;
    uint64_t draw;

    if (!s->enabled || !(a->is_write ? s->writes : s->reads) ||
        offset < s->min_offset || offset > s->max_offset) {
        return false;
    }
    s->selected++;
    draw = ((mmio_replay_random(s) >> 32) * MMIO_REPLAY_RATE_MAX) >> 32;
    return s->selected == s->nth || draw < s->rate;
}

static void mmio_replay_record(MMIOReplayState *s, const MMIOReplayAccess *a,
                               bool armed, uint64_t completions)
{
    MMIOReplayPending *p = g_new(MMIOReplayPending, 1);

    *p = (MMIOReplayPending) {
        .access = *a,
        .when = s->when,
        .countdown = MAX(s->delay, 1),
        .armed = armed,
        .completions = completions,
    };
    QTAILQ_INSERT_TAIL(&s->pending, p, next);
    s->num_pending++;
}

static MemTxResult mmio_replay_access(MMIOReplayState *s, MMIOReplayAccess *a)
{
    bool chosen, armed = false;
    uint64_t completions = 0;
    MemTxResult r;

    mmio_replay_poll(s, true);

    s->accesses++;
    chosen = mmio_replay_select(s, a);
    if (chosen && s->when == MMIO_REPLAY_COMPLETED) {
        /* A device may complete within the access that starts it. */
        armed = !mmio_replay_is_done(s);
        completions = mmio_replay_completions(s);
    }

    r = mmio_replay_perform(a);
    if (a->is_write) {
        trace_mmio_replay_write(a->overlay->offset + a->addr, a->value,
                                a->size, s->accesses);
    } else {
        trace_mmio_replay_read(a->overlay->offset + a->addr, a->value,
                               a->size, s->accesses);
    }

    mmio_replay_count_down(s);

    if (chosen && s->when == MMIO_REPLAY_NOW) {
        /*
         * The instruction runs again after the resume, and it is this run whose
         * value reaches the guest's register: the first one is lost with the
         * byte that it took from the FIFO.
         */
        r = mmio_replay_repeat(s, a, MMIO_REPLAY_NOW);
    } else if (chosen) {
        mmio_replay_record(s, a, armed, completions);
    }
    mmio_replay_poll(s, false);
    return r;
}

static MemTxResult mmio_replay_read(void *opaque, hwaddr addr, uint64_t *data,
                                    unsigned size, MemTxAttrs attrs)
{
    MMIOReplayOverlay *o = opaque;
    MMIOReplayAccess a = {
        .overlay = o, .addr = addr, .size = size, .attrs = attrs,
    };
    MemTxResult r = mmio_replay_access(o->s, &a);

    *data = a.value;
    return r;
}

static MemTxResult mmio_replay_write(void *opaque, hwaddr addr, uint64_t data,
                                     unsigned size, MemTxAttrs attrs)
{
    MMIOReplayOverlay *o = opaque;
    MMIOReplayAccess a = {
        .overlay = o, .addr = addr, .value = data, .size = size,
        .is_write = true, .attrs = attrs,
    };

    return mmio_replay_access(o->s, &a);
}

static bool mmio_replay_accepts(void *opaque, hwaddr addr, unsigned size,
                                bool is_write, MemTxAttrs attrs)
{
    MMIOReplayOverlay *o = opaque;

    return o->below->ops->valid.accepts(o->below->opaque,
                                        o->below_offset + addr, size,
                                        is_write, attrs);
}

/* What the region below accepts is accepted, in any width that it may have. */
static void mmio_replay_init_ops(MMIOReplayOverlay *o)
{
    const MemoryRegionOps *below = o->below->ops;

    o->ops = (MemoryRegionOps) {
        .read_with_attrs = mmio_replay_read,
        .write_with_attrs = mmio_replay_write,
        .endianness = DEVICE_LITTLE_ENDIAN,
        .valid = below->valid,
        .impl = {
            .min_access_size = 1,
            .max_access_size = 8,
            .unaligned = below->impl.unaligned,
        },
    };
    if (below->valid.accepts) {
        o->ops.valid.accepts = mmio_replay_accepts;
    }
}

static void mmio_replay_cover(MMIOReplayState *s, MemoryRegionSection *section)
{
    MMIOReplayOverlay *o = g_new0(MMIOReplayOverlay, 1);
    g_autofree char *name = NULL;

    o->s = s;
    o->below = section->mr;
    o->below_offset = section->offset_within_region;
    o->offset = section->offset_within_address_space - s->addr;
    mmio_replay_init_ops(o);

    name = g_strdup_printf("mmio-replay:%s", memory_region_name(o->below));
    memory_region_init_io(&o->mr, OBJECT(s), &o->ops, o, name,
                          int128_get64(section->size));
    QSLIST_INSERT_HEAD(&s->overlays, o, next);
    memory_region_add_subregion_overlap(get_system_memory(),
                                        s->addr + o->offset, &o->mr,
                                        MMIO_REPLAY_PRIORITY);
}

static void mmio_replay_uncover(MMIOReplayState *s)
{
    MMIOReplayOverlay *o;

    QSLIST_FOREACH(o, &s->overlays, next) {
        memory_region_del_subregion(get_system_memory(), &o->mr);
    }
}

/* Not earlier: a reader may still be in a view of memory with the overlays. */
static void mmio_replay_instance_finalize(Object *obj)
{
    MMIOReplayState *s = MMIO_REPLAY(obj);

    while (!QSLIST_EMPTY(&s->overlays)) {
        MMIOReplayOverlay *o = QSLIST_FIRST(&s->overlays);

        QSLIST_REMOVE_HEAD(&s->overlays, next);
        object_unparent(OBJECT(&o->mr));
        memory_region_unref(o->below);
        g_free(o);
    }
}

static bool mmio_replay_is_mmio(MemoryRegion *mr)
{
    return !memory_region_is_ram(mr) && !memory_region_is_iommu(mr);
}

/* Cover all MMIO of the range. On failure the caller uncovers. */
static bool mmio_replay_cover_all(MMIOReplayState *s, Error **errp)
{
    uint64_t done = 0;

    while (done < s->size) {
        MemoryRegionSection section =
            memory_region_find(get_system_memory(), s->addr + done,
                               s->size - done);

        if (!section.mr) {
            break;
        }
        done = section.offset_within_address_space - s->addr +
               int128_get64(section.size);
        if (!mmio_replay_is_mmio(section.mr)) {
            memory_region_unref(section.mr);
            continue;
        }
        if (!QEMU_IS_ALIGNED(section.offset_within_region,
                             MMIO_REPLAY_ALIGN)) {
            error_setg(errp, "'addr' is not %d-byte aligned within '%s'",
                       MMIO_REPLAY_ALIGN, memory_region_name(section.mr));
            memory_region_unref(section.mr);
            return false;
        }
        mmio_replay_cover(s, &section); /* takes over the reference */
    }

    if (QSLIST_EMPTY(&s->overlays)) {
        error_setg(errp, "no MMIO in 0x%" HWADDR_PRIx "..0x%" HWADDR_PRIx,
                   s->addr, s->addr + s->size - 1);
        error_append_hint(errp, "Place -device mmio-replay after the device "
                          "it covers.\n");
        return false;
    }
    return true;
}

static bool mmio_replay_check_when(MMIOReplayState *s, MMIOReplayWhen when,
                                   Error **errp)
{
    if (s->done_device &&
        !object_property_find(OBJECT(s->done_device), "completions")) {
        error_setg(errp, "'done-device' does not count its completions");
        error_append_hint(errp, "tpm-tis-indexed and tpm-crb-ext do.\n");
        return false;
    }
    if (when == MMIO_REPLAY_COMPLETED && !s->done_device &&
        !mmio_replay_find(s, s->done_addr, sizeof(uint32_t))) {
        error_setg(errp, "'when=completed' needs a 'done-addr' in the MMIO "
                   "covered, 0x%" PRIx64 " is not", s->done_addr);
        return false;
    }
    return true;
}

static bool mmio_replay_check(MMIOReplayState *s, Error **errp)
{
    if (!s->size) {
        error_setg(errp, "'size' property is required");
        return false;
    }
    if (!QEMU_IS_ALIGNED(s->addr | s->size, MMIO_REPLAY_ALIGN)) {
        error_setg(errp, "'addr' and 'size' must be multiples of %d",
                   MMIO_REPLAY_ALIGN);
        return false;
    }
    if (s->size - 1 > UINT64_MAX - s->addr) {
        error_setg(errp, "'addr' and 'size' exceed the address space");
        return false;
    }
    if (s->rate > MMIO_REPLAY_RATE_MAX) {
        error_setg(errp, "'rate' must be at most %d", MMIO_REPLAY_RATE_MAX);
        return false;
    }
    if (s->min_offset > s->max_offset) {
        error_setg(errp, "'min-offset' must not exceed 'max-offset'");
        return false;
    }
    if (s->when == MMIO_REPLAY_LATE && !s->delay) {
        error_setg(errp, "'when=late' needs a 'delay' of at least 1");
        return false;
    }
    return true;
}

static void mmio_replay_reset(void *opaque)
{
    mmio_replay_drop_all(opaque);
}

static void mmio_replay_realize(DeviceState *dev, Error **errp)
{
    MMIOReplayState *s = MMIO_REPLAY(dev);

    if (!mmio_replay_check(s, errp)) {
        return;
    }
    if (!mmio_replay_cover_all(s, errp) ||
        !mmio_replay_check_when(s, s->when, errp)) {
        mmio_replay_uncover(s);
        return;
    }
    s->random = s->seed;
    /* Without a bus there is no reset from above. */
    qemu_register_reset(mmio_replay_reset, s);
}

static void mmio_replay_unrealize(DeviceState *dev)
{
    MMIOReplayState *s = MMIO_REPLAY(dev);

    qemu_unregister_reset(mmio_replay_reset, s);
    mmio_replay_drop_all(s);
    mmio_replay_uncover(s);
}

static bool mmio_replay_get_enabled(Object *obj, Error **errp)
{
    return MMIO_REPLAY(obj)->enabled;
}

static void mmio_replay_set_enabled(Object *obj, bool value, Error **errp)
{
    MMIO_REPLAY(obj)->enabled = value;
}

static bool mmio_replay_get_reads(Object *obj, Error **errp)
{
    return MMIO_REPLAY(obj)->reads;
}

static void mmio_replay_set_reads(Object *obj, bool value, Error **errp)
{
    MMIO_REPLAY(obj)->reads = value;
}

static bool mmio_replay_get_writes(Object *obj, Error **errp)
{
    return MMIO_REPLAY(obj)->writes;
}

static void mmio_replay_set_writes(Object *obj, bool value, Error **errp)
{
    MMIO_REPLAY(obj)->writes = value;
}

static int mmio_replay_get_when(Object *obj, Error **errp)
{
    return MMIO_REPLAY(obj)->when;
}

static void mmio_replay_set_when(Object *obj, int value, Error **errp)
{
    MMIOReplayState *s = MMIO_REPLAY(obj);

    if (DEVICE(obj)->realized && !mmio_replay_check_when(s, value, errp)) {
        return;
    }
    s->when = value;
}

static void mmio_replay_set_reset_counters(Object *obj, bool value,
                                           Error **errp)
{
    MMIOReplayState *s = MMIO_REPLAY(obj);

    if (!value) {
        return;
    }
    mmio_replay_drop_all(s);
    s->accesses = 0;
    s->selected = 0;
    s->replayed_reads = 0;
    s->replayed_writes = 0;
    s->random = s->seed;
}

static void mmio_replay_instance_init(Object *obj)
{
    MMIOReplayState *s = MMIO_REPLAY(obj);
    const ObjectPropertyFlags rw = OBJ_PROP_FLAG_READWRITE;
    const ObjectPropertyFlags ro = OBJ_PROP_FLAG_READ;

    QSLIST_INIT(&s->overlays);
    QTAILQ_INIT(&s->pending);
    s->enabled = true;
    s->reads = true;
    s->writes = true;
    s->max_offset = UINT64_MAX;
    s->delay = 1;
    s->done_addr = 0x18;
    s->done_mask = 0xb0;
    s->done_value = 0x90;

    object_property_add_uint64_ptr(obj, "min-offset", &s->min_offset, rw);
    object_property_add_uint64_ptr(obj, "max-offset", &s->max_offset, rw);
    object_property_add_uint64_ptr(obj, "nth", &s->nth, rw);
    object_property_add_uint32_ptr(obj, "rate", &s->rate, rw);
    object_property_add_uint64_ptr(obj, "seed", &s->seed, rw);
    object_property_add_uint32_ptr(obj, "delay", &s->delay, rw);
    object_property_add_uint64_ptr(obj, "done-addr", &s->done_addr, rw);
    object_property_add_uint32_ptr(obj, "done-mask", &s->done_mask, rw);
    object_property_add_uint32_ptr(obj, "done-value", &s->done_value, rw);
    object_property_add_uint64_ptr(obj, "accesses", &s->accesses, ro);
    object_property_add_uint64_ptr(obj, "selected", &s->selected, ro);
    object_property_add_uint64_ptr(obj, "replayed-reads", &s->replayed_reads,
                                   ro);
    object_property_add_uint64_ptr(obj, "replayed-writes", &s->replayed_writes,
                                   ro);
    object_property_add_uint64_ptr(obj, "pending", &s->num_pending, ro);
}

static const Property mmio_replay_properties[] = {
    DEFINE_PROP_UINT64("addr", MMIOReplayState, addr, 0),
    DEFINE_PROP_UINT64("size", MMIOReplayState, size, 0),
    DEFINE_PROP_LINK("done-device", MMIOReplayState, done_device, TYPE_DEVICE,
                     DeviceState *),
};

static void mmio_replay_class_init(ObjectClass *oc, TPMIXClassData *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Repeats accesses to the MMIO of another device";
    dc->realize = mmio_replay_realize;
    dc->unrealize = mmio_replay_unrealize;
    /* The map below is looked at once, and a guest has no say in it. */
    dc->hotpluggable = false;
    device_class_set_props(dc, mmio_replay_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);

    object_class_property_add_bool(oc, "enabled", mmio_replay_get_enabled,
                                   mmio_replay_set_enabled);
    object_class_property_add_bool(oc, "reads", mmio_replay_get_reads,
                                   mmio_replay_set_reads);
    object_class_property_add_bool(oc, "writes", mmio_replay_get_writes,
                                   mmio_replay_set_writes);
    object_class_property_add_enum(oc, "when", "MMIOReplayWhen",
                                   &mmio_replay_when_lookup,
                                   mmio_replay_get_when, mmio_replay_set_when);
    object_class_property_add_bool(oc, "reset-counters", NULL,
                                   mmio_replay_set_reset_counters);
}

static const TypeInfo mmio_replay_info = {
    .name = TYPE_MMIO_REPLAY,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(MMIOReplayState),
    .instance_init = mmio_replay_instance_init,
    .instance_finalize = mmio_replay_instance_finalize,
    .class_init = mmio_replay_class_init,
};

static void mmio_replay_register_types(void)
{
    type_register_static(&mmio_replay_info);
}

type_init(mmio_replay_register_types)
