/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_parts.h"

#include <stdlib.h>
#include <string.h>

static void *get(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p) {
		abort();
	}
	return p;
}

uint32_t size_field(const uint8_t *header)
{
	return (uint32_t)header[2] << 24 | (uint32_t)header[3] << 16 |
	       (uint32_t)header[4] << 8 | header[5];
}

static void drop_response(struct model *m)
{
	free(m->response);
	m->response = NULL;
}

struct model *model_new(const struct model_config *cfg)
{
	struct model *m = get(sizeof(*m));

	m->cfg = *cfg;
	m->door = m->selected = cfg->door;
	m->window = get(cfg->capacity);
	m->active = m->waits = m->command_of = MODEL_NOBODY;
	return m;
}

void model_free(struct model *m)
{
	free(m->started);
	free(m->running);
	free(m->response);
	free(m->command);
	free(m->window);
	free(m);
}

/* "TPM_INIT: the selected interface becomes the active one; ..." */
void model_reset(struct model *m, bool tpm2, uint32_t bufsize)
{
	int p;

	free(m->running);
	m->running = NULL;
	drop_response(m);
	free(m->command);
	m->bufsize = bufsize < m->cfg.capacity ? bufsize : m->cfg.capacity;
	if (m->bufsize < 10) {
		m->bufsize = 10;
	}
	m->command = get(m->bufsize);
	memset(m->window, 0, m->cfg.capacity);
	m->none = false;
	m->tpm2 = tpm2;
	m->door = m->selected;
	m->selftest_done = m->selector_locked = false;
	m->active = m->waits = m->command_of = MODEL_NOBODY;
	m->received = 0;
	m->last.any = false;
	memset(m->page, 0, sizeof(m->page));
	for (p = 0; p < MODEL_PAGES; p++) {
		m->page[p].int_enable = m->door == CRB ? 0 : 8;
	}
}

void model_reset_none(struct model *m)
{
	model_reset(m, true, 0);
	m->none = true;
}

/* Interrupts: the same events, other bits in each door. */

static uint32_t event_bits(const struct model *m, enum model_event event)
{
	bool crb = m->door == CRB;

	switch (event) {
	case COMPLETED: return crb ? 1 : 1 | 2;
	case LAST_BYTE: return crb ? 0 : 2;
	case LOCALITY_CHANGE: return crb ? 8 : 4;
	case COMMAND_READY: return crb ? 2 : 0x80;
	}
	return 0;
}

/* "Each is an edge of the line" */
static void edge(struct model *m)
{
	m->edges += m->cfg.int_vector != 0;
}

void interrupt(struct model *m, int p, enum model_event event)
{
	uint32_t on = m->page[p].int_enable, which = event_bits(m, event);

	/* "dataAvail and stsValid together if one of them is enabled" */
	if ((on >> 31) && (on & which)) {
		/* "What sets a bit while the line is high makes an edge too" */
		if (model_irq(m)) {
			edge(m);
		}
		m->page[p].int_status |= which;
	}
}

void interrupt_end(struct model *m, int p)
{
	m->page[p].int_status &= ~event_bits(m, COMPLETED);
}

