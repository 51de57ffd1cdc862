/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door: LOC_CTRL, LOC_STATE, LOC_STS; hand-over while a command runs. */
#include "bench.h"

static uint32_t loc_state(struct bench *b)
{
	unsigned int l;
	uint32_t val = (uint32_t)rd(b, 0, 0x00, 4);

	/* the same in every locality */
	for (l = 1; l < 5; l++) {
		g_assert_cmphex(rd(b, l, 0x00, 4), ==, val);
	}
	return val;
}

static uint32_t loc_sts(struct bench *b, unsigned int l)
{
	return (uint32_t)rd(b, l, 0x0C, 4);
}

static void request_relinquish(void)
{
	struct bench b;
	unsigned int i, j, k;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			bench_init_crb(&b, 4096);
			g_assert_cmphex(loc_state(&b), ==, 0x81);
			crb_request(&b, i);
			g_assert_cmphex(loc_state(&b), ==, 0x83 | i << 2);
			crb_request(&b, j);             /* waits */
			g_assert_cmphex(loc_state(&b), ==, 0x83 | i << 2);
			for (k = 0; k < 5; k++) {
				g_assert_cmphex(loc_sts(&b, k), ==, k == i);
				g_assert_cmphex(rd(&b, k, 0x08, 4), ==, 0);
			}
			crb_relinquish(&b, i);
			g_assert_cmphex(loc_state(&b), ==,
					i == j ? 0x81 : 0x83 | j << 2);
			crb_relinquish(&b, j);
			g_assert_cmphex(loc_state(&b), ==, 0x81);
			g_assert_cmphex(loc_sts(&b, j), ==, 0);
		}
	}
}

static void highest_request_wins(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 2);
	crb_request(&b, 0);
	crb_request(&b, 4);
	crb_request(&b, 3);
	crb_request(&b, 1);
	crb_relinquish(&b, 3);                  /* withdraws */
	crb_relinquish(&b, 2);
	g_assert_cmphex(loc_state(&b), ==, 0x93);
	crb_relinquish(&b, 4);
	g_assert_cmphex(loc_state(&b), ==, 0x87);
	crb_relinquish(&b, 1);
	g_assert_cmphex(loc_state(&b), ==, 0x83);
	crb_relinquish(&b, 0);
	g_assert_cmphex(loc_state(&b), ==, 0x81);
}

static void seize(void)
{
	struct bench b;
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			bench_init_crb(&b, 4096);
			crb_request(&b, i);
			crb_seize(&b, j);
			g_assert_cmphex(loc_state(&b), ==,
					0x83 | MAX(i, j) << 2);
			g_assert_cmphex(loc_sts(&b, i), ==, j > i ? 2 : 1);
			crb_relinquish(&b, MAX(i, j));
			g_assert_cmphex(loc_sts(&b, i), ==, j > i ? 2 : 0);
			crb_seize(&b, i);               /* keeps beenSeized */
			g_assert_cmphex(loc_sts(&b, i), ==, j > i ? 3 : 1);
			crb_request(&b, i);             /* clears it */
			g_assert_cmphex(loc_sts(&b, i), ==, 1);
		}
		bench_init_crb(&b, 4096);
		crb_seize(&b, i);                       /* from nobody */
		g_assert_cmphex(loc_state(&b), ==, 0x83 | i << 2);
	}
}

/* A request that waits clears beenSeized as well. */
static void been_seized_waiting(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	crb_seize(&b, 1);
	g_assert_cmphex(loc_sts(&b, 0), ==, 2);
	crb_request(&b, 0);
	g_assert_cmphex(loc_sts(&b, 0), ==, 0);
	g_assert_cmphex(loc_state(&b), ==, 0x87);
}

