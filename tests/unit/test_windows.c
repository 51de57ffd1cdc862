/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows in RAM. The guest's own accesses are those to memory, which the engine
 * does not see: ram() and show().
 */
#include "bench.h"

/* The guest writes its command into the mapped window. */
static void ram(struct bench *b, uint32_t at, const uint8_t *bytes, uint32_t len)
{
	memcpy(b->ram_cmd + at, bytes, len);
	check(b);
}

/* A word of the mapped header page. */
static uint32_t show(const struct bench *b, uint32_t off)
{
	return GUINT32_FROM_LE(b->block[(off - 0xF90) / 4]);
}

static void expect_blank(const struct bench *b)
{
	unsigned int i;

	for (i = 0; i < 4096; i++) {
		g_assert_cmphex(b->ram_rsp[i], ==, 0xFF);
	}
	for (i = 0; i < 3968; i++) {
		g_assert_cmphex(b->crb_buffer[i], ==, 0xFF);
	}
	for (i = 0xFC0; i < 0xFE8; i += 4) {
		g_assert_cmphex(show(b, i), ==, 0xFFFFFFFF);
	}
}

/* Response of complete(@len, @fill), and nothing behind it. */
static void expect_response(const struct bench *b, uint32_t len, uint8_t fill)
{
	unsigned int i;

	for (i = 6; i < 4096; i++) {
		uint8_t want = i < len ? (uint8_t)(i + fill) : 0;

		g_assert_cmphex(b->ram_rsp[i], ==, want);
		if (i < 3968) {
			g_assert_cmphex(b->crb_buffer[i], ==, want);
		}
	}
	g_assert_cmphex(show(b, 0xFDC), ==, len);
}

/* Nothing of a command is left. */
static void expect_wiped(const struct bench *b)
{
	unsigned int i;

	for (i = 0; i < 4096; i++) {
		g_assert_cmphex(b->ram_cmd[i], ==, 0);
	}
}

/* The driver's way: one exit for a command. */
static void one_exit(void)
{
	struct bench b;
	uint8_t cmd[4096];
	unsigned int i;

	make_command(cmd, 4096, 4096, 0);
	for (i = 10; i < 4096; i++) {
		cmd[i] = (uint8_t)(i * 7);
	}
	bench_init_crb(&b, 4096);
	expect_blank(&b);
	crb_request(&b, 0);
	g_assert_cmphex(show(&b, 0xFD8), ==, 0);
	ram(&b, 0, cmd, 4096);
	wr(&b, 6, 0xFC8, 1ull << 32 | 0x10000 | tpmix_crc16(cmd, 4096), 8);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 4096);
	g_assert_cmphex(show(&b, 0xFD0), ==, 1);
	g_assert_cmphex(show(&b, 0xFD4), ==, 0x0B);
	g_assert_cmphex(show(&b, 0xFD8), ==, 0);
	complete(&b, 4096, 0x31);
	g_assert_cmphex(show(&b, 0xFD8), ==, 1);
	g_assert_cmphex(show(&b, 0xFDC), ==, 4096);
	g_assert_cmphex(show(&b, 0xFD4), ==, 0x14);
	g_assert_cmphex(show(&b, 0xFE0), ==,
			(uint32_t)tpmix_crc16(b.rsp, 4096) << 16 |
			tpmix_crc16(cmd, 4096));
	g_assert_cmpmem(b.ram_rsp, 4096, b.rsp, 4096);
	expect_response(&b, 4096, 0x31);
}

static void header_page(void)
{
	static const uint32_t constant[] = {
		0x58495054, 0x00010000, 0x0000001F, 4096, 0x0E000100, 4096,
		0xFED50000, 0, 0xFED60000, 0, 0xFED70000, 0,
	};
	struct bench b;
	unsigned int i, l;
	uint32_t off;

	for (l = 0; l < 2; l++) {
		bench_init_crb(&b, 4096);
		start_crb(&b, l);
		complete(&b, 20, 0);
		for (i = 0; i < G_N_ELEMENTS(constant); i++) {
			g_assert_cmphex(show(&b, 0xF90 + i * 4), ==, constant[i]);
		}
		/* what locality 0 reads in its page, active or not */
		for (off = 0xF90; off < 0x1000; off += 4) {
			g_assert_cmphex(rd(&b, 0x30, off, 4), ==, ext(&b, 0, off));
		}
		for (off = 0; off < 0xF90; off += 8) {
			g_assert_cmphex(tpmix_read(&b.e, 0x30000 + off, 8), ==, 0);
		}
		for (off = 0x1000; off < 0x10000; off += 8) {
			g_assert_cmphex(tpmix_read(&b.e, 0x30000 + off, 8), ==, 0);
		}
	}
	/* the same page beside the FIFO */
	bench_init(&b, TPMIX_FAMILY_1_2, 4096);
	start_fifo(&b, 0);
	complete(&b, 20, 0);
	g_assert_cmphex(show(&b, 0xFD8), ==, 1);
	g_assert_cmphex(show(&b, 0xFDC), ==, 20);
	g_assert_cmphex(b.ram_rsp[19], ==, 19);
	g_assert_cmphex(b.ram_rsp[20], ==, 0);
}

