/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: which locality, which door, which bytes of which register; and the
 * rule that makes a write during execution repeatable (R2).
 */
#include "internal.h"

enum door {
	DOOR_NONE,       /* nothing is there */
	DOOR_FIFO,       /* TIS registers and reserved offsets */
	DOOR_DATA,       /* DATA_FIFO, XDATA_FIFO */
	DOOR_CRB,        /* CRB registers */
	DOOR_CRB_BUFFER,
	DOOR_WINDOW,     /* trapped window */
	DOOR_INDEXED,    /* vendor block */
	DOOR_HEADER,     /* RAM: locality 0's block */
	DOOR_CMD_WINDOW, /* RAM */
	DOOR_RSP_WINDOW, /* RAM, read only */
};

struct place {
	enum door door;
	unsigned int locality;
	uint32_t off;
};

/* What the indexed door has in a page, of locality or extension. */
static enum door decode_indexed(uint32_t off, enum door other)
{
	if (off >= TPMIX_BLOCK) {
		return DOOR_INDEXED;
	}
	if (off >= TPMIX_WINDOW && off - TPMIX_WINDOW < TPMIX_WINDOW_SIZE) {
		return DOOR_WINDOW;
	}
	return other;
}

static enum door decode_page(const struct tpmix *e, uint32_t off)
{
	if (e->s.interface == TPMIX_INTERFACE_CRB) {
		return off < TPM_REG_DATA_BUFFER ? DOOR_CRB : DOOR_CRB_BUFFER;
	}
	if ((off >= TPM_REG_DATA_FIFO && off - TPM_REG_DATA_FIFO < 4) ||
	    (off >= TPM_REG_XDATA_FIFO && off < TPM_REG_XDATA_FIFO_END)) {
		return DOOR_DATA;
	}
	return decode_indexed(off, DOOR_FIFO);
}

static struct place decode_ram(const struct tpmix *e, uint32_t at)
{
	struct place p = { .door = DOOR_NONE };

	if (at - TPMIX_HEADER < TPMIX_HEADER_PAGE_SIZE) {
		p.door = DOOR_HEADER;
		p.off = at - TPMIX_HEADER;
	} else if (at - TPMIX_CMD_WINDOW < e->cfg.capacity) {
		p.door = DOOR_CMD_WINDOW;
		p.off = at - TPMIX_CMD_WINDOW;
	} else if (at >= TPMIX_RSP_WINDOW &&
		   at - TPMIX_RSP_WINDOW < e->cfg.capacity) {
		p.door = DOOR_RSP_WINDOW;
		p.off = at - TPMIX_RSP_WINDOW;
	}
	return p;
}

/* Byte @i of an access at @addr; the address space does not wrap. */
static struct place decode(const struct tpmix *e, uint32_t addr, unsigned int i)
{
	uint32_t at = addr < TPMIX_SPACE_SIZE ? addr + i : TPMIX_SPACE_SIZE;
	bool ext = e->cfg.crb && at >= TPMIX_EXT &&
		   at - TPMIX_EXT < TPMIX_EXT_SIZE;
	struct place p;

	if (at >= TPMIX_HEADER) {
		return decode_ram(e, at);
	}
	if (ext) {
		at -= TPMIX_EXT;
	}
	p.locality = at >> TPMIX_LOCALITY_SHIFT;
	p.off = at & (TPMIX_LOCALITY_SIZE - 1);
	if (p.locality >= e->cfg.localities) {
		p.door = DOOR_NONE;
	} else if (ext) {
		p.door = decode_indexed(p.off, DOOR_NONE);
	} else {
		p.door = decode_page(e, p.off);
	}
	return p;
}

bool tpmix_is_fifo(const struct tpmix *e, uint32_t addr, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size && i < 8; i++) {
		if (decode(e, addr, i).door == DOOR_DATA) {
			return true;
		}
	}
	return false;
}

static uint8_t byte_of(uint32_t word, uint32_t off)
{
	return (uint8_t)(word >> ((off & 3) * 8));
}

static uint8_t read_byte(const struct tpmix *e, struct place p,
			 unsigned int size)
{
	uint32_t word = p.off & ~3u;

	switch (p.door) {
	case DOOR_FIFO:
		return byte_of(tpmix_fifo_read32(e, p.locality, word, size),
			       p.off);
	case DOOR_CRB:
		return byte_of(tpmix_crb_read32(e, p.locality, word), p.off);
	case DOOR_CRB_BUFFER:
		return tpmix_crb_buffer_read(e, p.locality,
					     p.off - TPM_REG_DATA_BUFFER);
	case DOOR_INDEXED:
		return byte_of(tpmix_indexed_read32(e, p.locality, word), p.off);
	case DOOR_WINDOW:
		return tpmix_window_read(e, p.locality, p.off - TPMIX_WINDOW);
	case DOOR_HEADER:
		return p.off < TPMIX_BLOCK ? 0 :
		       byte_of(tpmix_indexed_read32(e, 0, word), p.off);
	case DOOR_CMD_WINDOW:
		return tpmix_get(e->cfg.ram.cmd, p.off);
	case DOOR_RSP_WINDOW:
		return tpmix_rsp_byte(e, 0, p.off);
	default:
		return NO_DATA_BYTE;
	}
}

