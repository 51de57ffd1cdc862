/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of the page's steps (driver.h) on the engine: each access repeated, late,
 * lost, corrupted; the locality lost; the guest rolled back to each earlier access; each
 * refusal of step 4 provoked. What the backend ran and what the driver took for its
 * response decide: nothing twice, nothing wrong.
 */
#include <string.h>

#include "driver.h"
#include "rig.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_REPEAT,     /* the access, at once */
	FAULT_LATE,       /* the write once more, @arg accesses later */
	FAULT_LOST,       /* a write does not arrive, a read returns the value before */
	FAULT_CORRUPT,    /* bit @arg of what is written or read is wrong */
	FAULT_BLIP,       /* locality 1 seizes and relinquishes */
	FAULT_SEIZED,     /* locality 1 seizes, and relinquishes @arg accesses later */
	FAULT_LEFT,       /* locality 0 is relinquished, as by a late write */
	FAULT_FOREIGN,    /* locality 1 runs @arg commands */
	FAULT_ORPHAN,     /* locality 1 begins a command and leaves */
	FAULT_ROLLED_BACK, /* to access @arg, the device not */
};

struct fault {
	enum fault_kind kind;
	unsigned int at, arg;
};

enum { COMMANDS = 2, LIMIT = 4000, SNAPSHOTS = 80 };

struct play {
	struct page_config cfg;
	struct machine *m;
	struct driver d;
	bool fast;
	uint8_t cmd[COMMANDS][DRIVER_MAX];
	uint32_t len[COMMANDS];
	unsigned int count[COMMANDS]; /* how often the backend ran it */
	unsigned int done, errors, accesses;
	uint32_t starts, since;      /* of the backend; when the last one began */
	uint32_t takes;              /* accesses until it is over */
	uint32_t began;              /* the access with which the command begins */
	struct driver_access late;
	unsigned int late_at, seized_until;
	uint64_t before;             /* the last value read */
	struct { struct driver d; unsigned int command; } *snapshots;
	unsigned int command;
};

static void locality_1(struct play *p, uint32_t off, uint64_t val, unsigned int size)
{
	machine_write(p->m, off + (p->cfg.starts_as_crb && off >= 0x100 ? 0x7000 : 0x1000),
		      val, size);
}

static void access_1(struct play *p, bool take)
{
	if (p->cfg.starts_as_crb) {
		locality_1(p, 0x08, take ? 4 : 2, 1);
	} else {
		locality_1(p, 0x00, take ? 8 : 0x20, 1);
	}
}

static void begin_1(struct play *p)
{
	access_1(p, true);
	locality_1(p, 0xFC0, 0, 4);
	locality_1(p, 0x100, 0x00000C0000000180, 8);
	locality_1(p, 0x108, 0x99997B01, 4);
	locality_1(p, 0xFCC, p->m->e.s.accepted + 1, 4);
}

/* What the backend has begun since it was asked last, and whether it is over. */
static void backend(struct play *p)
{
	unsigned int i;

	if (p->m->starts != p->starts) {
		p->starts = p->m->starts;
		p->since = p->accesses;
		for (i = 0; i < COMMANDS; i++) {
			p->count[i] += p->m->command_len == p->len[i] &&
				       !memcmp(p->m->command, p->cmd[i], p->len[i]);
		}
	}
	if (!p->fast && p->m->e.s.running != TPMIX_NO_LOCALITY && p->accesses - p->since > p->takes) {
		machine_complete(p->m, 0);
	}
}

static uint64_t do_access(struct play *p, const struct driver_access *a)
{
	if (a->write) {
		machine_write(p->m, a->addr, a->val, a->size);
		backend(p);
		return 0;
	}
	p->before = machine_read(p->m, a->addr, a->size);
	return p->before;
}

static void begin_command(struct play *p)
{
	driver_begin(&p->d, p->cmd[p->command], p->len[p->command]);
	p->began = p->accesses;
}

