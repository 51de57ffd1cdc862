/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hw/misc/mmio_replay.c over QEMU's own tpm-tis: that it repeats what it is
 * told to and nothing else, and that the fault of 2011 is there to be seen.
 *
 * The TPM is a stub: the response tells which command was executed.
 */
#include "qtest_client.h"
#include "tpm_stub.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../engine/tpmix_regs.h"

#define REG(offset) (0xFED40000u + (offset))
#define REPLAY      "-device mmio-replay,id=replay,addr=0xfed40000,size=0x5000"
#define TPM_TIS     "-machine q35 -device tpm-tis,id=tpm,tpmdev=tpm0 "

#define COMMAND_SIZE  54u
#define RESPONSE_SIZE 62u /* as in 2011; the stub's is 8 bytes longer than the command */
#define POLLS         200 /* of STS, before the driver gives up */
#define NO_DATA       0xFF /* what tpm-tis reads without data */

typedef struct {
	TpmStub *stub;
	QtestClient *q;
} Fixture;

static void fixture_start(Fixture *f, gconstpointer arguments)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), "%s",
			   arguments ? (const char *)arguments : TPM_TIS REPLAY);
}

static void fixture_stop(Fixture *f, gconstpointer unused)
{
	(void)unused;
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

/* g_assert_cmpmem() has int sizes. */
static void assert_bytes(const void *got, size_t size, const void *expected, size_t expected_size)
{
	g_assert_cmpuint(size, ==, expected_size);
	g_assert_true(memcmp(got, expected, size) == 0);
}

/* The driver's side of TIS 1.3, as Linux' tpm_tis_core.c does it */

enum outcome { RIGHT, WRONG, FAILED };

typedef struct {
	enum outcome outcome;
	uint8_t response[4096];
	size_t size;
} Result;

/* No two neighbours are equal, so that a byte more or less is seen. */
static void make_command(uint8_t command[COMMAND_SIZE])
{
	static const uint8_t header[] = { 0x80, 0x01, 0, 0, 0, COMMAND_SIZE, 0, 0, 0x01, 0x7B };
	size_t i;

	memcpy(command, header, sizeof(header));
	for (i = sizeof(header); i < COMMAND_SIZE; i++)
		command[i] = (uint8_t)(0x40 + i);
}

/* What the TPM must say: the stub's counter is the only thing that differs. */
static void make_response(unsigned nth, uint8_t response[RESPONSE_SIZE])
{
	uint8_t command[COMMAND_SIZE];

	make_command(command);
	g_assert_cmpuint(tpm_stub_answer_default(NULL, command, sizeof(command), nth, response,
						 RESPONSE_SIZE), ==, RESPONSE_SIZE);
}

static bool wait_status(QtestClient *q, uint8_t mask)
{
	int i;

	for (i = 0; i < POLLS; i++) {
		if ((qtest_readb(q, REG(TPM_REG_STS)) & mask) == mask)
			return true;
		g_usleep(100);
	}
	return false;
}

static void request_locality(QtestClient *q)
{
	qtest_writeb(q, REG(TPM_REG_ACCESS), TPM_ACCESS_REQUEST_USE);
	g_assert_cmphex(qtest_readb(q, REG(TPM_REG_ACCESS)) & TPM_ACCESS_ACTIVE_LOCALITY, ==,
			TPM_ACCESS_ACTIVE_LOCALITY);
}

static void relinquish_locality(QtestClient *q)
{
	qtest_writeb(q, REG(TPM_REG_ACCESS), TPM_ACCESS_ACTIVE_LOCALITY);
}

/* careless: the driver looks neither at Expect nor whether the write was done */
static bool send_command(QtestClient *q, const uint8_t *command, size_t size, bool careless)
{
	size_t i;

	qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
	if (!wait_status(q, TPM_STS_COMMAND_READY))
		return false;
	for (i = 0; i < size - 1; i++)
		qtest_writeb(q, REG(TPM_REG_DATA_FIFO), command[i]);
	if (!careless && !wait_status(q, TPM_STS_VALID | TPM_STS_EXPECT))
		return false;
	qtest_writeb(q, REG(TPM_REG_DATA_FIFO), command[i]);
	if (!careless && qtest_readb(q, REG(TPM_REG_STS)) & TPM_STS_EXPECT)
		return false;
	qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_GO);
	return true;
}

