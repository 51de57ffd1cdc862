/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of the indexed door: an edge for each that was asked for, one for a
 * request of another locality, and none for anything that is late or repeated.
 */
#include "bench.h"

#define INT_COMPLETED 0x20000u
#define INT_REQUEST   0x40000u

/* CSUM_EXPECT and DOORBELL in one write; the checksum is off. */
static void ring(struct bench *b, unsigned int locality, uint32_t ticket, uint32_t bits)
{
	wr(b, locality, 0xFC8, (uint64_t)ticket << 32 | bits, 8);
}

static void power_on(struct bench *b)
{
	static const uint8_t cmd[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };
	unsigned int i;

	bench_init(b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	request(b, 0);
	for (i = 0; i < sizeof(cmd); i++) {
		wr(b, 0, 0x100 + i, cmd[i], 1);
	}
}

static void asked_with_the_doorbell(void)
{
	struct bench b;

	power_on(&b);
	ring(&b, 0, 1, 0);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 0);
	ring(&b, 0, 2, INT_COMPLETED);
	g_assert_cmpuint(b.e.edges, ==, 0);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 1);
	/* An edge, and nothing to acknowledge. */
	g_assert_false(tpmix_irq(&b.e));
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0);
}

/* Whoever has looked for a while asks with the same ticket once more. */
static void asked_while_it_runs(void)
{
	struct bench b;

	power_on(&b);
	ring(&b, 0, 1, 0);
	ring(&b, 0, 1, INT_COMPLETED);
	ring(&b, 0, 1, INT_COMPLETED);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 1);
	g_assert_cmpuint(b.starts, ==, 1);
}

static void late_asks_for_nothing(void)
{
	struct bench b;

	power_on(&b);
	ring(&b, 0, 1, INT_COMPLETED);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 1);
	/* after its completion, as the same write and as another one */
	ring(&b, 0, 1, INT_COMPLETED);
	rd(&b, 0, 0xFD8, 8);
	wr(&b, 0, 0xFC0, 0, 4);
	ring(&b, 0, 1, INT_COMPLETED);
	g_assert_cmpuint(b.e.edges, ==, 1);
	/* while the next command runs, which asked for none */
	ring(&b, 0, 2, 0);
	ring(&b, 0, 1, INT_COMPLETED);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.e.edges, ==, 1);
}

/* What a locality asked for is not for another's command, nor after a reset. */
static void of_its_own_command_only(void)
{
	struct bench b;

	power_on(&b);
	ring(&b, 0, 1, INT_COMPLETED);
	wr(&b, 1, 0x000, 0x08, 1);              /* seize */
	wr(&b, 1, 0xFC8, 1ull << 32 | INT_COMPLETED, 8);
	g_assert_cmpuint(b.e.s.notify, ==, 1);  /* locality 0's */
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 1);

	power_on(&b);
	ring(&b, 0, 1, 0);
	wr(&b, 1, 0x000, 0x08, 1);
	wr(&b, 1, 0xFC8, 1ull << 32 | INT_COMPLETED, 8);
	complete(&b, 12, 0);
	g_assert_cmpuint(b.e.edges, ==, 0);

	power_on(&b);
	ring(&b, 0, 1, INT_COMPLETED);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	check(&b);
	g_assert_cmpuint(b.e.s.notify, ==, 0);
	g_assert_cmpuint(b.e.edges, ==, 0);
}

static uint32_t pending(struct bench *b)
{
	uint32_t status = rd(b, 0, 0xFD4, 4);

	g_assert_cmphex(rd(b, 0, 0x30FD4, 4), ==, status);
	return status >> 5 & 1;
}

static void another_locality_requests(void)
{
	struct bench b;

	power_on(&b);
	ring(&b, 0, 1, INT_REQUEST);
	complete(&b, 12, 0);
	g_assert_cmpuint(pending(&b), ==, 0);
	request(&b, 0);                         /* its own, active already */
	g_assert_cmpuint(b.e.edges, ==, 0);
	request(&b, 2);
	g_assert_cmpuint(pending(&b), ==, 1);
	g_assert_cmpuint(b.e.edges, ==, 1);
	request(&b, 2);                         /* repeated */
	g_assert_cmpuint(b.e.edges, ==, 1);
	request(&b, 1);
	g_assert_cmpuint(b.e.edges, ==, 2);
	relinquish(&b, 2);
	relinquish(&b, 1);
	g_assert_cmpuint(pending(&b), ==, 0);

	/* not where the active locality did not ask for it */
	ring(&b, 0, 2, 0);
	complete(&b, 12, 0);
	request(&b, 2);
	g_assert_cmpuint(pending(&b), ==, 1);
	g_assert_cmpuint(b.e.edges, ==, 2);
}

/* A guest that hears edges hears of what is set before it has acknowledged the rest. */
static void while_the_line_is_high(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	wr(&b, 0, 0x008, 0x80000084, 4);
	request(&b, 0);
	g_assert_true(tpmix_irq(&b.e));
	g_assert_cmpuint(b.e.edges, ==, 0);
	command_ready(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x84);
	g_assert_cmpuint(b.e.edges, ==, 1);
	wr(&b, 0, 0x010, 0x84, 4);
	g_assert_false(tpmix_irq(&b.e));
	relinquish(&b, 0);
	request(&b, 0);
	g_assert_cmpuint(b.e.edges, ==, 1);
}

static void no_line(void)
{
	struct bench b;
	struct tpmix_config cfg = bench_config(&b);

	cfg.int_vector = 0;
	bench_init_as(&b, &cfg, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	g_assert_cmphex(rd(&b, 0, 0xF98, 4), ==, 0x0F);
	request(&b, 0);
	wr(&b, 0, 0x100, 0x0C00000001800000ull, 8);
	ring(&b, 0, 1, INT_COMPLETED | INT_REQUEST);
	request(&b, 1);
	if (b.starts) {
		complete(&b, 12, 0);
	}
	g_assert_cmpuint(b.e.edges, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/edge/with-the-doorbell", asked_with_the_doorbell);
	g_test_add_func("/edge/while-it-runs", asked_while_it_runs);
	g_test_add_func("/edge/late", late_asks_for_nothing);
	g_test_add_func("/edge/own-command", of_its_own_command_only);
	g_test_add_func("/edge/request", another_locality_requests);
	g_test_add_func("/edge/high", while_the_line_is_high);
	g_test_add_func("/edge/no-line", no_line);
	return g_test_run();
}
