/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: which locality, which door, which bytes of which register; and the
 * rule that makes a write during execution repeatable (R2).
 */
#include "internal.h"

enum door {
	DOOR_NONE,      /* outside the five pages */
	DOOR_REGISTER,  /* TIS registers and reserved offsets */
	DOOR_DATA,      /* DATA_FIFO, XDATA_FIFO */
	DOOR_WINDOW,    /* trapped window */
	DOOR_INDEXED,   /* vendor block */
};

struct place {
	enum door door;
	unsigned int locality;
	uint32_t off;
};

/* Byte @i of an access at @addr; the address space does not wrap. */
static struct place decode(uint32_t addr, unsigned int i)
{
	uint32_t at = addr < TPMIX_MMIO_SIZE ? addr + i : TPMIX_MMIO_SIZE;
	struct place p = {
		.door = DOOR_REGISTER,
		.locality = at >> TPMIX_LOCALITY_SHIFT,
		.off = at & (TPMIX_LOCALITY_SIZE - 1),
	};

	if (p.locality >= TPMIX_NUM_LOCALITIES) {
		p.door = DOOR_NONE;
	} else if (p.off >= TPMIX_REG_MAGIC) {
		p.door = DOOR_INDEXED;
	} else if (p.off >= TPMIX_WINDOW &&
		   p.off - TPMIX_WINDOW < TPMIX_WINDOW_SIZE) {
		p.door = DOOR_WINDOW;
	} else if ((p.off >= TPM_REG_DATA_FIFO &&
		    p.off - TPM_REG_DATA_FIFO < 4) ||
		   (p.off >= TPM_REG_XDATA_FIFO &&
		    p.off < TPM_REG_XDATA_FIFO_END)) {
		p.door = DOOR_DATA;
	}
	return p;
}

bool tpmix_is_fifo(uint32_t addr, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size && i < 8; i++) {
		if (decode(addr, i).door == DOOR_DATA) {
			return true;
		}
	}
	return false;
}

static uint8_t read_byte(const struct tpmix *e, struct place p,
			 unsigned int size)
{
	unsigned int shift = (p.off & 3) * 8;

	switch (p.door) {
	case DOOR_REGISTER:
		return (uint8_t)(tpmix_fifo_read32(e, p.locality, p.off & ~3u,
						   size) >> shift);
	case DOOR_INDEXED:
		return (uint8_t)(tpmix_indexed_read32(e, p.locality,
						      p.off & ~3u) >> shift);
	case DOOR_WINDOW:
		return tpmix_window_read(e, p.locality, p.off - TPMIX_WINDOW);
	default:
		return 0xFF;
	}
}

uint64_t tpmix_read(const struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < size && i < 8; i++) {
		val |= (uint64_t)read_byte(e, decode(addr, i), size) << (i * 8);
	}
	return val;
}

uint64_t tpmix_mmio_read(struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	unsigned int i;

	if (!tpmix_is_fifo(addr, size)) {
		return tpmix_read(e, addr, size);
	}
	for (i = 0; i < size && i < 8; i++) {
		struct place p = decode(addr, i);
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
	struct place p = decode(addr, 0);
	unsigned int shift = (p.off & 3) * 8;
	uint32_t mask = (size == 4 ? ALL_ONES : (1u << (size * 8)) - 1) << shift;
	unsigned int i;

	if (p.locality == 4 && !e->cfg.locality4) {
		tpmix_guest_error(e, "write to locality 4", addr);
		return;
	}
	switch (p.door) {
	case DOOR_REGISTER:
		tpmix_fifo_write32(e, p.locality, p.off & ~3u,
				   (val << shift) & mask, mask);
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
 * written last while it ran is known, and the repetition is not a new write.
 */
static bool repeats_last(const struct tpmix *e, uint32_t addr, uint64_t val,
			 unsigned int size)
{
	const struct tpmix_last_write *last = &e->s.last;

	return last->size == size && last->addr == addr && last->val == val;
}

static void note_last(struct tpmix *e, uint32_t addr, uint64_t val,
		      unsigned int size)
{
	e->s.last = (struct tpmix_last_write) { 0 };
	if (tpmix_busy(e) && !tpmix_is_fifo(addr, size)) {
		e->s.last.addr = addr;
		e->s.last.val = val;
		e->s.last.size = (uint8_t)size;
	}
}

void tpmix_write(struct tpmix *e, uint32_t addr, uint64_t val,
		 unsigned int size)
{
	unsigned int i, n;

	if (size == 0 || size > 8 || addr >= TPMIX_MMIO_SIZE) {
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
	note_last(e, addr, val, size);
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
