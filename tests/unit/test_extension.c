/* SPDX-License-Identifier: BSD-2-Clause */
/* Extension pages: the indexed door of the crb device, beside its CRB pages. */
#include "bench.h"

struct reg {
	uint32_t off;
	uint32_t inactive, active;
};

static const struct reg regs[] = {
	{ 0xF90, 0x58495054, 0x58495054 }, /* MAGIC */
	{ 0xF94, 0x00010000, 0x00010000 }, /* VERSION */
	{ 0xF98, 0x0000001F, 0x0000001F }, /* CAP */
	{ 0xF9C, 0x00000800, 0x00000800 }, /* BUFSIZE */
	{ 0xFA0, 0x0E000100, 0x0E000100 }, /* WINDOW */
	{ 0xFA4, 0x00001000, 0x00001000 }, /* RAM_SIZE */
	{ 0xFA8, 0xFED50000, 0xFED50000 }, /* CMD_WINDOW */
	{ 0xFAC, 0, 0 },
	{ 0xFB0, 0xFED60000, 0xFED60000 }, /* RSP_WINDOW */
	{ 0xFB4, 0, 0 },
	{ 0xFB8, 0xFED70000, 0xFED70000 }, /* HEADER */
	{ 0xFBC, 0, 0 },
	{ 0xFC0, 0xFFFFFFFF, 0 },          /* INDEX */
	{ 0xFC4, 0xFFFFFFFF, 0 },          /* CANCEL */
	{ 0xFC8, 0xFFFFFFFF, 0 },          /* CSUM_EXPECT */
	{ 0xFCC, 0xFFFFFFFF, 0 },          /* DOORBELL */
	{ 0xFD0, 0xFFFFFFFF, 0 },          /* ACCEPTED */
	{ 0xFD4, 0xFFFFFFFF, 0 },          /* STATUS */
	{ 0xFD8, 0xFFFFFFFF, 0 },          /* COMPLETED */
	{ 0xFDC, 0xFFFFFFFF, 0 },          /* RSP_SIZE */
	{ 0xFE0, 0xFFFFFFFF, 0 },          /* CSUM */
	{ 0xFE4, 0xFFFFFFFF, 0 },          /* INT_ACK */
	{ 0xFE8, 0, 0 },                   /* reserved */
	{ 0xFFC, 0, 0 },
};

static void block(void)
{
	struct bench b;
	unsigned int active, l, i;

	for (active = 0; active < 5; active++) {
		bench_init_crb(&b, 2048);
		crb_request(&b, active);
		for (l = 0; l < 5; l++) {
			for (i = 0; i < G_N_ELEMENTS(regs); i++) {
				g_assert_cmphex(ext(&b, l, regs[i].off), ==,
						l == active ? regs[i].active :
							      regs[i].inactive);
			}
		}
	}
}

/* Nothing but window and block: ones, and writes do nothing. */
static void reserved(void)
{
	struct bench b, before;
	uint32_t off;
	unsigned int l, n;

	bench_init_crb(&b, 4096);
	crb_request(&b, 1);
	bench_clone(&before, &b);
	for (l = 0; l < 5; l++) {
		for (off = 0; off < 0xF90; off = off == 0xF8 ? 0xF00 : off + 8) {
			g_assert_cmphex(rd(&b, 6 + l, off, 8), ==, G_MAXUINT64);
			for (n = 1; n <= 8; n <<= 1) {
				wr(&b, 6 + l, off, 0x0101010101010101, n);
			}
		}
	}
	g_assert_true(bench_same(&b, &before));
}

/* tpm-tis-indexed has no such pages. */
static void absent(void)
{
	struct bench b, before;
	unsigned int l;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	bench_clone(&before, &b);
	for (l = 5; l < 15; l++) {
		g_assert_cmphex(rd(&b, l, 0xF90, 8), ==, G_MAXUINT64);
		wr(&b, l, 0xFC0, 0x11, 4);
		wr(&b, l, 0x100, 0x11, 4);
	}
	g_assert_true(bench_same(&b, &before));
	/* nor has the crb device any between and behind its own */
	bench_init_crb(&b, 4096);
	g_assert_cmphex(tpmix_read(&b.e, 0x5F90, 4), ==, 0xFFFFFFFF);
	g_assert_cmphex(tpmix_read(&b.e, 0xBF90, 4), ==, 0xFFFFFFFF);
}

