/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door: INT_ENABLE and INT_STS over the interrupts of the engine. */
#include "bench.h"

static uint32_t sts(struct bench *b, unsigned int l)
{
	uint32_t val = (uint32_t)rd(b, l, 0x54, 4);

	/* PTP: no bit without its interrupt, and the line tells of each. */
	g_assert_cmphex(val & ~0xBu, ==, 0);
	if (val) {
		g_assert_true(tpmix_irq(&b->e));
	}
	return val;
}

static void enable(void)
{
	static const struct { uint32_t val, reads; } t[] = {
		{ 0, 0 }, { 0x1, 0x1 }, { 0x2, 0x2 }, { 0x8, 0x8 },
		{ 0x80000000, 0x80000000 }, { 0xFFFFFFFF, 0x8000000B },
		{ 0x7FFFFFF4, 0 },
	};
	struct bench b;
	unsigned int i, l;

	for (l = 0; l < 5; l++) {
		bench_init_crb(&b, 4096);
		for (i = 0; i < G_N_ELEMENTS(t); i++) {
			wr(&b, l, 0x50, t[i].val, 4);
			g_assert_cmphex(rd(&b, l, 0x50, 4), ==, t[i].reads);
			g_assert_cmphex(rd(&b, (l + 1) % 5, 0x50, 4), ==, 0);
		}
		/* bytes that are not written keep their value */
		wr(&b, l, 0x50, 0xFFFFFFFF, 4);
		wr(&b, l, 0x50, 0x02, 1);
		g_assert_cmphex(rd(&b, l, 0x50, 4), ==, 0x80000002);
		wr(&b, l, 0x51, 0, 2);
		g_assert_cmphex(rd(&b, l, 0x50, 4), ==, 0x80000002);
		wr(&b, l, 0x53, 0, 1);
		g_assert_cmphex(rd(&b, l, 0x50, 4), ==, 0x00000002);
		wr(&b, l, 0x52, 0x8000, 2);
		g_assert_cmphex(rd(&b, l, 0x50, 4), ==, 0x80000002);
	}
}

static void each(void)
{
	struct bench b;
	unsigned int l;

	for (l = 0; l < 5; l++) {
		bench_init_crb(&b, 4096);
		wr(&b, l, 0x50, 0x8000000B, 4);
		crb_request(&b, l);
		g_assert_cmphex(sts(&b, l), ==, 0x8);
		wr(&b, l, 0x54, 0x3, 4);                /* others: no effect */
		g_assert_cmphex(sts(&b, l), ==, 0x8);
		wr(&b, l, 0x54, 0x8, 4);
		g_assert_cmphex(sts(&b, l), ==, 0);
		g_assert_false(tpmix_irq(&b.e));
		crb_ready(&b, l);
		g_assert_cmphex(sts(&b, l), ==, 0x2);
		wr(&b, l, 0x54, 0x2, 1);
		g_assert_cmphex(sts(&b, l), ==, 0);
		crb_ready(&b, l);                       /* is READY: no new one */
		g_assert_cmphex(sts(&b, l), ==, 0);
		crb_idle(&b, l);                        /* has none */
		g_assert_false(tpmix_irq(&b.e));
		start_crb(&b, l);
		g_assert_false(tpmix_irq(&b.e));
		complete(&b, 12, 0);
		g_assert_cmphex(sts(&b, l), ==, 0x1);
		wr(&b, l, 0x54, 0, 4);
		g_assert_cmphex(sts(&b, l), ==, 0x1);
		wr(&b, l, 0x54, 0x1, 4);
		g_assert_cmphex(sts(&b, l), ==, 0);
		g_assert_false(tpmix_irq(&b.e));        /* no half of it is stuck */
	}
}

static void masked(void)
{
	static const uint32_t off[] = { 0xB, 0x80000000, 0x8000000A };
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(off); i++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, 0);
		wr(&b, 0, 0x50, off[i], 4);
		start_crb(&b, 0);
		complete(&b, 12, 0);
		g_assert_false(tpmix_irq(&b.e));
		/* enabling it later does not bring it back */
		wr(&b, 0, 0x50, 0x80000001, 4);
		g_assert_cmphex(sts(&b, 0), ==, 0);
	}
}

/* Acceptance clears start, through either door, also of another locality. */
static void acceptance_clears_start(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x50, 0x80000001, 4);
	start_crb(&b, 0);
	complete(&b, 12, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0x1);
	start_crb(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0);
	g_assert_false(tpmix_irq(&b.e));
	complete(&b, 12, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0x1);
	wr(&b, 6, 0xFCC, 3, 4);
	g_assert_false(tpmix_irq(&b.e));
	complete(&b, 12, 0);
	crb_relinquish(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0x1);
	start_crb(&b, 1);
	g_assert_cmphex(sts(&b, 0), ==, 0);
	g_assert_false(tpmix_irq(&b.e));
}

/* The line is one for all: an inactive locality acknowledges its own. */
static void one_line(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x50, 0x80000008, 4);
	wr(&b, 1, 0x50, 0x80000008, 4);
	crb_request(&b, 0);
	crb_seize(&b, 1);
	g_assert_cmphex(sts(&b, 0), ==, 0x8);
	g_assert_cmphex(sts(&b, 1), ==, 0x8);
	wr(&b, 1, 0x54, 0x8, 4);
	g_assert_true(tpmix_irq(&b.e));
	wr(&b, 0, 0x54, 0x8, 4);
	g_assert_false(tpmix_irq(&b.e));
}

static void int_ack(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x50, 0x8000000B, 4);
	start_crb(&b, 0);
	wr(&b, 6, 0xFE4, 1, 4);                 /* too early */
	complete(&b, 12, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0x9);
	wr(&b, 6, 0xFE4, 0, 4);
	wr(&b, 7, 0xFE4, 1, 4);                 /* not active */
	g_assert_cmphex(sts(&b, 0), ==, 0x9);
	wr(&b, 6, 0xFE4, 1, 4);
	g_assert_cmphex(sts(&b, 0), ==, 0x8);   /* that one only */
	start_crb(&b, 0);
	complete(&b, 12, 0);
	wr(&b, 6, 0xFE4, 1, 4);                 /* late: the old ticket */
	g_assert_cmphex(sts(&b, 0), ==, 0x9);
}

/* A write that clears, repeated over the completion, clears nothing new. */
static void late_clear(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x50, 0x80000001, 4);
	start_crb(&b, 0);
	wr(&b, 0, 0x54, 0x1, 4);
	complete(&b, 12, 0);
	wr(&b, 0, 0x54, 0x1, 4);
	g_assert_cmphex(sts(&b, 0), ==, 0x1);
	wr(&b, 0, 0x54, 0xB, 4);                /* the handler's own */
	g_assert_false(tpmix_irq(&b.e));
}

/* A command that is refused with an error response completes as well. */
static void error_response(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x50, 0x80000001, 4);
	crb_request(&b, 0);
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x4C, 4), ==, 0);
	g_assert_cmphex(sts(&b, 0), ==, 0x1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/crb-interrupts/enable", enable);
	g_test_add_func("/crb-interrupts/each", each);
	g_test_add_func("/crb-interrupts/masked", masked);
	g_test_add_func("/crb-interrupts/acceptance", acceptance_clears_start);
	g_test_add_func("/crb-interrupts/one-line", one_line);
	g_test_add_func("/crb-interrupts/int-ack", int_ack);
	g_test_add_func("/crb-interrupts/late-clear", late_clear);
	g_test_add_func("/crb-interrupts/error-response", error_response);
	return g_test_run();
}
