/* SPDX-License-Identifier: BSD-2-Clause */
#include "sweep.h"

#include <string.h>

#define RECOVER_TRIES   3
/* A command is waited for this long at least, so that each trial polls it alike. */
#define RUN_WAIT_US     20000u
/* Waits in which nothing runs, until a driver that waits for a response gives up. */
#define IDLE_WAITS      2000u

void sweep_options(struct tpmix_options *o)
{
	/* It lies over the device, and does nothing until sweep_run(). */
	o->has_replay = true;
	tpmix_replay_defaults(&o->replay, false);
	o->replay.addr = o->address;
}

static struct tpmix_replay_spec make_spec(const struct sweep *s,
					  enum tpmix_replay_when when, guint nth,
					  guint delay)
{
	const struct tpmix_door *d = &s->dev->door;
	struct tpmix_replay_spec spec;

	tpmix_replay_defaults(&spec, d->interface == TPMIX_INTERFACE_CRB);
	spec.addr = tpmix_bus_base(d->bus);
	spec.when = when;
	spec.nth = nth;
	spec.delay = delay;
	spec.done_addr |= (uint64_t)d->locality << TPMIX_LOCALITY_SHIFT;
	return spec;
}

/* True also where the device does not tell. */
static bool is_busy(const struct sweep *s, struct tpmix_bus *below)
{
	uint32_t status;

	if (!s->counts)
		return true;
	status = (uint32_t)tpmix_bus_read(below, s->probe.block + TPMIX_REG_STATUS, 4);
	return status & TPMIX_STATUS_BUSY;
}

/* Where nothing runs, waiting brings nothing: a timeout is over at once. */
static void sweep_wait(void *opaque, struct tpmix_bus *below, unsigned int us)
{
	struct sweep *s = opaque;
	struct tpmix_bus *device = s->dev->replay->below;

	if (!is_busy(s, device)) {
		s->idle_waits++;
		return;
	}
	s->idle_waits = 0;
	tpmix_bus_wait(below, MAX(us, s->counts ? RUN_WAIT_US : 0));
}

static enum tpmix_door_wish sweep_wish(void *opaque)
{
	return ((struct sweep *)opaque)->idle_waits > IDLE_WAITS ? TPMIX_STOP :
	       TPMIX_GO_ON;
}

static uint32_t transact(struct sweep *s, GError **error)
{
	g_array_set_size(s->record->accesses, 0);
	s->idle_waits = 0;
	return tpmix_device_transact(s->dev, s->cmd->data, s->cmd->len, s->rsp,
				     sweep_wish, s, error);
}

static bool is_right(const struct sweep *s, uint32_t len)
{
	return len == s->right->len && !memcmp(s->rsp, s->right->data, len);
}

static bool tickets(struct sweep *s, uint32_t *ticket)
{
	if (!s->counts)
		return false;
	/* Opening reads ACCEPTED, which doors of all kinds count up. */
	if (!tpmix_door_open(&s->probe, s->dev->replay->below, TPMIX_DOOR_INDEXED,
			     s->dev->door.locality, NULL))
		return false;
	*ticket = s->probe.ticket;
	return true;
}

bool sweep_begin(struct sweep *s, struct tpmix_device *dev, struct record *record,
		 const GByteArray *cmd, GError **error)
{
	const struct tpmix_replay_spec off = { .size = 1 };
	uint32_t len, ticket;

	*s = (struct sweep) { .dev = dev, .record = record, .cmd = cmd, .counts = true };
	s->rsp = g_malloc(dev->door.bufsize);
	s->right = g_byte_array_new();
	s->counts = tickets(s, &ticket);
	record->wait = sweep_wait;
	record->opaque = s;
	tpmix_replay_reset(dev->replay, &off);
	len = transact(s, error);
	if (!len)
		return false;
	g_byte_array_append(s->right, s->rsp, len);
	len = transact(s, error);
	if (!len)
		return false;
	s->accesses = record->accesses->len;
	if (!is_right(s, len)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "the TPM answers this command differently each time, so that right and wrong cannot be told apart: give another, such as TPM2_GetCapability (the default)");
		return false;
	}
	return true;
}

/* Without repetitions, until it is what it was at the beginning. */
static bool recover(struct sweep *s, GError **error)
{
	const struct tpmix_replay_spec off = { .size = 1 };
	int i;

	tpmix_replay_reset(s->dev->replay, &off);
	for (i = 0; i < RECOVER_TRIES; i++)
		if (is_right(s, transact(s, NULL)))
			return true;
	if (tpmix_door_ok(&s->dev->door, error))
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the TPM does not come back to the right answer: reset it");
	return false;
}

static enum sweep_outcome judge(const struct sweep *s, uint32_t len,
				const struct tpmix_replay_counts *c)
{
	if (!(c->replayed_reads + c->replayed_writes))
		return SWEEP_NONE;
	if (!len)
		return SWEEP_FAILED;
	return is_right(s, len) ? SWEEP_RIGHT : SWEEP_WRONG;
}

bool sweep_run(struct sweep *s, enum tpmix_replay_when when, guint nth, guint delay,
	       struct sweep_trial *trial, GError **error)
{
	struct tpmix_replay_spec spec = make_spec(s, when, nth, delay);
	struct tpmix_replay_counts counts;
	g_autoptr(GError) why = NULL;
	uint32_t before = 0, after = 0, len;
	bool known = tickets(s, &before);

	*trial = (struct sweep_trial) { .outcome = SWEEP_NONE, .runs = -1 };
	tpmix_replay_reset(s->dev->replay, &spec);
	len = transact(s, &why);
	if (nth <= s->record->accesses->len)
		trial->access = g_array_index(s->record->accesses,
					      struct record_access, nth - 1);
	/* What is late for the last accesses comes with one more. */
	tpmix_bus_read(s->dev->bus, spec.done_addr & ~(uint64_t)0xFFF, 1);
	tpmix_replay_get_counts(s->dev->replay, &counts);
	trial->outcome = judge(s, len, &counts);
	if (trial->outcome == SWEEP_FAILED)
		trial->error = g_strdup(why->message);
	if (known && tickets(s, &after))
		trial->runs = (int)(after - before);
	return recover(s, error);
}

void sweep_end(struct sweep *s)
{
	g_byte_array_unref(s->right);
	g_free(s->rsp);
}
