/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors, over the engine: right answers, every access of a transaction
 * repeated, lost and corrupted; what each door can do about it, and that the FIFO
 * cannot.
 */
#include <string.h>

#include "door.h"
#include "replay.h"
#include "rig.h"

#define CMD_LEN 38u

static const struct rig_shape shapes[] = {
	{ TPMIX_DOOR_INDEXED, 0, false },
	{ TPMIX_DOOR_INDEXED, 0, true },
	{ TPMIX_DOOR_INDEXED, 3, false },
	{ TPMIX_DOOR_INDEXED, 4, true },
	{ TPMIX_DOOR_WINDOW, 0, false },
	{ TPMIX_DOOR_WINDOW, 0, true },
	{ TPMIX_DOOR_CRB, 0, true },
	{ TPMIX_DOOR_CRB, 2, true },
	{ TPMIX_DOOR_FIFO, 0, false },
	{ TPMIX_DOOR_FIFO, 1, false },
};

enum outcome { RIGHT, WRONG, FAILED };

/* A command; WRONG where another response than the TPM's @nth is believed. */
static enum outcome transact(struct rig *r, struct tpmix_door *d, uint32_t len,
			     uint8_t fill, unsigned int nth)
{
	static uint8_t cmd[RIG_CAPACITY], want[RIG_CAPACITY], got[TPMIX_BUFFER_MAX];
	g_autoptr(GError) error = NULL;
	uint32_t size, want_size;

	rig_command(cmd, len, fill);
	memset(got, 0xEE, sizeof(got));
	size = tpmix_door_transact(d, cmd, len, got, NULL, NULL, &error);
	g_assert_true((size == 0) == (error != NULL));
	if (!size) {
		g_test_message("%s", error->message);
		return FAILED;
	}
	want_size = rig_response(r, cmd, len, nth, want);
	return size == want_size && !memcmp(got, want, size) ? RIGHT : WRONG;
}

static void open_door(struct rig *r, struct tpmix_door *d, struct tpmix_bus *bus,
		      const struct rig_shape *s)
{
	g_autoptr(GError) error = NULL;

	(void)r;
	g_assert_true(tpmix_door_open(d, bus, s->kind, s->locality, &error));
	g_assert_no_error(error);
}

static void test_plain(gconstpointer data)
{
	const struct rig_shape *s = data;
	static const uint32_t sizes[] = { 10, 11, 12, 14, 18, 3584, 3585, 3967, 3968 };
	struct rig *r = g_new(struct rig, 1);
	struct tpmix_door d;
	unsigned int i;

	rig_init(r, s->crb);
	open_door(r, &d, &r->bus, s);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		r->rsp_len = sizes[G_N_ELEMENTS(sizes) - 1 - i];
		r->delay = i * 3;
		g_assert_cmpint(transact(r, &d, sizes[i], (uint8_t)i, i + 1), ==, RIGHT);
		g_assert_cmpuint(r->runs, ==, i + 1);
		g_assert_cmpuint(r->locality, ==, s->locality);
		/* Others may have it between two commands. */
		g_assert_cmpuint(r->engine.s.active, ==, TPMIX_NO_LOCALITY);
	}
	g_assert_cmpuint(d.repairs, ==, 0);
	g_free(r);
}

/* Larger than one window; of locality 0 in CRB as well. */
static void test_large(void)
{
	static const struct rig_shape large[] = {
		{ TPMIX_DOOR_INDEXED, 0, false }, { TPMIX_DOOR_INDEXED, 1, true },
		{ TPMIX_DOOR_WINDOW, 0, true }, { TPMIX_DOOR_CRB, 0, true },
		{ TPMIX_DOOR_FIFO, 0, false },
	};
	struct rig *r = g_new(struct rig, 1);
	struct tpmix_door d;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(large); i++) {
		rig_init(r, large[i].crb);
		r->rsp_len = RIG_CAPACITY;
		open_door(r, &d, &r->bus, &large[i]);
		g_assert_cmpint(transact(r, &d, RIG_CAPACITY, 9, 1), ==, RIGHT);
	}
	g_free(r);
}

struct count {
	unsigned int outcome[3];
	unsigned int twice;     /* the TPM ran a command more than once */
	unsigned int cases;
};

/* Two commands, access @nth repeated as @spec says: the second one's answer too. */
static bool replay_one(const struct rig_shape *s, enum tpmix_replay_when when,
		       uint32_t delay, uint64_t nth, uint32_t max_offset,
		       struct count *c)
{
	struct rig *r = g_new(struct rig, 1);
	struct tpmix_replay_spec spec;
	struct tpmix_replay_counts counts;
	struct tpmix_bus *bus;
	struct tpmix_door d;
	bool more;
	int i;

