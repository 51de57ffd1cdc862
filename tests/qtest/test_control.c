/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM that is slow on its control channel, or refuses: the stub. Neither the guest
 * nor QMP waits, what belongs to a command stays with it, and the guest sees the
 * established flag as the TPM has it.
 */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "fault_rig.h"
#include "tpmix.h"

#define THREE   (TPM_GUEST_BASE + 0x3000)
#define WAIT_MS 5000

#define TPM_FAIL 9

/* With the flag set, as after a D-RTM. A TPM 1.2 where there is data. */
static void setup_unused(struct fixture *f, gconstpointer variant)
{
	const struct variant *v = variant;
	TpmStub *stub = tpm_stub_new(v->data ? TPM_STUB_1_2 : TPM_STUB_2_0);

	tpm_stub_set_established(stub, true);
	fault_begin_stub(f, v->device, stub);
}

static void to_three(struct fixture *f)
{
	tpm_guest_request(f->q, 3);
	tpm_guest_relinquish(f->q, 0);
}

/* And locality 3 active, which may reset it. */
static void setup(struct fixture *f, gconstpointer variant)
{
	setup_unused(f, variant);
	/* The backend need not set locality 0 any more. */
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
	to_three(f);
}

/* As TPM_ACCESS of FIFO and TPM_LOC_STATE of CRB, both at 0, show it. */
static bool is_established(struct fixture *f)
{
	return !(qtest_readb(f->q, THREE) & TPM_ACCESS_ESTABLISHMENT);
}

static void reset_established(struct fixture *f)
{
	if (f->crb) {
		qtest_writel(f->q, THREE + TPM_REG_LOC_CTRL,
			     TPM_LOC_CTRL_RESET_ESTABLISHMENT);
	} else {
		qtest_writel(f->q, THREE + TPM_REG_STS, TPM_STS_RESET_ESTABLISHMENT);
	}
}

/* The thread that has both channels waits for the TPM's answer to that. */
static void reset_and_hold(struct fixture *f)
{
	tpm_stub_hold_control(f->stub, TPM_STUB_RESET_ESTABLISHED);
	reset_established(f);
	g_assert_true(tpm_stub_waits_control(f->stub, WAIT_MS));
}

static void wait_resets(struct fixture *f, unsigned int num)
{
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	while (tpm_stub_established_resets(f->stub) < num) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}

static void wait_not_established(struct fixture *f)
{
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	while (is_established(f)) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}

static void releases(struct fixture *f)
{
	tpm_stub_release_control(f->stub);
}

/* It is reset once the TPM says so, and until then nobody waits. */
static void slow(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	g_assert_true(is_established(f));
	reset_and_hold(f);
	fault_pester(f);
	g_usleep(200000);
	fault_check_alive(f);
	g_assert_true(is_established(f));
	tpm_stub_release_control(f->stub);
	wait_not_established(f);
	fault_check_alive(f);
}

static void refused(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	tpm_stub_refuse_reset_established(f->stub, 0x3D); /* TPM_BAD_LOCALITY */
	reset_established(f);
	wait_resets(f, 1);
	g_usleep(50000);
	g_assert_true(is_established(f));

	/* Nobody waits for the TPM to tell the flag. */
	tpm_stub_hold_control(f->stub, TPM_STUB_GET_ESTABLISHED);
	reset_established(f);
	wait_resets(f, 2);
	g_usleep(200000);
	fault_check_alive(f);
	g_assert_true(is_established(f));
	tpm_stub_release_control(f->stub);

	tpm_stub_refuse_reset_established(f->stub, 0);
	reset_established(f);
	wait_not_established(f);
}

/* What is on its way when the state is saved arrives before. */
static void slow_migration(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	reset_and_hold(f);
	fault_wait(f, fault_saves, releases);
	g_assert_false(is_established(f));
	fault_load(f);
	g_assert_false(is_established(f));
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
}

/* The new data channel of a reset does not go with the cancel that went before. */
static void resets(struct fixture *f)
{
	qtest_reset(f->q);
}

static void descriptor(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	reset_and_hold(f);
	tpm_guest_take(f->q);
	tpm_stub_hold(f->stub);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	tpm_stub_wait_held(f->stub);
	qtest_writel(f->q, tpm_guest_indexed(f->q) + TPMIX_REG_CANCEL, ticket);
	tpm_stub_release(f->stub, false);
	/* The thread that has both channels waits at the control channel. */
	g_assert_false(tpm_guest_completes(f->q, ticket, 200));
	tpm_stub_hang_up(f->stub);
	fault_wait(f, resets, releases);
	g_assert_cmpuint(tpm_stub_cancels(f->stub), ==, 1);
	g_assert_cmpuint(tpm_stub_stray_descriptors(f->stub), ==, 0);
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
}