static void read_only(void)
{
	struct bench b, before;
	uint32_t off;
	unsigned int n;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	complete(&b, 4096, 1);
	bench_clone(&before, &b);
	for (n = 1; n <= 8; n++) {
		for (off = 0; off < 0x1000; off += 61) {
			tpmix_write(&b.e, 0x30000 + off, 0x0102030405060708, n);
			tpmix_write(&b.e, 0x20000 + off, 0x0102030405060708, n);
			tpmix_write(&b.e, 0x21000 + off, 0x0102030405060708, n);
			tpmix_write(&b.e, 0x11000 + off, 0x0102030405060708, n);
		}
		tpmix_write(&b.e, 0x30FFF, 0, 1);
		tpmix_write(&b.e, 0x3FFF8, 0, n);
		tpmix_write(&b.e, 0x2FFF8, 0, n);
		tpmix_write(&b.e, 0x40000, 0, n);
	}
	check(&b);
	g_assert_true(bench_same(&b, &before));
}

/* A host without memory slots: the same window by tpmix_write(). */
static void trapped_window(void)
{
	static const uint32_t at[] = { 0, 1, 3, 7, 0x7FC, 4090, 4095 };
	struct bench b;
	uint8_t want[4096] = { 0 };
	unsigned int i, n, k;

	bench_init_crb(&b, 4096);
	for (i = 0; i < G_N_ELEMENTS(at); i++) {
		for (n = 1; n <= 8; n++) {
			tpmix_write(&b.e, 0x10000 + at[i], 0x1122334455667788, n);
			for (k = 0; k < n && at[i] + k < 4096; k++) {
				want[at[i] + k] = (uint8_t)(0x88 - 0x11 * k);
			}
			check(&b);
			g_assert_cmpmem(b.ram_cmd, 4096, want, 4096);
			for (k = 0; k < 8 && at[i] + k < 4096; k++) {
				g_assert_cmphex(tpmix_read(&b.e, 0x10000 + at[i] +
							   k, 1), ==,
						want[at[i] + k]);
			}
		}
	}
	g_assert_cmphex(tpmix_read(&b.e, 0x11000, 8), ==, G_MAXUINT64);
	g_assert_cmphex(tpmix_read(&b.e, 0x10FFC, 8), ==,
			0xFFFFFFFF00000000 | (uint32_t)tpmix_read(&b.e, 0x10FFC, 4));
	/* from where nothing is into the window */
	tpmix_write(&b.e, 0xFFFE, 0xAABBCCDD, 4);
	g_assert_cmphex(b.ram_cmd[0], ==, 0xBB);
	g_assert_cmphex(b.ram_cmd[1], ==, 0xAA);
	g_assert_cmphex(tpmix_read(&b.e, 0xFFFE, 4), ==,
			0xAABB0000 | (uint32_t)tpmix_read(&b.e, 0xFFFE, 2));
}

/* RAM, the trapped window and DATA_BUFFER are one command. */
static void same_bytes(void)
{
	struct bench b;
	uint8_t cmd[60];
	unsigned int i;

	make_command(cmd, 60, 60, 0x13);
	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	ram(&b, 0, cmd, 20);
	for (i = 20; i < 40; i++) {
		wr(&b, 0, 0x80 + i, cmd[i], 1);
		wr(&b, 6, 0x100 + 20 + i, cmd[20 + i], 1);
	}
	g_assert_cmpmem(b.ram_cmd, 60, cmd, 60);
	crb_go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 60);
}

/* What only RAM saw arms nothing: a late START finds it and leaves it. */
static void ram_arms_nothing(void)
{
	struct bench b;
	uint8_t cmd[12];

	make_command(cmd, 12, 12, 0x13);
	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	complete(&b, 20, 0);
	ram(&b, 0, cmd, 12);
	tpmix_write(&b.e, 0x10004, 0x0C, 1);
	wr(&b, 0, 0x00, 0, 4);
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	expect_response(&b, 20, 0);
}

static void shorter_and_longer(void)
{
	static const uint32_t len[] = {
		4096, 10, 3968, 3969, 11, 4096, 4095, 10, 10, 4096,
	};
	struct bench b;
	unsigned int i;

	bench_init_crb(&b, 4096);
	for (i = 0; i < G_N_ELEMENTS(len); i++) {
		start_crb(&b, 0);
		g_assert_cmphex(show(&b, 0xFDC), ==, 0);
		g_assert_cmphex(b.ram_rsp[0], ==, 0);
		complete(&b, len[i], (uint8_t)(i * 5));
		expect_response(&b, len[i], (uint8_t)(i * 5));
	}
	/* an error response of the engine's own, twice: same size, other ticket */
	for (i = 0; i < 2; i++) {
		memset(b.ram_cmd, 0, 10);
		crb_ready(&b, 0);
		crb_go(&b, 0);
		g_assert_cmphex(show(&b, 0xFD8), ==, G_N_ELEMENTS(len) + i + 1);
		g_assert_cmphex(b.ram_rsp[8] << 8 | b.ram_rsp[9], ==, 0x142);
		g_assert_cmphex(b.ram_rsp[10], ==, 0);
	}
}

