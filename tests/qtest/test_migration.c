/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A save and a restore in another QEMU after every single access of a transaction,
 * by every door: a command half written (in registers and in RAM), running, its
 * response half read. The guest goes on there and gets the same bytes; the TPM
 * has run the command once. And a save while the TPM changes hands.
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

/*
 * Each QEMU goes on where the one before was saved, over as many as accesses. Where
 * commands end after the write that begins them (TPM_SYNC_US=0), what comes before that
 * write is the same: then only what comes with it and after it.
 */
static void at_every_access(gconstpointer data)
{
	const bool late = g_getenv("TPM_SYNC_US");
	const struct txn_kind *kind = data;
	g_autofree char *file = txn_temp_file();
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", kind->device);
	unsigned int accesses = count_accesses(stub, q, kind), saves = 0, k;

	for (k = 0; k <= accesses; k++) {
		unsigned int nth = tpm_stub_executed(stub) + 1;
		struct txn t;
		bool ok;

		txn_init(&t, q, kind, (uint8_t)(k * 3));
		t.ticket = nth;
		t.budget = (int)k;
		ok = txn_run(&t);
		g_assert_true(ok == (k == accesses));
		if (!late || tpm_stub_executed(stub) == nth) {
			q = move(stub, q, kind, file);
			g_test_message("saved after access %u of %u", k, accesses);
			saves++;
		}
		if (!ok) {
			g_assert_true(txn_resume(&t, q));
		}
		g_assert_true(txn_response_is(&t, nth));
		g_assert_cmpuint(tpm_stub_executed(stub), ==, nth);
	}
	g_assert_true(late ? saves > 2 : saves == accesses + 1);
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

/* Localities: one's command runs while the state is saved, another is active */

#define RAM_WINDOW (TXN_BASE + 0x10000u)

struct hand_over {
	const struct txn_kind *kind;
	unsigned int from, to;
	bool in_ram;    /* locality 0 writes its command into the window in RAM */
	bool new_owner; /* who goes on at the destination */
};

static uint64_t indexed(const struct hand_over *h, unsigned int locality, uint32_t reg)
{
	return TXN_BASE + h->kind->indexed + locality * 0x1000u + reg;
}

static void request(QtestClient *q, const struct hand_over *h, unsigned int locality)
{
	uint64_t page = TXN_BASE + locality * 0x1000u;

	if (h->kind->crb) {
		qtest_writel(q, page + 0x08, 1);
		g_assert_cmphex(qtest_readl(q, page + 0x0C) & 1, ==, 1);
	} else {
		qtest_writeb(q, page, 0x02);
		g_assert_cmphex(qtest_readb(q, page) & 0x20, ==, 0x20);
	}
}

static void pass_on(QtestClient *q, const struct hand_over *h, unsigned int from,
		    unsigned int to)
{
	uint64_t page = TXN_BASE + from * 0x1000u;

	/* a request of a locality while another is active only waits */
	if (h->kind->crb) {
		qtest_writel(q, TXN_BASE + to * 0x1000u + 0x08, 1);
		qtest_writel(q, page + 0x08, 2);
	} else {
		qtest_writeb(q, TXN_BASE + to * 0x1000u, 0x02);
		qtest_writeb(q, page, 0x20);
	}
	request(q, h, to);
}

static void write_command(QtestClient *q, const struct hand_over *h,
			  unsigned int locality, uint8_t fill)
{
	uint8_t cmd[TXN_CMD_SIZE] = { 0x80, 0x01, 0, 0, 0, TXN_CMD_SIZE };
	unsigned int i;

	memset(cmd + 10, fill, sizeof(cmd) - 10);
	if (locality == 0 && h->in_ram) {
		qtest_write(q, RAM_WINDOW, cmd, sizeof(cmd));
		return;
	}
	qtest_writel(q, indexed(h, locality, 0xFC0), 0);
	for (i = 0; i < sizeof(cmd); i++) {
		qtest_writeb(q, indexed(h, locality, 0x100 + i), cmd[i]);
	}
}

static uint32_t ring(QtestClient *q, const struct hand_over *h, unsigned int locality)
{
	uint32_t ticket = qtest_readl(q, indexed(h, locality, 0xFD0)) + 1;

	qtest_writel(q, indexed(h, locality, 0xFCC), ticket);
	g_assert_cmphex(qtest_readl(q, indexed(h, locality, 0xFD0)), ==, ticket);
	return ticket;
}

/* The TPM's nth command was the one of that locality's write_command(). */
static void assert_executed(TpmStub *stub, unsigned int nth, uint8_t fill)
{
	GBytes *cmd;
	gsize size;
	const uint8_t *bytes;
	unsigned int i;

	g_assert_cmpuint(tpm_stub_executed(stub), ==, nth);
	cmd = tpm_stub_command(stub, nth);
	bytes = g_bytes_get_data(cmd, &size);
	g_assert_cmpuint(size, ==, TXN_CMD_SIZE);
	for (i = 10; i < size; i++) {
		g_assert_cmphex(bytes[i], ==, fill);
	}
	g_bytes_unref(cmd);
}

/* The response to the TPM's nth command, by register and in RAM. */
static void assert_response(QtestClient *q, const struct hand_over *h,
			    unsigned int locality, unsigned int nth)
{
	uint8_t rsp[14];

	g_assert_cmpuint(qtest_readl(q, indexed(h, locality, 0xFDC)), ==,
			 TXN_RSP_SIZE);
	qtest_writel(q, indexed(h, locality, 0xFC0), 0);
	qtest_read(q, indexed(h, locality, 0x100), rsp, sizeof(rsp));
	g_assert_cmphex(rsp[13], ==, nth);
	if (locality == 0) {
		qtest_read(q, TXN_BASE + 0x20000, rsp, sizeof(rsp));
		g_assert_cmphex(rsp[13], ==, nth);
	}
}

static gpointer release_soon(gpointer stub)
{
	g_usleep(G_USEC_PER_SEC / 2);
	tpm_stub_release(stub, false);
	return NULL;
}

/* @from's command runs, @to is active and has written its own. */
static QtestClient *hand_over(TpmStub *stub, QtestClient *q, const char *file,
			      const struct hand_over *h)
{
	unsigned int n = tpm_stub_executed(stub);
	uint8_t old = (uint8_t)(n + 1), new = (uint8_t)(n + 2);
	GThread *thread;
	uint32_t ticket;

	g_test_message("%u to %u, %s goes on", h->from, h->to,
		       h->new_owner ? "the new" : "the old");
	request(q, h, h->from);
	write_command(q, h, h->from, old);
	tpm_stub_hold(stub);
	ticket = ring(q, h, h->from);
	tpm_stub_wait_held(stub);
	pass_on(q, h, h->from, h->to);
	write_command(q, h, h->to, new);
	thread = g_thread_new("release", release_soon, stub);
	q = move(stub, q, h->kind, file);
	g_thread_join(thread);

	assert_executed(stub, n + 1, old);
	request(q, h, h->to);
	g_assert_cmphex(qtest_readl(q, indexed(h, h->to, 0xFD8)), ==, ticket);
	g_assert_cmphex(qtest_readl(q, indexed(h, h->to, 0xFDC)), ==, 0);
	if (h->new_owner) {
		ticket = ring(q, h, h->to);
		qtest_await(q, indexed(h, h->to, 0xFD8), 4, G_MAXUINT32, ticket);
		assert_executed(stub, n + 2, new);
		assert_response(q, h, h->to, n + 2);
	} else {
		pass_on(q, h, h->to, h->from);
		assert_response(q, h, h->from, n + 1);
	}
	pass_on(q, h, h->new_owner ? h->to : h->from, 3);
	if (h->kind->crb) {
		qtest_writel(q, TXN_BASE + 0x3008, 2);
	} else {
		qtest_writeb(q, TXN_BASE + 0x3000, 0x20);
	}
	return q;
}

static void hand_overs(gconstpointer kind)
{
	g_autofree char *file = txn_temp_file();
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	struct hand_over h = { .kind = kind };
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "%s", h.kind->device);

	/* or it would be over before the save */
	tpm_stub_ignore_cancels(stub);
	for (h.from = 0; h.from < 4; h.from++) {
		for (h.to = 0; h.to < 4; h.to++) {
			if (h.from == h.to) {
				continue;
			}
			h.in_ram = (h.from + h.to) & 1;
			h.new_owner = true;
			q = hand_over(stub, q, file, &h);
			h.new_owner = false;
			q = hand_over(stub, q, file, &h);
		}
	}
	qtest_stop(q);
	tpm_stub_free(stub);
	g_unlink(file);
}