	rig_init(r, s->crb);
	r->delay = 4;
	tpmix_replay_defaults(&spec, s->crb);
	spec.nth = nth;
	spec.when = when;
	spec.delay = delay;
	spec.max_offset = max_offset;
	/* mmio-replay's done condition is locality 0's. */
	spec.done_addr += s->locality << TPMIX_LOCALITY_SHIFT;
	bus = tpmix_replay_new(&r->bus, &spec, NULL, NULL);
	/* Opened before, so that the nth access is one of the commands'. */
	open_door(r, &d, bus, s);
	tpmix_replay_reset(bus, &spec);
	for (i = 0; i < 2; i++)
		c->outcome[transact(r, &d, CMD_LEN, (uint8_t)(i * 50), (unsigned int)i + 1)]++;
	c->twice += r->runs > 2;
	c->cases++;
	tpmix_replay_get_counts(bus, &counts);
	more = counts.selected >= nth;
	bus->ops->close(bus);
	g_free(r);
	return more;
}

static struct count replay_all(const struct rig_shape *s)
{
	static const struct { enum tpmix_replay_when when; uint32_t delay; } how[] = {
		{ TPMIX_REPLAY_NOW, 1 }, { TPMIX_REPLAY_LATE, 1 },
		{ TPMIX_REPLAY_LATE, 2 }, { TPMIX_REPLAY_COMPLETED, 1 },
	};
	struct count c = { 0 };
	unsigned int i;
	uint64_t nth;

	for (i = 0; i < G_N_ELEMENTS(how); i++)
		for (nth = 1; replay_one(s, how[i].when, how[i].delay, nth, UINT32_MAX, &c); nth++)
			;
	g_test_message("%s%s locality %u: %u cases: %u right, %u wrong, %u failed",
		       tpmix_door_name(s->kind), s->crb ? " (CRB)" : "", s->locality,
		       c.cases, c.outcome[RIGHT], c.outcome[WRONG], c.outcome[FAILED]);
	g_assert_cmpuint(c.cases, >, 40);
	return c;
}

static void test_replay(gconstpointer data)
{
	const struct rig_shape *s = data;
	struct count c = replay_all(s);

	if (s->kind == TPMIX_DOOR_FIFO) {
		/* The control group: it believes what it should not. */
		g_assert_cmpuint(c.outcome[WRONG], >, 20);
		return;
	}
	g_assert_cmpuint(c.outcome[WRONG], ==, 0);
	g_assert_cmpuint(c.outcome[FAILED], ==, 0);
	g_assert_cmpuint(c.twice, ==, 0);
}

/*
 * Late by more accesses, so that what the first command did last meets each access
 * of the second one. Of CRB only the registers before CTRL_START: START and bytes of
 * one command that come in the middle of the next one are beyond it, as it has no
 * ticket and no checksum. Where relinquishing the locality meets CTRL_START nobody
 * knows whether START was heard: CRB fails then, and does not take the old response.
 */
static void test_late(gconstpointer data)
{
	const struct rig_shape *s = data;
	uint32_t max_offset = UINT32_MAX, delay;
	struct count c = { 0 };
	uint64_t nth;

	if (s->kind == TPMIX_DOOR_CRB)
		max_offset = s->locality << TPMIX_LOCALITY_SHIFT | 0x4B;

	for (delay = 3; delay < 26; delay++)
		for (nth = 1; replay_one(s, TPMIX_REPLAY_LATE, delay, nth, max_offset,
					 &c); nth++)
			;
	g_test_message("%s: %u cases: %u right, %u wrong, %u failed",
		       tpmix_door_name(s->kind), c.cases, c.outcome[RIGHT],
		       c.outcome[WRONG], c.outcome[FAILED]);
	g_assert_cmpuint(c.outcome[WRONG], ==, 0);
	g_assert_cmpuint(c.twice, ==, 0);
	if (s->kind == TPMIX_DOOR_CRB)
		g_assert_cmpuint(c.outcome[FAILED], <, 10);
	else
		g_assert_cmpuint(c.outcome[FAILED], ==, 0);
}

static struct count damage_all(const struct rig_shape *s, int how)
{
	struct rig *r = g_new(struct rig, 1);
	struct count c = { 0 };
	struct tpmix_door d;
	unsigned int nth = 0;

	do {
		rig_init(r, s->crb);
		r->delay = 3;
		open_door(r, &d, &r->bus, s);
		r->accesses = 0;
		r->damage = ++nth;
		r->how = how;
		c.outcome[transact(r, &d, CMD_LEN, 77, 1)]++;
		c.twice += r->runs > 1;
		c.cases++;
	} while (r->damaged);
	g_free(r);
	g_test_message("%s: %u cases: %u right, %u wrong, %u failed, %u twice",
		       tpmix_door_name(s->kind), c.cases, c.outcome[RIGHT],
		       c.outcome[WRONG], c.outcome[FAILED], c.twice);
	return c;
}

