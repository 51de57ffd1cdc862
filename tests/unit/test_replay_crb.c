/* SPDX-License-Identifier: BSD-2-Clause */
/* R3 to R7 on the CRB door and the windows in RAM: walks, rollback. */
#include "walk.h"

/* R4, R5: until the next acceptance nothing takes or changes the response. */
static void walk_response(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), i, k, kept = 0;
	g_autoptr(GRand) r = g_rand_new_with_seed(4);
	struct bench b;
	uint8_t want[100];

	for (k = 0; k < 200; k++) {
		bench_init_crb(&b, 4096);
		start_crb(&b, l);
		complete(&b, 100, (uint8_t)k);
		memcpy(want, b.rsp, 100);
		for (i = 0; i < 100 && b.e.s.accepted == 1; i++) {
			struct access a = noise(r, &b);

			tpmix_write(&b.e, a.addr, a.val, a.size);
			tpmix_mmio_read(&b.e, a.addr, a.size);
		}
		if (b.e.s.accepted != 1) {
			continue;
		}
		kept++;
		for (i = 0; i < 10; i++) {
			crb_relinquish(&b, i % 5);
		}
		crb_request(&b, l);
		wr(&b, 6 + l, 0xFC0, 0, 4);
		for (i = 0; i < 100; i++) {
			g_assert_cmphex(tpmix_read(&b.e, l << 12 | (0x80 + i), 1),
					==, want[i]);
			g_assert_cmphex(tpmix_read(&b.e, (6 + l) << 12 |
						   (0x100 + i), 1), ==, want[i]);
			g_assert_cmphex(b.ram_rsp[i], ==, l == 0 ? want[i] : 0xFF);
		}
	}
	g_assert_cmpuint(kept, >, 20);
}

/* R3: a doorbell through the extension page, and STARTs between. */
static void late_doorbells(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	struct bench b;
	uint32_t old;
	unsigned int i;

	bench_init_crb(&b, 4096);
	for (i = 1; i < 200; i++) {
		start_crb(&b, 0);
		g_assert_cmpuint(b.starts, ==, i);
		old = (uint32_t)g_rand_int_range(r, 0, (int)i + 1);
		wr(&b, 6, 0xFCC, old, 4);
		complete(&b, 20, 0);
		wr(&b, 6, 0xFCC, old, 4);
		crb_ready(&b, 0);
		wr(&b, 6, 0xFCC, old, 4);
		g_assert_cmpuint(b.starts, ==, i);
	}
}

/* R6: a byte lost on its way to the window is refused, then repaired. */
static void checksum(gconstpointer data)
{
	enum way way = (enum way)GPOINTER_TO_UINT(data);
	struct bench b;
	unsigned int i, k;

	for (i = 0; i < 44; i++) {
		struct script s = crb_writes(way, 0, 1, 0x3C);

		bench_init_crb(&b, 4096);
		for (k = 0; k < s.n; k++) {
			if (k == s.n - 1) {
				b.ram_cmd[i] ^= 0x10;
			}
			tpmix_write(&b.e, s.w[k].addr, s.w[k].val, s.w[k].size);
		}
		check(&b);
		g_assert_cmpuint(b.starts, ==, 0);
		g_assert_cmphex(ext(&b, 0, 0xFD0), ==, 0);
		g_assert_cmphex(ext(&b, 0, 0xFD4) >> 8, ==, 3);
		for (k = 0; k < s.n; k++) {
			tpmix_write(&b.e, s.w[k].addr, s.w[k].val, s.w[k].size);
		}
		g_assert_cmpuint(b.starts, ==, 1);
		g_assert_cmpuint(b.last_len, ==, 44);
	}
}

/* A transaction before it, released: what stands behind is old. */
static void rollback_machine(struct bench *b, unsigned int l)
{
	bench_init_crb(b, 4096);
	start_crb(b, l);
	complete(b, 99, 1);
	crb_relinquish(b, l);
}

static void run(struct bench *b, const struct script *s, unsigned int from,
		unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		tpmix_write(&b->e, s->w[i].addr, s->w[i].val, s->w[i].size);
	}
}

static void finish(struct bench *b)
{
	if (b->e.s.running != 0xFF) {
		complete(b, 77, 0x42);
	}
	check(b);
}

