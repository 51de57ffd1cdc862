/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's life on both devices: probe, also over a command that runs, sizes,
 * deadlines, a locality that is kept, suspend, shutdown, a machine that was forked.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "guest.h"
#include "machine.h"

#define LONG    100000u         /* accesses that a command lasts: 50 s and more of polls */
#define OTHER   150u            /* number of a command that is not the guest's */

struct shape {
	bool crb;
	const char *door;
};

static const struct shape shapes[] = {
	{ false, "window" }, { true, "window" }, { false, "indexed" },
	{ true, "indexed" }, { false, "fifo" },
};

static int boot(const struct shape *s)
{
	const struct guest_options options = { s->door, 2 };

	return guest_boot(&options);
}

static void power_on(const struct shape *s)
{
	const struct setup setup = { .crb = s->crb };

	machine_init(&setup);
	machine_fault(NULL);
}

static void power_on_and_boot(const struct shape *s)
{
	power_on(s);
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpstr(guest_door(), ==, s->door);
}

static void power_on_and_boot_with_irq(const struct shape *s)
{
	const struct setup setup = { .crb = s->crb, .irq = true };

	machine_init(&setup);
	machine_fault(NULL);
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpstr(guest_door(), ==, s->door);
}

static bool is_fifo(const struct shape *s)
{
	return !strcmp(s->door, "fifo");
}

static void test_plain(gconstpointer data)
{
	static const uint32_t sizes[] = { 11, 12, 14, 31, 3584, 3585, 4096 };
	const struct shape *s = data;
	unsigned int i, clock;

	power_on_and_boot(s);
	g_assert_nonnull(guest_logged("TPM 2.0"));
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		guest_cmd_len = sizes[i];
		machine->rsp_len = sizes[G_N_ELEMENTS(sizes) - 1 - i];
		clock = guest_clock_reads();
		g_assert_cmpint(guest_transmit(i, 1), ==, RIGHT);
		g_assert_cmpuint(machine->runs[i], ==, 1);
		/* How long a command took that is there at the first look, and no more. */
		if (!is_fifo(s))
			g_assert_cmpuint(guest_clock_reads() - clock, ==, 2);
		/* Others may have it between two commands. */
		g_assert_cmpuint(machine->engine.s.active, ==, TPMIX_NO_LOCALITY);
	}
	guest_cmd_len = 27;
	if (!is_fifo(s)) {
		/* The core's self-test at registration is one, too. */
		g_assert_cmpuint(guest_traced("tpmix_ring"), ==, i + 1);
		g_assert_cmpuint(guest_traced("tpmix_completion"), ==, i + 1);
	}
	g_assert_cmpuint(guest_traced("tpmix_retry") + guest_traced("tpmix_reread") +
			 guest_traced("tpmix_fallback") + guest_traced("tpmix_regain"),
			 ==, 0);
	guest_end();
}

static void test_one_range(gconstpointer data)
{
	const struct shape *s = data;

	power_on(s);
	machine->setup.one_range = true;
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpstr(guest_door(), ==, s->door);
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	guest_end();
}

static void test_device_tree(gconstpointer data)
{
	const struct shape *s = data;

	power_on(s);
	machine->setup.one_range = true;
	machine->setup.of = true;
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpstr(guest_door(), ==, s->door);
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	guest_end();
}

static void test_family(gconstpointer data)
{
	const struct shape *s = data;

	power_on(s);
	if (s->crb)
		return;
	tpmix_reset(&machine->engine, TPMIX_FAMILY_1_2, CAPACITY);
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_nonnull(guest_logged("TPM 1.2"));
	guest_end();
}

/* A kernel that crashed left it running, and the TPM heeds a cancel, or is slow. */
static void test_running_at_probe(gconstpointer data)
{
	const struct shape *s = data;

	power_on(s);
	machine->setup.takes = FOREVER;
	machine->setup.cancels = true;
	machine_other_command(0, OTHER);
	machine->setup.takes = 0;
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpuint(machine->cancels, >=, 1);
	g_assert_cmpstr(guest_door(), ==, s->door);
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	guest_end();

	power_on(s);
	machine->setup.takes = LONG;
	machine_other_command(0, OTHER);
	machine->setup.takes = 0;
	g_assert_cmpint(boot(s), ==, 0);
	g_assert_cmpstr(guest_door(), ==, s->door);
	g_assert_nonnull(guest_logged("TPM 2.0"));
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	g_assert_cmpuint(machine->runs[OTHER], ==, 1);
	guest_end();
}

