/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of the backend: swtpm killed, stopped, without room for its state;
 * a TPM that is slow, or answers what is no answer. The guest gets a TPM error
 * or, later, the right response; QEMU answers QMP; nothing that the TPM
 * acknowledged is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "qmp_probe.h"
#include "swtpm.h"
#include "tpm_guest.h"
#include "tpm_stub.h"
#include "tpmix.h"

#define BASE     TPM_GUEST_BASE
#define STALL_MS 5000 /* a test that hangs QEMU ends after that */
#define STOP_US  1200000

/* A test is run on either device. */
struct variant {
	const char *device;
	gconstpointer data; /* of the test */
};

struct fixture {
	bool crb;
	const char *device;
	struct swtpm *tpm;
	TpmStub *stub; /* NULL: swtpm */
	QtestClient *q;
	struct qmp_probe *probe;
};

static const uint8_t data[] = { 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4 };

static void stalled(void)
{
	g_error("QEMU does not answer QMP");
}

static void start_qemu(struct fixture *f, const char *chardev)
{
	g_autofree char *qmp = swtpm_qmp_path(f->tpm);

	f->q = swtpm_qemu(f->tpm, f->stub ? tpm_stub_connect(f->stub) : -1,
			  f->device, chardev, "");
	f->probe = qmp_probe_start(qmp, (GPid[]) { qtest_pid(f->q), 0 },
				   STALL_MS, stalled);
}

/* Where the TPM is gone QEMU cannot end it gracefully, and is not asked to. */
static void end_qemu(struct fixture *f)
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
	f->crb = strcmp(device, "tpm-crb-ext") == 0;
}

static void setup_swtpm(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	const char *chardev = v->data;

	set_device(f, v->device);
	f->tpm = swtpm_new(NULL);
	swtpm_run(f->tpm);
	start_qemu(f, chardev ? chardev : "");
	tpm_guest_honest(f->q);
}

static void setup_stub(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;

	set_device(f, v->device);
	f->tpm = swtpm_new(NULL);
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	start_qemu(f, "");
	tpm_guest_take(f->q);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	end_qemu(f);
	if (f->stub) {
		tpm_stub_free(f->stub);
	}
	swtpm_free(f->tpm);
}

/* QMP was answered all the time since the last call; two may be the machine's. */
static void check_alive(struct fixture *f)
{
	struct qmp_latency l;

	qmp_probe_wait(f->probe);
	l = qmp_probe_take(f->probe);
	qmp_latency_report("meanwhile", &l);
	g_assert_cmpuint(l.count, >, 0);
	g_assert_cmpuint(l.late, <=, 2);
	g_assert_cmpuint(l.max_us, <, 1000000);
}

static void check_failure(struct fixture *f)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	uint8_t rsp[TPM_GUEST_MAX];

	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, sizeof(failure));
	g_assert_cmpmem(rsp, 10, failure, 10);
}

/* True where the state was saved, false where QEMU says that it could not. */
static bool save(struct fixture *f)
{
	g_autofree char *file = g_build_filename(f->tpm->dir, "saved", NULL);

	json_node_unref(qtest_qmp(f->q, "migrate", "{\"uri\":\"file:%s\"}", file));
	for (;;) {
		JsonNode *node = qtest_qmp(f->q, "query-migrate", NULL);
		const char *status = json_object_get_string_member(
			json_node_get_object(node), "status");
		bool done = strcmp(status, "completed") == 0;
		bool failed = strcmp(status, "failed") == 0;

		json_node_unref(node);
		if (done || failed) {
			return done;
		}
		g_usleep(1000);
	}
}

/* swtpm killed */

/* Everything by which a guest makes QEMU talk to a TPM that does not listen. */
static void pester(struct fixture *f)
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

static void killed_idle(struct fixture *f, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	swtpm_kill(f->tpm);
	for (i = 0; i < 3; i++) {
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL),
				==, TPM_GUEST_FAILURE);
		check_failure(f);
	}
	pester(f);
	check_alive(f);
}

