/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door: states, START and what arms it, cancel, bad commands, interrupts. */
#include "bench.h"

static uint32_t ctrl_sts(struct bench *b, unsigned int l)
{
	return (uint32_t)rd(b, l, 0x44, 4);
}

static uint32_t start_bit(struct bench *b, unsigned int l)
{
	return (uint32_t)rd(b, l, 0x4C, 4);
}

static void transaction(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), k, i;
	struct bench b;
	uint8_t cmd[16];
	uint64_t val;

	bench_init_crb(&b, 4096);
	make_command(cmd, 16, 16, 0x21);
	crb_request(&b, l);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0x2);
	crb_ready(&b, l);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0);
	for (k = 0; k < 5; k++) {
		g_assert_cmphex(ctrl_sts(&b, k), ==, k == l ? 0 : 0x2);
	}
	for (i = 0; i < 16; i += 8) {
		memcpy(&val, cmd + i, 8);
		wr(&b, l, 0x80 + i, val, 8);
	}
	g_assert_cmphex(rd(&b, l, 0x80, 8), ==, G_MAXUINT64); /* R5 */
	g_assert_cmphex(start_bit(&b, l), ==, 0);
	crb_go(&b, l);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.locality, ==, l);
	g_assert_cmpuint(b.ticket, ==, 1);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 16);
	for (k = 0; k < 5; k++) {
		g_assert_cmphex(start_bit(&b, k), ==, 1);
	}
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0);
	g_assert_cmphex(rd(&b, l, 0x80, 8), ==, G_MAXUINT64);
	complete(&b, 4096, 9);
	g_assert_cmphex(start_bit(&b, l), ==, 0);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0);
	g_assert_cmphex(rd(&b, l, 0x80, 4), ==, 0x00000180);
	g_assert_cmphex(rd(&b, l, 0x84, 2), ==, 0x0010);
	for (i = 8; i < 3968; i++) {
		g_assert_cmphex(tpmix_read(&b.e, l << 12 | (0x80 + i), 1), ==,
				(i + 9) & 0xFF);
	}
	crb_idle(&b, l);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0x2);
	g_assert_cmphex(rd(&b, l, 0x86, 1), ==, 6 + 9);       /* R4 */
	crb_ready(&b, l);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0);
	g_assert_cmphex(rd(&b, l, 0x86, 1), ==, 6 + 9);
	crb_relinquish(&b, l);
	g_assert_cmphex(ctrl_sts(&b, l), ==, 0x2);
	g_assert_cmphex(rd(&b, l, 0x80, 8), ==, G_MAXUINT64);
	g_assert_cmpuint(b.starts, ==, 1);
}

/* CTRL_REQ's goal from each state. */
static void goals(void)
{
	static const struct {
		uint32_t from, req, to;
	} t[] = {
		{ TPMIX_IDLE, 1, TPMIX_READY }, { TPMIX_IDLE, 2, TPMIX_IDLE },
		{ TPMIX_READY, 1, TPMIX_READY }, { TPMIX_READY, 2, TPMIX_IDLE },
		{ TPMIX_EXECUTION, 1, TPMIX_EXECUTION },
		{ TPMIX_EXECUTION, 2, TPMIX_EXECUTION },
		{ TPMIX_COMPLETION, 1, TPMIX_READY },
		{ TPMIX_COMPLETION, 2, TPMIX_IDLE },
		{ TPMIX_IDLE, 3, TPMIX_IDLE }, { TPMIX_READY, 3, TPMIX_READY },
		{ TPMIX_EXECUTION, 3, TPMIX_EXECUTION },
		{ TPMIX_COMPLETION, 3, TPMIX_COMPLETION },
		{ TPMIX_READY, 0xFFFFFFFC, TPMIX_READY },
		{ TPMIX_COMPLETION, 0xFFFFFFFC, TPMIX_COMPLETION },
	};
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(t); i++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, 1);
		if (t[i].from == TPMIX_READY) {
			crb_ready(&b, 1);
		} else if (t[i].from != TPMIX_IDLE) {
			start_crb(&b, 1);
			if (t[i].from == TPMIX_COMPLETION) {
				complete(&b, 20, 1);
			}
		}
		g_assert_cmphex(ext(&b, 1, 0xFD4) & 7, ==, t[i].from);
		wr(&b, 1, 0x40, t[i].req, 4);
		g_assert_cmphex(ext(&b, 1, 0xFD4) & 7, ==, t[i].to);
		g_assert_cmphex(ctrl_sts(&b, 1), ==,
				t[i].to == TPMIX_IDLE ? 0x2 : 0);
		g_assert_cmpuint(b.cancels, ==, 0);
		if (t[i].from == TPMIX_COMPLETION) {
			g_assert_cmphex(ext(&b, 1, 0xFDC), ==, 20);
		}
	}
}

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

