/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The copy wins: a guest changes its command while it is accepted, while it is
 * handed to the backend, and while it runs. For the first of these transaction.c is
 * compiled once more, with a guest behind every copy.
 */
#include "bench.h"
#include "internal.h"

static void spy_copy(uint8_t *to, const uint8_t *from, uint32_t begin,
		     uint32_t end);

/* All that others call is to be there once more, under a name of its own. */
#define tpmix_copy spy_copy
#define tpmix_guest_error spied_guest_error
#define tpmix_changed spied_changed
#define tpmix_cmd_size_field spied_cmd_size_field
#define tpmix_cmd_put spied_cmd_put
#define tpmix_cmd_wipe spied_cmd_wipe
#define tpmix_readable spied_readable
#define tpmix_rsp_rest spied_rsp_rest
#define tpmix_rsp_byte spied_rsp_byte
#define tpmix_raise spied_raise
#define tpmix_edge spied_edge
#define tpmix_irq spied_irq
#define tpmix_completed spied_completed
#define tpmix_finish spied_finish
#define tpmix_repeats_command spied_repeats_command
#define tpmix_accept spied_accept
#define tpmix_wait spied_wait
#define tpmix_cancel spied_cancel
#define tpmix_abort spied_abort
#define tpmix_goal_ready spied_goal_ready
#define tpmix_goal_idle spied_goal_idle
#include "transaction.c"
#undef tpmix_copy

static struct {
	uint8_t *ram;
	unsigned int calls;
	unsigned int when;      /* the guest writes after so many copies */
	uint32_t size;          /* into the size field */
} guest;

static void guest_writes(uint8_t *ram, uint32_t size)
{
	memset(ram, 0xEE, 4096);
	ram[2] = (uint8_t)(size >> 24);
	ram[3] = (uint8_t)(size >> 16);
	ram[4] = (uint8_t)(size >> 8);
	ram[5] = (uint8_t)size;
}

static void spy_copy(uint8_t *to, const uint8_t *from, uint32_t begin,
		     uint32_t end)
{
	tpmix_copy(to, from, begin, end);
	if (++guest.calls == guest.when) {
		guest_writes(guest.ram, guest.size);
	}
}

static const uint32_t sizes[] = { 0, 9, 10, 11, 13, 24, 4096, 4097, 0xFFFFFFFF };

/* Whatever comes when: size, bytes and checksum are those of one copy. */
static void while_accepted(void)
{
	struct bench b;
	uint8_t cmd[24];
	unsigned int i, when;

	make_command(cmd, 24, 24, 0x13);
	for (when = 1; when <= 3; when++) {
		for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
			bench_init_crb(&b, 4096);
			crb_request(&b, 0);
			memcpy(b.ram_cmd, cmd, 24);
			guest.ram = b.ram_cmd;
			guest.calls = 0;
			guest.when = when;
			guest.size = sizes[i];
			g_assert_true(spied_accept(&b.e, 0, TPMIX_FROM_BUFFER, 0));
			g_assert_cmpuint(b.starts, ==, 1);
			g_assert_cmpuint(b.last_len, ==, 24);
			g_assert_cmpmem(b.last_cmd, 10, cmd, 10);
			/* of the body either the old or the new, not both */
			g_assert_cmphex(b.last_cmd[10], ==,
					when == 1 ? 0xEE : 0x13);
			g_assert_cmphex(b.last_cmd[23], ==, b.last_cmd[10]);
			g_assert_cmphex(b.e.s.cmd_csum, ==,
					tpmix_crc16(b.last_cmd, 24));
			g_assert_true(tpmix_valid(&b.e));
		}
	}
}

/* The checksum is judged on what will run. */
static void checksum_while_accepted(void)
{
	struct bench b, before;
	uint8_t cmd[24], mixed[24];
	bool accepted;
	unsigned int when;

	make_command(cmd, 24, 24, 0x13);
	make_command(mixed, 24, 24, 0xEE);
	for (when = 1; when <= 3; when++) {
		bench_init_crb(&b, 4096);
		crb_request(&b, 0);
		memcpy(b.ram_cmd, cmd, 24);
		bench_clone(&before, &b);
		guest.ram = b.ram_cmd;
		guest.calls = 0;
		guest.when = when;
		guest.size = 24;
		accepted = spied_accept(&b.e, 0, TPMIX_FROM_BUFFER,
					0x10000 | tpmix_crc16(cmd, 24));
		g_assert_cmpint(accepted, ==, when > 1);
		g_assert_cmpuint(b.starts, ==, when > 1);
		if (!accepted) {
			/* and nothing but the guest's own bytes changed */
			memcpy(before.ram_cmd, b.ram_cmd, 4096);
			g_assert_true(bench_same(&b, &before));
		} else {
			g_assert_cmpmem(b.last_cmd, b.last_len, cmd, 24);
		}
	}
	/* the checksum of what the guest changed it to */
	bench_init_crb(&b, 4096);
	crb_request(&b, 0);
	memcpy(b.ram_cmd, cmd, 24);
	guest.ram = b.ram_cmd;
	guest.calls = 0;
	guest.when = 1;
	g_assert_true(spied_accept(&b.e, 0, TPMIX_FROM_BUFFER,
				   0x10000 | tpmix_crc16(mixed, 24)));
	g_assert_cmpmem(b.last_cmd, b.last_len, mixed, 24);
}

