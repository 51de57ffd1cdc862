/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#define ONES 0xFFFFFFFFu

enum { DATA_AVAIL_INT = 1, STS_VALID_INT = 2, LOCALITY_INT = 4, READY_INT = 0x80 };
enum { R_BUSY = 1, R_TICKET, R_CSUM, R_INDEX, R_WIDTH };

static void *get(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p) {
		abort();
	}
	return p;
}

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

static uint16_t kermit(const uint8_t *data, uint32_t len)
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

static uint32_t size_field(const uint8_t *header)
{
	return (uint32_t)header[2] << 24 | (uint32_t)header[3] << 16 |
	       (uint32_t)header[4] << 8 | header[5];
}

static void drop_response(struct model *m)
{
	free(m->response);
	m->response = NULL;
}

struct model *model_new(uint32_t capacity, bool locality4, uint8_t int_vector)
{
	struct model *m = get(sizeof(*m));

	m->capacity = capacity;
	m->locality4 = locality4;
	m->int_vector = int_vector;
	m->active = m->heir = m->command_of = MODEL_NOBODY;
	return m;
}

void model_free(struct model *m)
{
	free(m->started);
	free(m->running);
	free(m->response);
	free(m->command);
	free(m);
}

/* "TPM_INIT: all localities Idle and inactive, ... Tickets go on counting" */
void model_reset(struct model *m, bool tpm2, uint32_t bufsize)
{
	int p;

	free(m->running);
	m->running = NULL;
	drop_response(m);
	free(m->command);
	m->bufsize = bufsize < m->capacity ? bufsize : m->capacity;
	if (m->bufsize < 10) {
		m->bufsize = 10;
	}
	m->command = get(m->bufsize);
	m->tpm2 = tpm2;
	m->selftest_done = m->intf_locked = false;
	m->active = m->heir = m->command_of = MODEL_NOBODY;
	m->received = 0;
	m->last.any = false;
	memset(m->page, 0, sizeof(m->page));
	for (p = 0; p < MODEL_PAGES; p++) {
		m->page[p].int_enable = 8;
	}
}

static void interrupt(struct model *m, int p, uint32_t which)
{
	uint32_t on = m->page[p].int_enable;

	/* tpm-tis: one enabled reason of several sets them all */
	if ((on >> 31) && (on & which)) {
		m->page[p].int_status |= which;
	}
}

bool model_irq(const struct model *m)
{
	int p;

	for (p = 0; p < MODEL_PAGES; p++) {
		if (m->page[p].int_status) {
			return true;
		}
	}
	return false;
}

/* Access control */

static void activate(struct model *m, int p, bool seize)
{
	int other;

	if (p == m->active) {
		return;
	}
	if (m->active != MODEL_NOBODY && seize) {
		m->page[m->active].been_seized = true;
	}
	m->active = p;
	if (p == MODEL_NOBODY) {
		return;
	}
	m->page[p].requests = false;
	if (m->command_of != p) {
		memset(m->command, 0, m->bufsize);
		m->received = 0;
		m->command_of = p;
	}
	for (other = 0; other < MODEL_PAGES; other++) {
		/* "a seize that lost leaves no trace" */
		m->page[other].seizes = false;
		if (other != p && m->page[other].phase == RECEPTION) {
			m->page[other].phase = IDLE;
		}
	}
	interrupt(m, p, LOCALITY_INT);
}

/* "Hand-over while a command runs waits for its end, and asks ... to cancel it." */
static void hand_over(struct model *m, int p, bool seize, bool *cancel)
{
	int other;

	if (!m->running) {
		activate(m, p, seize);
		return;
	}
	*cancel = true;
	if (seize) {
		for (other = 0; other < MODEL_PAGES; other++) {
			m->page[other].seizes &= other > p;
		}
		m->page[p].seizes = true;
	}
	if (p > m->heir) {
		m->heir = p;
	}
}

static int highest_pending(const struct model *m)
{
	int p;

	for (p = MODEL_PAGES - 1; p >= 0; p--) {
		if (m->page[p].requests) {
			return p;
		}
	}
	return MODEL_NOBODY;
}

/* tpm-tis: a seize of this locality, or of a higher one, waits already. */
static bool seized_from(const struct model *m, int p)
{
	for (; p < MODEL_PAGES; p++) {
		if (m->page[p].seizes) {
			return true;
		}
	}
	return false;
}

