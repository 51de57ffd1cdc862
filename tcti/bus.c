/* SPDX-License-Identifier: BSD-2-Clause */
#include "bus.h"

GQuark tpmix_error_quark(void)
{
	return g_quark_from_static_string("tpmix-error");
}

uint64_t tpmix_bus_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	uint64_t ones = UINT64_MAX >> (64 - 8 * size);

	if (tpmix_bus_error(bus))
		return ones;
	return bus->ops->read(bus, off, size) & ones;
}

void tpmix_bus_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
		     unsigned int size)
{
	if (!tpmix_bus_error(bus))
		bus->ops->write(bus, off, val, size);
}

void tpmix_bus_wait(struct tpmix_bus *bus, unsigned int us)
{
	while (!bus->ops->wait && bus->below)
		bus = bus->below;
	if (bus->ops->wait)
		bus->ops->wait(bus, us);
	else
		g_usleep(us);
}

uint64_t tpmix_bus_base(const struct tpmix_bus *bus)
{
	while (bus->below)
		bus = bus->below;
	return bus->base;
}

struct tpmix_turn *tpmix_bus_turn(const struct tpmix_bus *bus)
{
	while (bus->below)
		bus = bus->below;
	return bus->turn;
}

const GError *tpmix_bus_error(const struct tpmix_bus *bus)
{
	while (bus && !bus->error)
		bus = bus->below;
	return bus ? bus->error : NULL;
}

void tpmix_bus_fail(struct tpmix_bus *bus, enum tpmix_error code,
		    const char *format, ...)
{
	va_list args;

	if (bus->error)
		return;
	va_start(args, format);
	bus->error = g_error_new_valist(TPMIX_ERROR, (int)code, format, args);
	va_end(args);
}

/* The largest aligned power of two that @off and the @left bytes allow. */
static unsigned int part(uint32_t off, unsigned int left)
{
	unsigned int n = 8;

	while (n > left || off % n)
		n /= 2;
	return n;
}

uint64_t tpmix_bus_split_read(struct tpmix_bus *bus, uint32_t off, unsigned int size,
			      uint64_t (*read)(struct tpmix_bus *, uint32_t,
					       unsigned int))
{
	uint64_t val = 0;
	unsigned int at, n;

	for (at = 0; at < size; at += n) {
		uint64_t ones;

		n = part(off + at, size - at);
		ones = UINT64_MAX >> (64 - 8 * n);
		val |= (read(bus, off + at, n) & ones) << (8 * at);
	}
	return val;
}

void tpmix_bus_split_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			   unsigned int size,
			   void (*write)(struct tpmix_bus *, uint32_t, uint64_t,
					 unsigned int))
{
	unsigned int at, n;

	for (at = 0; at < size; at += n) {
		n = part(off + at, size - at);
		write(bus, off + at, (val >> (8 * at)) & (UINT64_MAX >> (64 - 8 * n)),
		      n);
	}
}

void tpmix_bus_close(struct tpmix_bus *bus)
{
	while (bus) {
		struct tpmix_bus *below = bus->below;

		g_clear_error(&bus->error);
		bus->ops->close(bus);
		bus = below;
	}
}
