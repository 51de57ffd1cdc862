/* SPDX-License-Identifier: BSD-2-Clause */
#include "actions_parts.h"

#include "tpmix.h"

static const struct {
	uint16_t off;
	uint8_t width;
} places[64] = {
	{ 0x000, 1 }, { 0x000, 1 }, { 0x000, 4 }, { 0x008, 4 }, { 0x00B, 1 },
	{ 0x00C, 1 }, { 0x010, 4 }, { 0x010, 1 }, { 0x014, 4 }, { 0x018, 1 },
	{ 0x018, 1 }, { 0x018, 4 }, { 0x019, 1 }, { 0x019, 2 }, { 0x01B, 1 },
	{ 0x01A, 1 }, { 0x024, 1 }, { 0x024, 4 }, { 0x026, 2 }, { 0x020, 8 },
	{ 0x022, 4 }, { 0x080, 4 }, { 0x080, 8 }, { 0x0BC, 8 }, { 0x030, 4 },
	{ 0x032, 1 }, { 0x100, 1 }, { 0x100, 4 }, { 0x100, 8 }, { 0x101, 4 },
	{ 0x0FE, 4 }, { 0xEFC, 8 }, { 0xEFF, 1 }, { 0x102, 4 }, { 0xF00, 4 },
	{ 0xF04, 1 }, { 0xF04, 4 }, { 0xF90, 8 }, { 0xF98, 8 }, { 0xFA0, 4 },
	{ 0xFBC, 8 }, { 0xFC0, 4 }, { 0xFC0, 4 }, { 0xFC1, 2 }, { 0xFC4, 4 },
	{ 0xFC4, 4 }, { 0xFC4, 8 }, { 0xFC5, 1 }, { 0xFC8, 4 }, { 0xFC8, 8 },
	{ 0xFC8, 8 }, { 0xFCA, 8 }, { 0xFCC, 4 }, { 0xFCC, 4 }, { 0xFCC, 4 },
	{ 0xFCC, 8 }, { 0xFCD, 2 }, { 0xFD0, 8 }, { 0xFD4, 4 }, { 0xFD8, 8 },
	{ 0xFE0, 4 }, { 0xFE0, 8 }, { 0xFE4, 4 }, { 0xFF8, 8 },
};

uint8_t action_byte(struct actions *s)
{
	return s->at < s->end ? *s->at++ : 0;
}

static uint32_t bytes(struct actions *s, unsigned int n)
{
	uint32_t v = 0;

	while (n--) {
		v = v << 8 | action_byte(s);
	}
	return v;
}

/* Sizes around the limits, and any other. */
uint32_t action_size(struct actions *s, uint32_t limit)
{
	uint8_t b = action_byte(s);

	switch (b >> 5) {
	case 0: case 1: case 2: return b;
	case 3: return limit + 8 - (b & 31);
	case 4: return 1u << (b & 31);
	case 5: return 10 + (b & 31) * 30u;
	case 6: return limit;
	default: return bytes(s, (b & 3) + 1);
	}
}

struct actions_config actions_begin(struct actions *s, const uint8_t *data, size_t len)
{
	static const uint64_t bases[4] = {
		TPMIX_BASE, 0x0C000000, 0x4010000000, 0xFFFFFFFFFFFD0000,
	};
	struct actions_config c;
	uint8_t b;

	*s = (struct actions) { .at = data, .end = data + len };
	b = action_byte(s);
	c.capacity = (b & 15) == 15 ? 65536 : (b & 7) == 7 ? 4096 : 1024;
	c.tpm2 = (b & 0x30) != 0;
	c.locality4 = (b & 0x40) != 0;
	c.at_once = (b & 0x88) == 0x88;
	b = action_byte(s);
	c.bufsize = b & 0x80 ? c.capacity : 10 + (b & 0x7F) * 9u;
	b = action_byte(s);
	s->wide = b != 0;
	c.fifo = (b & 3) != 1;
	c.crb = (b & 3) != 0;
	c.interface = b & 1;
	c.localities = b & 4 ? 1 : 5;
	c.scribbles = (b & 8) != 0;
	c.crb_traps = (b & 0x10) != 0;
	c.no_ram = (b & 0x20) != 0;
	c.base = bases[b >> 6];
	c.tpm2 |= c.crb; /* "needs TPM 2.0" */
	s->tpm2_only = c.crb;
	return c;
}