struct armer {
	const char *name;
	void (*arm)(struct bench *b);
	unsigned int starts;
};

static const struct armer armers[] = {
	{ "/crb-transaction/arm/nothing", arm_nothing, 1 },
	{ "/crb-transaction/arm/window", arm_window, 1 },
	{ "/crb-transaction/arm/both", arm_both, 1 },
	{ "/crb-transaction/arm/seize", arm_seize, 1 },
	{ "/crb-transaction/arm/cmdReady", arm_ready, 2 },
	{ "/crb-transaction/arm/goIdle", arm_idle, 2 },
	{ "/crb-transaction/arm/requestAccess", arm_request, 2 },
	{ "/crb-transaction/arm/pending", arm_pending, 2 },
	{ "/crb-transaction/arm/buffer", arm_buffer, 2 },
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
	g_assert_cmphex(ctrl_sts(&b, 1), ==, 0x2);
	wr(&b, 1, 0x48, 1, 4);          /* not its command */
	g_assert_cmpuint(b.cancels, ==, 0);
	crb_ready(&b, 1);               /* its own goal is heard */
	g_assert_cmphex(ctrl_sts(&b, 1), ==, 0);
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

static void cancel(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	wr(&b, 0, 0x48, 1, 4);                  /* nothing runs */
	start_crb(&b, 0);
	wr(&b, 0, 0x48, 0xFFFFFFFE, 4);
	g_assert_cmpuint(b.cancels, ==, 0);
	wr(&b, 0, 0x48, 1, 4);
	g_assert_cmpuint(b.cancels, ==, 1);
	g_assert_cmphex(rd(&b, 0, 0x48, 4), ==, 0);
	wr(&b, 0, 0x48, 0, 4);                  /* Linux clears it */
	g_assert_cmpuint(b.cancels, ==, 1);
	complete(&b, 10, 0);
	wr(&b, 0, 0x48, 1, 4);                  /* late */
	g_assert_cmpuint(b.cancels, ==, 1);
	start_crb(&b, 0);                       /* it need not be cleared */
	g_assert_cmpuint(b.starts, ==, 2);
	wr(&b, 0, 0x48, 1, 4);
	g_assert_cmpuint(b.cancels, ==, 2);
	crb_relinquish(&b, 0);
	wr(&b, 0, 0x48, 1, 4);                  /* no longer active */
	g_assert_cmpuint(b.cancels, ==, 2);
}

static void start_values(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	wr(&b, 0, 0x4C, 0xFFFFFFFE, 4);
	g_assert_cmpuint(b.e.s.accepted, ==, 0);
	start_crb(&b, 0);
	wr(&b, 0, 0x4C, 0, 4);                  /* takes nothing back */
	g_assert_cmphex(start_bit(&b, 0), ==, 1);
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
	g_test_add_data_func("/crb-transaction/0", GUINT_TO_POINTER(0), transaction);
	g_test_add_data_func("/crb-transaction/3", GUINT_TO_POINTER(3), transaction);
	g_test_add_func("/crb-transaction/goals", goals);
	for (i = 0; i < G_N_ELEMENTS(armers); i++) {
		bool moves = armers[i].arm == arm_pending ||
			     armers[i].arm == arm_seize;
		g_test_add_data_func(armers[i].name, &armers[i],
				     moves ? arming_by_locality : arming);
	}
	g_test_add_func("/crb-transaction/doorbell-disarms", doorbell_disarms);
	g_test_add_func("/crb-transaction/start-inactive", start_inactive);
	g_test_add_func("/crb-transaction/start-other-runs", start_while_other_runs);
	g_test_add_func("/crb-transaction/start-dropped", start_dropped_repeated);
	g_test_add_func("/crb-transaction/start-values", start_values);
	g_test_add_func("/crb-transaction/cancel", cancel);
	g_test_add_func("/crb-transaction/reset-disarms", reset_disarms);
	return g_test_run();
}
