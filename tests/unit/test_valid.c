/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix_valid(): what no sequence of accesses reaches, and only a stream can say. */
#include "bench.h"

/* Each state differs from a valid one in one field. */
static void fields(void)
{
	struct bench b;
	uint8_t *const waits[] = { &b.e.s.abort, &b.e.s.notify };
	unsigned int i;

#define REFUSED(field, val) do {                                \
		bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY); \
		b.e.field = (val);                               \
		g_assert_false(tpmix_valid(&b.e));               \
	} while (0)

	REFUSED(cfg.capacity, 1023);
	REFUSED(cfg.capacity, 65537);
	REFUSED(cfg.capacity, 1026); /* a word would reach over its end */
	REFUSED(s.bufsize, 9);
	REFUSED(s.bufsize, BENCH_CAPACITY + 1);
	REFUSED(s.active, 5);
	REFUSED(s.waiting, 5);
	REFUSED(s.waiting, 0);
	REFUSED(s.loc[0].armed, 3);
	REFUSED(s.loc[0].armed, 2);
	REFUSED(s.running, 5);
	REFUSED(s.cmd_owner, 5);
	REFUSED(s.rsp_owner, 5);
	REFUSED(s.abort, 2);
	REFUSED(s.intf_sel_lock, 2);
	REFUSED(s.selftest_done, 2);
	REFUSED(s.established, 2);
	REFUSED(s.last.size, 9);
#undef REFUSED

	/* A buffer below the least, and a command size that would fit it. */
	bench_init(&b, TPMIX_FAMILY_2_0, 1000);
	b.e.cfg.capacity = 1023;
	g_assert_false(tpmix_valid(&b.e));
	b.e.cfg.capacity = 1024;
	g_assert_true(tpmix_valid(&b.e));

	/* Without a TPM nobody is active, and nothing interrupts. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	tpmix_reset(&b.e, TPMIX_FAMILY_NONE, 0);
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.loc[0].int_status = 0x80;
	g_assert_false(tpmix_valid(&b.e));
	b.e.s.loc[0].int_status = 0;
	b.e.s.active = b.e.s.cmd_owner = 0;
	g_assert_false(tpmix_valid(&b.e));
	b.e.s.active = TPMIX_NO_LOCALITY;
	b.e.s.running = 0;
	b.e.s.loc[0].state = TPMIX_EXECUTION;
	g_assert_false(tpmix_valid(&b.e));
	b.e.s.running = TPMIX_NO_LOCALITY;
	b.e.s.loc[0].state = TPMIX_IDLE;
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.rsp_owner = 0;
	b.e.s.rsp_len = 10;
	g_assert_false(tpmix_valid(&b.e));

	/* An interrupt of a response that is not this locality's. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	b.e.s.loc[1].int_status = 0x01;
	g_assert_false(tpmix_valid(&b.e));

	/* A request waits for another locality only. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	b.e.s.loc[2].access = 0x02;
	g_assert_false(tpmix_valid(&b.e));
	request(&b, 1);
	b.e.s.loc[2].access = 0x02;
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.loc[1].access = 0x02;
	g_assert_false(tpmix_valid(&b.e));

	/* CTRL_START is armed early by the locality whose command runs. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	start_indexed(&b, 1);
	b.e.s.loc[1].armed = 2;
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.loc[1].armed = 1;
	g_assert_false(tpmix_valid(&b.e));

	/* An abort, and an edge that was asked for, wait for the running command, once. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	start_indexed(&b, 1);
	for (i = 0; i < G_N_ELEMENTS(waits); i++) {
		*waits[i] = 1;
		g_assert_true(tpmix_valid(&b.e));
		*waits[i] = 2;
		g_assert_false(tpmix_valid(&b.e));
		*waits[i] = 0;
	}

	/* Windows in RAM are there, all of them, or not; and the CRB page with them. */
	bench_init(&b, TPMIX_FAMILY_2_0, BENCH_CAPACITY);
	b.e.cfg.ram.block = NULL;
	g_assert_false(tpmix_valid(&b.e));
	b.e.cfg.ram.rsp = NULL;
	g_assert_false(tpmix_valid(&b.e));
	b.e.cfg.ram.crb_regs = NULL;
	g_assert_true(tpmix_valid(&b.e));
}

/* tpmix_valid() refuses what no sequence of accesses reaches. */
static void after_a_response(void)
{
	struct bench b, c;
	unsigned int i;

	bench_init(&b, TPMIX_FAMILY_2_0, 4096);
	start_indexed(&b, 0);
	complete(&b, 50, 0);
	for (i = 0; i < 27; i++) {
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
		case 10: c.e.s.loc[0].csum_expect = 0x80000; break;
		case 11: c.e.s.last.size = 9; break;
		case 12: c.e.s.last = (struct tpmix_last_write)
				{ .val = 0x100, .size = 1 }; break;
		case 13: c.e.s.fifo_len = 4097; break;
		case 14: c.e.s.rsp_len = 4097; break;
		case 15: c.e.s.rsp_pos = 51; break;
		case 16: c.e.s.family = 3; break;
		case 17: c.e.s.active = 5; break;
		case 18: c.e.s.waiting = 2; break;
		case 19: c.e.s.running = 0; break;
		case 20: c.e.s.abort = 1; break;
		case 21: c.e.s.cmd_owner = 1; break;
		case 22: c.e.s.rsp_owner = 0xFF; break;
		case 23: c.e.s.rsp_len = 9; c.e.s.rsp_pos = 0; break;
		case 24: c.e.s.bufsize = 8192; break;
		case 25: c.e.s.notify = 1; break;
		default: c.e.s.established = 2; break;
		}
		g_assert_true(tpmix_valid(&b.e));
		g_test_message("state %u", i);
		g_assert_false(tpmix_valid(&c.e));
	}
}

