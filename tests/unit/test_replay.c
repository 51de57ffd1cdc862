/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The property, R1 to R7 of interface.md 2, on transactions and on random walks.
 * The FIFO is the control group: its test demands the fault of 2011.
 */
#include "bench.h"

#define STEPS 20000

static const uint32_t offsets[] = {
	0x000, 0x008, 0x00C, 0x010, 0x014, 0x018, 0x01A, 0x01B, 0x024, 0x030,
	0x080, 0x0BC, 0x0FE, 0x100, 0x101, 0x105, 0x108, 0xEF8, 0xEFF, 0xF00,
	0xF90, 0xFBC, 0xFC0, 0xFC4, 0xFC8, 0xFCC, 0xFD0, 0xFD4, 0xFD8, 0xFE0,
	0xFE4, 0xFFC,
};

struct access {
	uint32_t addr;
	unsigned int size;
	uint64_t val;
};

/* The driver's transaction as a list of accesses. */
struct script {
	struct access w[64];
	unsigned int n;
};

static void add(struct script *s, uint32_t addr, unsigned int size, uint64_t val)
{
	g_assert_cmpuint(s->n, <, G_N_ELEMENTS(s->w));
	s->w[s->n++] = (struct access) { addr, size, val };
}

static struct script driver_writes(unsigned int l, uint32_t ticket, uint8_t fill)
{
	struct script s = { .n = 0 };
	uint8_t cmd[48];
	uint64_t val;
	uint32_t i;

	make_command(cmd, 44, sizeof(cmd), fill);
	add(&s, l << 12 | 0x000, 1, 0x02);
	add(&s, l << 12 | 0xFC0, 4, 0);
	for (i = 0; i < 40; i += 8) {
		memcpy(&val, cmd + i, 8);
		add(&s, l << 12 | (0x100 + i), 8, val);
	}
	val = 0;
	memcpy(&val, cmd + 40, 4);
	add(&s, l << 12 | 0x128, 4, val);
	add(&s, l << 12 | 0xFC8, 8, (uint64_t)ticket << 32 | 0x10000 |
				    tpmix_crc16(cmd, 44));
	return s;
}

/* A guest that makes sense half of the time: transactions and noise, mixed. */
struct walk {
	GRand *r;
	struct script s;
	unsigned int pos;
};

static struct access noise(GRand *r, const struct bench *b)
{
	static const uint32_t bits[] = {
		0x02, 0x20, 0x08, 0x10, 0x40, 0x01000000, 0x02000000, 0x80000087,
		0x03, 0x04, 0x22, 0, 0x0A000000, 0x0C000000, 0x180,
	};
	struct access a;
	uint32_t l = g_rand_int_range(r, 0, 10);

	a.addr = (l < 5 ? l : 0) << 12 |
		 offsets[g_rand_int_range(r, 0, G_N_ELEMENTS(offsets))];
	a.size = 1u << g_rand_int_range(r, 0, 4);
	switch (g_rand_int_range(r, 0, 4)) {
	case 0:
		a.val = b->e.s.accepted + (uint32_t)g_rand_int_range(r, -1, 3);
		break;
	case 1:
		a.val = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
		break;
	default:
		a.val = bits[g_rand_int_range(r, 0, G_N_ELEMENTS(bits))];
		break;
	}
	return a;
}

static struct access next_access(struct walk *w, const struct bench *b)
{
	struct access a;

	if (g_rand_int_range(w->r, 0, 8) == 0) {
		a = noise(w->r, b);
	} else {
		if (w->pos == w->s.n) {
			unsigned int l = g_rand_int_range(w->r, 0, 5);

			w->s = driver_writes(l, b->e.s.accepted + 1,
					     (uint8_t)l);
			add(&w->s, l << 12, 1, 0x20);
			w->pos = 0;
		}
		a = w->s.w[w->pos++];
	}
	if (a.size < 8) {
		a.val &= (1ull << (a.size * 8)) - 1;
	}
	return a;
}

static void maybe_complete(struct bench *b, GRand *r)
{
	if (b->e.s.running != 0xFF && g_rand_int_range(r, 0, 4) == 0) {
		complete(b, (uint32_t)g_rand_int_range(r, 10, 300),
			 (uint8_t)g_rand_int(r));
	}
}

/* R1: reads change nothing; the invariant holds after every access. */
static void walk_reads(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(1);
	struct walk w = { .r = r };
	struct bench b, before;
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	for (i = 0; i < STEPS; i++) {
		struct access a = next_access(&w, &b);

		tpmix_write(&b.e, a.addr, a.val, a.size);
		g_assert_true(tpmix_valid(&b.e));
		maybe_complete(&b, r);
		a = noise(r, &b);
		if (!tpmix_is_fifo(&b.e, a.addr, a.size)) {
			bench_clone(&before, &b);
			tpmix_mmio_read(&b.e, a.addr, a.size);
			g_assert_true(bench_same(&b, &before));
		}
	}
	g_assert_cmpuint(b.starts, >, 100);
}

