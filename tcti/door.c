/* SPDX-License-Identifier: BSD-2-Clause */
#include "door.h"

#include <string.h>

#include "tpmix.h"

/* TIS 1.3 table 15, PTP table 23: TIMEOUT_A, the greater one, and some more. */
#define LOCALITY_TIMEOUT_US     750000u
/* How often the caller is asked while another has the turn. */
#define TURN_STEP_US            10000
/* How long a TPM that was asked to cancel is waited for. */
#define STOP_TIMEOUT_US         2000000

static const struct {
	const char *name;
	const struct tpmix_door_ops *ops;
} doors[TPMIX_NUM_DOORS] = {
	[TPMIX_DOOR_INDEXED] = { "indexed", &tpmix_indexed_ops },
	[TPMIX_DOOR_WINDOW] = { "window", &tpmix_window_ops },
	[TPMIX_DOOR_FIFO] = { "fifo", &tpmix_fifo_ops },
	[TPMIX_DOOR_CRB] = { "crb", &tpmix_crb_ops },
};

const char *tpmix_door_name(enum tpmix_door_kind kind)
{
	return doors[kind].name;
}

bool tpmix_door_parse(const char *name, enum tpmix_door_kind *kind)
{
	int i;

	for (i = 0; i < TPMIX_NUM_DOORS; i++) {
		if (!strcmp(doors[i].name, name)) {
			*kind = (enum tpmix_door_kind)i;
			return true;
		}
	}
	return false;
}

bool tpmix_door_ok(const struct tpmix_door *d, GError **error)
{
	const GError *broken = tpmix_bus_error(d->bus);

	if (broken && error && !*error)
		*error = g_error_copy(broken);
	return !broken;
}

uint32_t tpmix_header_size(const uint8_t *header)
{
	return (uint32_t)header[2] << 24 | (uint32_t)header[3] << 16 |
	       (uint32_t)header[4] << 8 | header[5];
}

void tpmix_door_sending(struct tpmix_door *d)
{
	d->sent = true;
	d->cancelled = false;
}

/* False and @error where the caller wants no more of a command that was not sent. */
static bool still_wanted(enum tpmix_door_wish wish, const char *what, GError **error)
{
	if (wish == TPMIX_GO_ON)
		return true;
	g_set_error(error, TPMIX_ERROR, wish == TPMIX_CANCEL ? TPMIX_ERROR_CANCELED :
		    TPMIX_ERROR_STOPPED, "%s before the command was sent: %s",
		    wish == TPMIX_CANCEL ? "cancelled" : "given up", what);
	return false;
}

static enum tpmix_door_wish get_wish(const struct tpmix_door *d)
{
	return d->wish ? d->wish(d->opaque) : TPMIX_GO_ON;
}

/* Hands the caller's wish on; false and @error where the wait is over. */
static bool obey(struct tpmix_door *d, const char *what, GError **error)
{
	enum tpmix_door_wish wish = get_wish(d);

	if (!d->sent)
		return still_wanted(wish, what, error);
	if (wish != TPMIX_GO_ON && !d->cancelled) {
		d->cancelled = true;
		d->ops->cancel(d);
	}
	if (wish != TPMIX_STOP)
		return true;
	if (!d->stop_at)
		d->stop_at = g_get_monotonic_time() + STOP_TIMEOUT_US;
	if (g_get_monotonic_time() <= d->stop_at)
		return true;
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_STOPPED, "given up while %s", what);
	return false;
}

bool tpmix_door_pause(struct tpmix_door *d, struct tpmix_pause *p,
		      GError **error)
{
	/* Most commands take less than a sleep does; few take long. */
	uint64_t us = CLAMP(p->waited_us / 4, 5, 1000);

	if (!obey(d, p->what, error))
		return false;
	if (p->limit_us && p->waited_us > p->limit_us) {
		g_set_error(error, TPMIX_ERROR, p->busy ? TPMIX_ERROR_BUSY :
			    TPMIX_ERROR_DATA, "the TPM does not answer: %s", p->what);
		return false;
	}
	tpmix_bus_wait(d->bus, (unsigned int)us);
	p->waited_us += us;
	return tpmix_door_ok(d, error);
}

