/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every access of the driver's transactions meets every fault. The TPM is asked what
 * it executed: no command twice; the driver, what it believed: no wrong response.
 *
 *   test_faults tis|crb
 *
 * TPM_CELLS=FILE, for ./run eval: what became of each access, a JSON value a line, in place of
 * verdicts. TPM_LONG=1: commands and responses larger than the trapped window, by it.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "machine.h"

/* Two commands meet the fault; those after them, what is left of it. */
#define FIRST   1u
#define MEET    2u
#define MAX_LATE 40u
#define MAX_CELLS 160u
/* Larger than the trapped window, which INDEX moves. */
#define LARGE    3700u

struct ways {
	const char *door;
	unsigned int cpus;
	bool irq;               /* then the locality is kept, with windows */
	uint32_t takes, takes_us;
};

/* The TPM answers at once, while the driver spins, and while it sleeps. */
static const struct ways ways[] = {
	{ "window", 2, false, 0, 0 }, { "window", 2, false, 5, 0 },
	{ "window", 1, false, 9, 0 },
	{ "window", 2, true, 5, 0 }, { "window", 1, true, 0, 700 },
	{ "window", 1, true, 0, 1500 },
	{ "indexed", 2, false, 0, 0 }, { "indexed", 2, false, 5, 0 },
	{ "indexed", 1, false, 9, 0 }, { "indexed", 1, true, 0, 700 },
	{ "indexed", 1, true, 0, 1500 },
	{ "fifo", 2, false, 5, 0 },
};

struct variant {
	enum fault_kind kind;
	uint32_t delay;
	uint64_t mask;
};

struct count {
	unsigned int cases, twice, outcome[3], after;
	unsigned int harmed;            /* cases that are not right in some way */
	char worst[MAX_CELLS + 1];      /* of each access, as a letter */
};

static bool crb;
static FILE *cells;             /* of ./run eval; else NULL */
static bool large;

static const char * const kind_names[FAULT_KINDS] = {
	[FAULT_REPEATED] = "repeated",
	[FAULT_REPEATED_LATE] = "repeated-late",
	[FAULT_LATE] = "late",
	[FAULT_LOST] = "lost",
	[FAULT_CORRUPTED] = "corrupted",
	[FAULT_CORRUPTED_TWICE] = "corrupted-twice",
	[FAULT_RELINQUISHED] = "relinquished",
	[FAULT_SEIZED] = "seized",
	[FAULT_SEIZED_COMMAND] = "seized-for-a-command",
	[FAULT_ROLLED_BACK] = "rolled-back",
};

static void boot(const struct ways *w)
{
	const struct setup setup = { .crb = crb, .takes = w->takes,
				     .takes_us = w->takes_us, .irq = w->irq };
	const struct guest_options options = { w->door, w->cpus };

	machine_init(&setup);
	if (large) {
		guest_cmd_len = machine->rsp_len = LARGE;
	}
	g_assert_cmpint(guest_boot(&options), ==, 0);
	g_assert_cmpstr(guest_door(), ==, w->door);
}

/* "R", or what is worse, the worst last. */
static void note(struct count *c, uint32_t at, char letter)
{
	static const char worse[] = "RE2W";
	char *cell = at && at <= MAX_CELLS ? &c->worst[at - 1] : NULL;

	if (cell && (!*cell || strchr(worse, letter) > strchr(worse, *cell))) {
		*cell = letter;
	}
}

static void note_case(struct count *c, uint32_t at, const struct count *before)
{
	c->harmed += c->outcome[FAILED] > before->outcome[FAILED] ||
		     c->outcome[WRONG] > before->outcome[WRONG] ||
		     c->after > before->after || c->twice > before->twice;
	note(c, at, 'R');
	if (c->outcome[FAILED] > before->outcome[FAILED] || c->after > before->after)
		note(c, at, 'E');
	if (c->twice > before->twice)
		note(c, at, '2');
	if (c->outcome[WRONG] > before->outcome[WRONG])
		note(c, at, 'W');
}

