/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault of 2011 on QEMU's own tpm-tis, by hw/misc/mmio_replay.c: at once,
 * late and after completion. The TPM is a stub: the response tells which command
 * was executed.
 */
#include "replay_rig.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without a repeat the overlay changes nothing, and the driver is right. */
static void test_none(Fixture *f, gconstpointer unused)
{
	Result r;

	(void)unused;
	transact(f, false, &r);
	g_assert_cmpint(r.outcome, ==, RIGHT);
	assert_counters(f->q, 0, 0, 0);
}

/*
 * FIFO read i repeated: byte i is lost, all after it come one early, and at the
 * end there is one too few. In the header's ten bytes the driver notices, by a
 * size that is none or by a byte that never comes. In all others it does not.
 */
static void test_fifo_read(Fixture *f, gconstpointer unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < RESPONSE_SIZE; i++) {
		uint8_t expected[RESPONSE_SIZE + 1];
		Result r;

		make_response(tpm_stub_executed(f->stub) + 1, expected);
		memmove(expected + i, expected + i + 1, RESPONSE_SIZE - 1 - i);
		expected[RESPONSE_SIZE - 1] = NO_DATA;

		arm(f->q, TPM_REG_DATA_FIFO, false, i + 1, "now", 1);
		transact(f, false, &r);
		assert_counters(f->q, 1, 0, 0);
		g_test_message("read %u repeated: outcome %d, %zu bytes", i, r.outcome, r.size);
		g_assert_cmpint(r.outcome, ==, i < 10 ? FAILED : WRONG);
		g_assert_cmpuint(r.size, >=, 10);
		assert_bytes(r.response, MIN(r.size, RESPONSE_SIZE), expected,
				MIN(r.size, RESPONSE_SIZE));
	}
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, RESPONSE_SIZE);
}

/*
 * FIFO write i repeated: byte i is there twice. The size field is then another
 * one or Expect drops a byte early; a driver that looks at Expect notices.
 */
static void test_fifo_write(Fixture *f, gconstpointer unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < COMMAND_SIZE - 1; i++) {
		Result r;

		arm(f->q, TPM_REG_DATA_FIFO, true, i + 1, "now", 1);
		transact(f, false, &r);
		assert_counters(f->q, 0, 1, 0);
		g_assert_cmpint(r.outcome, ==, FAILED);
	}
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 0);
}

/*
 * A driver that does not look has a wrong command executed and gets rc 0. (For
 * writes 0 and 1 the size becomes huge and GO is refused; for 2 to 4 it becomes
 * 0 and tpm-tis gives the backend 6 bytes that are no command.)
 */
static void test_fifo_write_careless(Fixture *f, gconstpointer unused)
{
	unsigned i;

	(void)unused;
	for (i = 5; i < COMMAND_SIZE - 1; i++) {
		uint8_t expected[COMMAND_SIZE + 1];
		gconstpointer data;
		GBytes *command;
		gsize size;
		Result r;

		arm(f->q, TPM_REG_DATA_FIFO, true, i + 1, "now", 1);
		transact(f, true, &r);
		g_assert_cmpint(r.outcome, ==, WRONG);
		assert_bytes(r.response + 6, 4, "\0\0\0\0", 4);

		make_command(expected);
		memmove(expected + i + 1, expected + i, COMMAND_SIZE - i);
		command = tpm_stub_command(f->stub, tpm_stub_executed(f->stub));
		data = g_bytes_get_data(command, &size);
		assert_bytes(data, size, expected, COMMAND_SIZE);
		g_bytes_unref(command);
	}

	arm(f->q, TPM_REG_DATA_FIFO, true, 3, "now", 1);
	{
		Result r;

		transact(f, true, &r);
		g_assert_cmpint(r.outcome, ==, WRONG);
		g_assert_cmpuint(tpm_stub_malformed(f->stub), ==, 1);
	}
}

/* The last byte of the command comes after Expect dropped: no harm in TIS. */
static void test_fifo_write_last(Fixture *f, gconstpointer unused)
{
	Result r;

	(void)unused;
	arm(f->q, TPM_REG_DATA_FIFO, true, COMMAND_SIZE, "now", 1);
	transact(f, false, &r);
	assert_counters(f->q, 0, 1, 0);
	g_assert_cmpint(r.outcome, ==, RIGHT);
}

/*
 * When
 */