static void killed_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 1);
	uint32_t ticket;

	(void)unused;
	ticket = tpm_guest_ring(f->q, &c);
	g_usleep(5000);
	swtpm_kill(f->tpm);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	check_failure(f);
	check_alive(f);
}

/* The guest resets its machine: QEMU goes on, the guest sees no TPM. */
static void killed_reset(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_kill(f->tpm);
	qtest_reset(f->q);
	/* LOC_STATE of CRB has the same bit there */
	g_assert_cmphex(qtest_readb(f->q, BASE) & TPM_ACCESS_REG_VALID_STS, ==, 0);
	check_alive(f);
}

static void killed_migration(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_kill(f->tpm);
	g_assert_false(save(f));
	/* the machine runs on, and its TPM fails as before */
	json_node_unref(qtest_qmp(f->q, "cont", NULL));
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL), ==,
			TPM_GUEST_FAILURE);
	check_alive(f);
}

static void killed_migration_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 2);
	uint32_t ticket;

	(void)unused;
	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &c);
	swtpm_kill(f->tpm);
	g_assert_false(save(f));
	json_node_unref(qtest_qmp(f->q, "cont", NULL));
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	check_failure(f);
	check_alive(f);
}

/* swtpm is back on its state, and the machine is reset: the TPM is back, too. */
static void killed_recovery(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command write = tpm_nv_write(data);
	uint8_t rsp[TPM_GUEST_MAX];
	unsigned int i;

	(void)unused;
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f->q, &write, NULL), ==, 0);
	swtpm_kill(f->tpm);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, NULL), ==,
			TPM_GUEST_FAILURE);
	swtpm_run(f->tpm);
	g_usleep(300000); /* the chardev connects again every 50 ms */
	for (i = 0; i < 2; i++) {
		qtest_reset(f->q);
		tpm_guest_honest(f->q);
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, rsp), ==, 0);
		g_assert_cmpmem(rsp + 16, 8, data, 8);
	}
	check_alive(f);
}

/* The same for a QEMU that does not reconnect: another one. */
static void killed_restart(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command write = tpm_nv_write(data);
	uint8_t rsp[TPM_GUEST_MAX];

	(void)unused;
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f->q, &write, NULL), ==, 0);
	swtpm_kill(f->tpm);
	end_qemu(f);
	swtpm_run(f->tpm);
	start_qemu(f, "");
	tpm_guest_honest(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, rsp), ==, 0);
	g_assert_cmpmem(rsp + 16, 8, data, 8);
}

/* swtpm stopped by SIGSTOP */

static void stopped_idle(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	swtpm_pause(f->tpm);
	pester(f);
	tpm_guest_relinquish(f->q, 3);
	tpm_guest_request(f->q, 0);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	pester(f);
	g_usleep(STOP_US);
	check_alive(f);

	swtpm_continue(f->tpm);
	(void)ticket;
	tpm_guest_honest(f->q);
	check_alive(f);
}

/* A command that nobody cancels has its response when swtpm runs on. */
static void stopped_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 3);
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t ticket;

	(void)unused;
	ticket = tpm_guest_ring(f->q, &c);
	g_usleep(5000);
	swtpm_pause(f->tpm);
	g_assert_false(tpm_guest_completes(f->q, ticket, STOP_US / 1000));
	check_alive(f);
	swtpm_continue(f->tpm);
	g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), >, 300);
	g_assert_cmpuint(rsp[8] << 8 | rsp[9], ==, 0);

	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	pester(f);
	g_usleep(STOP_US);
	check_alive(f);
	swtpm_continue(f->tpm);
	tpm_guest_honest(f->q);
}

/*
 * What the host itself asks of a TPM that it stopped waits for it: reset and
 * migration. Then they are done, and nothing is lost. The wait is said.
 */
static gpointer continue_later(gpointer opaque)
{
	struct fixture *f = opaque;

	g_usleep(700000);
	swtpm_continue(f->tpm);
	return NULL;
}

static void stopped_wait(struct fixture *f, void (*action)(struct fixture *f))
{
	struct qmp_latency l;
	GThread *thread;

	qmp_probe_take(f->probe);
	swtpm_pause(f->tpm);
	thread = g_thread_new("continue", continue_later, f);
	action(f);
	g_thread_join(thread);
	qmp_probe_wait(f->probe);
	l = qmp_probe_take(f->probe);
	qmp_latency_report("while swtpm was stopped for 700 ms", &l);
	g_assert_cmpuint(l.max_us, <, 3000000);
}