/* size bytes by burstCount; as many as came */
static size_t receive_data(QtestClient *q, uint8_t *to, size_t size)
{
	size_t got = 0;

	while (got < size && wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL)) {
		size_t burst = qtest_readl(q, REG(TPM_REG_STS)) >> 8 & 0xFFFF;

		for (burst = MIN(burst, size - got); burst; burst--)
			to[got++] = qtest_readb(q, REG(TPM_REG_DATA_FIFO));
	}
	return got;
}

static bool receive_response(QtestClient *q, Result *r)
{
	size_t size;

	r->size = receive_data(q, r->response, 10);
	if (r->size < 10)
		return false;
	size = (size_t)r->response[2] << 24 | (size_t)r->response[3] << 16 |
	       (size_t)r->response[4] << 8 | r->response[5];
	if (size < 10 || size > sizeof(r->response))
		return false;
	r->size += receive_data(q, r->response + 10, size - 10);
	return r->size == size && !(qtest_readb(q, REG(TPM_REG_STS)) & TPM_STS_DATA_AVAIL);
}

/* A transaction; WRONG where the driver believes another response than the TPM's. */
static void transact(Fixture *f, bool careless, Result *r)
{
	uint8_t command[COMMAND_SIZE], expected[RESPONSE_SIZE];
	unsigned nth = tpm_stub_executed(f->stub) + 1;

	make_command(command);
	make_response(nth, expected);
	r->size = 0;
	request_locality(f->q);
	if (!send_command(f->q, command, sizeof(command), careless) || !receive_response(f->q, r))
		r->outcome = FAILED;
	else if (r->size == sizeof(expected) && memcmp(r->response, expected, r->size) == 0)
		r->outcome = RIGHT;
	else
		r->outcome = WRONG;
	/* commandReady twice, from any state to Ready without data */
	qtest_writeb(f->q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
	qtest_writeb(f->q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
	relinquish_locality(f->q);
}

/* Repeat exactly the nth read or write of one register. */
static void arm(QtestClient *q, uint32_t offset, bool writes, uint64_t nth, const char *when,
		unsigned delay)
{
	qtest_qom_set_bool(q, "replay", "reads", !writes);
	qtest_qom_set_bool(q, "replay", "writes", writes);
	qtest_qom_set_uint(q, "replay", "min-offset", offset);
	qtest_qom_set_uint(q, "replay", "max-offset", offset);
	qtest_qom_set_uint(q, "replay", "nth", nth);
	qtest_qom_set_uint(q, "replay", "delay", delay);
	qtest_qom_set_str(q, "replay", "when", when);
	qtest_qom_set_bool(q, "replay", "reset-counters", true);
}

static void assert_counters(QtestClient *q, uint64_t reads, uint64_t writes, uint64_t pending)
{
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "replayed-reads"), ==, reads);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "replayed-writes"), ==, writes);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "pending"), ==, pending);
}

/*
 * The fault
 */

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
	g_assert_true(wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL));
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
	g_assert_true(wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL));
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
	g_assert_true(wait_status(f->q, TPM_STS_COMMAND_READY));
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
	int i;

	assert_counters(f->q, 0, 0, 1);
	tpm_stub_wait_executed(f->stub, 1);
	g_usleep(50000);
	assert_counters(f->q, 0, 0, 1);
	for (i = 0; i < POLLS && qtest_qom_get_uint(f->q, "replay", "pending"); i++)
		qtest_readl(f->q, REG(TPM_REG_INTERFACE_ID));
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
	g_assert_true(wait_status(f->q, TPM_STS_VALID | TPM_STS_DATA_AVAIL));
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

