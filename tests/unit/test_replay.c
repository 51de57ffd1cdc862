/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The property, R1 to R7 of docs/specification.md, on transactions and on random walks.
 * The FIFO is the control group: its test demands the fault of 2011.
 */
#include "walk.h"

#define STEPS 20000

enum { TIS = 0, CRB = 1, COMPLETION = 2 };

static void init(struct bench *b, unsigned int machine)
{
	if (machine & CRB) {
		bench_init_crb(b, 4096);
	} else {
		bench_init(b, TPMIX_FAMILY_2_0, 4096);
	}
}

/* R1: reads change nothing; the invariant holds after every access. */
static void walk_reads(gconstpointer data)
{
	unsigned int machine = GPOINTER_TO_UINT(data);
	g_autoptr(GRand) r = g_rand_new_with_seed(1);
	struct walk w = { .r = r };
	struct bench b, before;
	unsigned int i, as_crb = 0;

	init(&b, machine);
	for (i = 0; i < STEPS; i++) {
		struct access a = next_access(&w, &b);

		as_crb += b.e.s.interface == TPMIX_INTERFACE_CRB;
		tpmix_write(&b.e, a.addr, a.val, a.size);
		g_assert_true(tpmix_valid(&b.e));
		if (i % 8 == 0) {
			check_ram(&b);
		}
		maybe_complete(&b, r);
		if (wants_reset(&w, &b)) {
			walk_reset(&w, &b);
		}
		a = noise(r, &b);
		if (!tpmix_is_fifo(&b.e, a.addr, a.size)) {
			bench_clone(&before, &b);
			tpmix_mmio_read(&b.e, a.addr, a.size);
			g_assert_true(bench_same(&b, &before));
		}
	}
	g_assert_cmpuint(b.starts, >, 100);
	if (machine & CRB) {
		/* both interfaces had their turn */
		g_assert_cmpuint(as_crb, >, 2000);
		g_assert_cmpuint(as_crb, <, STEPS - 2000);
	}
}

/* R2: twice is once, with and without the completion in between. */
static void walk_writes(gconstpointer data)
{
	bool completion = GPOINTER_TO_UINT(data) & COMPLETION;
	g_autoptr(GRand) r = g_rand_new_with_seed(2);
	struct walk w = { .r = r };
	struct bench b, twice;
	unsigned int i, between = 0;

	init(&b, GPOINTER_TO_UINT(data));
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
		if (wants_reset(&w, &b)) {
			walk_reset(&w, &b);
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
	for (i = 1; i < 600; i++) {
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/replay/R1-reads/tis", GUINT_TO_POINTER(TIS),
			     walk_reads);
	g_test_add_data_func("/replay/R1-reads/crb", GUINT_TO_POINTER(CRB),
			     walk_reads);
	g_test_add_data_func("/replay/R2-writes/tis", GUINT_TO_POINTER(TIS),
			     walk_writes);
	g_test_add_data_func("/replay/R2-writes/crb", GUINT_TO_POINTER(CRB),
			     walk_writes);
	g_test_add_data_func("/replay/R2-writes-completion/tis",
			     GUINT_TO_POINTER(TIS | COMPLETION), walk_writes);
	g_test_add_data_func("/replay/R2-writes-completion/crb",
			     GUINT_TO_POINTER(CRB | COMPLETION), walk_writes);
	g_test_add_func("/replay/R3-doorbells", walk_doorbells);
	g_test_add_func("/replay/R4-R5-response", walk_response);
	g_test_add_func("/replay/R7-rollback", rollback);
	g_test_add_func("/replay/fifo-loses-a-byte", fifo_loses_a_byte);
	g_test_add_func("/replay/late-clear", late_clear);
	return g_test_run();
}