static void access_write(struct model *m, int p, uint32_t val, bool *cancel)
{
	struct model_page *l = &m->page[p];

	if (val & 0x10) {
		l->been_seized = false;
	}
	if (val & 0x08) {
		/* "from a lower locality or from none" */
		if (m->active < p && !seized_from(m, p)) {
			hand_over(m, p, true, cancel);
		}
	} else if (val & 0x20) {
		int heir = highest_pending(m);

		if (m->active != p) {
			l->requests = false;
		} else if (heir == MODEL_NOBODY) {
			activate(m, MODEL_NOBODY, false);
		} else {
			hand_over(m, heir, false, cancel);
		}
	} else if (val & 0x02) {
		if (m->active == MODEL_NOBODY && m->heir == MODEL_NOBODY) {
			activate(m, p, false);
		} else if (m->active != p) {
			l->requests = true;
		}
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

/* Transaction */

static void complete_with(struct model *m, const uint8_t *bytes, uint32_t len)
{
	struct model_command *c = m->running;
	struct model_response *r = get(sizeof(*r) + len);
	struct model_page *l = &m->page[c->owner];
	int heir = m->heir;

	r->owner = c->owner;
	r->len = len;
	memcpy(r->bytes, bytes, len);
	r->crc = kermit(bytes, len);
	m->response = r;
	m->running = NULL;
	if (m->command_of == c->owner) {
		m->received = 0;
	}
	if (c->aborted) {
		l->phase = READY;
		interrupt(m, c->owner, READY_INT);
	} else {
		l->phase = COMPLETION;
		interrupt(m, c->owner, DATA_AVAIL_INT | STS_VALID_INT);
	}
	free(c);
	m->heir = MODEL_NOBODY;
	if (heir != MODEL_NOBODY) {
		activate(m, heir, m->page[heir].seizes);
	}
}

static void complete_with_error(struct model *m, uint32_t rc20, uint32_t rc12)
{
	uint8_t rsp[10] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0 };
	uint32_t rc = m->tpm2 ? rc20 : rc12;

	if (!m->tpm2) {
		rsp[0] = 0x00;
		rsp[1] = 0xC4;
	}
	rsp[8] = (uint8_t)(rc >> 8);
	rsp[9] = (uint8_t)rc;
	complete_with(m, rsp, sizeof(rsp));
}

bool model_complete(struct model *m, uint32_t ticket, const uint8_t *rsp,
		    uint32_t len, bool selftest_done)
{
	if (!m->running || m->running->ticket != ticket) {
		return false;
	}
	m->selftest_done |= selftest_done;
	if (!rsp || len < 10 || len > m->bufsize || size_field(rsp) != len) {
		complete_with_error(m, 0x101, 0x009);
	} else {
		complete_with(m, rsp, len);
	}
	return true;
}

uint16_t model_command_crc(const struct model *m)
{
	uint32_t claimed = size_field(m->command);

	return kermit(m->command, claimed < m->bufsize ? claimed : m->bufsize);
}

/* "At acceptance, and only there, the previous response ends" */
static void accept_command(struct model *m, int p, bool by_fifo)
{
	uint32_t size = size_field(m->command);
	bool bad = size < 10 || size > m->bufsize ||
		   (by_fifo && size != m->received);
	uint32_t len = bad ? 0 : size;
	struct model_command *c = get(sizeof(*c) + len);

	if (m->response) {
		struct model_page *owner = &m->page[m->response->owner];

		if (owner->phase == COMPLETION) {
			owner->phase = IDLE;
		}
		owner->int_status &= ~(uint32_t)(DATA_AVAIL_INT | STS_VALID_INT);
		drop_response(m);
	}
	c->owner = p;
	c->ticket = ++m->accepted;
	c->len = len;
	memcpy(c->bytes, m->command, len);
	c->crc = kermit(c->bytes, len);
	m->last_crc = c->crc;
	m->running = c;
	m->page[p].phase = EXECUTION;
	m->page[p].refused = 0;
	if (!by_fifo) {
		m->received = 0;
	}
	if (bad) {
		complete_with_error(m, 0x142, 0x019);
		return;
	}
	m->starts++;
	free(m->started);
	m->started = get(sizeof(*c) + len);
	memcpy(m->started, c, sizeof(*c) + len);
	if (m->answer_len) {
		model_complete(m, m->accepted, m->answer, m->answer_len, false);
	}
}

/* A command that is larger than the buffer ends where the buffer ends. */
static bool expects(const struct model *m)
{
	if (m->received == m->bufsize) {
		return false;
	}
	return m->received < 6 || m->received < size_field(m->command);
}

/* FIFO door */

static void sts_write(struct model *m, int p, uint32_t val, bool *cancel)
{
	struct model_page *l = &m->page[p];
	int goals = !!(val & 0x40) + !!(val & 0x20) + !!(val & 0x02);

	if (m->tpm2 && (val & 0x01000000) && l->phase == EXECUTION) {
		*cancel = true;
	}
	if (m->tpm2 && (val & 0x02000000) && p >= 3) {
		m->established_resets++;
		m->established = false;
	}
	if (goals != 1) {
		return;
	}
	if (val & 0x40) {
		if (l->phase == EXECUTION) {
			m->running->aborted = true;
			*cancel = true;
		} else {
			if (l->phase != READY) {
				interrupt(m, p, READY_INT);
			}
			l->phase = READY;
			m->received = 0;
		}
	} else if (val & 0x20) {
		if (l->phase == RECEPTION && !expects(m) && !m->running) {
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
		v |= 0x80 | (expects(m) ? 0x08 : 0);
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

static void fifo_byte_in(struct model *m, int p, uint8_t byte)
{
	struct model_page *l = &m->page[p];

	if (m->active != p || (l->phase != READY && l->phase != RECEPTION)) {
		return;
	}
	l->phase = RECEPTION;
	if (expects(m)) {
		m->command[m->received++] = byte;
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
		interrupt(m, p, STS_VALID_INT); /* tpm-tis: status changed */
	}
	return byte;
}

/* Indexed door */

static void refuse(struct model *m, int p, unsigned int why)
{
	m->page[p].refused = why;
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
	} else if ((l->csum_expect >> 16) &&
		   (l->csum_expect & 0xFFFF) != model_command_crc(m)) {
		refuse(m, p, R_CSUM);
	} else {
		accept_command(m, p, false);
	}
}

static uint32_t completed(const struct model *m)
{
	return m->running ? m->accepted - 1 : m->accepted;
}

static bool has_response(const struct model *m, int p)
{
	return m->response && m->response->owner == p;
}

static uint32_t csum_value(const struct model *m, int p)
{
	if (has_response(m, p)) {
		return (uint32_t)m->response->crc << 16 | m->last_crc;
	}
	return m->running && m->running->owner == p ? m->running->crc : 0;
}

static uint32_t status_value(const struct model *m, int p)
{
	return (uint32_t)m->page[p].phase | (m->running ? 8 : 0) |
	       (has_response(m, p) ? 16 : 0) | m->page[p].refused << 8;
}

static uint8_t window_byte(const struct model *m, int p, uint32_t off)
{
	uint64_t at = (uint64_t)m->page[p].index + off;

	return m->active == p && has_response(m, p) && at < m->response->len ?
	       m->response->bytes[at] : 0xFF;
}

static void window_set(struct model *m, int p, uint32_t off, uint8_t byte)
{
	uint64_t at = (uint64_t)m->page[p].index + off;

	if (m->active != p) {
		return;
	}
	if (at < m->bufsize) {
		m->command[at] = byte;
	} else {
		refuse(m, p, R_INDEX);
	}
}

/* The page's two tables, row by row. Beside a 1-byte register is 0, as tpm-tis. */
static bool reg_value(const struct model *m, int p, uint32_t off,
		      unsigned int access_width, uint32_t *val,
		      bool *active_only)
{
	*active_only = false;
	switch (off) {
	case 0x000: *val = access_value(m, p); return true;
	case 0x008: *val = m->page[p].int_enable; return true;
	case 0x00C: *val = m->int_vector; return true;
	case 0x010: *val = m->page[p].int_status; return true;
	case 0x014: *val = m->tpm2 ? 0x30000697 : 0x20000697; return true;
	case 0x030:
		*val = m->tpm2 ? 0x2100 | (m->intf_locked ? 0x80000 : 0) : ONES;
		return true;
	case 0xF00: *val = 0x00011014; return true;
	case 0xF04: *val = 1; return true;
	case 0xF90: *val = 0x58495054; return true;
	case 0xF94: *val = 0x00010000; return true;
	case 0xF98: *val = 15; return true;
	case 0xF9C: *val = m->bufsize; return true;
	case 0xFA0: *val = 0x0E000100; return true;
	case 0xFA4: *val = m->capacity; return true;
	case 0xFA8: *val = 0xFED50000; return true;
	case 0xFB0: *val = 0xFED60000; return true;
	case 0xFB8: *val = 0xFED4F000; return true;
	}
	*active_only = true;
	switch (off) {
	case 0x018: *val = sts_value(m, p, access_width); return true;
	case 0xFC0: *val = m->page[p].index; return true;
	case 0xFC4: *val = 0; return true;
	case 0xFC8: *val = m->page[p].csum_expect; return true;
	case 0xFCC: *val = m->accepted; return true;
	case 0xFD0: *val = m->accepted; return true;
	case 0xFD4: *val = status_value(m, p); return true;
	case 0xFD8: *val = completed(m); return true;
	case 0xFDC: *val = has_response(m, p) ? m->response->len : 0; return true;
	case 0xFE0: *val = csum_value(m, p); return true;
	case 0xFE4: *val = 0; return true;
	}
	return false;
}

static bool in_fifo(uint32_t off)
{
	return (off >= 0x024 && off <= 0x027) || (off >= 0x080 && off <= 0x0BF);
}

static uint8_t read_one(struct model *m, uint32_t addr, unsigned int size, bool take)
{
	int p = (int)(addr / 0x1000);
	uint32_t off = addr % 0x1000, val;
	bool active_only;

	if (p >= MODEL_PAGES) {
		return 0xFF;
	}
	if (in_fifo(off)) {
		return fifo_byte_out(m, p, take);
	}
	if (off >= 0x100 && off < 0xF00) {
		return window_byte(m, p, off - 0x100);
	}
	if (off >= 0xFC0 && m->active != p) {
		return 0xFF; /* "active" is the whole block from INDEX on */
	}
	if (!reg_value(m, p, off & ~3u, size, &val, &active_only)) {
		return off >= 0xF90 ? 0 : 0xFF;
	}
	if (active_only && m->active != p) {
		return 0xFF;
	}
	return (uint8_t)(val >> (off & 3) * 8);
}

uint64_t model_read(struct model *m, uint32_t addr, unsigned int size, bool take)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < size; i++) {
		val |= (uint64_t)read_one(m, addr + i, size, take) << i * 8;
	}
	return val;
}

static uint32_t keep(uint32_t old, uint32_t val, uint32_t mask, uint32_t bits)
{
	return ((old & ~mask) | (val & mask)) & bits;
}

static void write_reg(struct model *m, int p, uint32_t off, uint32_t val,
		      uint32_t mask, bool *cancel)
{
	struct model_page *l = &m->page[p];
	bool whole = mask == ONES;

	switch (off) {
	case 0x000:
		access_write(m, p, val & 0xFF, cancel);
		return;
	case 0x008:
		l->int_enable = keep(l->int_enable, val, mask, 0x8000009F);
		return;
	case 0x010:
		l->int_status &= ~val;
		return;
	case 0x030:
		m->intf_locked |= m->tpm2 && (val & 0x80000);
		return;
	}
	if (m->active != p) {
		return;
	}
	switch (off) {
	case 0x018:
		sts_write(m, p, val, cancel);
		break;
	case 0xFC0:
		l->index = keep(l->index, val, mask, ONES);
		break;
	case 0xFC4:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else if (m->running && m->running->owner == p &&
			   m->running->ticket == val) {
			*cancel = true;
		}
		break;
	case 0xFC8:
		l->csum_expect = keep(l->csum_expect, val, mask, 0x1FFFF);
		break;
	case 0xFCC:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else {
			ring(m, p, val);
		}
		break;
	case 0xFE4:
		if (!whole) {
			refuse(m, p, R_WIDTH);
		} else if (val == completed(m)) {
			l->int_status &= ~(uint32_t)(DATA_AVAIL_INT | STS_VALID_INT);
		}
		break;
	}
}

void model_write(struct model *m, uint32_t addr, uint64_t val, unsigned int size)
{
	uint64_t kept = size < 8 ? val & ((1ull << size * 8) - 1) : val;
	bool cancel = false, fifo = false;
	uint32_t word, i;

	if (addr >= 0x5000) {
		return;
	}
	if (m->last.any && m->last.addr == addr && m->last.size == size &&
	    m->last.val == kept) {
		return;
	}
	for (word = addr & ~3u; word < addr + size && word < 0x5000; word += 4) {
		int p = (int)(word / 0x1000);
		uint32_t off = word % 0x1000, v = 0, mask = 0;

		if (p == 4 && !m->locality4) {
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
			if (in_fifo(off)) {
				fifo_byte_in(m, p, byte);
			} else if (off >= 0x100 && off < 0xF00) {
				window_set(m, p, off + i - 0x100, byte);
			}
		}
		fifo |= in_fifo(off);
		write_reg(m, p, off, v, mask, &cancel);
	}
	if (cancel) {
		m->cancels++;
	}
	/* "the last write that left a command running"; the FIFO is no part of it */
	m->last.any = m->running && !fifo;
	m->last.addr = addr;
	m->last.val = kept;
	m->last.size = size;
}