static void saves(struct fixture *f)
{
	g_assert_true(save(f));
	json_node_unref(qtest_qmp(f->q, "cont", NULL));
}

static void resets(struct fixture *f)
{
	qtest_reset(f->q);
}

static void stopped_migration(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	stopped_wait(f, saves);
	tpm_guest_honest(f->q);

	/* a command that runs meanwhile completes before the state is saved */
	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &tpm_get_random);
	swtpm_continue(f->tpm);
	saves(f);
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	tpm_guest_honest(f->q);
}

static void stopped_reset(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	stopped_wait(f, resets);
	tpm_guest_honest(f->q);
}

/* No room for the state */

struct room {
	const char *name;
	void (*take)(const char *dir);
	void (*give)(const char *dir);
};

static void fill(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "filler", NULL);
	static const char block[512];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	g_assert_no_errno(fd);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	g_assert_cmpint(errno, ==, ENOSPC);
	close(fd);
}

static void unfill(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "filler", NULL);

	g_assert_no_errno(g_unlink(path));
}

/*
 * A read-only mount over the first, which swtpm's lock file keeps writable: what
 * swtpm opens from now on it opens here.
 */
static void read_only(const char *dir)
{
	g_assert_no_errno(mount(dir, dir, NULL, MS_BIND, NULL));
	g_assert_no_errno(mount(NULL, dir, NULL,
				MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static void writable(const char *dir)
{
	g_assert_no_errno(umount2(dir, MNT_DETACH));
}

static const struct room full = { "full", fill, unfill };
static const struct room rdonly = { "read-only", read_only, writable };

static void no_room(gconstpointer opaque)
{
	const struct variant *v = opaque;
	const struct room *room = v->data;
	const struct tpm_command write = tpm_nv_write(data);
	uint8_t other[8] = { 9, 9, 9, 9, 9, 9, 9, 9 }, rsp[TPM_GUEST_MAX];
	const struct tpm_command overwrite = tpm_nv_write(other);
	g_autofree char *dir = g_dir_make_tmp("tpmix-state-XXXXXX", NULL);
	struct fixture f = { 0 };
	uint32_t rc;

	/* In a namespace of our own, so that it ends with this process. */
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=64k")) {
		g_rmdir(dir);
		g_test_skip("mounting a small file system needs root");
		return;
	}
	set_device(&f, v->device);
	f.tpm = swtpm_new(dir);
	swtpm_run(f.tpm);
	start_qemu(&f, "");
	tpm_guest_honest(f.q);
	g_assert_cmphex(tpm_guest_command(f.q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f.q, &write, NULL), ==, 0);

	room->take(dir);
	rc = tpm_guest_command(f.q, &overwrite, NULL);
	g_test_message("%s: NV_Write answers 0x%x", room->name, rc);
	g_assert_cmphex(rc, !=, 0);
	rc = tpm_guest_command(f.q, &tpm_get_random, NULL);
	g_test_message("%s: then GetRandom answers 0x%x", room->name, rc);
	check_alive(&f);

	/* Room again, the machine is reset: what was acknowledged is there. */
	room->give(dir);
	qtest_reset(f.q);
	tpm_guest_honest(f.q);
	g_assert_cmphex(tpm_guest_command(f.q, &tpm_nv_read, rsp), ==, 0);
	g_assert_cmpmem(rsp + 16, 8, data, 8);
	g_assert_cmphex(tpm_guest_command(f.q, &overwrite, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f.q, &tpm_nv_read, rsp), ==, 0);
	g_assert_cmpmem(rsp + 16, 8, other, 8);
	teardown(&f, NULL);
	g_assert_no_errno(umount2(dir, MNT_DETACH));
	g_rmdir(dir);
}

/* A TPM that is slow, or whose answers are none: the stub */

struct answer {
	uint32_t bytes; /* sent */
	uint32_t size;  /* said in the header */
};

/* The first command gets it, later ones the stub's own answer. */
static size_t answer_badly(void *opaque, const uint8_t *cmd, size_t size,
			   unsigned int nth, uint8_t *rsp, size_t max)
{
	const struct answer *a = opaque;
	size_t n = tpm_stub_answer_default(NULL, cmd, size, nth, rsp, max);
	unsigned int i;

	if (nth > 1) {
		return n;
	}
	for (i = (unsigned int)n; i < a->bytes; i++) {
		rsp[i] = (uint8_t)(0xA0 + i % 16);
	}
	for (i = 0; i < 4; i++) {
		rsp[2 + i] = (uint8_t)(a->size >> (24 - 8 * i));
	}
	return a->bytes;
}

static void check_next(struct fixture *f, unsigned int nth)
{
	uint8_t rsp[TPM_GUEST_MAX], want[64];
	uint32_t ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	size_t n = tpm_stub_answer_default(NULL, tpm_get_cap.bytes,
					   tpm_get_cap.size, nth, want,
					   sizeof(want));

	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, n);
	g_assert_cmpmem(rsp, n, want, n);
}

static void wrong_size(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	check_failure(f);
	/* What came too much belongs to no other command. */
	check_next(f, 2);
	check_next(f, 3);
	check_alive(f);
}

/* More bytes than the response says: the response counts, the rest does not. */
static void long_answer(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	const struct answer *a = v->data;
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	g_assert_cmpuint(qtest_readl(f->q, tpm_guest_indexed(f->q) +
				     TPMIX_REG_RSP_SIZE), ==,
			 a->size);
	check_next(f, 2);
	check_next(f, 3);
	check_alive(f);
}

/* Less than it says, and then the TPM dies: no part of it is a response. */
static void short_answer(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_false(tpm_guest_completes(f->q, ticket, 200));
	pester(f);
	check_alive(f);
	tpm_stub_die(f->stub);
	g_usleep(50000);
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==,
			TPM_GUEST_FAILURE);
	check_alive(f);
}

