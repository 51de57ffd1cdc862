/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that is killed leaves what it did in the registers: a locality that it
 * has, a command half written, one that runs, a response that nobody read. The next
 * program's command is answered by its own response, or it is an error; the response
 * to the dead one's command is never taken for it.
 */
#include <string.h>

#include "door.h"
#include "rig.h"

#define CMD_LEN 38u

static const struct rig_shape shapes[] = {
	{ TPMIX_DOOR_INDEXED, 0, false },
	{ TPMIX_DOOR_INDEXED, 3, true },
	{ TPMIX_DOOR_WINDOW, 0, false },
	{ TPMIX_DOOR_WINDOW, 0, true },
	{ TPMIX_DOOR_CRB, 0, true },
	{ TPMIX_DOOR_CRB, 2, true },
	{ TPMIX_DOOR_FIFO, 0, false },
};

/* A bus whose user is killed before its access @last + 1. */
struct mortal {
	struct tpmix_bus bus;
	unsigned int accesses, last;
};

static bool is_dead(struct mortal *m)
{
	if (m->accesses++ < m->last)
		return false;
	tpmix_bus_fail(&m->bus, TPMIX_ERROR_IO, "killed");
	return true;
}

static uint64_t mortal_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	return is_dead((struct mortal *)bus) ? UINT64_MAX :
	       tpmix_bus_read(bus->below, off, size);
}

static void mortal_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			 unsigned int size)
{
	if (!is_dead((struct mortal *)bus))
		tpmix_bus_write(bus->below, off, val, size);
}

static void mortal_close(struct tpmix_bus *bus)
{
	(void)bus; /* the test's own */
}

static const struct tpmix_bus_ops mortal_ops = {
	.read = mortal_read,
	.write = mortal_write,
	.close = mortal_close,
};

static uint32_t send(struct tpmix_bus *bus, const struct rig_shape *s, uint8_t fill,
		     uint8_t *rsp, GError **error)
{
	uint8_t cmd[CMD_LEN];
	struct tpmix_door d;

	rig_command(cmd, CMD_LEN, fill);
	if (!tpmix_door_open(&d, bus, s->kind, s->locality, error))
		return 0;
	return tpmix_door_transact(&d, cmd, CMD_LEN, rsp, NULL, NULL, error);
}

struct count {
	unsigned int right, wrong, failed, twice;
};

/* The second program's command; its response can only be that to its own. */
static void next_program(struct rig *r, const struct rig_shape *s, struct count *c)
{
	static uint8_t cmd[CMD_LEN], want[RIG_CAPACITY], got[TPMIX_BUFFER_MAX];
	g_autoptr(GError) error = NULL;
	unsigned int before = r->runs;
	uint32_t size = send(&r->bus, s, 200, got, &error);

	g_assert_true((size == 0) == (error != NULL));
	c->twice += r->runs > before + 1;
	rig_command(cmd, CMD_LEN, 200);
	if (!size) {
		g_test_message("%s", error->message);
		c->failed++;
	} else if (r->runs > before &&
		   size == rig_response(r, cmd, CMD_LEN, r->runs, want) &&
		   !memcmp(got, want, size)) {
		c->right++;
	} else {
		c->wrong++;
	}
}

/* Killed before each access, with commands that end at once, soon and late. */
static void test_killed(gconstpointer data)
{
	static const unsigned int delays[] = { 1, 12, 60, 2000 };
	static uint8_t rsp[TPMIX_BUFFER_MAX];
	const struct rig_shape *s = data;
	struct rig *r = g_new(struct rig, 1);
	struct count c = { 0 };
	unsigned int i, running = 0;

	for (i = 0; i < G_N_ELEMENTS(delays); i++) {
		struct mortal m = { .bus = { .ops = &mortal_ops, .below = &r->bus } };
		bool done = false;

		for (m.last = 0; !done; m.last++) {
			g_autoptr(GError) error = NULL;

			rig_init(r, s->crb);
			r->delay = delays[i];
			m.accesses = 0;
			done = send(&m.bus, s, 1, rsp, &error) != 0;
			g_clear_error(&m.bus.error);
			running += tpmix_completed(&r->engine) != r->engine.s.accepted;
			next_program(r, s, &c);
			if (m.last > 100 && delays[i] > 100)
				break;
		}
	}
	g_test_message("%s%s locality %u: %u right, %u wrong, %u failed, %u twice; running %u",
		       tpmix_door_name(s->kind), s->crb ? " (CRB)" : "", s->locality,
		       c.right, c.wrong, c.failed, c.twice, running);
	g_assert_cmpuint(running, >, 20);
	g_assert_cmpuint(c.wrong, ==, 0);
	g_assert_cmpuint(c.twice, ==, 0);
	/* The FIFO aborts the command, and gives up where that takes too long. */
	if (s->kind != TPMIX_DOOR_FIFO)
		g_assert_cmpuint(c.failed, ==, 0);
	g_free(r);
}

