/* SPDX-License-Identifier: BSD-2-Clause */
/* FIFO door: the states of TIS 1.3 5.6.12 and what STS says in each. */
#include "bench.h"

#define TPM2 0x04000000u

static uint32_t sts(struct bench *b, unsigned int l)
{
	return (uint32_t)rd(b, l, 0x018, 4);
}

static void transaction(gconstpointer data)
{
	enum tpmix_family family = GPOINTER_TO_UINT(data);
	uint32_t f = family == TPMIX_FAMILY_2_0 ? TPM2 : 0;
	struct bench b;
	uint8_t cmd[12];
	uint32_t i;

	bench_init(&b, family, 4096);
	make_command(cmd, 12, 12, 0x33);
	request(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, f | 4096u << 8);
	fifo_send(&b, 0, cmd, 1);               /* dropped in Idle */
	g_assert_cmphex(sts(&b, 0), ==, f | 4096u << 8);
	command_ready(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, f | 4096u << 8 | 0x40);
	for (i = 0; i < 12; i++) {
		fifo_send(&b, 0, cmd + i, 1);
		g_assert_cmphex(sts(&b, 0), ==, f | (4096 - i - 1) << 8 |
				(i < 11 ? 0x88 : 0x80));
	}
	fifo_send(&b, 0, cmd, 4);               /* beyond Expect: dropped */
	g_assert_cmphex(sts(&b, 0), ==, f | 4084u << 8 | 0x80);
	go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.last_len, ==, 12);
	g_assert_cmpmem(b.last_cmd, 12, cmd, 12);
	g_assert_cmphex(sts(&b, 0), ==, f | 4084u << 8 | 0x80);
	g_assert_cmphex(rd(&b, 0, 0x024, 1), ==, 0xFF);
	go(&b, 0);                              /* ignored in Execution */
	complete(&b, 300, 0);
	for (i = 0; i < 300; i++) {
		g_assert_cmphex(sts(&b, 0), ==, f | (300 - i) << 8 | 0x90);
		if (i >= 6) {
			g_assert_cmphex(rd(&b, 0, 0x024, 1), ==, (uint8_t)i);
		} else {
			rd(&b, 0, 0x024, 1);
		}
	}
	g_assert_cmphex(sts(&b, 0), ==, f | 3796u << 8 | 0x80);
	g_assert_cmphex(rd(&b, 0, 0x024, 4), ==, 0xFFFFFFFF);
	wr(&b, 0, 0x018, 0x02, 1);              /* responseRetry */
	g_assert_cmphex(sts(&b, 0), ==, f | 300u << 8 | 0x90);
	go(&b, 0);                              /* ignored in Completion */
	g_assert_cmpuint(b.starts, ==, 1);
	command_ready(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, f | 4096u << 8 | 0x40);
	g_assert_cmphex(rd(&b, 0, 0x024, 1), ==, 0xFF);
}

static void widths(void)
{
	struct bench b;
	uint8_t cmd[22];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 22, 22, 0x44);
	request(&b, 0);
	command_ready(&b, 0);
	wr(&b, 0, 0x024, 0x00000180, 2);        /* low byte first */
	wr(&b, 0, 0x024, 0x16000000, 4);
	wr(&b, 0, 0x080, 0x7B010000, 4);
	wr(&b, 0, 0x0B8, 0x4444444444444444ull, 8);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | (4096u - 18) << 8 | 0x88);
	wr(&b, 0, 0x026, 0x4444, 2);
	wr(&b, 0, 0x0BC, 0x44444444, 4);        /* two bytes too many */
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | (4096u - 22) << 8 | 0x80);
	go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 22);
	complete(&b, 26, 0);
	g_assert_cmphex(rd(&b, 0, 0x024, 4), ==, 0x00000180);
	g_assert_cmphex(rd(&b, 0, 0x080, 4), ==, 0x07061A00);
	g_assert_cmphex(rd(&b, 0, 0x0B8, 8), ==, 0x0F0E0D0C0B0A0908ull);
	g_assert_cmphex(rd(&b, 0, 0x026, 2), ==, 0x1110);
	g_assert_cmphex(rd(&b, 0, 0x027, 1), ==, 0x12);
	/* beyond the FIFO the next register answers, without a side effect */
	g_assert_cmphex(rd(&b, 0, 0x026, 4), ==, 0xFFFF1413);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | 5u << 8 | 0x90);
}

static void byte_burst_count(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x019, 1), ==, 0xFF);
	g_assert_cmphex(rd(&b, 0, 0x019, 2), ==, 0x1000);
	g_assert_cmphex(rd(&b, 0, 0x01B, 1), ==, 0x04);
}

static void abort_reception(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 12, 12, 0);
	request(&b, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 7);
	command_ready(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | 4096u << 8 | 0x40);
	g_assert_cmpuint(b.cancels, ==, 0);
	fifo_send(&b, 0, cmd, 12);
	go(&b, 0);
	g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 12);
}

static void abort_execution(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_fifo(&b, 0);
	command_ready(&b, 0);
	command_ready(&b, 0);
	g_assert_cmpuint(b.cancels, ==, 1);     /* the second is the first */
	g_assert_cmphex(sts(&b, 0) & 0xFF, ==, 0x80);
	complete(&b, 20, 0);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | 4096u << 8 | 0x40);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 20); /* indexed keeps it, R4 */
}

