/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole transaction with every single access repeated once: at once, after
 * some more accesses, after the command completed; by every door, of the devices
 * and of stock ones beside them. By mmio-replay, for what traps, and by making
 * the access twice, for RAM as well. The stock devices and the FIFO are the
 * control group, and their rows demand that they fail.
 *
 * TPM_CELLS=FILE, for ./run eval: no test, but what became of each access of each row,
 * a JSON value a line, and beside it of a guest that was rolled back to that access.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "txn.h"
#include "tpmix.h"

#define OVERLAY "-device mmio-replay,id=replay,addr=0xfed40000,size=0xb000,nth=0"
#define DONE_OURS ",done-device=tpm "
#define DONE_CRB ",done-addr=0x4c,done-mask=1,done-value=0 "

struct when {
	const char *name;
	enum txn_when when;
	unsigned int delay;
};

static const struct when whens[] = {
	{ "now", TXN_NOW, 1 },
	{ "late-1", TXN_LATE, 1 },
	{ "late-3", TXN_LATE, 3 },
	{ "late-10", TXN_LATE, 10 },
	{ "completed", TXN_COMPLETED, 1 },
};

struct row {
	const struct txn_kind *kind;
	const struct when *when;
	bool overlay;
};

struct tally {
	struct txn one; /* a transaction without a repeat */
	unsigned int repeats, right, wrong, failed, ran_again;
};

/* Only commands are executed: a response sent as one has the code 0. */
static size_t answer(void *opaque, const uint8_t *cmd, size_t size,
		     unsigned int nth, uint8_t *rsp, size_t max)
{
	static const uint8_t command_code[] = {
		0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x43,
	};

	if (cmd[8] == 0x01 && cmd[9] == 0x7B) {
		return tpm_stub_answer_default(opaque, cmd, size, nth, rsp, max);
	}
	memcpy(rsp, command_code, sizeof(command_code));
	return sizeof(command_code);
}

static bool is_fifo(const struct txn_kind *kind)
{
	return kind == &txn_stock_fifo || kind == &txn_fifo;
}

/*
 * Rows that say something: of the control group those that must fail whatever the
 * TPM's timing is (test_replay_stock.c has the others), and no delay that is
 * longer than what traps.
 */
static bool wanted(const struct row *row)
{
	const struct when *w = row->when;
	bool late = w->when == TXN_LATE;

	if (is_fifo(row->kind)) {
		return row->overlay && (!late || w->delay == 3);
	}
	if (row->kind->stock) {
		return w->when == TXN_COMPLETED ||
		       (!row->overlay && late && w->delay == 3);
	}
	return !(row->overlay && late && w->delay > 3);
}

