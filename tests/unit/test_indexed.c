/* SPDX-License-Identifier: BSD-2-Clause */
/* Indexed door: index, window, tickets, checksum, refusals, bad commands. */
#include "bench.h"

static unsigned int refused(struct bench *b, unsigned int l)
{
	return (unsigned int)(rd(b, l, 0xFD4, 4) >> 8 & 0xF);
}

static void transaction(gconstpointer data)
{
	unsigned int width = GPOINTER_TO_UINT(data);
	struct bench b;
	uint8_t cmd[64];
	uint32_t i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 64, 64, 0x21);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0xFD4, 4), ==, 0);    /* Idle */
	wr(&b, 0, 0xFC0, 0, 4);
	for (i = 0; i < 64; i += width) {
		wr(&b, 0, 0x100 + i, bench_value(cmd + i, width), width);
	}
	wr(&b, 0, 0xFC8, 1ull << 32 | 0x10000 | tpmix_crc16(cmd, 64), 8);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 64);
	g_assert_cmphex(rd(&b, 0, 0xFD0, 4), ==, 1);    /* ACCEPTED */
	g_assert_cmphex(rd(&b, 0, 0xFD8, 4), ==, 0);    /* COMPLETED */
	g_assert_cmphex(rd(&b, 0, 0xFD4, 4), ==, 0x0B); /* Execution, busy */
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 0);
	complete(&b, 200, 3);
	g_assert_cmphex(rd(&b, 0, 0xFD8, 8), ==, 200ull << 32 | 1);
	g_assert_cmphex(rd(&b, 0, 0xFD4, 4), ==, 0x14); /* Completion, response */
	for (i = 8; i < 200; i += width) {
		g_assert_cmphex(rd(&b, 0, 0x100 + i, width), ==,
				bench_value(b.rsp + i, width));
	}
	g_assert_cmphex(rd(&b, 0, 0xFE0, 4), ==,
			(uint32_t)tpmix_crc16(b.rsp, 200) << 16 |
			tpmix_crc16(cmd, 64));
}

static void index_is_absolute(void)
{
	struct bench b;
	uint32_t i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	complete(&b, 4096, 0);
	for (i = 0; i < 4096; i += 7) {
		wr(&b, 0, 0xFC0, i, 4);
		wr(&b, 0, 0xFC0, i, 4);
		g_assert_cmphex(rd(&b, 0, 0xFC0, 4), ==, i);
		g_assert_cmphex(rd(&b, 0, 0x100, 1), ==, b.rsp[i]);
		if (i + 0xDFF < 4096) {
			g_assert_cmphex(rd(&b, 0, 0xEFF, 1), ==,
					b.rsp[i + 0xDFF]);
		} else {
			g_assert_cmphex(rd(&b, 0, 0xEFF, 1), ==, 0);
		}
	}
	/* bytes of INDEX, and an index far outside */
	wr(&b, 0, 0xFC0, 0, 4);
	wr(&b, 0, 0xFC1, 0x02, 1);
	g_assert_cmphex(rd(&b, 0, 0xFC0, 4), ==, 0x200);
	wr(&b, 0, 0xFC0, 0xFFFFFFFF, 4);
	g_assert_cmphex(rd(&b, 0, 0x100, 8), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0xEF8, 8), ==, 0);
	/* another locality's is its own */
	relinquish(&b, 0);
	request(&b, 1);
	g_assert_cmphex(rd(&b, 1, 0xFC0, 4), ==, 0);
}

static void response_end(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	complete(&b, 13, 0x20);
	g_assert_cmphex(rd(&b, 0, 0x108, 8), ==, 0x0000002C2B2A2928ull);
	g_assert_cmphex(rd(&b, 0, 0x10D, 1), ==, 0);
	wr(&b, 0, 0xFC0, 13, 4);
	g_assert_cmphex(rd(&b, 0, 0x100, 1), ==, 0);
	wr(&b, 0, 0xFC0, 12, 4);
	g_assert_cmphex(rd(&b, 0, 0x100, 2), ==, 0x002C);
}