/* A read that is repeated after 3 more takes the byte of the one after those. */
static void test_late_read(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE], expected[RESPONSE_SIZE];
	const unsigned at = 20, delay = 3, lost = at + delay + 1;
	unsigned i;

	(void)unused;
	make_command(command);
	make_response(1, expected);
	request_locality(f->q);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
	arm(f->q, TPM_REG_DATA_FIFO, false, at + 1, "late", delay);
	for (i = 0; i < RESPONSE_SIZE; i++) {
		if (i != lost)
			g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
		if (i < at)
			assert_counters(f->q, 0, 0, 0);
		else if (i < at + delay)
			assert_counters(f->q, 0, 0, 1);
		else
			assert_counters(f->q, 1, 0, 0);
	}
	g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)) & TPM_STS_DATA_AVAIL, ==, 0);
}

/* commandReady repeated so late that the command is complete: no response. */
static void test_late_write(Fixture *f, gconstpointer unused)
{
	const unsigned delay = 1000;
	uint8_t command[COMMAND_SIZE];

	(void)unused;
	make_command(command);
	request_locality(f->q);
	arm(f->q, TPM_REG_STS, true, 1, "late", delay);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
	/* the recorded access is not one of the delay */
	while (qtest_qom_get_uint(f->q, "replay", "accesses") < delay + 1) {
		assert_counters(f->q, 0, 0, 1);
		g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)), ==,
				TPM_STS_VALID | TPM_STS_DATA_AVAIL);
	}
	assert_counters(f->q, 0, 1, 0);
	g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)), ==, TPM_STS_COMMAND_READY);
}

/* A command in execution; then what was repeated when it completed is seen. */
static void run_until_held(Fixture *f, uint32_t offset, bool writes, uint64_t nth)
{
	uint8_t command[COMMAND_SIZE];
	int i;

	make_command(command);
	request_locality(f->q);
	arm(f->q, offset, writes, nth, "completed", 1);
	tpm_stub_hold(f->stub);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	tpm_stub_wait_held(f->stub);
	for (i = 0; i < 10; i++)
		g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)), ==, TPM_STS_VALID);
	assert_counters(f->q, 0, 0, 1);
	tpm_stub_release(f->stub, false);
}

/* The guest never sees the response: commandReady comes before its first look. */
static void test_completed_ready(Fixture *f, gconstpointer unused)
{
	(void)unused;
	run_until_held(f, TPM_REG_STS, true, 1);
	wait_status(f->q, TPM_STS_COMMAND_READY);
	g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)), ==, TPM_STS_COMMAND_READY);
	assert_counters(f->q, 0, 1, 0);
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
}

/* tpmGo is ignored in Completion: the doorbell itself, and no harm. */
static void test_completed_go(Fixture *f, gconstpointer unused)
{
	uint8_t expected[RESPONSE_SIZE];
	Result r;

	(void)unused;
	make_response(1, expected);
	run_until_held(f, TPM_REG_STS, true, 2);
	g_assert_true(receive_response(f->q, &r));
	assert_counters(f->q, 0, 1, 0);
	assert_bytes(r.response, r.size, expected, sizeof(expected));
	g_assert_cmpuint(tpm_stub_executed(f->stub), ==, 1);
}

/*
 * The command completes while the guest makes no access at all, and its first
 * one after that, which is not of STS, has the repeat before it. Should the
 * machine be too slow for the sleep, it is one of the next.
 */
static void await_completion_unseen(Fixture *f)
{
	const gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	assert_counters(f->q, 0, 0, 1);
	tpm_stub_wait_executed(f->stub, 1);
	g_usleep(50000);
	assert_counters(f->q, 0, 0, 1);
	while (qtest_qom_get_uint(f->q, "replay", "pending")) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		qtest_readl(f->q, REG(TPM_REG_INTERFACE_ID));
	}
}

/* So does a command that completes before the guest looks again. */
static void test_completed_unseen(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE];

	(void)unused;
	make_command(command);
	request_locality(f->q);
	arm(f->q, TPM_REG_STS, true, 2, "completed", 1);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	assert_counters(f->q, 0, 0, 1);
	await_completion_unseen(f);
	assert_counters(f->q, 0, 1, 0);
}

/*
 * CRB: the condition is true until the doorbell makes it false, and true again
 * before the guest looks. tpm-crb runs its response as a command.
 */