static void transaction(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), i, k;
	struct bench b;
	uint8_t cmd[40];

	make_command(cmd, 40, 40, 0x5C);
	bench_init_crb(&b, 4096);
	crb_request(&b, l);
	for (i = 0; i < 40; i += 8) {
		wr(&b, 6 + l, 0x100 + i, bench_value(cmd + i, 8), 8);
	}
	wr(&b, 6 + l, 0xFC8, 1ull << 32 | 0x10000 | tpmix_crc16(cmd, 40), 8);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 40);
	g_assert_cmpuint(b.locality, ==, l);
	g_assert_cmphex(ext(&b, l, 0xFD4), ==, 0x0B);
	complete(&b, 500, 5);
	g_assert_cmphex(rd(&b, 6 + l, 0xFD8, 8), ==, 500ull << 32 | 1);
	wr(&b, 6 + l, 0xFC0, 0x55, 4);
	for (i = 0; i < 500 - 0x55; i++) {
		g_assert_cmphex(tpmix_read(&b.e, (6 + l) << 12 | (0x100 + i), 1),
				==, (0x55 + i + 5) & 0xFF);
		/* INDEX is not +0x80's */
		g_assert_cmphex(tpmix_read(&b.e, l << 12 | (0x80 + 0x55 + i), 1),
				==, (0x55 + i + 5) & 0xFF);
	}
	for (k = 0; k < 5; k++) {
		if (k != l) {
			g_assert_cmphex(rd(&b, 6 + k, 0x100, 8), ==, G_MAXUINT64);
		}
	}
	/* cmdReady and goIdle show as this door's states */
	crb_ready(&b, l);
	g_assert_cmphex(ext(&b, l, 0xFD4), ==, 0x11);
	crb_idle(&b, l);
	g_assert_cmphex(ext(&b, l, 0xFD4), ==, 0x10);
}

/* +0x80 and the window write the same command. */
static void one_command(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), i;
	struct bench b;
	uint8_t cmd[40];

	make_command(cmd, 40, 40, 0x5C);
	bench_init_crb(&b, 4096);
	crb_request(&b, l);
	wr(&b, 6 + l, 0xFC0, 20, 4);
	for (i = 0; i < 20; i++) {
		wr(&b, l, 0x80 + i, cmd[i], 1);
		wr(&b, 6 + l, 0x100 + i, cmd[20 + i], 1);
	}
	crb_go(&b, l);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 40);
}

/* Refusals name the page's register; a CRB START clears them. */
static void refused(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 2);
	wr(&b, 8, 0xFCC, 5, 4);
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x200);
	wr(&b, 8, 0xFCC, 1, 2);
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x500);
	wr(&b, 8, 0xFC0, 4096, 4);
	wr(&b, 8, 0x100, 1, 1);
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x400);
	wr(&b, 8, 0xFC8, 1ull << 32 | 0x11111, 8);
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x300);
	g_assert_cmpuint(b.starts, ==, 0);
	start_crb(&b, 2);
	g_assert_cmpuint(b.starts, ==, 1);      /* START knows no CSUM_EXPECT */
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x00B);
	wr(&b, 8, 0xFCC, 2, 4);
	g_assert_cmphex(ext(&b, 2, 0xFD4), ==, 0x10B);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/extension/block", block);
	g_test_add_func("/extension/reserved", reserved);
	g_test_add_func("/extension/absent", absent);
	g_test_add_data_func("/extension/transaction/0", GUINT_TO_POINTER(0),
			     transaction);
	g_test_add_data_func("/extension/transaction/4", GUINT_TO_POINTER(4),
			     transaction);
	g_test_add_data_func("/extension/one-command/0", GUINT_TO_POINTER(0),
			     one_command);
	g_test_add_data_func("/extension/one-command/2", GUINT_TO_POINTER(2),
			     one_command);
	g_test_add_func("/extension/refused", refused);
	return g_test_run();
}