static bool response_is_right(const struct play *p)
{
	uint32_t len;
	const uint8_t *rsp = rig_response(p->cmd[p->command], p->len[p->command],
					  p->cfg.buffer_size, 0, &len);

	return len == p->d.rsp_len && !memcmp(rsp, p->d.rsp, len);
}

/* What comes over the machine before this access, but is no fault of it. */
static void from_outside(struct play *p, const struct fault *f)
{
	unsigned int i;

	switch (f->kind) {
	case FAULT_BLIP:
		access_1(p, true);
		access_1(p, false);
		break;
	case FAULT_SEIZED:
		access_1(p, true);
		p->seized_until = p->accesses + f->arg;
		break;
	case FAULT_LEFT:
		machine_write(p->m, p->cfg.starts_as_crb ? 8 : 0,
			      p->cfg.starts_as_crb ? 2 : 0x20, 1);
		break;
	case FAULT_FOREIGN:
		for (i = 0; i < f->arg; i++) {
			/* Its commands wait for what runs. */
			machine_complete(p->m, 0);
			begin_1(p);
			backend(p);
		}
		machine_complete(p->m, 0);
		access_1(p, false);
		break;
	case FAULT_ORPHAN:
		if (p->m->e.s.running == TPMIX_NO_LOCALITY) {
			begin_1(p);
			backend(p);
			access_1(p, false);
		}
		break;
	case FAULT_ROLLED_BACK:
		/* R7: within its transaction, or from the end of it. */
		if (f->arg >= p->began || p->accesses == p->began) {
			p->d = p->snapshots[f->arg].d;
			p->command = p->snapshots[f->arg].command;
		}
		break;
	default:
		break;
	}
}

static uint64_t one_access(struct play *p, const struct fault *f)
{
	struct driver_access a = driver_next(&p->d);
	const uint64_t before = p->before;
	uint64_t val;

	if (f->kind == FAULT_CORRUPT && a.write) {
		a.val ^= 1ull << f->arg % (a.size * 8);
	}
	if (f->kind == FAULT_LOST) {
		return a.write ? 0 : before;
	}
	if (f->kind == FAULT_LATE && a.write) {
		p->late = a;
		p->late_at = p->accesses + f->arg;
	}
	val = do_access(p, &a);
	if (f->kind == FAULT_REPEAT) {
		val = do_access(p, &a);
	}
	return f->kind == FAULT_CORRUPT && !a.write ? val ^ 1ull << f->arg % (a.size * 8) : val;
}

static void one_step(struct play *p, const struct fault *faults, unsigned int n)
{
	struct fault f = { FAULT_NONE, 0, 0 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (faults[i].kind && faults[i].at == p->accesses) {
			f = faults[i];
		}
	}
	if (p->late_at && p->accesses == p->late_at) {
		do_access(p, &p->late);
	}
	if (p->seized_until && p->accesses == p->seized_until) {
		access_1(p, false);
	}
	backend(p);
	from_outside(p, &f);
	if (p->snapshots && p->accesses <= faults->at) {
		p->snapshots[p->accesses].d = p->d;
		p->snapshots[p->accesses].command = p->command;
	}
	driver_made(&p->d, one_access(p, &f));
	p->accesses++;
}

static void play_begin(struct play *p, bool crb, bool ram, bool fast, uint32_t len)
{
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->cfg = (struct page_config) {
		.fifo = true, .crb = crb, .starts_as_crb = crb, .ram = true, .localities = 5,
		.base = 0xFED40000, .buffer_size = 4096,
	};
	p->m = machine_new(&p->cfg);
	p->m->fast = p->fast = fast;
	tpmix_reset(&p->m->e, TPMIX_FAMILY_2_0, 4096);
	p->takes = 5;
	p->d.crb = crb;
	p->d.ram = ram;
	for (i = 0; i < COMMANDS; i++) {
		memset(p->cmd[i], 0x41 + (int)i, len);
		memcpy(p->cmd[i], "\x80\x01\0\0\0\0\0\0\x01\x7B", 10);
		p->cmd[i][4] = (uint8_t)(len >> 8);
		p->cmd[i][5] = (uint8_t)len;
		p->len[i] = len;
	}
	begin_command(p);
}

