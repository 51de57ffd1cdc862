/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door: START, what arms it, what disarms it, and when it is not heard. */
#include "bench.h"

static void arm_nothing(struct bench *b)
{
	wr(b, 1, 0x54, 0x8, 4);
}

static void arm_window(struct bench *b)
{
	wr(b, 7, 0x10A, 0x77, 1);       /* the trapped window of the other door */
}

static void arm_both(struct bench *b)
{
	wr(b, 1, 0x40, 0x3, 4);
}

static void arm_seize(struct bench *b)
{
	crb_relinquish(b, 1);
	crb_seize(b, 1);
}

static void arm_ready(struct bench *b)
{
	crb_ready(b, 1);
}

static void arm_idle(struct bench *b)
{
	crb_idle(b, 1);
}

static void arm_request(struct bench *b)
{
	crb_request(b, 1);
}

static void arm_buffer(struct bench *b)
{
	wr(b, 1, 0x8B, 0x3C, 1);
}

/* requestAccess that has to wait: locality 3 is active meanwhile. */
static void arm_pending(struct bench *b)
{
	uint8_t cmd[12];
	uint32_t i;

	make_command(cmd, sizeof(cmd), sizeof(cmd), 0x3C);
	crb_seize(b, 3);
	crb_request(b, 1);
	crb_relinquish(b, 3);
	for (i = 0; i < sizeof(cmd); i++) {
		wr(b, 7, 0x100 + i, cmd[i], 1);
	}
}

/* Linux clears CTRL_CANCEL before each START. */
static void arm_cancel_cleared(struct bench *b)
{
	wr(b, 1, 0x48, 0, 4);
}

static void arm_cancel_cleared_byte(struct bench *b)
{
	wr(b, 1, 0x48, 0, 1);
}

static void arm_cancel_beside(struct bench *b)
{
	wr(b, 1, 0x49, 0, 2);
	wr(b, 1, 0x4A, 0, 2);
}

static void arm_cancel_set(struct bench *b)
{
	wr(b, 1, 0x48, 1, 4);
}

struct armer {
	const char *name;
	void (*arm)(struct bench *b);
	unsigned int starts;
};

static const struct armer armers[] = {
	{ "/crb-start/arm/nothing", arm_nothing, 1 },
	{ "/crb-start/arm/window", arm_window, 1 },
	{ "/crb-start/arm/both", arm_both, 1 },
	{ "/crb-start/arm/seize", arm_seize, 1 },
	{ "/crb-start/arm/cmdReady", arm_ready, 2 },
	{ "/crb-start/arm/goIdle", arm_idle, 2 },
	{ "/crb-start/arm/requestAccess", arm_request, 2 },
	{ "/crb-start/arm/pending", arm_pending, 2 },
	{ "/crb-start/arm/buffer", arm_buffer, 2 },
	{ "/crb-start/arm/cancel-cleared", arm_cancel_cleared, 2 },
	{ "/crb-start/arm/cancel-cleared-byte", arm_cancel_cleared_byte, 2 },
	{ "/crb-start/arm/cancel-beside", arm_cancel_beside, 1 },
	{ "/crb-start/arm/cancel-set", arm_cancel_set, 1 },
};

/* After a command START starts another one only if it was armed. */
static void arming(gconstpointer data)
{
	const struct armer *a = data;
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	g_assert_cmpuint(b.starts, ==, 1);
	crb_go(&b, 1);                          /* at once */
	a->arm(&b);                             /* too early: for nothing */
	complete(&b, 20, 0);
	crb_go(&b, 1);
	arm_nothing(&b);
	crb_go(&b, 1);                          /* late */
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmphex(ext(&b, 1, 0xFDC), ==, 20);
	a->arm(&b);
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, a->starts);
	g_assert_cmphex(ext(&b, 1, 0xFD0), ==, a->starts);
	g_assert_cmpuint(b.guest_errors, ==, 0);
}

/* The same of those that change the locality, after the command. */
static void arming_by_locality(gconstpointer data)
{
	const struct armer *a = data;
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	complete(&b, 20, 0);
	a->arm(&b);
	g_assert_cmphex(rd(&b, 1, 0x0C, 4) & 1, ==, 1);
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, a->starts);
}