static size_t answer_garbage(void *opaque, const uint8_t *cmd, size_t size,
			     unsigned int nth, uint8_t *rsp, size_t max)
{
	unsigned int i;

	if (nth > 20) {
		return tpm_stub_answer_default(opaque, cmd, size, nth, rsp, max);
	}
	for (i = 0; i < 64; i++) {
		rsp[i] = (uint8_t)g_random_int();
	}
	rsp[2] |= 1; /* or it might be a header */
	return 10 + nth;
}

static void garbage(struct fixture *f, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	tpm_stub_set_answer(f->stub, answer_garbage, NULL);
	for (i = 0; i < 20; i++) {
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==,
				TPM_GUEST_FAILURE);
	}
	check_next(f, 21);
	check_alive(f);
}

static void slow(struct fixture *f, gconstpointer unused)
{
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t ticket;

	(void)unused;
	tpm_stub_set_delay(f->stub, 400);
	check_next(f, 1);
	/* cancelled: the TPM says so, soon, and has not lost its step */
	tpm_stub_set_delay(f->stub, 30000);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	tpm_stub_wait_executed(f->stub, 2);
	qtest_writel(f->q, tpm_guest_indexed(f->q) + TPMIX_REG_CANCEL, ticket);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, 10);
	g_assert_cmphex(rsp[8] << 8 | rsp[9], ==, 0x909);
	tpm_stub_set_delay(f->stub, 0);
	check_next(f, 3);
	check_alive(f);
	/* a migration waits for the command, which then is in the stream */
	tpm_stub_set_delay(f->stub, 400);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_true(save(f));
	json_node_unref(qtest_qmp(f->q, "cont", NULL));
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, 30);
}

/*
 * Rung and cancelled before a thread of QEMU has taken the command up. One write
 * of the bus, so that nothing comes between: checksum and doorbell of locality
 * 0, or START, and on to ACCESS or LOC_CTRL of locality 1, which seizes. Each
 * command completes.
 */