static void test_completed_crb(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE], response[RESPONSE_SIZE];
	gconstpointer data;
	GBytes *second;
	gsize size;

	(void)unused;
	make_command(command);
	make_response(1, response);
	qtest_writel(f->q, REG(0x08), 1); /* LOC_CTRL: requestAccess */
	qtest_writel(f->q, REG(0x40), 1); /* CTRL_REQ: cmdReady */
	qtest_write(f->q, REG(0x80), command, sizeof(command));
	arm(f->q, 0x4C, true, 1, "completed", 1);
	qtest_writel(f->q, REG(0x4C), 1); /* CTRL_START */
	await_completion_unseen(f);
	assert_counters(f->q, 0, 1, 0);

	tpm_stub_wait_executed(f->stub, 2);
	second = tpm_stub_command(f->stub, 2);
	data = g_bytes_get_data(second, &size);
	assert_bytes(data, size, response, sizeof(response));
	g_bytes_unref(second);
}

/*
 * An access of the completed command waits for the next one: reading the FIFO
 * while the response is there is not repeated into the same response, and it
 * takes the first byte of the next one.
 */
static void test_completed_next(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE], expected[RESPONSE_SIZE];
	Result r;
	size_t i;

	(void)unused;
	make_command(command);
	arm(f->q, TPM_REG_DATA_FIFO, false, 12, "completed", 1);
	transact(f, false, &r);
	g_assert_cmpint(r.outcome, ==, RIGHT);
	assert_counters(f->q, 0, 0, 1);

	make_response(2, expected);
	request_locality(f->q);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
	assert_counters(f->q, 1, 0, 0);
	for (i = 1; i < RESPONSE_SIZE; i++)
		g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
}

/* Nor is the locality's coming and going taken for a completion. */
static void test_completed_locality(Fixture *f, gconstpointer unused)
{
	(void)unused;
	request_locality(f->q);
	arm(f->q, TPM_REG_STS, true, 1, "completed", 1);
	qtest_writeb(f->q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
	relinquish_locality(f->q);
	g_assert_cmphex(qtest_readb(f->q, REG(TPM_REG_STS)), ==, 0xFF);
	request_locality(f->q);
	qtest_readb(f->q, REG(TPM_REG_STS));
	assert_counters(f->q, 0, 0, 1);
}

static void test_reset(Fixture *f, gconstpointer unused)
{
	(void)unused;
	arm(f->q, TPM_REG_RID, false, 1, "late", 10);
	qtest_readb(f->q, REG(TPM_REG_RID));
	assert_counters(f->q, 0, 0, 1);
	qtest_reset(f->q);
	assert_counters(f->q, 0, 0, 0);

	qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
	qtest_readb(f->q, REG(TPM_REG_RID));
	assert_counters(f->q, 0, 0, 1);
	qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
	assert_counters(f->q, 0, 0, 0);
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay", "accesses"), ==, 0);
}

/*
 * Which
 */

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, data, function) \
	g_test_add(path, Fixture, data, fixture_start, function, fixture_stop)
	ADD("/fault/none", NULL, test_none);
	ADD("/fault/none-pc", "-machine pc -device tpm-tis,tpmdev=tpm0 " REPLAY, test_none);
	ADD("/fault/fifo-read", NULL, test_fifo_read);
	ADD("/fault/fifo-read-pc", "-machine pc -device tpm-tis,tpmdev=tpm0 " REPLAY,
	    test_fifo_read);
	ADD("/fault/fifo-write", NULL, test_fifo_write);
	ADD("/fault/fifo-write-careless", NULL, test_fifo_write_careless);
	ADD("/fault/fifo-write-last", NULL, test_fifo_write_last);
	ADD("/when/late-read", NULL, test_late_read);
	ADD("/when/late-write", NULL, test_late_write);
	ADD("/when/completed-ready", NULL, test_completed_ready);
	ADD("/when/completed-go", NULL, test_completed_go);
	ADD("/when/completed-unseen", NULL, test_completed_unseen);
	ADD("/when/completed-crb",
	    "-machine q35 -device tpm-crb,tpmdev=tpm0 "
	    REPLAY ",done-addr=0x4c,done-mask=1,done-value=0", test_completed_crb);
	ADD("/when/completed-next", NULL, test_completed_next);
	ADD("/when/completed-locality", NULL, test_completed_locality);
	ADD("/when/reset", NULL, test_reset);
	return g_test_run();
}
