/* SPDX-License-Identifier: BSD-2-Clause */
/* INTF_ID, InterfaceSelector and its lock; the crb device in FIFO mode. */
#include "bench.h"

struct machine {
	const char *name;
	bool fifo, crb;
	uint8_t interface;
	uint8_t localities;
	uint32_t id;
	uint32_t other;         /* after selecting the other one and TPM_INIT */
};

static const struct machine machines[] = {
	{ "/selector/id/default", true, true, 1, 5, 0x27911, 0x06100 },
	{ "/selector/id/fifo-first", true, true, 0, 5, 0x06100, 0x27911 },
	{ "/selector/id/one-locality", true, true, 1, 1, 0x27811, 0x06000 },
	{ "/selector/id/no-fifo", false, true, 1, 5, 0x25911, 0x25911 },
	{ "/selector/id/tpm-crb", false, true, 1, 1, 0x25811, 0x25811 },
	{ "/selector/id/tpm-tis", true, false, 0, 5, 0x02100, 0x02100 },
	{ "/selector/id/tpm-tis-one", true, false, 0, 1, 0x02000, 0x02000 },
	/* what is asked for at power on, but is not there */
	{ "/selector/id/crb-missing", true, false, 1, 5, 0x02100, 0x02100 },
	{ "/selector/id/fifo-missing", false, true, 0, 5, 0x25911, 0x25911 },
	{ "/selector/id/strange", true, true, 7, 5, 0x06100, 0x27911 },
};

static void init(struct bench *b, const struct machine *m,
		 enum tpmix_family family)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.fifo = m->fifo;
	cfg.crb = m->crb;
	cfg.interface = m->interface;
	cfg.localities = m->localities;
	bench_init_as(b, &cfg, family, 4096);
}

static void reset(struct bench *b)
{
	tpmix_reset(&b->e, TPMIX_FAMILY_2_0, 4096);
	check(b);
}

static uint32_t id(struct bench *b)
{
	uint32_t val = (uint32_t)rd(b, 0, 0x30, 4);
	unsigned int l;

	for (l = 1; l < b->e.cfg.localities; l++) {
		g_assert_cmphex(rd(b, l, 0x30, 4), ==, val);
	}
	return val;
}

static void ids(gconstpointer data)
{
	const struct machine *m = data;
	bool is_crb = m->id & 1;
	struct bench b;

	init(&b, m, TPMIX_FAMILY_2_0);
	g_assert_cmphex(id(&b), ==, m->id);
	/* LOC_STATE or ACCESS: that interface is the one that answers */
	g_assert_cmphex(rd(&b, 0, 0x00, 4), ==, 0x81);
	g_assert_cmphex(rd(&b, 0, 0x44, 4), ==, is_crb ? 0x2 : 0xFFFFFFFF);
	wr(&b, 0, 0x30, is_crb ? 0 : 0x20000, 4);
	/* reads as selected; the active one stays */
	g_assert_cmphex(id(&b), ==, m->other == m->id ? m->id :
			m->id ^ 0x20000);
	g_assert_cmphex(rd(&b, 0, 0x44, 4), ==, is_crb ? 0x2 : 0xFFFFFFFF);
	reset(&b);
	g_assert_cmphex(id(&b), ==, m->other);
	g_assert_cmphex(rd(&b, 0, 0x44, 4), ==, m->other & 1 ? 0x2 : 0xFFFFFFFF);
	/* and back */
	wr(&b, 0, 0x30, is_crb ? 0x20000 : 0, 4);
	reset(&b);
	g_assert_cmphex(id(&b), ==, m->id);
}

/* Ones, whatever was written; what a TPM 1.2 locks TPM_INIT unlocks. */
static void tpm12(void)
{
	struct bench b;
	unsigned int l;

	init(&b, &machines[5], TPMIX_FAMILY_1_2);
	for (l = 0; l < 5; l++) {
		g_assert_cmphex(rd(&b, l, 0x30, 4), ==, 0xFFFFFFFF);
		wr(&b, l, 0x30, 0x20000, 4);
		wr(&b, l, 0x30, 0x80000, 4);
		g_assert_cmphex(rd(&b, l, 0x30, 4), ==, 0xFFFFFFFF);
	}
	reset(&b);
	g_assert_cmphex(id(&b), ==, 0x02100);
}