static void test_selection(Fixture *f, gconstpointer unused)
{
	static const struct {
		bool enabled, reads, writes;
		uint64_t min, max;
		uint64_t selected, replayed_reads, replayed_writes;
	} cases[] = {
		{ true, true, true, 0, UINT64_MAX, 5, 3, 2 },
		{ false, true, true, 0, UINT64_MAX, 0, 0, 0 },
		{ true, true, false, 0, UINT64_MAX, 3, 3, 0 },
		{ true, false, true, 0, UINT64_MAX, 2, 0, 2 },
		{ true, true, true, 0xF00, 0xF04, 2, 2, 0 },
		{ true, true, true, 0xF01, 0xF04, 1, 1, 0 },
		{ true, true, true, 0xF00, 0xF03, 1, 1, 0 },
		{ true, true, true, 0x1000, 0x1FFF, 2, 1, 1 },
		{ true, true, true, 0x2000, UINT64_MAX, 0, 0, 0 },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		qtest_qom_set_bool(f->q, "replay", "enabled", cases[i].enabled);
		qtest_qom_set_bool(f->q, "replay", "reads", cases[i].reads);
		qtest_qom_set_bool(f->q, "replay", "writes", cases[i].writes);
		qtest_qom_set_uint(f->q, "replay", "min-offset", cases[i].min);
		qtest_qom_set_uint(f->q, "replay", "max-offset", cases[i].max);
		qtest_qom_set_uint(f->q, "replay", "rate", 1000000);
		qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
		qtest_readl(f->q, REG(0xF00));
		qtest_readb(f->q, REG(0xF04));
		qtest_readb(f->q, REG(0x1000));
		qtest_writel(f->q, REG(0x8), 0);
		qtest_writel(f->q, REG(0x1008), 0);
		g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay", "accesses"), ==, 5);
		g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay", "selected"), ==,
				 cases[i].selected);
		assert_counters(f->q, cases[i].replayed_reads, cases[i].replayed_writes, 0);
	}
}

/* SplitMix64, here once more: the choice is documented, not only repeatable. */
static bool chosen(uint64_t *state, uint32_t rate)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return ((z >> 32) * 1000000 >> 32) < rate;
}

static void test_rate(Fixture *f, gconstpointer unused)
{
	static const uint32_t rates[] = { 0, 1000, 250000, 500000, 999999, 1000000 };
	static const uint64_t seeds[] = { 0, 1, 0x123456789ABCDEF0 };
	char pattern[G_N_ELEMENTS(seeds)][101] = { { 0 } };
	size_t s, r;
	int i;

	(void)unused;
	for (s = 0; s < G_N_ELEMENTS(seeds); s++) {
		for (r = 0; r < G_N_ELEMENTS(rates); r++) {
			uint64_t state = seeds[s], expected = 0;

			qtest_qom_set_uint(f->q, "replay", "rate", rates[r]);
			qtest_qom_set_uint(f->q, "replay", "seed", seeds[s]);
			qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
			for (i = 0; i < 100; i++) {
				bool hit = chosen(&state, rates[r]);

				qtest_readb(f->q, REG(TPM_REG_RID));
				expected += hit;
				g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay",
								    "replayed-reads"),
						 ==, expected);
				if (rates[r] == 500000)
					pattern[s][i] = hit ? '#' : '.';
			}
			g_test_message("seed %" PRIx64 " rate %u: %" PRIu64, seeds[s], rates[r],
				       expected);
			if (rates[r] == 0)
				g_assert_cmpuint(expected, ==, 0);
			if (rates[r] == 1000000)
				g_assert_cmpuint(expected, ==, 100);
		}
	}
	g_assert_cmpstr(pattern[0], !=, pattern[1]);
	g_assert_cmpstr(pattern[1], !=, pattern[2]);
}

/* Options of the command line reach the same fields as qom-set. */
static void test_options(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     TPM_TIS REPLAY ",nth=3,writes=off,min-offset=0xf04,"
				     "max-offset=0xf04,when=late,delay=2");

	qtest_readb(q, REG(TPM_REG_RID));
	qtest_writeb(q, REG(TPM_REG_RID), 0);
	qtest_readb(q, REG(TPM_REG_RID));
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 0, 0, 0);
	qtest_readb(q, REG(TPM_REG_RID));
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 0, 0, 1);
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 1, 0, 0);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 7);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "selected"), ==, 3);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/*
 * The overlay
 */

