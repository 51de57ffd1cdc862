/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a START can do that comes late, as it names no ticket: docs/specification.md,
 * "Deviations, and what CRB cannot do", has the numbers that are asserted here. A guest
 * sends commands, one after the other, each with bytes of its own; one START of it
 * comes again so many of its accesses later, or comes only then.
 */
#include "crb_guests.h"

#define COMMANDS  9u
#define FAULTY    2u    /* the command with that START; before it is one without */

enum fault { REPEATED, LATE };

/* Cases, and of these those in which, at least once, */
struct count {
	unsigned int cases;
	unsigned int unnoticed; /* (each command was run once and had its response) */
	unsigned int twice;     /* a command was run twice */
	unsigned int mixed;     /* bytes of two commands were run as one */
	unsigned int never;     /* a command was not run */
	unsigned int wrong;     /* the guest believed the response to another command */
	unsigned int failed;    /* the guest found none, or an error */
};

struct machine {
	struct bench b;
	unsigned int accesses, due;
	unsigned int takes, left;       /* accesses that a command lasts */
	unsigned int ran[COMMANDS + 1]; /* by the commands' numbers; 0: a mixture */
};

static void (*const scripts[])(struct guest *g) = {
	linux_crb, seabios, edk2, qtest, from_idle,
};

/* The number of the command that the backend was given last. */
static unsigned int number_of(const struct bench *b)
{
	unsigned int i;

	for (i = 11; i < COMMAND; i++) {
		if (b->last_cmd[i] != b->last_cmd[10]) {
			return 0;
		}
	}
	return b->last_cmd[10];
}

static uint8_t fill_of(unsigned int number)
{
	return (uint8_t)(0x40 + 8 * number);
}

static void device_write(struct machine *m, const struct op *o)
{
	unsigned int starts = m->b.starts;

	tpmix_write(&m->b.e, o->addr, o->val, o->size);
	if (m->b.starts != starts) {
		m->ran[number_of(&m->b)]++;
		m->left = m->takes;
	}
}

/* What passes with every access beside it. */
static void step(struct machine *m, const struct op *start)
{
	if (m->due && ++m->accesses >= m->due) {
		m->due = 0;
		device_write(m, start);
	}
	if (m->b.e.s.running != 0xFF && (m->left == 0 || --m->left == 0)) {
		complete(&m->b, RESPONSE, fill_of(number_of(&m->b)));
	}
}

static uint32_t access_device(struct machine *m, const struct op *o, const uint8_t *cmd,
			      uint8_t *got)
{
	uint64_t val = 0;

	switch (o->kind) {
	case WRITE:
		device_write(m, o);
		break;
	case RAM_WRITE:
		memcpy(m->b.ram_cmd + o->at, cmd + o->at, MIN(o->size, COMMAND - o->at));
		break;
	case RAM_READ:
		memcpy(got + o->at, m->b.ram_rsp + o->at, o->size);
		break;
	default:
		val = tpmix_mmio_read(&m->b.e, o->addr, o->size);
		if (o->kind == READ_RESPONSE) {
			val = bench_value(&val, 8);
			memcpy(got + o->at, &val, o->size);
		}
	}
	return (uint32_t)val;
}

/* A command of the guest as it sends it; @fault: of its START. */
static void command(struct machine *m, unsigned int script, unsigned int number,
		    const enum fault *fault, unsigned int delay, struct op *start,
		    struct count *c)
{
	struct guest g = { 0 };
	uint8_t got[RESPONSE + 8] = { 0 }, want[RESPONSE];
	unsigned int i, polls;

	make_command(g.cmd, COMMAND, COMMAND, (uint8_t)number);
	scripts[script](&g);
	for (i = 0; i < g.n; i++) {
		const struct op *o = &g.op[i];

		step(m, start);
		if (fault && o->flags & STARTS) {
			*start = *o;
			m->accesses = 0;
			m->due = delay;
			if (*fault == LATE) {
				continue;
			}
		}
		for (polls = 0; access_device(m, o, g.cmd, got) && o->kind == POLL; polls++) {
			g_assert_cmpuint(polls, <, 100);
			step(m, start);
		}
	}
	make_response(want, RESPONSE, fill_of(number));
	if (memcmp(got, want, RESPONSE)) {
		/* A response with a header of its size is one that is believed. */
		*(got[0] == 0x80 && got[5] == RESPONSE ? &c->wrong : &c->failed) += 1;
	}
}

static void one_case(unsigned int script, unsigned int takes, enum fault fault,
		     unsigned int delay, struct count *c)
{
	struct machine m = { .takes = takes };
	struct count now = { 0 };
	struct op start = { 0 };
	unsigned int number;

	bench_init_crb(&m.b, 4096);
	for (number = 1; number <= COMMANDS; number++) {
		command(&m, script, number, number == FAULTY ? &fault : NULL, delay, &start,
			&now);
		check(&m.b);
	}
	g_assert_cmpuint(m.due, ==, 0);
	for (number = 1; number <= COMMANDS; number++) {
		now.twice |= m.ran[number] > 1;
		now.never |= m.ran[number] == 0;
	}
	c->cases++;
	c->twice += now.twice;
	c->mixed += m.ran[0] > 0;
	c->never += now.never;
	c->wrong += now.wrong > 0;
	c->failed += now.failed > 0;
	c->unnoticed += !(now.twice | now.never | m.ran[0] | now.wrong | now.failed);
}

/* A row of the table: each delay, each guest, a TPM that answers at once and later. */
static struct count row(enum fault fault, unsigned int from, unsigned int to)
{
	static const unsigned int takes[] = { 0, 3, 9 };
	struct count c = { 0 };
	unsigned int delay, script, t;

	for (delay = from; delay <= to; delay++) {
		for (script = 0; script < G_N_ELEMENTS(scripts); script++) {
			for (t = 0; t < G_N_ELEMENTS(takes); t++) {
				one_case(script, takes[t], fault, delay, &c);
			}
		}
	}
	return c;
}

struct wanted {
	enum fault fault;
	unsigned int from, to;
	struct count count;
};

static const struct wanted table[] = {
	{ REPEATED, 1, 5, { 75, 74, 1, 0, 1, 1, 0 } },
	{ REPEATED, 6, 10, { 75, 69, 6, 0, 4, 4, 0 } },
	{ REPEATED, 11, 20, { 150, 108, 40, 2, 33, 31, 2 } },
	{ REPEATED, 21, 40, { 300, 221, 76, 3, 47, 44, 3 } },
	{ LATE, 1, 5, { 75, 28, 0, 0, 6, 28, 20 } },
	{ LATE, 6, 10, { 75, 3, 0, 0, 32, 68, 7 } },
	{ LATE, 11, 20, { 150, 0, 4, 3, 112, 150, 4 } },
	{ LATE, 21, 40, { 300, 0, 60, 3, 240, 300, 4 } },
};

static void late_starts(void)
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		const struct wanted *w = &table[i];
		struct count c = row(w->fault, w->from, w->to);

		g_test_message("| %s | %u-%u | %u | %u | %u | %u | %u | %u | %u |",
			       w->fault == LATE ? "only then" : "once more", w->from, w->to,
			       c.cases, c.unnoticed, c.twice, c.mixed, c.never, c.wrong,
			       c.failed);
		if (memcmp(&c, &w->count, sizeof(c))) {
			g_test_fail_printf("another row than expected");
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/late-start/table", late_starts);
	return g_test_run();
}