uint64_t tpmix_read(const struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < size && i < 8; i++) {
		struct place p = decode(e, addr, i);
		/* R1: the pop is not here. */
		uint8_t byte = p.door == DOOR_DATA ? NO_DATA_BYTE :
			       read_byte(e, p, size);

		val |= (uint64_t)byte << (i * 8);
	}
	return val;
}

uint64_t tpmix_mmio_read(struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	unsigned int i;

	if (!tpmix_is_fifo(e, addr, size)) {
		return tpmix_read(e, addr, size);
	}
	for (i = 0; i < size && i < 8; i++) {
		struct place p = decode(e, addr, i);
		uint8_t byte = p.door == DOOR_DATA ?
			       tpmix_fifo_pop(e, p.locality) :
			       read_byte(e, p, size);

		val |= (uint64_t)byte << (i * 8);
	}
	return val;
}

/* The part of a write that falls into one aligned 32-bit word. */
static void write_word(struct tpmix *e, uint32_t addr, uint32_t val,
		       unsigned int size)
{
	struct place p = decode(e, addr, 0);
	unsigned int shift = (p.off & 3) * 8;
	uint32_t mask = (size == 4 ? ALL_ONES : (1u << (size * 8)) - 1) << shift;
	unsigned int i;

	if (p.locality == 4 && !e->cfg.locality4) {
		tpmix_guest_error(e, "write to locality 4", addr);
		return;
	}
	switch (p.door) {
	case DOOR_FIFO:
		tpmix_fifo_write32(e, p.locality, p.off & ~3u,
				   (val << shift) & mask, mask);
		break;
	case DOOR_CRB:
		tpmix_crb_write32(e, p.locality, p.off & ~3u,
				  (val << shift) & mask, mask);
		break;
	case DOOR_CRB_BUFFER:
		for (i = 0; i < size; i++) {
			tpmix_crb_buffer_write(e, p.locality,
					       p.off - TPM_REG_DATA_BUFFER + i,
					       (uint8_t)(val >> (i * 8)));
		}
		break;
	case DOOR_INDEXED:
		tpmix_indexed_write32(e, p.locality, p.off & ~3u,
				      (val << shift) & mask, mask);
		break;
	case DOOR_DATA:
		for (i = 0; i < size; i++) {
			tpmix_fifo_push(e, p.locality, (uint8_t)(val >> (i * 8)));
		}
		break;
	case DOOR_WINDOW:
		for (i = 0; i < size; i++) {
			tpmix_window_write(e, p.locality,
					   p.off - TPMIX_WINDOW + i,
					   (uint8_t)(val >> (i * 8)));
		}
		break;
	default:
		break;
	}
}

/*
 * R2 where a command completes between a write and its repetition: what was
 * written last while it ran, or started it, is known, and the repetition is not a
 * new write.
 */
static bool repeats_last(const struct tpmix *e, uint32_t addr, uint64_t val,
			 unsigned int size)
{
	const struct tpmix_last_write *last = &e->s.last;

	return last->size == size && last->addr == addr && last->val == val;
}

/* A command that @accepted does not count yet may be over already. */
static void note_last(struct tpmix *e, uint32_t addr, uint64_t val,
		      unsigned int size, uint32_t accepted)
{
	e->s.last = (struct tpmix_last_write) { 0 };
	if ((tpmix_busy(e) || e->s.accepted != accepted) &&
	    !tpmix_is_fifo(e, addr, size)) {
		e->s.last.addr = addr;
		e->s.last.val = val;
		e->s.last.size = (uint8_t)size;
	}
}

/* RAM: no exit tells the engine of a write, so no rule may depend on one. */
static void write_ram(struct tpmix *e, uint32_t addr, uint64_t val,
		      unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		struct place p = decode(e, addr, i);

		if (p.door == DOOR_CMD_WINDOW) {
			tpmix_put(e->cfg.ram.cmd, p.off, (uint8_t)(val >> (i * 8)));
		}
	}
}

void tpmix_write(struct tpmix *e, uint32_t addr, uint64_t val,
		 unsigned int size)
{
	const uint32_t accepted = e->s.accepted;
	unsigned int i, n;

	if (size == 0 || size > 8 || addr >= TPMIX_SPACE_SIZE) {
		return;
	}
	if (addr >= TPMIX_HEADER) {
		write_ram(e, addr, val, size);
		return;
	}
	if (size < 8) {
		val &= (1ull << (size * 8)) - 1;
	}
	if (repeats_last(e, addr, val, size)) {
		return;
	}
	for (i = 0; i < size; i += n) {
		n = 4 - ((addr + i) & 3);
		if (n > size - i) {
			n = size - i;
		}
		write_word(e, addr + i, (uint32_t)(val >> (i * 8)), n);
	}
	note_last(e, addr, val, size, accepted);
	tpmix_show(e);
}

bool tpmix_irq(const struct tpmix *e)
{
	unsigned int l;

	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		if (e->s.loc[l].int_status) {
			return true;
		}
	}
	return false;
}
