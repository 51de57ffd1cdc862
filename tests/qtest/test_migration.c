/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A save and a restore in another QEMU after every single access of a transaction,
 * by every door: a command half written (in registers and in RAM), running, its
 * response half read. The guest goes on there and gets the same bytes; the TPM
 * has run the command once.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "txn.h"

/* The same machine after a save, run by another QEMU. */
static QtestClient *move(TpmStub *stub, QtestClient *q,
			 const struct txn_kind *kind, const char *file)
{
	qtest_save(q, file);
	qtest_stop(q);
	q = qtest_start(tpm_stub_connect(stub), "%s -incoming file:%s",
			kind->device, file);
	qtest_wait_running(q);
	return q;
}

static unsigned int count_accesses(TpmStub *stub, QtestClient *q,
				   const struct txn_kind *kind)
{
	struct txn t;

	txn_init(&t, q, kind, 0x20);
	g_assert_true(txn_run(&t));
	g_assert_true(txn_response_is(&t, tpm_stub_executed(stub)));
	return t.made;
}

/* Each QEMU goes on where the one before was saved, over as many as accesses. */
static void at_every_access(gconstpointer data)
{
	const struct txn_kind *kind = data;
	g_autofree char *file = txn_temp_file();
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", kind->device);
	unsigned int accesses = count_accesses(stub, q, kind), k;

	for (k = 0; k <= accesses; k++) {
		unsigned int nth = tpm_stub_executed(stub) + 1;
		struct txn t;
		bool ok;

		txn_init(&t, q, kind, (uint8_t)(k * 3));
		t.ticket = nth;
		t.budget = (int)k;
		ok = txn_run(&t);
		g_assert_true(ok == (k == accesses));
		q = move(stub, q, kind, file);
		g_test_message("saved after access %u of %u", k, accesses);
		if (!ok) {
			g_assert_true(txn_resume(&t, q));
		}
		g_assert_true(txn_response_is(&t, nth));
		g_assert_cmpuint(tpm_stub_executed(stub), ==, nth);
	}
	qtest_stop(q);
	tpm_stub_free(stub);
	g_unlink(file);
}

/* A command in execution when the state is saved: its response migrates. */
static void while_running(gconstpointer data)
{
	const struct txn_kind *kind = data;
	g_autofree char *file = txn_temp_file();
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", kind->device);
	struct txn t;
	int start;

	txn_init(&t, q, kind, 0x43);
	g_assert_true(txn_run(&t));
	start = (int)t.start;

	tpm_stub_set_delay(stub, 300);
	txn_init(&t, q, kind, 0x44);
	t.ticket = 2;
	t.budget = start;
	g_assert_false(txn_run(&t));
	g_assert_true(t.stopped);
	tpm_stub_wait_executed(stub, 2);
	q = move(stub, q, kind, file);
	g_assert_true(txn_resume(&t, q));
	g_assert_true(txn_response_is(&t, 2));
	g_assert_cmpuint(tpm_stub_executed(stub), ==, 2);
	qtest_stop(q);
	tpm_stub_free(stub);
	g_unlink(file);
}

int main(int argc, char **argv)
{
	static const struct txn_kind *const kinds[] = {
		&txn_fifo, &txn_indexed, &txn_ram, &txn_crb, &txn_crb_linux,
		&txn_crb_indexed, &txn_crb_ram, &txn_crb_fifo,
		&txn_crb_fifo_indexed,
	};
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *every = g_strdup_printf("/migration/every/%s",
							 kinds[i]->name);
		g_autofree char *running = g_strdup_printf("/migration/running/%s",
							   kinds[i]->name);

		g_test_add_data_func(every, kinds[i], at_every_access);
		g_test_add_data_func(running, kinds[i], while_running);
	}
	return g_test_run();
}
