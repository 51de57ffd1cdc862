/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_rig.h"

#include <string.h>

void fixture_start(Fixture *f, gconstpointer arguments)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), "%s",
			   arguments ? (const char *)arguments : TPM_TIS REPLAY);
}

void fixture_stop(Fixture *f, gconstpointer unused)
{
	(void)unused;
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

void assert_bytes(const void *got, size_t size, const void *expected, size_t expected_size)
{
	g_assert_cmpuint(size, ==, expected_size);
	g_assert_true(memcmp(got, expected, size) == 0);
}

/* The driver's side of TIS 1.3, as Linux' tpm_tis_core.c does it */

void make_command(uint8_t command[COMMAND_SIZE])
{
	static const uint8_t header[] = { 0x80, 0x01, 0, 0, 0, COMMAND_SIZE, 0, 0, 0x01, 0x7B };
	size_t i;

	memcpy(command, header, sizeof(header));
	for (i = sizeof(header); i < COMMAND_SIZE; i++)
		command[i] = (uint8_t)(0x40 + i);
}

void make_response(unsigned nth, uint8_t response[RESPONSE_SIZE])
{
	uint8_t command[COMMAND_SIZE];

	make_command(command);
	g_assert_cmpuint(tpm_stub_answer_default(NULL, command, sizeof(command), nth, response,
						 RESPONSE_SIZE), ==, RESPONSE_SIZE);
}

void wait_status(QtestClient *q, uint8_t bits)
{
	qtest_await(q, REG(TPM_REG_STS), 1, bits, bits);
}

/* What a driver waits for in vain where an access was repeated: no TPM is asked. */
static bool has_status(QtestClient *q, uint8_t bits)
{
	return (qtest_readb(q, REG(TPM_REG_STS)) & bits) == bits;
}

void request_locality(QtestClient *q)
{
	qtest_writeb(q, REG(TPM_REG_ACCESS), TPM_ACCESS_REQUEST_USE);
	g_assert_cmphex(qtest_readb(q, REG(TPM_REG_ACCESS)) & TPM_ACCESS_ACTIVE_LOCALITY, ==,
			TPM_ACCESS_ACTIVE_LOCALITY);
}

void relinquish_locality(QtestClient *q)
{
	qtest_writeb(q, REG(TPM_REG_ACCESS), TPM_ACCESS_ACTIVE_LOCALITY);
}

bool send_command(QtestClient *q, const uint8_t *command, size_t size, bool careless)
{
	size_t i;

	qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
	wait_status(q, TPM_STS_COMMAND_READY);
	for (i = 0; i < size - 1; i++)
		qtest_writeb(q, REG(TPM_REG_DATA_FIFO), command[i]);
	if (!careless && !has_status(q, TPM_STS_VALID | TPM_STS_EXPECT))
		return false;
	qtest_writeb(q, REG(TPM_REG_DATA_FIFO), command[i]);
	if (!careless && qtest_readb(q, REG(TPM_REG_STS)) & TPM_STS_EXPECT)
		return false;
	qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_GO);
	return true;
}

/* size bytes of a response that is there, by burstCount; as many as came */
static size_t receive_data(QtestClient *q, uint8_t *to, size_t size)
{
	size_t got = 0;

	while (got < size && has_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL)) {
		size_t burst = qtest_readl(q, REG(TPM_REG_STS)) >> 8 & 0xFFFF;

		for (burst = MIN(burst, size - got); burst; burst--)
			to[got++] = qtest_readb(q, REG(TPM_REG_DATA_FIFO));
	}
	return got;
}

bool receive_response(QtestClient *q, Result *r)
{
	size_t size;

	wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
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

void transact(Fixture *f, bool careless, Result *r)
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

void arm(QtestClient *q, uint32_t offset, bool writes, uint64_t nth, const char *when,
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

void assert_counters(QtestClient *q, uint64_t reads, uint64_t writes, uint64_t pending)
{
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "replayed-reads"), ==, reads);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "replayed-writes"), ==, writes);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "pending"), ==, pending);
}

/*
 * The fault
 */
