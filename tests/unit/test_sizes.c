/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad and large commands by the CRB door; buffers of 1 KiB to 64 KiB. */
#define BENCH_CAPACITY 65536
#include "bench.h"

static void init(struct bench *b, uint32_t capacity, uint32_t bufsize, bool fifo)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.capacity = capacity;
	cfg.crb = true;
	cfg.interface = fifo ? TPMIX_INTERFACE_FIFO : TPMIX_INTERFACE_CRB;
	bench_init_as(b, &cfg, TPMIX_FAMILY_2_0, bufsize);
}

static void fill_command(uint8_t *cmd, uint32_t len)
{
	uint32_t i;

	make_command(cmd, len, len, 0);
	for (i = 10; i < len; i++) {
		cmd[i] = (uint8_t)(i * 7 + (i >> 8));
	}
}

static void expect_error(struct bench *b, unsigned int l, unsigned int starts)
{
	static const uint8_t rsp[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x42 };
	unsigned int i;

	g_assert_cmpuint(b->starts, ==, starts);
	g_assert_cmphex(rd(b, l, 0x4C, 4), ==, 0);
	g_assert_cmphex(rd(b, l, 0x44, 4), ==, 0);      /* tpmSts is 0 */
	for (i = 0; i < 16; i++) {
		g_assert_cmphex(tpmix_read(&b->e, l << 12 | (0x80 + i), 1), ==,
				i < 10 ? rsp[i] : 0);
	}
	g_assert_cmphex(ext(b, l, 0xFE0) & 0xFFFF, ==, 0);
}

/* The ticket is taken, the TPM sees nothing, and the next command runs. */
static void bad_size(gconstpointer data)
{
	static const uint32_t bad[] = {
		0, 6, 9, 2049, 4096, 65536, 0x1000A, 0x80000000, 0xFFFFFFFF,
	};
	unsigned int l = GPOINTER_TO_UINT(data), i, k;
	static struct bench b;
	uint8_t cmd[12];

	init(&b, 4096, 2048, false);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		make_command(cmd, bad[i], 12, 0);
		crb_request(&b, l);
		for (k = 0; k < 12; k++) {
			wr(&b, l, 0x80 + k, cmd[k], 1);
		}
		crb_go(&b, l);
		expect_error(&b, l, i);
		g_assert_cmpuint(b.guest_errors, ==, i + 1);
		crb_go(&b, l);                          /* consumed */
		g_assert_cmphex(ext(&b, l, 0xFD8), ==, 2 * i + 1);
		start_crb(&b, l);
		g_assert_cmpuint(b.starts, ==, i + 1);
		complete(&b, 2048, 0);
	}
}

/* START with nothing in the buffer: after TPM_INIT, after a wipe. */
static void nothing(void)
{
	static struct bench b;

	init(&b, 4096, 4096, false);
	crb_request(&b, 0);
	crb_go(&b, 0);
	expect_error(&b, 0, 0);
	crb_relinquish(&b, 0);
	crb_request(&b, 1);
	crb_ready(&b, 1);
	crb_go(&b, 1);
	expect_error(&b, 1, 0);
	g_assert_cmphex(ext(&b, 1, 0xFD0), ==, 2);
}

/* Both ends of what is allowed. */
static void good_size(void)
{
	static struct bench b;
	static uint8_t cmd[2048];

	init(&b, 4096, 2048, false);
	fill_command(cmd, 10);
	crb_request(&b, 0);
	memcpy(b.ram_cmd, cmd, 10);
	crb_go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 10);
	complete(&b, 10, 0);
	fill_command(cmd, 2048);
	memcpy(b.ram_cmd, cmd, 2048);
	crb_ready(&b, 0);
	crb_go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 2048);
}

/* +0x80 takes what BUFSIZE lets it; bytes behind that are dropped. */
static void data_buffer_bounds(void)
{
	static const uint32_t bufsize[] = {
		10, 13, 1024, 3965, 3967, 3968, 3969, 4096,
	};
	static struct bench b;
	unsigned int i, l;
	uint32_t at;

	for (i = 0; i < G_N_ELEMENTS(bufsize); i++) {
		for (l = 0; l < 2; l++) {
			const uint8_t *cmd = l ? b.cmd : b.ram_cmd;

			init(&b, 4096, bufsize[i], false);
			crb_request(&b, l);
			for (at = 0; at < 3968; at += 8) {
				tpmix_write(&b.e, l << 12 | (0x80 + at),
					    0x1111111111111111, 8);
			}
			check(&b);
			for (at = 0; at < 4096; at++) {
				g_assert_cmphex(cmd[at], ==, at < 3968 &&
						at < bufsize[i] ? 0x11 : 0);
			}
			/* the last byte of the page, and only that */
			wr(&b, l, 0xFFF, 0x22, 1);
			g_assert_cmphex(cmd[3967], ==, bufsize[i] > 3967 ?
					0x22 : 0);
			g_assert_cmphex(cmd[3968], ==, 0);
			g_assert_cmphex(rd(&b, l + 1, 0x0C, 4), ==, 0);
		}
	}
}

