/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM that is slow, or answers what is no answer, while QEMU saves its state or
 * not: the stub. The guest gets a TPM error or the right response, the next command
 * its own; QEMU answers QMP.
 */
#include <string.h>

#include "fault_rig.h"
#include "tpmix.h"

#define BASE  TPM_GUEST_BASE
#define LARGE 3000u

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

/* The response to tpm_get_cap as the TPM's nth command. */
static void check_answer(struct fixture *f, unsigned int nth)
{
	uint8_t rsp[TPM_GUEST_MAX], want[64];
	size_t n = tpm_stub_answer_default(NULL, tpm_get_cap.bytes,
					   tpm_get_cap.size, nth, want,
					   sizeof(want));

	g_assert_cmpuint(tpm_guest_response(f->q, rsp), ==, n);
	g_assert_cmpmem(rsp, n, want, n);
}

static void check_next(struct fixture *f, unsigned int nth)
{
	uint32_t ticket = tpm_guest_ring(f->q, &tpm_get_cap);

	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	check_answer(f, nth);
}

/* The next command fails: the TPM is gone. */
static void check_dead(struct fixture *f)
{
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==,
			TPM_GUEST_FAILURE);
	fault_check_alive(f);
}

static void wrong_size(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	fault_check_failure(f);
	/* What came too much belongs to no other command. */
	check_next(f, 2);
	check_next(f, 3);
	fault_check_alive(f);
}

/* More bytes than the response says: the response counts, the rest does not. */
static void long_answer(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	check_next(f, 1);
	check_next(f, 2);
	check_next(f, 3);
	fault_check_alive(f);
}

/* Less than it says, and then the TPM dies: no part of it is a response. */
static void short_answer(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_false(tpm_guest_completes(f->q, ticket, 200));
	fault_pester(f);
	fault_check_alive(f);
	tpm_stub_die(f->stub);
	g_usleep(50000);
	tpm_guest_take(f->q);
	check_dead(f);
}

#define GARBAGE 20u /* answers */

/* As many as @opaque says, then the stub's own. */
static size_t answer_garbage(void *opaque, const uint8_t *cmd, size_t size,
			     unsigned int nth, uint8_t *rsp, size_t max)
{
	unsigned int i;

	if (nth > GPOINTER_TO_UINT(opaque)) {
		return tpm_stub_answer_default(NULL, cmd, size, nth, rsp, max);
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
	tpm_stub_set_answer(f->stub, answer_garbage,
			    GUINT_TO_POINTER(GARBAGE));
	for (i = 0; i < GARBAGE; i++) {
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_cap, NULL), ==,
				TPM_GUEST_FAILURE);
	}
	check_next(f, GARBAGE + 1);
	fault_check_alive(f);
}

/* QEMU waits for the answer to a command in execution, then saves its state. */
static void save_executing(struct fixture *f)
{
	uint32_t ticket;

	tpm_stub_set_delay(f->stub, 400);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_false(tpm_guest_completes(f->q, ticket, 0));
	fault_saves(f);
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	tpm_stub_set_delay(f->stub, 0);
}

/* @check holds for its response here, and where the saved state goes on. */
static void first_answer_migrates(struct fixture *f,
				  void (*check)(struct fixture *f))
{
	save_executing(f);
	check(f);
	check_next(f, 2);
	fault_check_alive(f);
	fault_load(f);
	check(f);
	check_next(f, 3);
	fault_check_alive(f);
}

static void check_first(struct fixture *f)
{
	check_answer(f, 1);
}

static void wrong_size_migration(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	first_answer_migrates(f, fault_check_failure);
}

static void garbage_migration(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	tpm_stub_set_answer(f->stub, answer_garbage, GUINT_TO_POINTER(1));
	first_answer_migrates(f, fault_check_failure);
}

static void long_answer_migration(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	first_answer_migrates(f, check_first);
}

/* A data channel that ended behind such bytes is found closed at a reset, too. */
static void long_answer_reset(struct fixture *f, gconstpointer opaque)
{
	const struct variant *v = opaque;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	check_next(f, 1);
	tpm_stub_hang_up(f->stub);
	qtest_reset(f->q);
	tpm_guest_take(f->q);
	check_next(f, 2);
	fault_check_alive(f);
}

static void dies(struct fixture *f)
{
	tpm_stub_die(f->stub);
}

static void hangs_up(struct fixture *f)
{
	tpm_stub_hang_up(f->stub);
}

/* QEMU waits in @act for the rest of the answer, until the TPM does @end. */
static void wait_for_rest(struct fixture *f, const struct variant *v,
			  void (*act)(struct fixture *f),
			  void (*end)(struct fixture *f))
{
	uint32_t ticket;

	tpm_stub_set_answer(f->stub, answer_badly, (void *)v->data);
	ticket = tpm_guest_ring(f->q, &tpm_get_cap);
	g_assert_false(tpm_guest_completes(f->q, ticket, 100));
	fault_wait(f, act, end);
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	fault_check_failure(f);
	check_dead(f);
}