/* Slow: only where an action wants it. */
uint16_t action_crc(const struct action_hints *h)
{
	return tpmix_crc16(h->cmd, h->cmd_len);
}

static uint64_t some_value(struct actions *s, const struct action_hints *h,
			   unsigned int size)
{
	uint64_t next = (uint64_t)(h->accepted + 1) << 32;
	uint8_t b = action_byte(s);
	uint32_t x = b & 31;

	switch (b >> 5) {
	case 0: return x;
	case 1: return 1ull << x;
	case 2: return (uint32_t)(h->accepted + x - 8);
	case 3:
		if (size == 8) {
			return (uint64_t)bytes(s, 4) << 32 | bytes(s, 4);
		}
		return bytes(s, size > 4 ? 4 : size);
	case 4: return next | 0x10000 | (x & 3) << 17 | action_crc(h);
	case 5: return (next + ((uint64_t)x << 32)) | (b & 1 ? 0x10000 : 0) |
		       (uint64_t)(b & 2) << 16;
	case 6:
		switch (x) {
		case 0: return h->bufsize;
		case 1: return h->bufsize - 1;
		case 2: return h->bufsize - 4;
		case 3: return h->bufsize - 7;
		case 4: return h->rsp_len;
		case 5: return h->rsp_len - 1;
		case 6: return h->rsp_len - 7;
		case 7: return action_crc(h) | 0x10000;
		case 8: return action_crc(h);
		case 9: return 0x60E00;
		case 10: return 0x80000087;
		case 11: return 0x80000001;
		case 12: return 0x80000080;
		case 13: return 0x80000004;
		case 14: return 0x22;
		case 15: return 0x2A;
		case 16: return 0x38;
		case 17: return 0x60;
		case 18: return 0x01000040;
		case 19: return 0x03000000;
		case 20: return (uint64_t)h->accepted << 32;
		case 21: return (uint64_t)h->accepted << 32 | h->accepted;
		case 22: return next | (h->accepted + 1);
		case 23: return (uint32_t)(h->accepted + 1);
		case 24: return h->accepted;
		case 25: return (uint32_t)(h->accepted - 1);
		case 26: return (uint64_t)h->accepted << 32 | 0x1FFFF;
		default: return (uint32_t)-(int32_t)(x - 26);
		}
	default: return 0xFFFFFFFFFFFFFFFFull >> (x * 2);
	}
}

static void some_access(struct actions *s, const struct action_hints *h,
			uint32_t page, struct action *a)
{
	uint8_t b = action_byte(s);

	a->addr = page + places[b & 63].off;
	a->size = places[b & 63].width;
	switch (b >> 6) {
	case 1: a->size = 4; break;
	case 2: a->size = a->size == 8 ? 4 : a->size * 2; break;
	}
	if (a->kind == ACTION_WRITE) {
		a->val = some_value(s, h, a->size);
	}
}

static void raw_access(struct actions *s, const struct action_hints *h,
		       uint32_t page, struct action *a)
{
	uint32_t v = bytes(s, 2);

	a->kind = v & 0x8000 ? ACTION_READ : ACTION_WRITE;
	a->size = (v >> 12 & 7) + 1;
	a->addr = page + (v & 0xFFF);
	if ((v & 0xFFF) >= 0xFFC && page == 0x4000) {
		a->addr += 1u << (action_byte(s) & 15); /* beyond the pages */
	}
	if (a->kind == ACTION_WRITE) {
		a->val = some_value(s, h, a->size);
	}
}