/* It never ends: an error in its time, and nothing is announced. */
static void test_running_for_ever(gconstpointer data)
{
	const struct shape *s = data;
	int64_t begin = guest_now_us();

	power_on(s);
	machine->setup.takes = FOREVER;
	machine_other_command(0, OTHER);
	g_assert_cmpint(boot(s), <, 0);
	g_assert_cmpint(guest_now_us() - begin, >, 60000000);
	g_assert_cmpint(guest_now_us() - begin, <, 150000000);
	g_assert_cmpstr(guest_door(), ==, "none");
	g_assert_null(guest_logged("TPM 1.2"));
	g_assert_null(guest_logged("TPM 2.0"));
	guest_end();
}

/* It ends at any moment of the probe: the windows are used all the same. */
static void test_ends_in_probe(gconstpointer data)
{
	const struct shape *s = data;
	uint32_t takes;

	for (takes = 1; takes < 120; takes++) {
		power_on(s);
		machine->setup.takes = takes;
		machine_other_command(0, OTHER);
		machine->setup.takes = 0;
		g_assert_cmpint(boot(s), ==, 0);
		g_assert_cmpstr(guest_door(), ==, s->door);
		g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
		guest_end();
	}
}

/* One deadline: what the command may take, and TIMEOUT_B, whatever happens. */
static void test_deadline(gconstpointer data)
{
	const struct shape *s = data;
	int64_t begin;

	power_on_and_boot(s);
	machine->setup.takes = FOREVER;
	begin = guest_now_us();
	g_assert_cmpint(guest_transmit(1, 1), ==, FAILED);
	g_assert_cmpint(guest_rc, ==, -ETIME);
	g_assert_cmpint(guest_now_us() - begin, <, 2500000);
	g_assert_cmpuint(machine->cancels, >=, 1);
	/* The next one has to wait for it, but not for ever. */
	begin = guest_now_us();
	g_assert_cmpint(guest_transmit(2, 1), ==, FAILED);
	g_assert_cmpint(guest_now_us() - begin, <, 6500000);
	machine->setup.takes = 0;
	if (machine_busy())
		machine_complete();
	g_assert_cmpint(guest_transmit(3, 1), ==, RIGHT);
	g_assert_cmpuint(machine->runs[1], ==, 1);
	guest_end();
}

/* A higher locality keeps it, from any access of a command on. */
static void test_locality_kept(gconstpointer data)
{
	const struct shape *s = data;
	struct fault fault = { .kind = FAULT_SEIZED, .delay = FOREVER / 2 };
	int64_t begin;

	for (fault.at = 1; fault.at < 30; fault.at++) {
		power_on_and_boot(s);
		machine_fault(&fault);
		begin = guest_now_us();
		if (guest_transmit(1, 1) == WRONG)
			g_test_fail();
		g_assert_cmpint(guest_now_us() - begin, <, 6500000);
		machine_fault(NULL);
		tpmix_write(&machine->engine, s->crb ? 0x1008 : 0x1000,
			    s->crb ? 0x2 : 0x20, s->crb ? 4 : 1);
		g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);
		g_assert_cmpuint(machine->runs[1], <=, 1);
		guest_end();
	}
}

static void test_killed(gconstpointer data)
{
	const struct shape *s = data;
	int64_t begin;

	power_on_and_boot(s);
	machine->setup.takes = FOREVER;
	machine->setup.cancels = true;
	guest_kill_in(5000);
	begin = guest_now_us();
	g_assert_cmpint(guest_transmit(1, 1), ==, FAILED);
	if (!is_fifo(s)) {
		g_assert_cmpint(guest_now_us() - begin, <, 10000);
		g_assert_cmpuint(machine->cancels, ==, 1);
	}
	guest_kill_in(-1);
	machine->setup.takes = 0;
	g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);

	/* While it waits for a command that was there before. */
	machine->setup.takes = FOREVER;
	machine->setup.cancels = false;
	machine_other_command(0, OTHER);
	guest_kill_in(5000);
	begin = guest_now_us();
	g_assert_cmpint(guest_transmit(3, 1), ==, FAILED);
	g_assert_cmpint(guest_now_us() - begin, <, 20000);
	guest_kill_in(-1);
	machine_complete();
	machine->setup.takes = 0;
	g_assert_cmpint(guest_transmit(4, 1), ==, RIGHT);
	guest_end();
}

