/* SPDX-License-Identifier: BSD-2-Clause */
/* What may not be there: the TPM, the windows in RAM, a register at an offset. */
#include "bench.h"

static void expect_zeros(const void *mem, size_t len)
{
	const uint8_t *byte = mem;
	size_t i;

	for (i = 0; i < len; i++) {
		g_assert_cmphex(byte[i], ==, 0);
	}
}

/* A backend that did not start: everything reads as 0, nothing is heard. */
static void no_tpm(gconstpointer data)
{
	bool crb = GPOINTER_TO_UINT(data);
	struct bench b, before;
	uint32_t at;

	if (crb) {
		bench_init_crb(&b, 4096);
		start_crb(&b, 0);
	} else {
		bench_init(&b, TPMIX_FAMILY_1_2, 4096);
		start_indexed(&b, 0);
	}
	complete(&b, 100, 1);
	tpmix_reset(&b.e, TPMIX_FAMILY_NONE, 0);
	check(&b);
	bench_clone(&before, &b);
	for (at = 0; at < 0x40000; at += 4) {
		g_assert_cmphex(tpmix_read(&b.e, at, 4), ==, 0);
		g_assert_cmphex(tpmix_mmio_read(&b.e, at, 4), ==, 0);
		g_assert_false(tpmix_irq(&b.e));
		tpmix_write(&b.e, at, 0x01010101, 4);
	}
	check(&b);
	g_assert_true(bench_same(&b, &before));
	g_assert_cmpuint(b.guest_errors, ==, 0);
	/* what the host says of it meanwhile is not seen */
	tpmix_set_established(&b.e, true);
	check(&b);
	tpmix_set_established(&b.e, false);
	check(&b);
	expect_zeros(b.ram_rsp, sizeof(b.ram_rsp));
	expect_zeros(b.block, sizeof(b.block));
	expect_zeros(b.crb_regs, sizeof(b.crb_regs));
	expect_zeros(b.crb_buffer, sizeof(b.crb_buffer));

	/* Found again at the next reset: tickets went on counting. */
	tpmix_reset(&b.e, TPMIX_FAMILY_2_0, 4096);
	check(&b);
	g_assert_cmphex(rd(&b, crb ? 6 : 0, 0xF90, 4), ==, 0x58495054);
	g_assert_cmpuint(b.e.s.accepted, ==, 1);
	g_assert_cmphex(b.ram_rsp[0], ==, 0xFF);
}

/* A machine whose memory is confidential: registers only. */
static void init_no_ram(struct bench *b, bool crb)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.ram = (struct tpmix_ram) { .cmd = b->ram_cmd };
	cfg.crb = crb;
	cfg.interface = crb ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO;
	bench_init_as(b, &cfg, TPMIX_FAMILY_2_0, 4096);
}

static void no_ram(gconstpointer data)
{
	bool crb = GPOINTER_TO_UINT(data);
	unsigned int page = crb ? 6 : 0;
	struct bench b;
	uint32_t at;

	init_no_ram(&b, crb);
	g_assert_cmphex(rd(&b, page, 0xF98, 4), ==, 0x00000017);        /* CAP */
	g_assert_cmphex(rd(&b, page, 0xFA4, 4), ==, 0);                 /* RAM_SIZE */
	for (at = 0xFA8; at < 0xFC0; at += 8) {
		g_assert_cmphex(rd(&b, page, at, 8), ==, 0);
	}
	for (at = 0xB000; at < 0x40000; at += 8) {
		g_assert_cmphex(tpmix_read(&b.e, at, 8), ==, G_MAXUINT64);
		tpmix_write(&b.e, at, 0x7777777777777777, 8);
	}
	expect_zeros(b.ram_cmd, sizeof(b.ram_cmd));
	if (crb) {
		/* locality 0's buffer is where the others' are */
		g_assert_cmphex(rd(&b, 0, 0x58, 4), ==, 3968);
		g_assert_cmphex(rd(&b, 0, 0x5C, 8), ==, 0xFED40080);
		g_assert_cmphex(rd(&b, 0, 0x68, 8), ==, 0xFED40080);
		start_crb(&b, 0);
	} else {
		start_indexed(&b, 0);
	}
	g_assert_cmpuint(b.starts, ==, 1);
	complete(&b, 40, 3);
	if (crb) {
		g_assert_cmphex(rd(&b, 0, 0x88, 1), ==, 8 + 3);
	}
	g_assert_cmphex(rd(&b, page, 0x100 + 39, 1), ==, 39 + 3);
	tpmix_refresh(&b.e);
	check(&b);
	expect_zeros(b.ram_rsp, sizeof(b.ram_rsp));
	expect_zeros(b.block, sizeof(b.block));
}

