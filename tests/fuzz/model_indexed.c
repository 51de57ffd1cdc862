/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's "Indexed door": the trapped window, the vendor block, checksums. */
#include "model_parts.h"

/* CRC-16/KERMIT by the book: CCITT polynomial, bits reflected in and out. */
static uint16_t reflect(uint16_t v, int bits)
{
	uint16_t r = 0;
	int i;

	for (i = 0; i < bits; i++) {
		if (v & (1 << i)) {
			r = (uint16_t)(r | 1 << (bits - 1 - i));
		}
	}
	return r;
}

static uint16_t kermit_table[256];

uint16_t kermit(const uint8_t *data, uint32_t len)
{
	uint16_t crc = 0;
	uint32_t i;
	int v, b;

	if (!kermit_table[1]) {
		for (v = 0; v < 256; v++) {
			uint16_t r = (uint16_t)(v << 8);

			for (b = 0; b < 8; b++) {
				r = (uint16_t)(r & 0x8000 ? r << 1 ^ 0x1021 : r << 1);
			}
			kermit_table[v] = r;
		}
	}
	for (i = 0; i < len; i++) {
		crc = (uint16_t)(crc << 8 ^
				 kermit_table[(crc >> 8 ^ reflect(data[i], 8)) & 0xFF]);
	}
	return reflect(crc, 16);
}

static void refuse(struct model *m, int p, unsigned int why)
{
	m->page[p].refused = why;
}

/* "of as many bytes as the command's header says, BUFSIZE at most" */
static uint16_t command_crc(const struct model *m, int p)
{
	const uint8_t *bytes = command_bytes(m, p);
	uint32_t claimed = size_field(bytes);

	return kermit(bytes, claimed < m->bufsize ? claimed : m->bufsize);
}

static void ring(struct model *m, int p, uint32_t ticket)
{
	const struct model_page *l = &m->page[p];

	if (ticket == m->accepted) {
		return;
	}
	if (ticket != m->accepted + 1) {
		refuse(m, p, R_TICKET);
	} else if (m->running) {
		refuse(m, p, R_BUSY);
	} else if ((l->csum_expect >> 16 & 1) &&
		   (l->csum_expect & 0xFFFF) != command_crc(m, p)) {
		refuse(m, p, R_CSUM);
		another_command(m); /* its copy was looked at */
	} else {
		accept_command(m, p, false);
	}
}

static uint32_t completed(const struct model *m)
{
	return m->running ? m->accepted - 1 : m->accepted;
}

static uint32_t csum_value(const struct model *m, int p)
{
	if (has_response(m, p)) {
		return (uint32_t)m->response->crc << 16 | m->last_crc;
	}
	return runs(m, p) ? m->running->crc : 0;
}

static uint32_t status_value(const struct model *m, int p)
{
	return (uint32_t)m->page[p].phase | (m->running ? 8 : 0) |
	       (has_response(m, p) ? 16 : 0) | (others_request(m, p) ? 32 : 0) |
	       m->page[p].refused << 8;
}

uint8_t window_byte(const struct model *m, int p, uint32_t off)
{
	return response_byte(m, p, (uint64_t)m->page[p].index + off);
}

void window_set(struct model *m, int p, uint32_t off, uint8_t byte)
{
	uint64_t at = (uint64_t)m->page[p].index + off;

	if (m->active != p) {
		return;
	}
	if (at < m->bufsize) {
		command_bytes(m, p)[at] = byte;
	} else {
		refuse(m, p, R_INDEX);
	}
}

static uint64_t in_ram(const struct model *m, uint32_t at)
{
	return m->cfg.ram ? m->cfg.base + at : 0;
}

/* The page's table, row by row; "as 0 in the vendor block" what it has not. */
static uint32_t block_value(const struct model *m, int p, uint32_t off)
{
	switch (off) {
	case 0xF90: return 0x58495054;
	case 0xF94: return 0x00010000;
	case 0xF98: return (m->cfg.ram ? 15 : 7) | (m->cfg.int_vector ? 16 : 0);
	case 0xF9C: return m->bufsize;
	case 0xFA0: return 0x0E000100;
	case 0xFA4: return m->cfg.ram ? m->cfg.capacity : 0;
	case 0xFA8: return (uint32_t)in_ram(m, 0x10000);
	case 0xFAC: return (uint32_t)(in_ram(m, 0x10000) >> 32);
	case 0xFB0: return (uint32_t)in_ram(m, 0x20000);
	case 0xFB4: return (uint32_t)(in_ram(m, 0x20000) >> 32);
	case 0xFB8: return (uint32_t)in_ram(m, 0x30000);
	case 0xFBC: return (uint32_t)(in_ram(m, 0x30000) >> 32);
	case 0xFC0: return m->page[p].index;
	case 0xFC8: return m->page[p].csum_expect;
	case 0xFCC: return m->accepted;
	case 0xFD0: return m->accepted;
	case 0xFD4: return status_value(m, p);
	case 0xFD8: return completed(m);
	case 0xFDC: return has_response(m, p) ? m->response->len : 0;
	case 0xFE0: return csum_value(m, p);
	}
	return 0;
}

uint8_t block_read(const struct model *m, int p, uint32_t off)
{
	if (off >= 0xFC0 && off < 0xFE8 && m->active != p) {
		return 0xFF;
	}
	return (uint8_t)(block_value(m, p, off & ~3u) >> (off & 3) * 8);
}

void block_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask)
{
	struct model_page *l = &m->page[p];
	bool whole = mask == ONES;

	if (m->active != p) {
		return;
	}
	switch (off) {
	case 0xFC0:
		l->index = keep(l->index, val, mask, ONES);
		break;
	case 0xFC4:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else if (runs(m, p) && m->running->ticket == val) {
			m->to_cancel = true;
		}
		break;
	case 0xFC8:
		l->csum_expect = keep(l->csum_expect, val, mask, 0x7FFFF);
		break;
	case 0xFCC:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else {
			ring(m, p, val);
			if (runs(m, p) && m->running->ticket == val) {
				m->running->notify |= l->csum_expect >> 17 & 1;
			}
		}
		break;
	case 0xFE4:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else if (val == completed(m)) {
			interrupt_end(m, p);
		}
		break;
	}
}