void tpmix_door_put(struct tpmix_door *d, uint32_t off, const uint8_t *from,
		    uint32_t len)
{
	unsigned int n, i;
	uint64_t val;

	for (n = 8; len; len -= n, off += n, from += n) {
		while (n > len)
			n /= 2;
		for (val = 0, i = 0; i < n; i++)
			val |= (uint64_t)from[i] << (8 * i);
		tpmix_bus_write(d->bus, off, val, n);
	}
}

void tpmix_door_get(struct tpmix_door *d, uint32_t off, uint8_t *to, uint32_t len)
{
	uint32_t at;
	unsigned int i;
	uint64_t val;

	for (at = 0; at < len; at += 8) {
		val = tpmix_bus_read(d->bus, off + at, 8);
		for (i = 0; i < 8 && i < len - at; i++)
			to[at + i] = (uint8_t)(val >> (8 * i));
	}
}

enum grant {
	NOT_ASKED,
	PENDING,
	ACTIVE,
};

static enum grant read_grant(struct tpmix_door *d)
{
	const uint32_t active = TPM_ACCESS_ACTIVE_LOCALITY | TPM_ACCESS_REG_VALID_STS;
	uint32_t val;

	if (d->interface == TPMIX_INTERFACE_CRB) {
		/* A pending request does not show. */
		val = (uint32_t)tpmix_bus_read(d->bus,
					       tpmix_door_reg(d, TPM_REG_LOC_STS), 4);
		return val & TPM_LOC_STS_GRANTED ? ACTIVE : NOT_ASKED;
	}
	val = (uint32_t)tpmix_bus_read(d->bus, tpmix_door_reg(d, TPM_REG_ACCESS), 1);
	if (val & TPM_ACCESS_REQUEST_USE)
		return PENDING;
	return (val & active) == active ? ACTIVE : NOT_ASKED;
}

bool tpmix_door_is_active(struct tpmix_door *d)
{
	return read_grant(d) == ACTIVE;
}

static void ask(struct tpmix_door *d, bool use)
{
	if (d->interface == TPMIX_INTERFACE_CRB)
		tpmix_bus_write(d->bus, tpmix_door_reg(d, TPM_REG_LOC_CTRL),
				use ? TPM_LOC_CTRL_REQUEST_ACCESS :
				TPM_LOC_CTRL_RELINQUISH, 4);
	else
		tpmix_bus_write(d->bus, tpmix_door_reg(d, TPM_REG_ACCESS),
				use ? TPM_ACCESS_REQUEST_USE :
				TPM_ACCESS_ACTIVE_LOCALITY, 1);
}

static void relinquish(struct tpmix_door *d)
{
	ask(d, false);
}

bool tpmix_door_request(struct tpmix_door *d, GError **error)
{
	struct tpmix_pause p = {
		.limit_us = LOCALITY_TIMEOUT_US,
		.what = "the locality is not granted, does another user hold the TPM?",
	};

	enum grant grant = NOT_ASKED;

	/*
	 * Again where it was taken back: by the relinquishing of the command before,
	 * repeated late. Asking twice is asking once (R2).
	 */
	for (;;) {
		if (grant == NOT_ASKED)
			ask(d, true);
		grant = read_grant(d);
		if (grant == ACTIVE)
			break;
		if (!tpmix_door_pause(d, &p, error)) {
			/* Or it would be granted when nobody waits for it. */
			relinquish(d);
			return false;
		}
	}
	return tpmix_door_ok(d, error);
}

/* Which interface answers; false and @error where none does. */
static bool probe_interface(struct tpmix_door *d, GError **error)
{
	uint32_t page = d->locality << TPMIX_LOCALITY_SHIFT;
	uint32_t id = (uint32_t)tpmix_bus_read(d->bus, page | TPM_REG_INTERFACE_ID, 4);
	uint32_t access = (uint32_t)tpmix_bus_read(d->bus, page | TPM_REG_ACCESS, 1);

	if (!tpmix_door_ok(d, error))
		return false;
	/* Bit 7 is tpmRegValidSts of ACCESS and of LOC_STATE. */
	if (access == 0xFF || !(access & TPM_ACCESS_REG_VALID_STS)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "no TPM at 0x%" G_GINT64_MODIFIER "x, locality %u (reads 0x%02x): check address and locality",
			    tpmix_bus_base(d->bus), d->locality, access);
		return false;
	}
	d->interface = TPMIX_INTERFACE_FIFO;
	if (id != TPM_INTERFACE_ID_TPM12 &&
	    (id & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB)
		d->interface = TPMIX_INTERFACE_CRB;
	return true;
}

