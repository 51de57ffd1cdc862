/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of stores into memory that a guest polls: COMPLETED, and START, after
 * everything that they tell of. Once by a spy between ram.c and the stores, which
 * sees each; once by a thread that polls as a guest's CPU does.
 */
#include <stdatomic.h>

#include "bench.h"
#include "internal.h"

static bool spy_put_word(uint32_t *words, uint32_t at, uint32_t val);

#define tpmix_put_word spy_put_word
#define tpmix_show spied_show
#define tpmix_show_all spied_show_all
#include "ram.c"
#undef tpmix_put_word

static struct bench *spied;
static unsigned int completed_stores, start_stores;

/* All of @words but one are what they are to be. */
static void expect_others(const uint32_t *words, uint32_t addr, uint32_t num,
			  uint32_t but)
{
	uint32_t i;

	for (i = 0; i < num; i++) {
		if (i != but) {
			g_assert_cmphex(GUINT32_FROM_LE(words[i]), ==,
					tpmix_read(&spied->e, addr + i * 4, 4));
		}
	}
}

static bool spy_put_word(uint32_t *words, uint32_t at, uint32_t val)
{
	if (words == spied->block && at == (0xFD8 - 0xF90) / 4) {
		completed_stores++;
		expect_others(words, 0x30F90, 0x70 / 4, at);
		check_mirror(&spied->e, 0x20000, spied->ram_rsp, 4096);
	}
	if (words == spied->crb_regs && at == 0x4C / 4) {
		start_stores++;
		expect_others(words, 0x0000, 0x80 / 4, at);
		check_mirror(&spied->e, 0x00080, spied->crb_buffer, 0xF80);
		check_mirror(&spied->e, 0x30F90, spied->block, 0x70);
	}
	return tpmix_put_word(words, at, val);
}

/* The completion happens; memory still shows the running command. */
static void complete_unseen(struct bench *b, uint32_t len)
{
	static const struct tpmix_backend unreported = {
		.start = bench_start,
		.guest_error = bench_guest_error,
	};
	static struct bench elsewhere;
	uint8_t rsp[4096];
	const struct tpmix_ram ram = b->e.cfg.ram;
	const struct tpmix shown = b->e;

	b->e.cfg.ram = bench_config(&elsewhere).ram;
	b->e.cfg.ram.cmd = ram.cmd;
	b->e.cfg.backend = &unreported;
	make_response(rsp, len, (uint8_t)len);
	g_assert_true(tpmix_complete(&b->e, b->e.s.accepted, rsp, len, false));
	b->e.cfg.backend = shown.cfg.backend;
	b->e.cfg.ram = ram;
	b->e.shown_len = shown.shown_len;
	b->e.shown_ticket = shown.shown_ticket;
}

static void every_store(void)
{
	static const uint32_t len[] = { 4096, 10, 3000, 20, 20 };
	struct bench b;
	unsigned int i;

	bench_init_crb(&b, 4096);
	spied = &b;
	for (i = 0; i < G_N_ELEMENTS(len); i++) {
		completed_stores = start_stores = 0;
		wr(&b, 0, 0x50, 0x80000001, 4);
		start_crb(&b, 0);
		complete_unseen(&b, len[i]);
		g_assert_cmphex(GUINT32_FROM_LE(b.block[0x48 / 4]), ==, i);
		g_assert_cmphex(GUINT32_FROM_LE(b.crb_regs[0x4C / 4]), ==, 1);
		spied_show(&b.e);
		g_assert_cmpuint(completed_stores, ==, 1);
		g_assert_cmpuint(start_stores, ==, 1);
		check(&b);
	}
	spied = NULL;
}

#define COMPLETIONS 500

struct poll {
	struct bench *b;
	atomic_uint seen;       /* last ticket that the poller has checked */
	atomic_uint wrong;      /* what it found wrong, bits */
};

static uint32_t load(const uint32_t *word)
{
	uint32_t val = GUINT32_FROM_LE(*(const volatile uint32_t *)word);

	atomic_thread_fence(memory_order_acquire);
	return val;
}

/* A guest's CPU: COMPLETED, then the rest. */
static gpointer poller(gpointer data)
{
	struct poll *p = data;
	const uint32_t *block = p->b->block;
	uint8_t rsp[4096];
	uint32_t ticket, size;

	for (ticket = 1; ticket <= COMPLETIONS; ticket++) {
		while (load(&block[0x48 / 4]) != ticket) {
		}
		size = load(&block[0x4C / 4]);
		if (size != 10 + ticket) {
			atomic_fetch_or(&p->wrong, 1);
			size = 10;
		}
		memcpy(rsp, p->b->ram_rsp, size);
		if (load(&block[0x50 / 4]) >> 16 != tpmix_crc16(rsp, size)) {
			atomic_fetch_or(&p->wrong, 2);
		}
		if (load(&block[0x44 / 4]) != 0x14) {
			atomic_fetch_or(&p->wrong, 4);
		}
		atomic_store(&p->seen, ticket);
	}
	return NULL;
}

static void polled(void)
{
	static struct bench b;
	struct poll p = { .b = &b };
	gint64 end = g_get_monotonic_time() + 30 * G_TIME_SPAN_SECOND;
	GThread *thread;
	uint8_t rsp[4096];
	uint32_t ticket;

	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	thread = g_thread_new("poller", poller, &p);
	for (ticket = 1; ticket <= COMPLETIONS; ticket++) {
		make_command(b.ram_cmd, 12, 12, 0);
		tpmix_write(&b.e, 0x6FCC, ticket, 4);
		make_command(rsp, 10 + ticket, 10 + ticket, (uint8_t)ticket);
		g_assert_true(tpmix_complete(&b.e, ticket, rsp, 10 + ticket,
					     false));
		while (atomic_load(&p.seen) != ticket) {
			g_assert_cmpint(g_get_monotonic_time(), <, end);
			g_thread_yield();
		}
	}
	g_thread_join(thread);
	g_assert_cmphex(atomic_load(&p.wrong), ==, 0);
	check(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/order/every-store", every_store);
	g_test_add_func("/order/polled", polled);
	return g_test_run();
}