/* Acceptance through another door disarms; every door takes a ticket. */
static void doorbell_disarms(void)
{
	struct bench b;
	uint8_t cmd[12];

	make_command(cmd, 12, 12, 0x5A);
	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	window_send(&b, 6, cmd, 12);
	wr(&b, 6, 0xFCC, 1, 4);
	g_assert_cmpuint(b.starts, ==, 1);
	crb_go(&b, 0);
	complete(&b, 20, 0);
	wr(&b, 0, 0x00, 0, 4);
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	crb_ready(&b, 0);
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmphex(ext(&b, 0, 0xFD0), ==, 2);
	wr(&b, 6, 0xFCC, 2, 4);         /* heard already, through the other door */
	complete(&b, 30, 0);
	g_assert_cmphex(ext(&b, 0, 0xFD8), ==, 2);
	g_assert_cmphex(ext(&b, 0, 0xFD4), ==, 0x14);
	wr(&b, 6, 0xFCC, 3, 4);
	g_assert_cmpuint(b.starts, ==, 3);
	g_assert_cmpuint(b.guest_errors, ==, 0);
}

static void start_inactive(void)
{
	struct bench b;
	unsigned int l;

	bench_init_crb(&b, 4096);
	for (l = 0; l < 5; l++) {
		crb_ready(&b, l);       /* arms nothing of an inactive one */
		wr(&b, l, 0x80, 0x0180, 8);
		crb_go(&b, l);
		g_assert_cmpuint(b.e.s.loc[l].armed, ==, 0);
	}
	crb_request(&b, 2);
	for (l = 0; l < 5; l++) {
		if (l != 2) {
			crb_request(&b, l);     /* armed, and waits */
			crb_go(&b, l);
		}
	}
	g_assert_cmpuint(b.starts, ==, 0);
	g_assert_cmpuint(b.e.s.accepted, ==, 0);
}

/* Locality 0's command runs on after it relinquished; 1 has to wait. */
static void start_while_other_runs(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	start_crb(&b, 1);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.guest_errors, ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x4C, 4), ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x44, 4), ==, 0x2);
	wr(&b, 1, 0x48, 1, 4);          /* not its command */
	g_assert_cmpuint(b.cancels, ==, 0);
	crb_ready(&b, 1);               /* its own goal is heard */
	g_assert_cmphex(rd(&b, 1, 0x44, 4), ==, 0);
	complete(&b, 20, 0);
	crb_go(&b, 1);                  /* still armed */
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.locality, ==, 1);
	g_assert_cmpuint(b.last_len, ==, 12);
}

/* The START that found another command running stays unheard when repeated. */
static void start_dropped_repeated(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	start_crb(&b, 1);
	complete(&b, 20, 0);
	crb_go(&b, 1);                  /* R2: the same write */
	g_assert_cmpuint(b.starts, ==, 1);
	wr(&b, 1, 0x44, 0, 4);          /* any write in between, also a dropped one */
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 2);
}

/*
 * R2: one write clears CTRL_CANCEL, which arms, and starts. Its command is over
 * when it returns, so that no running command tells the repetition.
 */
static void arms_and_starts(void)
{
	static const unsigned int at[] = { 0x45, 0x46, 0x48 };
	struct bench b, once;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(at); i++) {
		uint64_t val = 1ull << ((0x4C - at[i]) * 8);

		bench_init_crb(&b, 4096);
		crb_request(&b, 1);
		wr(&b, 1, at[i], val, 8);
		g_assert_cmphex(ext(&b, 1, 0xFD8), ==, 1);      /* an error */
		bench_clone(&once, &b);
		wr(&b, 1, at[i], val, 8);
		g_assert_true(bench_same(&b, &once));
		wr(&b, 1, 0x00, 0, 4);
		wr(&b, 1, at[i], val, 8);       /* on purpose */
		g_assert_cmphex(ext(&b, 1, 0xFD8), ==, 2);
	}
}

static void reset_disarms(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	complete(&b, 20, 0);
	crb_ready(&b, 0);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 4096);
	check(&b);
	crb_seize(&b, 0);                       /* arms nothing */
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmphex(ext(&b, 0, 0xFD0), ==, 1);
	g_assert_cmphex(rd(&b, 0, 0x80, 8), ==, G_MAXUINT64);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(armers); i++) {
		bool moves = armers[i].arm == arm_pending ||
			     armers[i].arm == arm_seize;

		g_test_add_data_func(armers[i].name, &armers[i],
				     moves ? arming_by_locality : arming);
	}
	g_test_add_func("/crb-start/doorbell-disarms", doorbell_disarms);
	g_test_add_func("/crb-start/inactive", start_inactive);
	g_test_add_func("/crb-start/other-runs", start_while_other_runs);
	g_test_add_func("/crb-start/dropped", start_dropped_repeated);
	g_test_add_func("/crb-start/arms-and-starts", arms_and_starts);
	g_test_add_func("/crb-start/reset-disarms", reset_disarms);
	return g_test_run();
}
