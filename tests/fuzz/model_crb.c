/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's "CRB door", and INTF_ID of both. */
#include "model_parts.h"

#include <string.h>

uint32_t intf_id_value(const struct model *m)
{
	bool crb = m->door == CRB;

	if (!m->tpm2) {
		return ONES;
	}
	return (crb ? 1u : 0) | (crb ? 1u << 4 : 0) |
	       (m->cfg.localities == 5 ? 1u << 8 : 0) | (crb ? 3u << 11 : 0) |
	       (m->cfg.has[FIFO] ? 1u << 13 : 0) | (m->cfg.has[CRB] ? 1u << 14 : 0) |
	       (uint32_t)m->selected << 17 | (m->selector_locked ? 1u << 19 : 0);
}

/* "a write that does not cover it" changes nothing; so does one that locks. */
void intf_id_write(struct model *m, uint32_t val, uint32_t mask)
{
	uint32_t select = val >> 17 & 3;

	if (!m->tpm2 || !(mask & 0x00FF0000)) {
		return;
	}
	if (val & 0x80000) {
		m->selector_locked = true;
	} else if (!m->selector_locked && select <= 1 && m->cfg.has[select]) {
		m->selected = (enum model_door)select;
	}
}

/* "by cmdReady, requestAccess, CTRL_CANCEL = 0 or a write to DATA_BUFFER" */
static void arm(struct model *m, int p)
{
	m->page[p].armed = true;
	m->page[p].armed_early = runs(m, p);
}

/* Armed while its own command ran, and that very command is there still. */
static bool start_repeats(const struct model *m, int p)
{
	const struct model_page *l = &m->page[p];

	return !l->armed || (l->armed_early && m->started &&
			     !memcmp(command_bytes(m, p), m->started->bytes,
				     m->started->len));
}

static void loc_ctrl_write(struct model *m, int p, uint32_t val)
{
	if (val & 4) {
		seize(m, p);
	} else if (val & 2) {
		relinquish(m, p);
	} else if (val & 1) {
		m->page[p].been_seized = false;
		request_use(m, p);
		arm(m, p);
	} else if ((val & 8) && p >= 3 && m->active == p) {
		reset_established(m);
	}
}

static void ctrl_req_write(struct model *m, int p, uint32_t val)
{
	if (runs(m, p) || (val & 3) == 0 || (val & 3) == 3) {
		return;
	}
	if (val & 1) {
		be_ready(m, p);
		arm(m, p);
	} else {
		be_idle(m, p);
	}
}

static void ctrl_start_write(struct model *m, int p)
{
	bool repeats = start_repeats(m, p);

	m->page[p].armed = false;
	if (repeats) {
		return;
	}
	ask(m, p);
	if (m->running) {
		wait_for_end(m, p);
	} else {
		accept_command(m, p, false);
	}
}

void crb_buffer_set(struct model *m, int p, uint32_t at, uint8_t byte)
{
	if (m->active != p) {
		return;
	}
	if (at < m->bufsize) {
		command_bytes(m, p)[at] = byte;
	}
	arm(m, p); /* "Of writes at BUFSIZE and beyond ... they arm" */
}

static uint32_t loc_state_value(const struct model *m)
{
	uint32_t v = 0x80 | (m->established ? 0 : 1);

	if (m->active != MODEL_NOBODY) {
		v |= 2 | (uint32_t)m->active << 2;
	}
	return v;
}

/* Of locality 0 those of the windows in RAM, where there are some. */
static uint32_t buffer_size(const struct model *m, int p)
{
	return (p != 0 || !m->cfg.ram) && m->bufsize > 3968 ? 3968 : m->bufsize;
}

static uint64_t buffer_address(const struct model *m, int p, uint32_t window)
{
	if (p == 0 && m->cfg.ram) {
		return m->cfg.base + window;
	}
	return m->cfg.base + (uint32_t)p * 0x1000 + 0x80;
}

bool crb_register(uint32_t off)
{
	return off < 0x04 || (off >= 0x08 && off < 0x10) ||
	       (off >= 0x30 && off < 0x38) || (off >= 0x40 && off < 0x70) ||
	       off >= 0x80;
}

/* The page's table, row by row. */
uint8_t crb_read(const struct model *m, int p, uint32_t off)
{
	const struct model_page *l = &m->page[p];
	uint32_t val = 0;

	if (off >= 0x80) {
		return response_byte(m, p, off - 0x80);
	}
	switch (off & ~3u) {
	case 0x00: val = loc_state_value(m); break;
	case 0x0C: val = (m->active == p ? 1 : 0) | (l->been_seized ? 2 : 0); break;
	case 0x30: val = intf_id_value(m); break;
	case 0x34: val = 0x1014; break;
	case 0x44: val = m->active != p || l->phase == IDLE ? 2 : 0; break;
	case 0x4C: val = m->running ? 1 : 0; break;
	case 0x50: val = l->int_enable; break;
	case 0x54: val = l->int_status; break;
	case 0x58: val = buffer_size(m, p); break;
	case 0x5C: val = (uint32_t)buffer_address(m, p, 0x10000); break;
	case 0x60: val = (uint32_t)(buffer_address(m, p, 0x10000) >> 32); break;
	case 0x64: val = buffer_size(m, p); break;
	case 0x68: val = (uint32_t)buffer_address(m, p, 0x20000); break;
	case 0x6C: val = (uint32_t)(buffer_address(m, p, 0x20000) >> 32); break;
	}
	return (uint8_t)(val >> (off & 3) * 8);
}

void crb_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask)
{
	struct model_page *l = &m->page[p];

	switch (off) {
	case 0x08:
		loc_ctrl_write(m, p, val);
		return;
	case 0x30:
		intf_id_write(m, val, mask);
		return;
	case 0x50:
		l->int_enable = keep(l->int_enable, val, mask, 0x8000000B);
		return;
	case 0x54:
		l->int_status &= ~val;
		return;
	}
	if (m->active != p) {
		return;
	}
	switch (off) {
	case 0x40:
		ctrl_req_write(m, p, val);
		break;
	case 0x48:
		if (!(val & 1) && (mask & 1)) {
			arm(m, p); /* "Writing 0 ... prepares the next command" */
		} else if ((val & 1) && runs(m, p)) {
			m->to_cancel = true;
		}
		break;
	case 0x4C:
		if (val & 1) {
			ctrl_start_write(m, p);
		}
		break;
	}
}