static void await_migration(QtestClient *q, const char *status)
{
	const char *is = "";
	JsonNode *reply = NULL;
	unsigned int i;

	for (i = 0; i < 3000 && strcmp(is, status); i++) {
		g_clear_pointer(&reply, json_node_unref);
		g_usleep(10000);
		reply = qtest_qmp(q, "query-migrate", NULL);
		is = json_object_get_string_member_with_default(
			json_node_get_object(reply), "status", "");
	}
	g_assert_cmpstr(is, ==, status);
	json_node_unref(reply);
}

/*
 * What the engine writes into RAM after RAM was sent once: by the trapped window
 * into locality 0's command, and the wipe of a new owner.
 */
static void after_first_pass(gconstpointer kind)
{
	g_autofree char *file = txn_temp_file();
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	struct hand_over h = { .kind = kind };
	static const uint8_t wiped[TXN_CMD_SIZE];
	uint8_t there[TXN_CMD_SIZE];
	QtestClient *q;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		q = qtest_start(tpm_stub_connect(stub), "%s", h.kind->device);
		request(q, &h, 0);
		write_command(q, &h, 0, 0xAA);
		json_node_unref(qtest_qmp(q, "migrate-set-capabilities",
			"{\"capabilities\":[{\"capability\":"
			"\"pause-before-switchover\",\"state\":true}]}"));
		json_node_unref(qtest_qmp(q, "migrate", "{\"uri\":\"file:%s\"}",
					  file));
		await_migration(q, "pre-switchover");
		if (i == 0) {
			write_command(q, &h, 0, 0x55);
		} else {
			pass_on(q, &h, 0, 2);
		}
		json_node_unref(qtest_qmp(q, "migrate-continue",
					  "{\"state\":\"pre-switchover\"}"));
		await_migration(q, "completed");
		qtest_stop(q);
		q = qtest_start(tpm_stub_connect(stub), "%s -incoming file:%s",
				h.kind->device, file);
		qtest_wait_running(q);
		qtest_read(q, RAM_WINDOW, there, sizeof(there));
		if (i == 0) {
			uint32_t ticket = ring(q, &h, 0);

			g_assert_cmphex(there[10], ==, 0x55);
			qtest_await(q, indexed(&h, 0, 0xFD8), 4, G_MAXUINT32,
				    ticket);
			assert_executed(stub, 1, 0x55);
		} else {
			g_assert_cmpmem(there, sizeof(there), wiped,
					sizeof(wiped));
		}
		qtest_stop(q);
	}
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
	/* as where the machine's memory is confidential */
	static const struct txn_kind *const trapped[] = {
		&txn_indexed, &txn_fifo, &txn_crb, &txn_crb_linux,
		&txn_crb_indexed,
	};
	static struct txn_kind ram_off[G_N_ELEMENTS(trapped)];
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
	for (i = 0; i < G_N_ELEMENTS(ram_off); i++) {
		g_autofree char *path = g_strdup_printf("/migration/ram-off/%s",
							trapped[i]->name);
		g_autofree char *device = g_strchomp(g_strdup(trapped[i]->device));

		ram_off[i] = *trapped[i];
		ram_off[i].device = g_strdup_printf("%s,ram=off", device);
		g_test_add_data_func(path, &ram_off[i], at_every_access);
	}
	g_test_add_data_func("/migration/hand-over/tis", &txn_indexed, hand_overs);
	g_test_add_data_func("/migration/hand-over/crb", &txn_crb_indexed, hand_overs);
	g_test_add_data_func("/migration/after-first-pass/tis", &txn_indexed,
			     after_first_pass);
	g_test_add_data_func("/migration/after-first-pass/crb", &txn_crb_indexed,
			     after_first_pass);
	return g_test_run();
}