/* Between the users of one device in this process; first come, first served. */
static bool take_turn(struct tpmix_door *d, GError **error)
{
	static const char what[] = "another user of this process has the TPM";
	struct tpmix_turn *turn = tpmix_bus_turn(d->bus);
	gint64 now = g_get_monotonic_time(), limit = now + TPMIX_BUSY_LIMIT_US;
	gpointer place = NULL;

	while (turn && !tpmix_turn_take(turn, &place, now + TURN_STEP_US)) {
		now = g_get_monotonic_time();
		if (still_wanted(get_wish(d), what, error) && now < limit)
			continue;
		tpmix_turn_leave(turn, &place);
		if (error && !*error)
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY, "%s", what);
		return false;
	}
	return true;
}

static void give_turn(struct tpmix_door *d)
{
	struct tpmix_turn *turn = tpmix_bus_turn(d->bus);

	if (turn)
		tpmix_turn_give(turn);
}

/* The locality is asked for once, so that one that is not to be had is told. */
static bool probe_locality(struct tpmix_door *d, GError **error)
{
	bool ok;

	if (!probe_interface(d, error) || !d->ops->open(d, error) ||
	    !tpmix_door_request(d, error))
		return false;
	if (d->kind == TPMIX_DOOR_INDEXED || d->kind == TPMIX_DOOR_WINDOW)
		d->ticket = (uint32_t)tpmix_bus_read(d->bus,
						     d->block + TPMIX_REG_ACCEPTED, 4);
	ok = tpmix_door_ok(d, error);
	relinquish(d);
	return ok;
}

static bool open_locality(struct tpmix_door *d, GError **error)
{
	bool ok;

	if (!take_turn(d, error))
		return false;
	ok = probe_locality(d, error);
	give_turn(d);
	return ok;
}

bool tpmix_door_open(struct tpmix_door *d, struct tpmix_bus *bus,
		     enum tpmix_door_kind kind, unsigned int locality,
		     GError **error)
{
	*d = (struct tpmix_door) {
		.ops = doors[kind].ops,
		.bus = bus,
		.kind = kind,
		.locality = locality,
	};
	return open_locality(d, error);
}

bool tpmix_door_set_locality(struct tpmix_door *d, unsigned int locality,
			     GError **error)
{
	struct tpmix_door other = *d;

	other.locality = locality;
	if (!open_locality(&other, error))
		return false;
	/* One count for all localities, and R7 wants that it is ours. */
	other.ticket = d->ticket;
	*d = other;
	return true;
}

/* As the TPM answers a command that was cancelled (TPM 2.0 part 3, 5.2). */
static uint32_t put_canceled(uint8_t *rsp)
{
	static const uint8_t canceled[TPMIX_HEADER_SIZE] = {
		0x80, 0x01, 0, 0, 0, TPMIX_HEADER_SIZE, 0, 0, 0x09, 0x09,
	};

	memcpy(rsp, canceled, sizeof(canceled));
	return sizeof(canceled);
}

uint32_t tpmix_door_transact(struct tpmix_door *d, const uint8_t *cmd,
			     uint32_t len, uint8_t *rsp,
			     enum tpmix_door_wish (*wish)(void *opaque),
			     void *opaque, GError **error)
{
	g_autoptr(GError) why = NULL;
	uint32_t size = 0;

	d->wish = wish;
	d->opaque = opaque;
	d->sent = false;
	d->cancelled = false;
	d->regained = 0;
	d->stop_at = 0;
	if (take_turn(d, &why)) {
		if (tpmix_door_request(d, &why)) {
			size = d->ops->transact(d, cmd, len, rsp, &why);
			relinquish(d);
		}
		give_turn(d);
	}
	d->wish = NULL;
	d->sent = false;
	if (size && !tpmix_door_ok(d, &why))
		size = 0;
	if (g_error_matches(why, TPMIX_ERROR, TPMIX_ERROR_CANCELED))
		return put_canceled(rsp);
	if (!size)
		g_propagate_error(error, g_steal_pointer(&why));
	return size;
}
