/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as code: "Indexed door". */
#include "page_parts.h"

static uint32_t status_read(const struct page *p, unsigned int l)
{
	return p->loc[l].state | (p->running != PAGE_NOBODY ? 8u : 0) |
	       (page_may_see_response(p, l) ? 16u : 0) |
	       /* "bit 5 another locality requests to be active" */
	       (page_other_requests(p, l) ? 32u : 0) | (uint32_t)p->loc[l].refused << 8;
}

static uint32_t indexed_register(const struct page *p, unsigned int l, uint32_t off)
{
	const uint64_t base = p->cfg.ram ? p->cfg.base : 0;
	const bool ram = p->cfg.ram;

	switch (off) {
	case 0xF90:
		return 0x58495054;
	case 0xF94:
		return 0x00010000;
	case 0xF98:
		/* "bit 4 interrupts that" */
		return (ram ? 0xFu : 0x7u) | (p->cfg.irq ? 0x10u : 0);
	case 0xF9C:
		return p->bufsize;
	case 0xFA0:
		return 0x0E000100;
	/* "Where CAP has no bit 3 these four are 0." */
	case 0xFA4:
		return ram ? p->cfg.buffer_size : 0;
	case 0xFA8:
		return ram ? (uint32_t)(base + 0x10000) : 0;
	case 0xFB0:
		return ram ? (uint32_t)(base + 0x20000) : 0;
	case 0xFB8:
		return ram ? (uint32_t)(base + 0x30000) : 0;
	case 0xFAC:
	case 0xFB4:
	case 0xFBC:
		return (uint32_t)(base >> 32);
	}
	/* "as 0 in the vendor block (0xFE8-0xFFF)" */
	if (off >= 0xFE8) {
		return 0;
	}
	/* "others read ones, their writes are dropped" */
	if (p->active != l) {
		return 0xFFFFFFFF;
	}
	switch (off) {
	case 0xFC0:
		return p->loc[l].index;
	case 0xFC8:
		return p->loc[l].csum_expect;
	case 0xFCC:
	case 0xFD0:
		return p->accepted;
	case 0xFD4:
		return status_read(p, l);
	case 0xFD8:
		/* "they differ by one while a command runs" */
		return p->accepted - (p->running != PAGE_NOBODY);
	case 0xFDC:
		return page_may_see_response(p, l) ? p->rsp_len : 0;
	case 0xFE0:
		/* "0 for a locality that neither runs a command nor has a response" */
		if (p->running == l || page_may_see_response(p, l)) {
			return p->cmd_csum | (uint32_t)p->rsp_csum << 16;
		}
		return 0;
	}
	return 0;
}

uint8_t page_indexed_read(const struct page *p, unsigned int l, uint32_t off)
{
	if (off >= 0xF90) {
		return page_byte4(indexed_register(p, l, off & ~3u), off);
	}
	/* "A read at 0x100 + off returns response[INDEX + off]" */
	return page_response_byte(p, l, (uint64_t)p->loc[l].index + (off - 0x100));
}

static void doorbell(struct page *p, unsigned int l, uint32_t ticket)
{
	struct page_locality *loc = &p->loc[l];

	/* "Checks come in this order: n, wrong ticket, BUSY, checksum." */
	if (ticket == p->accepted) {
		return;
	}
	if (ticket != p->accepted + 1) {
		loc->refused = 2;
	} else if (p->running != PAGE_NOBODY) {
		loc->refused = 1;
	} else if (loc->csum_expect >> 16 & 1 &&
		   (loc->csum_expect & 0xFFFF) != page_command_csum(p, l)) {
		/* "a doorbell whose command has another checksum is refused" */
		loc->refused = 3;
		page_early_ends(p);
	} else {
		page_accept(p, l, false);
	}
}

void page_indexed_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
			  unsigned int mask)
{
	struct page_locality *loc = &p->loc[l];
	unsigned int i;

	if (p->active != l) {
		return;
	}
	if (off < 0xF00) {
		for (i = 0; i < 4; i++) {
			uint64_t at = (uint64_t)loc->index + (off - 0x100) + i;

			if (!(mask >> i & 1)) {
				continue;
			}
			/* "Of a write bytes at BUFSIZE and beyond are dropped" */
			if (at < p->bufsize) {
				page_command_of(p, l)[at] = page_byte4(val, i);
			} else {
				loc->refused = 4;
			}
		}
		return;
	}
	switch (off) {
	case 0xFC0:
		/* "one for each locality, any value, written absolutely" */
		page_write_kept(&loc->index, val, mask);
		return;
	case 0xFC8:
		page_write_kept(&loc->csum_expect, val, mask);
		loc->csum_expect &= 0x7FFFF;
		return;
	case 0xFC4:
	case 0xFCC:
	case 0xFE4:
		/* "A ticket must be written as four aligned bytes" */
		if (mask != 0xF) {
			loc->refused = 5;
		} else if (off == 0xFCC) {
			doorbell(p, l, val);
			/* "of the doorbell that starts it, or of one with its ticket" */
			if (loc->csum_expect & 1u << 17 && p->running == l &&
			    p->run.ticket == val) {
				p->notify = true;
			}
		} else if (off == 0xFC4) {
			/* "a ticket that does not run, or that another locality rang" */
			if (p->running == l && val == p->run.ticket) {
				p->cancels++;
			}
		} else if (val == p->accepted - (p->running != PAGE_NOBODY)) {
			/* "the ticket whose completion was seen" */
			loc->int_status &= p->is_crb ? ~1u : ~3u;
		}
	}
}
