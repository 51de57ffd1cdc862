/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "sync-us": a command ends within the write that begins it, or that write returns
 * after that time and the command ends later. And the bounds of what QEMU itself
 * waits for: a TPM that does not answer at a reset, or when its state is saved.
 */
#include <string.h>

#include "fault_rig.h"
#include "tpmix.h"

#define COMMANDS 40

/* A command that nothing delays ends in far less; a loaded machine may delay. */
#define LONG "tpm-crb-ext,sync-us=10000"

static uint64_t count(struct fixture *f, const char *name)
{
	return qtest_qom_get_uint(f->q, "tpm", name);
}

/* How often QEMU's thread for the TPM waited for something, until now. */
static unsigned long wakeups(struct fixture *f)
{
	g_autofree char *file = g_strdup_printf("/proc/%d/task/%d/status", qtest_pid(f->q),
						fault_backend_thread(f));
	g_autofree char *status = NULL;
	const char *line;

	g_assert_true(g_file_get_contents(file, &status, NULL, NULL));
	line = strstr(status, "\nvoluntary_ctxt_switches:");
	g_assert_nonnull(line);
	return strtoul(strchr(line, ':') + 1, NULL, 10);
}

static uint32_t completed(struct fixture *f)
{
	return qtest_readl(f->q, tpm_guest_indexed(f->q) + TPMIX_REG_COMPLETED);
}

/* Rings; the number of commands that the first look finds completed. */
static unsigned int ring_all(struct fixture *f)
{
	unsigned int i, found = 0;

	for (i = 0; i < COMMANDS; i++) {
		uint32_t ticket = tpm_guest_ring(f->q, &tpm_get_cap);

		found += completed(f) == ticket;
		g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	}
	return found;
}

/* The locality is known to the TPM, which needs the thread. */
static void prepare(struct fixture *f)
{
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
}

static void within(struct fixture *f, gconstpointer unused)
{
	uint64_t before, ended;
	unsigned long woken;
	unsigned int found;

	(void)unused;
	prepare(f);
	before = count(f, "sync-completions");
	ended = count(f, "completions");
	woken = wakeups(f);
	found = ring_all(f);
	woken = wakeups(f) - woken;
	g_test_message("%u of %u within the write, the thread woken %lu times", found, COMMANDS,
		       woken);
	g_assert_cmpuint(found, >=, COMMANDS / 2);
	g_assert_cmpuint(count(f, "sync-completions") - before, <=, found);
	g_assert_cmpuint(count(f, "completions") - ended, ==, COMMANDS);
	/* handed over, its answer, the lock: for those alone that were late */
	g_assert_cmpuint(woken, <=, 8 * (COMMANDS - found) + 2);
}

/* The same property of QEMU's own devices: how many the first look finds. */
static bool stock_tis_ends(QtestClient *q)
{
	unsigned int i;

	qtest_writeb(q, TPM_GUEST_BASE, TPM_ACCESS_REQUEST_USE);
	qtest_writel(q, TPM_GUEST_BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
	for (i = 0; i < tpm_get_cap.size; i++) {
		qtest_writeb(q, TPM_GUEST_BASE + TPM_REG_DATA_FIFO, tpm_get_cap.bytes[i]);
	}
	qtest_writel(q, TPM_GUEST_BASE + TPM_REG_STS, TPM_STS_GO);
	return qtest_readl(q, TPM_GUEST_BASE + TPM_REG_STS) & TPM_STS_DATA_AVAIL;
}

static bool stock_crb_ends(QtestClient *q)
{
	qtest_writel(q, TPM_GUEST_BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	qtest_writel(q, TPM_GUEST_BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	qtest_write(q, qtest_readl(q, TPM_GUEST_BASE + TPM_REG_CTRL_CMD_LADDR), tpm_get_cap.bytes,
		    tpm_get_cap.size);
	qtest_writel(q, TPM_GUEST_BASE + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	return qtest_readl(q, TPM_GUEST_BASE + TPM_REG_CTRL_START) == 0;
}

static void stock(gconstpointer device)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device %s,tpmdev=tpm0",
				     (const char *)device);
	unsigned int i, found = 0;

	for (i = 0; i < COMMANDS; i++) {
		if (strstr(device, "crb")) {
			found += stock_crb_ends(q);
			qtest_await(q, TPM_GUEST_BASE + TPM_REG_CTRL_START, 4, 1, 0);
		} else {
			found += stock_tis_ends(q);
			qtest_await(q, TPM_GUEST_BASE + TPM_REG_STS, 4, TPM_STS_DATA_AVAIL,
				    TPM_STS_DATA_AVAIL);
			qtest_writel(q, TPM_GUEST_BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
		}
	}
	g_test_message("%u of %u", found, COMMANDS);
	g_assert_cmpuint(found, >=, COMMANDS / 2);
	g_assert_cmpuint(tpm_stub_executed(stub), ==, COMMANDS);
	qtest_stop(q);
	tpm_stub_free(stub);
}

static void off(struct fixture *f, gconstpointer unused)
{
	unsigned long woken;

	(void)unused;
	prepare(f);
	woken = wakeups(f);
	ring_all(f);
	g_assert_cmpuint(wakeups(f) - woken, >=, COMMANDS);
}

/* No longer than it says, whatever the TPM does, and the command is not lost. */
static void bound(struct fixture *f, gconstpointer unused)
{
	gint64 start;
	uint32_t ticket;

	(void)unused;
	prepare(f);
	tpm_stub_hold(f->stub);
	tpm_guest_put(f->q, &tpm_get_cap);
	start = g_get_monotonic_time();
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 10000);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 1000000);
	tpm_stub_wait_held(f->stub);
	g_assert_cmpuint(completed(f), !=, ticket);
	fault_check_alive(f);
	tpm_stub_release(f->stub, false);
	g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 2);
}