static const struct {
	uint8_t off;
	uint8_t width;
} crb_places[32] = {
	{ 0x00, 4 }, { 0x00, 1 }, { 0x08, 4 }, { 0x08, 4 }, { 0x0C, 4 },
	{ 0x30, 4 }, { 0x30, 8 }, { 0x32, 1 }, { 0x31, 4 }, { 0x34, 4 },
	{ 0x40, 4 }, { 0x40, 1 }, { 0x44, 4 }, { 0x48, 4 }, { 0x48, 8 },
	{ 0x4C, 4 }, { 0x4C, 1 }, { 0x4C, 8 }, { 0x4A, 4 }, { 0x50, 4 },
	{ 0x53, 1 }, { 0x54, 4 }, { 0x58, 8 }, { 0x5C, 8 }, { 0x64, 4 },
	{ 0x68, 8 }, { 0x7C, 8 }, { 0x80, 8 }, { 0x80, 1 }, { 0x85, 4 },
	{ 0xFE, 1 }, { 0x78, 8 },
};

/* The CRB registers and, by their own addresses, everything else. */
static void crb_access(struct actions *s, const struct action_hints *h,
		       uint32_t page, struct action *a)
{
	uint8_t b = action_byte(s);

	a->kind = b & 0x20 ? ACTION_READ : ACTION_WRITE;
	switch (b >> 6) {
	case 0: case 1:
		a->addr = page + crb_places[b & 31].off;
		a->size = crb_places[b & 31].width;
		break;
	case 2:
		some_access(s, h, page + TPMIX_EXT, a);
		return;
	default:
		a->addr = bytes(s, 3);
		a->size = (a->addr >> 18 & 7) + 1;
		a->addr &= 0x3FFFF;
		break;
	}
	if (a->kind == ACTION_WRITE) {
		a->val = some_value(s, h, a->size);
	}
}

/* What lies in RAM: as memory (poke) and through the engine. */
static void ram_access(struct actions *s, const struct action_hints *h,
		       struct action *a)
{
	uint8_t b = action_byte(s);
	uint32_t off = action_size(s, b & 8 ? h->rsp_len : h->bufsize) & 0xFFFF;

	a->size = (b >> 4 & 7) + 1;
	switch (b & 7) {
	default:
		a->kind = ACTION_POKE;
		a->addr = off;
		break;
	case 4: a->addr = TPMIX_CMD_WINDOW + off; break;
	case 5: a->addr = TPMIX_RSP_WINDOW + off; break;
	case 6: a->addr = TPMIX_HEADER + (off & 0xFFF); break;
	case 7:
		a->kind = ACTION_READ;
		a->addr = (b & 0x80 ? TPMIX_CMD_WINDOW : TPMIX_RSP_WINDOW) + off;
		return;
	}
	a->val = some_value(s, h, a->size);
}

/* The commonest writes of CRB. */
static void crb_write(struct actions *s, uint32_t page, struct action *a)
{
	static const struct {
		uint8_t off;
		uint32_t val;
	} writes[16] = {
		{ 0x08, 1 }, { 0x08, 2 }, { 0x08, 4 }, { 0x08, 8 }, { 0x40, 1 },
		{ 0x40, 2 }, { 0x48, 1 }, { 0x48, 0 }, { 0x4C, 1 }, { 0x50, 0x8000000B },
		{ 0x54, 0x0B }, { 0x30, 0 }, { 0x30, 0x20000 }, { 0x30, 0x80000 },
		{ 0x80, 0x01800A00 }, { 0x08, 1 },
	};
	uint8_t b = action_byte(s) & 15;

	action_write(a, page + writes[b].off, writes[b].val, 4);
}

