/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault_rig.h"

#include <string.h>

#include "tpmix.h"

#define BASE     TPM_GUEST_BASE
#define STALL_MS 5000 /* a test that hangs QEMU ends after that, or its own time */
#define WAIT_US  700000
#define THREAD   "IO tpm-emulator"

static void stalled(void)
{
	g_error("QEMU does not answer QMP");
}

void fault_start_qemu(struct fixture *f, const char *chardev, const char *extra)
{
	g_autofree char *qmp = swtpm_qmp_path(f->tpm);

	f->q = swtpm_qemu(f->tpm, f->stub ? tpm_stub_connect(f->stub) : -1,
			  f->device, chardev, extra);
	f->probe = qmp_probe_start(qmp, (GPid[]) { qtest_pid(f->q), 0 },
				   f->stall_ms ? f->stall_ms : STALL_MS, stalled);
}

void fault_end_qemu(struct fixture *f)
{
	if (f->q) {
		qmp_probe_stop(f->probe);
		qtest_kill(f->q);
		f->q = NULL;
	}
}

static void set_device(struct fixture *f, const char *device)
{
	f->device = device;
	f->crb = g_str_has_prefix(device, "tpm-crb-ext");
}

void fault_begin_swtpm(struct fixture *f, const char *device, const char *state,
		       const char *chardev)
{
	set_device(f, device);
	f->tpm = swtpm_new(state);
	swtpm_run(f->tpm);
	fault_start_qemu(f, chardev, "");
	tpm_guest_honest(f->q);
}

void fault_setup_swtpm(struct fixture *f, gconstpointer variant)
{
	const struct variant *v = variant;

	fault_begin_swtpm(f, v->device, NULL, v->data ? v->data : "");
}

void fault_begin_stub(struct fixture *f, const char *device, TpmStub *stub)
{
	set_device(f, device);
	f->tpm = swtpm_new(NULL);
	f->stub = stub;
	fault_start_qemu(f, "", "");
	tpm_guest_take(f->q);
}

void fault_setup_stub(struct fixture *f, gconstpointer variant)
{
	const struct variant *v = variant;

	fault_begin_stub(f, v->device, tpm_stub_new(TPM_STUB_2_0));
}

void fault_teardown(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	fault_end_qemu(f);
	if (f->stub) {
		tpm_stub_free(f->stub);
	}
	swtpm_free(f->tpm);
}

static char *saved_path(const struct fixture *f)
{
	return g_build_filename(f->tpm->dir, "saved", NULL);
}

/* Waits until the migration, either way, was completed or has failed. */
static bool migrated(struct fixture *f)
{
	bool done, failed;

	do {
		JsonNode *node = qtest_qmp(f->q, "query-migrate", NULL);
		const char *status = json_object_get_string_member(
			json_node_get_object(node), "status");

		done = strcmp(status, "completed") == 0;
		failed = strcmp(status, "failed") == 0;
		g_assert_true(!failed || json_object_has_member(
			json_node_get_object(node), "error-desc"));
		json_node_unref(node);
		g_usleep(1000);
	} while (!done && !failed);
	return done;
}

bool fault_save(struct fixture *f)
{
	g_autofree char *file = saved_path(f);
	bool done;

	json_node_unref(qtest_qmp(f->q, "migrate", "{\"uri\":\"file:%s\"}", file));
	done = migrated(f);
	json_node_unref(qtest_qmp(f->q, "cont", NULL));
	return done;
}

void fault_fails_to_come_in(struct fixture *f)
{
	g_autofree char *file = saved_path(f);

	json_node_unref(qtest_qmp(f->q, "migrate-incoming",
				  "{\"uri\":\"file:%s\",\"exit-on-error\":false}", file));
	g_assert_false(migrated(f));
}

void fault_saves(struct fixture *f)
{
	g_assert_true(fault_save(f));
}

void fault_fails_to_save(struct fixture *f)
{
	g_assert_false(fault_save(f));
}

void fault_load(struct fixture *f)
{
	g_autofree char *file = saved_path(f);
	g_autofree char *incoming = g_strdup_printf("-incoming file:%s", file);

	fault_end_qemu(f);
	fault_start_qemu(f, "", incoming);
	qtest_wait_running(f->q);
}

pid_t fault_backend_thread(struct fixture *f)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", qtest_pid(f->q));
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *task;

	while ((task = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, task, "comm", NULL);
		g_autofree char *comm = NULL;

		if (g_file_get_contents(file, &comm, NULL, NULL) &&
		    strcmp(g_strchomp(comm), THREAD) == 0) {
			return (pid_t)g_ascii_strtoll(task, NULL, 10);
		}
	}
	g_error("QEMU has no thread " THREAD);
}

void fault_pester(struct fixture *f)
{
	const uint64_t page = tpm_guest_indexed(f->q), three = BASE + 0x3000;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		if (f->crb) {
			qtest_writel(f->q, BASE + TPM_REG_CTRL_CANCEL,
				     TPM_CTRL_CANCEL_INVOKE);
		} else {
			qtest_writel(f->q, BASE + TPM_REG_STS,
				     TPM_STS_COMMAND_CANCEL);
		}
		qtest_writel(f->q, page + TPMIX_REG_CANCEL,
			     qtest_readl(f->q, page + TPMIX_REG_ACCEPTED));
	}
	tpm_guest_request(f->q, 3);
	tpm_guest_seize(f->q, 3);
	if (f->crb) {
		qtest_writel(f->q, three + TPM_REG_LOC_CTRL,
			     TPM_LOC_CTRL_RESET_ESTABLISHMENT);
	} else {
		qtest_writel(f->q, three + TPM_REG_STS,
			     TPM_STS_RESET_ESTABLISHMENT);
	}
	tpm_guest_relinquish(f->q, 0);
	if (f->crb) {
		qtest_writel(f->q, BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	} else {
		qtest_writel(f->q, BASE + TPM_REG_STS, TPM_STS_COMMAND_READY);
	}
}

struct later {
	struct fixture *f;
	void (*act)(struct fixture *f);
};

static gpointer act_later(gpointer opaque)
{
	const struct later *l = opaque;

	g_usleep(WAIT_US);
	l->act(l->f);
	return NULL;
}

void fault_wait(struct fixture *f, void (*act)(struct fixture *f),
		void (*later)(struct fixture *f))
{
	struct later l = { f, later };
	struct qmp_latency latency;
	gint64 start, took;
	GThread *thread;

	qmp_probe_take(f->probe);
	start = g_get_monotonic_time();
	thread = g_thread_new("later", act_later, &l);
	act(f);
	took = g_get_monotonic_time() - start;
	g_thread_join(thread);
	qmp_probe_wait(f->probe);
	latency = qmp_probe_take(f->probe);
	qmp_latency_report("while QEMU waited 700 ms for the TPM", &latency);
	g_assert_cmpint(took, >=, WAIT_US);
	g_assert_cmpuint(latency.max_us, <, 3000000);
}

void fault_check_alive(struct fixture *f)
{
	struct qmp_latency l;

	qmp_probe_wait(f->probe);
	l = qmp_probe_take(f->probe);
	qmp_latency_report("meanwhile", &l);
	g_assert_cmpuint(l.count, >, 0);
	g_assert_cmpuint(l.late, <=, 2);
	g_assert_cmpuint(l.max_us, <, 1000000);
}

void fault_check_failure(struct fixture *f)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	uint8_t rsp[TPM_GUEST_MAX];

	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, sizeof(failure));
	g_assert_cmpmem(rsp, 10, failure, 10);
}
