/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's "Addresses and widths" and "Windows in RAM". */
#include "model_parts.h"

enum place { NOWHERE, PAGE, EXTENSION, HEADER, COMMAND, RESPONSE };

/* What is at @addr: the locality, and the offset in its page or in the window. */
static enum place find(const struct model *m, uint32_t addr, int *p, uint32_t *off)
{
	enum place place = NOWHERE;

	*p = 0;
	*off = addr % 0x1000;
	if (addr < 0x5000) {
		*p = (int)(addr / 0x1000);
		place = PAGE;
	} else if (addr >= 0x6000 && addr < 0xB000 && m->cfg.has[CRB]) {
		*p = (int)((addr - 0x6000) / 0x1000);
		place = EXTENSION;
	} else if (!m->cfg.ram) {
		place = NOWHERE;
	} else if (addr >= 0x10000 && addr < 0x20000) {
		*off = addr - 0x10000;
		place = *off < m->cfg.capacity ? COMMAND : NOWHERE;
	} else if (addr >= 0x20000 && addr < 0x30000) {
		*off = addr - 0x20000;
		place = *off < m->cfg.capacity ? RESPONSE : NOWHERE;
	} else if (addr >= 0x30000 && addr < 0x40000) {
		*off = addr - 0x30000;
		place = HEADER;
	}
	return *p < m->cfg.localities ? place : NOWHERE;
}

static bool in_window(uint32_t off)
{
	return off >= 0x100 && off < 0xF00;
}

/* The indexed door, in whichever page it is. */
static uint8_t indexed_read(const struct model *m, int p, uint32_t off)
{
	return in_window(off) ? window_byte(m, p, off - 0x100) :
	       off >= 0xF90 ? block_read(m, p, off) : 0xFF;
}

static uint8_t read_one(struct model *m, uint32_t addr, unsigned int size, bool take)
{
	uint32_t off;
	int p;

	switch (find(m, addr, &p, &off)) {
	case NOWHERE:
		return 0xFF;
	case PAGE:
		if (m->door == CRB) {
			return crb_read(m, p, off);
		}
		if (!in_window(off) && off < 0xF90) {
			return fifo_read(m, p, off, size, take);
		}
		return indexed_read(m, p, off);
	case EXTENSION:
		return indexed_read(m, p, off);
	case HEADER:
		return off >= 0xF90 && off < 0x1000 ? block_read(m, 0, off) : 0;
	case COMMAND:
		return m->window[off];
	case RESPONSE:
		return response_byte(m, 0, off);
	}
	return 0xFF;
}

/* "Guest errors": in the vendor block what follows INT_ACK is reserved. */
static bool is_something(const struct model *m, uint32_t word)
{
	uint32_t off;
	int p;

	switch (find(m, word, &p, &off)) {
	case NOWHERE:
		return false;
	case PAGE:
		if (m->door == CRB) {
			return crb_register(off);
		}
		return in_window(off) || fifo_register(off) ||
		       (off >= 0xF90 && off < 0xFE8);
	case EXTENSION:
		return in_window(off) || (off >= 0xF90 && off < 0xFE8);
	case HEADER:
		return off < 0xFE8 || off >= 0x1000;
	case COMMAND:
	case RESPONSE:
		return true;
	}
	return false;
}

uint64_t model_read(struct model *m, uint32_t addr, unsigned int size, bool take)
{
	uint64_t val = 0;
	uint32_t word;
	unsigned int i;

	if (m->none) {
		return 0;
	}
	for (word = addr & ~3u; take && addr < 0x40000 && word < addr + size;
	     word += 4) {
		m->strays += !is_something(m, word);
	}
	for (i = 0; i < size; i++) {
		val |= (uint64_t)read_one(m, addr + i, size, take) << i * 8;
	}
	return val;
}

uint32_t keep(uint32_t old, uint32_t val, uint32_t mask, uint32_t bits)
{
	return ((old & ~mask) | (val & mask)) & bits;
}

static void write_byte(struct model *m, enum place place, int p, uint32_t off,
		       uint8_t byte)
{
	if (place == COMMAND) {
		m->window[off] = byte;
	} else if (place == PAGE && m->door == CRB) {
		if (off >= 0x80) {
			crb_buffer_set(m, p, off - 0x80, byte);
		}
	} else if (place == PAGE && in_fifo(m, off)) {
		fifo_byte_in(m, p, byte);
	} else if ((place == PAGE || place == EXTENSION) && in_window(off)) {
		window_set(m, p, off - 0x100, byte);
	}
}

static void write_word(struct model *m, enum place place, int p, uint32_t off,
		       uint32_t val, uint32_t mask)
{
	if (place == PAGE && m->door == CRB) {
		crb_write(m, p, off, val, mask);
	} else if ((place == PAGE || place == EXTENSION) && off >= 0xF90) {
		block_write(m, p, off, val, mask);
	} else if (place == PAGE) {
		fifo_write(m, p, off, val, mask);
	}
}

void model_write(struct model *m, uint32_t addr, uint64_t val, unsigned int size)
{
	uint64_t kept = size < 8 ? val & ((1ull << size * 8) - 1) : val;
	uint32_t accepted = m->accepted;
	bool fifo = false, seen = addr + size <= 0x10000;
	uint32_t word, off;
	int p;

	if (m->none) {
		return;
	}
	/* "the RAM at 0x10000 and above, whose writes no device sees" */
	if (seen && m->last.any && m->last.addr == addr && m->last.size == size &&
	    m->last.val == kept) {
		return;
	}
	for (word = addr & ~3u; word < addr + size; word += 4) {
		enum place place = find(m, word, &p, &off);
		uint32_t v = 0, mask = 0, i;

		if (p == 4 && !m->cfg.locality4) {
			continue;
		}
		for (i = 0; i < 4; i++) {
			uint32_t at = word + i;
			uint8_t byte;

			if (at < addr || at >= addr + size) {
				continue;
			}
			byte = (uint8_t)(val >> (at - addr) * 8);
			v |= (uint32_t)byte << i * 8;
			mask |= 0xFFu << i * 8;
			write_byte(m, place, p, off + i, byte);
		}
		fifo |= place == PAGE && in_fifo(m, off);
		write_word(m, place, p, off, v, mask);
	}
	if (m->to_cancel) {
		m->to_cancel = false;
		m->cancels++;
	}
	if (seen) {
		/* "that started a command or left one running"; not of the FIFO */
		m->last.any = (m->running || m->accepted != accepted) && !fifo;
		m->last.addr = addr;
		m->last.val = kept;
		m->last.size = size;
	}
}