/* Whatever is left over: nothing runs, locality 0 is gone, the FIFO idle. */
static void clean_up(QtestClient *q, const struct txn_kind *kind)
{
	if (!kind->crb) {
		qtest_writeb(q, TXN_BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
		qtest_writeb(q, TXN_BASE, TPM_ACCESS_ACTIVE_LOCALITY);
		return;
	}
	qtest_await(q, TXN_BASE + TPM_REG_CTRL_START, 4, TPM_CTRL_START_INVOKE, 0);
	qtest_writel(q, TXN_BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH);
}

static void count(struct tally *n, bool ok, const struct txn *t,
		  unsigned int nth, unsigned int executed)
{
	if (!ok) {
		n->failed++;
	} else if (!txn_response_is(t, nth)) {
		n->wrong++;
	} else {
		n->right++;
	}
	n->ran_again += executed > nth;
}

/*
 * One QEMU for all: the transaction before leaves its response, so that a
 * repeat which brings an old one back is seen as well.
 */
static void repeat_every_access(const struct row *row, QtestClient *q,
				TpmStub *stub, struct tally *n)
{
	unsigned int k;

	for (k = 0; k <= n->one.made; k++) {
		unsigned int nth = tpm_stub_executed(stub) + 1;
		struct txn t;
		bool ok;

		txn_init(&t, q, row->kind, (uint8_t)k);
		t.ticket = nth;
		t.repeat.nth = k;
		t.repeat.when = row->when->when;
		t.repeat.delay = row->when->delay;
		t.repeat.overlay = row->overlay;
		ok = txn_run(&t);
		n->repeats += t.repeat.done;
		if (row->overlay) {
			n->repeats += (unsigned int)(
				qtest_qom_get_uint(q, "replay", "replayed-reads") +
				qtest_qom_get_uint(q, "replay", "replayed-writes"));
			qtest_qom_set_uint(q, "replay", "nth", 0);
			qtest_qom_set_bool(q, "replay", "reset-counters", true);
		}
		clean_up(q, row->kind);
		if (k > 0) {
			count(n, ok, &t, nth, tpm_stub_executed(stub));
		} else {
			/* without a repeat, to know what a transaction is */
			g_assert_true(ok && txn_response_is(&t, nth));
			n->one = t;
		}
	}
}

/* Accesses that can be repeated: the delay must not outlast the transaction. */
static unsigned int repeatable(const struct row *row, const struct txn *one)
{
	unsigned int all = row->overlay ? one->trapped : one->made;

	switch (row->when->when) {
	case TXN_LATE:
		return all - row->when->delay;
	case TXN_COMPLETED:
		return row->overlay ? one->trapped_start : one->start;
	default:
		return all;
	}
}

static void judge(const struct row *row, const struct tally *n)
{
	g_assert_cmpuint(n->repeats, >=, repeatable(row, &n->one));
	if (!row->kind->stock && !is_fifo(row->kind)) {
		g_assert_cmpuint(n->right, ==, n->one.made);
		g_assert_cmpuint(n->ran_again, ==, 0);
	} else {
		g_assert_cmpuint(n->wrong + n->failed, >, 0);
	}
}

static void replay(gconstpointer data)
{
	const struct row *row = data;
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	const char *done = !row->kind->stock ? DONE_OURS :
			   row->kind->crb ? DONE_CRB : "";
	g_autofree char *args = g_strconcat(row->kind->device,
		row->overlay ? OVERLAY : "", row->overlay ? done : "", NULL);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", args);
	struct tally n = { 0 };

	tpm_stub_set_answer(stub, answer, NULL);
	repeat_every_access(row, q, stub, &n);
	g_test_message("%s %s %s: %u accesses, %u repeats: %u right, %u wrong, "
		       "%u failed, %u ran again", row->kind->name,
		       row->overlay ? "overlay" : "twice", row->when->name,
		       n.one.made, n.repeats, n.right, n.wrong, n.failed,
		       n.ran_again);
	judge(row, &n);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* Of ./run eval */

/*
 * The guest makes all of the transaction but the last access, by which it would give the
 * locality back, and is then again what it was before access @k. The TPM is what it is.
 */
static bool roll_back(struct txn *t, QtestClient *q, unsigned int k, unsigned int all)
{
	struct txn then;

	t->budget = (int)k - 1;
	txn_run(t);
	then = *t;
	t->skip = t->made;
	t->made = 0;
	t->stopped = false;
	t->budget = (int)all - 1;
	txn_run(t);
	*t = then;
	return txn_resume(t, q);
}

static char letter(bool ok, const struct txn *t, unsigned int nth, unsigned int executed)
{
	if (executed > nth) {
		return '2';
	}
	return !ok ? 'E' : txn_response_is(t, nth) ? 'R' : 'W';
}

/* @w NULL: rolled back. A TPM of its own for each row. */
static void cells_of(const struct txn_kind *kind, const struct when *w, FILE *out)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", kind->device);
	unsigned int k, all = 0;

	tpm_stub_set_answer(stub, answer, NULL);
	for (k = 0; k <= all; k++) {
		unsigned int nth = tpm_stub_executed(stub) + 1;
		struct txn t;
		bool ok;

		txn_init(&t, q, kind, (uint8_t)k);
		t.ticket = nth;
		t.gives_up = true;
		if (k && !w) {
			ok = roll_back(&t, q, k, all);
		} else {
			t.repeat.nth = k;
			t.repeat.when = w ? w->when : TXN_NOW;
			t.repeat.delay = w ? w->delay : 1;
			ok = txn_run(&t);
		}
		clean_up(q, kind);
		if (k) {
			/* A START may be on its way to the TPM. */
			g_usleep(kind->stock ? 2000 : 0);
			fputc(letter(ok, &t, nth, tpm_stub_executed(stub)), out);
			continue;
		}
		g_assert_true(ok && txn_response_is(&t, nth));
		all = t.made;
		fprintf(out, "{\"door\": \"%s\", \"when\": \"%s\", \"accesses\": %u, "
			"\"trapped\": %u, \"start\": %u, \"cells\": \"", kind->name,
			w ? w->name : "rolled-back", all, t.trapped, t.start);
	}
	fprintf(out, "\"}\n");
	qtest_stop(q);
	tpm_stub_free(stub);
}

static int cells(const char *path, const struct txn_kind *const *kinds, unsigned int num)
{
	FILE *out = fopen(path, "w");
	unsigned int i, k;

	g_assert_nonnull(out);
	for (i = 0; i < num; i++) {
		for (k = 0; k < G_N_ELEMENTS(whens); k++) {
			if (whens[k].when != TXN_LATE || whens[k].delay == 3) {
				cells_of(kinds[i], &whens[k], out);
			}
		}
		cells_of(kinds[i], NULL, out);
	}
	return fclose(out) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct txn_kind *const kinds[] = {
		&txn_stock_fifo, &txn_stock_crb, &txn_stock_linux, &txn_fifo,
		&txn_indexed, &txn_ram, &txn_crb, &txn_crb_linux,
		&txn_crb_indexed, &txn_crb_ram, &txn_crb_fifo_indexed,
	};
	static struct row rows[2 * G_N_ELEMENTS(kinds) * G_N_ELEMENTS(whens)];
	unsigned int i;

	if (g_getenv("TPM_CELLS")) {
		return cells(g_getenv("TPM_CELLS"), kinds, G_N_ELEMENTS(kinds));
	}
	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct row *row = &rows[i];
		g_autofree char *path = NULL;

		row->overlay = i & 1;
		row->when = &whens[i / 2 % G_N_ELEMENTS(whens)];
		row->kind = kinds[i / 2 / G_N_ELEMENTS(whens)];
		path = g_strdup_printf("/replay/%s/%s/%s", row->kind->name,
				       row->overlay ? "overlay" : "twice",
				       row->when->name);
		if (wanted(row)) {
			g_test_add_data_func(path, row, replay);
		}
	}
	return g_test_run();
}
