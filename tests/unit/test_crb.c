/* SPDX-License-Identifier: BSD-2-Clause */
/* CRB door, the map: every register's offset, reset value, access and width. */
#include "bench.h"

struct reg {
	uint32_t off;
	unsigned int width;
	uint64_t val;
};

/* After reset, in every locality. */
static const struct reg regs[] = {
	{ 0x00, 4, 0x81 },       /* LOC_STATE: tpmEstablished, tpmRegValidSts */
	{ 0x04, 4, 0 },
	{ 0x08, 4, 0 },          /* LOC_CTRL */
	{ 0x0C, 4, 0 },          /* LOC_STS */
	{ 0x10, 8, 0 },          /* reserved */
	{ 0x18, 8, 0 },
	{ 0x20, 8, 0 },
	{ 0x28, 8, 0 },
	{ 0x30, 4, 0x00027911 }, /* INTF_ID */
	{ 0x34, 4, 0x00001014 }, /* INTF_ID2 */
	{ 0x30, 8, 0x0000101400027911 },
	{ 0x38, 8, 0 },
	{ 0x40, 4, 0 },          /* CTRL_REQ */
	{ 0x44, 4, 0x2 },        /* CTRL_STS: tpmIdle */
	{ 0x48, 4, 0 },          /* CTRL_CANCEL */
	{ 0x4C, 4, 0 },          /* CTRL_START */
	{ 0x50, 4, 0 },          /* INT_ENABLE */
	{ 0x54, 4, 0 },          /* INT_STS */
	{ 0x60, 4, 0 },          /* CTRL_CMD_HADDR */
	{ 0x6C, 4, 0 },          /* CTRL_RSP_ADDR, upper half */
	{ 0x70, 8, 0 },
	{ 0x78, 8, 0 },
	{ 0x80, 8, G_MAXUINT64 }, /* DATA_BUFFER */
	{ 0xFF8, 8, G_MAXUINT64 },
};

static void reset_values(void)
{
	struct bench b;
	unsigned int l, i;

	bench_init_crb(&b, 4096);
	for (l = 0; l < 5; l++) {
		for (i = 0; i < G_N_ELEMENTS(regs); i++) {
			g_assert_cmphex(rd(&b, l, regs[i].off, regs[i].width),
					==, regs[i].val);
		}
	}
}

/* Size and address of the buffers: RAM for locality 0, +0x80 for the others. */
static void buffer_registers(void)
{
	static const struct { uint32_t bufsize, size0, size; } t[] = {
		{ 4096, 4096, 3968 }, { 3969, 3969, 3968 }, { 3968, 3968, 3968 },
		{ 3967, 3967, 3967 }, { 2048, 2048, 2048 }, { 10, 10, 10 },
	};
	struct bench b;
	unsigned int i, l;

	for (i = 0; i < G_N_ELEMENTS(t); i++) {
		bench_init_crb(&b, t[i].bufsize);
		g_assert_cmphex(rd(&b, 0, 0x58, 4), ==, t[i].size0);
		g_assert_cmphex(rd(&b, 0, 0x64, 4), ==, t[i].size0);
		g_assert_cmphex(rd(&b, 0, 0x5C, 8), ==, 0xFED50000);
		g_assert_cmphex(rd(&b, 0, 0x68, 8), ==, 0xFED60000);
		for (l = 1; l < 5; l++) {
			uint32_t at = 0xFED40080 + l * 0x1000;

			g_assert_cmphex(rd(&b, l, 0x58, 4), ==, t[i].size);
			g_assert_cmphex(rd(&b, l, 0x5C, 8), ==, at);
			g_assert_cmphex(rd(&b, l, 0x64, 4), ==, t[i].size);
			g_assert_cmphex(rd(&b, l, 0x68, 8), ==, at);
		}
	}
}

/* What differs once locality l is active. */
static void active_values(void)
{
	struct bench b;
	unsigned int l, k, i;

	for (l = 0; l < 5; l++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, l);
		for (k = 0; k < 5; k++) {
			g_assert_cmphex(rd(&b, k, 0x00, 4), ==, 0x83 | l << 2);
			g_assert_cmphex(rd(&b, k, 0x0C, 4), ==, k == l);
			for (i = 0; i < G_N_ELEMENTS(regs); i++) {
				bool buffer = regs[i].off >= 0x80;

				if (regs[i].off == 0x00 || regs[i].off == 0x0C) {
					continue;
				}
				g_assert_cmphex(rd(&b, k, regs[i].off,
						   regs[i].width), ==,
						buffer && k == l ? 0 :
						regs[i].val);
			}
		}
	}
}

