/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexed door: discovery, INDEX and the trapped window, tickets, checksum. Its
 * windows in RAM are ram.c's.
 * docs/specification.md, "Indexed door". Every write names a goal, so that it
 * may be repeated; every read takes a const state.
 */
#include "internal.h"

#define CSUM_EXPECT_BITS (TPMIX_CSUM_EXPECT_MASK | TPMIX_CSUM_EXPECT_ON)

static bool has_response(const struct tpmix *e, unsigned int locality)
{
	return e->s.rsp_owner == locality;
}

static uint32_t status_read(const struct tpmix *e, unsigned int locality)
{
	uint32_t val = e->s.loc[locality].state;

	if (tpmix_busy(e)) {
		val |= TPMIX_STATUS_BUSY;
	}
	if (has_response(e, locality)) {
		val |= TPMIX_STATUS_RSP_VALID;
	}
	return val | (uint32_t)e->s.loc[locality].refused <<
		     TPMIX_STATUS_REFUSED_SHIFT;
}

/*
 * The checksums belong to a transaction: to the locality that runs it, and after
 * that to the one that may read its response.
 */
static uint32_t csum_read(const struct tpmix *e, unsigned int locality)
{
	if (e->s.running != locality && !has_response(e, locality)) {
		return 0;
	}
	return (uint32_t)e->s.rsp_csum << 16 | e->s.cmd_csum;
}

static uint32_t transaction_read(const struct tpmix *e, unsigned int locality,
				 uint32_t off)
{
	switch (off) {
	case TPMIX_REG_INDEX:
		return e->s.loc[locality].index;
	case TPMIX_REG_CSUM_EXPECT:
		return e->s.loc[locality].csum_expect;
	case TPMIX_REG_DOORBELL:
	case TPMIX_REG_ACCEPTED:
		return e->s.accepted;
	case TPMIX_REG_STATUS:
		return status_read(e, locality);
	case TPMIX_REG_COMPLETED:
		return tpmix_completed(e);
	case TPMIX_REG_RSP_SIZE:
		return has_response(e, locality) ? e->s.rsp_len : 0;
	case TPMIX_REG_CSUM:
		return csum_read(e, locality);
	default:
		/* CANCEL, INT_ACK, reserved */
		return 0;
	}
}

uint32_t tpmix_indexed_read32(const struct tpmix *e, unsigned int locality,
			      uint32_t off)
{
	switch (off) {
	case TPMIX_REG_MAGIC:
		return TPMIX_MAGIC;
	case TPMIX_REG_VERSION:
		return TPMIX_VERSION_1_0;
	case TPMIX_REG_CAP:
		return TPMIX_CAP_INDEX | TPMIX_CAP_TICKET | TPMIX_CAP_CSUM |
		       TPMIX_CAP_RAM;
	case TPMIX_REG_BUFSIZE:
		return e->s.bufsize;
	case TPMIX_REG_WINDOW:
		return TPMIX_WINDOW_SIZE << 16 | TPMIX_WINDOW;
	case TPMIX_REG_RAM_SIZE:
		return e->cfg.capacity;
	case TPMIX_REG_CMD_WINDOW:
		return TPMIX_BASE + TPMIX_CMD_WINDOW;
	case TPMIX_REG_RSP_WINDOW:
		return TPMIX_BASE + TPMIX_RSP_WINDOW;
	case TPMIX_REG_HEADER:
		return TPMIX_BASE + TPMIX_HEADER;
	default:
		if (off < TPMIX_REG_INDEX) {
			return 0;
		}
		return e->s.active == locality ?
		       transaction_read(e, locality, off) : ALL_ONES;
	}
}

static void refuse(struct tpmix *e, unsigned int locality,
		   enum tpmix_refused why, const char *what, uint32_t off)
{
	e->s.loc[locality].refused = (uint8_t)why;
	tpmix_guest_error(e, what, locality << TPMIX_LOCALITY_SHIFT | off);
}

static void doorbell(struct tpmix *e, unsigned int locality, uint32_t ticket)
{
	/* R3, R7: a doorbell that was heard already, however long ago. */
	if (ticket == e->s.accepted) {
		return;
	}
	if (ticket != tpmix_ticket_after(e->s.accepted)) {
		refuse(e, locality, TPMIX_REFUSED_TICKET,
		       "doorbell with a wrong ticket", TPMIX_REG_DOORBELL);
	} else if (tpmix_busy(e)) {
		refuse(e, locality, TPMIX_REFUSED_BUSY,
		       "doorbell while a command runs", TPMIX_REG_DOORBELL);
	} else if (!tpmix_accept(e, locality, TPMIX_FROM_BUFFER,
				 e->s.loc[locality].csum_expect)) {
		refuse(e, locality, TPMIX_REFUSED_CSUM,
		       "command differs from its checksum", TPMIX_REG_DOORBELL);
	}
}

static void cancel(struct tpmix *e, unsigned int locality, uint32_t ticket)
{
	/* Names the command: a late repetition finds another or none. */
	if (e->s.running == locality && ticket == e->s.accepted) {
		tpmix_cancel(e);
	}
}

static void int_ack(struct tpmix *e, unsigned int locality, uint32_t ticket)
{
	if (ticket == tpmix_completed(e)) {
		e->s.loc[locality].int_status &=
			(uint8_t)~(TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID);
	}
}

void tpmix_indexed_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask)
{
	if (e->s.active != locality) {
		return;
	}
	switch (off) {
	case TPMIX_REG_INDEX:
		e->s.loc[locality].index = (e->s.loc[locality].index & ~mask) | val;
		return;
	case TPMIX_REG_CSUM_EXPECT:
		e->s.loc[locality].csum_expect =
			((e->s.loc[locality].csum_expect & ~mask) | val) &
			CSUM_EXPECT_BITS;
		return;
	case TPMIX_REG_CANCEL:
	case TPMIX_REG_DOORBELL:
	case TPMIX_REG_INT_ACK:
		break;
	default:
		return;
	}
	if (mask != ALL_ONES) {
		/* A part of a ticket names another command. */
		refuse(e, locality, TPMIX_REFUSED_WIDTH,
		       "ticket not written as 4 aligned bytes", off);
	} else if (off == TPMIX_REG_DOORBELL) {
		doorbell(e, locality, val);
	} else if (off == TPMIX_REG_CANCEL) {
		cancel(e, locality, val);
	} else {
		int_ack(e, locality, val);
	}
}

uint8_t tpmix_rsp_byte(const struct tpmix *e, unsigned int locality,
		       uint32_t at)
{
	if (e->s.active != locality || !has_response(e, locality) ||
	    at >= e->s.rsp_len) {
		return NO_DATA_BYTE;
	}
	return tpmix_get(e->cfg.rsp, at);
}

uint8_t tpmix_window_read(const struct tpmix *e, unsigned int locality,
			  uint32_t off)
{
	uint32_t index = e->s.loc[locality].index;

	return index < TPMIX_BUFFER_MAX ?
	       tpmix_rsp_byte(e, locality, index + off) : NO_DATA_BYTE;
}

void tpmix_window_write(struct tpmix *e, unsigned int locality, uint32_t off,
			uint8_t byte)
{
	uint32_t index = e->s.loc[locality].index;

	if (e->s.active != locality) {
		return;
	}
	if (index >= e->s.bufsize || off >= e->s.bufsize - index) {
		refuse(e, locality, TPMIX_REFUSED_INDEX,
		       "window write outside the command buffer",
		       TPMIX_WINDOW + off);
		return;
	}
	tpmix_put(tpmix_cmd(e, locality), index + off, byte);
}