static void crb_machine(struct bench *b, bool fifo, uint8_t localities)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.fifo = fifo;
	cfg.crb = true;
	cfg.interface = TPMIX_INTERFACE_CRB;
	cfg.localities = localities;
	bench_init_as(b, &cfg, TPMIX_FAMILY_2_0, 4096);
}

/* Doors, interfaces and localities that this device has not. */
static void devices(void)
{
	static const uint8_t localities[] = { 0, 2, 3, 4, 6, 255 };
	struct bench b;
	unsigned int i;

#define REFUSED(init, field, val) do {                          \
		init;                                            \
		b.e.field = (val);                               \
		g_assert_false(tpmix_valid(&b.e));               \
	} while (0)
#define TIS bench_init(&b, TPMIX_FAMILY_2_0, 4096)
#define BOTH crb_machine(&b, true, 5)
#define ONLY_CRB crb_machine(&b, false, 5)
#define ONE crb_machine(&b, true, 1)

	for (i = 0; i < G_N_ELEMENTS(localities); i++) {
		REFUSED(BOTH, cfg.localities, localities[i]);
	}
	BOTH;
	b.e.cfg.crb = b.e.cfg.fifo = false;
	g_assert_false(tpmix_valid(&b.e));
	REFUSED(BOTH, s.interface, 2);
	REFUSED(BOTH, s.intf_sel, 2);
	REFUSED(TIS, s.interface, 1);
	REFUSED(TIS, s.intf_sel, 1);
	REFUSED(ONLY_CRB, s.interface, 0);
	REFUSED(ONLY_CRB, s.intf_sel, 0);
	REFUSED(BOTH, s.loc[0].armed, 2);
	REFUSED(BOTH, s.loc[4].armed, 255);
	REFUSED(ONE, s.loc[1].access, 0x02);
	REFUSED(ONE, s.loc[4].access, 0x10);
	REFUSED(ONE, s.loc[1].int_status, 0x04);
	REFUSED(ONE, s.loc[4].int_status, 0x80);
#undef REFUSED

	/* each of the two interfaces, where both are there */
	BOTH;
	b.e.s.interface = 0;
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.intf_sel = 0;
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.loc[1].int_status = 0x84;
	g_assert_true(tpmix_valid(&b.e));
#undef TIS
#undef BOTH
#undef ONLY_CRB
#undef ONE
}

/* Valid with five localities, refused by a device with one: by one field only. */
static void expect_needs_five(struct bench *b)
{
	g_assert_true(tpmix_valid(&b->e));
	b->e.cfg.localities = 1;
	g_assert_false(tpmix_valid(&b->e));
}

static void locality_not_there(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	crb_request(&b, 1);
	expect_needs_five(&b);          /* active, and with it cmd_owner */

	bench_init_crb(&b, 4096);
	crb_request(&b, 1);
	crb_relinquish(&b, 1);
	expect_needs_five(&b);          /* cmd_owner */

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	crb_relinquish(&b, 1);
	crb_request(&b, 0);
	expect_needs_five(&b);          /* running */

	bench_init_crb(&b, 4096);
	start_crb(&b, 1);
	complete(&b, 20, 0);
	crb_relinquish(&b, 1);
	crb_request(&b, 0);
	expect_needs_five(&b);          /* rsp_owner */

	bench_init_crb(&b, 4096);
	start_crb(&b, 0);
	crb_seize(&b, 1);
	b.e.s.loc[1].access = 0;
	expect_needs_five(&b);          /* next */
}

/* START is not armed while the command that it started runs. */
static void armed_running(void)
{
	struct bench b;

	bench_init_crb(&b, 4096);
	start_crb(&b, 2);
	g_assert_true(tpmix_valid(&b.e));
	b.e.s.loc[2].armed = 1;
	g_assert_false(tpmix_valid(&b.e));
	b.e.s.loc[2].armed = 0;
	b.e.s.loc[1].armed = 1;         /* another one's is */
	g_assert_true(tpmix_valid(&b.e));
	complete(&b, 20, 0);
	b.e.s.loc[2].armed = 1;
	g_assert_true(tpmix_valid(&b.e));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/valid/fields", fields);
	g_test_add_func("/valid/after-a-response", after_a_response);
	g_test_add_func("/valid/devices", devices);
	g_test_add_func("/valid/locality-not-there", locality_not_there);
	g_test_add_func("/valid/armed-running", armed_running);
	return g_test_run();
}