/*
 * Who asks for an interrupt goes on, and the command is the thread's to send, which here
 * waits for something else; who does not sends it.
 */
static void asked(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	reset_and_hold(f);
	tpm_guest_take(f->q);
	ticket = tpm_guest_ring_int(f->q, &tpm_get_cap);
	g_assert_false(tpm_guest_completes(f->q, ticket, 200));
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
	tpm_stub_release_control(f->stub);
	g_assert_true(tpm_guest_completes(f->q, ticket, WAIT_MS));
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 2);
	to_three(f);
	reset_and_hold(f);
	tpm_guest_take(f->q);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	tpm_stub_wait_executed(f->stub, 3);
	/* An answer that comes late is the thread's to take. */
	tpm_stub_release_control(f->stub);
	g_assert_true(tpm_guest_completes(f->q, ticket, WAIT_MS));
}

/*
 * A reset that finds the data channel closed and cannot open it leaves the guest
 * without a TPM, and not with one that answers no command; the next one opens it.
 */
static void no_data_channel(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	tpm_stub_hang_up(f->stub);
	tpm_stub_refuse_data_channel(f->stub, true);
	qtest_reset(f->q);
	g_assert_false(tpm_guest_has_tpm(f->q));
	tpm_stub_refuse_data_channel(f->stub, false);
	qtest_reset(f->q);
	g_assert_true(tpm_guest_has_tpm(f->q));
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
}

/* Nor is a state loaded into such a TPM. */
static void no_data_channel_load(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	fault_saves(f);
	fault_end_qemu(f);
	fault_start_qemu(f, "", "-incoming defer");
	tpm_stub_hang_up(f->stub);
	tpm_stub_refuse_data_channel(f->stub, true);
	qtest_reset(f->q);
	fault_fails_to_come_in(f);
	g_assert_cmpuint(tpm_stub_restored_blobs(f->stub), ==, 0);
}

/*
 * The first command waits for the thread, which has to set the locality: cancelled
 * meanwhile it ends as soon as the thread gets to it, and the TPM does not see it.
 */
static void cancel_waiting(struct fixture *f, gconstpointer variant)
{
	const struct variant *v = variant;
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t ticket;

	tpm_stub_hold_control(f->stub, TPM_STUB_SET_LOCALITY);
	tpm_stub_hold(f->stub);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_true(tpm_stub_waits_control(f->stub, WAIT_MS));
	qtest_writel(f->q, tpm_guest_indexed(f->q) + TPMIX_REG_CANCEL, ticket);
	g_assert_false(tpm_guest_completes(f->q, ticket, 200));
	tpm_stub_release_control(f->stub);
	g_assert_true(tpm_guest_completes(f->q, ticket, WAIT_MS));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, 10);
	/* TPM_FAIL, TPM_RC_CANCELED */
	g_assert_cmpmem(rsp, 10, v->data ? "\0\xC4\0\0\0\x0A\0\0\0\x09" :
			"\x80\x01\0\0\0\x0A\0\0\x09\x09", 10);
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 0);
	g_assert_cmpuint(tpm_stub_cancels(f->stub), ==, 0);
	/* Nor is the next one cancelled. */
	tpm_stub_release(f->stub, false);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
}

/* QEMU's own devices have no TPM then, too: what they have reads as 0. */
static void stock_no_data_channel(gconstpointer device)
{
	const uint64_t reg = TPM_GUEST_BASE +
			     (strstr(device, "crb") ? TPM_REG_INTERFACE_ID : TPM_REG_DID_VID);
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device %s,tpmdev=tpm0",
				     (const char *)device);
	const uint32_t value = qtest_readl(q, reg);

	g_assert_cmphex(value, !=, 0);
	tpm_stub_hang_up(stub);
	tpm_stub_refuse_data_channel(stub, true);
	qtest_reset(q);
	g_assert_cmphex(qtest_readl(q, reg), ==, 0);
	tpm_stub_refuse_data_channel(stub, false);
	qtest_reset(q);
	g_assert_cmphex(qtest_readl(q, reg), ==, value);
	qtest_stop(q);
	tpm_stub_free(stub);
}