/* The CPU is kept only while that pays, and never from who wants it. */
static void test_spin(gconstpointer data)
{
	const struct shape *s = data;
	unsigned int i, looks, sleeps;
	int64_t begin;

	if (is_fifo(s))
		return;
	power_on_and_boot(s);
	/* Longer than any spin: the time of looks between which it sleeps. */
	machine->setup.takes_us = 900;
	for (i = 0; i < 8; i++)
		g_assert_cmpint(guest_transmit(i, 1), ==, RIGHT);
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(i++, 1), ==, RIGHT);
	g_assert_cmpuint(machine->accesses, <, 100);
	/* Short ones are waited for without a sleep, once they have come. */
	machine->setup.takes_us = 60;
	for (; i < 40; i++)
		g_assert_cmpint(guest_transmit(i, 1), ==, RIGHT);
	begin = guest_now_us();
	sleeps = guest_sleeps();
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(i++, 1), ==, RIGHT);
	g_assert_cmpint(guest_now_us() - begin, <, 60 + 80);
	g_assert_cmpuint(guest_sleeps(), ==, sleeps);
	looks = machine->accesses;
	guest_wants_cpu(true);
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(i, 1), ==, RIGHT);
	g_assert_cmpuint(machine->accesses, <, looks);
	guest_end();
}

/* A key that takes its time: few looks, an answer that is seen soon. */
static void test_long(gconstpointer data)
{
	const struct shape *s = data;
	const bool window = !strcmp(s->door, "window");
	unsigned int irq, serial;
	int64_t begin, late;

	if (is_fifo(s))
		return;
	for (irq = 0; irq < 2; irq++) {
		if (irq)
			power_on_and_boot_with_irq(s);
		else
			power_on_and_boot(s);
		machine->setup.takes_us = 400000;
		for (serial = 1; serial < 20; serial++) {
			machine_fault(NULL);
			begin = guest_now_us();
			g_assert_cmpint(guest_transmit(serial, 1), ==, RIGHT);
			late = guest_now_us() - begin - machine->setup.takes_us;
			g_test_message("irq %u: %u accesses, %u trapped, late %d us", irq,
				       machine->accesses, machine->trapped, (int)late);
			g_assert_cmpint(late, <, irq ? 200 : 20100);
		}
		g_assert_cmpuint(machine->accesses, <, 160);
		g_assert_cmpuint(guest_interrupts(), ==, irq ? 19 : 0);
		/* Asked for with the doorbell: no access more. */
		if (window)
			g_assert_cmpuint(machine->trapped, ==, irq ? 1 : 3);
		guest_end();
	}
}

/* The interrupt gets lost, each time: late by a part of the time, and right. */
static void test_interrupt_lost(gconstpointer data)
{
	const struct shape *s = data;
	unsigned int serial;
	int64_t begin;

	if (is_fifo(s))
		return;
	power_on_and_boot_with_irq(s);
	machine->setup.takes_us = 40000;
	for (serial = 1; serial < 5; serial++) {
		machine->edges_taken = UINT64_MAX;
		machine->engine.cfg.int_vector = 0;
		begin = guest_now_us();
		g_assert_cmpint(guest_transmit(serial, 1), ==, RIGHT);
		g_assert_cmpint(guest_now_us() - begin, <, 2 * 40000);
	}
	guest_end();
}