static void cancel_execution(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_fifo(&b, 0);
	wr(&b, 0, 0x018, 0x01000000, 4);
	g_assert_cmpuint(b.cancels, ==, 1);
	complete(&b, 10, 0);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | 10u << 8 | 0x90);
	wr(&b, 0, 0x01B, 0x01, 1);              /* nothing runs */
	g_assert_cmpuint(b.cancels, ==, 1);

	bench_init(&b, TPMIX_FAMILY_1_2, 4096); /* TIS 1.3: TPM 2.0 only */
	start_fifo(&b, 0);
	wr(&b, 0, 0x018, 0x01000000, 4);
	g_assert_cmpuint(b.cancels, ==, 0);
}

static void go_too_early(void)
{
	struct bench b;
	uint8_t cmd[12];
	uint32_t n;

	make_command(cmd, 12, 12, 0);
	for (n = 0; n < 12; n++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		request(&b, 0);
		command_ready(&b, 0);
		fifo_send(&b, 0, cmd, n);
		go(&b, 0);
		g_assert_cmpuint(b.starts, ==, 0);
		g_assert_cmpuint(b.e.s.accepted, ==, 0);
		fifo_send(&b, 0, cmd + n, 12 - n);
		go(&b, 0);
		g_assert_cmpuint(b.starts, ==, 1);
	}
}

static void several_sts_bits(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 12, 12, 0);
	request(&b, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 12);
	wr(&b, 0, 0x018, 0x60, 1);
	wr(&b, 0, 0x018, 0x22, 1);
	wr(&b, 0, 0x018, 0x42, 1);
	g_assert_cmphex(sts(&b, 0) & 0xFF, ==, 0x80);
	g_assert_cmpuint(b.starts, ==, 0);
}

static void selftest_done(void)
{
	struct bench b;
	static const uint8_t rsp[10] = { 0x80, 0x01, 0, 0, 0, 10 };

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_fifo(&b, 0);
	g_assert_true(tpmix_complete(&b.e, 1, rsp, 10, true));
	g_assert_cmphex(sts(&b, 0) & 0x04, ==, 0x04);
	relinquish(&b, 0);
	request(&b, 3);
	g_assert_cmphex(sts(&b, 3) & 0x04, ==, 0x04);
}

static void interrupts(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	make_command(cmd, 12, 12, 0);
	wr(&b, 0, 0x008, 0x80000087, 4);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x04); /* localityChange */
	g_assert_true(tpmix_irq(&b.e));
	wr(&b, 0, 0x010, 0x04, 4);
	g_assert_false(tpmix_irq(&b.e));
	command_ready(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x80); /* commandReady */
	command_ready(&b, 0);                           /* was READY: no new one */
	wr(&b, 0, 0x010, 0x80, 1);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0);
	fifo_send(&b, 0, cmd, 12);
	go(&b, 0);
	g_assert_false(tpmix_irq(&b.e));
	complete(&b, 12, 0);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x03); /* dataAvail, stsValid */
	wr(&b, 0, 0x010, 0x01, 4);
	g_assert_true(tpmix_irq(&b.e));
	wr(&b, 0, 0x010, 0x02, 4);
	g_assert_false(tpmix_irq(&b.e));
	rd(&b, 0, 0x080, 8);
	rd(&b, 0, 0x080, 4);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x02); /* last byte: stsValid */
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 12);
	go(&b, 0);                                      /* voids the old ones */
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x80);
	command_ready(&b, 0);
	wr(&b, 0, 0x010, 0x80, 4);
	complete(&b, 12, 0);                            /* aborted */
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x80);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 4096);
	g_assert_false(tpmix_irq(&b.e));
}

static void interrupts_masked(void)
{
	static const uint32_t enable[] = { 0x00000087, 0x80000000, 0x80000080 };
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(enable); i++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		request(&b, 0);
		wr(&b, 0, 0x008, enable[i], 4);
		start_indexed(&b, 0);
		complete(&b, 12, 0);
		g_assert_false(tpmix_irq(&b.e));
	}
}

static void reset_ends_everything(void)
{
	struct bench b;
	static const uint8_t rsp[10] = { 0x80, 0x01, 0, 0, 0, 10 };

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_fifo(&b, 0);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 4096);
	g_assert_false(tpmix_complete(&b.e, 1, rsp, 10, false));
	request(&b, 0);
	g_assert_cmphex(sts(&b, 0), ==, TPM2 | 4096u << 8);
	g_assert_cmphex(rd(&b, 0, 0xFD0, 4), ==, 1);    /* tickets go on */
	g_assert_cmphex(rd(&b, 0, 0xFD8, 4), ==, 1);
	g_assert_cmphex(rd(&b, 0, 0xFDC, 4), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/fifo/transaction/tpm2",
			     GUINT_TO_POINTER(TPMIX_FAMILY_2_0), transaction);
	g_test_add_data_func("/fifo/transaction/tpm12",
			     GUINT_TO_POINTER(TPMIX_FAMILY_1_2), transaction);
	g_test_add_func("/fifo/widths", widths);
	g_test_add_func("/fifo/byte-burst-count", byte_burst_count);
	g_test_add_func("/fifo/abort-reception", abort_reception);
	g_test_add_func("/fifo/abort-execution", abort_execution);
	g_test_add_func("/fifo/cancel", cancel_execution);
	g_test_add_func("/fifo/go-too-early", go_too_early);
	g_test_add_func("/fifo/several-sts-bits", several_sts_bits);
	g_test_add_func("/fifo/selftest-done", selftest_done);
	g_test_add_func("/fifo/interrupts", interrupts);
	g_test_add_func("/fifo/interrupts-masked", interrupts_masked);
	g_test_add_func("/fifo/reset", reset_ends_everything);
	return g_test_run();
}