/* 64 KiB by every way in and out; no chunking. */
static void largest(void)
{
	static struct bench b;
	static uint8_t cmd[65536];
	uint32_t i;

	fill_command(cmd, 65536);
	init(&b, 65536, 1u << 20, false);
	g_assert_cmphex(rd(&b, 0, 0x58, 8), ==, 0xFED5000000010000);
	g_assert_cmphex(rd(&b, 0, 0x64, 8), ==, 0xFED6000000010000);
	g_assert_cmphex(rd(&b, 1, 0x58, 8), ==, 0xFED4108000000F80);
	g_assert_cmphex(ext(&b, 0, 0xFA4), ==, 65536);

	crb_request(&b, 0);
	memcpy(b.ram_cmd, cmd, 65536);
	crb_go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 65536);
	complete(&b, 65536, 0x21);
	g_assert_cmpmem(b.ram_rsp, 65536, b.rsp, 65536);
	g_assert_cmphex(b.ram_rsp[65535], ==, (uint8_t)(65535 + 0x21));
	g_assert_cmphex(ext(&b, 0, 0xFDC), ==, 65536);
	for (i = 0; i < 65536; i += 0xE00) {
		wr(&b, 6, 0xFC0, i, 4);
		g_assert_cmphex(rd(&b, 6, 0x100, 1), ==, b.rsp[i]);
		g_assert_cmphex(rd(&b, 6, 0xEFF, 1), ==, i + 0xDFF < 65536 ?
				b.rsp[i + 0xDFF] : 0);
	}
	wr(&b, 6, 0xFC0, 65535, 4);
	g_assert_cmphex(rd(&b, 6, 0x100, 8), ==, b.rsp[65535]);
	wr(&b, 6, 0xFC0, 65536, 4);
	g_assert_cmphex(rd(&b, 6, 0x100, 8), ==, 0);
	/* neighbours in the map */
	g_assert_cmphex(tpmix_read(&b.e, 0x1FFFC, 8), ==,
			(uint64_t)(b.rsp[0] | b.rsp[1] << 8 | b.rsp[2] << 16 |
				   (uint32_t)b.rsp[3] << 24) << 32 |
			(cmd[65532] | cmd[65533] << 8 | cmd[65534] << 16 |
			 (uint32_t)cmd[65535] << 24));
	g_assert_cmphex(tpmix_read(&b.e, 0x2FFFF, 2), ==, b.rsp[65535]);

	/* locality 1, window by window */
	crb_relinquish(&b, 0);
	crb_request(&b, 1);
	for (i = 0; i < 65536; i++) {
		if (i % 0xE00 == 0) {
			tpmix_write(&b.e, 0x7FC0, i, 4);
		}
		tpmix_write(&b.e, 0x7100 + i % 0xE00, cmd[i], 1);
	}
	wr(&b, 7, 0xFC8, 2ull << 32 | 0x10000 | tpmix_crc16(cmd, 65536), 8);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 65536);
	g_assert_cmpuint(b.guest_errors, ==, 0);

	/* one byte more */
	complete(&b, 65537, 0);
	g_assert_cmphex(rd(&b, 1, 0x88, 2), ==, 0x0101);
	make_command(cmd, 65537, 12, 0);
	crb_relinquish(&b, 1);
	crb_request(&b, 0);
	memcpy(b.ram_cmd, cmd, 12);
	crb_go(&b, 0);
	expect_error(&b, 0, 2);
}

