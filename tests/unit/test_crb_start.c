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
	{ "/crb-start/arm/goIdle", arm_idle, 1 },
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

/* TPM_RC_RETRY, for @l, with a ticket of its own; the backend saw nothing of it. */
static void expect_retry(struct bench *b, unsigned int l, uint32_t ticket)
{
	static const uint8_t rsp[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22, 0 };
	unsigned int i, k;

	g_assert_cmphex(rd(b, l, 0x4C, 4), ==, 0);
	for (i = 0; i < sizeof(rsp); i++) {
		g_assert_cmphex(rd(b, l, 0x80 + i, 1), ==, rsp[i]);
	}
	g_assert_cmphex(ext(b, l, 0xFD0), ==, ticket);
	g_assert_cmphex(ext(b, l, 0xFD8), ==, ticket);
	g_assert_cmphex(ext(b, l, 0xFDC), ==, 10);
	g_assert_cmphex(ext(b, l, 0xFE0) & 0xFFFF, ==, 0);
	/* and what the first command answered is nobody's */
	for (k = 0; k < 5; k++) {
		if (k != l) {
			crb_relinquish(b, b->e.s.active);
			crb_request(b, k);
			g_assert_cmphex(ext(b, k, 0xFDC), ==, 0);
		}
	}
}

/* Locality 0's command runs on after it relinquished; 1 is to try again. */
static void start_while_other_runs(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	crb_request(&b, 1);
	g_assert_cmpuint(b.cancels, ==, 1);
	crb_ready(&b, 1);
	wr(&b, 1, 0x80, 0x1122334455667788, 8);
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.guest_errors, ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x4C, 4), ==, 1);
	wr(&b, 1, 0x48, 1, 4);          /* not its command */
	g_assert_cmpuint(b.cancels, ==, 1);
	crb_go(&b, 1);                  /* again: the same */
	complete(&b, 20, 0);
	crb_go(&b, 1);                  /* and late */
	g_assert_cmpuint(b.starts, ==, 1);
	expect_retry(&b, 1, 2);

	/* cmdReady withdraws it */
	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	start_crb(&b, 1);
	crb_ready(&b, 1);
	complete(&b, 20, 0);
	g_assert_cmphex(ext(&b, 1, 0xFD0), ==, 1);
	g_assert_cmphex(rd(&b, 1, 0x80, 8), ==, 0);
	crb_go(&b, 1);                  /* armed by it */
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.locality, ==, 1);
}

struct session {
	const char *name;
	/* the guest gives up the command that runs, and begins anew */
	void (*begin)(struct bench *b);
};

/* Linux: a timeout, or a crash kernel behind it. */
static void session_linux(struct bench *b)
{
	wr(b, 1, 0x48, 1, 4);
	crb_idle(b, 1);
	crb_relinquish(b, 1);
	crb_request(b, 1);
	crb_ready(b, 1);
	wr(b, 1, 0x48, 0, 4);
}

/* Nothing was given back: the guest was killed. */
static void session_killed(struct bench *b)
{
	crb_request(b, 1);
	crb_ready(b, 1);
	wr(b, 1, 0x48, 0, 4);
}

/* Another locality had its turn meanwhile. */
static void session_seized(struct bench *b)
{
	crb_seize(b, 2);
	crb_relinquish(b, 2);
	crb_request(b, 1);
}

static const struct session sessions[] = {
	{ "/crb-start/session/linux", session_linux },
	{ "/crb-start/session/killed", session_killed },
	{ "/crb-start/session/seized", session_seized },
};

static void other_command(struct bench *b)
{
	uint8_t cmd[16];
	unsigned int i;

	make_command(cmd, 16, 16, 0x99);
	for (i = 0; i < 16; i++) {
		wr(b, 1, 0x80 + i, cmd[i], 1);
	}
}

/*
 * A locality whose command runs, or ran when it began anew, and which writes
 * another one: START never gives it the first one's response.
 */
static void session(gconstpointer data)
{
	const struct session *s = data;
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	s->begin(&b);
	other_command(&b);
	crb_go(&b, 1);
	g_assert_cmphex(rd(&b, 1, 0x4C, 4), ==, 1);
	complete(&b, 20, 7);
	g_assert_cmpuint(b.starts, ==, 1);
	expect_retry(&b, 1, 2);

	/* the first one ends before the START */
	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	s->begin(&b);
	complete(&b, 20, 7);
	other_command(&b);
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmphex(rd(&b, 1, 0x80, 8), ==, 0);

	/* and between the command and its START */
	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	s->begin(&b);
	other_command(&b);
	complete(&b, 20, 7);
	crb_go(&b, 1);
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.last_len, ==, 16);
}

/* The bytes of the command that runs: a late repetition of its own accesses. */
static void early_repetition(void)
{
	struct bench b;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		bench_init_crb(&b, 4096);
		start_crb(&b, 1);
		wr(&b, 1, 0x48, 0, 4);          /* late: CTRL_CANCEL = 0 */
		if (i == 1) {
			complete(&b, 20, 7);
		}
		crb_go(&b, 1);                  /* and its START */
		if (i == 0) {
			complete(&b, 20, 7);
		}
		g_assert_cmpuint(b.starts, ==, 1);
		g_assert_cmphex(ext(&b, 1, 0xFD0), ==, 1);
		g_assert_cmphex(rd(&b, 1, 0x88, 1), ==, 8 + 7);
		wr(&b, 1, 0x54, 0x8, 4);
		crb_go(&b, 1);                  /* not armed any more */
		g_assert_cmpuint(b.starts, ==, 1);
	}
}

/* Another locality's command is accepted meanwhile: nothing to compare with. */
static void early_is_over(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	wr(&b, 1, 0x48, 0, 4);
	complete(&b, 20, 7);
	make_command(cmd, 12, 12, 0x5A);
	crb_seize(&b, 2);
	window_send(&b, 8, cmd, 12);
	wr(&b, 8, 0xFCC, 2, 4);
	complete(&b, 20, 7);
	crb_relinquish(&b, 2);
	crb_seize(&b, 1);
	make_command(cmd, 12, 12, 0x5A);
	window_send(&b, 7, cmd, 12);
	crb_go(&b, 1);                          /* the same bytes: a new command */
	g_assert_cmpuint(b.starts, ==, 3);
	g_assert_cmpuint(b.locality, ==, 1);
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
	g_assert_cmphex(rd(&b, 0, 0x80, 8), ==, 0);
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
	for (i = 0; i < G_N_ELEMENTS(sessions); i++) {
		g_test_add_data_func(sessions[i].name, &sessions[i], session);
	}
	g_test_add_func("/crb-start/early-repetition", early_repetition);
	g_test_add_func("/crb-start/early-over", early_is_over);
	g_test_add_func("/crb-start/arms-and-starts", arms_and_starts);
	g_test_add_func("/crb-start/reset-disarms", reset_disarms);
	return g_test_run();
}