static void large_command(void)
{
	struct bench b;
	static uint8_t cmd[4096];
	uint32_t i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 4096, 4096, 0);
	for (i = 10; i < 4096; i++) {
		cmd[i] = (uint8_t)(i * 7);
	}
	request(&b, 0);
	for (i = 0; i < 4096; i++) {
		if (i % 0xE00 == 0) {
			wr(&b, 0, 0xFC0, i, 4);
		}
		wr(&b, 0, 0x100 + i % 0xE00, cmd[i], 1);
	}
	wr(&b, 0, 0xFCC, 1, 4);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 4096);
}

static void window_write_outside(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 2048);
	request(&b, 0);
	wr(&b, 0, 0xFC0, 2044, 4);
	wr(&b, 0, 0x100, 0x1122334455667788ull, 8);     /* half inside */
	g_assert_cmphex(refused(&b, 0), ==, 4);
	g_assert_cmphex(b.ram_cmd[2047], ==, 0x55);
	g_assert_cmphex(b.ram_cmd[2048], ==, 0);
	wr(&b, 0, 0xFC0, 0xFFFFFFFF, 4);
	wr(&b, 0, 0x100, 0xEE, 1);
	wr(&b, 0, 0x101, 0xEE, 1);
	wr(&b, 0, 0xEFF, 0xEE, 1);
	g_assert_cmphex(b.ram_cmd[0], ==, 0);
	g_assert_cmphex(b.ram_cmd[0xDFE], ==, 0);
	wr(&b, 0, 0xFC0, 0, 4);
	wr(&b, 0, 0x104, 0x0A000000, 4);
	wr(&b, 0, 0x102, 0, 2);
	wr(&b, 0, 0x105, 10, 1);
	wr(&b, 0, 0xFCC, 1, 4);
	g_assert_cmphex(refused(&b, 0), ==, 0);         /* acceptance clears it */
}

/* Accepted in Idle, Ready, Reception and Completion; refused in Execution. */
static void doorbell_states(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 12, 12, 0);
	start_indexed(&b, 0);                           /* Idle */
	g_assert_cmpuint(b.starts, ==, 1);
	complete(&b, 10, 0);
	wr(&b, 0, 0xFCC, 2, 4);                         /* Completion */
	g_assert_cmpuint(b.starts, ==, 2);
	complete(&b, 10, 0);
	command_ready(&b, 0);
	wr(&b, 0, 0xFCC, 3, 4);                         /* Ready */
	g_assert_cmpuint(b.starts, ==, 3);
	complete(&b, 10, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 5);
	window_send(&b, 0, cmd, 12);
	wr(&b, 0, 0xFCC, 4, 4);                         /* Reception */
	g_assert_cmpuint(b.starts, ==, 4);
	g_assert_cmpuint(b.last_len, ==, 12);
	wr(&b, 0, 0xFCC, 5, 4);                         /* Execution */
	g_assert_cmpuint(b.starts, ==, 4);
	g_assert_cmphex(refused(&b, 0), ==, 1);
	g_assert_cmphex(rd(&b, 0, 0xFD0, 4), ==, 4);
	complete(&b, 10, 0);
	wr(&b, 0, 0xFCC, 5, 4);                         /* still the refused one */
	g_assert_cmpuint(b.starts, ==, 4);
	wr(&b, 0, 0xFC0, 0, 4);
	wr(&b, 0, 0xFCC, 5, 4);                         /* sent anew */
	g_assert_cmpuint(b.starts, ==, 5);
	g_assert_cmphex(refused(&b, 0), ==, 0);
}