static void check_response(struct bench *b, unsigned int l)
{
	unsigned int i;

	g_assert_cmphex(rd(b, 6 + l, 0xFD8, 8), ==, 77ull << 32 | 2);
	for (i = 6; i < 77; i++) {
		g_assert_cmphex(tpmix_read(&b->e, l << 12 | (0x80 + i), 1), ==,
				(i + 0x42) & 0xFF);
		g_assert_cmphex(b->ram_rsp[i], ==,
				l == 0 ? (i + 0x42) & 0xFF : 0xFF);
	}
	g_assert_cmphex(ext(b, l, 0xFE0) >> 16, ==, tpmix_crc16(b->rsp, 77));
}

/*
 * R7: the guest goes back from any point of its transaction to any earlier one, once
 * before the completion and once after it, and runs on: the doorbell's ticket.
 */
static void rollback(gconstpointer data)
{
	enum way way = (enum way)(GPOINTER_TO_UINT(data) & 3);
	unsigned int l = GPOINTER_TO_UINT(data) >> 2;
	struct script s = crb_writes(way, l, 2, 0x6B);
	struct bench b;
	unsigned int from, to;

	/* n: all written; n + 1: and completed; n + 2: and relinquished */
	for (to = 0; to <= s.n + 2; to++) {
		for (from = 0; from <= MIN(to, s.n); from++) {
			rollback_machine(&b, l);
			run(&b, &s, 0, MIN(to, s.n));
			if (to > s.n) {
				finish(&b);
			}
			if (to == s.n + 2) {
				crb_relinquish(&b, l);
				if (from > 0) {
					continue; /* no request to redo */
				}
			}
			run(&b, &s, from, s.n);
			finish(&b);
			g_assert_cmpuint(b.starts, ==, 2);
			g_assert_cmpuint(b.last_len, ==, 44);
			g_assert_cmphex(b.last_cmd[43], ==, 0x6B);
			check_response(&b, l);
		}
	}
}

/*
 * START has no ticket. Rolled back behind what arms it, the run of writes is a new
 * command, on every CRB; not so the START alone.
 */
static void start_has_no_ticket(gconstpointer data)
{
	enum way way = (enum way)GPOINTER_TO_UINT(data);
	struct script s = crb_writes(way, 0, 2, 0x6B);
	struct bench b;

	rollback_machine(&b, 0);
	run(&b, &s, 0, s.n);
	finish(&b);
	run(&b, &s, s.n - 1, s.n);
	g_assert_cmpuint(b.starts, ==, 2);
	check_response(&b, 0);
	run(&b, &s, 0, s.n);
	g_assert_cmpuint(b.starts, ==, 3);
	finish(&b);
	g_assert_cmphex(ext(&b, 0, 0xFD8), ==, 3);
	/* while the command runs all of it is the same command */
	rollback_machine(&b, 0);
	run(&b, &s, 0, s.n);
	run(&b, &s, 0, s.n);
	run(&b, &s, 0, s.n);
	finish(&b);
	g_assert_cmpuint(b.starts, ==, 2);
	check_response(&b, 0);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; unsigned int l, way; } t[] = {
		{ "/replay-crb/R7-rollback/window/0", 0, WAY_WINDOW },
		{ "/replay-crb/R7-rollback/window/3", 3, WAY_WINDOW },
		{ "/replay-crb/R7-rollback/ram", 0, WAY_RAM },
	};
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/replay-crb/R4-R5-response/0", GUINT_TO_POINTER(0),
			     walk_response);
	g_test_add_data_func("/replay-crb/R4-R5-response/2", GUINT_TO_POINTER(2),
			     walk_response);
	g_test_add_func("/replay-crb/R3-doorbells", late_doorbells);
	g_test_add_data_func("/replay-crb/R6-checksum/window",
			     GUINT_TO_POINTER(WAY_WINDOW), checksum);
	g_test_add_data_func("/replay-crb/R6-checksum/ram",
			     GUINT_TO_POINTER(WAY_RAM), checksum);
	for (i = 0; i < G_N_ELEMENTS(t); i++) {
		g_test_add_data_func(t[i].name, GUINT_TO_POINTER(t[i].l << 2 |
								 t[i].way),
				     rollback);
	}
	g_test_add_data_func("/replay-crb/start-has-no-ticket/buffer",
			     GUINT_TO_POINTER(WAY_BUFFER), start_has_no_ticket);
	g_test_add_data_func("/replay-crb/start-has-no-ticket/ram",
			     GUINT_TO_POINTER(WAY_RAM_START), start_has_no_ticket);
	return g_test_run();
}