static void test_sizes(gconstpointer data)
{
	const struct shape *s = data;

	if (is_fifo(s))
		return;
	power_on_and_boot(s);
	machine->rsp_len = 5000;
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(1, 1), ==, FAILED);
	g_assert_cmpint(guest_rc, ==, -E2BIG);
	g_assert_nonnull(guest_logged("response of 5000 bytes"));
	g_assert_null(guest_logged("checksum"));
	machine->rsp_len = 31;
	guest_cmd_len = CAPACITY + 1;
	g_assert_cmpint(guest_transmit(2, 1), ==, FAILED);
	g_assert_cmpint(guest_rc, ==, -E2BIG);
	guest_cmd_len = 9;
	g_assert_cmpint(guest_transmit(2, 1), ==, FAILED);
	g_assert_cmpint(guest_rc, ==, -EINVAL);
	guest_cmd_len = 27;
	g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);
	g_assert_cmpuint(machine->runs[1], ==, 1);
	guest_end();

	/* Beyond what the device negotiated when it was asked. */
	power_on(s);
	tpmix_reset(&machine->engine, TPMIX_FAMILY_2_0, 1024);
	g_assert_cmpint(boot(s), ==, 0);
	machine->engine.s.bufsize = CAPACITY;
	machine->rsp_len = 2000;
	g_assert_cmpint(guest_transmit(3, 1), ==, FAILED);
	g_assert_cmpint(guest_rc, ==, -EPROTO);
	g_assert_nonnull(guest_logged("impossible response of 2000 bytes"));
	g_assert_null(guest_logged("checksum"));
	guest_end();
}

static bool tell_generation;

static void command_twice(void *outcome)
{
	if (guest_snapshot()) {
		machine->due = 0;
		if (tell_generation)
			guest_new_generation();
		*(enum outcome *)outcome = guest_transmit(1, tell_generation ? 2 : 1);
	} else {
		guest_transmit(1, 1);
	}
}

/*
 * A guest that was restored and its TPM not sends the same bytes again. Told of it,
 * the driver does not take the old answer for the new one's; not told, it cannot
 * know (R7).
 */
static void test_generation(gconstpointer data)
{
	const struct shape *s = data;
	enum outcome outcome;
	int i;

	if (is_fifo(s))
		return;
	for (i = 0; i < 2; i++) {
		tell_generation = i;
		power_on_and_boot(s);
		guest_run(command_twice, &outcome);
		g_assert_cmpint(outcome, ==, RIGHT);
		g_assert_cmpuint(machine->runs[1], ==, 1 + i);
		g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);
		guest_end();
	}
}

/* As the interface that there is has it. */
static void relinquish_1(void)
{
	if (machine->setup.crb)
		tpmix_write(&machine->engine, 0x1008, 0x2, 4);
	else
		tpmix_write(&machine->engine, 0x1000, 0x20, 1);
}

/* What ends the chip's use, while the locality is kept and another one asks for it. */
static void hold_over(const struct shape *s, void (*end)(void))
{
	int64_t us;

	for (us = 0; us < 150; us++) {
		power_on_and_boot_with_irq(s);
		g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
		g_assert_cmpuint(machine->engine.s.active, ==, 0);
		machine_ask_in(us);
		end();
		/* Not released in the middle of TPM2_Shutdown, and not kept. */
		g_assert_cmpuint(guest_traced("tpmix_regain"), ==, 0);
		g_assert_cmpuint(guest_traced("tpmix_fallback"), ==, 0);
		g_assert_cmpuint(machine->runs[1], ==, 1);
		guest_time_passes(1000);
		g_assert_cmpuint(machine->engine.s.active, ==, 1);
		if (end != guest_end)
			guest_end();
	}
}

static void suspend_and_resume(void)
{
	g_assert_cmpint(guest_suspend(), ==, 0);
	g_assert_cmpuint(machine->engine.s.active, !=, 0);
	/* Or it would wait for the locality at resume, as it should. */
	guest_time_passes(1000);
	relinquish_1();
	g_assert_cmpint(guest_resume(), ==, 0);
	machine_ask_in(0);
}

/*
 * With an interrupt the locality is kept until another one asks for it, in the middle
 * of a command or between two; without one, or without windows, it is not.
 */