/* False where the fault's access was never made. */
static bool run_case(const struct ways *w, const struct fault *fault, struct count *c)
{
	enum outcome outcome;
	uint32_t serial = FIRST, i, past = 0;
	bool hit;

	boot(w);
	machine_fault(fault);
	/* Until all of it has come, and one more. */
	do {
		past += machine_fault_over();
		outcome = guest_transmit(serial++, 1);
		if (outcome != RIGHT && g_test_verbose())
			g_test_message("not right: %s at %u delay %u mask %" G_GINT64_MODIFIER "x",
				       kind_names[fault->kind], fault->at, fault->delay,
				       fault->mask);
		if (past < 2)
			c->outcome[outcome]++;
		else
			c->after += outcome != RIGHT;
	} while (serial <= FIRST + MEET || (machine->hit && past < 2));
	for (i = FIRST; i < serial; i++) {
		if (machine->runs[i] > 1) {
			c->twice++;
			if (g_test_verbose())
				g_test_message("twice: %s at %u delay %u mask %"
					       G_GINT64_MODIFIER "x",
					       kind_names[fault->kind], fault->at,
					       fault->delay, fault->mask);
		}
	}
	c->cases++;
	hit = machine->hit;
	guest_end();
	return hit;
}

static unsigned int trapped_by_two;     /* commands that meet no fault */

/* Accesses of the commands that meet the fault, where there is none. */
static uint32_t count_accesses(const struct ways *w, uint32_t commands)
{
	uint32_t i, n;

	boot(w);
	machine_fault(NULL);
	for (i = 0; i < commands; i++)
		g_assert_cmpint(guest_transmit(FIRST + i, 1), ==, RIGHT);
	n = machine->accesses;
	if (commands == MEET)
		trapped_by_two = machine->trapped;
	guest_end();
	return n;
}

static void every_access(const struct ways *w, const struct variant *v, struct count *c)
{
	struct fault fault = { .kind = v->kind, .delay = v->delay, .mask = v->mask };
	uint32_t n = count_accesses(w, MEET);

	for (fault.at = 1; fault.at <= n; fault.at++) {
		const struct count before = *c;

		g_assert_true(run_case(w, &fault, c) || cells);
		note_case(c, fault.at, &before);
	}
}

static void judge_as(const struct ways *w, enum fault_kind kind, const char *title,
		     const struct count *c)
{
	bool fifo = !strcmp(w->door, "fifo");

	if (cells) {
		fprintf(cells, "{\"device\": \"%s\", \"door\": \"%s\", \"way\": \"%s%u-%u\", "
			"\"irq\": %s, \"kind\": \"%s\", \"cases\": %u, \"harmed\": %u, \"right\": %u, "
			"\"wrong\": %u, \"failed\": %u, \"twice\": %u, \"after\": %u, "
			"\"trapped\": %u, \"cells\": \"%s\"}\n", crb ? "crb" : "tis", w->door,
			w->irq ? "irq-" : "", w->cpus, w->takes ?: w->takes_us,
			w->irq ? "true" : "false", title, c->cases, c->harmed, c->outcome[RIGHT],
			c->outcome[WRONG], c->outcome[FAILED], c->twice, c->after,
			trapped_by_two, c->worst);
		return;
	}
	g_test_message("%s %s: %u cases: %u right, %u wrong, %u failed, %u twice; %u failed after it",
		       w->door, kind_names[kind], c->cases, c->outcome[RIGHT],
		       c->outcome[WRONG], c->outcome[FAILED], c->twice, c->after);
	g_assert_cmpuint(c->cases, >=, 17);
	if (fifo) {
		/* The control group: a pointer hidden in the device. */
		g_assert_cmpuint(c->outcome[WRONG], >, 20);
		return;
	}
	if (c->twice)
		g_test_fail_printf("%u commands executed twice", c->twice);
	if (c->outcome[WRONG])
		g_test_fail_printf("%u wrong responses believed", c->outcome[WRONG]);
	if (c->after)
		g_test_fail_printf("%u failed after the fault was over", c->after);
	/* A command that followed took the response; nothing else is beyond repair. */
	if (c->outcome[FAILED] && kind != FAULT_SEIZED_COMMAND)
		g_test_fail_printf("%u failed", c->outcome[FAILED]);
}