/*
 * Every width at every offset, aligned or not, reads and writes, in idle and in
 * the middle of a response: all values in the order of the accesses.
 */
static char *transcript(const char *machine, const char *overlay)
{
	static const unsigned widths[] = { 1, 2, 4, 8 };
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine %s -device tpm-tis,tpmdev=tpm0 %s", machine, overlay);
	GString *text = g_string_new(NULL);
	uint8_t command[COMMAND_SIZE], block[64];
	uint32_t locality, offset;
	size_t w, i;

	make_command(command);
	for (w = 0; w < G_N_ELEMENTS(widths); w++) {
		request_locality(q);
		g_assert_true(send_command(q, command, sizeof(command), false));
		g_assert_true(wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL));
		for (locality = 0; locality < 0x5000; locality += 0x1000)
			for (offset = 0; offset < 0x40; offset++)
				g_string_append_printf(text, "%x %x: %" PRIx64 "\n", widths[w],
						       locality + offset,
						       qtest_read_width(q, REG(locality + offset),
									widths[w]));
		for (offset = 0x80; offset < 0x88; offset++)
			g_string_append_printf(text, "%x\n",
					       (unsigned)qtest_read_width(q, REG(offset), widths[w]));
		for (offset = 0xF00; offset < 0xF08; offset++)
			qtest_write_width(q, REG(offset), offset, widths[w]);
		for (offset = 0; offset < 0x40; offset++) /* all but START */
			qtest_write_width(q, REG(0x1000 + offset), offset & 0x40, widths[w]);
		qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
		relinquish_locality(q);
	}
	qtest_read(q, REG(0xF00), block, sizeof(block));
	for (i = 0; i < sizeof(block); i++)
		g_string_append_printf(text, "%02x", block[i]);
	qtest_read(q, REG(0x3), block, 7);
	for (i = 0; i < 7; i++)
		g_string_append_printf(text, "%02x", block[i]);
	if (*overlay)
		g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), >, 1000);
	qtest_stop(q);
	tpm_stub_free(stub);
	return g_string_free(text, FALSE);
}

static void test_widths(gconstpointer machine)
{
	char *without = transcript(machine, "");
	char *with = transcript(machine, REPLAY);

	g_assert_cmpstr(with, ==, without);
	g_free(without);
	g_free(with);
}

/* An 8-byte access that the device takes is one access, and repeated as one. */
static void test_whole_access(void)
{
	const uint64_t hpet = 0xFED00000;
	QtestClient *bare = qtest_start(-1, "-machine q35");
	QtestClient *q = qtest_start(-1, "-machine q35 -device mmio-replay,id=replay,"
				     "addr=0xfed00000,size=0x1000,rate=1000000");

	g_assert_cmphex(qtest_readq(q, hpet), ==, qtest_readq(bare, hpet));
	assert_counters(q, 1, 0, 0);
	g_assert_cmphex(qtest_readl(q, hpet + 4), ==, qtest_readl(bare, hpet + 4));
	assert_counters(q, 2, 0, 0);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 2);
	qtest_stop(bare);
	qtest_stop(q);
}

/* Two of them: the upper one's repeats are accesses to the lower one. */
static void test_stacked(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY ",rate=1000000 "
				     "-device mmio-replay,id=upper,addr=0xfed40000,size=0x1000,rate=1000000");

	qtest_readb(q, REG(TPM_REG_RID));
	g_assert_cmpuint(qtest_qom_get_uint(q, "upper", "accesses"), ==, 1);
	g_assert_cmpuint(qtest_qom_get_uint(q, "upper", "replayed-reads"), ==, 1);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 2);
	assert_counters(q, 2, 0, 0);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* A part of the device: offsets are those of the device below, and of addr here. */