/* Both commands, one after the other. Returns what is wrong, or NULL. */
static const char *play(struct play *p, const struct fault *faults, unsigned int n,
			bool may_fail)
{
	while (p->command < COMMANDS && p->accesses < LIMIT) {
		one_step(p, faults, n);
		if (p->count[0] > 1 || p->count[1] > 1) {
			return "a command ran twice";
		}
		if (p->d.step == DRIVER_DONE) {
			if (!response_is_right(p) || p->count[p->command] != 1) {
				return "a wrong response was accepted";
			}
		} else if (p->d.step == DRIVER_ERROR) {
			p->errors++;
		} else {
			continue;
		}
		if (++p->command < COMMANDS) {
			begin_command(p);
		}
	}
	if (p->accesses >= LIMIT) {
		return "no end";
	}
	return p->errors && !may_fail ? "an error" : NULL;
}

/* ---- each fault at each access ---- */

struct kind {
	const char *name;
	const char *says;
	enum fault_kind kind;
	unsigned int first, last, step; /* of @arg */
	bool may_fail;
};

static const struct kind kinds[] = {
	{ "driver/none", "1. ACCESS = requestUse, CRB: LOC_CTRL = requestAccess",
	  FAULT_NONE, 0, 0, 1, false },
	{ "driver/repeated", "2. INDEX = 0; the command into the window",
	  FAULT_REPEAT, 0, 0, 1, false },
	{ "driver/late", "3. 8 bytes at 0xFC8: checksum, ON, ticket n + 1.",
	  FAULT_LATE, 1, 40, 3, false },
	{ "driver/lost", "4. 8 bytes from 0xFD8, or of the header page, until COMPLETED",
	  FAULT_LOST, 0, 0, 1, false },
	{ "driver/corrupted", "What is not as expected, here and in step 5, is believed",
	  FAULT_CORRUPT, 0, 63, 5, false },
	{ "driver/blip", "the locality was lost; from step 1 again, with the same ticket",
	  FAULT_BLIP, 0, 0, 1, false },
	{ "driver/seized", "5. INDEX = 0; the response from the window",
	  FAULT_SEIZED, 1, 30, 4, false },
	{ "driver/relinquished", "6. ACCESS = activeLocality, CRB: LOC_CTRL = relinquish.",
	  FAULT_LEFT, 0, 0, 1, false },
	{ "driver/orphan", "n is the last ticket: read from ACCEPTED once",
	  FAULT_ORPHAN, 0, 0, 1, true },
	{ "driver/foreign", "The command may have run before: a driver that was rolled back",
	  FAULT_FOREIGN, 1, 3, 1, true },
	{ "driver/rolled-back", "**R7** A guest that is rolled back to any earlier point",
	  FAULT_ROLLED_BACK, 0, SNAPSHOTS - 1, 1, false },
};

static bool one(unsigned int way, const struct fault *f, unsigned int n, bool may_fail,
		unsigned int *accesses)
{
	static struct play p;
	const char *wrong;

	play_begin(&p, way & 1, way & 2, way & 4, 18);
	if (f->kind == FAULT_ROLLED_BACK) {
		p.snapshots = g_malloc((f->at + 1) * sizeof(*p.snapshots));
	}
	wrong = play(&p, f, n, may_fail);
	*accesses = p.accesses;
	if (wrong) {
		g_test_message("%s: device %s, %s, %s backend, fault %d at access %u arg %u",
			       wrong, way & 1 ? "crb" : "tis", way & 2 ? "RAM" : "trapped",
			       way & 4 ? "fast" : "slow", f->kind, f->at, f->arg);
	}
	machine_free(p.m);
	g_free(p.snapshots);
	return !wrong;
}

