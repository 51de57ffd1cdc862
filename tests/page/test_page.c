/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One or more checks of each sentence of docs/specification.md that can be checked, on
 * the engine. tests/check_page.py finds the sentences on the page and those that have
 * no check.
 */
#include "checks.h"

static void run_check(gconstpointer data)
{
	const struct check *check = data;

	check->run();
	memory_is_right();
	rig_end(&rig);
	rig.m = NULL;
}

static void add(const struct check *check)
{
	for (; check->name; check++) {
		char *name = g_strdup_printf("/page/%s", check->name);

		g_test_add_data_func(name, check, run_check);
		g_free(name);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	add(checks_general);
	add(checks_fifo);
	add(checks_crb);
	add(checks_indexed);
	add(checks_transaction);
	return g_test_run();
}
