/* SPDX-License-Identifier: BSD-2-Clause */
/* Corners that no sensible guest and no sensible host comes to. */
#include "bench.h"

/* START and tpmGo of two localities wait for a third one's command. */
static void last_that_waits_is_answered(void)
{
	struct bench b;

	bench_init_crb(&b, BENCH_CAPACITY);
	start_crb(&b, 0);
	crb_relinquish(&b, 0);
	start_crb(&b, 1);
	crb_seize(&b, 2);
	start_crb(&b, 2);
	g_assert_cmpuint(b.e.s.waiting, ==, 2);
	complete(&b, 20, 7);
	g_assert_cmpuint(b.e.s.rsp_owner, ==, 2);
	g_assert_cmpuint(b.e.s.accepted, ==, 2);
	g_assert_cmpuint(b.starts, ==, 1);
	crb_relinquish(&b, 2);
	crb_request(&b, 1);
	g_assert_cmphex(rd(&b, 1, 0x80, 8), ==, 0);
	crb_relinquish(&b, 1);
	crb_request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x80, 8), ==, 0);
}

/*
 * A locality gives up its command and STARTs another one. What a second locality
 * STARTs and withdraws does not make the first command's response the answer.
 */
static void given_up_stays_given_up(void)
{
	struct bench b;

	bench_init_crb(&b, BENCH_CAPACITY);
	start_crb(&b, 0);
	wr(&b, 0, 0x80 + 9, 0x55, 1);
	wr(&b, 0, 0x4C, 1, 4);
	crb_seize(&b, 1);
	start_crb(&b, 1);
	wr(&b, 1, 0x40, 1, 4);
	complete(&b, 20, 7);
	crb_relinquish(&b, 1);
	crb_request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x4C, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x80 + 6, 4), ==, 0x22090000);
	g_assert_cmpuint(b.e.s.accepted, ==, 2);
	g_assert_cmpuint(b.starts, ==, 1);
}

/* The window changes the size field of a command that the FIFO has taken. */
static void size_changed_behind_fifo(void)
{
	struct bench b;
	uint8_t cmd[12];

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	make_command(cmd, sizeof(cmd), sizeof(cmd), 0);
	request(&b, 0);
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, sizeof(cmd));
	wr(&b, 0, 0x105, 10, 1);
	go(&b, 0);
	g_assert_cmpuint(b.starts, ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x106, 4), ==, 0x42010000);
}

/* A doorbell that was heard is no error when it comes again, however late. */
static void late_doorbell_is_silent(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	start_indexed(&b, 0);
	complete(&b, 20, 7);
	wr(&b, 0, 0xFC0, 4, 4);
	wr(&b, 0, 0xFCC, 1, 4);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmpuint(b.guest_errors, ==, 0);
	g_assert_cmphex(rd(&b, 0, 0xFD4, 4), ==, 0x14);
}

/* Locality 0, Reception: 7 bytes of a command of 12. */
static void receive_seven(struct bench *b, uint8_t cmd[12])
{
	bench_init(b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	make_command(cmd, 12, 12, 0);
	request(b, 0);
	command_ready(b, 0);
	fifo_send(b, 0, cmd, 7);
}

/* What the FIFO had taken of a command is not that of the doorbell's. */
static void doorbell_ends_reception(void)
{
	struct bench b;
	uint8_t cmd[12];

	receive_seven(&b, cmd);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x040FF988);
	window_send(&b, 0, cmd, sizeof(cmd));
	wr(&b, 0, 0xFCC, 1, 4);
	g_assert_cmpuint(b.starts, ==, 1);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x04100080);
}

/* Nor does the next owner's burstCount tell of it. */
static void new_owner_ends_reception(void)
{
	struct bench b;
	uint8_t cmd[12];

	receive_seven(&b, cmd);
	relinquish(&b, 0);
	request(&b, 1);
	g_assert_cmphex(rd(&b, 1, 0x018, 4), ==, 0x04100000);
}

/* burstCount of a buffer below 256 bytes, read as one byte. */
static void small_burst_count(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 200);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x019, 1), ==, 200);
}

static void widths_above_eight(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	request(&b, 0);
	g_assert_false(tpmix_is_fifo(&b.e, 0x000, 9));
	g_assert_cmphex(tpmix_mmio_read(&b.e, 0x080, 9), ==, UINT64_MAX);
	g_assert_cmphex(tpmix_read(&b.e, 0xF90, 9), ==, 0x0001000058495054);
}

/* What is logged names the register, and the locality's page. */
static void errors_name_their_place(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	request(&b, 2);
	wr(&b, 2, 0xFCC, 7, 4);
	g_assert_cmpuint(b.guest_errors, ==, 1);
	g_assert_cmphex(b.guest_error_at, ==, 0x2FCC);
	/* a command of no size: accepted, and answered for the TPM */
	wr(&b, 2, 0xFCC, 1, 4);
	g_assert_cmpuint(b.guest_errors, ==, 2);
	g_assert_cmphex(b.guest_error_at, ==, 0x2000);
	g_assert_cmpuint(b.e.starts, ==, 0);
	start_indexed(&b, 2);
	g_assert_cmpuint(b.e.starts, ==, 1);
	complete(&b, 20, 0);
	relinquish(&b, 2);

	start_fifo(&b, 0);
	relinquish(&b, 0);
	start_fifo(&b, 1);
	g_assert_cmpuint(b.guest_errors, ==, 3);
	g_assert_cmphex(b.guest_error_at, ==, 0x1018);

	bench_init_crb(&b, BENCH_CAPACITY);
	start_crb(&b, 3);
	crb_relinquish(&b, 3);
	crb_request(&b, 1);
	crb_go(&b, 1);
	g_assert_cmpuint(b.guest_errors, ==, 1);
	g_assert_cmphex(b.guest_error_at, ==, 0x104C);
}