static void cancelled_at_once(struct fixture *f, gconstpointer unused)
{
	const uint32_t from = f->crb ? TPM_REG_CTRL_START : TPMIX_REG_CSUM_EXPECT;
	const uint32_t to = 0x1000 + (f->crb ? TPM_REG_LOC_CTRL : TPM_REG_ACCESS);
	uint8_t bytes[0x1000] = { 0 };
	unsigned int i;

	(void)unused;
	bytes[to - from] = f->crb ? TPM_LOC_CTRL_SEIZE : TPM_ACCESS_SEIZE;
	for (i = 0; i < 300; i++) {
		const uint64_t page = tpm_guest_indexed(f->q);
		uint64_t commands = qtest_qom_get_uint(f->q, "tpm", "commands");
		uint32_t ticket = qtest_readl(f->q, page + TPMIX_REG_ACCEPTED) + 1;
		gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;

		tpm_guest_put(f->q, &tpm_get_cap);
		if (f->crb) {
			qtest_writel(f->q, BASE + TPM_REG_CTRL_CANCEL, 0);
			bytes[0] = TPM_CTRL_START_INVOKE;
		} else {
			memcpy(bytes + 4, &ticket, 4);
		}
		qtest_write(f->q, BASE + from, bytes, to - from + 1);
		g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "commands"), ==,
				 commands + 1);
		while (!tpm_guest_is_active(f->q, 1)) {
			g_assert_cmpint(g_get_monotonic_time(), <, end);
			g_usleep(100);
		}
		tpm_guest_take(f->q);
	}
	check_alive(f);
}

int main(int argc, char **argv)
{
	static const struct answer too_small = { 10, 9 }, zero = { 30, 0 };
	static const struct answer too_big = { 30, 4097 };
	static const struct answer huge = { 30, 0xFFFFFFFF };
	static const struct answer too_long = { 38, 30 };
	static const struct answer too_short = { 20, 30 }, no_header = { 7, 30 };

	g_test_init(&argc, &argv, NULL);
#define BOTH(add, path, data, ...) do { \
		static const struct variant tis = { "tpm-tis-indexed", data }; \
		static const struct variant crb = { "tpm-crb-ext", data }; \
		add("/faults/tis/" path, &tis, __VA_ARGS__); \
		add("/faults/crb/" path, &crb, __VA_ARGS__); \
	} while (0)
#define ADD(path, variant, setup, func) \
	g_test_add(path, struct fixture, variant, setup, func, teardown)
#define SWTPM(path, chardev, func) BOTH(ADD, path, chardev, setup_swtpm, func)
#define STUB(path, answer, func) BOTH(ADD, path, answer, setup_stub, func)
#define ROOM(path, room) BOTH(g_test_add_data_func, path, room, no_room)
	SWTPM("killed/idle", NULL, killed_idle);
	SWTPM("killed/executing", NULL, killed_executing);
	SWTPM("killed/reset", NULL, killed_reset);
	SWTPM("killed/migration", NULL, killed_migration);
	SWTPM("killed/migration-executing", NULL, killed_migration_executing);
	SWTPM("killed/restart", NULL, killed_restart);
	SWTPM("killed/recovery", ",reconnect-ms=50", killed_recovery);
	SWTPM("stopped/idle", NULL, stopped_idle);
	SWTPM("stopped/executing", NULL, stopped_executing);
	SWTPM("stopped/migration", NULL, stopped_migration);
	SWTPM("stopped/reset", NULL, stopped_reset);
	ROOM("state/full", &full);
	ROOM("state/read-only", &rdonly);
	STUB("answer/slow", NULL, slow);
	SWTPM("cancelled-at-once/swtpm", NULL, cancelled_at_once);
	STUB("cancelled-at-once/stub", NULL, cancelled_at_once);
	STUB("answer/too-small", &too_small, wrong_size);
	STUB("answer/zero", &zero, wrong_size);
	STUB("answer/too-big", &too_big, wrong_size);
	STUB("answer/huge", &huge, wrong_size);
	STUB("answer/long", &too_long, long_answer);
	STUB("answer/short", &too_short, short_answer);
	STUB("answer/no-header", &no_header, short_answer);
	STUB("answer/garbage", NULL, garbage);
	return g_test_run();
}
