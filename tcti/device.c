/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include "log.h"
#include "trace.h"

static struct tpmix_bus *open_transport(const struct tpmix_options *o,
					GError **error)
{
	switch (o->transport) {
	case TPMIX_TRANSPORT_QTEST:
		return tpmix_qtest_open(o->path, o->address, o->wait_s, error);
	case TPMIX_TRANSPORT_MEM:
		return tpmix_mem_open(o->path, o->address, TPMIX_SPACE_SIZE, error);
	default:
		return tpmix_inproc_open(o->state, o->door == TPMIX_DOOR_CRB, o->wait_s,
					 error);
	}
}

bool tpmix_device_open_bus(struct tpmix_device *dev, const struct tpmix_options *o,
			   GError **error)
{
	*dev = (struct tpmix_device) { .bus = open_transport(o, error) };
	if (!dev->bus)
		return false;
	/* Below replay, so that it shows each access that the device gets. */
	if (o->trace) {
		dev->trace = tpmix_trace_new(dev->bus, o->trace, error);
		if (!dev->trace) {
			tpmix_device_close(dev);
			return false;
		}
		dev->bus = dev->trace;
	}
	if (o->has_replay) {
		dev->replay = tpmix_replay_new(dev->bus, &o->replay,
					       dev->trace ? tpmix_trace_mark : NULL,
					       dev->trace);
		dev->bus = dev->replay;
	}
	return true;
}

bool tpmix_device_open(struct tpmix_device *dev, const struct tpmix_options *o,
		       GError **error)
{
	if (!tpmix_device_open_bus(dev, o, error))
		return false;
	if (!tpmix_door_open(&dev->door, dev->bus, o->door, o->locality, error)) {
		tpmix_device_close(dev);
		return false;
	}
	if (dev->trace)
		tpmix_trace_interface(dev->trace, dev->door.interface);
	return true;
}

static void report_replay(struct tpmix_device *dev)
{
	struct tpmix_replay_counts c;
	g_autofree char *text = NULL;

	tpmix_replay_get_counts(dev->replay, &c);
	text = g_strdup_printf("accesses=%" G_GINT64_MODIFIER "u selected=%"
			       G_GINT64_MODIFIER "u replayed-reads=%"
			       G_GINT64_MODIFIER "u replayed-writes=%"
			       G_GINT64_MODIFIER "u pending=%" G_GINT64_MODIFIER
			       "u repairs=%" G_GINT64_MODIFIER "u",
			       c.accesses, c.selected, c.replayed_reads,
			       c.replayed_writes, c.pending, dev->door.repairs);
	tpmix_log(TPMIX_LOG_INFO, "replay: %s", text);
	if (dev->trace)
		tpmix_trace_note(dev->trace, '#', "replay: %s", text);
}

void tpmix_device_close(struct tpmix_device *dev)
{
	if (dev->replay)
		report_replay(dev);
	tpmix_bus_close(dev->bus);
	*dev = (struct tpmix_device) { 0 };
}

uint32_t tpmix_device_transact(struct tpmix_device *dev, const uint8_t *cmd,
			       uint32_t len, uint8_t *rsp,
			       enum tpmix_door_wish (*wish)(void *opaque),
			       void *opaque, GError **error)
{
	g_autoptr(GError) why = NULL;
	uint32_t size;

	if (dev->trace)
		tpmix_trace_command(dev->trace, dev->door.locality, cmd, len);
	size = tpmix_door_transact(&dev->door, cmd, len, rsp, wish, opaque, &why);
	if (dev->trace && size)
		tpmix_trace_response(dev->trace, dev->door.locality, rsp, size);
	else if (dev->trace)
		tpmix_trace_note(dev->trace, '!', "%s", why->message);
	if (!size)
		g_propagate_error(error, g_steal_pointer(&why));
	return size;
}
