/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole transaction with every single access repeated once (at once, late,
 * after the command completed), and with a save and restore after every single
 * access. The same body for both doors and for stock tpm-tis: the FIFO is the
 * control group, and its tests demand that it fails.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "tis.h"

#define STOCK   "-machine q35 -device tpm-tis,id=tpm,tpmdev=tpm0 "
#define INDEXED "-machine q35 -device tpm-tis-indexed,id=tpm,tpmdev=tpm0 "
#define REPLAY  "-device mmio-replay,id=replay,addr=0xfed40000,size=0x5000 "

enum when { NOW, LATE, COMPLETED };
static const char *const when_names[] = { "now", "late", "completed" };

struct kind {
	const char *name;
	const char *device;
	enum tis_door door;
	bool loses;             /* the control group */
};

static const struct kind kinds[] = {
	{ "stock", STOCK, TIS_FIFO, true },
	{ "fifo", INDEXED, TIS_FIFO, true },
	{ "indexed", INDEXED, TIS_INDEXED, false },
};

struct replay_case {
	const struct kind *kind;
	enum when when;
};

struct tally {
	unsigned int right, wrong, failed, ran_again, repeats;
};

/* "completed" repeats those accesses that come before the completion. */
static bool enough(const struct replay_case *c, unsigned int repeats,
		   unsigned int accesses)
{
	return repeats >= (c->when == COMPLETED ? accesses / 4 : accesses / 2);
}

static unsigned int count_accesses(const struct kind *kind)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s",
				     kind->device);
	struct tis t;

	tis_init(&t, q, kind->door, 0x20);
	g_assert_true(tis_transaction(&t));
	g_assert_true(tis_response_is(&t, 1));
	qtest_stop(q);
	tpm_stub_free(stub);
	return t.made;
}

/*
 * One QEMU for all: the transaction before leaves its response, so that a
 * repeat which brings an old one back is seen as well.
 */
static void replay_every_access(gconstpointer data)
{
	const struct replay_case *c = data;
	unsigned int accesses = count_accesses(c->kind);
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *args = g_strconcat(c->kind->device, REPLAY, NULL);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", args);
	struct tally n = { 0 };
	unsigned int k;

	qtest_qom_set_str(q, "replay", "when", when_names[c->when]);
	qtest_qom_set_uint(q, "replay", "delay", 3);
	for (k = 1; k <= accesses; k++) {
		unsigned int before = tpm_stub_executed(stub);
		struct tis t;
		bool ok;

		tis_init(&t, q, c->kind->door, (uint8_t)k);
		t.ticket = before + 1;
		qtest_qom_set_uint(q, "replay", "nth", k);
		qtest_qom_set_bool(q, "replay", "reset-counters", true);
		ok = tis_transaction(&t);
		n.repeats += (unsigned int)(
			qtest_qom_get_uint(q, "replay", "replayed-reads") +
			qtest_qom_get_uint(q, "replay", "replayed-writes"));
		qtest_qom_set_bool(q, "replay", "enabled", false);
		if (!ok) {
			n.failed++;
		} else if (!tis_response_is(&t, before + 1)) {
			n.wrong++;
		} else {
			n.right++;
		}
		n.ran_again += tpm_stub_executed(stub) > before + 1;
		/* whatever is left over: locality 0 gone, FIFO idle */
		qtest_writeb(q, TIS_BASE + 0x18, 0x40);
		qtest_writeb(q, TIS_BASE, 0x20);
		while (tpm_stub_executed(stub) == before) {
			/* a control group's command may be lost for good */
			if (c->kind->loses) {
				break;
			}
			g_usleep(1000);
		}
		qtest_qom_set_bool(q, "replay", "enabled", true);
	}
	g_test_message("%s %s: %u accesses, %u repeats: %u right, %u wrong, "
		       "%u failed, %u ran again", c->kind->name,
		       when_names[c->when], accesses, n.repeats, n.right,
		       n.wrong, n.failed, n.ran_again);
	g_assert_true(enough(c, n.repeats, accesses));
	if (c->kind->loses) {
		g_assert_cmpuint(n.wrong + n.failed, >, 0);
		g_assert_true(c->when == COMPLETED || n.wrong > 0);
	} else {
		g_assert_cmpuint(n.right, ==, accesses);
		g_assert_cmpuint(n.ran_again, ==, 0);
	}
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* Stop, save, another QEMU, go on: bit-identical at every access. */
static void migrate_at_every_access(gconstpointer data)
{
	const struct kind *kind = data;
	unsigned int accesses = count_accesses(kind);
	g_autofree char *file = tis_temp_file();
	unsigned int k;

	for (k = 0; k <= accesses; k++) {
		TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
		QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s",
					     kind->device);
		struct tis t;
		bool ok;

		tis_init(&t, q, kind->door, (uint8_t)(k * 3));
		t.budget = (int)k;
		ok = tis_transaction(&t);
		g_assert_true(ok == (k == accesses));
		qtest_save(q, file);
		qtest_stop(q);
		q = qtest_start(tpm_stub_connect(stub), "%s -incoming file:%s",
				kind->device, file);
		qtest_wait_running(q);
		if (!ok) {
			ok = tis_resume(&t, q);
		}
		g_test_message("saved after access %u", k);
		g_assert_true(ok);
		g_assert_true(tis_response_is(&t, 1));
		g_assert_cmpuint(tpm_stub_executed(stub), ==, 1);
		qtest_stop(q);
		tpm_stub_free(stub);
	}
	g_unlink(file);
}

/* A command in execution when the state is saved: its response migrates. */
static void migrate_while_running(gconstpointer data)
{
	const struct kind *kind = data;
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s",
				     kind->device);
	g_autofree char *file = tis_temp_file();
	struct tis t;

	tpm_stub_set_delay(stub, 300);
	tis_init(&t, q, kind->door, 0x44);
	t.budget = kind->door == TIS_INDEXED ? 8 : 4 + TIS_CMD_SIZE + 3;
	g_assert_false(tis_transaction(&t));
	g_assert_true(t.stopped);
	tpm_stub_wait_executed(stub, 1);
	qtest_save(q, file);
	qtest_stop(q);
	q = qtest_start(tpm_stub_connect(stub), "%s -incoming file:%s",
			kind->device, file);
	qtest_wait_running(q);
	g_assert_true(tis_resume(&t, q));
	g_assert_true(tis_response_is(&t, 1));
	g_assert_cmpuint(tpm_stub_executed(stub), ==, 1);
	qtest_stop(q);
	tpm_stub_free(stub);
	g_unlink(file);
}

int main(int argc, char **argv)
{
	static struct replay_case cases[9];
	unsigned int i, w, n = 0;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *save = g_strdup_printf(
			"/transaction/migrate/%s", kinds[i].name);
		g_autofree char *running = g_strdup_printf(
			"/transaction/migrate-running/%s", kinds[i].name);

		for (w = NOW; w <= COMPLETED; w++, n++) {
			g_autofree char *name = g_strdup_printf(
				"/transaction/replay-%s/%s", when_names[w],
				kinds[i].name);

			cases[n] = (struct replay_case) { &kinds[i], w };
			g_test_add_data_func(name, &cases[n],
					     replay_every_access);
		}
		if (kinds[i].door == TIS_FIFO && !strcmp(kinds[i].name, "stock")) {
			continue;
		}
		g_test_add_data_func(save, &kinds[i], migrate_at_every_access);
		g_test_add_data_func(running, &kinds[i], migrate_while_running);
	}
	return g_test_run();
}
