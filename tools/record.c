/* SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

static void add(struct tpmix_bus *bus, bool write, uint32_t off, unsigned int size)
{
	struct record_access a = { .off = off, .size = size, .write = write };

	g_array_append_val(((struct record *)bus)->accesses, a);
}

static uint64_t record_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	add(bus, false, off, size);
	return tpmix_bus_read(bus->below, off, size);
}

static void record_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			 unsigned int size)
{
	add(bus, true, off, size);
	tpmix_bus_write(bus->below, off, val, size);
}

static void record_wait(struct tpmix_bus *bus, unsigned int us)
{
	struct record *r = (struct record *)bus;

	if (r->wait)
		r->wait(r->opaque, bus->below, us);
	else
		tpmix_bus_wait(bus->below, us);
}

static void record_close(struct tpmix_bus *bus)
{
	struct record *r = (struct record *)bus;

	g_array_unref(r->accesses);
	g_free(r);
}

static const struct tpmix_bus_ops record_ops = {
	.read = record_read,
	.write = record_write,
	.wait = record_wait,
	.close = record_close,
};

struct record *record_new(struct tpmix_bus *below)
{
	struct record *r = g_new0(struct record, 1);

	r->bus.ops = &record_ops;
	r->bus.below = below;
	r->accesses = g_array_new(FALSE, FALSE, sizeof(struct record_access));
	return r;
}