/* burstCount has 16 bits, the FIFO's buffer one byte more. */
static void largest_fifo(void)
{
	static struct bench b;
	static uint8_t cmd[65536];
	uint32_t i;

	fill_command(cmd, 65536);
	init(&b, 65536, 65536, true);
	request(&b, 0);
	command_ready(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04FFFF40);
	for (i = 0; i < 65536; i++) {
		tpmix_write(&b.e, 0x024, cmd[i], 1);
		if (i < 2) {
			g_assert_cmphex(rd(&b, 0, 0x018, 4), ==,
					i == 0 ? 0x04FFFF88 : 0x04FFFE88);
		}
	}
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04000080);
	go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 65536);
	complete(&b, 65536, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04FFFF90);
	for (i = 0; i < 65536; i++) {
		g_assert_cmphex(tpmix_mmio_read(&b.e, 0x024, 1), ==, b.rsp[i]);
	}
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04000080);
}

/* Where the window is smaller than +0x80, that is blank behind it all the same. */
static void smallest(void)
{
	static struct bench b;
	unsigned int i;

	init(&b, 1024, 1u << 20, false);
	g_assert_cmphex(rd(&b, 0, 0x58, 4), ==, 1024);
	g_assert_cmphex(rd(&b, 1, 0x58, 4), ==, 1024);
	start_crb(&b, 0);
	complete(&b, 1024, 3);
	for (i = 8; i < 3968; i++) {
		g_assert_cmphex(b.crb_buffer[i], ==, i < 1024 ?
				(uint8_t)(i + 3) : 0);
	}
	g_assert_cmphex(tpmix_read(&b.e, 0x10400, 8), ==, G_MAXUINT64);
	g_assert_cmphex(tpmix_read(&b.e, 0x20400, 8), ==, G_MAXUINT64);
	tpmix_write(&b.e, 0x103FC, 0x2222222222222222, 8);
	g_assert_cmphex(b.ram_cmd[1023], ==, 0x22);
	g_assert_cmphex(b.ram_cmd[1024], ==, 0);
	crb_relinquish(&b, 0);
	g_assert_cmphex(b.crb_buffer[8], ==, 0xFF);
}

/* tpmix_refresh() after a load: memory may hold anything before it. */
static void refresh(gconstpointer data)
{
	uint32_t capacity = GPOINTER_TO_UINT(data);
	static struct bench b;

	init(&b, capacity, capacity, false);
	start_crb(&b, 0);
	complete(&b, 100, 3);
	memset(b.ram_rsp, 0x99, sizeof(b.ram_rsp));
	memset(b.block, 0x99, sizeof(b.block));
	memset(b.crb_regs, 0x99, sizeof(b.crb_regs));
	memset(b.crb_buffer, 0x99, sizeof(b.crb_buffer));
	tpmix_refresh(&b.e);
	check(&b);
	g_assert_cmphex(b.ram_rsp[99], ==, 99 + 3);
	g_assert_cmphex(b.crb_buffer[99], ==, 99 + 3);
}

/* A host whose CRB page always traps. */
static void no_crb_memory(void)
{
	static struct bench b;
	struct tpmix_config cfg = bench_config(&b);

	cfg.crb = true;
	cfg.interface = TPMIX_INTERFACE_CRB;
	cfg.capacity = 4096;
	cfg.ram.crb_regs = NULL;
	cfg.ram.crb_buffer = NULL;
	bench_init_as(&b, &cfg, TPMIX_FAMILY_2_0, 4096);
	start_crb(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x4C, 4), ==, 1);
	complete(&b, 100, 3);
	g_assert_cmphex(rd(&b, 0, 0x4C, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x80 + 99, 1), ==, 99 + 3);
	g_assert_cmphex(b.ram_rsp[99], ==, 99 + 3);
	g_assert_cmphex(b.crb_regs[0] | b.crb_buffer[99], ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/sizes/bad/0", GUINT_TO_POINTER(0), bad_size);
	g_test_add_data_func("/sizes/bad/2", GUINT_TO_POINTER(2), bad_size);
	g_test_add_func("/sizes/nothing", nothing);
	g_test_add_func("/sizes/good", good_size);
	g_test_add_func("/sizes/data-buffer", data_buffer_bounds);
	g_test_add_func("/sizes/largest", largest);
	g_test_add_func("/sizes/largest-fifo", largest_fifo);
	g_test_add_func("/sizes/smallest", smallest);
	g_test_add_data_func("/sizes/refresh/1024", GUINT_TO_POINTER(1024), refresh);
	g_test_add_data_func("/sizes/refresh/65536", GUINT_TO_POINTER(65536),
			     refresh);
	g_test_add_func("/sizes/no-crb-memory", no_crb_memory);
	return g_test_run();
}