/* A byte or two of a register, and no bit beside them. */
static void narrow_writes(void)
{
	struct bench b;
	unsigned int at, size;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	request(&b, 0);
	for (size = 1; size <= 4; size++) {
		for (at = 0; at + size <= 4; at++) {
			uint64_t bits = ((1ull << (size * 8)) - 1) << (at * 8);

			wr(&b, 0, 0xFC0, 0xFFFFFFFF, 4);
			wr(&b, 0, 0xFC0 + at, 0, size);
			g_assert_cmphex(rd(&b, 0, 0xFC0, 4), ==, 0xFFFFFFFF ^ bits);
			wr(&b, 0, 0xFC0, 0, 4);
			wr(&b, 0, 0xFC0 + at, 0xFFFFFFFF, size);
			g_assert_cmphex(rd(&b, 0, 0xFC0, 4), ==, bits);
		}
	}
}

/* Which accesses reach DATA_FIFO or XDATA_FIFO: the host may skip work for others. */
static void fifo_accesses(void)
{
	static const struct { uint32_t at, end; } fifo[] = {
		{ 0x024, 0x028 }, { 0x080, 0x0C0 }, { 0x3080, 0x30C0 },
	};
	struct bench b;
	unsigned int i, size;
	uint32_t at;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	for (i = 0; i < G_N_ELEMENTS(fifo); i++) {
		for (at = fifo[i].at - 9; at < fifo[i].end + 2; at++) {
			/* more than 8 bytes are 8 */
			for (size = 1; size <= 9; size++) {
				uint32_t last = at + MIN(size, 8) - 1;

				g_assert_true(tpmix_is_fifo(&b.e, at, size) ==
					      (last >= fifo[i].at && at < fifo[i].end));
			}
		}
	}
	start_fifo(&b, 0);
	complete(&b, 40, 0);
	g_assert_cmphex(rd(&b, 0, 0x080, 9), ==, 0x0706280000000180);
	g_assert_cmpuint(b.e.s.rsp_pos, ==, 8);
}

/* A locality that is Ready stays so while others have their commands. */
static void ready_stays(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	start_fifo(&b, 0);
	complete(&b, 20, 0);
	command_ready(&b, 0);
	command_ready(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 1) & 0x40, ==, 0x40);
	relinquish(&b, 0);
	start_fifo(&b, 1);
	complete(&b, 20, 0);
	relinquish(&b, 1);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 1) & 0x40, ==, 0x40);
}

/* stsValid tells of the end of a response, as with tpm-tis: of its last byte only. */
static void last_byte_interrupts(void)
{
	struct bench b;
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	start_fifo(&b, 0);
	wr(&b, 0, 0x008, 0x8000001A, 4);
	complete(&b, 20, 0);
	wr(&b, 0, 0x010, 0x03, 4);
	for (i = 0; i < 20; i++) {
		g_assert_cmphex(rd(&b, 0, 0x010, 1) & 0x02, ==, 0);
		rd(&b, 0, 0x024, 1);
	}
	g_assert_cmphex(rd(&b, 0, 0x010, 1) & 0x02, ==, 0x02);
}

/* CRC-16/KERMIT, a bit at a time. */
static uint16_t crc_by_bits(const uint8_t *data, uint32_t len)
{
	unsigned int crc = 0, bit;
	uint32_t i;

	for (i = 0; i < len; i++) {
		crc ^= data[i];
		for (bit = 0; bit < 8; bit++) {
			crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
		}
	}
	return (uint16_t)crc;
}

/* Each length on either side of where the checksum goes another way. */
static void checksum(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(1);
	uint8_t data[800];
	uint32_t len, at, i;

	g_assert_cmphex(tpmix_crc16((const uint8_t *)"123456789", 9), ==, 0x2189);
	for (len = 0; len < 700; len++) {
		for (at = 0; at < 9; at += 3) {
			for (i = 0; i < len; i++) {
				data[at + i] = (uint8_t)g_rand_int(r);
			}
			g_assert_cmphex(tpmix_crc16(data + at, len), ==,
					crc_by_bits(data + at, len));
		}
	}
	/* every single bit of a message, on its own */
	memset(data, 0, sizeof(data));
	for (i = 0; i < 500 * 8; i++) {
		data[i / 8] = (uint8_t)(1u << i % 8);
		g_assert_cmphex(tpmix_crc16(data, 500), ==,
				crc_by_bits(data, 500));
		data[i / 8] = 0;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/corner/last-that-waits",
			last_that_waits_is_answered);
	g_test_add_func("/corner/given-up-stays-given-up", given_up_stays_given_up);
	g_test_add_func("/corner/size-changed-behind-fifo", size_changed_behind_fifo);
	g_test_add_func("/corner/late-doorbell-is-silent", late_doorbell_is_silent);
	g_test_add_func("/corner/doorbell-ends-reception", doorbell_ends_reception);
	g_test_add_func("/corner/new-owner-ends-reception", new_owner_ends_reception);
	g_test_add_func("/corner/small-burst-count", small_burst_count);
	g_test_add_func("/corner/widths-above-eight", widths_above_eight);
	g_test_add_func("/corner/errors-name-their-place", errors_name_their_place);
	g_test_add_func("/corner/narrow-writes", narrow_writes);
	g_test_add_func("/corner/fifo-accesses", fifo_accesses);
	g_test_add_func("/corner/ready-stays", ready_stays);
	g_test_add_func("/corner/last-byte-interrupts", last_byte_interrupts);
	g_test_add_func("/corner/checksum", checksum);
	return g_test_run();
}
