/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as code: "Addresses and widths", the doors, the windows in RAM. */
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
	if (addr >= 0xF000 && addr < 0x10000) {
		return HEADER_PAGE;
	}
	/* "what is behind RAM_SIZE in a window's 64 KiB" */
	if (addr >= 0x10000 && addr - 0x10000 < p->cfg.buffer_size) {
		return CMD_WINDOW;
	}
	if (addr >= 0x20000 && addr - 0x20000 < p->cfg.buffer_size) {
		return RSP_WINDOW;
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

static uint8_t byte_of(uint64_t reg, uint32_t off)
{
	return (uint8_t)(reg >> (off % 8 * 8));
}

/* One byte of a 4-byte register; @off is the offset in the page. */
static uint8_t byte4(uint32_t reg, uint32_t off)
{
	return (uint8_t)(reg >> (off % 4 * 8));
}

static bool may_see_response(const struct page *p, unsigned int l)
{
	return p->active == l && p->rsp_owner == l;
}

/* Command and response, "for the active locality": response[i]. */
static uint8_t response_byte(const struct page *p, unsigned int l, uint64_t i)
{
	/* "To a locality that is not active they read as ones" */
	if (p->active != l) {
		return 0xFF;
	}
	/* "Bytes of a buffer or window behind the response, and where the locality has" */
	return p->rsp_owner == l && i < p->rsp_len ? p->rsp[i] : 0;
}

/* ---- FIFO door ---- */

static uint8_t access_read(const struct page *p, unsigned int l)
{
	uint8_t val = 0x80 | !p->established;
	unsigned int other;

	for (other = 0; other < PAGE_LOCALITIES; other++) {
		if (other != l && p->loc[other].pending) {
			val |= 0x04;
		}
	}
	return (uint8_t)(val | (p->loc[l].pending ? 0x02 : 0) |
			 (p->loc[l].been_seized ? 0x10 : 0) | (p->active == l ? 0x20 : 0));
}

static bool expect(const struct page *p, unsigned int l)
{
	/* "Expect drops with the last byte, or when the buffer is full." */
	return p->loc[l].state == PAGE_RECEPTION && p->fifo_bytes < p->bufsize &&
	       (p->fifo_bytes < 6 || p->fifo_bytes < page_command_size(p, l));
}

static bool data_avail(const struct page *p, unsigned int l)
{
	return p->loc[l].state == PAGE_COMPLETION && p->rsp_owner == l &&
	       p->rsp_pos < p->rsp_len;
}

/* The table of states below STS; of a one-byte read burstCount is another. */
static uint32_t sts_read(const struct page *p, unsigned int l, unsigned int access_size)
{
	enum page_state state = p->loc[l].state;
	bool room = !data_avail(p, l);
	uint32_t burst = p->bufsize;
	uint32_t val = 0;

	if (state >= PAGE_RECEPTION) {
		val |= 0x80;
	}
	if (state == PAGE_READY) {
		val |= 0x40;
	}
	if (expect(p, l)) {
		val |= 0x08;
	}
	if (data_avail(p, l)) {
		val |= 0x10;
		burst = p->rsp_len - p->rsp_pos;
	} else if (state == PAGE_RECEPTION || state == PAGE_EXECUTION) {
		burst = p->bufsize - p->fifo_bytes;
	} else if (state == PAGE_COMPLETION) {
		burst = p->bufsize - p->rsp_len;
	}
	/* "burstCount has 16 bits; of a larger number it says 0xFFFF" */
	if (burst > 0xFFFF) {
		burst = 0xFFFF;
	}
	if (access_size == 1 && room && burst > 0xFF) {
		burst = 0xFF;
	}
	return val | burst << 8 | (p->selftest_done ? 4 : 0) |
	       (p->tpm == PAGE_TPM_2_0 ? 1u << 26 : 0);
}

/* "every byte read or written moves a pointer hidden in the device" */
static uint8_t data_read(struct page *p, unsigned int l)
{
	uint8_t val;

	if (p->active != l || !data_avail(p, l)) {
		return 0xFF;
	}
	val = p->rsp[p->rsp_pos++];
	if (p->rsp_pos == p->rsp_len) {
		/* "reading the last byte sets stsValid" */
		page_interrupt(p, l, 2, 2);
	}
	return val;
}

static void data_write(struct page *p, unsigned int l, uint8_t val)
{
	if (p->active != l) {
		return;
	}
	if (p->loc[l].state == PAGE_READY) {
		p->loc[l].state = PAGE_RECEPTION;
		p->fifo_bytes = 0;
	}
	/* "those written beyond the command's size are dropped" */
	if (p->loc[l].state == PAGE_RECEPTION && expect(p, l)) {
		page_command_of(p, l)[p->fifo_bytes++] = val;
	}
}

/* "**INTERFACE_ID** is the register of both interfaces" */
static uint32_t intf_id(const struct page *p)
{
	/* "TPM 1.2: reads ones." */
	if (p->tpm == PAGE_TPM_1_2) {
		return 0xFFFFFFFF;
	}
	return (p->is_crb ? 1 | 1 << 4 | 3 << 11 : 0) |
	       (p->cfg.localities == 5 ? 1 << 8 : 0) | (p->cfg.fifo ? 1 << 13 : 0) |
	       (p->cfg.crb ? 1 << 14 : 0) | (uint32_t)p->selector << 17 |
	       (p->locked ? 1 << 19 : 0);
}

static void intf_id_write(struct page *p, uint32_t val, unsigned int mask)
{
	unsigned int sel = val >> 17 & 3;

	/* "a write that does not cover it"; "InterfaceSelector after IntfSelLock" */
	if (!(mask & 4) || p->locked || p->tpm == PAGE_TPM_1_2) {
		return;
	}
	/* "Writing 1 to IntfSelLock locks the selector until TPM_INIT, and does not" */
	if (val >> 19 & 1) {
		p->locked = true;
	} else if ((sel == 0 && p->cfg.fifo) || (sel == 1 && p->cfg.crb)) {
		p->selector = (uint8_t)sel;
	}
}

static uint8_t fifo_read(struct page *p, unsigned int l, uint32_t off, unsigned int size)
{
	const bool active = p->active == l;

	switch (off & ~3u) {
	case 0x000:
		/* "The other bytes of a 1-byte register's word read as 0" */
		return off == 0x000 ? access_read(p, l) : 0;
	case 0x008:
		return byte4(p->loc[l].int_enable, off);
	case 0x00C:
		return off == 0x00C ? p->cfg.irq : 0;
	case 0x010:
		return byte4(p->loc[l].int_status, off);
	case 0x014:
		return byte4(p->tpm == PAGE_TPM_1_2 ? 0x20000697 : 0x30000697, off);
	case 0x018:
		return active ? byte4(sts_read(p, l, size), off) : 0xFF;
	case 0x024:
		return data_read(p, l);
	case 0x030:
		return byte4(intf_id(p), off);
	case 0xF00:
		return byte4(0x00011014, off);
	case 0xF04:
		return byte4(1, off);
	}
	if (off >= 0x080 && off < 0x0C0) {
		return data_read(p, l);
	}
	/* "Offsets without a register read as all ones in the TIS part" */
	return 0xFF;
}

static void access_write(struct page *p, unsigned int l, uint32_t val)
{
	/* "beenSeized counts always" */
	if (val & 0x10) {
		p->loc[l].been_seized = false;
	}
	/* "Of several bits in one write seize goes before relinquish before requestUse" */
	if (val & 0x08) {
		page_seize(p, l);
	} else if (val & 0x20) {
		page_relinquish(p, l);
	} else if (val & 0x02) {
		page_request(p, l);
	}
}

/* "commandReady names a goal: READY." */
static void command_ready(struct page *p, unsigned int l)
{
	struct page_locality *loc = &p->loc[l];

	page_withdraw(p, l);
	if (loc->state == PAGE_EXECUTION) {
		/* "in Execution the command is aborted and the FIFO is ready when it ends" */
		p->abort = true;
		p->cancels++;
		return;
	}
	if (loc->state != PAGE_READY) {
		loc->state = PAGE_READY;
		page_interrupt(p, l, 0x80, 0x80);
	}
	p->fifo_bytes = 0;
}

static void reset_established(struct page *p, unsigned int l)
{
	if (l == 3 || l == 4) {
		p->resets_of_established++;
		p->established = false;
	}
}

static void sts_write(struct page *p, unsigned int l, uint32_t val)
{
	/* "resetEstablishmentBit (TPM 2.0, localities 3 and 4)." */
	if (val >> 25 & 1 && p->tpm == PAGE_TPM_2_0) {
		reset_established(p, l);
	}
	/* "commandCancel (TPM 2.0): asks the backend"; "once, with a commandReady" */
	if (val >> 24 & 1 && p->tpm == PAGE_TPM_2_0 && p->running == l &&
	    (val & 0x62) != 0x40) {
		p->cancels++;
	}
	/* "Of commandReady, tpmGo and responseRetry one a write; several do nothing." */
	switch (val & 0x62) {
	case 0x40:
		command_ready(p, l);
		break;
	case 0x20:
		/* "tpmGo starts the command in Reception once Expect is 0" */
		if (p->loc[l].state == PAGE_RECEPTION && !expect(p, l)) {
			page_go(p, l, true);
		}
		break;
	case 0x02:
		/* "responseRetry: the response from its first byte." */
		if (p->loc[l].state == PAGE_COMPLETION && p->rsp_owner == l) {
			p->rsp_pos = 0;
		}
		break;
	}
}

/* "keep their value in INT_ENABLE, INDEX, CSUM_EXPECT and InterfaceSelector" */
static void write_kept(uint32_t *reg, uint32_t val, unsigned int mask)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (mask >> i & 1) {
			*reg = (*reg & ~(0xFFu << i * 8)) | (val & 0xFFu << i * 8);
		}
	}
}