/* A read of any width at any offset is the bytes that byte reads give. */
static void every_width(gconstpointer data)
{
	static const struct { uint32_t from, to; } at[] = {
		{ 0x0000, 0xB010 }, { 0xEFF0, 0x10010 }, { 0x10FF0, 0x11010 },
		{ 0x1FFF0, 0x20040 }, { 0x20FF0, 0x21010 }, { 0x2FFF0, 0x30010 },
	};
	unsigned int l = GPOINTER_TO_UINT(data), n, i, k;
	struct bench b, before;
	uint32_t addr;

	bench_init_crb(&b, 4096);
	start_crb(&b, l);
	complete(&b, 300, 7);
	memset(b.ram_cmd, 0xC5, sizeof(b.ram_cmd));
	bench_clone(&before, &b);
	for (k = 0; k < G_N_ELEMENTS(at); k++) {
		for (addr = at[k].from; addr < at[k].to; addr++) {
			for (n = 2; n <= 8; n++) {
				uint64_t want = 0;

				for (i = 0; i < n; i++) {
					want |= tpmix_read(&b.e, addr + i, 1) <<
						(i * 8);
				}
				g_assert_cmphex(tpmix_mmio_read(&b.e, addr, n),
						==, want);
			}
		}
	}
	g_assert_true(bench_same(&b, &before));
}

/* What is not there: ones, and writes do nothing. */
static void one_locality(void)
{
	static const uint32_t gone[] = {
		0x1000, 0x1FFF, 0x4000, 0x4FFF, 0x5000, 0x5FFF, 0x7000, 0x7F90,
		0xA000, 0xAFFF, 0xB000, 0xEFFF,
	};
	struct bench b, before;
	struct tpmix_config cfg = bench_config(&b);
	unsigned int i;

	cfg.crb = true;
	cfg.interface = TPMIX_INTERFACE_CRB;
	cfg.localities = 1;
	bench_init_as(&b, &cfg, TPMIX_FAMILY_2_0, 4096);
	g_assert_cmphex(rd(&b, 0, 0x30, 4), ==, 0x00027811);
	crb_request(&b, 0);
	bench_clone(&before, &b);
	for (i = 0; i < G_N_ELEMENTS(gone); i++) {
		g_assert_cmphex(tpmix_read(&b.e, gone[i], 1), ==, 0xFF);
		tpmix_write(&b.e, gone[i], 0xFF, 1);
		check(&b);
		g_assert_true(bench_same(&b, &before));
	}
	/* neither request, seize nor doorbell of a locality that is not there */
	for (i = 1; i < 5; i++) {
		crb_request(&b, i);
		crb_seize(&b, i);
		wr(&b, 6 + i, 0xFCC, 1, 4);
		g_assert_cmphex(rd(&b, i, 0x00, 8), ==, G_MAXUINT64);
	}
	g_assert_true(bench_same(&b, &before));
	start_crb(&b, 0);
	g_assert_cmpuint(b.starts, ==, 1);
	complete(&b, 20, 1);
	g_assert_cmphex(ext(&b, 0, 0xFDC), ==, 20);
}

static const uint32_t read_only_at[] = {
	0x00, 0x04, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C, 0x34,
	0x38, 0x3C, 0x44, 0x58, 0x5C, 0x60, 0x64, 0x68, 0x6C, 0x70, 0x74, 0x78,
	0x7C,
};

/* 0x58 to 0x6F is what edk2 writes. */
static void read_only(void)
{
	struct bench b, before;
	unsigned int l, i, n, o;

	for (l = 0; l < 5; l++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, l);
		bench_clone(&before, &b);
		for (i = 0; i < G_N_ELEMENTS(read_only_at); i++) {
			for (n = 1; n <= 4; n++) {
				for (o = 0; o + n <= 4; o++) {
					wr(&b, l, read_only_at[i] + o,
					   0xFFFFFFFF, n);
				}
			}
		}
		wr(&b, l, 0x58, 0x1122334455667788, 8);
		wr(&b, l, 0x60, 0x1122334455667788, 8);
		wr(&b, l, 0x68, 0x1122334455667788, 8);
		g_assert_true(bench_same(&b, &before));
	}
}

/* Writing 0 to the whole page's registers, in any width, asks for nothing. */
static void zero_is_no_wish(void)
{
	struct bench b, before;
	uint32_t off;
	unsigned int n;

	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	bench_clone(&before, &b);
	for (off = 0; off < 0x78; off++) {
		for (n = 1; n <= 8; n++) {
			/* 0 selects FIFO */
			if (off <= 0x32 && off + n > 0x32) {
				continue;
			}
			wr(&b, 0, off, 0, n);
		}
	}
	g_assert_true(bench_same(&b, &before));
}

/* Only LOC_CTRL, INTF_ID and the two of interrupts hear an inactive locality. */
static void inactive_writes(void)
{
	struct bench b, before;
	unsigned int l;
	uint32_t off;

	bench_init_crb(&b, 4096);
	start_crb(&b, 2);
	complete(&b, 3000, 1);
	wr(&b, 2, 0x00, 0, 4);  /* the last write is not the START */
	bench_clone(&before, &b);
	for (l = 0; l < 5; l++) {
		if (l == 2) {
			continue;
		}
		for (off = 0; off < 0x1000; off += off < 0x80 ? 4 : 64) {
			if (off != 0x08 && off != 0x30 && off != 0x50 &&
			    off != 0x54) {
				wr(&b, l, off, 0xFFFFFFFF, 4);
			}
		}
		g_assert_true(bench_same(&b, &before));
		for (off = 0x80; off < 0x1000; off += 8) {
			g_assert_cmphex(tpmix_read(&b.e, l << 12 | off, 8), ==,
					G_MAXUINT64);
		}
		g_assert_cmphex(rd(&b, l, 0x44, 4), ==, 0x2);
	}
	g_assert_cmphex(rd(&b, 2, 0x44, 4), ==, 0);
}