static void tickets(void)
{
	static const uint32_t wrong[] = { 0, 2, 8, 9, 100, 0x80000007u, ~0u };
	struct bench b;
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	for (i = 0; i < 6; i++) {
		start_indexed(&b, 0);
		complete(&b, 30, (uint8_t)i);
	}
	for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
		wr(&b, 0, 0xFCC, wrong[i], 4);
		g_assert_cmphex(refused(&b, 0), ==, 2);
		g_assert_cmpuint(b.starts, ==, 6);
	}
	wr(&b, 0, 0xFCC, 6, 4);                         /* heard already */
	g_assert_cmpuint(b.starts, ==, 6);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 30);
	b.e.s.accepted = 0xFFFFFFFF;                    /* wraps */
	wr(&b, 0, 0xFCC, 0, 4);
	g_assert_cmpuint(b.starts, ==, 7);
	g_assert_cmphex(rd(&b, 0, 0xFD0, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0xFD8, 4), ==, 0xFFFFFFFF);
	complete(&b, 30, 0);
	g_assert_cmphex(rd(&b, 0, 0xFD8, 4), ==, 0);
}

static void ticket_widths(void)
{
	static const uint32_t at[] = { 0xFC4, 0xFCC, 0xFE4 };
	struct bench b;
	unsigned int i, n, o;

	for (i = 0; i < G_N_ELEMENTS(at); i++) {
		for (n = 1; n < 4; n++) {
			for (o = 0; o + n <= 4; o++) {
				bench_init(&b, TPMIX_FAMILY_2_0, 4096);
				request(&b, 0);
				wr(&b, 0, at[i] + o, 1, n);
				g_assert_cmphex(refused(&b, 0), ==, 5);
				g_assert_cmpuint(b.starts, ==, 0);
			}
		}
	}
}

/* tpmGo takes a ticket as well, and one door's ticket is the other's. */
static void doors_share_tickets(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_fifo(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0xFD0, 4), ==, 1);
	wr(&b, 0, 0xFCC, 1, 4);
	g_assert_cmpuint(b.starts, ==, 1);
	complete(&b, 25, 0);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 25);
	start_indexed(&b, 0);
	complete(&b, 26, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04000090 | 26 << 8);
	g_assert_cmphex(rd(&b, 0, 0x024, 2), ==, 0x0180);
	g_assert_cmphex(rd(&b, 0, 0x100, 2), ==, 0x0180);
}

static void checksum_guards_the_command(void)
{
	struct bench b;
	uint8_t cmd[40];
	uint32_t i, crc;

	make_command(cmd, 40, 40, 0x3C);
	crc = tpmix_crc16(cmd, 40);
	for (i = 0; i < 40; i++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		request(&b, 0);
		window_send(&b, 0, cmd, 40);
		wr(&b, 0, 0x100 + i, cmd[i] ^ 0x10, 1); /* a byte went wrong */
		wr(&b, 0, 0xFC8, 1ull << 32 | 0x10000 | crc, 8);
		g_assert_cmpuint(b.starts, ==, 0);
		g_assert_cmphex(refused(&b, 0), ==, 3);
		wr(&b, 0, 0x100 + i, cmd[i], 1);        /* repaired */
		wr(&b, 0, 0xFC8, 1ull << 32 | 0x10000 | crc, 8);
		g_assert_cmpuint(b.starts, ==, 1);
		g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 40);
	}
	/* bits without a meaning are not kept */
	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	wr(&b, 0, 0xFC8, 0xFFFFFFFF, 4);
	g_assert_cmphex(rd(&b, 0, 0xFC8, 4), ==, 0x0007FFFF);
}

static void copy_wins(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 12, 12, 0x5A);
	start_indexed(&b, 0);
	wr(&b, 0, 0x102, 0xFFFFFFFF, 4);        /* while it runs */
	g_assert_cmpmem(b.run, 12, cmd, 12);
	complete(&b, 100, 0);
	wr(&b, 0, 0x10A, 0xEE, 1);              /* R5: a late write */
	g_assert_cmphex(rd(&b, 0, 0x10A, 1), ==, 10);
}

