/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as code: "CRB door". */
#include <string.h>

#include "page_parts.h"

/* "CMD and RSP size and address" */
static uint32_t crb_size(const struct page *p, unsigned int l)
{
	if (l == 0 && p->cfg.ram) {
		return p->bufsize;
	}
	return p->bufsize < 3968 ? p->bufsize : 3968;
}

static uint64_t crb_address(const struct page *p, unsigned int l, uint32_t window)
{
	return p->cfg.base + (l == 0 && p->cfg.ram ? window : (l << 12) + 0x80);
}

uint8_t page_crb_read(const struct page *p, unsigned int l, uint32_t off)
{
	const struct page_locality *loc = &p->loc[l];
	const bool active = p->active == l;

	switch (off & ~3u) {
	case 0x00:
		return page_byte4(0x80u | !p->established |
			     (p->active == PAGE_NOBODY ? 0 : 2u | (uint32_t)p->active << 2),
			     off);
	case 0x0C:
		return page_byte4((active ? 1 : 0) | (loc->been_seized ? 2 : 0), off);
	case 0x30:
		return page_byte4(page_intf_id(p), off);
	case 0x34:
		return page_byte4(0x1014, off);
	case 0x44:
		/* "tpmIdle (bit 1): 1 in Idle, and for every locality that is not active" */
		return page_byte4(!active || loc->state == PAGE_IDLE ? 2 : 0, off);
	case 0x4C:
		/* "reads as 1 while a command runs, of any locality" */
		return page_byte4(p->running != PAGE_NOBODY, off);
	case 0x50:
		return page_byte4(loc->int_enable, off);
	case 0x54:
		return page_byte4(loc->int_status, off);
	case 0x58:
	case 0x64:
		return page_byte4(crb_size(p, l), off);
	case 0x5C:
		return page_byte4((uint32_t)crb_address(p, l, 0x10000), off);
	case 0x60:
		return page_byte4((uint32_t)(crb_address(p, l, 0x10000) >> 32), off);
	case 0x68:
	case 0x6C:
		return page_byte_of(crb_address(p, l, 0x20000), off);
	}
	/* "In a CRB page offsets without a register read as 0" */
	return off >= 0x80 ? page_response_byte(p, l, off - 0x80) : 0;
}

static void loc_ctrl_write(struct page *p, unsigned int l, uint32_t val)
{
	/* "of several seize goes before relinquish before requestAccess before" */
	if (val & 4) {
		page_seize(p, l);
	} else if (val & 2) {
		page_relinquish(p, l);
	} else if (val & 1) {
		/* "requestAccess also clears beenSeized, where it is the one that" */
		p->loc[l].been_seized = false;
		page_arm(p, l);
		page_request(p, l);
	} else if (val & 8 && p->active == l) {
		/* "resetEstablishmentBit (3): the active locality, 3 or 4." */
		page_reset_established(p, l);
	}
}

static void ctrl_req_write(struct page *p, unsigned int l, uint32_t val)
{
	struct page_locality *loc = &p->loc[l];

	/* "goIdle (bit 1): IDLE; both: nothing" */
	if ((val & 3) != 1 && (val & 3) != 2) {
		return;
	}
	/* "Ignored, and arms nothing, while a command of this locality runs." */
	if (p->running == l) {
		return;
	}
	page_withdraw(p, l);
	if ((val & 3) == 1) {
		page_arm(p, l);
	}
	if ((val & 3) == 2) {
		loc->state = PAGE_IDLE;
	} else if (loc->state != PAGE_READY) {
		loc->state = PAGE_READY;
		page_interrupt(p, l, 2, 2);
	}
}

static void start_write(struct page *p, unsigned int l)
{
	struct page_locality *loc = &p->loc[l];
	enum page_arm armed = loc->armed;

	/* "disarms, and so does every START" */
	loc->armed = PAGE_DISARMED;
	/* "A START that is not armed is the repetition of an earlier one" */
	if (armed == PAGE_DISARMED) {
		return;
	}
	/* "if they are the command that ran, START is its repetition and does nothing" */
	if (armed == PAGE_ARMED_EARLY &&
	    memcmp(page_command_of(p, l), p->run.bytes, p->run.len) == 0) {
		return;
	}
	page_go(p, l, false);
}

void page_crb_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
		      unsigned int mask)
{
	const bool active = p->active == l;
	struct page_locality *loc = &p->loc[l];
	unsigned int i;

	switch (off) {
	case 0x08:
		loc_ctrl_write(p, l, val);
		return;
	case 0x30:
		page_intf_id_write(p, val, mask);
		return;
	case 0x40:
		if (active) {
			ctrl_req_write(p, l, val);
		}
		return;
	case 0x48:
		if (!active || !(mask & 1)) {
			return;
		}
		if (!(val & 1)) {
			/* "Writing 0 to it (its byte) prepares the next command: it arms START." */
			page_arm(p, l);
		} else if (p->running == l) {
			/* "writing 1 to bit 0 asks the backend to cancel, if this" */
			p->cancels++;
		}
		return;
	case 0x4C:
		if (active && val & 1) {
			start_write(p, l);
		}
		return;
	case 0x50:
		page_write_kept(&loc->int_enable, val, mask);
		loc->int_enable &= 0x8000000B;
		return;
	case 0x54:
		loc->int_status &= ~val;
		return;
	}
	/* "a write at 0x80 + i sets command[i]"; "they arm" */
	if (off >= 0x80 && active) {
		page_arm(p, l);
		for (i = 0; i < 4; i++) {
			if (mask >> i & 1 && off - 0x80 + i < p->bufsize) {
				page_command_of(p, l)[off - 0x80 + i] = page_byte4(val, i);
			}
		}
	}
}