static bool is_tested(struct fixture *f)
{
	return qtest_readl(f->q, TPM_GUEST_BASE + TPM_REG_STS) & TPM_STS_SELFTEST_DONE;
}

/* A TPM 1.2 that was asked for its self-test and did not answer has not done it. */
static void self_test(struct fixture *f, gconstpointer unused)
{
	static const struct tpm_command command = {
		10, { 0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 0x53 }, /* TPM_ContinueSelfTest */
	};

	(void)unused;
	g_assert_false(is_tested(f));
	tpm_stub_hang_up(f->stub);
	g_assert_cmphex(tpm_guest_command(f->q, &command, NULL), ==, TPM_FAIL);
	g_assert_false(is_tested(f));
	qtest_reset(f->q);
	tpm_guest_take(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &command, NULL), ==, 0);
	g_assert_true(is_tested(f));
}

struct latecomer {
	struct fixture *f;
	GMutex lock;
	GCond changed;
	bool stopped;
	int error; /* of ptrace() */
};

/*
 * The thread by which QEMU sends what a guest asks for does not run until a state
 * blob's header was sent, and not its body; or a second.
 */
static gpointer latecomer_main(gpointer opaque)
{
	struct latecomer *l = opaque;
	pid_t tid = fault_backend_thread(l->f);

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL)) {
		l->error = errno;
	} else {
		g_assert_cmpint(waitpid(tid, NULL, __WALL), ==, tid);
	}
	g_mutex_lock(&l->lock);
	l->stopped = true;
	g_cond_signal(&l->changed);
	g_mutex_unlock(&l->lock);
	if (l->error) {
		return NULL;
	}
	tpm_stub_waits_control(l->f->stub, 1000);
	g_assert_no_errno((int)ptrace(PTRACE_DETACH, tid, NULL, NULL));
	g_usleep(300000);
	tpm_stub_release_control(l->f->stub);
	return NULL;
}

static bool latecomer_start(struct latecomer *l, GThread **thread)
{
	g_mutex_init(&l->lock);
	g_cond_init(&l->changed);
	*thread = g_thread_new("latecomer", latecomer_main, l);
	g_mutex_lock(&l->lock);
	while (!l->stopped) {
		g_cond_wait(&l->changed, &l->lock);
	}
	g_mutex_unlock(&l->lock);
	return !l->error;
}

/* Another command's answer is no part of a state blob. */
static void state_blob(struct fixture *f, gconstpointer unused)
{
	struct latecomer l = { .f = f };
	GThread *thread;

	(void)unused;
	tpm_stub_hold_control(f->stub, TPM_STUB_GET_STATE_BLOB);
	if (latecomer_start(&l, &thread)) {
		reset_established(f);
		fault_saves(f);
		g_thread_join(thread);
		wait_not_established(f);
		fault_load(f);
		g_assert_cmpuint(tpm_stub_restored_blobs(f->stub), ==, 3);
		tpm_guest_take(f->q);
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==, 0);
	} else {
		g_thread_join(thread);
		g_test_skip("ptrace() of a child is not permitted here");
	}
	g_mutex_clear(&l.lock);
	g_cond_clear(&l.changed);
}

int main(int argc, char **argv)
{
	static const struct variant tpm12 = { "tpm-tis-indexed", "" };

	g_test_init(&argc, &argv, NULL);
#define CONTROL(path, func) BOTH(FAULT_ADD, "control/" path, NULL, setup, func)
	CONTROL("slow", slow);
	CONTROL("refused", refused);
	CONTROL("slow-migration", slow_migration);
	CONTROL("descriptor", descriptor);
	CONTROL("asked", asked);
	CONTROL("no-data-channel", no_data_channel);
	CONTROL("no-data-channel-load", no_data_channel_load);
	BOTH(FAULT_ADD, "control/cancel-waiting", NULL, setup_unused, cancel_waiting);
	CONTROL("state-blob", state_blob);
	FAULT_ADD("/faults/tis/control/cancel-waiting-1.2", &tpm12, setup_unused, cancel_waiting);
	FAULT_ADD("/faults/tis/control/self-test-1.2", &tpm12, setup_unused, self_test);
	g_test_add_data_func("/faults/tis/control/stock", "tpm-tis", stock_no_data_channel);
	g_test_add_data_func("/faults/crb/control/stock", "tpm-crb", stock_no_data_channel);
	return g_test_run();
}
