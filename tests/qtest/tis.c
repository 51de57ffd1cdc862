/* SPDX-License-Identifier: BSD-2-Clause */
#include "tis.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tpmix.h"

#define POLLS 2000

/* Each access counts; those of an earlier part are answered from memory. */
static bool step(struct tis *t)
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

static uint64_t in(struct tis *t, uint32_t off, unsigned int width)
{
	if (step(t)) {
		t->seen[t->made - 1] =
			qtest_read_width(t->q, TIS_BASE + off, width);
	}
	return t->stopped ? 0 : t->seen[t->made - 1];
}

static void out(struct tis *t, uint32_t off, uint64_t val, unsigned int width)
{
	if (step(t)) {
		qtest_write_width(t->q, TIS_BASE + off, val, width);
	}
}

/* Polls are one access to the transaction: their number is not the guest's. */
static uint64_t poll_for(struct tis *t, uint32_t off, unsigned int width,
			 uint64_t mask, uint64_t want)
{
	unsigned int i;

	if (!step(t)) {
		return t->stopped ? 0 : t->seen[t->made - 1];
	}
	for (i = 0; i < POLLS; i++) {
		uint64_t val = qtest_read_width(t->q, TIS_BASE + off, width);

		t->seen[t->made - 1] = val;
		if ((val & mask) == want) {
			break;
		}
		g_usleep(100);
	}
	return t->seen[t->made - 1];
}

static bool is(struct tis *t, uint64_t val, uint64_t mask, uint64_t want)
{
	return !t->stopped && (val & mask) == want;
}

static bool indexed_send(struct tis *t)
{
	uint64_t val;
	uint32_t i;

	out(t, TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < TIS_CMD_SIZE; i += 8) {
		val = 0;
		memcpy(&val, t->cmd + i, MIN(8, TIS_CMD_SIZE - i));
		out(t, TPMIX_WINDOW + i, val, 8);
	}
	out(t, TPMIX_REG_CSUM_EXPECT, (uint64_t)t->ticket << 32 |
	    TPMIX_CSUM_EXPECT_ON | tpmix_crc16(t->cmd, TIS_CMD_SIZE), 8);
	val = poll_for(t, TPMIX_REG_COMPLETED, 8, G_MAXUINT32, t->ticket);
	t->rsp_size = (uint32_t)(val >> 32);
	return is(t, val, G_MAXUINT32, t->ticket);
}

static bool indexed_receive(struct tis *t)
{
	uint64_t val;
	uint32_t i;

	if (t->rsp_size < 10 || t->rsp_size > sizeof(t->rsp) - 8) {
		return false;
	}
	out(t, TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < t->rsp_size; i += 8) {
		val = in(t, TPMIX_WINDOW + i, 8);
		memcpy(t->rsp + i, &val, 8);
	}
	val = in(t, TPMIX_REG_CSUM, 4);
	return is(t, val >> 16, 0xFFFF, tpmix_crc16(t->rsp, t->rsp_size));
}

static bool fifo_send(struct tis *t)
{
	uint32_t i;
	uint64_t val;

	out(t, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	val = poll_for(t, TPM_REG_STS, 1, TPM_STS_COMMAND_READY,
		       TPM_STS_COMMAND_READY);
	if (!is(t, val, TPM_STS_COMMAND_READY, TPM_STS_COMMAND_READY)) {
		return false;
	}
	for (i = 0; i < TIS_CMD_SIZE; i++) {
		if (i == TIS_CMD_SIZE - 1 &&
		    !is(t, in(t, TPM_REG_STS, 1), TPM_STS_EXPECT,
			TPM_STS_EXPECT)) {
			return false;
		}
		out(t, TPM_REG_DATA_FIFO, t->cmd[i], 1);
	}
	if (!is(t, in(t, TPM_REG_STS, 1), TPM_STS_EXPECT, 0)) {
		return false;
	}
	out(t, TPM_REG_STS, TPM_STS_GO, 1);
	val = poll_for(t, TPM_REG_STS, 1, TPM_STS_DATA_AVAIL | TPM_STS_GO,
		       TPM_STS_DATA_AVAIL);
	return is(t, val, TPM_STS_DATA_AVAIL, TPM_STS_DATA_AVAIL);
}

static bool fifo_receive(struct tis *t)
{
	uint32_t i;

	t->rsp_size = 10;
	for (i = 0; i < t->rsp_size && !t->stopped; i++) {
		t->rsp[i] = (uint8_t)in(t, TPM_REG_DATA_FIFO, 1);
		if (i == 5) {
			t->rsp_size = (uint32_t)t->rsp[4] << 8 | t->rsp[5];
		}
		if (t->rsp_size < 10 || t->rsp_size > TIS_RSP_SIZE + 10) {
			return false;
		}
	}
	if (!is(t, in(t, TPM_REG_STS, 1), TPM_STS_DATA_AVAIL, 0)) {
		return false;
	}
	out(t, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	return true;
}

bool tis_transaction(struct tis *t)
{
	bool ok;

	out(t, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	ok = is(t, in(t, TPM_REG_ACCESS, 1), TPM_ACCESS_ACTIVE_LOCALITY,
		TPM_ACCESS_ACTIVE_LOCALITY);
	if (ok && t->door == TIS_INDEXED) {
		ok = indexed_send(t) && indexed_receive(t);
	} else if (ok) {
		ok = fifo_send(t) && fifo_receive(t);
	}
	out(t, TPM_REG_ACCESS, TPM_ACCESS_ACTIVE_LOCALITY, 1);
	return ok && !t->stopped;
}

bool tis_resume(struct tis *t, QtestClient *q)
{
	t->q = q;
	t->skip = t->made;
	t->made = 0;
	t->budget = -1;
	t->stopped = false;
	return tis_transaction(t);
}

void tis_init(struct tis *t, QtestClient *q, enum tis_door door, uint8_t fill)
{
	static const uint8_t head[] = { 0x80, 0x01, 0, 0, 0, TIS_CMD_SIZE,
					0, 0, 0x01, 0x7B };
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->q = q;
	t->door = door;
	t->budget = -1;
	t->ticket = 1;
	memcpy(t->cmd, head, sizeof(head));
	/* No two neighbours are equal: a byte more or less is seen. */
	for (i = sizeof(head); i < TIS_CMD_SIZE; i++) {
		t->cmd[i] = (uint8_t)(fill + i);
	}
}

bool tis_response_is(const struct tis *t, unsigned int nth)
{
	uint8_t want[TIS_RSP_SIZE];
	size_t n = tpm_stub_answer_default(NULL, t->cmd, TIS_CMD_SIZE, nth, want,
					   sizeof(want));

	return t->rsp_size == n && memcmp(t->rsp, want, n) == 0;
}

char *tis_temp_file(void)
{
	char *name = NULL;
	int fd = g_file_open_tmp("tpmix-XXXXXX", &name, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	return name;
}
