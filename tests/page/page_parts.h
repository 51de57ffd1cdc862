/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the page's model share. */
#ifndef PAGE_PARTS_H
#define PAGE_PARTS_H

#include "page_model.h"

uint8_t *page_command_of(struct page *p, unsigned int l);
uint32_t page_command_size(const struct page *p, unsigned int l);
void page_interrupt(struct page *p, unsigned int l, uint32_t bits, uint32_t any_of);
void page_accept(struct page *p, unsigned int l, bool by_fifo);
void page_go(struct page *p, unsigned int l, bool by_fifo);
void page_withdraw(struct page *p, unsigned int l);
void page_early_ends(struct page *p);
void page_arm(struct page *p, unsigned int l);
void page_request(struct page *p, unsigned int l);
void page_relinquish(struct page *p, unsigned int l);
void page_seize(struct page *p, unsigned int l);
bool page_other_requests(const struct page *p, unsigned int l);

bool page_may_see_response(const struct page *p, unsigned int l);
uint8_t page_response_byte(const struct page *p, unsigned int l, uint64_t i);
void page_write_kept(uint32_t *reg, uint32_t val, unsigned int mask);
void page_reset_established(struct page *p, unsigned int l);

/* The doors: a byte read; the word at @off written where @mask has bits, one a byte. */
uint8_t page_fifo_read(struct page *p, unsigned int l, uint32_t off, unsigned int size);
void page_fifo_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
		     unsigned int mask);
uint32_t page_intf_id(const struct page *p);
void page_intf_id_write(struct page *p, uint32_t val, unsigned int mask);
uint8_t page_crb_read(const struct page *p, unsigned int l, uint32_t off);
void page_crb_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
		    unsigned int mask);
uint8_t page_indexed_read(const struct page *p, unsigned int l, uint32_t off);
void page_indexed_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
			unsigned int mask);

/* Byte @off of what up to eight bytes hold. */
static inline uint8_t page_byte_of(uint64_t reg, uint32_t off)
{
	return (uint8_t)(reg >> (off % 8 * 8));
}

/* One byte of a 4-byte register; @off is the offset in the page. */
static inline uint8_t page_byte4(uint32_t reg, uint32_t off)
{
	return (uint8_t)(reg >> (off % 4 * 8));
}

#endif /* PAGE_PARTS_H */