/* R6: what is lost or corrupted on the way is seen and mended; never believed. */
static void test_damage(gconstpointer data)
{
	const struct rig_shape *s = data;
	struct count flip = damage_all(s, RIG_FLIP), drop = damage_all(s, RIG_DROP);

	if (s->kind == TPMIX_DOOR_FIFO || s->kind == TPMIX_DOOR_CRB) {
		/* No checksum: a flipped bit in the response is the response. */
		g_assert_cmpuint(flip.outcome[WRONG] + drop.outcome[WRONG], >, 3);
		return;
	}
	g_assert_cmpuint(flip.outcome[RIGHT], ==, flip.cases);
	g_assert_cmpuint(drop.outcome[RIGHT], ==, drop.cases);
	g_assert_cmpuint(flip.twice + drop.twice, ==, 0);
}

/* A driver rolled back to before its command, the device not: one run (R7). */
static void test_rollback(gconstpointer data)
{
	const struct rig_shape *s = data;
	struct rig *r = g_new(struct rig, 1);
	struct tpmix_door d, before;

	rig_init(r, s->crb);
	r->delay = 3;
	open_door(r, &d, &r->bus, s);
	before = d;
	g_assert_cmpint(transact(r, &d, CMD_LEN, 5, 1), ==, RIGHT);
	d = before;
	if (s->kind == TPMIX_DOOR_INDEXED || s->kind == TPMIX_DOOR_WINDOW) {
		g_assert_cmpint(transact(r, &d, CMD_LEN, 5, 1), ==, RIGHT);
		g_assert_cmpuint(r->runs, ==, 1);
		/* Another command with the ticket that was used is run as the next. */
		d = before;
		g_assert_cmpint(transact(r, &d, CMD_LEN, 6, 2), ==, RIGHT);
	} else {
		g_assert_cmpint(transact(r, &d, CMD_LEN, 5, 2), ==, RIGHT);
	}
	g_assert_cmpuint(r->runs, ==, 2);
	g_free(r);
}

/* Another user's commands in between: its count is followed. */
static void test_other_user(void)
{
	static const struct rig_shape s = { TPMIX_DOOR_INDEXED, 0, false };
	struct rig *r = g_new(struct rig, 1);
	struct tpmix_door a, b;
	unsigned int n = 0;
	int i;

	rig_init(r, false);
	open_door(r, &a, &r->bus, &s);
	open_door(r, &b, &r->bus, &s);
	for (i = 0; i < 4; i++, n++)
		g_assert_cmpint(transact(r, &a, CMD_LEN, (uint8_t)i, n + 1), ==, RIGHT);
	for (i = 0; i < 2; i++, n++)
		g_assert_cmpint(transact(r, &b, CMD_LEN, (uint8_t)(i + 100), n + 1), ==,
				RIGHT);
	g_assert_cmpint(transact(r, &a, CMD_LEN, 200, n + 1), ==, RIGHT);
	g_assert_cmpuint(r->runs, ==, n + 1);
	g_free(r);
}

static enum tpmix_door_wish cancel_at_once(void *opaque)
{
	(void)opaque;
	return TPMIX_CANCEL;
}

static void test_cancel(gconstpointer data)
{
	const struct rig_shape *s = data;
	struct rig *r = g_new(struct rig, 1);
	uint8_t cmd[CMD_LEN], rsp[TPMIX_BUFFER_MAX];
	g_autoptr(GError) error = NULL;
	struct tpmix_door d;

	rig_init(r, s->crb);
	open_door(r, &d, &r->bus, s);
	r->hold = true;
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmpuint(tpmix_door_transact(&d, cmd, CMD_LEN, rsp, cancel_at_once, NULL,
					     &error), ==, r->rsp_len);
	g_assert_no_error(error);
	g_assert_cmpuint(r->cancels, ==, 1);
	g_free(r);
}

static enum tpmix_door_wish abort_it(void *opaque)
{
	struct rig *r = opaque;

	tpmix_write(&r->engine, 0x18, 0x40, 1);
	return TPMIX_GO_ON;
}