static void test_each_access(gconstpointer data)
{
	const struct kind *k = data;
	unsigned int way, at, arg, accesses, end, runs = 0, bad = 0;

	for (way = 0; way < 8; way++) {
		one(way, &(struct fault) { FAULT_NONE, 0, 0 }, 1, false, &end);
		g_assert_cmpuint(end, <, SNAPSHOTS);
		for (at = 0; at < end; at++) {
			for (arg = k->first; arg <= k->last; arg += k->step) {
				struct fault f = { k->kind, at, arg };

				if (k->kind == FAULT_ROLLED_BACK && arg >= at) {
					break;
				}
				runs++;
				bad += !one(way, &f, 1, k->may_fail, &accesses);
				if (bad > 5) {
					break;
				}
			}
		}
	}
	g_test_message("%u transactions with a fault", runs * COMMANDS);
	g_assert_cmpuint(bad, ==, 0);
}

/* Several faults in one transaction; no corrupted value among them, nor lost reads. */
static void test_several(void)
{
	static const enum fault_kind some[] = { FAULT_REPEAT, FAULT_LATE, FAULT_BLIP,
						FAULT_LEFT, FAULT_SEIZED, FAULT_ORPHAN };
	GRand *rand = g_rand_new_with_seed(26);
	unsigned int i, j, accesses, bad = 0;

	for (i = 0; i < 2000 && bad < 5; i++) {
		struct fault f[4];

		for (j = 0; j < 4; j++) {
			f[j].kind = some[g_rand_int_range(rand, 0, G_N_ELEMENTS(some))];
			f[j].at = (unsigned int)g_rand_int_range(rand, 0, 60);
			f[j].arg = (unsigned int)g_rand_int_range(rand, 1, 40);
		}
		/* Another's command may end a response before it is read. */
		bad += !one(i % 8, f, 4, true, &accesses);
	}
	g_rand_free(rand);
	g_assert_cmpuint(bad, ==, 0);
}

/* Beyond 3584 bytes INDEX changes; a guest is rolled back over that. */
static void test_long(void)
{
	static struct play p;
	unsigned int way, at;

	for (way = 0; way < 8; way++) {
		for (at = 440; at < 480; at += 3) {
			struct fault f[2] = { { FAULT_REPEAT, at, 0 }, { FAULT_LATE, at + 2, 7 } };

			play_begin(&p, way & 1, way & 2, way & 4, 3700);
			g_assert_cmpstr(play(&p, f, 2, false), ==, NULL);
			machine_free(p.m);
		}
	}
}

/* ---- the refusals of step 4 ---- */

static void refused_csum(void)
{
	static struct play p;
	struct fault f = { FAULT_CORRUPT, 4, 5 };

	play_begin(&p, false, false, false, 18);
	g_assert_cmpstr(play(&p, &f, 1, false), ==, NULL);
	g_assert_cmphex(p.d.seen & 1u << 3, !=, 0);
	machine_free(p.m);
}

static void refused_busy(void)
{
	static struct play p;

	play_begin(&p, true, true, false, 18);
	p.takes = 20;
	/* Another's command runs when the driver takes the device, and reads n. */
	begin_1(&p);
	backend(&p);
	access_1(&p, false);
	p.d.n = p.m->e.s.accepted;
	g_assert_cmpstr(play(&p, NULL, 0, false), ==, NULL);
	g_assert_cmphex(p.d.seen & 1u << 1, !=, 0);
	machine_free(p.m);
}

static void refused_ticket(void)
{
	static struct play p;
	struct fault f = { FAULT_FOREIGN, 1, 2 };

	play_begin(&p, false, true, false, 18);
	g_assert_cmpstr(play(&p, &f, 1, true), ==, NULL);
	g_assert_cmphex(p.d.seen & 1u << 2, !=, 0);
	/* An error, and the next command runs. */
	g_assert_cmpuint(p.errors, ==, 1);
	g_assert_cmpuint(p.count[0], ==, 0);
	g_assert_cmpuint(p.count[1], ==, 1);
	machine_free(p.m);
}

