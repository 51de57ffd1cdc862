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

	if (!tpmix_has_ram(e)) {
		return p;
	}
	if (at - TPMIX_CMD_WINDOW < e->cfg.capacity) {
		p.door = DOOR_CMD_WINDOW;
		p.off = at - TPMIX_CMD_WINDOW;
	} else if (at >= TPMIX_RSP_WINDOW &&
		   at - TPMIX_RSP_WINDOW < e->cfg.capacity) {
		p.door = DOOR_RSP_WINDOW;
		p.off = at - TPMIX_RSP_WINDOW;
	} else if (at >= TPMIX_HEADER &&
		   at - TPMIX_HEADER < TPMIX_HEADER_PAGE_SIZE) {
		p.door = DOOR_HEADER;
		p.off = at - TPMIX_HEADER;
	}
	return p;
}

/*
 * The byte at @addr, and with it all of its aligned 32-bit word: no door ends
 * within one.
 */
static struct place decode(const struct tpmix *e, uint32_t addr)
{
	uint32_t at = addr < TPMIX_SPACE_SIZE ? addr : TPMIX_SPACE_SIZE;
	bool ext = e->cfg.crb && at >= TPMIX_EXT &&
		   at - TPMIX_EXT < TPMIX_EXT_SIZE;
	struct place p;

