/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

struct access {
	uint64_t val;
	uint32_t off;
	unsigned int size;
	bool write;
};

struct pending {
	struct access access;
	enum tpmix_replay_when when;
	uint32_t countdown;     /* late: accesses to go */
	bool armed;             /* completed: the condition was seen false */
};

struct replay {
	struct tpmix_bus bus;
	struct tpmix_replay_spec spec;
	struct tpmix_replay_counts counts;
	uint64_t base;          /* physical address of the bus' offset 0 */
	uint64_t random;
	GQueue pending;         /* struct pending *, in the order of the originals */
	tpmix_replay_mark mark;
	void *opaque;
};

/* SplitMix64, as mmio-replay. */
static uint64_t next_random(struct replay *r)
{
	uint64_t z = (r->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void perform(struct replay *r, struct access *a)
{
	if (a->write)
		tpmix_bus_write(r->bus.below, a->off, a->val, a->size);
	else
		a->val = tpmix_bus_read(r->bus.below, a->off, a->size);
}

static void repeat(struct replay *r, struct access *a)
{
	if (r->mark)
		r->mark(r->opaque, true);
	perform(r, a);
	if (r->mark)
		r->mark(r->opaque, false);
	if (a->write)
		r->counts.replayed_writes++;
	else
		r->counts.replayed_reads++;
}

static bool is_done(struct replay *r)
{
	uint32_t off = (uint32_t)(r->spec.addr + r->spec.done_addr - r->base);
	uint64_t val = tpmix_bus_read(r->bus.below, off, 4);

	return !tpmix_bus_error(&r->bus) &&
	       (val & r->spec.done_mask) == r->spec.done_value;
}

static void drop(struct replay *r, GList *link)
{
	g_free(link->data);
	g_queue_delete_link(&r->pending, link);
	r->counts.pending--;
}

static bool waits(struct replay *r, enum tpmix_replay_when when)
{
	GList *l;

	for (l = r->pending.head; l; l = l->next)
		if (((struct pending *)l->data)->when == when)
			return true;
	return false;
}

/* Looks at the done condition; repeats or arms what waits for it. */
static void poll_done(struct replay *r, bool may_repeat)
{
	GList *l, *next;
	bool done;

	if (!waits(r, TPMIX_REPLAY_COMPLETED))
		return;
	done = is_done(r);
	for (l = r->pending.head; l; l = next) {
		struct pending *p = l->data;

		next = l->next;
		if (p->when != TPMIX_REPLAY_COMPLETED)
			continue;
		if (!done) {
			p->armed = true;
		} else if (p->armed && may_repeat) {
			repeat(r, &p->access);
			drop(r, l);
		}
	}
}

static void count_down(struct replay *r)
{
	GList *l, *next;

	for (l = r->pending.head; l; l = next) {
		struct pending *p = l->data;

		next = l->next;
		if (p->when == TPMIX_REPLAY_LATE && --p->countdown == 0) {
			repeat(r, &p->access);
			drop(r, l);
		}
	}
}

static bool select_access(struct replay *r, const struct access *a)
{
	uint64_t addr = r->base + a->off, off = addr - r->spec.addr, draw;

	/* "accesses" are those to the range, as if a device lay over it. */
	if (addr < r->spec.addr || off >= r->spec.size)
		return false;
	r->counts.accesses++;
	if (!r->spec.enabled || !(a->write ? r->spec.writes : r->spec.reads) ||
	    off < r->spec.min_offset || off > r->spec.max_offset)
		return false;
	r->counts.selected++;
	draw = ((next_random(r) >> 32) * 1000000) >> 32;
	return r->counts.selected == r->spec.nth || draw < r->spec.rate;
}

static void record(struct replay *r, const struct access *a, bool armed)
{
	struct pending *p = g_new(struct pending, 1);

	*p = (struct pending) {
		.access = *a,
		.when = r->spec.when,
		.countdown = MAX(r->spec.delay, 1),
		.armed = armed,
	};
	g_queue_push_tail(&r->pending, p);
	r->counts.pending++;
}

static void access_bus(struct replay *r, struct access *a)
{
	bool chosen, armed = false;

	poll_done(r, true);
	chosen = select_access(r, a);
	if (chosen && r->spec.when == TPMIX_REPLAY_COMPLETED)
		/* A device may complete within the access that starts it. */
		armed = !is_done(r);
	perform(r, a);
	count_down(r);
	if (chosen && r->spec.when == TPMIX_REPLAY_NOW)
		/* It is the second run whose value reaches the register. */
		repeat(r, a);
	else if (chosen)
		record(r, a, armed);
	poll_done(r, false);
}

static uint64_t replay_read(struct tpmix_bus *bus, uint32_t off,
			    unsigned int size)
{
	struct access a = { .off = off, .size = size };

	access_bus((struct replay *)bus, &a);
	return a.val;
}

static void replay_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			 unsigned int size)
{
	struct access a = { .off = off, .size = size, .val = val, .write = true };

	access_bus((struct replay *)bus, &a);
}

static void replay_close(struct tpmix_bus *bus)
{
	struct replay *r = (struct replay *)bus;

	g_queue_clear_full(&r->pending, g_free);
	g_free(r);
}

static const struct tpmix_bus_ops replay_ops = {
	.read = replay_read,
	.write = replay_write,
	.close = replay_close,
};

struct tpmix_bus *tpmix_replay_new(struct tpmix_bus *below,
				   const struct tpmix_replay_spec *spec,
				   tpmix_replay_mark mark, void *opaque)
{
	struct replay *r = g_new0(struct replay, 1);

	r->bus.ops = &replay_ops;
	r->bus.below = below;
	r->spec = *spec;
	r->base = tpmix_bus_base(below);
	r->random = spec->seed;
	r->mark = mark;
	r->opaque = opaque;
	g_queue_init(&r->pending);
	return &r->bus;
}

void tpmix_replay_get_counts(const struct tpmix_bus *bus,
			     struct tpmix_replay_counts *counts)
{
	*counts = ((const struct replay *)bus)->counts;
}

void tpmix_replay_reset(struct tpmix_bus *bus, const struct tpmix_replay_spec *spec)
{
	struct replay *r = (struct replay *)bus;

	g_queue_clear_full(&r->pending, g_free);
	r->counts = (struct tpmix_replay_counts) { 0 };
	r->spec = *spec;
	r->random = spec->seed;
}
