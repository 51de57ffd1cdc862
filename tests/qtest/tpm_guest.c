/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm_guest.h"

#include <string.h>

#include "tpmix.h"

#define BASE TPM_GUEST_BASE

#define ST 0x80, 0x01
#define ST_SESSIONS 0x80, 0x02
#define OWNER 0x40, 0, 0, 0x01
#define EMPTY_AUTH 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0
#define NV 0x01, 0x50, 0x00, 0x10

const struct tpm_command tpm_startup = {
	12, { ST, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0 }
};
const struct tpm_command tpm_get_random = {
	12, { ST, 0, 0, 0, 12, 0, 0, 0x01, 0x7B, 0, 16 }
};
const struct tpm_command tpm_get_cap = {
	22, { ST, 0, 0, 0, 22, 0, 0, 0x01, 0x7A,
	      0, 0, 0, 6, 0, 0, 1, 5, 0, 0, 0, 1 }
};
/* 8 bytes, OWNERWRITE | OWNERREAD | AUTHREAD | AUTHWRITE | NO_DA */
const struct tpm_command tpm_nv_define = {
	45, { ST_SESSIONS, 0, 0, 0, 45, 0, 0, 0x01, 0x2A, OWNER, EMPTY_AUTH,
	      0, 0, 0, 14, NV, 0, 0x0B, 0x02, 0x06, 0x00, 0x06, 0, 0, 0, 8 }
};
const struct tpm_command tpm_nv_read = {
	35, { ST_SESSIONS, 0, 0, 0, 35, 0, 0, 0x01, 0x4E, OWNER, NV, EMPTY_AUTH,
	      0, 8, 0, 0 }
};

struct tpm_command tpm_nv_write(const uint8_t *data)
{
	struct tpm_command c = {
		43, { ST_SESSIONS, 0, 0, 0, 43, 0, 0, 0x01, 0x37, OWNER, NV,
		      EMPTY_AUTH, 0, 8 }
	};

	memcpy(c.bytes + 33, data, 8); /* then an offset of 0 */
	return c;
}

struct tpm_command tpm_create_rsa(uint16_t bits, uint32_t unique)
{
	struct tpm_command c = {
		71, { ST_SESSIONS, 0, 0, 0, 71, 0, 0, 0x01, 0x31, OWNER,
		      EMPTY_AUTH,
		      0, 4, 0, 0, 0, 0, /* sensitive: no auth, no data */
		      0, 30, 0, 1, 0, 0x0B, 0, 3, 0, 0x72, 0, 0, /* public */
		      0, 6, 0, 0x80, 0, 0x43, 0, 0x10, 0, 0, 0, 0, 0, 0 }
	};

	c.bytes[53] = (uint8_t)(bits >> 8);
	c.bytes[54] = (uint8_t)bits;
	/* unique: a size and 4 bytes; outsideInfo and creationPCR stay empty */
	c.bytes[60] = sizeof(unique);
	memcpy(c.bytes + 61, &unique, sizeof(unique));
	return c;
}

struct tpm_command tpm_flush(unsigned int nth)
{
	struct tpm_command c = {
		14, { ST, 0, 0, 0, 14, 0, 0, 0x01, 0x65, 0x80, 0, 0, 0 }
	};

	c.bytes[13] = (uint8_t)nth;
	return c;
}

/* The extension pages first: a CRB page has a guest's bytes at these offsets. */
uint64_t tpm_guest_indexed(QtestClient *q)
{
	return qtest_readl(q, BASE + TPMIX_EXT + TPMIX_REG_MAGIC) == TPMIX_MAGIC ?
	       BASE + TPMIX_EXT : BASE;
}

static bool is_crb(QtestClient *q)
{
	return (qtest_readl(q, BASE + TPM_REG_INTF_ID) & TPM_INTF_ID_TYPE_MASK) ==
	       TPMIX_INTERFACE_CRB;
}

static void ask(QtestClient *q, unsigned int locality, uint8_t loc_ctrl,
		uint8_t access)
{
	uint64_t page = BASE + (locality << TPMIX_LOCALITY_SHIFT);

	if (is_crb(q)) {
		qtest_writel(q, page + TPM_REG_LOC_CTRL, loc_ctrl);
	} else {
		qtest_writeb(q, page + TPM_REG_ACCESS, access);
	}
}

void tpm_guest_request(QtestClient *q, unsigned int locality)
{
	ask(q, locality, TPM_LOC_CTRL_REQUEST_ACCESS, TPM_ACCESS_REQUEST_USE);
}

void tpm_guest_relinquish(QtestClient *q, unsigned int locality)
{
	ask(q, locality, TPM_LOC_CTRL_RELINQUISH, TPM_ACCESS_ACTIVE_LOCALITY);
}

void tpm_guest_seize(QtestClient *q, unsigned int locality)
{
	ask(q, locality, TPM_LOC_CTRL_SEIZE, TPM_ACCESS_SEIZE);
}