/* Blank for locality 0 while it is not active; its response comes back. */
static void blank_and_back(gconstpointer data)
{
	unsigned int other = GPOINTER_TO_UINT(data);
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	complete(&b, 3000, 3);
	expect_response(&b, 3000, 3);
	crb_idle(&b, 0);
	expect_response(&b, 3000, 3);           /* R4 */
	crb_relinquish(&b, 0);
	expect_blank(&b);
	crb_request(&b, 0);
	expect_response(&b, 3000, 3);
	crb_seize(&b, other);
	expect_blank(&b);
	start_crb(&b, 0);                       /* waits; START is dropped */
	expect_blank(&b);
	crb_relinquish(&b, other);              /* to 0, which waited */
	expect_response(&b, 3000, 3);
	crb_relinquish(&b, 0);
	start_crb(&b, other);
	expect_blank(&b);
	complete(&b, 4096, 9);
	expect_blank(&b);                       /* not its response */
	crb_relinquish(&b, other);
	crb_request(&b, 0);
	g_assert_cmphex(show(&b, 0xFDC), ==, 0);
	g_assert_cmphex(show(&b, 0xFE0), ==, 0);
	g_assert_cmphex(b.ram_rsp[0], ==, 0);
	crb_seize(&b, other);
	expect_blank(&b);
}

/* A completion after locality 0 has left shows nothing until it returns. */
static void completes_while_away(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	complete(&b, 100, 2);
	expect_blank(&b);
	crb_request(&b, 2);
	expect_blank(&b);
	crb_relinquish(&b, 2);
	crb_request(&b, 0);
	expect_response(&b, 100, 2);

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_seize(&b, 2);
	expect_blank(&b);
	complete(&b, 100, 2);
	expect_blank(&b);
	crb_relinquish(&b, 2);
	crb_request(&b, 0);
	expect_response(&b, 100, 2);
}

/* "Access control": nothing that one owner wrote meets another. */
static void wiped(gconstpointer data)
{
	unsigned int other = GPOINTER_TO_UINT(data);
	struct bench b;
	uint8_t cmd[12];

	make_command(cmd, 12, 12, 0x13);
	bench_init_crb(&b, 4096);
	ram(&b, 0, cmd, 12);                    /* nobody is active: its own */
	ram(&b, 4095, cmd, 1);
	crb_request(&b, other);
	expect_wiped(&b);
	ram(&b, 0, cmd, 12);                    /* while another one is */
	crb_go(&b, other);
	wr(&b, 6 + other, 0xFCC, b.e.s.accepted + 1, 4);
	g_assert_cmpuint(b.starts, ==, 0);      /* not its command */
	crb_relinquish(&b, other);
	ram(&b, 12, cmd, 12);
	crb_request(&b, 0);
	expect_wiped(&b);
	crb_go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x88, 2), ==, 0x4201);

	/* beside a running command too; its completion writes nothing there */
	start_crb(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	crb_seize(&b, other);
	expect_wiped(&b);
	ram(&b, 0, cmd, 12);
	complete(&b, 20, 0);
	g_assert_cmphex(b.ram_cmd[5], ==, 12);
	start_crb(&b, other);
	g_assert_cmpmem(b.last_cmd + 10, 2, "\x3C\x3C", 2);
	crb_request(&b, 0);
	crb_relinquish(&b, other);              /* 0 is next, the command runs */
	expect_wiped(&b);
	ram(&b, 0, cmd, 12);
	complete(&b, 20, 0);
	g_assert_cmphex(b.ram_cmd[5], ==, 12);

	/* the same owner again: nothing is wiped */
	ram(&b, 0, cmd, 12);
	crb_relinquish(&b, 0);
	ram(&b, 11, (const uint8_t *)"\x77", 1);
	crb_request(&b, 0);
	crb_go(&b, 0);
	g_assert_cmphex(b.last_cmd[11], ==, 0x77);
	g_assert_cmphex(b.last_cmd[10], ==, 0x13);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/windows/one-exit", one_exit);
	g_test_add_func("/windows/header-page", header_page);
	g_test_add_func("/windows/read-only", read_only);
	g_test_add_func("/windows/trapped", trapped_window);
	g_test_add_func("/windows/same-bytes", same_bytes);
	g_test_add_func("/windows/arms-nothing", ram_arms_nothing);
	g_test_add_func("/windows/shorter-and-longer", shorter_and_longer);
	g_test_add_data_func("/windows/blank-and-back/1", GUINT_TO_POINTER(1),
			     blank_and_back);
	g_test_add_data_func("/windows/blank-and-back/4", GUINT_TO_POINTER(4),
			     blank_and_back);
	g_test_add_func("/windows/completes-while-away", completes_while_away);
	g_test_add_data_func("/windows/wiped/1", GUINT_TO_POINTER(1), wiped);
	g_test_add_data_func("/windows/wiped/3", GUINT_TO_POINTER(3), wiped);
	return g_test_run();
}
