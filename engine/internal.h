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

/* buffer.c; requires: offsets below the capacity of the buffer */

uint8_t tpmix_get(const uint8_t *buf, uint32_t at);
void tpmix_put(uint8_t *buf, uint32_t at, uint8_t byte);
void tpmix_wipe(uint8_t *buf, uint32_t len);
/* Bytes @begin to @end - 1; the others of @to stay. */
void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end);

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
/*
 * Accepts what cmd holds as the next command of @locality: private copy, header
 * check, new ticket, start or error response. Requires: nothing runs.
 * @fifo: the command came through the FIFO, so fifo_len is its size as well.
 */
void tpmix_accept(struct tpmix *e, unsigned int locality, bool fifo);
/* Checksum that a doorbell compares: of the bytes the header claims. */
uint16_t tpmix_cmd_crc(const struct tpmix *e);
/* STS.commandReady: the goal is READY, whatever the state. */
void tpmix_goal_ready(struct tpmix *e, unsigned int locality);
void tpmix_cancel(struct tpmix *e);
void tpmix_guest_error(const struct tpmix *e, const char *what, uint32_t addr);

/* locality.c */

uint32_t tpmix_access_read(const struct tpmix *e, unsigned int locality);
void tpmix_access_write(struct tpmix *e, unsigned int locality, uint32_t val);
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

/* indexed.c: the window and 0xF90-0xFFF */

uint32_t tpmix_indexed_read32(const struct tpmix *e, unsigned int locality,
			      uint32_t off);
void tpmix_indexed_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask);
uint8_t tpmix_window_read(const struct tpmix *e, unsigned int locality,
			  uint32_t off);
void tpmix_window_write(struct tpmix *e, unsigned int locality, uint32_t off,
			uint8_t byte);

#endif /* TPMIX_INTERNAL_H */