static void cancel_by_ticket(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	wr(&b, 0, 0xFC4, 2, 4);
	wr(&b, 0, 0xFC4, 0, 4);
	g_assert_cmpuint(b.cancels, ==, 0);
	wr(&b, 0, 0xFC4, 1, 4);
	g_assert_cmpuint(b.cancels, ==, 1);
	complete(&b, 10, 0);
	start_indexed(&b, 0);
	wr(&b, 0, 0xFC4, 1, 4);                 /* late: another command runs */
	g_assert_cmpuint(b.cancels, ==, 1);
	complete(&b, 10, 0);
	wr(&b, 0, 0xFC4, 2, 4);
	g_assert_cmpuint(b.cancels, ==, 1);
}

static void int_ack(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	wr(&b, 0, 0x008, 0x80000003, 4);
	start_indexed(&b, 0);
	wr(&b, 0, 0xFE4, 1, 4);                 /* too early */
	complete(&b, 10, 0);
	g_assert_true(tpmix_irq(&b.e));
	wr(&b, 0, 0xFE4, 0, 4);
	g_assert_true(tpmix_irq(&b.e));
	wr(&b, 0, 0xFE4, 1, 4);
	g_assert_false(tpmix_irq(&b.e));
	start_indexed(&b, 0);
	complete(&b, 10, 0);
	wr(&b, 0, 0xFE4, 1, 4);                 /* late: the old ticket */
	g_assert_true(tpmix_irq(&b.e));
}

struct bad {
	const char *name;
	uint32_t size;          /* in the header */
	uint32_t rc20, rc12;    /* answer; 0: the command is run */
};

static const struct bad bad[] = {
	{ "/indexed/bad/0", 0, 0x142, 0x19 },
	{ "/indexed/bad/6", 6, 0x142, 0x19 },
	{ "/indexed/bad/9", 9, 0x142, 0x19 },
	{ "/indexed/bad/10", 10, 0, 0 },
	{ "/indexed/bad/2048", 2048, 0, 0 },
	{ "/indexed/bad/2049", 2049, 0x142, 0x19 },
	{ "/indexed/bad/65546", 0x1000A, 0x142, 0x19 },
	{ "/indexed/bad/max", 0xFFFFFFFF, 0x142, 0x19 },
};

static void expect_error(struct bench *b, uint32_t tag, uint32_t rc)
{
	g_assert_cmpuint(b->starts, ==, 0);
	g_assert_cmphex(rd(b, 0, 0xFD8, 8), ==, 10ull << 32 | 1);
	g_assert_cmphex(rd(b, 0, 0x100, 2), ==, GUINT16_SWAP_LE_BE(tag));
	g_assert_cmphex(rd(b, 0, 0x102, 4), ==, 0x0A000000);
	g_assert_cmphex(rd(b, 0, 0x106, 4), ==, GUINT32_SWAP_LE_BE(rc));
	g_assert_cmphex(rd(b, 0, 0x018, 1), ==, 0x90);
}

static void bad_size(gconstpointer data)
{
	const struct bad *t = data;
	struct bench b;
	uint8_t cmd[12];

	make_command(cmd, t->size, 12, 0);

	bench_init(&b, TPMIX_FAMILY_2_0, 2048);
	request(&b, 0);
	window_send(&b, 0, cmd, 12);
	wr(&b, 0, 0xFCC, 1, 4);
	if (t->rc20) {
		expect_error(&b, 0x8001, t->rc20);
	} else {
		g_assert_cmpuint(b.last_len, ==, t->size);
	}

	bench_init(&b, TPMIX_FAMILY_1_2, 2048);
	request(&b, 0);
	window_send(&b, 0, cmd, 12);
	wr(&b, 0, 0xFCC, 1, 4);
	if (t->rc12) {
		expect_error(&b, 0x00C4, t->rc12);
	}
}

