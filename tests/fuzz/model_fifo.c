/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's "FIFO door". */
#include "model_parts.h"

static void access_write(struct model *m, int p, uint32_t val)
{
	if (val & 0x10) {
		m->page[p].been_seized = false;
	}
	if (val & 0x08) {
		seize(m, p);
	} else if (val & 0x20) {
		relinquish(m, p);
	} else if (val & 0x02) {
		request_use(m, p);
	}
}

static uint32_t access_value(const struct model *m, int p)
{
	uint32_t v = 0x80 | (m->established ? 0 : 1);
	int other;

	v |= m->active == p ? 0x20 : 0;
	v |= m->page[p].been_seized ? 0x10 : 0;
	v |= m->page[p].requests ? 0x02 : 0;
	for (other = 0; other < MODEL_PAGES; other++) {
		if (other != p && m->page[other].requests) {
			v |= 0x04;
		}
	}
	return v;
}

/* A command that is larger than the buffer ends where the buffer ends. */
static bool expects(const struct model *m, int p)
{
	if (m->received == m->bufsize) {
		return false;
	}
	return m->received < 6 || m->received < size_field(command_bytes(m, p));
}

static void sts_write(struct model *m, int p, uint32_t val)
{
	struct model_page *l = &m->page[p];
	int goals = !!(val & 0x40) + !!(val & 0x20) + !!(val & 0x02);

	if (m->tpm2 && (val & 0x01000000) && l->phase == EXECUTION) {
		m->to_cancel = true;
	}
	if (m->tpm2 && (val & 0x02000000) && p >= 3) {
		reset_established(m);
	}
	if (goals != 1) {
		return;
	}
	if (val & 0x40) {
		if (l->phase == EXECUTION) {
			m->running->aborted = true;
			m->to_cancel = true;
		} else {
			be_ready(m, p);
		}
	} else if (val & 0x20) {
		if (l->phase != RECEPTION || expects(m, p)) {
			return;
		}
		ask(m, p);
		if (m->running) {
			wait_for_end(m, p);
		} else {
			accept_command(m, p, true);
		}
	} else if (l->phase == COMPLETION) {
		m->response->given = 0;
	}
}

static uint32_t sts_value(const struct model *m, int p, unsigned int width)
{
	const struct model_page *l = &m->page[p];
	uint32_t v = m->tpm2 ? 0x04000000 : 0;
	uint32_t burst = m->bufsize, most = 0xFFFF;
	bool room = true;

	v |= m->selftest_done ? 0x04 : 0;
	switch (l->phase) {
	case IDLE:
		break;
	case READY:
		v |= 0x40;
		break;
	case RECEPTION:
		v |= 0x80 | (expects(m, p) ? 0x08 : 0);
		burst -= m->received;
		break;
	case EXECUTION:
		v |= 0x80;
		burst -= m->received;
		break;
	case COMPLETION:
		v |= 0x80;
		if (m->response->given < m->response->len) {
			v |= 0x10;
			burst = m->response->len - m->response->given;
			room = false;
		} else {
			burst = m->bufsize - m->response->len;
		}
		break;
	}
	if (width == 1 && room) {
		most = 0xFF;
	}
	return v | (burst < most ? burst : most) << 8;
}

bool in_fifo(const struct model *m, uint32_t off)
{
	return m->door == FIFO && ((off >= 0x024 && off <= 0x027) ||
				   (off >= 0x080 && off <= 0x0BF));
}

void fifo_byte_in(struct model *m, int p, uint8_t byte)
{
	struct model_page *l = &m->page[p];

	if (m->active != p || (l->phase != READY && l->phase != RECEPTION)) {
		return;
	}
	l->phase = RECEPTION;
	if (expects(m, p)) {
		command_bytes(m, p)[m->received++] = byte;
	}
}

static uint8_t fifo_byte_out(struct model *m, int p, bool take)
{
	struct model_response *r = m->response;
	uint8_t byte;

	if (!take || m->active != p || m->page[p].phase != COMPLETION ||
	    r->given == r->len) {
		return 0xFF;
	}
	byte = r->bytes[r->given++];
	if (r->given == r->len) {
		interrupt(m, p, LAST_BYTE);
	}
	return byte;
}

bool fifo_register(uint32_t off)
{
	return off < 0x04 || (off >= 0x08 && off < 0x1C) ||
	       (off >= 0x24 && off < 0x28) || (off >= 0x30 && off < 0x34) ||
	       (off >= 0x80 && off < 0xC0) || (off >= 0xF00 && off < 0xF08);
}

/* The page's table, row by row. Beside a 1-byte register is 0. */
uint8_t fifo_read(struct model *m, int p, uint32_t off, unsigned int width, bool take)
{
	uint32_t val;

	if (in_fifo(m, off)) {
		return fifo_byte_out(m, p, take);
	}
	switch (off & ~3u) {
	case 0x000: val = access_value(m, p); break;
	case 0x008: val = m->page[p].int_enable; break;
	case 0x00C: val = m->cfg.int_vector; break;
	case 0x010: val = m->page[p].int_status; break;
	case 0x014: val = m->tpm2 ? 0x30000697 : 0x20000697; break;
	case 0x018: val = m->active == p ? sts_value(m, p, width) : ONES; break;
	case 0x030: val = intf_id_value(m); break;
	case 0xF00: val = 0x00011014; break;
	case 0xF04: val = 1; break;
	default: return 0xFF;
	}
	return (uint8_t)(val >> (off & 3) * 8);
}

void fifo_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask)
{
	struct model_page *l = &m->page[p];

	switch (off) {
	case 0x000:
		access_write(m, p, val & 0xFF);
		break;
	case 0x008:
		l->int_enable = keep(l->int_enable, val, mask, 0x8000009F);
		break;
	case 0x010:
		l->int_status &= ~val;
		break;
	case 0x018:
		if (m->active == p) {
			sts_write(m, p, val);
		}
		break;
	case 0x030:
		intf_id_write(m, val, mask);
		break;
	}
}
