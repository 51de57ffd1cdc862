/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine's files share; not for hosts.
 *
 * The files are floors, and a file uses what is below it only:
 *
 *   tpmix.c mmio.c valid.c          public functions, addresses
 *   ram.c                           what the guest finds in RAM
 *   fifo.c crb.c indexed.c          the doors
 *   intf.c locality.c               which interface, which locality
 *   transaction.c                   the state machine, both buffers
 *   buffer.c                        bytes
 *
 * Helpers that take a locality require locality < TPMIX_NUM_LOCALITIES.
 */
#ifndef TPMIX_INTERNAL_H
#define TPMIX_INTERNAL_H

#include <stddef.h>

#include "tpmix.h"

#define ALL_ONES        0xFFFFFFFFu
/* All bits of TPMIX_REG_CSUM_EXPECT. */
#define CSUM_EXPECT_BITS                                        \
	((uint32_t)(TPMIX_CSUM_EXPECT_MASK | TPMIX_CSUM_EXPECT_ON | \
		    TPMIX_CSUM_EXPECT_INT_COMPLETED |               \
		    TPMIX_CSUM_EXPECT_INT_REQUEST))
#define NO_DATA_BYTE    0xFFu   /* TIS 1.3 5.6.6: a read without data */

static inline bool tpmix_loc_ok(uint8_t locality)
{
	return locality < TPMIX_NUM_LOCALITIES;
}

static inline bool tpmix_busy(const struct tpmix *e)
{
	return tpmix_loc_ok(e->s.running);
}

/* Without one everything reads as 0. */
static inline bool tpmix_has_tpm(const struct tpmix *e)
{
	return e->s.family != TPMIX_FAMILY_NONE;
}

/* There are windows in RAM. */
static inline bool tpmix_has_ram(const struct tpmix *e)
{
	return e->cfg.ram.rsp;
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

/* buffer.c; requires: offsets below the capacity of the buffer */

uint8_t tpmix_get(const uint8_t *buf, uint32_t at);
void tpmix_put(uint8_t *buf, uint32_t at, uint8_t byte);
/* Bytes @begin to @end - 1 are @byte. */
void tpmix_fill(uint8_t *buf, uint8_t byte, uint32_t begin, uint32_t end);
/* Bytes @begin to @end - 1; the others of @to stay. */
void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end);
/* The first @len bytes are the same. */
bool tpmix_same(const uint8_t *a, const uint8_t *b, uint32_t len);

/*
 * One aligned little-endian store, for a guest that reads the word from another
 * CPU, unless the word has that value. True if there was a store.
 */
bool tpmix_put_word(uint32_t *words, uint32_t at, uint32_t val);
/* The guest sees stores before it no later than those after it. */
void tpmix_fence(void);

/* TPM 2.0 part 1, 18: big-endian size field at byte 2 of a header. */
static inline uint32_t tpmix_get_be32(const uint8_t *buf, uint32_t at)
{
	return (uint32_t)tpmix_get(buf, at) << 24 |
	       (uint32_t)tpmix_get(buf, at + 1) << 16 |
	       (uint32_t)tpmix_get(buf, at + 2) << 8 | tpmix_get(buf, at + 3);
}

/* transaction.c */

void tpmix_guest_error(const struct tpmix *e, const char *what, uint32_t addr);
void tpmix_changed(const struct tpmix *e, uint32_t addr, uint32_t len);

/* Size field of what @locality has written. */
uint32_t tpmix_cmd_size_field(const struct tpmix *e, unsigned int locality);
/*
 * The low @size (1 to 4) bytes of @val into @locality's command. Requires:
 * @at + @size <= bufsize.
 */
void tpmix_cmd_put(struct tpmix *e, unsigned int locality, uint32_t at,
		   uint32_t val, unsigned int size);
/* All commands that were written are gone. */
void tpmix_cmd_wipe(struct tpmix *e);

/* Bytes of the response that @locality may read. */
uint32_t tpmix_readable(const struct tpmix *e, unsigned int locality);
/* What it reads behind them, or where there are none. */
uint8_t tpmix_rsp_rest(const struct tpmix *e, unsigned int locality);
/* Byte @at of a window or buffer that shows the response to @locality. */
uint8_t tpmix_rsp_byte(const struct tpmix *e, unsigned int locality,
		       uint32_t at);

/*
 * TIS 1.3 5.6.7: sets @mask where the locality's INT_ENABLE lets it through; an edge
 * of the line where it is high already.
 */
void tpmix_raise(struct tpmix *e, unsigned int locality, uint32_t mask);