/* 80 01 00 00 00 06 and an abort or a cancel hangs stock QEMU. */
static void six_bytes(gconstpointer data)
{
	uint32_t sts = GPOINTER_TO_UINT(data);
	struct bench b;
	uint8_t cmd[6];

	make_command(cmd, 6, 6, 0);
	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 6);
	g_assert_cmphex(rd(&b, 0, 0x018, 1), ==, 0x80);
	go(&b, 0);
	expect_error(&b, 0x8001, 0x142);
	wr(&b, 0, 0x018, sts, 4);
	g_assert_cmpuint(b.cancels, ==, 0);
	relinquish(&b, 0);
	start_fifo(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
}

/* The FIFO's buffer is full before the size is reached. */
static void fifo_overlong(void)
{
	struct bench b;
	static uint8_t cmd[4096];

	make_command(cmd, 2049, sizeof(cmd), 1);
	bench_init(&b, TPMIX_FAMILY_2_0, 2048);
	request(&b, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 2048);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04000080);
	fifo_send(&b, 0, cmd, 100);
	go(&b, 0);
	expect_error(&b, 0x8001, 0x142);
}

static void bad_responses(void)
{
	static uint8_t rsp[8192];
	static const struct { uint32_t size, len; } lie[] = {
		{ 10, 9 }, { 12, 11 }, { 11, 12 }, { 0, 10 }, { 2049, 2049 },
		{ 0xFFFFFFFF, 2048 }, { 10, 0 },
	};
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(lie) + 1; i++) {
		bool null = i == G_N_ELEMENTS(lie);

		bench_init(&b, TPMIX_FAMILY_2_0, 2048);
		start_indexed(&b, 0);
		if (!null) {
			make_command(rsp, lie[i].size, sizeof(rsp), 7);
		}
		g_assert_true(tpmix_complete(&b.e, 1, null ? NULL : rsp,
					     null ? 4000 : lie[i].len, false));
		b.starts = 0;
		expect_error(&b, 0x8001, 0x101);
	}
	bench_init(&b, TPMIX_FAMILY_1_2, 2048);
	start_indexed(&b, 0);
	g_assert_false(tpmix_complete(&b.e, 2, rsp, 10, false));
	g_assert_true(tpmix_complete(&b.e, 1, NULL, 0, false));
	b.starts = 0;
	expect_error(&b, 0x00C4, 0x9);
	g_assert_false(tpmix_complete(&b.e, 1, rsp, 10, false));
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/indexed/transaction/1", GUINT_TO_POINTER(1),
			     transaction);
	g_test_add_data_func("/indexed/transaction/2", GUINT_TO_POINTER(2),
			     transaction);
	g_test_add_data_func("/indexed/transaction/4", GUINT_TO_POINTER(4),
			     transaction);
	g_test_add_data_func("/indexed/transaction/8", GUINT_TO_POINTER(8),
			     transaction);
	g_test_add_func("/indexed/index", index_is_absolute);
	g_test_add_func("/indexed/response-end", response_end);
	g_test_add_func("/indexed/large-command", large_command);
	g_test_add_func("/indexed/window-outside", window_write_outside);
	g_test_add_func("/indexed/doorbell-states", doorbell_states);
	g_test_add_func("/indexed/tickets", tickets);
	g_test_add_func("/indexed/ticket-widths", ticket_widths);
	g_test_add_func("/indexed/doors-share-tickets", doors_share_tickets);
	g_test_add_func("/indexed/checksum", checksum_guards_the_command);
	g_test_add_func("/indexed/copy-wins", copy_wins);
	g_test_add_func("/indexed/cancel", cancel_by_ticket);
	g_test_add_func("/indexed/int-ack", int_ack);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_add_data_func(bad[i].name, &bad[i], bad_size);
	}
	g_test_add_data_func("/indexed/bad/six-bytes-abort",
			     GUINT_TO_POINTER(0x40), six_bytes);
	g_test_add_data_func("/indexed/bad/six-bytes-cancel",
			     GUINT_TO_POINTER(0x01000000), six_bytes);
	g_test_add_func("/indexed/bad/fifo-overlong", fifo_overlong);
	g_test_add_func("/indexed/bad/responses", bad_responses);
	return g_test_run();
}