static void test_part(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS
				     "-device mmio-replay,id=replay,addr=0xfed41000,size=0x1000,"
				     "min-offset=0,max-offset=0,rate=1000000");

	qtest_writeb(q, REG(0x1000), TPM_ACCESS_REQUEST_USE);
	assert_counters(q, 0, 1, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x1000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==,
			TPM_ACCESS_ACTIVE_LOCALITY);
	assert_counters(q, 1, 1, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x0000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x2000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x1F04)), ==, TPM_RID_QEMU);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 3);
	assert_counters(q, 1, 1, 0);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* tpm-crb's buffer is RAM: it works, and nothing of it is seen. */
static void test_ram(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 -device tpm-crb,tpmdev=tpm0 "
				     "-device mmio-replay,id=replay,addr=0xfed40000,size=0x1000");

	qtest_writel(q, REG(0x80), 0x12345678);
	g_assert_cmphex(qtest_readl(q, REG(0x80)), ==, 0x12345678);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 0);
	qtest_readl(q, REG(0x30));
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 1);
	qtest_stop(q);
	tpm_stub_free(stub);
}

static void test_trace(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	char *file = g_strdup_printf("%s/mmio-replay-%d.log", g_get_tmp_dir(), (int)getpid());
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY ",nth=1 "
				     "-trace mmio_replay_* -D %s", file);
	char *text;

	qtest_readb(q, REG(TPM_REG_RID));
	qtest_writeb(q, REG(TPM_REG_RID), 7);
	qtest_stop(q);
	g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "mmio_replay_read offset 0xf04 value 0x1 size 1 access 1"));
	g_assert_nonnull(strstr(text, "mmio_replay_repeat_read now: offset 0xf04 value 0x1 repeated 0x1 size 1"));
	g_assert_nonnull(strstr(text, "mmio_replay_write offset 0xf04 value 0x7 size 1 access 2"));
	g_assert_null(strstr(text, "repeat_write"));
	g_unlink(file);
	g_free(text);
	g_free(file);
	tpm_stub_free(stub);
}

static void test_errors(void)
{
	static const struct {
		const char *options, *message;
	} cases[] = {
		{ "addr=0xfed00000", "'size' property is required" },
		{ "addr=0xfed00000,size=12", "'addr' and 'size' must be multiples of 8" },
		{ "addr=0xfed00004,size=8", "'addr' and 'size' must be multiples of 8" },
		{ "addr=0xfffffffffffffff8,size=16", "'addr' and 'size' exceed the address space" },
		{ "addr=0xfed40000,size=0x1000", "no MMIO in 0xfed40000..0xfed40fff" },
		{ "addr=0xfed40000,size=0x1000", "Place -device mmio-replay after the device it covers" },
		{ "addr=0,size=0x1000", "no MMIO in 0x0..0xfff" }, /* RAM */
		{ "addr=0xfed00000,size=0x1000,rate=1000001", "'rate' must be at most 1000000" },
		{ "addr=0xfed00000,size=0x1000,min-offset=8,max-offset=4",
		  "'min-offset' must not exceed 'max-offset'" },
		{ "addr=0xfed00000,size=0x1000,when=late,delay=0",
		  "'when=late' needs a 'delay' of at least 1" },
		{ "addr=0xfed00000,size=0x1000,when=completed,done-addr=0x1000",
		  "'when=completed' needs a 'done-addr' in the MMIO covered, 0x1000 is not" },
		{ "addr=0xfed00000,size=0x1000,when=soon", "soon" },
		{ "addr=0xfed00000,size=0x1000,accesses=1", "accesses" },
		{ "addr=0xfed00000,size=0x1000,nth=-1x", "nth" },
	};
	QtestClient *q;
	char *text;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		text = qtest_start_fails(-1, "-machine q35 -device mmio-replay,%s", cases[i].options);
		g_test_message("%s: %s", cases[i].options, text);
		g_assert_nonnull(strstr(text, cases[i].message));
		g_free(text);
	}

	q = qtest_start(-1, "-machine q35 -device mmio-replay,id=replay,addr=0xfed00000,"
			"size=0x1000,done-addr=0x1000");
	text = qtest_qmp_fails(q, "qom-set", "{\"path\":\"replay\",\"property\":\"when\","
			       "\"value\":\"completed\"}");
	g_assert_nonnull(strstr(text, "'done-addr'"));
	g_free(text);
	text = qtest_qmp_fails(q, "qom-set", "{\"path\":\"replay\",\"property\":\"accesses\","
			       "\"value\":0}");
	g_free(text);
	text = qtest_qmp_fails(q, "device_add", "{\"driver\":\"mmio-replay\","
			       "\"addr\":4275044352,\"size\":4096}");
	g_assert_nonnull(strstr(text, "does not support hotplugging"));
	g_free(text);
	qtest_stop(q);
}