static void select_by_any_locality(void)
{
	struct bench b;
	unsigned int l;

	for (l = 0; l < 5; l++) {
		bench_init_crb(&b, 4096);
		wr(&b, l, 0x30, 0, 4);
		g_assert_cmphex(id(&b), ==, 0x07911);
		wr(&b, l, 0x30, 0x20000, 4);
		g_assert_cmphex(id(&b), ==, 0x27911);
		/* 2 and 3 select nothing */
		wr(&b, l, 0x30, 0x40000, 4);
		wr(&b, l, 0x30, 0x60000, 4);
		g_assert_cmphex(id(&b), ==, 0x27911);
		wr(&b, l, 0x30, 0xFFF1FFFF, 4);         /* RO bits; selector 0 */
		g_assert_cmphex(id(&b), ==, 0x07911);
		wr(&b, l, 0x30, 0x60000, 4);
		g_assert_cmphex(id(&b), ==, 0x07911);
	}
}

/* Only the byte that has the selector selects, and only that with the lock locks. */
static void widths(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x30, 0, 1);
	wr(&b, 0, 0x30, 0, 2);
	wr(&b, 0, 0x31, 0, 1);
	wr(&b, 0, 0x33, 0xFF, 1);
	wr(&b, 0, 0x33, 0, 8);
	wr(&b, 0, 0x2E, 0, 4);
	g_assert_cmphex(id(&b), ==, 0x27911);
	wr(&b, 0, 0x32, 0, 1);
	g_assert_cmphex(id(&b), ==, 0x07911);
	wr(&b, 0, 0x32, 0x02, 1);
	g_assert_cmphex(id(&b), ==, 0x27911);
	wr(&b, 0, 0x32, 0, 2);
	g_assert_cmphex(id(&b), ==, 0x07911);
	wr(&b, 0, 0x2F, 0x02000000, 4);
	g_assert_cmphex(id(&b), ==, 0x27911);
	wr(&b, 0, 0x2C, 0, 8);
	g_assert_cmphex(id(&b), ==, 0x07911);
	wr(&b, 0, 0x30, 0x20000, 8);
	g_assert_cmphex(id(&b), ==, 0x27911);
	wr(&b, 0, 0x32, 0x08, 1);
	g_assert_cmphex(id(&b), ==, 0xA7911);
}

/* SeaBIOS selects, then locks with selector bits 0. */
static void lock(void)
{
	struct bench b;
	uint32_t want;
	unsigned int sel;

	for (sel = 0; sel < 2; sel++) {
		want = 0x87911 | sel << 17;
		bench_init_crb(&b, 4096);
		wr(&b, 0, 0x30, sel << 17, 4);
		wr(&b, 0, 0x30, 0x80000, 4);
		g_assert_cmphex(id(&b), ==, want);
		wr(&b, 0, 0x30, (1 - sel) << 17, 4);            /* too late */
		wr(&b, 3, 0x32, sel ? 0 : 2, 1);
		wr(&b, 0, 0x30, 0x80000 | (1 - sel) << 17, 4);
		g_assert_cmphex(id(&b), ==, want);
		reset(&b);                                      /* unlocks */
		g_assert_cmphex(id(&b), ==, sel ? 0x27911 : 0x06100);
		wr(&b, 0, 0x30, (1 - sel) << 17, 4);
		g_assert_cmphex(id(&b), ==, sel ? 0x07911 : 0x26100);
	}
}

/* The write that locks does not select, whatever its selector says. */
static void lock_and_select(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x30, 0x80000, 4);
	g_assert_cmphex(id(&b), ==, 0xA7911);
	bench_init_crb(&b, 4096);
	wr(&b, 0, 0x30, 0, 4);
	wr(&b, 0, 0x30, 0xA0000, 4);
	g_assert_cmphex(id(&b), ==, 0x87911);
	reset(&b);
	g_assert_cmphex(id(&b), ==, 0x06100);
}