static void judge(const struct ways *w, enum fault_kind kind, const struct count *c)
{
	judge_as(w, kind, kind_names[kind], c);
}

static void test_repeated(gconstpointer data)
{
	const struct variant v = { .kind = FAULT_REPEATED };
	struct count c = { 0 };

	every_access(data, &v, &c);
	judge(data, v.kind, &c);
}

static void late(const struct ways *w, enum fault_kind kind)
{
	struct variant v = { .kind = kind };
	struct count c = { 0 };

	for (v.delay = 1; v.delay <= MAX_LATE; v.delay++)
		every_access(w, &v, &c);
	judge(w, kind, &c);
}

static void test_repeated_late(gconstpointer data)
{
	late(data, FAULT_REPEATED_LATE);
}

static void test_late(gconstpointer data)
{
	late(data, FAULT_LATE);
}

static void test_lost(gconstpointer data)
{
	static const uint64_t old[] = { 0, UINT64_MAX, 0x5A5A5A5A5A5A5A5A };
	struct variant v = { .kind = FAULT_LOST };
	struct count c = { 0 };
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(old); i++) {
		v.mask = old[i];
		every_access(data, &v, &c);
	}
	judge(data, v.kind, &c);
}

/* Bursts of up to 16 bits, which CRC-16 sees (R6). */
static const uint64_t masks[] = {
	1, 1 << 3, 1 << 5, 0xA5, 1 << 16, 1u << 31, 1ull << 32, 3ull << 32,
	1ull << 40, 0xFFFFull << 32, 1ull << 63,
};

static void test_corrupted(gconstpointer data)
{
	struct variant v = { .kind = FAULT_CORRUPTED };
	struct count c = { 0 };
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(masks); i++) {
		v.mask = masks[i];
		every_access(data, &v, &c);
	}
	judge(data, v.kind, &c);
}

/* What is read because something was odd may be corrupted as well. */
static void test_corrupted_twice(gconstpointer data)
{
	struct variant v = { .kind = FAULT_CORRUPTED_TWICE };
	struct count c = { 0 };
	unsigned int i;

	for (v.delay = 1; v.delay <= 8; v.delay++) {
		for (i = 0; i < G_N_ELEMENTS(masks); i++) {
			v.mask = masks[i];
			every_access(data, &v, &c);
		}
	}
	judge(data, v.kind, &c);
}

static void test_relinquished(gconstpointer data)
{
	const struct variant v = { .kind = FAULT_RELINQUISHED };
	struct count c = { 0 };

	every_access(data, &v, &c);
	judge(data, v.kind, &c);
}

static void seized(const struct ways *w, enum fault_kind kind)
{
	static const uint32_t delays[] = { 0, 1, 2, 3, 5, 8, 13, 21, 34 };
	struct variant v = { .kind = kind };
	struct count c = { 0 };
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(delays); i++) {
		v.delay = delays[i];
		every_access(w, &v, &c);
	}
	judge(w, kind, &c);
}

static void test_seized(gconstpointer data)
{
	seized(data, FAULT_SEIZED);
}

static void test_seized_command(gconstpointer data)
{
	seized(data, FAULT_SEIZED_COMMAND);
}

static void transmit(void *outcome)
{
	*(enum outcome *)outcome = guest_transmit(FIRST, 1);
}

