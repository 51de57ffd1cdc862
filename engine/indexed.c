/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexed door: discovery, INDEX and the trapped window, tickets, checksum. Its
 * windows in RAM are ram.c's.
 * docs/specification.md, "Indexed door". Every write names a goal, so that it
 * may be repeated; every read takes a const state.
 */
#include "internal.h"

static uint32_t status_read(const struct tpmix *e, unsigned int locality)
{
	uint32_t val = e->s.loc[locality].state;

	if (tpmix_busy(e)) {
		val |= TPMIX_STATUS_BUSY;
	}
	if (tpmix_readable(e, locality)) {
		val |= TPMIX_STATUS_RSP_VALID;
	}
	if (tpmix_pending_request(e, locality)) {
		val |= TPMIX_STATUS_PENDING_REQUEST;
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
	if (e->s.running != locality && !tpmix_readable(e, locality)) {
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
		return tpmix_readable(e, locality);
	case TPMIX_REG_CSUM:
		return csum_read(e, locality);
	default:
		/* CANCEL, INT_ACK */
		return 0;
	}
}

static uint64_t window_addr(const struct tpmix *e, uint32_t window)
{
	return tpmix_has_ram(e) ? e->cfg.base + window : 0;
}

/* Discovery: constant, and the same in every locality. */
static uint32_t discovery_read(const struct tpmix *e, uint32_t off)
{
	switch (off) {
	case TPMIX_REG_MAGIC:
		return TPMIX_MAGIC;
	case TPMIX_REG_VERSION:
		return TPMIX_VERSION_1_0;
	case TPMIX_REG_CAP:
		return TPMIX_CAP_INDEX | TPMIX_CAP_TICKET | TPMIX_CAP_CSUM |
		       (tpmix_has_ram(e) ? TPMIX_CAP_RAM : 0) |
		       (e->cfg.int_vector ? TPMIX_CAP_INT : 0);
	case TPMIX_REG_BUFSIZE:
		return e->s.bufsize;
	case TPMIX_REG_WINDOW:
		return TPMIX_WINDOW_SIZE << 16 | TPMIX_WINDOW;
	case TPMIX_REG_RAM_SIZE:
		return tpmix_has_ram(e) ? e->cfg.capacity : 0;
	case TPMIX_REG_CMD_WINDOW:
		return (uint32_t)window_addr(e, TPMIX_CMD_WINDOW);
	case TPMIX_REG_CMD_WINDOW + 4:
		return (uint32_t)(window_addr(e, TPMIX_CMD_WINDOW) >> 32);
	case TPMIX_REG_RSP_WINDOW:
		return (uint32_t)window_addr(e, TPMIX_RSP_WINDOW);
	case TPMIX_REG_RSP_WINDOW + 4:
		return (uint32_t)(window_addr(e, TPMIX_RSP_WINDOW) >> 32);
	case TPMIX_REG_HEADER:
		return (uint32_t)window_addr(e, TPMIX_HEADER);
	default:
		return (uint32_t)(window_addr(e, TPMIX_HEADER) >> 32);
	}
}

bool tpmix_indexed_read32(const struct tpmix *e, unsigned int locality,
			  uint32_t off, uint32_t *val)
{
	if (off < TPMIX_REG_INDEX) {
		*val = discovery_read(e, off);
	} else if (off > TPMIX_REG_INT_ACK) {
		*val = 0;
		return false;
	} else {
		*val = e->s.active == locality ?
		       transaction_read(e, locality, off) : ALL_ONES;
	}
	return true;
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

/*
 * The interrupt is that of the ticket that was written: a doorbell that comes late or
 * twice finds its command completed, or another one accepted.
 */
static void ask_interrupt(struct tpmix *e, unsigned int locality,
			  uint32_t ticket)
{
	if (e->s.running == locality && ticket == e->s.accepted &&
	    (e->s.loc[locality].csum_expect & TPMIX_CSUM_EXPECT_INT_COMPLETED)) {
		e->s.notify = 1;
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

static void ticket_write(struct tpmix *e, unsigned int locality, uint32_t off,
			 uint32_t val, uint32_t mask)
{
	if (mask != ALL_ONES) {
		/* A part of a ticket names another command. */
		refuse(e, locality, TPMIX_REFUSED_WIDTH,
		       "ticket not written as 4 aligned bytes", off);
	} else if (off == TPMIX_REG_DOORBELL) {
		doorbell(e, locality, val);
		ask_interrupt(e, locality, val);
	} else if (off == TPMIX_REG_CANCEL) {
		cancel(e, locality, val);
	} else {
		int_ack(e, locality, val);
	}
}

bool tpmix_indexed_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask)
{
	struct tpmix_loc *l = &e->s.loc[locality];

	if (e->s.active != locality) {
		return off <= TPMIX_REG_INT_ACK;
	}
	switch (off) {
	case TPMIX_REG_INDEX:
		l->index = (l->index & ~mask) | val;
		return true;
	case TPMIX_REG_CSUM_EXPECT:
		l->csum_expect = ((l->csum_expect & ~mask) | val) &
				 CSUM_EXPECT_BITS;
		return true;
	case TPMIX_REG_CANCEL:
	case TPMIX_REG_DOORBELL:
	case TPMIX_REG_INT_ACK:
		ticket_write(e, locality, off, val, mask);
		return true;
	default:
		/* RO up to INT_ACK, nothing behind it. */
		return off <= TPMIX_REG_INT_ACK;
	}
}

uint8_t tpmix_window_read(const struct tpmix *e, unsigned int locality,
			  uint32_t off)
{
	uint32_t index = e->s.loc[locality].index;

	/* No response is so long; and the sum is not to wrap. */
	return tpmix_rsp_byte(e, locality,
			      index < TPMIX_BUFFER_MAX ? index + off : ALL_ONES);
}

void tpmix_window_write(struct tpmix *e, unsigned int locality, uint32_t off,
			uint32_t val, unsigned int size)
{
	uint32_t index = e->s.loc[locality].index;
	uint32_t room;

	if (e->s.active != locality) {
		return;
	}
	room = index < e->s.bufsize && off < e->s.bufsize - index ?
	       e->s.bufsize - index - off : 0;
	if (room < size) {
		refuse(e, locality, TPMIX_REFUSED_INDEX,
		       "window write outside the command buffer",
		       TPMIX_WINDOW + off);
		size = room;
	}
	if (size) {
		tpmix_cmd_put(e, locality, index + off, val, size);
	}
}