/* A backend that runs the command at once, beside a guest that writes. */
static void start_at_once(void *opaque, uint32_t ticket, unsigned int locality,
			  const uint8_t *cmd, uint32_t len)
{
	struct bench *b = opaque;
	uint8_t rsp[64];

	guest_writes(b->ram_cmd, guest.size);
	memcpy(b->copy.cmd, b->ram_cmd, sizeof(b->ram_cmd));
	bench_start(opaque, ticket, locality, cmd, len);
	make_command(rsp, 64, 64, (uint8_t)ticket);
	g_assert_true(tpmix_complete(&b->e, ticket, rsp, 64, false));
}

static const struct tpmix_backend at_once = {
	.start = start_at_once,
	.cancel = bench_cancel,
	.reset_established = bench_reset_established,
	.guest_error = bench_guest_error,
	.changed = bench_changed,
};

static void init_at_once(struct bench *b, bool fifo)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.backend = &at_once;
	cfg.crb = true;
	cfg.interface = fifo ? TPMIX_INTERFACE_FIFO : TPMIX_INTERFACE_CRB;
	bench_init_as(b, &cfg, TPMIX_FAMILY_2_0, 4096);
	guest.size = 4096;
}

static void expect_run(struct bench *b, uint32_t ticket, uint8_t fill)
{
	uint8_t cmd[12];

	make_command(cmd, 12, 12, fill);
	g_assert_cmpuint(b->starts, ==, ticket);
	g_assert_cmpmem(b->last_cmd, b->last_len, cmd, 12);
	g_assert_cmphex(ext(b, 0, 0xFE0) & 0xFFFF, ==, tpmix_crc16(cmd, 12));
	g_assert_cmphex(rd(b, 6, 0xFD8, 8), ==, 64ull << 32 | ticket);
	g_assert_cmphex(b->ram_rsp[63], ==, (uint8_t)ticket);
}

/* Inside start(); and a completion there is seen as any other. */
static void while_started(void)
{
	struct bench b;

	init_at_once(&b, false);
	start_crb(&b, 0);
	expect_run(&b, 1, 0x3C);
	g_assert_cmphex(rd(&b, 0, 0x4C, 4), ==, 0);
	crb_go(&b, 0);                          /* runs neither response nor EE */
	expect_run(&b, 1, 0x3C);
	init_at_once(&b, false);                /* CTRL_CANCEL = 0 arms, in one write */
	crb_request(&b, 0);
	make_command(b.ram_cmd, 12, 12, 0x3C);
	wr(&b, 0, 0x48, 1ull << 32, 8);
	wr(&b, 0, 0x48, 1ull << 32, 8);
	expect_run(&b, 1, 0x3C);
	init_at_once(&b, true);
	start_fifo(&b, 0);
	expect_run(&b, 1, 0xA5);
	start_indexed(&b, 0);
	expect_run(&b, 2, 0x5A);
	wr(&b, 0, 0xFCC, 2, 4);
	expect_run(&b, 2, 0x5A);
}

static void while_it_runs(gconstpointer data)
{
	unsigned int l = GPOINTER_TO_UINT(data), i;
	struct bench b;
	uint8_t cmd[12];

	make_command(cmd, 12, 12, 0x3C);
	bench_init_crb(&b, 4096);
	start_crb(&b, l);
	guest_writes(b.ram_cmd, 4096);          /* memory */
	for (i = 0; i < 12; i++) {
		wr(&b, l, 0x80 + i, 0xEE, 1);   /* trapped, either way */
		wr(&b, 6 + l, 0x100 + i, 0xDD, 1);
	}
	g_assert_cmpmem(b.run, 12, cmd, 12);
	g_assert_cmphex(ext(&b, l, 0xFE0), ==, tpmix_crc16(cmd, 12));
	complete(&b, 40, 4);
	g_assert_cmphex(rd(&b, l, 0x88, 4), ==, 0x0F0E0D0C);
	wr(&b, l, 0x88, 0xEE, 4);               /* R5: nor is the response hit */
	if (l == 0) {
		guest_writes(b.ram_cmd, 4096);
	}
	g_assert_cmphex(rd(&b, l, 0x88, 4), ==, 0x0F0E0D0C);
	g_assert_cmphex(ext(&b, l, 0xFE0), ==,
			(uint32_t)tpmix_crc16(b.rsp, 40) << 16 |
			tpmix_crc16(cmd, 12));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/copy/while-accepted", while_accepted);
	g_test_add_func("/copy/checksum-while-accepted", checksum_while_accepted);
	g_test_add_func("/copy/while-started", while_started);
	g_test_add_data_func("/copy/while-it-runs/0", GUINT_TO_POINTER(0),
			     while_it_runs);
	g_test_add_data_func("/copy/while-it-runs/2", GUINT_TO_POINTER(2),
			     while_it_runs);
	return g_test_run();
}