/* By the FIFO an aborted command has no response: the driver does not wait for one. */
static void test_aborted(void)
{
	static const struct rig_shape s = { TPMIX_DOOR_FIFO, 0, false };
	struct rig *r = g_new(struct rig, 1);
	uint8_t cmd[CMD_LEN], *rsp = g_malloc(TPMIX_BUFFER_MAX);
	g_autoptr(GError) error = NULL;
	struct tpmix_door d;

	rig_init(r, false);
	open_door(r, &d, &r->bus, &s);
	r->hold = true;
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmpuint(tpmix_door_transact(&d, cmd, CMD_LEN, rsp, abort_it, r, &error),
			 ==, 0);
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "aborted"));
	g_free(rsp);
	g_free(r);
}

/* The first error stays, and nothing reaches the device after it. */
static void test_broken_bus(void)
{
	static const struct rig_shape s = { TPMIX_DOOR_INDEXED, 0, false };
	struct rig *r = g_new(struct rig, 1);
	uint8_t cmd[CMD_LEN], rsp[RIG_CAPACITY];
	g_autoptr(GError) error = NULL;
	struct tpmix_door d;
	unsigned int accesses;

	rig_init(r, false);
	open_door(r, &d, &r->bus, &s);
	tpmix_bus_fail(&r->bus, TPMIX_ERROR_IO, "the cable is out");
	tpmix_bus_fail(&r->bus, TPMIX_ERROR_DATA, "and more");
	accesses = r->accesses;
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmpuint(tpmix_door_transact(&d, cmd, CMD_LEN, rsp, NULL, NULL, &error),
			 ==, 0);
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_IO);
	g_assert_cmpstr(error->message, ==, "the cable is out");
	g_assert_cmpuint(tpmix_bus_read(&r->bus, 0, 2), ==, 0xFFFF);
	g_assert_cmpuint(r->accesses, ==, accesses);
	g_clear_error(&r->bus.error);
	g_free(r);
}

/* The locality is another's and it does not let go. */
static void test_locality_taken(void)
{
	static const struct rig_shape s = { TPMIX_DOOR_INDEXED, 1, false };
	struct rig *r = g_new(struct rig, 1);
	uint8_t cmd[CMD_LEN], rsp[RIG_CAPACITY];
	g_autoptr(GError) error = NULL;
	struct tpmix_door d;

	rig_init(r, false);
	open_door(r, &d, &r->bus, &s);
	tpmix_write(&r->engine, 0x0000, 0x02, 1);
	rig_command(cmd, CMD_LEN, 1);
	g_assert_cmpuint(tpmix_door_transact(&d, cmd, CMD_LEN, rsp, NULL, NULL, &error),
			 ==, 0);
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA);
	g_assert_nonnull(strstr(error->message, "another user"));
	/* It does not go on asking. */
	tpmix_write(&r->engine, 0x0000, 0x20, 1);
	g_assert_cmpuint(r->engine.s.active, ==, TPMIX_NO_LOCALITY);
	g_free(r);
}

static void assert_no_door(struct rig *r, enum tpmix_door_kind kind,
			   unsigned int locality, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_door d;

	g_assert_false(tpmix_door_open(&d, &r->bus, kind, locality, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, text));
}

static void test_not_there(void)
{
	struct rig *r = g_new(struct rig, 1);

	rig_init(r, false);
	assert_no_door(r, TPMIX_DOOR_CRB, 0, "door=fifo");
	assert_no_door(r, TPMIX_DOOR_WINDOW, 2, "locality 0");
	rig_init(r, true);
	assert_no_door(r, TPMIX_DOOR_FIFO, 0, "door=crb");
	/* The MAGIC is read wrongly: no door, rather than a guess. */
	rig_init(r, false);
	r->damage = 3;
	assert_no_door(r, TPMIX_DOOR_INDEXED, 0, "no indexed door");
	r->engine.cfg.localities = 1;
	assert_no_door(r, TPMIX_DOOR_INDEXED, 1, "no TPM");
	g_free(r);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(shapes); i++) {
		rig_add_test("/doors", "plain", &shapes[i], test_plain);
		rig_add_test("/doors", "replay", &shapes[i], test_replay);
		rig_add_test("/doors", "damage", &shapes[i], test_damage);
		if (shapes[i].kind != TPMIX_DOOR_FIFO)
			rig_add_test("/doors", "late", &shapes[i], test_late);
		rig_add_test("/doors", "rollback", &shapes[i], test_rollback);
		rig_add_test("/doors", "cancel", &shapes[i], test_cancel);
	}
	g_test_add_func("/doors/large", test_large);
	g_test_add_func("/doors/other-user", test_other_user);
	g_test_add_func("/doors/locality-taken", test_locality_taken);
	g_test_add_func("/doors/aborted", test_aborted);
	g_test_add_func("/doors/broken-bus", test_broken_bus);
	g_test_add_func("/doors/not-there", test_not_there);
	return g_test_run();
}