/* Who asked for an interrupt sleeps, and the write is not held up. */
static void asked(struct fixture *f, gconstpointer unused)
{
	gint64 least = G_MAXINT64;
	unsigned int i;

	(void)unused;
	prepare(f);
	for (i = 0; i < 5; i++) {
		uint32_t ticket;
		gint64 start;

		tpm_stub_hold(f->stub);
		start = g_get_monotonic_time();
		ticket = tpm_guest_ring_int(f->q, &tpm_get_cap);
		least = MIN(least, g_get_monotonic_time() - start);
		tpm_stub_wait_held(f->stub);
		tpm_stub_release(f->stub, false);
		g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	}
	g_assert_cmpint(least, <, 8000); /* of the 10000 us that others wait */
	g_assert_cmpuint(count(f, "sync-completions"), <=, 1);
}

static void begin(struct fixture *f, gconstpointer device)
{
	fault_begin_stub(f, device, tpm_stub_new(TPM_STUB_2_0));
}

static void begin_patiently(struct fixture *f, gconstpointer variant)
{
	f->stall_ms = 60000;
	fault_setup_swtpm(f, variant);
}

/* A TPM that is stopped, for longer than QEMU waits; it is there again after a reset. */
static void stopped_reset(struct fixture *f, gconstpointer running)
{
	const struct variant *v = running;
	JsonNode *status;
	gint64 start;

	tpm_guest_take(f->q);
	swtpm_pause(f->tpm);
	if (v->data) {
		tpm_guest_ring(f->q, &tpm_get_cap);
	}
	start = g_get_monotonic_time();
	qtest_reset(f->q);
	status = qtest_qmp(f->q, "query-status", NULL);
	json_node_unref(status);
	g_test_message("QEMU waited %.1f s", (g_get_monotonic_time() - start) / 1e6);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 30000000);
	g_assert_false(tpm_guest_has_tpm(f->q));
	swtpm_continue(f->tpm);
	/* it answers what it was asked last, and then is asked again */
	for (start = g_get_monotonic_time(); !tpm_guest_has_tpm(f->q); g_usleep(100000)) {
		g_assert_cmpint(g_get_monotonic_time() - start, <, 10000000);
		qtest_reset(f->q);
	}
	tpm_guest_honest(f->q);
}

/* QEMU's own devices lose their TPM, too, and not their machine. */
static void stock_stopped_reset(gconstpointer device)
{
	struct swtpm *tpm = swtpm_new(NULL);
	QtestClient *q;

	swtpm_run(tpm);
	q = swtpm_qemu(tpm, -1, device, "", "");
	swtpm_pause(tpm);
	qtest_reset(q);
	json_node_unref(qtest_qmp(q, "query-status", NULL));
	swtpm_continue(tpm);
	qtest_kill(q);
	swtpm_free(tpm);
}

static void stopped_save(struct fixture *f, gconstpointer running)
{
	const struct variant *v = running;
	uint32_t ticket = 0;
	gint64 start;

	tpm_guest_take(f->q);
	swtpm_pause(f->tpm);
	if (v->data) {
		ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	}
	start = g_get_monotonic_time();
	fault_fails_to_save(f);
	g_test_message("QEMU waited %.1f s", (g_get_monotonic_time() - start) / 1e6);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 50000000);
	swtpm_continue(f->tpm);
	/* the machine runs on, and so does its command */
	if (v->data) {
		g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	}
	tpm_guest_honest(f->q);
	fault_saves(f);
}

int main(int argc, char **argv)
{
	static const struct variant idle = { "tpm-crb-ext", NULL };
	static const struct variant busy = { "tpm-tis-indexed", "" };

	g_test_init(&argc, &argv, NULL);
#define SYNC(path, device, func) \
	g_test_add("/sync/" path, struct fixture, device, begin, func, fault_teardown)
	SYNC("within/tis", "tpm-tis-indexed,sync-us=10000", within);
	SYNC("within/crb", LONG, within);
	SYNC("off/tis", "tpm-tis-indexed,sync-us=0", off);
	SYNC("off/crb", "tpm-crb-ext,sync-us=0", off);
	SYNC("bound", LONG, bound);
	SYNC("asked", LONG, asked);
	g_test_add_data_func("/sync/stock/tis", "tpm-tis,sync-us=10000", stock);
	g_test_add_data_func("/sync/stock/crb", "tpm-crb,sync-us=10000", stock);
	FAULT_ADD("/sync/stopped/reset", &idle, begin_patiently, stopped_reset);
	FAULT_ADD("/sync/stopped/reset-running", &busy, begin_patiently, stopped_reset);
	g_test_add_data_func("/sync/stopped/stock-tis", "tpm-tis", stock_stopped_reset);
	g_test_add_data_func("/sync/stopped/stock-crb", "tpm-crb", stock_stopped_reset);
	FAULT_ADD("/sync/stopped/save", &idle, begin_patiently, stopped_save);
	FAULT_ADD("/sync/stopped/save-running", &busy, begin_patiently, stopped_save);
	return g_test_run();
}