/* Seize before relinquish before requestAccess; 8 beside any of them. */
static void several_bits(void)
{
	static const struct {
		uint32_t val;
		unsigned int by;        /* 1 is active, 0 waits */
		uint32_t state;
	} t[] = {
		{ 0x3, 1, 0x83 }, { 0x7, 3, 0x8F },
		{ 0x6, 3, 0x8F }, { 0x5, 3, 0x8F },
		{ 0x7, 1, 0x87 }, { 0x6, 1, 0x87 },
		{ 0xA, 1, 0x83 }, { 0x9, 3, 0x87 },
		{ 0xC, 3, 0x8F }, { 0xFFFFFFF0, 1, 0x87 },
		{ 0x0, 1, 0x87 },
	};
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(t); i++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, 1);
		crb_request(&b, 0);
		wr(&b, t[i].by, 0x08, t[i].val, 4);
		g_assert_cmphex(loc_state(&b), ==, t[i].state);
		g_assert_cmpuint(b.established_resets, ==, 0);
		/* R2, of every mixture */
		wr(&b, t[i].by, 0x08, t[i].val, 4);
		g_assert_cmphex(loc_state(&b), ==, t[i].state);
	}
	/* a waiting seize that goes before the request leaves nothing pending */
	bench_init_crb(&b, 4096);
	crb_request(&b, 3);
	wr(&b, 1, 0x08, 0x5, 4);
	crb_relinquish(&b, 3);
	g_assert_cmphex(loc_state(&b), ==, 0x81);
}

/* 8: localities 3 and 4, and only the active one. */
static void reset_establishment(void)
{
	struct bench b;
	unsigned int l, active;

	for (active = 0; active < 5; active++) {
		for (l = 0; l < 5; l++) {
			bool may = l == active && l >= 3;

			bench_init_crb(&b, 4096);
			tpmix_set_established(&b.e, true);
			check(&b);
			g_assert_cmphex(loc_state(&b), ==, 0x80);
			crb_request(&b, active);
			wr(&b, l, 0x08, 0x8, 4);
			g_assert_cmpuint(b.established_resets, ==, may);
			g_assert_cmphex(loc_state(&b), ==,
					(may ? 0x83 : 0x82) | active << 2);
		}
	}
	bench_init_crb(&b, 4096);
	wr(&b, 3, 0x08, 0x9, 4);        /* one of several: requests, */
	g_assert_cmphex(loc_state(&b), ==, 0x8F);
	wr(&b, 3, 0x08, 0xA, 4);        /* relinquishes */
	g_assert_cmphex(loc_state(&b), ==, 0x81);
	g_assert_cmpuint(b.established_resets, ==, 0);
}

static void seize_while_running(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_seize(&b, 2);                               /* at once */
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(loc_state(&b), ==, 0x8B);
	g_assert_cmphex(loc_sts(&b, 2), ==, 1);
	g_assert_cmphex(loc_sts(&b, 0), ==, 2);
	crb_seize(&b, 1);
	crb_seize(&b, 2);
	g_assert_cmpuint(b.cancels, ==, 1);
	crb_seize(&b, 3);
	g_assert_cmpuint(b.cancels, ==, 2);
	g_assert_cmphex(loc_state(&b), ==, 0x8F);
	complete(&b, 20, 0);                            /* changes nobody */
	g_assert_cmphex(loc_state(&b), ==, 0x8F);
	g_assert_cmphex(loc_sts(&b, 0), ==, 2);
	g_assert_cmphex(loc_sts(&b, 2), ==, 2);
	g_assert_cmphex(rd(&b, 3, 0x80, 8), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x80, 8), ==, G_MAXUINT64);
	crb_relinquish(&b, 3);
	g_assert_cmphex(loc_state(&b), ==, 0x81);
	crb_request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x88, 1), ==, 8);     /* its response */
}

static void relinquish_while_running(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	crb_relinquish(&b, 1);                          /* nobody waits */
	g_assert_cmpuint(b.cancels, ==, 0);
	g_assert_cmphex(loc_state(&b), ==, 0x81);
	crb_request(&b, 1);                             /* back while it runs */
	g_assert_cmphex(loc_state(&b), ==, 0x87);
	g_assert_cmphex(rd(&b, 1, 0x44, 4), ==, 0);
	complete(&b, 20, 0);
	g_assert_cmphex(rd(&b, 1, 0x88, 1), ==, 8);
	crb_go(&b, 1);          /* the request was for the command that ran */
	g_assert_cmpuint(b.starts, ==, 1);

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	crb_request(&b, 0);
	crb_relinquish(&b, 1);                          /* 0 waits: cancelled */
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(loc_state(&b), ==, 0x83);
	complete(&b, 20, 0);
	g_assert_cmphex(loc_state(&b), ==, 0x83);
	g_assert_cmphex(loc_sts(&b, 1), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x80, 8), ==, 0);     /* not 0's response */
	g_assert_cmpuint(b.starts, ==, 1);

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	crb_relinquish(&b, 1);
	g_assert_cmpuint(b.cancels, ==, 0);
	crb_request(&b, 2);                             /* later: cancelled then */
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(loc_state(&b), ==, 0x8B);
}