/*
 * From each access of a transaction back to each access before, its memory as it was
 * there and the TPM as it is.
 */
static void test_rolled_back(gconstpointer data)
{
	const struct ways *w = data;
	struct fault fault = { .kind = FAULT_ROLLED_BACK };
	struct count c = { 0 };
	enum outcome outcome;
	uint32_t n = count_accesses(w, 1);

	for (fault.at = 1; fault.at <= n; fault.at++) {
		for (fault.delay = 1; fault.at + fault.delay <= n + 1; fault.delay++) {
			const struct count before = c;

			boot(w);
			machine_fault(&fault);
			guest_run(transmit, &outcome);
			c.outcome[outcome]++;
			c.after += guest_transmit(FIRST + 1, 1) != RIGHT;
			c.twice += machine->runs[FIRST] > 1 || machine->runs[FIRST + 1] > 1;
			c.cases++;
			guest_end();
			note_case(&c, fault.at, &before);
		}
	}
	judge(w, fault.kind, &c);
}

struct turn {
	uint32_t ends;          /* after so many accesses the guest is rolled back */
	enum outcome outcome;
};

static void transmit_another(void *data)
{
	struct turn *t = data;

	machine->due = t->ends;
	if (guest_snapshot()) {
		machine->due = 0;
		t->outcome = guest_transmit(FIRST + 1, 1);
	} else {
		guest_transmit(FIRST, 1);
	}
}

/* Back to before a command, and then it sends another one with the same ticket. */
static void test_another_turn(gconstpointer data)
{
	const struct fault fault = { .kind = FAULT_ROLLED_BACK };
	const struct ways *w = data;
	struct count c = { 0 };
	uint32_t n = count_accesses(w, 1);
	struct turn t;

	for (t.ends = 1; t.ends <= n + 1; t.ends++) {
		const struct count before = c;

		boot(w);
		machine_fault(&fault);
		guest_run(transmit_another, &t);
		c.outcome[t.outcome]++;
		c.after += guest_transmit(FIRST + 2, 1) != RIGHT;
		c.twice += machine->runs[FIRST] > 1 || machine->runs[FIRST + 1] > 1;
		c.cases++;
		guest_end();
		note_case(&c, t.ends, &before);
	}
	judge_as(w, fault.kind, "another-turn", &c);
}

static void add(const char *name, void (*test)(gconstpointer), bool fifo)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(ways); i++) {
		const struct ways *w = &ways[i];
		g_autofree char *path = NULL;

		if ((crb || !fifo) && !strcmp(w->door, "fifo"))
			continue;
		/* Many accesses: one way of the trapped window is enough. */
		if (large && (strcmp(w->door, "indexed") || w->cpus != 2 || w->takes))
			continue;
		path = g_strdup_printf("/faults/%s/%s%s-%u/%s", crb ? "crb" : "tis", w->door,
				       w->irq ? "-irq" : "",
				       w->takes ?: w->takes_us, name);
		g_test_add_data_func(path, w, test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	crb = argc > 1 && !strcmp(argv[1], "crb");
	if (g_getenv("TPM_CELLS")) {
		cells = fopen(g_getenv("TPM_CELLS"), "w");
		g_assert_nonnull(cells);
	}
	large = g_getenv("TPM_LONG") != NULL;
	if (large) {
		add("repeated", test_repeated, false);
		add("relinquished", test_relinquished, false);
		return g_test_run();
	}
	add("repeated", test_repeated, true);
	add("repeated-late", test_repeated_late, true);
	add("late", test_late, true);
	add("lost", test_lost, false);
	add("corrupted", test_corrupted, true);
	add("corrupted-twice", test_corrupted_twice, false);
	add("relinquished", test_relinquished, false);
	add("seized", test_seized, false);
	add("seized-command", test_seized_command, false);
	add("rolled-back", test_rolled_back, true);
	add("another-turn", test_another_turn, false);
	return g_test_run();
}