/* An edge of the interrupt line, which needs no acknowledgement. */
void tpmix_edge(struct tpmix *e);

/* How a command came: through the FIFO, fifo_len is its size as well. */
enum tpmix_source {
	TPMIX_FROM_FIFO,
	TPMIX_FROM_BUFFER,
};
/*
 * Accepts what @locality wrote as its next command: private copy, checksum and
 * header check on that, new ticket, start or error response. Requires: nothing
 * runs. False, and nothing accepted, where @expect (TPMIX_REG_CSUM_EXPECT) is on
 * and differs from the checksum of the bytes that the header claims.
 */
bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect);
/* What @locality wrote is, byte for byte, the last command accepted. */
bool tpmix_repeats_command(const struct tpmix *e, unsigned int locality);
/*
 * A START or tpmGo of @locality waits for the end of the running command. Of
 * several the last one is answered, but for a START of the locality whose command
 * runs: that its response is nobody's is known from nothing else. Requires: a
 * command runs.
 */
void tpmix_wait(struct tpmix *e, unsigned int locality);
/*
 * The running command ends with @rsp, see tpmix_complete(). A START that waits for
 * it is answered as well. Requires: a command runs.
 */
void tpmix_finish(struct tpmix *e, const uint8_t *rsp, uint32_t len);

/*
 * The goal is READY or IDLE. Requires: the locality is not in EXECUTION. The
 * response stays (R4).
 */
void tpmix_goal_ready(struct tpmix *e, unsigned int locality);
void tpmix_goal_idle(struct tpmix *e, unsigned int locality);
/* The running command, of @locality, ends in READY. */
void tpmix_abort(struct tpmix *e);
void tpmix_cancel(struct tpmix *e);

/* locality.c */

/* A locality other than @locality requests to be active. */
bool tpmix_pending_request(const struct tpmix *e, unsigned int locality);
uint32_t tpmix_access_read(const struct tpmix *e, unsigned int locality);
void tpmix_access_write(struct tpmix *e, unsigned int locality, uint32_t val);
/* What both TPM_ACCESS and TPM_LOC_CTRL ask for. */
void tpmix_request(struct tpmix *e, unsigned int locality);
void tpmix_relinquish(struct tpmix *e, unsigned int locality);
void tpmix_seize(struct tpmix *e, unsigned int locality);

/* intf.c: TPM_INTERFACE_ID, alias TPM_CRB_INTF_ID */

uint32_t tpmix_intf_id_read(const struct tpmix *e);
void tpmix_intf_id_write(struct tpmix *e, uint32_t val, uint32_t mask);
/* The interface that is there where @want may not be. */
uint8_t tpmix_interface_or_other(const struct tpmix *e, uint8_t want);

/*
 * The doors: registers by aligned 32-bit offset. A read or write returns false
 * where there is no register; what that reads as is set all the same.
 */

/* fifo.c: registers below 0xF90 */

bool tpmix_fifo_read32(const struct tpmix *e, unsigned int locality,
		       uint32_t off, unsigned int size, uint32_t *val);
bool tpmix_fifo_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			uint32_t val, uint32_t mask);
uint8_t tpmix_fifo_pop(struct tpmix *e, unsigned int locality);
void tpmix_fifo_push(struct tpmix *e, unsigned int locality, uint8_t byte);

/* crb.c: registers below TPM_REG_DATA_BUFFER; the buffer */

bool tpmix_crb_read32(const struct tpmix *e, unsigned int locality,
		      uint32_t off, uint32_t *val);
bool tpmix_crb_write32(struct tpmix *e, unsigned int locality, uint32_t off,
		       uint32_t val, uint32_t mask);
/* The low @size (up to 4) bytes of @val at @off of DATA_BUFFER. */
void tpmix_crb_buffer_write(struct tpmix *e, unsigned int locality,
			    uint32_t off, uint32_t val, unsigned int size);

/* indexed.c: the window and 0xF90-0xFFF */

bool tpmix_indexed_read32(const struct tpmix *e, unsigned int locality,
			  uint32_t off, uint32_t *val);
bool tpmix_indexed_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask);
uint8_t tpmix_window_read(const struct tpmix *e, unsigned int locality,
			  uint32_t off);
/* The low @size (up to 4) bytes of @val at @off of the window. */
void tpmix_window_write(struct tpmix *e, unsigned int locality, uint32_t off,
			uint32_t val, unsigned int size);

/* ram.c */

/* After every change of state: cfg.ram shows it. */
void tpmix_show(struct tpmix *e);
/* All of it, whatever it showed before. */
void tpmix_show_all(struct tpmix *e);

#endif /* TPMIX_INTERNAL_H */