	if (at >= TPMIX_RAM) {
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

/* Of an access of @left bytes at @addr those in the first aligned word. */
static unsigned int part(uint32_t addr, unsigned int left)
{
	unsigned int n = 4 - (addr & 3);

	return n < left ? n : left;
}

static unsigned int at_most_8(unsigned int size)
{
	return size < 8 ? size : 8;
}

static uint64_t low_bytes(uint64_t val, unsigned int size)
{
	return size < 8 ? val & ((1ull << (size * 8)) - 1) : val;
}

bool tpmix_is_fifo(const struct tpmix *e, uint32_t addr, unsigned int size)
{
	unsigned int i;

	if (addr >= TPMIX_SPACE_SIZE) {
		return false;
	}
	size = at_most_8(size);
	for (i = 0; i < size; i += part(addr + i, size - i)) {
		if (decode(e, addr + i).door == DOOR_DATA) {
			return true;
		}
	}
	return false;
}

/* The register at aligned @p.off. False where there is none. */
static bool read_register(const struct tpmix *e, struct place p,
			  unsigned int size, uint32_t *val)
{
	switch (p.door) {
	case DOOR_FIFO:
		return tpmix_fifo_read32(e, p.locality, p.off, size, val);
	case DOOR_CRB:
		return tpmix_crb_read32(e, p.locality, p.off, val);
	case DOOR_INDEXED:
		return tpmix_indexed_read32(e, p.locality, p.off, val);
	case DOOR_HEADER:
		if (p.off >= TPMIX_BLOCK && p.off < TPMIX_LOCALITY_SIZE) {
			return tpmix_indexed_read32(e, 0, p.off, val);
		}
		*val = 0;
		return true;
	default:
		*val = ALL_ONES;
		return false;
	}
}

/* Byte @off of a buffer or window. */
static uint8_t read_byte(const struct tpmix *e, struct place p)
{
	switch (p.door) {
	case DOOR_CRB_BUFFER:
		return tpmix_rsp_byte(e, p.locality, p.off - TPM_REG_DATA_BUFFER);
	case DOOR_WINDOW:
		return tpmix_window_read(e, p.locality, p.off - TPMIX_WINDOW);
	case DOOR_CMD_WINDOW:
		return tpmix_get(e->cfg.ram.cmd, p.off);
	case DOOR_RSP_WINDOW:
		return tpmix_rsp_byte(e, 0, p.off);
	default:
		/* R1: DATA_FIFO's pop is not here. */
		return NO_DATA_BYTE;
	}
}

static bool is_bytes(enum door door)
{
	return door == DOOR_DATA || door == DOOR_WINDOW ||
	       door == DOOR_CRB_BUFFER || door == DOOR_CMD_WINDOW ||
	       door == DOOR_RSP_WINDOW;
}

/*
 * @n bytes within an aligned word, of an access of @size. False where no register
 * is.
 */
static bool read_word(const struct tpmix *e, uint32_t addr, unsigned int n,
		      unsigned int size, uint32_t *val)
{
	struct place p = decode(e, addr);
	unsigned int shift = (addr & 3) * 8;
	unsigned int i;
	bool there;

	if (is_bytes(p.door)) {
		*val = 0;
		for (i = 0; i < n; i++, p.off++) {
			*val |= (uint32_t)read_byte(e, p) << (i * 8);
		}
		return true;
	}
	p.off &= ~3u;
	there = read_register(e, p, size, val);
	*val = (uint32_t)low_bytes(*val >> shift, n);
	return there;
}

uint64_t tpmix_read(const struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	uint32_t word;
	unsigned int i, n;

	size = at_most_8(size);
	if (!tpmix_has_tpm(e)) {
		return 0;
	}
	if (addr >= TPMIX_SPACE_SIZE) {
		return low_bytes(~0ull, size);
	}
	for (i = 0; i < size; i += n) {
		n = part(addr + i, size - i);
		read_word(e, addr + i, n, size, &word);
		val |= (uint64_t)word << (i * 8);
	}
	return val;
}

/* Bytes of the response, in the order of their addresses. */
static uint32_t pop_word(struct tpmix *e, uint32_t addr, unsigned int n)
{
	struct place p = decode(e, addr);
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		val |= (uint32_t)tpmix_fifo_pop(e, p.locality) << (i * 8);
	}
	return val;
}

uint64_t tpmix_mmio_read(struct tpmix *e, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	uint32_t word;
	unsigned int i, n;

	size = at_most_8(size);
	if (addr >= TPMIX_SPACE_SIZE || !tpmix_has_tpm(e)) {
		return tpmix_read(e, addr, size);
	}
	for (i = 0; i < size; i += n) {
		n = part(addr + i, size - i);
		if (decode(e, addr + i).door == DOOR_DATA) {
			word = pop_word(e, addr + i, n);
		} else if (!read_word(e, addr + i, n, size, &word)) {
			tpmix_guest_error(e, "read where no register is",
					  addr + i);
		}
		val |= (uint64_t)word << (i * 8);
	}
	return val;
}

static bool write_register(struct tpmix *e, struct place p, uint32_t val,
			   uint32_t mask)
{
	switch (p.door) {
	case DOOR_FIFO:
		return tpmix_fifo_write32(e, p.locality, p.off, val, mask);
	case DOOR_CRB:
		return tpmix_crb_write32(e, p.locality, p.off, val, mask);
	case DOOR_INDEXED:
		return tpmix_indexed_write32(e, p.locality, p.off, val, mask);
	default:
		return false;
	}
}

/* The part of a write that falls into one aligned 32-bit word. */
static void write_word(struct tpmix *e, uint32_t addr, uint32_t val,
		       unsigned int size)
{
	struct place p = decode(e, addr);
	unsigned int shift = (addr & 3) * 8;
	uint32_t mask = (uint32_t)low_bytes(ALL_ONES, size) << shift;
	unsigned int i;

	if (p.locality == 4 && !e->cfg.locality4) {
		tpmix_guest_error(e, "write to locality 4", addr);
		return;
	}
	switch (p.door) {
	case DOOR_CRB_BUFFER:
		tpmix_crb_buffer_write(e, p.locality,
				       p.off - TPM_REG_DATA_BUFFER, val, size);
		break;
	case DOOR_WINDOW:
		tpmix_window_write(e, p.locality, p.off - TPMIX_WINDOW, val,
				   size);
		break;
	case DOOR_DATA:
		for (i = 0; i < size; i++) {
			tpmix_fifo_push(e, p.locality, (uint8_t)(val >> (i * 8)));
		}
		break;
	default:
		p.off &= ~3u;
		if (!write_register(e, p, (val << shift) & mask, mask)) {
			tpmix_guest_error(e, "write where no register is", addr);
		}
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
	unsigned int i, n;

	for (i = 0; i < size; i += n) {
		struct place p = decode(e, addr + i);

		n = part(addr + i, size - i);
		if (p.door == DOOR_CMD_WINDOW) {
			tpmix_cmd_put(e, 0, p.off, (uint32_t)(val >> (i * 8)), n);
		}
	}
}

void tpmix_write(struct tpmix *e, uint32_t addr, uint64_t val,
		 unsigned int size)
{
	const uint32_t accepted = e->s.accepted;
	unsigned int i, n;

	if (size == 0 || size > 8 || addr >= TPMIX_SPACE_SIZE ||
	    !tpmix_has_tpm(e)) {
		return;
	}
	/* In front of the RAM there is nothing. */
	if (addr + size > TPMIX_RAM) {
		write_ram(e, addr, val, size);
		return;
	}
	val = low_bytes(val, size);
	if (repeats_last(e, addr, val, size)) {
		return;
	}
	for (i = 0; i < size; i += n) {
		n = part(addr + i, size - i);
		write_word(e, addr + i, (uint32_t)(val >> (i * 8)), n);
	}
	note_last(e, addr, val, size, accepted);
	tpmix_show(e);
}
