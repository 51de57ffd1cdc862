/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two files of the page's model share. */
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

#endif /* PAGE_PARTS_H */
