/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as code: "Addresses and widths", "Windows in RAM". */
#include <string.h>

#include "page_parts.h"

enum where { NOT_THERE, LOCALITY_PAGE, EXTENSION_PAGE, HEADER_PAGE, CMD_WINDOW, RSP_WINDOW };

/* What is at @addr, by the two tables of "Addresses and widths". */
static enum where where_is(const struct page *p, uint32_t addr)
{
	/* "With `localities=1` only the first page of each five is there." */
	if (addr < 0x5000) {
		return addr >> 12 < p->cfg.localities ? LOCALITY_PAGE : NOT_THERE;
	}
	if (addr >= 0x6000 && addr < 0xB000 && p->cfg.crb) {
		return (addr - 0x6000) >> 12 < p->cfg.localities ? EXTENSION_PAGE : NOT_THERE;
	}
	/* "the header page and windows where CAP says that there is no RAM" */
	if (!p->cfg.ram) {
		return NOT_THERE;
	}
	/* "what is behind RAM_SIZE in a window's 64 KiB" */
	if (addr >= 0x10000 && addr - 0x10000 < p->cfg.buffer_size) {
		return CMD_WINDOW;
	}
	if (addr >= 0x20000 && addr - 0x20000 < p->cfg.buffer_size) {
		return RSP_WINDOW;
	}
	if (addr >= 0x30000 && addr < 0x40000) {
		return HEADER_PAGE;
	}
	return NOT_THERE;
}

bool page_is_ram(const struct page *p, uint32_t addr, bool write)
{
	enum where at = where_is(p, addr);

	/* "The device keeps locality 0's CRB page in memory too, so that reading it" */
	return at == HEADER_PAGE || at == CMD_WINDOW || at == RSP_WINDOW ||
	       (!write && addr < 0x1000 && p->is_crb && p->cfg.ram);
}

bool page_may_see_response(const struct page *p, unsigned int l)
{
	return p->active == l && p->rsp_owner == l;
}

/* Command and response, "for the active locality": response[i]. */
uint8_t page_response_byte(const struct page *p, unsigned int l, uint64_t i)
{
	/* "To a locality that is not active they read as ones" */
	if (p->active != l) {
		return 0xFF;
	}
	/* "Bytes of a buffer or window behind the response, and where the locality has" */
	return p->rsp_owner == l && i < p->rsp_len ? p->rsp[i] : 0;
}

/* "keep their value in INT_ENABLE, INDEX, CSUM_EXPECT and InterfaceSelector" */
void page_write_kept(uint32_t *reg, uint32_t val, unsigned int mask)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (mask >> i & 1) {
			*reg = (*reg & ~(0xFFu << i * 8)) | (val & 0xFFu << i * 8);
		}
	}
}

static bool in_indexed_door(uint32_t off)
{
	return (off >= 0x100 && off < 0xF00) || off >= 0xF90;
}

static uint8_t read_byte(struct page *p, uint32_t addr, unsigned int size)
{
	const uint32_t off = addr & 0xFFF;
	const unsigned int l = addr < 0x5000 ? addr >> 12 : (addr - 0x6000) >> 12;

	/* "Where there is no TPM, as after a reset that did not find the backend" */
	if (p->tpm == PAGE_NO_TPM && where_is(p, addr) != CMD_WINDOW) {
		return 0;
	}
	switch (where_is(p, addr)) {
	case NOT_THERE:
		/* "What is not there reads as ones and ignores writes" */
		return 0xFF;
	case EXTENSION_PAGE:
		/* "in an extension page everything but the window and the vendor block" */
		return in_indexed_door(off) ? page_indexed_read(p, l, off) : 0xFF;
	case LOCALITY_PAGE:
		if (p->is_crb) {
			return page_crb_read(p, l, off);
		}
		return in_indexed_door(off) ? page_indexed_read(p, l, off) :
					      page_fifo_read(p, l, off, size);
	case HEADER_PAGE:
		/* "at 0xF90-0xFFF what locality 0 reads there in its vendor block" */
		return addr >= 0x30F90 && addr < 0x31000 ? page_indexed_read(p, 0, off) : 0;
	case CMD_WINDOW:
		return p->cmd0[addr - 0x10000];
	case RSP_WINDOW:
		/* "response[i] while locality 0 is active" */
		return page_response_byte(p, 0, addr - 0x20000);
	}
	return 0;
}

/* "a read is the bytes of the registers it covers" */
uint64_t page_read(struct page *p, uint32_t addr, unsigned int size)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < size; i++) {
		val |= (uint64_t)read_byte(p, addr + i, size) << i * 8;
	}
	return val;
}

static void write_word(struct page *p, uint32_t addr, uint32_t val, unsigned int mask)
{
	const uint32_t off = addr & 0xFFF;
	const enum where at = where_is(p, addr);
	const unsigned int l = addr < 0x5000 ? addr >> 12 : (addr - 0x6000) >> 12;

	/* "The QEMU devices drop the guest's writes to it" */
	if ((at != LOCALITY_PAGE && at != EXTENSION_PAGE) || (l == 4 && !p->cfg.locality4)) {
		return;
	}
	if (at == LOCALITY_PAGE && p->is_crb) {
		page_crb_write(p, l, off, val, mask);
	} else if (in_indexed_door(off)) {
		page_indexed_write(p, l, off, val, mask);
	} else if (at == LOCALITY_PAGE) {
		page_fifo_write(p, l, off, val, mask);
	}
}

static bool has_fifo_byte(const struct page *p, uint32_t addr, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		uint32_t off = (addr + i) & 0xFFF;

		if (where_is(p, addr + i) == LOCALITY_PAGE && !p->is_crb &&
		    ((off >= 0x24 && off < 0x28) || (off >= 0x80 && off < 0xC0))) {
			return true;
		}
	}
	return false;
}

void page_write(struct page *p, uint32_t addr, uint64_t val, unsigned int size)
{
	const uint32_t starts = p->starts;
	const uint32_t accepted = p->accepted;
	uint32_t word;
	unsigned int i;

	if (page_is_ram(p, addr, true)) {
		for (i = 0; i < size; i++) {
			/* "Writes to the read-only pages are dropped." */
			if (where_is(p, addr + i) == CMD_WINDOW) {
				p->cmd0[addr + i - 0x10000] = page_byte_of(val, i);
			}
		}
		return;
	}
	/* "and so is all at 0x10000 and above" */
	if (p->tpm == PAGE_NO_TPM || addr + size > 0x10000) {
		return;
	}
	if (size < 8) {
		val &= (1ull << size * 8) - 1;
	}
	/* "its repetition does nothing, before and after the command completes" */
	if (p->last.is && p->last.addr == addr && p->last.size == size &&
	    p->last.val == val && !has_fifo_byte(p, addr, size)) {
		return;
	}
	/* "a write acts on the 32-bit words it covers, lowest address first" */
	for (word = addr & ~3u; word < addr + size; word += 4) {
		uint32_t bytes = 0;
		unsigned int mask = 0;

		for (i = 0; i < 4; i++) {
			/* "Bytes that are not written count as 0 in registers where" */
			if (word + i >= addr && word + i < addr + size) {
				bytes |= (uint32_t)page_byte_of(val, word + i - addr) << i * 8;
				mask |= 1u << i;
			}
		}
		write_word(p, word, bytes, mask);
	}
	/* "the device keeps the last write that started a command or left one running" */
	p->last.is = p->running != PAGE_NOBODY || p->starts != starts ||
		     p->accepted != accepted;
	p->last.addr = addr;
	p->last.size = size;
	p->last.val = val;
}