/* No TPM, no state of it: nothing is saved, and the machine goes on. */
static void short_answer_migration(struct fixture *f, gconstpointer opaque)
{
	wait_for_rest(f, opaque, fault_fails_to_save, dies);
}

/* A TPM that takes no more commands can still have its state saved. */
static void short_answer_hung_up(struct fixture *f, gconstpointer opaque)
{
	wait_for_rest(f, opaque, fault_saves, hangs_up);
	fault_load(f);
	fault_check_failure(f);
	check_next(f, 2);
	fault_check_alive(f);
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
	fault_check_alive(f);
	/* a migration waits for the command, which then is in the stream */
	save_executing(f);
	check_answer(f, 4);
	fault_load(f);
	check_answer(f, 4);
	check_next(f, 5);
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
	fault_check_alive(f);
}

/*
 * tpm-crb's response comes into memory that the guest can write, also while it comes:
 * its size is what the TPM said.
 */
static size_t answer_largely(void *opaque, const uint8_t *cmd, size_t size, unsigned int nth,
			     uint8_t *rsp, size_t max)
{
	static const uint8_t header[] = { 0x80, 0x01, 0, 0, LARGE >> 8, LARGE & 0xFF, 0, 0, 0, 0 };

	(void)opaque;
	(void)cmd;
	(void)size;
	(void)nth;
	g_assert_cmpuint(max, >=, LARGE);
	memset(rsp, 0x5A, LARGE);
	memcpy(rsp, header, sizeof(header));
	return LARGE;
}

static void guest_writes_size(void)
{
	static const uint8_t sizes[][4] = { { 0, 0, 0, 100 }, { 0, 0, 0, 0 }, { 0xFF, 0xFF, 0xFF, 0xFF } };
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device tpm-crb,tpmdev=tpm0");
	const uint64_t buffer = qtest_readl(q, BASE + TPM_REG_CTRL_CMD_LADDR);
	unsigned int i;

	tpm_stub_set_answer(stub, answer_largely, NULL);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		tpm_stub_send_first(stub, LARGE / 4);
		qtest_writel(q, BASE + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
		qtest_writel(q, buffer + LARGE / 4 - 4, 0);
		qtest_writel(q, buffer + LARGE - 4, 0);
		qtest_write(q, buffer, tpm_get_cap.bytes, tpm_get_cap.size);
		qtest_writel(q, BASE + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
		qtest_await(q, buffer + LARGE / 4 - 4, 4, G_MAXUINT32, 0x5A5A5A5A);
		qtest_write(q, buffer + 2, sizes[i], 4);
		tpm_stub_send_rest(stub);
		qtest_await(q, BASE + TPM_REG_CTRL_START, 4, G_MAXUINT32, 0);
		g_assert_cmphex(qtest_readl(q, buffer + 2), ==, GUINT32_TO_BE(LARGE));
		g_assert_cmphex(qtest_readl(q, buffer + LARGE - 4), ==, 0x5A5A5A5A);
	}
	qtest_stop(q);
	tpm_stub_free(stub);
}

int main(int argc, char **argv)
{
	static const struct answer too_small = { 10, 9 }, zero = { 30, 0 };
	static const struct answer too_big = { 30, 4097 };
	static const struct answer huge = { 30, 0xFFFFFFFF };
	static const struct answer too_long = { 38, 30 };
	static const struct answer too_short = { 20, 30 }, no_header = { 7, 30 };

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/answers/guest-writes-size", guest_writes_size);
	STUB("answer/slow", NULL, slow);
	SWTPM("cancelled-at-once/swtpm", NULL, cancelled_at_once);
	STUB("cancelled-at-once/stub", NULL, cancelled_at_once);
	STUB("answer/too-small", &too_small, wrong_size);
	STUB("answer/zero", &zero, wrong_size);
	STUB("answer/too-big", &too_big, wrong_size);
	STUB("answer/huge", &huge, wrong_size);
	STUB("answer/long", &too_long, long_answer);
	STUB("answer/long-reset", &too_long, long_answer_reset);
	STUB("answer/short", &too_short, short_answer);
	STUB("answer/no-header", &no_header, short_answer);
	STUB("answer/garbage", NULL, garbage);
	STUB("answer/too-small-migration", &too_small, wrong_size_migration);
	STUB("answer/too-big-migration", &too_big, wrong_size_migration);
	STUB("answer/garbage-migration", NULL, garbage_migration);
	STUB("answer/long-migration", &too_long, long_answer_migration);
	STUB("answer/short-migration", &too_short, short_answer_migration);
	STUB("answer/no-header-migration", &no_header, short_answer_migration);
	STUB("answer/short-migration-hung-up", &too_short, short_answer_hung_up);
	return g_test_run();
}