static void test_hold(gconstpointer data)
{
	const struct shape *s = data;
	int64_t us;

	power_on_and_boot_with_irq(s);
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	if (strcmp(s->door, "window")) {
		g_assert_cmpuint(machine->engine.s.active, ==, TPMIX_NO_LOCALITY);
		guest_end();
		return;
	}
	guest_time_passes(3000000);
	g_assert_cmpuint(machine->engine.s.active, ==, 0);
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);
	g_assert_cmpuint(machine->trapped, ==, 1);
	guest_end();
	for (us = 0; us < 60; us++) {
		power_on_and_boot_with_irq(s);
		g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
		machine_ask_in(us);
		g_assert_cmpint(guest_transmit(2, 1), ==, RIGHT);
		guest_time_passes(60);
		g_assert_cmpuint(machine->engine.s.active, ==, 1);
		relinquish_1();
		g_assert_cmpint(guest_transmit(3, 1), ==, RIGHT);
		g_assert_cmpuint(guest_traced("tpmix_regain"), ==, 0);
		g_assert_cmpuint(machine->engine.s.active, ==, 0);
		guest_end();
	}
	/* The edge was lost, or came before it was asked for: seen at the release. */
	power_on_and_boot_with_irq(s);
	machine_ask_in(3);
	machine->engine.cfg.int_vector = 0;
	g_assert_cmpint(guest_transmit(1, 1), ==, RIGHT);
	g_assert_cmpuint(machine->engine.s.active, ==, 1);
	relinquish_1();
	guest_end();
	hold_over(s, guest_shutdown);
	hold_over(s, guest_end);
	hold_over(s, suspend_and_resume);
}

/* Firmware used the TPM meanwhile, which was reset. */
static void test_resume(gconstpointer data)
{
	const struct shape *s = data;
	unsigned int i;

	power_on_and_boot(s);
	for (i = 0; i < 3; i++) {
		g_assert_cmpint(guest_transmit(i, 1), ==, RIGHT);
		g_assert_cmpint(guest_suspend(), ==, 0);
		tpmix_reset(&machine->engine, TPMIX_FAMILY_2_0, CAPACITY);
		machine_other_command(0, OTHER + i);
		machine_complete();
		tpmix_write(&machine->engine, s->crb ? 0x8 : 0x0, s->crb ? 0x2 : 0x20,
			    s->crb ? 4 : 1);
		g_assert_cmpint(guest_resume(), ==, 0);
		g_assert_cmpstr(guest_door(), ==, s->door);
	}
	g_assert_cmpint(guest_transmit(100, 1), ==, RIGHT);
	g_assert_cmpuint(guest_traced("tpmix_retry"), ==, 0);
	guest_end();
}

/* Nothing is told of it once and then never again. */
static void test_traces(gconstpointer data)
{
	const struct shape *s = data;
	struct fault fault = { .kind = FAULT_LOST };
	uint32_t serial = 1, n;

	if (is_fifo(s))
		return;
	power_on_and_boot(s);
	machine_fault(NULL);
	g_assert_cmpint(guest_transmit(serial++, 1), ==, RIGHT);
	n = machine->accesses;
	for (fault.at = 1; fault.at <= 2 * n; fault.at++) {
		machine_fault(&fault);
		g_assert_cmpint(guest_transmit(serial, 1), ==, RIGHT);
		g_assert_cmpuint(machine->runs[serial++], ==, 1);
	}
	g_test_message("%u retries, %u reread, %u fallbacks", guest_traced("tpmix_retry"),
		       guest_traced("tpmix_reread"), guest_traced("tpmix_fallback"));
	g_assert_cmpuint(guest_traced("tpmix_retry"), >, 1);
	g_assert_cmpuint(guest_traced("tpmix_reread"), >, 1);
	if (!strcmp(s->door, "window"))
		g_assert_cmpuint(guest_traced("tpmix_fallback"), >, 1);
	guest_end();
}

static void add(const char *name, void (*test)(gconstpointer))
{
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(shapes); i++) {
		g_autofree char *path = g_strdup_printf("/life/%s/%s/%s",
			shapes[i].crb ? "crb" : "tis", shapes[i].door, name);

		g_test_add_data_func(path, &shapes[i], test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("plain", test_plain);
	add("one-range", test_one_range);
	add("device-tree", test_device_tree);
	add("family", test_family);
	add("running-at-probe", test_running_at_probe);
	add("running-for-ever", test_running_for_ever);
	add("ends-in-probe", test_ends_in_probe);
	add("deadline", test_deadline);
	add("locality-kept", test_locality_kept);
	add("killed", test_killed);
	add("spin", test_spin);
	add("long", test_long);
	add("interrupt-lost", test_interrupt_lost);
	add("sizes", test_sizes);
	add("generation", test_generation);
	add("hold", test_hold);
	add("resume", test_resume);
	add("traces", test_traces);
	return g_test_run();
}