/* Registers above 4 GiB: where the machine has them. */
static void base(void)
{
	struct bench b;
	struct tpmix_config cfg = bench_config(&b);

	cfg.base = 0x1200C0000;
	cfg.crb = true;
	cfg.interface = TPMIX_INTERFACE_CRB;
	bench_init_as(&b, &cfg, TPMIX_FAMILY_2_0, 4096);
	g_assert_cmphex(rd(&b, 0, 0x5C, 8), ==, 0x1200D0000);
	g_assert_cmphex(rd(&b, 0, 0x68, 8), ==, 0x1200E0000);
	g_assert_cmphex(rd(&b, 2, 0x5C, 8), ==, 0x1200C2080);
	g_assert_cmphex(rd(&b, 2, 0x68, 8), ==, 0x1200C2080);
	g_assert_cmphex(rd(&b, 6, 0xFA8, 8), ==, 0x1200D0000);
	g_assert_cmphex(rd(&b, 6, 0xFB0, 8), ==, 0x1200E0000);
	g_assert_cmphex(rd(&b, 6, 0xFB8, 8), ==, 0x1200F0000);
}

/* Accesses where no register is are the guest's error; registers are not. */
static void unknown_offsets(void)
{
	static const struct {
		bool crb;
		unsigned int page;
		uint32_t off;
		bool known;
	} at[] = {
		{ false, 0, 0x000, true }, { false, 0, 0x004, false },
		{ false, 0, 0x008, true }, { false, 0, 0x00C, true },
		{ false, 0, 0x010, true }, { false, 0, 0x014, true },
		{ false, 0, 0x018, true }, { false, 0, 0x01C, false },
		{ false, 0, 0x020, false }, { false, 0, 0x024, true },
		{ false, 0, 0x028, false }, { false, 0, 0x030, true },
		{ false, 0, 0x07C, false }, { false, 0, 0x080, true },
		{ false, 0, 0x0BC, true }, { false, 0, 0x0C0, false },
		{ false, 0, 0x0FC, false }, { false, 0, 0x100, true },
		{ false, 0, 0xEFC, true }, { false, 0, 0xF00, true },
		{ false, 0, 0xF04, true }, { false, 0, 0xF08, false },
		{ false, 0, 0xF8C, false }, { false, 0, 0xF90, true },
		{ false, 0, 0xFE4, true }, { false, 0, 0xFE8, false },
		{ false, 3, 0xFE8, false }, { false, 3, 0xFD0, true },
		{ false, 5, 0x000, false },
		{ true, 0, 0x00, true }, { true, 0, 0x04, false },
		{ true, 0, 0x08, true }, { true, 0, 0x0C, true },
		{ true, 0, 0x10, false }, { true, 0, 0x30, true },
		{ true, 0, 0x34, true }, { true, 0, 0x38, false },
		{ true, 0, 0x40, true }, { true, 0, 0x58, true },
		{ true, 0, 0x6C, true }, { true, 0, 0x70, false },
		{ true, 0, 0x80, true }, { true, 0, 0xFFC, true },
		{ true, 5, 0x000, false }, { true, 6, 0x000, false },
		{ true, 6, 0x100, true }, { true, 11, 0x100, false },
		{ true, 15, 0xF90, false }, { true, 48, 0x000, true },
		{ true, 48, 0xF90, true }, { true, 63, 0xFFC, true },
	};
	struct bench b;
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(at); i++) {
		g_test_message("%d: page %u, 0x%03x", at[i].crb, at[i].page,
			       at[i].off);
		if (at[i].crb) {
			bench_init_crb(&b, 4096);
		} else {
			bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		}
		rd(&b, at[i].page, at[i].off, 4);
		g_assert_cmpuint(b.guest_errors, ==, !at[i].known);
		wr(&b, at[i].page, at[i].off, 0, 4);
		g_assert_cmpuint(b.guest_errors, ==, 2 * !at[i].known);
		/* a look that is no guest's access */
		tpmix_read(&b.e, at[i].page << 12 | at[i].off, 4);
		g_assert_cmpuint(b.guest_errors, ==, 2 * !at[i].known);
	}
}

/* A host that does not track memory reports nothing. */
static void changed_is_optional(void)
{
	static const struct tpmix_backend backend = {
		.start = bench_start,
		.cancel = bench_cancel,
		.guest_error = bench_guest_error,
	};
	static struct bench b;
	struct tpmix_config cfg = bench_config(&b);

	cfg.backend = &backend;
	tpmix_init(&b.e, &cfg);
	tpmix_write(&b.e, 0x0000, 0x02, 1);
	tpmix_write(&b.e, 0x0100, 0x01800000, 4);
	g_assert_true(tpmix_valid(&b.e));
	g_assert_cmphex(b.ram_cmd[3], ==, 0x01);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/absent/tpm/tis", GUINT_TO_POINTER(0), no_tpm);
	g_test_add_data_func("/absent/tpm/crb", GUINT_TO_POINTER(1), no_tpm);
	g_test_add_data_func("/absent/ram/tis", GUINT_TO_POINTER(0), no_ram);
	g_test_add_data_func("/absent/ram/crb", GUINT_TO_POINTER(1), no_ram);
	g_test_add_func("/absent/base", base);
	g_test_add_func("/absent/offsets", unknown_offsets);
	g_test_add_func("/absent/changed", changed_is_optional);
	return g_test_run();
}