bool tpm_guest_is_active(QtestClient *q, unsigned int locality)
{
	uint64_t page = BASE + (locality << TPMIX_LOCALITY_SHIFT);

	return is_crb(q) ?
	       qtest_readl(q, page + TPM_REG_LOC_STS) & TPM_LOC_STS_GRANTED :
	       qtest_readb(q, page + TPM_REG_ACCESS) & TPM_ACCESS_ACTIVE_LOCALITY;
}

void tpm_guest_put(QtestClient *q, const struct tpm_command *c)
{
	const uint64_t page = tpm_guest_indexed(q);
	uint32_t i;

	qtest_writel(q, page + TPMIX_REG_INDEX, 0);
	for (i = 0; i < c->size; i += 8) {
		uint64_t val;

		memcpy(&val, c->bytes + i, 8);
		qtest_writeq(q, page + TPMIX_WINDOW + i, val);
	}
}

static uint32_t ring(QtestClient *q, const struct tpm_command *c, uint32_t flags)
{
	const uint64_t page = tpm_guest_indexed(q);
	uint32_t ticket = qtest_readl(q, page + TPMIX_REG_ACCEPTED) + 1;

	tpm_guest_put(q, c);
	qtest_writeq(q, page + TPMIX_REG_CSUM_EXPECT, (uint64_t)ticket << 32 |
		     TPMIX_CSUM_EXPECT_ON | flags | tpmix_crc16(c->bytes, c->size));
	g_assert_cmphex(qtest_readl(q, page + TPMIX_REG_ACCEPTED), ==, ticket);
	return ticket;
}

uint32_t tpm_guest_ring(QtestClient *q, const struct tpm_command *c)
{
	return ring(q, c, 0);
}

uint32_t tpm_guest_ring_int(QtestClient *q, const struct tpm_command *c)
{
	return ring(q, c, TPMIX_CSUM_EXPECT_INT_COMPLETED);
}

bool tpm_guest_completes(QtestClient *q, uint32_t ticket, unsigned int ms)
{
	const uint64_t page = tpm_guest_indexed(q);
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;

	while (qtest_readl(q, page + TPMIX_REG_COMPLETED) != ticket) {
		if (g_get_monotonic_time() >= end) {
			return false;
		}
		g_usleep(500);
	}
	return true;
}

uint32_t tpm_guest_response(QtestClient *q, uint8_t *rsp)
{
	const uint64_t page = tpm_guest_indexed(q);
	uint32_t size = qtest_readl(q, page + TPMIX_REG_RSP_SIZE), i;

	g_assert_cmpuint(size, >=, 10);
	g_assert_cmpuint(size, <=, MIN(TPM_GUEST_MAX, TPMIX_WINDOW_SIZE));
	qtest_writel(q, page + TPMIX_REG_INDEX, 0);
	for (i = 0; i < size; i++) {
		rsp[i] = qtest_readb(q, page + TPMIX_WINDOW + i);
	}
	g_assert_cmphex(qtest_readl(q, page + TPMIX_REG_CSUM) >> 16, ==,
			tpmix_crc16(rsp, size));
	return size;
}

bool tpm_guest_has_tpm(QtestClient *q)
{
	return qtest_readl(q, tpm_guest_indexed(q) + TPMIX_REG_MAGIC) == TPMIX_MAGIC;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

uint32_t tpm_guest_command(QtestClient *q, const struct tpm_command *c,
			   uint8_t *rsp)
{
	uint8_t buffer[TPM_GUEST_MAX];
	uint32_t ticket = tpm_guest_ring(q, c), size;

	rsp = rsp ? rsp : buffer;
	g_assert_true(tpm_guest_completes(q, ticket, 10000));
	size = tpm_guest_response(q, rsp);
	g_assert_cmpuint(be32(rsp + 2), ==, size);
	return be32(rsp + 6);
}

/* Locality 0 is active, and no command of another one still runs. */
static bool ready(QtestClient *q)
{
	return tpm_guest_is_active(q, 0) &&
	       !(qtest_readl(q, tpm_guest_indexed(q) + TPMIX_REG_STATUS) &
		 TPMIX_STATUS_BUSY);
}

void tpm_guest_take(QtestClient *q)
{
	gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
	uint32_t l;

	do {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		for (l = 0; l < TPMIX_NUM_LOCALITIES - 1; l++) {
			tpm_guest_relinquish(q, l);
		}
		/* pending where another one waits for a running command */
		tpm_guest_request(q, 0);
	} while (!ready(q));
}

void tpm_guest_honest(QtestClient *q)
{
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t rc;

	tpm_guest_take(q);
	rc = tpm_guest_command(q, &tpm_startup, NULL);
	if (rc != 0x100) { /* TPM_RC_INITIALIZE: not needed */
		g_assert_cmphex(rc, ==, 0);
	}
	g_assert_cmphex(tpm_guest_command(q, &tpm_get_cap, rsp), ==, 0);
	g_assert_cmpuint(be32(rsp + 2), ==, 27);
	g_assert_cmpmem(rsp + 23, 4, "IBM", 4);
}
