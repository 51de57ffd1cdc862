/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the driver looks and sleeps: the policy of tpmix_wait.c, fed with times.
 */
#include <glib.h>

#include "tpmix_driver.h"

#include "guest.h"
#include "machine.h"

#define ORDINAL 0x17Bu

static void cpus(unsigned int num)
{
	static const struct setup setup = { 0 };
	const struct guest_options options = { "window", num };

	machine_init(&setup);
	machine_fault(NULL);
	g_assert_cmpint(guest_boot(&options), ==, 0);
	guest_end();
}

/* What pays is looked for longer, what does not the less. */
static void test_spin(void)
{
	struct tpmix_pace p = { .spin_us = 20 };
	unsigned int i;

	cpus(2);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 20);
	tpmix_learn(&p, ORDINAL, 120, 15);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 20);
	tpmix_learn(&p, ORDINAL, 120, 90);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 40);
	for (i = 0; i < 10; i++)
		tpmix_learn(&p, ORDINAL, 250, 200);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 200);
	tpmix_learn(&p, ORDINAL, 900, 700);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 100);
	for (i = 0; i < 10; i++)
		tpmix_learn(&p, ORDINAL, 900, 700);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 0);
	/* and again, once it would pay */
	tpmix_learn(&p, ORDINAL, 150, 60);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 20);
}

static void test_one_cpu(void)
{
	struct tpmix_pace p = { .spin_us = 200 };

	cpus(1);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 0);
	cpus(2);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 200);
}

/* By ordinal; one that takes long says nothing of the others, nor of the spin. */
static void test_long(void)
{
	struct tpmix_pace p = { .spin_us = 40 };
	unsigned int i;

	cpus(2);
	g_assert_false(tpmix_is_long(&p, ORDINAL));
	tpmix_learn(&p, ORDINAL, 300000, 300000);
	g_assert_true(tpmix_is_long(&p, ORDINAL));
	g_assert_false(tpmix_is_long(&p, ORDINAL + 1));
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL), ==, 0);
	g_assert_cmpuint(tpmix_spin_us(&p, ORDINAL + 1), ==, 40);
	/* A short one is not slept for again, and one that was held up changes nothing. */
	tpmix_learn(&p, ORDINAL, 100, 10);
	g_assert_false(tpmix_is_long(&p, ORDINAL));
	for (i = 0; i < 3; i++)
		tpmix_learn(&p, ORDINAL, 50000, 50000);
	g_assert_false(tpmix_is_long(&p, ORDINAL));
	for (i = 0; i < 10; i++)
		tpmix_learn(&p, ORDINAL, 50000, 50000);
	g_assert_true(tpmix_is_long(&p, ORDINAL));
}

/* Naps until the end of a command of @us: how late it is seen, how many they are. */
static uint32_t naps(const struct tpmix_pace *p, uint32_t us, bool interrupt,
		     unsigned int *num)
{
	uint32_t now = 0;

	for (*num = 0; now < us; (*num)++) {
		uint32_t nap = tpmix_nap_us(p, ORDINAL, now, interrupt);

		g_assert_cmpuint(nap, >=, 50);
		g_assert_cmpuint(nap, <=, interrupt ? 50000 : 10000);
		now += nap;
	}
	return now - us;
}

static void test_naps(void)
{
	struct tpmix_pace p = { 0 };
	unsigned int num, i;
	uint32_t us;

	cpus(2);
	/* Whatever it takes: at most a twentieth and 100 us late. */
	for (us = 60; us < 4000000; us += us / 7) {
		g_assert_cmpuint(naps(&p, us, false, &num), <=, us / 20 + 100);
		g_assert_cmpuint(naps(&p, us, true, &num), <=, us + 100);
		g_assert_cmpuint(num, <=, 12 + us / 50000);
	}
	/* One that is known is slept for until half of its time. */
	for (i = 0; i < 20; i++)
		tpmix_learn(&p, ORDINAL, 8000, 8000);
	g_assert_cmpuint(tpmix_nap_us(&p, ORDINAL, 0, false), ==, 4000);
	g_assert_cmpuint(tpmix_nap_us(&p, ORDINAL, 1000, false), ==, 3000);
	g_assert_cmpuint(naps(&p, 8000, false, &num), <=, 8000 / 20 + 100);
	g_assert_cmpuint(num, <, 30);
	/* With an interrupt nothing else wakes it, also where it takes longer than usual. */
	g_assert_cmpuint(naps(&p, 11000, true, &num), <=, 11000 / 2);
	g_assert_cmpuint(num, ==, 1);
	/* Nor do a few that were short make it many naps for ever. */
	tpmix_learn(&p, ORDINAL, 60, 0);
	for (i = 0; i < 30; i++)
		tpmix_learn(&p, ORDINAL, 8000, 8000);
	g_assert_cmpuint(tpmix_nap_us(&p, ORDINAL, 0, false), >, 3000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wait/spin", test_spin);
	g_test_add_func("/wait/one-cpu", test_one_cpu);
	g_test_add_func("/wait/long", test_long);
	g_test_add_func("/wait/naps", test_naps);
	return g_test_run();
}
