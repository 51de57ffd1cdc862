/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door: a transaction, its states, and CTRL_CANCEL. */
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
		wr(&b, l, 0x80 + i, bench_value(cmd + i, 8), 8);
	}
	g_assert_cmphex(rd(&b, l, 0x80, 8), ==, 0);           /* R5 */
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
	g_assert_cmphex(rd(&b, l, 0x80, 8), ==, 0);
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/crb-transaction/0", GUINT_TO_POINTER(0), transaction);
	g_test_add_data_func("/crb-transaction/3", GUINT_TO_POINTER(3), transaction);
	g_test_add_func("/crb-transaction/goals", goals);
	g_test_add_func("/crb-transaction/start-values", start_values);
	g_test_add_func("/crb-transaction/cancel", cancel);
	return g_test_run();
}