struct wish {
	const char *name;
	uint32_t off, val;
	unsigned int before;    /* 0: inactive, 1: active, 2: running */
};

static const struct wish wishes[] = {
	{ "/crb/width/requestAccess", 0x08, 0x01, 0 },
	{ "/crb/width/relinquish", 0x08, 0x02, 1 },
	{ "/crb/width/seize", 0x08, 0x04, 0 },
	{ "/crb/width/resetEstablishment", 0x08, 0x08, 1 },
	{ "/crb/width/cmdReady", 0x40, 0x01, 1 },
	{ "/crb/width/goIdle", 0x40, 0x02, 1 },
	{ "/crb/width/cancel", 0x48, 0x01, 2 },
	{ "/crb/width/start", 0x4C, 0x01, 1 },
	{ "/crb/width/int-status", 0x54, 0x08, 1 },
};

static void wish_machine(struct bench *b, const struct wish *w)
{
	bench_init_crb(b, 4096);
	tpmix_set_established(&b->e, true);
	if (w->off == 0x54) {
		wr(b, 3, 0x50, 0x80000008, 4);
	}
	if (w->before == 1) {
		crb_request(b, 3);
		if (w->off == 0x40) {
			b->e.s.loc[3].state = w->val == 1 ? TPMIX_IDLE :
							    TPMIX_READY;
		}
	} else if (w->before == 2) {
		start_crb(b, 3);
	}
}

/* A wish is heard in every width and alignment that carries its byte. */
static void wish_widths(gconstpointer data)
{
	const struct wish *w = data;
	struct bench want, b, before;
	unsigned int n, k;

	wish_machine(&before, w);
	before.e.s.last = (struct tpmix_last_write) { 0 };
	wish_machine(&want, w);
	wr(&want, 3, w->off, w->val, 4);
	want.e.s.last = (struct tpmix_last_write) { 0 };
	for (n = 1; n <= 8; n++) {
		for (k = 0; k < n; k++) {
			/* INT_ENABLE keeps bytes only if they are not written. */
			if (w->off == 0x54 && k > 0) {
				continue;
			}
			wish_machine(&b, w);
			wr(&b, 3, w->off - k, (uint64_t)w->val << (k * 8), n);
			b.e.s.last = (struct tpmix_last_write) { 0 };
			g_assert_true(bench_same(&b, &want));
			g_assert_cmpuint(b.cancels, ==, want.cancels);
			g_assert_cmpuint(b.established_resets, ==,
					 want.established_resets);
		}
		/* beside it: nothing */
		wish_machine(&b, w);
		wr(&b, 3, w->off + 1, 0x010101, MIN(n, 3));
		g_assert_cmpuint(b.cancels, ==, 0);
		g_assert_cmpuint(b.established_resets, ==, 0);
		b.e.s.last = (struct tpmix_last_write) { 0 };
		g_assert_true(bench_same(&b, &before));
	}
	/* and it did something */
	g_assert_true(!bench_same(&want, &before) || want.cancels);
}

static void locality4_is_hardwares(void)
{
	struct bench b, before;

	bench_init_crb(&b, 4096);
	b.e.cfg.locality4 = false;
	bench_clone(&before, &b);
	crb_request(&b, 4);
	crb_seize(&b, 4);
	wr(&b, 10, 0xFC0, 1, 4);
	g_assert_true(bench_same(&b, &before));
	g_assert_cmpuint(b.guest_errors, ==, 3);
	g_assert_cmphex(rd(&b, 4, 0x00, 4), ==, 0x81);
	g_assert_cmphex(ext(&b, 4, 0xF90), ==, 0x58495054);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/crb/reset", reset_values);
	g_test_add_func("/crb/buffer-registers", buffer_registers);
	g_test_add_func("/crb/active", active_values);
	g_test_add_data_func("/crb/every-width/0", GUINT_TO_POINTER(0),
			     every_width);
	g_test_add_data_func("/crb/every-width/1", GUINT_TO_POINTER(1),
			     every_width);
	g_test_add_func("/crb/one-locality", one_locality);
	g_test_add_func("/crb/read-only", read_only);
	g_test_add_func("/crb/zero", zero_is_no_wish);
	g_test_add_func("/crb/inactive", inactive_writes);
	for (i = 0; i < G_N_ELEMENTS(wishes); i++) {
		g_test_add_data_func(wishes[i].name, &wishes[i], wish_widths);
	}
	g_test_add_func("/crb/locality4", locality4_is_hardwares);
	return g_test_run();
}