bool others_request(const struct model *m, int p)
{
	int other;

	for (other = 0; other < MODEL_PAGES; other++) {
		if (other != p && m->page[other].requests) {
			return true;
		}
	}
	return false;
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

uint8_t *command_bytes(const struct model *m, int p)
{
	return p == 0 ? m->window : m->command;
}

/* "When a locality becomes active, command bytes of another are wiped." */
static void wipe_commands(struct model *m, int p)
{
	if (m->command_of != p) {
		memset(m->window, 0, m->cfg.capacity);
		memset(m->command, 0, m->bufsize);
		m->received = 0;
		m->command_of = p;
	}
}

static void activate(struct model *m, int p)
{
	int other;

	m->active = p;
	if (p == MODEL_NOBODY) {
		return;
	}
	m->page[p].requests = false;
	wipe_commands(m, p);
	for (other = 0; other < MODEL_PAGES; other++) {
		if (other != p && m->page[other].phase == RECEPTION) {
			m->page[other].phase = IDLE;
		}
	}
	/* A hand-over waits for no command, but asks for the end of another's. */
	if (m->running && !runs(m, p)) {
		m->to_cancel = true;
	}
	interrupt(m, p, LOCALITY_CHANGE);
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

/* "from a lower locality or from none" */
void seize(struct model *m, int p)
{
	if (m->active >= p) {
		return;
	}
	if (m->active != MODEL_NOBODY) {
		m->page[m->active].been_seized = true;
	}
	activate(m, p);
}

void relinquish(struct model *m, int p)
{
	if (m->active == p) {
		activate(m, highest_pending(m));
	} else {
		m->page[p].requests = false;
	}
}

void request_use(struct model *m, int p)
{
	if (m->active == MODEL_NOBODY) {
		activate(m, p);
	} else if (m->active != p) {
		if (!m->page[p].requests && (m->page[m->active].csum_expect >> 18 & 1)) {
			edge(m);
		}
		m->page[p].requests = true;
	}
}

void reset_established(struct model *m)
{
	m->established_resets++;
	m->established = false;
}

/* Transaction */

bool runs(const struct model *m, int p)
{
	return m->running && m->running->owner == p;
}

bool has_response(const struct model *m, int p)
{
	return m->response && m->response->owner == p;
}

/* Ones are for what others may not see; 0 is where there is nothing to see. */
uint8_t response_byte(const struct model *m, int p, uint64_t at)
{
	if (m->active != p) {
		return 0xFF;
	}
	return has_response(m, p) && at < m->response->len ?
	       m->response->bytes[at] : 0;
}

/* "commandReady names a goal: READY" */
void be_ready(struct model *m, int p)
{
	if (m->page[p].phase != READY) {
		interrupt(m, p, COMMAND_READY);
	}
	m->page[p].phase = READY;
	m->received = 0;
	withdraw(m, p);
}

void be_idle(struct model *m, int p)
{
	m->page[p].phase = IDLE;
	withdraw(m, p);
}

static void complete_with(struct model *m, const uint8_t *bytes, uint32_t len)
{
	struct model_command *c = m->running;
	struct model_response *r = get(sizeof(*r) + len);
	struct model_page *l = &m->page[c->owner];

	r->owner = c->owner;
	r->ticket = c->ticket;
	r->len = len;
	memcpy(r->bytes, bytes, len);
	r->crc = kermit(bytes, len);
	m->response = r;
	m->running = NULL;
	if (c->notify) {
		edge(m);
	}
	if (m->command_of == c->owner) {
		m->received = 0;
	}
	if (c->aborted) {
		l->phase = READY;
		interrupt(m, c->owner, COMMAND_READY);
	} else {
		l->phase = COMPLETION;
		interrupt(m, c->owner, COMPLETED);
	}
	free(c);
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

/* What was looked at last is not the command that ran when somebody armed. */
void another_command(struct model *m)
{
	int p;

	for (p = 0; p < MODEL_PAGES; p++) {
		m->page[p].armed_early = false;
	}
}

/* "At acceptance, and only there, the previous response ends" */
static void take_ticket(struct model *m, int p, const uint8_t *bytes, uint32_t len)
{
	struct model_command *c = get(sizeof(*c) + len);

	if (m->response) {
		struct model_page *owner = &m->page[m->response->owner];

		if (owner->phase == COMPLETION) {
			owner->phase = IDLE;
		}
		interrupt_end(m, m->response->owner);
		drop_response(m);
	}
	c->owner = p;
	c->ticket = ++m->accepted;
	c->len = len;
	memcpy(c->bytes, bytes, len);
	c->crc = kermit(c->bytes, len);
	m->last_crc = c->crc;
	m->running = c;
	m->page[p].phase = EXECUTION;
	m->page[p].refused = 0;
	m->page[p].armed = false; /* "through any door, disarms" */
	another_command(m);
}

/*
 * The first response is given to nobody, and the command that waited is not run: its
 * answer is to send it again, under a ticket of its own.
 */
static void answer_who_waits(struct model *m)
{
	int p = m->waits;

	if (p != MODEL_NOBODY) {
		m->waits = MODEL_NOBODY;
		take_ticket(m, p, command_bytes(m, p), 0);
		complete_with_error(m, 0x922, 0x800);
	}
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
	answer_who_waits(m);
	return true;
}

void accept_command(struct model *m, int p, bool by_fifo)
{
	uint32_t size = size_field(command_bytes(m, p));
	bool bad = size < 10 || size > m->bufsize ||
		   (by_fifo && size != m->received);
	uint32_t len = bad ? 0 : size;

	take_ticket(m, p, command_bytes(m, p), len);
	if (!by_fifo) {
		m->received = 0;
	}
	if (bad) {
		complete_with_error(m, 0x142, 0x019);
		return;
	}
	m->starts++;
	free(m->started);
	m->started = get(sizeof(*m->started) + len);
	memcpy(m->started, m->running, sizeof(*m->started) + len);
	if (m->cfg.scribble) {
		m->cfg.scribble(m->window);
	}
	if (m->cfg.answer_len) {
		model_complete(m, m->accepted, m->cfg.answer, m->cfg.answer_len,
			       false);
	}
}