static bool one_action(struct actions *s, const struct action_hints *h, struct action *a)
{
	uint8_t b;
	uint32_t page;
	unsigned int i;

	if (s->run != RUN_NONE) {
		if (action_run_next(s, h, a)) {
			return true;
		}
		s->run = RUN_NONE;
	}
	if (s->at >= s->end) {
		return false;
	}
	b = action_byte(s);
	page = (b >> 4 < 5 ? b >> 4 : b >> 4 < 9 ? 0u : b >> 4 < 12 ? 1u :
		b >> 4 < 14 ? 2u : b >> 4 < 15 ? 3u : 4u) << 12;
	*a = (struct action) { .kind = ACTION_WRITE };
	if (s->wide) {
		switch (b & 15) {
		case 0:
			crb_write(s, page, a);
			return true;
		case 1:
			action_begin_run(s, (b >> 4) & 1 ? RUN_CRB : RUN_RAM, page, h);
			return one_action(s, h, a);
		case 2:
			crb_access(s, h, page, a);
			return true;
		case 3:
			ram_access(s, h, a);
			return true;
		}
	}
	switch (b & 15) {
	default:
		some_access(s, h, page, a);
		return true;
	case 4:
		a->kind = ACTION_READ;
		some_access(s, h, page, a);
		return true;
	case 5:
		raw_access(s, h, page, a);
		return true;
	case 6:
		a->kind = ACTION_COMPLETE;
		b = action_byte(s);
		a->fill = b;
		a->selftest_done = b & 1;
		a->answer = (b & 0x0E) == 0x0E ?
			    (enum answer_kind)(b >> 4 & 3) : ANSWER_GOOD;
		a->len = action_size(s, h->bufsize);
		return true;
	case 7:
		a->kind = ACTION_RESET;
		b = action_byte(s);
		a->established = (b & 0xC) == 0xC;
		a->none = (b & 0x70) == 0x70;
		a->tpm2 = (b & 3) != 0 || s->tpm2_only;
		a->len = action_size(s, 1024);
		return true;
	case 8:
		a->kind = ACTION_RELOAD;
		return true;
	case 9:
		a->kind = ACTION_HOSTILE_LOAD;
		a->num_patches = (b >> 4 & 3) + 1;
		for (i = 0; i < a->num_patches; i++) {
			a->patch[i].at = action_byte(s);
			a->patch[i].byte = action_byte(s);
		}
		return true;
	case 10:
		*a = s->last_write;
		if (!a->size) {
			action_write(a, page, 0x02, 1);
		}
		return true;
	case 11:
		action_begin_run(s, RUN_WINDOW, page, h);
		return one_action(s, h, a);
	case 12:
		action_begin_run(s, RUN_FIFO, page, h);
		return one_action(s, h, a);
	case 13:
		action_begin_run(s, RUN_DRAIN, page, h);
		return one_action(s, h, a);
	case 14:
		action_begin_run(s, RUN_HONEST, page, h);
		return one_action(s, h, a);
	case 15: /* the commonest writes, in two bytes */
		b = action_byte(s);
		switch (b & 7) {
		default: action_write(a, page + 0x000, b >> 2, 1); break;
		case 1: action_write(a, page + 0x000, 0x02, 1); break;
		case 2: action_write(a, page + 0x000, 0x20, 1); break;
		case 3: action_write(a, page + 0x000, 0x08, 1); break;
		case 4: action_write(a, page + 0x018, 0x40, 1); break;
		case 5: action_write(a, page + 0x018, 0x20, 1); break;
		case 6: action_write(a, page + 0xFCC, h->accepted + 1, 4); break;
		case 7: action_write(a, page + 0x008, 0x80000087, 4); break;
		}
		return true;
	}
}

bool actions_next(struct actions *s, const struct action_hints *h, struct action *a)
{
	if (s->made == ACTIONS_MAX || !one_action(s, h, a)) {
		return false;
	}
	s->made++;
	if (a->kind == ACTION_WRITE) {
		s->last_write = *a;
	}
	return true;
}