/* R2: twice is once, with and without the completion in between. */
static void walk_writes(gconstpointer data)
{
	bool completion = GPOINTER_TO_UINT(data);
	g_autoptr(GRand) r = g_rand_new_with_seed(2);
	struct walk w = { .r = r };
	struct bench b, twice;
	unsigned int i, between = 0;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	for (i = 0; i < STEPS; i++) {
		struct access a = next_access(&w, &b);

		bench_clone(&twice, &b);
		tpmix_write(&b.e, a.addr, a.val, a.size);
		tpmix_write(&twice.e, a.addr, a.val, a.size);
		if (completion && b.e.s.running != 0xFF) {
			complete(&b, 50, (uint8_t)i);
			complete(&twice, 50, (uint8_t)i);
			between++;
		}
		tpmix_write(&twice.e, a.addr, a.val, a.size);
		if (!tpmix_is_fifo(&b.e, a.addr, a.size)) {
			g_assert_true(bench_same(&b, &twice));
		}
		if (!completion) {
			maybe_complete(&b, r);
		}
	}
	g_assert_cmpuint(b.starts, >, 100);
	g_assert_true(!completion || between > 100);
}

/* R3: however late and often a doorbell is repeated, its command ran once. */
static void walk_doorbells(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	struct bench b;
	unsigned int i, starts;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	for (i = 1; i < 2000; i++) {
		start_indexed(&b, 0);
		g_assert_cmpuint(b.starts, ==, i);
		starts = b.starts;
		wr(&b, 0, 0xFCC, (uint32_t)g_rand_int_range(r, 0, (int)i + 1), 4);
		complete(&b, 20, 0);
		wr(&b, 0, 0xFCC, (uint32_t)g_rand_int_range(r, 0, (int)i + 1), 4);
		g_assert_cmpuint(b.starts, ==, starts);
	}
}

/* R4, R5: until the next acceptance nothing takes or changes the response. */
static void walk_response(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(4);
	struct bench b;
	uint8_t want[100];
	unsigned int i, k;

	for (k = 0; k < 200; k++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		start_indexed(&b, 0);
		complete(&b, 100, (uint8_t)k);
		memcpy(want, b.rsp, 100);
		for (i = 0; i < 100; i++) {
			struct access a = noise(r, &b);

			tpmix_write(&b.e, a.addr, a.val, a.size);
			tpmix_mmio_read(&b.e, a.addr, a.size);
			if (b.e.s.accepted != 1) {
				break;
			}
		}
		if (b.e.s.accepted != 1) {
			continue;
		}
		for (i = 0; i < 5; i++) {
			relinquish(&b, i);
		}
		for (i = 0; i < 5; i++) {
			relinquish(&b, i);
		}
		request(&b, 0);
		wr(&b, 0, 0xFC0, 0, 4);
		for (i = 0; i < 100; i++) {
			g_assert_cmphex(rd(&b, 0, 0x100 + i, 1), ==, want[i]);
		}
	}
}

static void run_writes(struct bench *b, const struct script *s,
		       unsigned int from, uint8_t fill)
{
	unsigned int i;

	for (i = from; i < s->n; i++) {
		tpmix_write(&b->e, s->w[i].addr, s->w[i].val, s->w[i].size);
	}
	if (b->e.s.running != 0xFF) {
		complete(b, 77, fill);
	}
}

static void check_response(struct bench *b, uint32_t ticket, const uint8_t *want)
{
	uint32_t i;

	g_assert_cmphex(rd(b, 0, 0xFD8, 8), ==, 77ull << 32 | ticket);
	wr(b, 0, 0xFC0, 0, 4);
	for (i = 0; i < 77; i++) {
		g_assert_cmphex(rd(b, 0, 0x100 + i, 1), ==, want[i]);
	}
	g_assert_cmphex(rd(b, 0, 0xFE0, 4) >> 16, ==, tpmix_crc16(want, 77));
}

/*
 * R7: the guest, alone, goes back from any point of its transaction to any
 * earlier one and runs on.
 */
static void rollback(void)
{
	struct script s = driver_writes(0, 2, 0x6B);
	struct bench b;
	uint8_t want[77];
	unsigned int from, to, i;

	for (to = 0; to <= s.n + 1; to++) {
		for (from = 0; from <= MIN(to, s.n); from++) {
			bench_init(&b, TPMIX_FAMILY_2_0, 4096);
			start_indexed(&b, 0);
			complete(&b, 99, 1);
			relinquish(&b, 0);
			for (i = 0; i < MIN(to, s.n); i++) {
				tpmix_write(&b.e, s.w[i].addr, s.w[i].val,
					    s.w[i].size);
			}
			if (to >= s.n) {
				complete(&b, 77, 0x42);
			}
			if (to == s.n + 1) {
				relinquish(&b, 0);
				if (from > 0) {
					continue; /* no request to redo */
				}
			}
			run_writes(&b, &s, from, 0x42);
			g_assert_cmpuint(b.starts, ==, 2);
			g_assert_cmpuint(b.last_len, ==, 44);
			memcpy(want, b.rsp, 77);
			g_assert_cmphex(want[76], ==, (76 + 0x42) & 0xFF);
			check_response(&b, 2, want);
		}
	}
}