/*
 * The tools of these tests themselves
 */

/* Save in the middle of a response, and read the rest elsewhere. */
static void test_save(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	char *file = g_strdup_printf("%s/mmio-replay-%d.save", g_get_tmp_dir(), (int)getpid());
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY);
	uint8_t command[COMMAND_SIZE], expected[RESPONSE_SIZE];
	size_t i;

	make_command(command);
	make_response(1, expected);
	request_locality(q);
	g_assert_true(send_command(q, command, sizeof(command), false));
	g_assert_true(wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL));
	for (i = 0; i < 30; i++)
		g_assert_cmphex(qtest_readb(q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
	qtest_save(q, file);
	qtest_stop(q);

	q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY " -incoming file:%s", file);
	qtest_wait_running(q);
	for (; i < RESPONSE_SIZE; i++)
		g_assert_cmphex(qtest_readb(q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
	g_assert_cmpuint(tpm_stub_executed(stub), ==, 1);
	g_assert_cmpuint(tpm_stub_restored_blobs(stub), ==, 3);
	qtest_stop(q);
	g_unlink(file);
	g_free(file);
	tpm_stub_free(stub);
}

/* A cancel ends a command that is held. */
static void test_cancel(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE];
	Result r;

	(void)unused;
	make_command(command);
	request_locality(f->q);
	tpm_stub_hold(f->stub);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	tpm_stub_wait_held(f->stub);
	qtest_writel(f->q, REG(TPM_REG_STS), TPM_STS_COMMAND_CANCEL);
	g_assert_true(receive_response(f->q, &r));
	assert_bytes(r.response, r.size, "\x80\x01\0\0\0\x0A\0\0\x09\x09", 10);
	g_assert_cmpuint(tpm_stub_cancels(f->stub), ==, 1);
}

/* QEMU does not outlive a test that aborts. The child tells its id by a file. */
static void test_abort(void)
{
	char *file = g_strdup_printf("%s/mmio-replay-abort.%d", g_get_tmp_dir(),
				     (int)(g_test_subprocess() ? getppid() : getpid()));
	int i;

	if (g_test_subprocess()) {
		char *text = g_strdup_printf("%d", (int)qtest_pid(qtest_start(-1, "-machine q35")));

		g_assert_true(g_file_set_contents(file, text, -1, NULL));
		abort();
	} else {
		char *text;
		GPid pid;

		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_failed();
		g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
		pid = atoi(text);
		g_assert_cmpint(pid, >, 1);
		for (i = 0; i < 10000 && kill(pid, 0) == 0; i++)
			g_usleep(1000);
		g_assert_cmpint(kill(pid, 0), ==, -1);
		g_assert_cmpint(errno, ==, ESRCH);
		g_free(text);
	}
	g_unlink(file);
	g_free(file);
}

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
	ADD("/which/selection", NULL, test_selection);
	ADD("/which/rate", NULL, test_rate);
	g_test_add_func("/which/options", test_options);
	g_test_add_data_func("/overlay/widths-pc", "pc", test_widths);
	g_test_add_data_func("/overlay/widths-q35", "q35", test_widths);
	g_test_add_func("/overlay/whole-access", test_whole_access);
	g_test_add_func("/overlay/stacked", test_stacked);
	g_test_add_func("/overlay/part", test_part);
	g_test_add_func("/overlay/ram", test_ram);
	g_test_add_func("/overlay/trace", test_trace);
	g_test_add_func("/overlay/errors", test_errors);
	g_test_add_func("/client/save", test_save);
	ADD("/client/cancel", NULL, test_cancel);
	g_test_add_func("/client/abort", test_abort);
	return g_test_run();
}