/* Everything else of TPM_INIT happens as well, in either direction. */
static void init_between_interfaces(void)
{
	static const uint8_t rsp[10] = { 0x80, 0x01, 0, 0, 0, 10 };
	struct bench b;
	unsigned int i;

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	wr(&b, 0, 0x30, 0, 4);
	reset(&b);
	g_assert_false(tpmix_complete(&b.e, 1, rsp, 10, false));
	g_assert_cmphex(rd(&b, 0, 0x000, 1), ==, 0x81);
	g_assert_cmphex(rd(&b, 0, 0x008, 4), ==, 0x00000008);
	start_fifo(&b, 2);
	g_assert_cmpuint(b.starts, ==, 2);
	complete(&b, 20, 0);
	memset(b.ram_cmd, 0x11, sizeof(b.ram_cmd));
	wr(&b, 0, 0x30, 0x20000, 4);
	reset(&b);
	/* no buffer keeps anything, of any locality */
	for (i = 0; i < 4096; i++) {
		g_assert_cmphex(b.ram_cmd[i] | b.cmd[i] | b.run[i] | b.rsp[i],
				==, 0);
	}
	g_assert_cmphex(rd(&b, 0, 0x044, 4), ==, 0x2);
	g_assert_cmphex(rd(&b, 0, 0x050, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0x080, 8), ==, G_MAXUINT64);
	start_crb(&b, 0);
	g_assert_cmpuint(b.ticket, ==, 3);      /* tickets go on */
}

/* As CRB the FIFO's registers are not there, and the other way round. */
static void one_at_a_time(void)
{
	struct bench b, before;
	uint8_t cmd[12];

	make_command(cmd, 12, 12, 0);
	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	bench_clone(&before, &b);
	relinquish(&b, 0);              /* ACCESS is LOC_STATE here */
	command_ready(&b, 0);
	fifo_send(&b, 0, cmd, 12);
	go(&b, 0);
	g_assert_true(bench_same(&b, &before));
	g_assert_cmphex(rd(&b, 0, 0x014, 4), ==, 0);
	g_assert_cmphex(rd(&b, 0, 0xF00, 4), ==, 0);    /* DATA_BUFFER */
	g_assert_cmphex(rd(&b, 0, 0xF90, 4), ==, 0);
	g_assert_false(tpmix_is_fifo(&b.e, 0x024, 4));
	g_assert_false(tpmix_is_fifo(&b.e, 0x080, 8));

	init(&b, &machines[1], TPMIX_FAMILY_2_0);
	request(&b, 0);
	bench_clone(&before, &b);
	crb_ready(&b, 0);
	crb_go(&b, 0);
	g_assert_true(bench_same(&b, &before));
	g_assert_true(tpmix_is_fifo(&b.e, 0x024, 4));
	g_assert_false(tpmix_is_fifo(&b.e, 0x6024, 4));
}

/* FIFO mode: the whole FIFO door, and the indexed one in both places. */
static void fifo_mode(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), i;
	struct bench b;

	init(&b, &machines[1], TPMIX_FAMILY_2_0);
	start_fifo(&b, l);
	g_assert_cmpuint(b.starts, ==, 1);
	complete(&b, 40, 3);
	g_assert_cmphex(rd(&b, l, 0x018, 4), ==, 0x04000090 | 40 << 8);
	for (i = 0; i < 40; i += 4) {
		uint32_t want = (uint32_t)rd(&b, l, 0x100 + i, 4);

		g_assert_cmphex(ext(&b, l, 0x100 + i), ==, want);
		g_assert_cmphex(rd(&b, l, 0x024, 4), ==, want);
	}
	g_assert_cmphex(rd(&b, l, 0xFD8, 8), ==, 40ull << 32 | 1);
	g_assert_cmphex(rd(&b, 6 + l, 0xFD8, 8), ==, 40ull << 32 | 1);
	wr(&b, 6 + l, 0xFC0, 4, 4);
	g_assert_cmphex(rd(&b, l, 0xFC0, 4), ==, 4);
	wr(&b, l, 0xFCC, 2, 4);
	wr(&b, 6 + l, 0xFCC, 2, 4);     /* one ticket in both places */
	g_assert_cmpuint(b.starts, ==, 2);
	g_assert_cmpuint(b.guest_errors, ==, 0);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(machines); i++) {
		g_test_add_data_func(machines[i].name, &machines[i], ids);
	}
	g_test_add_func("/selector/tpm12", tpm12);
	g_test_add_func("/selector/any-locality", select_by_any_locality);
	g_test_add_func("/selector/widths", widths);
	g_test_add_func("/selector/lock", lock);
	g_test_add_func("/selector/lock-and-select", lock_and_select);
	g_test_add_func("/selector/init-between", init_between_interfaces);
	g_test_add_func("/selector/one-at-a-time", one_at_a_time);
	g_test_add_data_func("/selector/fifo-mode/0", GUINT_TO_POINTER(0), fifo_mode);
	g_test_add_data_func("/selector/fifo-mode/4", GUINT_TO_POINTER(4), fifo_mode);
	return g_test_run();
}
