/* SPDX-License-Identifier: BSD-2-Clause */
/* Arbitration: request, relinquish, seize, pending, beenSeized. TIS 1.3 5.6. */
#include "bench.h"

static unsigned int access_of(struct bench *b, unsigned int l)
{
	return (unsigned int)rd(b, l, 0x000, 1);
}

static void one_at_a_time(void)
{
	struct bench b;
	unsigned int i, j, k;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			if (i == j) {
				continue;
			}
			bench_init(&b, TPMIX_FAMILY_2_0, 4096);
			request(&b, i);
			g_assert_cmphex(access_of(&b, i), ==, 0xA1);
			request(&b, j);
			g_assert_cmphex(access_of(&b, j), ==, 0x83);
			for (k = 0; k < 5; k++) {
				g_assert_cmpuint(!!(access_of(&b, k) & 0x04),
						 ==, k != j);
			}
			relinquish(&b, i);
			g_assert_cmphex(access_of(&b, i), ==, 0x81);
			g_assert_cmphex(access_of(&b, j), ==, 0xA1);
			relinquish(&b, j);
			g_assert_cmphex(access_of(&b, j), ==, 0x81);
		}
	}
}

static void highest_request_wins(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 2);
	request(&b, 0);
	request(&b, 4);
	request(&b, 1);
	relinquish(&b, 2);
	g_assert_cmphex(access_of(&b, 4), ==, 0xA5);
	relinquish(&b, 4);
	g_assert_cmphex(access_of(&b, 1), ==, 0xA5);
	relinquish(&b, 1);
	g_assert_cmphex(access_of(&b, 0), ==, 0xA1);
}

static void request_withdrawn(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	request(&b, 1);
	relinquish(&b, 1);
	g_assert_cmphex(access_of(&b, 1), ==, 0x81);
	relinquish(&b, 0);
	g_assert_cmphex(access_of(&b, 1), ==, 0x81);
}

static void seize(void)
{
	struct bench b;
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			bench_init(&b, TPMIX_FAMILY_2_0, 4096);
			request(&b, i);
			wr(&b, j, 0x000, 0x08, 1);
			if (j > i) {
				g_assert_cmphex(access_of(&b, j), ==, 0xA1);
				g_assert_cmphex(access_of(&b, i), ==, 0x91);
				wr(&b, i, 0x000, 0x10, 1);
				g_assert_cmphex(access_of(&b, i), ==, 0x81);
			} else {
				g_assert_cmphex(access_of(&b, i), ==, 0xA1);
			}
		}
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		wr(&b, i, 0x000, 0x08, 1);      /* from nobody */
		g_assert_cmphex(access_of(&b, i), ==, 0xA1);
	}
}

/* At once, and what runs is cancelled once for each new owner. */
static void seize_during_execution(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	wr(&b, 2, 0x000, 0x08, 1);
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(access_of(&b, 0), ==, 0x91);
	g_assert_cmphex(access_of(&b, 2), ==, 0xA1);
	wr(&b, 1, 0x000, 0x08, 1);                    /* lower: no effect */
	wr(&b, 2, 0x000, 0x08, 1);                    /* again: no effect */
	g_assert_cmpuint(b.cancels, ==, 1);
	wr(&b, 3, 0x000, 0x08, 1);                    /* higher */
	g_assert_cmpuint(b.cancels, ==, 2);
	complete(&b, 20, 0);
	g_assert_cmphex(access_of(&b, 3), ==, 0xA1);
	g_assert_cmphex(access_of(&b, 0), ==, 0x91);
	g_assert_cmphex(access_of(&b, 2), ==, 0x91);
	g_assert_cmphex(rd(&b, 3, 0xFDC, 4), ==, 0);  /* not its response */
	relinquish(&b, 3);
	wr(&b, 2, 0x000, 0x08, 1);                    /* 2 can seize again */
	g_assert_cmphex(access_of(&b, 2), ==, 0xB1);
}

static void relinquish_during_execution(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	relinquish(&b, 0);                            /* nobody waits */
	g_assert_cmpuint(b.cancels, ==, 0);
	g_assert_cmphex(access_of(&b, 0), ==, 0x81);
	complete(&b, 20, 0);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 20); /* R4 */

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	request(&b, 1);
	relinquish(&b, 0);                            /* 1 waits: cancelled */
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(access_of(&b, 0), ==, 0x81);
	g_assert_cmphex(access_of(&b, 1), ==, 0xA1);
	complete(&b, 20, 0);
	g_assert_cmphex(access_of(&b, 1), ==, 0xA1);
	g_assert_cmphex(access_of(&b, 0), ==, 0x81);  /* not seized */
}

/* The sequences of one request, seize or withdrawal beside a running command. */
static void orphaned_command(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 3);
	request(&b, 1);
	relinquish(&b, 3);                            /* 1 is next */
	relinquish(&b, 1);                            /* and wants no more */
	g_assert_cmphex(access_of(&b, 1), ==, 0x81);
	complete(&b, 20, 0);
	g_assert_cmphex(access_of(&b, 1), ==, 0x81);
	g_assert_cmpuint(b.e.s.active, ==, TPMIX_NO_LOCALITY);

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 3);
	request(&b, 1);
	request(&b, 2);
	relinquish(&b, 1);                            /* withdrawn in time */
	relinquish(&b, 3);
	g_assert_cmphex(access_of(&b, 2), ==, 0xA1);
	complete(&b, 20, 0);
	g_assert_cmphex(access_of(&b, 2), ==, 0xA1);
	g_assert_cmphex(access_of(&b, 1), ==, 0x81);

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	relinquish(&b, 0);
	g_assert_cmpuint(b.cancels, ==, 0);
	wr(&b, 2, 0x000, 0x08, 1);                    /* seize, as a request */
	g_assert_cmphex(access_of(&b, 2), ==, 0xA1);
	g_assert_cmpuint(b.cancels, ==, 1);
	relinquish(&b, 2);
	request(&b, 0);                               /* its own: no cancel */
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(rd(&b, 0, 0xFD4, 4), ==, 0x0000000B);
	complete(&b, 20, 0);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 20);
}