/* The 2011 fault, and that the same repetition leaves the window alone. */
static void fifo_loses_a_byte(void)
{
	struct bench b;
	uint8_t got[62];
	uint32_t i, k;

	for (k = 0; k < 62; k++) {
		bench_init(&b, TPMIX_FAMILY_2_0, 4096);
		start_fifo(&b, 0);
		complete(&b, 62, 0x10);
		for (i = 0; i < 62; i++) {
			if (i == k) {
				rd(&b, 0, 0x024, 1);
			}
			got[i] = (uint8_t)rd(&b, 0, 0x024, 1);
		}
		g_assert_cmpint(memcmp(got, b.rsp, 62), !=, 0);
		for (i = 0; i < 62; i++) {
			rd(&b, 0, 0x100 + i, 1);
			got[i] = (uint8_t)rd(&b, 0, 0x100 + i, 1);
		}
		g_assert_cmpmem(got, 62, b.rsp, 62);
	}
}

/* A write that clears, delayed over the completion, clears nothing new. */
static void late_clear(void)
{
	struct bench b;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	wr(&b, 0, 0x008, 0x80000087, 4);
	start_indexed(&b, 0);
	wr(&b, 0, 0x010, 0x87, 4);
	complete(&b, 10, 0);
	wr(&b, 0, 0x010, 0x87, 4);
	g_assert_cmphex(rd(&b, 0, 0x010, 4), ==, 0x03);
	wr(&b, 0, 0x010, 0x03, 4);      /* the handler's own */
	g_assert_false(tpmix_irq(&b.e));
}

/* tpmix_valid() refuses what no sequence of accesses reaches. */
static void invalid_states(void)
{
	struct bench b, c;
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	complete(&b, 50, 0);
	for (i = 0; i < 26; i++) {
		bench_clone(&c, &b);
		switch (i) {
		case 0: c.e.s.loc[0].state = 5; break;
		case 1: c.e.s.loc[1].state = TPMIX_EXECUTION; break;
		case 2: c.e.s.loc[1].state = TPMIX_COMPLETION; break;
		case 3: c.e.s.loc[1].state = TPMIX_RECEPTION; break;
		case 4: c.e.s.loc[0].access = 0x01; break;
		case 5: c.e.s.loc[0].access = 0x02; break;
		case 6: c.e.s.loc[3].access = 0x08; break;
		case 7: c.e.s.loc[0].refused = 6; break;
		case 8: c.e.s.loc[0].int_status = 0x08; break;
		case 9: c.e.s.loc[0].int_enable = 0x100; break;
		case 10: c.e.s.loc[0].csum_expect = 0x20000; break;
		case 11: c.e.s.last.size = 9; break;
		case 12: c.e.s.last = (struct tpmix_last_write)
				{ .val = 0x100, .size = 1 }; break;
		case 13: c.e.s.fifo_len = 4097; break;
		case 14: c.e.s.rsp_len = 4097; break;
		case 15: c.e.s.rsp_pos = 51; break;
		case 16: c.e.s.family = 3; break;
		case 17: c.e.s.active = 5; break;
		case 18: c.e.s.next = 2; break;
		case 19: c.e.s.running = 0; break;
		case 20: c.e.s.abort = 1; break;
		case 21: c.e.s.cmd_owner = 1; break;
		case 22: c.e.s.rsp_owner = 0xFF; break;
		case 23: c.e.s.rsp_len = 9; c.e.s.rsp_pos = 0; break;
		case 24: c.e.s.bufsize = 8192; break;
		default: c.e.s.established = 2; break;
		}
		g_assert_true(tpmix_valid(&b.e));
		g_test_message("state %u", i);
		g_assert_false(tpmix_valid(&c.e));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/replay/R1-reads", walk_reads);
	g_test_add_data_func("/replay/R2-writes", GUINT_TO_POINTER(0),
			     walk_writes);
	g_test_add_data_func("/replay/R2-writes-completion",
			     GUINT_TO_POINTER(1), walk_writes);
	g_test_add_func("/replay/R3-doorbells", walk_doorbells);
	g_test_add_func("/replay/R4-R5-response", walk_response);
	g_test_add_func("/replay/R7-rollback", rollback);
	g_test_add_func("/replay/fifo-loses-a-byte", fifo_loses_a_byte);
	g_test_add_func("/replay/late-clear", late_clear);
	g_test_add_func("/replay/invalid-states", invalid_states);
	return g_test_run();
}