/* One that never ends: an error in bounded time, and nothing was sent. */
static void test_stuck(void)
{
	static const struct rig_shape s = { TPMIX_DOOR_CRB, 0, true };
	static uint8_t rsp[TPMIX_BUFFER_MAX];
	struct rig *r = g_new(struct rig, 1);
	struct mortal m = { .bus = { .ops = &mortal_ops, .below = &r->bus },
			    .last = 40 };
	g_autoptr(GError) error = NULL;

	rig_init(r, true);
	r->hold = true;
	g_assert_cmpuint(send(&m.bus, &s, 1, rsp, &error), ==, 0);
	g_clear_error(&m.bus.error);
	g_clear_error(&error);
	g_assert_cmpuint(r->runs, ==, 1);
	g_assert_cmpuint(send(&r->bus, &s, 2, rsp, &error), ==, 0);
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "another program's command"));
	g_assert_cmpuint(r->runs, ==, 1);
	/* And it lets go of the locality. */
	g_assert_cmpuint(r->engine.s.active, ==, TPMIX_NO_LOCALITY);
	g_free(r);
}

struct wait {
	struct rig *rig;
	enum tpmix_door_wish wish;
};

static enum tpmix_door_wish get_wish(void *opaque)
{
	return ((struct wait *)opaque)->wish;
}

/*
 * The caller cancels while the other's command is waited for: its own is answered as
 * cancelled, and the other one's runs on. Or it gives up: at once.
 */
static void test_wish(gconstpointer data)
{
	static const uint8_t canceled[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 9, 9 };
	static uint8_t rsp[TPMIX_BUFFER_MAX];
	const struct rig_shape *s = data;
	struct rig *r = g_new(struct rig, 1);
	struct mortal m = { .bus = { .ops = &mortal_ops, .below = &r->bus },
			    .last = 60 };
	struct wait w = { .rig = r };
	g_autoptr(GError) error = NULL;
	uint8_t cmd[CMD_LEN];
	struct tpmix_door d;
	uint32_t size;

	rig_init(r, s->crb);
	r->hold = true;
	send(&m.bus, s, 1, rsp, &error);
	g_clear_error(&m.bus.error);
	g_clear_error(&error);
	g_assert_cmpuint(r->runs, ==, 1);
	g_assert_true(tpmix_door_open(&d, &r->bus, s->kind, s->locality, &error));
	rig_command(cmd, CMD_LEN, 2);
	w.wish = TPMIX_CANCEL;
	size = tpmix_door_transact(&d, cmd, CMD_LEN, rsp, get_wish, &w, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(rsp, size, canceled, sizeof(canceled));
	w.wish = TPMIX_STOP;
	g_assert_cmpuint(tpmix_door_transact(&d, cmd, CMD_LEN, rsp, get_wish, &w, &error),
			 ==, 0);
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_STOPPED);
	g_clear_error(&error);
	g_assert_cmpuint(r->cancels, ==, 0);
	g_assert_cmpuint(r->runs, ==, 1);
	/* What was cancelled before it was sent says nothing about the next one. */
	r->hold = false;
	r->left = 3;
	w.wish = TPMIX_GO_ON;
	size = tpmix_door_transact(&d, cmd, CMD_LEN, rsp, get_wish, &w, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(size, ==, r->rsp_len);
	g_assert_cmpuint(r->runs, ==, 2);
	g_free(r);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(shapes); i++) {
		rig_add_test("/left", "killed", &shapes[i], test_killed);
		if (shapes[i].kind != TPMIX_DOOR_FIFO)
			rig_add_test("/left", "wish", &shapes[i], test_wish);
	}
	g_test_add_func("/left/stuck", test_stuck);
	return g_test_run();
}