/* A command half written is gone with another locality's turn. */
static void new_owner_finds_nothing(void)
{
	struct bench b;
	uint8_t cmd[24];
	unsigned int from, to, i;

	make_command(cmd, 24, 24, 0x77);
	for (from = 0; from < 5; from++) {
		for (to = 0; to < 5; to++) {
			bench_init_crb(&b, 4096);
			crb_request(&b, from);
			for (i = 0; i < 24; i++) {
				wr(&b, from, 0x80 + i, cmd[i], 1);
			}
			crb_relinquish(&b, from);
			crb_request(&b, to);
			crb_go(&b, to);
			g_assert_cmpuint(b.starts, ==, from == to);
			if (from == to) {
				g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 24);
				continue;
			}
			for (i = 0; i < 4096; i++) {
				g_assert_cmphex(b.cmd[i] | b.ram_cmd[i], ==, 0);
			}
			g_assert_cmphex(ext(&b, to, 0xFDC), ==, 10);
		}
	}
}

static void response_returns_with_its_owner(void)
{
	struct bench b;
	unsigned int l, other;

	for (l = 0; l < 5; l++) {
		other = (l + 2) % 5;
		bench_init_crb(&b, 4096);
		start_crb(&b, l);
		complete(&b, 40, 9);
		crb_relinquish(&b, l);
		g_assert_cmphex(rd(&b, l, 0x80, 8), ==, G_MAXUINT64);
		crb_request(&b, other);
		g_assert_cmphex(rd(&b, other, 0x80, 8), ==, 0);
		crb_ready(&b, other);
		wr(&b, other, 0x90, 0xEE, 1);
		crb_idle(&b, other);
		crb_relinquish(&b, other);
		crb_request(&b, l);
		g_assert_cmphex(rd(&b, l, 0x80 + 39, 1), ==, 39 + 9);
		g_assert_cmphex(rd(&b, l, 0x80 + 40, 1), ==, 0);
		crb_relinquish(&b, l);
		start_crb(&b, other);                   /* now it is replaced */
		complete(&b, 20, 0);
		crb_relinquish(&b, other);
		crb_request(&b, l);
		g_assert_cmphex(rd(&b, l, 0x80, 8), ==, 0);
	}
}

/* R2: the write that requests does not reset, or its repetition would. */
static void request_and_reset_establishment(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	tpmix_set_established(&b.e, true);
	wr(&b, 3, 0x08, 0x9, 4);
	wr(&b, 3, 0x08, 0x9, 4);
	wr(&b, 4, 0x08, 0xC, 4);
	wr(&b, 4, 0x08, 0xC, 4);
	g_assert_cmpuint(b.established_resets, ==, 0);
	wr(&b, 4, 0x08, 0x8, 4);
	g_assert_cmpuint(b.established_resets, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/crb-locality/request-relinquish", request_relinquish);
	g_test_add_func("/crb-locality/highest-request", highest_request_wins);
	g_test_add_func("/crb-locality/seize", seize);
	g_test_add_func("/crb-locality/been-seized-waiting", been_seized_waiting);
	g_test_add_func("/crb-locality/several-bits", several_bits);
	g_test_add_func("/crb-locality/reset-establishment", reset_establishment);
	g_test_add_func("/crb-locality/request-and-reset-establishment",
			request_and_reset_establishment);
	g_test_add_func("/crb-locality/seize-running", seize_while_running);
	g_test_add_func("/crb-locality/relinquish-running",
			relinquish_while_running);
	g_test_add_func("/crb-locality/new-owner", new_owner_finds_nothing);
	g_test_add_func("/crb-locality/response-returns",
			response_returns_with_its_owner);
	return g_test_run();
}
