/* SPDX-License-Identifier: BSD-2-Clause */
/* The map: every register's offset, reset value, access and width. */
#include "bench.h"

struct reg {
	uint32_t off;
	unsigned int width;     /* bytes that hold something */
	uint32_t tpm2;          /* value after reset, inactive locality */
	uint32_t tpm12;
};

/* Constant after reset whether the locality is active or not. */
static const struct reg regs[] = {
	{ 0x000, 1, 0x81,       0x81 },       /* ACCESS */
	{ 0x008, 4, 0x00000008, 0x00000008 }, /* INT_ENABLE */
	{ 0x00C, 1, 5,          5 },          /* INT_VECTOR */
	{ 0x010, 4, 0,          0 },          /* INT_STATUS */
	{ 0x014, 4, 0x30000697, 0x20000697 }, /* INTF_CAPABILITY */
	{ 0x018, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* STS, inactive */
	{ 0x030, 4, 0x00002100, 0xFFFFFFFF }, /* INTERFACE_ID */
	{ 0xF00, 4, 0x00011014, 0x00011014 }, /* DID_VID */
	{ 0xF04, 1, 0x01,       0x01 },       /* RID */
	{ 0xF90, 4, 0x58495054, 0x58495054 }, /* IX MAGIC */
	{ 0xF94, 4, 0x00010000, 0x00010000 }, /* IX VERSION */
	{ 0xF98, 4, 0x0000001F, 0x0000001F }, /* IX CAP */
	{ 0xF9C, 4, 0x00001000, 0x00001000 }, /* IX BUFSIZE */
	{ 0xFA0, 4, 0x0E000100, 0x0E000100 }, /* IX WINDOW */
	{ 0xFA4, 4, 0x00001000, 0x00001000 }, /* IX RAM_SIZE */
	{ 0xFA8, 4, 0xFED50000, 0xFED50000 }, /* IX CMD_WINDOW */
	{ 0xFAC, 4, 0,          0 },
	{ 0xFB0, 4, 0xFED60000, 0xFED60000 }, /* IX RSP_WINDOW */
	{ 0xFB4, 4, 0,          0 },
	{ 0xFB8, 4, 0xFED70000, 0xFED70000 }, /* IX HEADER */
	{ 0xFBC, 4, 0,          0 },
	{ 0xFC0, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* transaction part, inactive */
	{ 0xFFC, 4, 0, 0 },                   /* reserved in the block */
	{ 0x004, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* reserved in TIS */
	{ 0x01C, 4, 0xFFFFFFFF, 0xFFFFFFFF },
	{ 0x020, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* HASH_END */
	{ 0x028, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* HASH_START */
	{ 0x0FC, 4, 0xFFFFFFFF, 0xFFFFFFFF },
	{ 0x100, 4, 0xFFFFFFFF, 0xFFFFFFFF }, /* window, inactive */
	{ 0xEFC, 4, 0xFFFFFFFF, 0xFFFFFFFF },
	{ 0xF08, 4, 0xFFFFFFFF, 0xFFFFFFFF },
};

static void reset_values(gconstpointer data)
{
	enum tpmix_family family = GPOINTER_TO_UINT(data);
	struct bench b;
	unsigned int l, i;

	bench_init(&b, family, 4096);
	for (l = 0; l < 5; l++) {
		for (i = 0; i < G_N_ELEMENTS(regs); i++) {
			const struct reg *r = &regs[i];
			uint32_t want = family == TPMIX_FAMILY_2_0 ? r->tpm2 :
								     r->tpm12;

			g_assert_cmphex(rd(&b, l, r->off, r->width), ==, want);
		}
	}
}

static void active_values(void)
{
	static const struct reg active[] = {
		{ 0x000, 1, 0xA1,       0 }, /* ACCESS: activeLocality */
		{ 0x018, 4, 0x04100000, 0 }, /* STS: TPM 2.0, 4096 bytes, Idle */
		{ 0xFC0, 4, 0, 0 },          /* INDEX */
		{ 0xFC4, 4, 0, 0 },          /* CANCEL reads 0 */
		{ 0xFC8, 4, 0, 0 },          /* CSUM_EXPECT */
		{ 0xFCC, 4, 0, 0 },          /* DOORBELL */
		{ 0xFD0, 4, 0, 0 },          /* ACCEPTED */
		{ 0xFD4, 4, 0, 0 },          /* STATUS */
		{ 0xFD8, 4, 0, 0 },          /* COMPLETED */
		{ 0xFDC, 4, 0, 0 },          /* RSP_SIZE */
		{ 0xFE0, 4, 0, 0 },          /* CSUM */
		{ 0xFE4, 4, 0, 0 },          /* INT_ACK reads 0 */
		{ 0xFE8, 4, 0, 0 },          /* reserved in the block */
		{ 0xFFC, 4, 0, 0 },
		{ 0x100, 4, 0, 0 },          /* window without a response */
		{ 0x024, 4, 0xFFFFFFFF, 0 }, /* DATA_FIFO without data */
		{ 0x080, 4, 0xFFFFFFFF, 0 }, /* XDATA_FIFO without data */
	};
	struct bench b;
	unsigned int l, i;

	for (l = 0; l < 5; l++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		request(&b, l);
		for (i = 0; i < G_N_ELEMENTS(active); i++) {
			g_assert_cmphex(rd(&b, l, active[i].off,
					   active[i].width), ==, active[i].tpm2);
		}
	}
}

static void tpm12_status(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_1_2, 4096);
	request(&b, 0);
	g_assert_cmphex(rd(&b, 0, 0x018, 4), ==, 0x00100000);
}

/* A read of any width at any offset is the bytes that byte reads give. */
static void every_width_everywhere(void)
{
	struct bench b, before;
	uint32_t addr;
	unsigned int n, i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 1);
	complete(&b, 300, 7);
	bench_clone(&before, &b);
	for (addr = 0; addr < 0x5000; addr++) {
		for (n = 2; n <= 8; n++) {
			uint64_t want = 0, got = tpmix_read(&b.e, addr, n);

			for (i = 0; i < n; i++) {
				/* STS says 0xFF for burstCount > 0xFF to bytes */
				uint32_t a = addr + i;

				if (a == 0x1019 || a == 0x101A) {
					want |= got & (0xFFull << (i * 8));
					continue;
				}
				want |= tpmix_read(&b.e, a, 1) << (i * 8);
			}
			g_assert_cmphex(got, ==, want);
		}
	}
	g_assert_true(bench_same(&b, &before));
}

static void outside(void)
{
	struct bench b, before;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	bench_clone(&before, &b);
	g_assert_cmphex(tpmix_read(&b.e, 0x5000, 4), ==, 0xFFFFFFFF);
	g_assert_cmphex(tpmix_read(&b.e, 0xFFFFFFFF, 8), ==,
			G_MAXUINT64);
	g_assert_cmphex(tpmix_read(&b.e, 0x4FFE, 4), ==, 0xFFFF0000);
	g_assert_cmphex(tpmix_read(&b.e, 0, 0), ==, 0);
	g_assert_cmphex(tpmix_read(&b.e, 0xF90, 9), ==,
			0x0001000058495054ull);
	tpmix_write(&b.e, 0x5000, 0xFF, 4);
	tpmix_write(&b.e, 0, 0x02, 0);
	tpmix_write(&b.e, 0, 0x02, 9);
	g_assert_true(bench_same(&b, &before));
	g_assert_cmphex(tpmix_mmio_read(&b.e, TPMIX_SPACE_SIZE + 0x24, 4), ==,
			0xFFFFFFFF);
	g_assert_true(bench_same(&b, &before));
	g_assert_false(tpmix_is_fifo(&b.e, 0x30024, 4));
	g_assert_false(tpmix_is_fifo(&b.e, TPMIX_SPACE_SIZE + 0x24, 4));
	g_assert_false(tpmix_is_fifo(&b.e, 0x20, 4));
	g_assert_true(tpmix_is_fifo(&b.e, 0x20, 5));
	g_assert_true(tpmix_is_fifo(&b.e, 0x27, 1));
	g_assert_false(tpmix_is_fifo(&b.e, 0x28, 4));
	g_assert_true(tpmix_is_fifo(&b.e, 0x40BF, 1));
	g_assert_false(tpmix_is_fifo(&b.e, 0x50BF, 1));
}

static void read_only(void)
{
	static const uint32_t ro[] = {
		0x00C, 0x014, 0xF00, 0xF04, 0xF90, 0xF94, 0xF98, 0xF9C, 0xFA0,
		0xFA4, 0xFBC, 0xFD0, 0xFD4, 0xFD8, 0xFDC, 0xFE0, 0xFE8, 0xFFC,
		0x004, 0x01C, 0x020, 0x028, 0x0FC, 0xF08, 0x034,
	};
	struct bench b, before;
	unsigned int i, n;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	request(&b, 0);
	for (i = 0; i < G_N_ELEMENTS(ro); i++) {
		for (n = 1; n <= 4; n <<= 1) {
			bench_clone(&before, &b);
			wr(&b, 0, ro[i], 0xFFFFFFFF, n);
			g_assert_true(bench_same(&b, &before));
		}
	}
}

static void int_enable_widths(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	wr(&b, 0, 0x008, 0xFFFFFFFF, 4);
	g_assert_cmphex(rd(&b, 0, 0x008, 4), ==, 0x8000009F);
	wr(&b, 0, 0x00B, 0x00, 1);
	g_assert_cmphex(rd(&b, 0, 0x008, 4), ==, 0x0000009F);
	wr(&b, 0, 0x008, 0x01, 1);
	g_assert_cmphex(rd(&b, 0, 0x008, 4), ==, 0x00000001);
	wr(&b, 0, 0x00A, 0x8000, 2);
	g_assert_cmphex(rd(&b, 0, 0x008, 4), ==, 0x80000001);
	g_assert_cmphex(rd(&b, 1, 0x008, 4), ==, 0x00000008);
}

static void interface_id_lock(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	wr(&b, 2, 0x032, 0x08, 1);
	g_assert_cmphex(rd(&b, 0, 0x030, 4), ==, 0x00082100);
	wr(&b, 0, 0x030, 0, 4);
	g_assert_cmphex(rd(&b, 4, 0x030, 4), ==, 0x00082100);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 4096);
	g_assert_cmphex(rd(&b, 0, 0x030, 4), ==, 0x00002100);
}

static void established(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	tpmix_set_established(&b.e, true);
	g_assert_cmphex(rd(&b, 0, 0x000, 1), ==, 0x80);
	request(&b, 0);
	wr(&b, 0, 0x018, 0x02000000, 4); /* only localities 3 and 4 may reset */
	g_assert_cmpuint(b.established_resets, ==, 0);
	relinquish(&b, 0);
	request(&b, 3);
	wr(&b, 3, 0x018, 0x02000000, 4);
	g_assert_cmpuint(b.established_resets, ==, 1);
	g_assert_cmphex(rd(&b, 3, 0x000, 1), ==, 0xA1);

	bench_init(&b, TPMIX_FAMILY_1_2, 4096); /* not a bit of TIS for 1.2 */
	request(&b, 3);
	wr(&b, 3, 0x018, 0x02000000, 4);
	g_assert_cmpuint(b.established_resets, ==, 0);
}

static void negotiated_size(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 2048);
	g_assert_cmphex(rd(&b, 0, 0xF9C, 4), ==, 2048);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 1u << 20);
	g_assert_cmphex(rd(&b, 0, 0xF9C, 4), ==, BENCH_CAPACITY);
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 0);
	g_assert_cmphex(rd(&b, 0, 0xF9C, 4), ==, 10);
	g_assert_true(tpmix_valid(&b.e));
}

/* CRC-16/KERMIT's check value. */
static void crc16(void)
{
	g_assert_cmphex(tpmix_crc16((const uint8_t *)"123456789", 9), ==, 0x2189);
	g_assert_cmphex(tpmix_crc16(NULL, 0), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/registers/reset/tpm2",
			     GUINT_TO_POINTER(TPMIX_FAMILY_2_0), reset_values);
	g_test_add_data_func("/registers/reset/tpm12",
			     GUINT_TO_POINTER(TPMIX_FAMILY_1_2), reset_values);
	g_test_add_func("/registers/active", active_values);
	g_test_add_func("/registers/tpm12-status", tpm12_status);
	g_test_add_func("/registers/every-width", every_width_everywhere);
	g_test_add_func("/registers/outside", outside);
	g_test_add_func("/registers/read-only", read_only);
	g_test_add_func("/registers/int-enable-widths", int_enable_widths);
	g_test_add_func("/registers/interface-id-lock", interface_id_lock);
	g_test_add_func("/registers/established", established);
	g_test_add_func("/registers/negotiated-size", negotiated_size);
	g_test_add_func("/registers/crc16", crc16);
	return g_test_run();
}