static void fifo_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
		       unsigned int mask)
{
	struct page_locality *loc = &p->loc[l];
	unsigned int i;

	switch (off) {
	case 0x000:
		access_write(p, l, val & 0xFF);
		return;
	case 0x008:
		write_kept(&loc->int_enable, val, mask);
		loc->int_enable &= 0x8000009F;
		return;
	case 0x010:
		loc->int_status &= ~val;
		return;
	case 0x018:
		if (p->active == l) {
			sts_write(p, l, val);
		}
		return;
	case 0x030:
		intf_id_write(p, val, mask);
		return;
	}
	if (off == 0x024 || (off >= 0x080 && off < 0x0C0)) {
		for (i = 0; i < 4; i++) {
			if (mask >> i & 1) {
				data_write(p, l, byte4(val, i));
			}
		}
	}
}

/* ---- CRB door ---- */

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

static uint8_t crb_read(const struct page *p, unsigned int l, uint32_t off)
{
	const struct page_locality *loc = &p->loc[l];
	const bool active = p->active == l;

	switch (off & ~3u) {
	case 0x00:
		return byte4(0x80u | !p->established |
			     (p->active == PAGE_NOBODY ? 0 : 2u | (uint32_t)p->active << 2),
			     off);
	case 0x0C:
		return byte4((active ? 1 : 0) | (loc->been_seized ? 2 : 0), off);
	case 0x30:
		return byte4(intf_id(p), off);
	case 0x34:
		return byte4(0x1014, off);
	case 0x44:
		/* "tpmIdle (bit 1): 1 in Idle, and for every locality that is not active" */
		return byte4(!active || loc->state == PAGE_IDLE ? 2 : 0, off);
	case 0x4C:
		/* "reads as 1 while a command runs, of any locality" */
		return byte4(p->running != PAGE_NOBODY, off);
	case 0x50:
		return byte4(loc->int_enable, off);
	case 0x54:
		return byte4(loc->int_status, off);
	case 0x58:
	case 0x64:
		return byte4(crb_size(p, l), off);
	case 0x5C:
		return byte4((uint32_t)crb_address(p, l, 0x10000), off);
	case 0x60:
		return byte4((uint32_t)(crb_address(p, l, 0x10000) >> 32), off);
	case 0x68:
	case 0x6C:
		return byte_of(crb_address(p, l, 0x20000), off);
	}
	/* "In a CRB page offsets without a register read as 0" */
	return off >= 0x80 ? response_byte(p, l, off - 0x80) : 0;
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
		reset_established(p, l);
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

static void crb_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
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
		intf_id_write(p, val, mask);
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
		write_kept(&loc->int_enable, val, mask);
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
				page_command_of(p, l)[off - 0x80 + i] = byte4(val, i);
			}
		}
	}
}

