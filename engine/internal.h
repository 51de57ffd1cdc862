/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine's files share; not for hosts.
 *
 * Helpers that take a locality require locality < TPMIX_NUM_LOCALITIES.
 */
#ifndef TPMIX_INTERNAL_H
#define TPMIX_INTERNAL_H

#include <stddef.h>

#include "tpmix.h"

#define ALL_ONES        0xFFFFFFFFu
#define NO_DATA_BYTE    0xFFu   /* TIS 1.3 5.6.6: a read without data */

static inline bool tpmix_loc_ok(uint8_t locality)
{
	return locality < TPMIX_NUM_LOCALITIES;
}

static inline bool tpmix_busy(const struct tpmix *e)
{
	return tpmix_loc_ok(e->s.running);
}

/*
 * Tickets wrap at 32 bits. Nothing else may: the proofs take any other unsigned
 * overflow for an error.
 */
static inline uint32_t tpmix_ticket_after(uint32_t ticket)
{
	return (uint32_t)(ticket + 1ull);
}

static inline uint32_t tpmix_ticket_before(uint32_t ticket)
{
	return (uint32_t)(ticket + 0xFFFFFFFFull);
}

/*
 * Where @locality's command is written. Locality 0's is RAM that the guest may
 * change at any moment: what is decided on is decided on cfg.run.
 */
static inline uint8_t *tpmix_cmd(const struct tpmix *e, unsigned int locality)
{
	return locality == 0 ? e->cfg.ram.cmd : e->cfg.cmd;
}

/* buffer.c; requires: offsets below the capacity of the buffer */

uint8_t tpmix_get(const uint8_t *buf, uint32_t at);
void tpmix_put(uint8_t *buf, uint32_t at, uint8_t byte);
void tpmix_wipe(uint8_t *buf, uint32_t len);
/* Bytes @begin to @end - 1 are NO_DATA_BYTE. */
void tpmix_blank(uint8_t *buf, uint32_t begin, uint32_t end);
/* Bytes @begin to @end - 1; the others of @to stay. */
void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end);

/*
 * One aligned little-endian store, after all stores before it, for a guest that
 * reads the word from another CPU.
 */
void tpmix_put_word(uint32_t *words, uint32_t at, uint32_t val);

/* TPM 2.0 part 1, 18: big-endian size field at byte 2 of a header. */
static inline uint32_t tpmix_get_be32(const uint8_t *buf, uint32_t at)
{
	return (uint32_t)tpmix_get(buf, at) << 24 |
	       (uint32_t)tpmix_get(buf, at + 1) << 16 |
	       (uint32_t)tpmix_get(buf, at + 2) << 8 | tpmix_get(buf, at + 3);
}

/* transaction.c */

/* TIS 1.3 5.6.7: sets @mask where the locality's INT_ENABLE lets it through. */
void tpmix_raise(struct tpmix *e, unsigned int locality, uint32_t mask);
/* How a command came: through the FIFO, fifo_len is its size as well. */
enum tpmix_source {
	TPMIX_FROM_FIFO,
	TPMIX_FROM_BUFFER,
};
/*
 * Accepts what @locality wrote as its next command: private copy, checksum and
 * header check on that, new ticket, start or error response. Requires: nothing
 * runs. False, and nothing changed, where @expect (TPMIX_REG_CSUM_EXPECT) is on
 * and differs from the checksum of the bytes that the header claims.
 */
bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect);
/*
 * The goal is READY or IDLE. Requires: the locality is not in EXECUTION. The
 * response stays (R4).
 */
void tpmix_goal_ready(struct tpmix *e, unsigned int locality);
void tpmix_goal_idle(struct tpmix *e, unsigned int locality);
/* The running command, of @locality, ends in READY. */
void tpmix_abort(struct tpmix *e);
void tpmix_cancel(struct tpmix *e);
void tpmix_guest_error(const struct tpmix *e, const char *what, uint32_t addr);

/* locality.c */

uint32_t tpmix_access_read(const struct tpmix *e, unsigned int locality);
void tpmix_access_write(struct tpmix *e, unsigned int locality, uint32_t val);
/* What both TPM_ACCESS and TPM_LOC_CTRL ask for. */
void tpmix_request(struct tpmix *e, unsigned int locality);
void tpmix_relinquish(struct tpmix *e, unsigned int locality);
void tpmix_seize(struct tpmix *e, unsigned int locality);
/*
 * Makes @locality, which is not, the active one; what it may not see is wiped.
 */
void tpmix_set_active(struct tpmix *e, uint8_t locality);

/* fifo.c: registers below 0xF90, by aligned 32-bit offset */

uint32_t tpmix_fifo_read32(const struct tpmix *e, unsigned int locality,
			   uint32_t off, unsigned int size);
void tpmix_fifo_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			uint32_t val, uint32_t mask);
uint8_t tpmix_fifo_pop(struct tpmix *e, unsigned int locality);
void tpmix_fifo_push(struct tpmix *e, unsigned int locality, uint8_t byte);

/* crb.c: registers below TPM_REG_DATA_BUFFER by aligned 32-bit offset; buffer */

uint32_t tpmix_crb_read32(const struct tpmix *e, unsigned int locality,
			  uint32_t off);
void tpmix_crb_write32(struct tpmix *e, unsigned int locality, uint32_t off,
		       uint32_t val, uint32_t mask);
uint8_t tpmix_crb_buffer_read(const struct tpmix *e, unsigned int locality,
			      uint32_t off);
void tpmix_crb_buffer_write(struct tpmix *e, unsigned int locality,
			    uint32_t off, uint8_t byte);

/* intf.c: TPM_INTERFACE_ID, alias TPM_CRB_INTF_ID */

uint32_t tpmix_intf_id_read(const struct tpmix *e);
void tpmix_intf_id_write(struct tpmix *e, uint32_t val, uint32_t mask);
/* The interface that is there where @want may not be. */
uint8_t tpmix_interface_or_other(const struct tpmix *e, uint8_t want);

/* ram.c */

/* Locality 0 may read so many bytes of rsp now. */
uint32_t tpmix_shown(const struct tpmix *e);
/* After every change of state: cfg.ram shows it. */
void tpmix_show(struct tpmix *e);

/* indexed.c: the window and 0xF90-0xFFF */

/* Byte @at of the response as @locality may read it, else NO_DATA_BYTE. */
uint8_t tpmix_rsp_byte(const struct tpmix *e, unsigned int locality,
		       uint32_t at);

uint32_t tpmix_indexed_read32(const struct tpmix *e, unsigned int locality,
			      uint32_t off);
void tpmix_indexed_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask);
uint8_t tpmix_window_read(const struct tpmix *e, unsigned int locality,
			  uint32_t off);
void tpmix_window_write(struct tpmix *e, unsigned int locality, uint32_t off,
			uint8_t byte);

#endif /* TPMIX_INTERNAL_H */