static void ticket_of_another(void)
{
	static struct play p;
	struct fault f = { FAULT_FOREIGN, 1, 1 };

	play_begin(&p, false, true, false, 18);
	g_assert_cmpstr(play(&p, &f, 1, false), ==, NULL);
	g_assert_cmpuint(p.count[0], ==, 1);
	g_assert_cmpuint(p.d.n, ==, 3);
	machine_free(p.m);
}

static void lost_locality(void)
{
	static struct play p;
	struct fault f = { FAULT_BLIP, 8, 0 };

	play_begin(&p, true, false, false, 18);
	g_assert_cmpstr(play(&p, &f, 1, false), ==, NULL);
	g_assert_cmphex(p.d.seen & 1u << 31, !=, 0);
	machine_free(p.m);
}

static void after_the_end(void)
{
	unsigned int at, accesses;

	for (at = 1; at < 10; at++) {
		struct fault f = { FAULT_ROLLED_BACK, 0, at };
		static struct play p;

		play_begin(&p, false, false, true, 18);
		while (p.command == 0 && p.d.step != DRIVER_DONE) {
			one_step(&p, NULL, 0);
		}
		f.at = p.accesses;
		machine_free(p.m);
		g_assert_true(one(4, &f, 1, false, &accesses));
	}
}

/* Why the driver counts: one that reads ACCEPTED anew runs its command twice. */
static void accepted_anew(void)
{
	static struct play p;
	unsigned int i;

	play_begin(&p, false, false, true, 18);
	for (i = 0; p.d.step != STEP_5_CSUM && i < 100; i++) {
		one_step(&p, NULL, 0);
	}
	begin_command(&p);
	p.d.n = p.m->e.s.accepted;
	for (i = 0; p.d.step != STEP_5_CSUM && i < 100; i++) {
		one_step(&p, NULL, 0);
	}
	g_assert_cmpuint(p.count[0], ==, 2);
	machine_free(p.m);
}

static const struct {
	const char *name;
	const char *says;
	void (*run)(void);
} checks[] = {
	{ "driver/refused-csum", "n, otherwise: refused for its checksum (CSUM), or the doorbell was lost", refused_csum },
	{ "driver/refused-busy", "n, BUSY: another command runs.", refused_busy },
	{ "driver/index-first", "INDEX is written first, then step 3 again", refused_busy },
	{ "driver/refused-ticket", "past n + 1: somebody else counted.", refused_ticket },
	{ "driver/error", "An error for the caller; n is read anew.", refused_ticket },
	{ "driver/ticket-of-another", "n + 1 was somebody else's, this command did not run.", ticket_of_another },
	{ "driver/lost-locality", "ones: the locality is lost; from step 1 again", lost_locality },
	{ "driver/accepted-anew", "A driver that reads ACCEPTED again in a transaction", accepted_anew },
	{ "driver/several-faults", "A driver's transaction, all of it repeatable, from any point", test_several },
	{ "driver/after-the-end", "A guest rolled back from after step 6 to a point behind step 1",
	  after_the_end },
	{ "driver/long", "beyond 3584 bytes INDEX = 3584 and on", test_long },
	{ "driver/index-change", "A guest rolled back over a change of INDEX", test_long },
};

int main(int argc, char **argv)
{
	unsigned int i;
	char *name;

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	for (i = 0; i < G_N_ELEMENTS(kinds); i++) {
		name = g_strdup_printf("/page/%s", kinds[i].name);
		g_test_add_data_func(name, &kinds[i], test_each_access);
		g_free(name);
	}
	for (i = 0; i < G_N_ELEMENTS(checks); i++) {
		name = g_strdup_printf("/page/%s", checks[i].name);
		g_test_add_func(name, checks[i].run);
		g_free(name);
	}
	return g_test_run();
}