/* ---- Indexed door ---- */

static uint32_t status_read(const struct page *p, unsigned int l)
{
	return p->loc[l].state | (p->running != PAGE_NOBODY ? 8u : 0) |
	       (may_see_response(p, l) ? 16u : 0) | (uint32_t)p->loc[l].refused << 8;
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
		return ram ? 0xF : 0x7;
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
		return ram ? (uint32_t)(base + 0xF000) : 0;
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
		return may_see_response(p, l) ? p->rsp_len : 0;
	case 0xFE0:
		/* "0 for a locality that neither runs a command nor has a response" */
		if (p->running == l || may_see_response(p, l)) {
			return p->cmd_csum | (uint32_t)p->rsp_csum << 16;
		}
		return 0;
	}
	return 0;
}

static uint8_t indexed_read(const struct page *p, unsigned int l, uint32_t off)
{
	if (off >= 0xF90) {
		return byte4(indexed_register(p, l, off & ~3u), off);
	}
	/* "A read at 0x100 + off returns response[INDEX + off]" */
	return response_byte(p, l, (uint64_t)p->loc[l].index + (off - 0x100));
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

static void indexed_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
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
				page_command_of(p, l)[at] = byte4(val, i);
			} else {
				loc->refused = 4;
			}
		}
		return;
	}
	switch (off) {
	case 0xFC0:
		/* "one for each locality, any value, written absolutely" */
		write_kept(&loc->index, val, mask);
		return;
	case 0xFC8:
		write_kept(&loc->csum_expect, val, mask);
		loc->csum_expect &= 0x1FFFF;
		return;
	case 0xFC4:
	case 0xFCC:
	case 0xFE4:
		/* "A ticket must be written as four aligned bytes" */
		if (mask != 0xF) {
			loc->refused = 5;
		} else if (off == 0xFCC) {
			doorbell(p, l, val);
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

static bool in_indexed_door(uint32_t off)
{
	return (off >= 0x100 && off < 0xF00) || off >= 0xF90;
}

/* ---- All of it ---- */

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
		return in_indexed_door(off) ? indexed_read(p, l, off) : 0xFF;
	case LOCALITY_PAGE:
		if (p->is_crb) {
			return crb_read(p, l, off);
		}
		return in_indexed_door(off) ? indexed_read(p, l, off) :
					      fifo_read(p, l, off, size);
	case HEADER_PAGE:
		/* "at 0xF90-0xFFF what locality 0 reads there in its vendor block" */
		return off >= 0xF90 ? indexed_read(p, 0, off) : 0;
	case CMD_WINDOW:
		return p->cmd0[addr - 0x10000];
	case RSP_WINDOW:
		/* "response[i] while locality 0 is active" */
		return response_byte(p, 0, addr - 0x20000);
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
		crb_write(p, l, off, val, mask);
	} else if (in_indexed_door(off)) {
		indexed_write(p, l, off, val, mask);
	} else if (at == LOCALITY_PAGE) {
		fifo_write(p, l, off, val, mask);
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
				p->cmd0[addr + i - 0x10000] = byte_of(val, i);
			}
		}
		return;
	}
	/* "and so is all at 0x0F000 and above" */
	if (p->tpm == PAGE_NO_TPM || addr >= 0xF000) {
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
				bytes |= (uint32_t)byte_of(val, word + i - addr) << i * 8;
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