static void several_bits(void)
{
	struct bench b, once;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	wr(&b, 0, 0x000, 0x22, 1);      /* relinquish, not request */
	g_assert_cmphex(access_of(&b, 0), ==, 0x81);
	bench_clone(&once, &b);
	wr(&b, 0, 0x000, 0x22, 1);
	g_assert_true(bench_same(&b, &once));
	wr(&b, 1, 0x000, 0x2A, 1);      /* seize goes first */
	g_assert_cmphex(access_of(&b, 1), ==, 0xA1);
}

static void inactive_sees_nothing(void)
{
	struct bench b, before;
	uint32_t off;
	unsigned int l;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 2);
	complete(&b, 3584, 1);
	wr(&b, 2, 0xFC0, 0, 4);
	for (l = 0; l < 5; l++) {
		if (l == 2) {
			continue;
		}
		for (off = 0x018; off < 0x01C; off++) {
			g_assert_cmphex(rd(&b, l, off, 1), ==, 0xFF);
		}
		for (off = 0x024; off < 0x028; off++) {
			g_assert_cmphex(rd(&b, l, off, 1), ==, 0xFF);
		}
		for (off = 0x080; off < 0xF00; off++) {
			g_assert_cmphex(rd(&b, l, off, 1), ==, 0xFF);
		}
		for (off = 0xFC0; off < 0xFE8; off++) {
			g_assert_cmphex(rd(&b, l, off, 1), ==, 0xFF);
		}
		bench_clone(&before, &b);
		for (off = 0x018; off < 0x1000; off += 4) {
			if (off != 0x030) {
				wr(&b, l, off, 0x40404040, 4);
			}
		}
		g_assert_true(bench_same(&b, &before));
	}
}

/* "Access control": nothing of the old owner is left readable or runnable. */
static void new_owner_finds_nothing(void)
{
	struct bench b;
	uint8_t cmd[64];
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 64, 64, 0x77);
	request(&b, 0);
	window_send(&b, 0, cmd, 64);
	relinquish(&b, 0);
	request(&b, 1);
	wr(&b, 1, 0xFCC, 1, 4);         /* runs no bytes of locality 0 */
	g_assert_cmpuint(b.starts, ==, 0);
	for (i = 0; i < sizeof(b.cmd); i++) {
		g_assert_cmphex(b.cmd[i], ==, 0);
		g_assert_cmphex(b.ram_cmd[i], ==, 0);
	}
}

static void response_returns_with_its_owner(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	complete(&b, 40, 9);
	relinquish(&b, 0);
	request(&b, 1);
	g_assert_cmphex(rd(&b, 1, 0xFDC, 4), ==, 0);
	g_assert_cmphex(rd(&b, 1, 0xFE0, 4), ==, 0);
	g_assert_cmphex(rd(&b, 1, 0x100, 8), ==, 0);
	relinquish(&b, 1);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 40);
	g_assert_cmphex(rd(&b, 0, 0x127, 1), ==, 39 + 9);
	relinquish(&b, 0);
	start_indexed(&b, 1);           /* now it is replaced */
	complete(&b, 20, 0);
	relinquish(&b, 1);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x100, 4), ==, 0);
}

/* A locality may prepare its command while another's runs; it may not start. */
static void two_owners(void)
{
	static const uint8_t retry[10] = {
		0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22,
	};
	struct bench b;
	uint8_t cmd[16];
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 16, 16, 0x11);
	start_fifo(&b, 0);
	relinquish(&b, 0);
	request(&b, 1);
	command_ready(&b, 1);
	fifo_send(&b, 1, cmd, 16);
	g_assert_cmphex(rd(&b, 1, 0x018, 1), ==, 0x80);
	go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.guest_errors, ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x018, 1), ==, 0x80);
	complete(&b, 20, 0);            /* its answer: try again */
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x018, 1), ==, 0x90);
	for (i = 0; i < sizeof(retry); i++) {
		g_assert_cmphex(rd(&b, 1, 0x024, 1), ==, retry[i]);
	}
	command_ready(&b, 1);
	fifo_send(&b, 1, cmd, 16);
	go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.last_len, ==, 16);
	g_assert_cmpuint(b.locality, ==, 1);
}

static void locality4_is_hardwares(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	b.e.cfg.locality4 = false;
	request(&b, 4);
	g_assert_cmphex(access_of(&b, 4), ==, 0x81);
	g_assert_cmpuint(b.guest_errors, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/locality/one-at-a-time", one_at_a_time);
	g_test_add_func("/locality/highest-request", highest_request_wins);
	g_test_add_func("/locality/request-withdrawn", request_withdrawn);
	g_test_add_func("/locality/seize", seize);
	g_test_add_func("/locality/seize-execution", seize_during_execution);
	g_test_add_func("/locality/relinquish-execution",
			relinquish_during_execution);
	g_test_add_func("/locality/orphaned-command", orphaned_command);
	g_test_add_func("/locality/several-bits", several_bits);
	g_test_add_func("/locality/inactive", inactive_sees_nothing);
	g_test_add_func("/locality/new-owner", new_owner_finds_nothing);
	g_test_add_func("/locality/response-returns",
			response_returns_with_its_owner);
	g_test_add_func("/locality/two-owners", two_owners);
	g_test_add_func("/locality/locality4", locality4_is_hardwares);
	return g_test_run();
}
