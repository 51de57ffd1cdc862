/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c alone: in place of the doors functions that write down how they are called,
 * and leave any state that the proofs over places allow them to leave.
 */
#ifndef LIFT_H
#define LIFT_H

#define OWN_SHOW
#define WIDE
#include "proof.h"

enum door { FIFO, PUSH, CRB, BUFFER, INDEXED, WINDOW };

struct call {
	enum door door;
	unsigned int locality;
	uint32_t off, val, mask;
	unsigned int size; /* of a buffer */
};

/* Of the calls of a write, and of its repetition, the one at a free index. */
static unsigned int kcall;
static struct call first, again;
static unsigned int num_calls, num_again, accepts, shows, shown_at, puts_in_ram;
static bool repeating;
static struct access wrote;
static struct tpmix_state_all left; /* the state as the last call left it */

/* Three registers accept (r3_ticket). */
static bool may_accept(struct call c)
{
	return (c.door == FIFO && c.off == TPM_REG_STS) ||
	       (c.door == CRB && c.off == TPM_REG_CTRL_START) ||
	       (c.door == INDEXED && c.off == TPMIX_REG_DOORBELL);
}

static bool within_word(struct call c)
{
	return c.size >= 1 && (c.off & 3) + c.size <= 4;
}

static void called(struct call c)
{
	uint8_t interface = e.s.interface, family = e.s.family;
	struct tpmix_last_write last = e.s.last;

	assert(c.locality < e.cfg.localities);
	assert(c.locality != 4 || e.cfg.locality4);
	assert(!(c.val & ~c.mask));
	assert(e.s.family != TPMIX_FAMILY_NONE);
	switch (c.door) {
	case FIFO:
	case CRB:
	case INDEXED:
		assert(c.off < TPMIX_LOCALITY_SIZE && !(c.off & 3));
		break;
	case BUFFER:
		assert(c.off < TPMIX_DATA_BUFFER_SIZE && within_word(c));
		break;
	case WINDOW:
		assert(c.off < TPMIX_WINDOW_SIZE && within_word(c));
		break;
	default:
		break;
	}
	assert(e.s.interface == TPMIX_INTERFACE_CRB ?
	       c.door != FIFO && c.door != PUSH :
	       c.door != CRB && c.door != BUFFER);
	if (repeating) {
		if (num_again++ == kcall) {
			again = c;
		}
		return;
	}
	if (num_calls++ == kcall) {
		first = c;
	}
	accepts += may_accept(c);
	any_state();
	/* valid_write, intf_sel */
	e.s.interface = interface;
	e.s.family = family;
	e.s.last = last;
	left = e.s;
}

bool tpmix_fifo_write32(struct tpmix *m, unsigned int locality, uint32_t off,
			uint32_t val, uint32_t mask)
{
	(void)m;
	called((struct call) { FIFO, locality, off, val, mask });
	return any_bool();
}

bool tpmix_crb_write32(struct tpmix *m, unsigned int locality, uint32_t off,
		       uint32_t val, uint32_t mask)
{
	(void)m;
	called((struct call) { CRB, locality, off, val, mask });
	return any_bool();
}

bool tpmix_indexed_write32(struct tpmix *m, unsigned int locality, uint32_t off,
			   uint32_t val, uint32_t mask)
{
	(void)m;
	called((struct call) { INDEXED, locality, off, val, mask });
	return any_bool();
}

void tpmix_fifo_push(struct tpmix *m, unsigned int locality, uint8_t byte)
{
	(void)m;
	called((struct call) { PUSH, locality, 0, byte, 0xFF });
}

/* Bits above @size bytes may have any value: nobody looks at them. */
static uint32_t low(uint32_t val, unsigned int size)
{
	return size < 4 ? val & ((1u << size * 8) - 1) : val;
}

void tpmix_crb_buffer_write(struct tpmix *m, unsigned int locality,
			    uint32_t off, uint32_t val, unsigned int size)
{
	(void)m;
	called((struct call) {
		BUFFER, locality, off, low(val, size), ALL_ONES, size });
}

void tpmix_window_write(struct tpmix *m, unsigned int locality, uint32_t off,
			uint32_t val, unsigned int size)
{
	(void)m;
	called((struct call) {
		WINDOW, locality, off, low(val, size), ALL_ONES, size });
}

/* A write of the window in RAM. */
void tpmix_cmd_put(struct tpmix *m, unsigned int locality, uint32_t at,
		   uint32_t val, unsigned int size)
{
	(void)val;
	assert(locality == 0 && tpmix_has_ram(m));
	assert(at < m->cfg.capacity && size <= m->cfg.capacity - at);
	at += TPMIX_CMD_WINDOW;
	assert(at >= wrote.addr && size <= wrote.size &&
	       at - wrote.addr <= wrote.size - size);
	puts_in_ram++;
}

void tpmix_guest_error(const struct tpmix *m, const char *what, uint32_t addr)
{
	(void)m;
	(void)what;
	(void)addr;
}

void tpmix_show(struct tpmix *m)
{
	(void)m;
	shows++;
	shown_at = num_calls;
}

#endif /* LIFT_H */
