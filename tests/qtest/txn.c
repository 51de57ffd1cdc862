/* SPDX-License-Identifier: BSD-2-Clause */
#include "txn.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tpmix.h"

#define WAIT_US (20 * G_USEC_PER_SEC)
#define GIVE_UP_US (G_USEC_PER_SEC / 2)

/* Each access counts; those of an earlier part are answered from memory. */
static bool step(struct txn *t)
{
	if (t->stopped) {
		return false;
	}
	if (t->made == (unsigned int)t->budget) {
		t->stopped = true;
		return false;
	}
	g_assert_cmpuint(t->made, <, G_N_ELEMENTS(t->seen));
	t->made++;
	return t->made > t->skip;
}

/* On the bus; a write gives back what was written. */
static uint64_t perform(struct txn *t, uint32_t off, uint64_t val,
			unsigned int width, bool writes)
{
	if (!writes) {
		return qtest_read_width(t->q, TXN_BASE + off, width);
	}
	qtest_write_width(t->q, TXN_BASE + off, val, width);
	return val;
}

static uint64_t repeat(struct txn *t)
{
	struct txn_repeat *r = &t->repeat;

	r->waits = false;
	r->done++;
	return perform(t, r->off, r->val, r->width, r->writes);
}

/* It counts from the access that comes now. */
static void arm_overlay(struct txn *t, uint32_t off)
{
	static const char *const names[] = { "now", "late", "completed" };
	struct txn_repeat *r = &t->repeat;

	if (off >= t->kind->ram) {
		return;
	}
	qtest_qom_set_str(t->q, "replay", "when", names[r->when]);
	qtest_qom_set_uint(t->q, "replay", "delay", r->delay);
	qtest_qom_set_uint(t->q, "replay", "nth", 1);
	qtest_qom_set_bool(t->q, "replay", "reset-counters", true);
}

/* An access that may be the one to be repeated, or the one that it waited for. */
static uint64_t access_once(struct txn *t, uint32_t off, uint64_t val,
			    unsigned int width, bool writes)
{
	struct txn_repeat *r = &t->repeat;

	t->trapped += off < t->kind->ram;
	if (t->made == r->nth && r->overlay) {
		arm_overlay(t, off);
		return perform(t, off, val, width, writes);
	}
	val = perform(t, off, val, width, writes);
	if (r->waits && r->when == TXN_LATE && --r->delay == 0) {
		repeat(t);
	}
	if (t->made != r->nth) {
		return val;
	}
	r->off = off;
	r->val = val;
	r->width = width;
	r->writes = writes;
	r->waits = true;
	return r->when == TXN_NOW ? repeat(t) : val;
}

uint64_t txn_in(struct txn *t, uint32_t off, unsigned int width)
{
	if (step(t)) {
		t->seen[t->made - 1] = access_once(t, off, 0, width, false);
	}
	return t->stopped ? 0 : t->seen[t->made - 1];
}

void txn_out(struct txn *t, uint32_t off, uint64_t val, unsigned int width)
{
	if (step(t)) {
		access_once(t, off, val, width, true);
	}
}

/* The guest's last look is the access; those before it changed nothing. */
static uint64_t wait_for(struct txn *t, uint32_t off, unsigned int width,
			 uint64_t mask, uint64_t want, uint64_t lost,
			 bool for_end)
{
	const gint64 end = g_get_monotonic_time() + (t->gives_up ? GIVE_UP_US : WAIT_US);

	if (!step(t)) {
		return t->stopped ? 0 : t->seen[t->made - 1];
	}
	while (1) {
		uint64_t val = perform(t, off, 0, width, false);

		if ((val & mask) == want && for_end && t->repeat.waits &&
		    t->repeat.when == TXN_COMPLETED) {
			/* The guest has not looked yet: it looks after that. */
			repeat(t);
			continue;
		}
		if ((val & mask) == want || (val & lost)) {
			break;
		}
		if (t->gives_up && g_get_monotonic_time() >= end) {
			break;
		}
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(100);
	}
	t->seen[t->made - 1] = access_once(t, off, 0, width, false);
	return t->seen[t->made - 1];
}

uint64_t txn_wait(struct txn *t, uint32_t off, unsigned int width,
		  uint64_t mask, uint64_t want)
{
	return wait_for(t, off, width, mask, want, 0, false);
}

uint64_t txn_wait_done(struct txn *t, uint32_t off, unsigned int width,
		       uint64_t mask, uint64_t want, uint64_t lost)
{
	return wait_for(t, off, width, mask, want, lost, true);
}

void txn_starts(struct txn *t)
{
	t->start = t->made + 1;
	t->trapped_start = t->trapped + 1;
}

bool txn_is(const struct txn *t, uint64_t val, uint64_t mask, uint64_t want)
{
	return !t->stopped && (val & mask) == want;
}

static bool request(struct txn *t)
{
	if (t->kind->crb) {
		txn_out(t, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
		return txn_is(t, txn_in(t, TPM_REG_LOC_STS, 4),
			      TPM_LOC_STS_GRANTED, TPM_LOC_STS_GRANTED);
	}
	txn_out(t, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	return txn_is(t, txn_in(t, TPM_REG_ACCESS, 1),
		      TPM_ACCESS_ACTIVE_LOCALITY, TPM_ACCESS_ACTIVE_LOCALITY);
}

static void relinquish(struct txn *t)
{
	if (t->kind->crb) {
		txn_out(t, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH, 4);
	} else {
		txn_out(t, TPM_REG_ACCESS, TPM_ACCESS_ACTIVE_LOCALITY, 1);
	}
}

bool txn_run(struct txn *t)
{
	bool ok = request(t) && t->kind->send(t) && t->kind->receive(t);

	relinquish(t);
	return ok && !t->stopped;
}

bool txn_resume(struct txn *t, QtestClient *q)
{
	t->q = q;
	t->skip = t->made;
	t->made = 0;
	t->budget = -1;
	t->stopped = false;
	return txn_run(t);
}

void txn_init(struct txn *t, QtestClient *q, const struct txn_kind *kind,
	      uint8_t fill)
{
	static const uint8_t head[] = { 0x80, 0x01, 0, 0, 0, TXN_CMD_SIZE,
					0, 0, 0x01, 0x7B };
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->q = q;
	t->kind = kind;
	t->budget = -1;
	t->ticket = 1;
	memcpy(t->cmd, head, sizeof(head));
	/* No two neighbours are equal: a byte more or less is seen. */
	for (i = sizeof(head); i < TXN_CMD_SIZE; i++) {
		t->cmd[i] = (uint8_t)(fill + i);
	}
}

bool txn_response_is(const struct txn *t, unsigned int nth)
{
	uint8_t want[TXN_RSP_SIZE];
	size_t n = tpm_stub_answer_default(NULL, t->cmd, TXN_CMD_SIZE, nth, want,
					   sizeof(want));

	return t->rsp_size == n && memcmp(t->rsp, want, n) == 0;
}

char *txn_temp_file(void)
{
	char *name = NULL;
	int fd = g_file_open_tmp("tpmix-XXXXXX", &name, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	return name;
}
