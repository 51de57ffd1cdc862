/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as code: "FIFO door". */
#include "page_parts.h"

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
uint32_t page_intf_id(const struct page *p)
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

void page_intf_id_write(struct page *p, uint32_t val, unsigned int mask)
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

uint8_t page_fifo_read(struct page *p, unsigned int l, uint32_t off, unsigned int size)
{
	const bool active = p->active == l;

	switch (off & ~3u) {
	case 0x000:
		/* "The other bytes of a 1-byte register's word read as 0" */
		return off == 0x000 ? access_read(p, l) : 0;
	case 0x008:
		return page_byte4(p->loc[l].int_enable, off);
	case 0x00C:
		return off == 0x00C ? p->cfg.irq : 0;
	case 0x010:
		return page_byte4(p->loc[l].int_status, off);
	case 0x014:
		return page_byte4(p->tpm == PAGE_TPM_1_2 ? 0x20000697 : 0x30000697, off);
	case 0x018:
		return active ? page_byte4(sts_read(p, l, size), off) : 0xFF;
	case 0x024:
		return data_read(p, l);
	case 0x030:
		return page_byte4(page_intf_id(p), off);
	case 0xF00:
		return page_byte4(0x00011014, off);
	case 0xF04:
		return page_byte4(1, off);
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

void page_reset_established(struct page *p, unsigned int l)
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
		page_reset_established(p, l);
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

void page_fifo_write(struct page *p, unsigned int l, uint32_t off, uint32_t val,
		       unsigned int mask)
{
	struct page_locality *loc = &p->loc[l];
	unsigned int i;

	switch (off) {
	case 0x000:
		access_write(p, l, val & 0xFF);
		return;
	case 0x008:
		page_write_kept(&loc->int_enable, val, mask);
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
		page_intf_id_write(p, val, mask);
		return;
	}
	if (off == 0x024 || (off >= 0x080 && off < 0x0C0)) {
		for (i = 0; i < 4; i++) {
			if (mask >> i & 1) {
				data_write(p, l, page_byte4(val, i));
			}
		}
	}
}
