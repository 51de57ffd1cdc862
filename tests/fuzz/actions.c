/* SPDX-License-Identifier: BSD-2-Clause */
#include "actions.h"

#include <inttypes.h>
#include <stdio.h>

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

static uint8_t byte(struct actions *s)
{
	return s->at < s->end ? *s->at++ : 0;
}

static uint32_t bytes(struct actions *s, unsigned int n)
{
	uint32_t v = 0;

	while (n--) {
		v = v << 8 | byte(s);
	}
	return v;
}

/* Sizes around the limits, and any other. */
static uint32_t some_size(struct actions *s, uint32_t limit)
{
	uint8_t b = byte(s);

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
	struct actions_config c;
	uint8_t b;

	*s = (struct actions) { .at = data, .end = data + len };
	b = byte(s);
	c.capacity = (b & 15) == 15 ? 65536 : (b & 7) == 7 ? 4096 : 1024;
	c.tpm2 = (b & 0x30) != 0;
	c.locality4 = (b & 0x40) != 0;
	c.at_once = (b & 0x88) == 0x88;
	b = byte(s);
	c.bufsize = b & 0x80 ? c.capacity : 10 + (b & 0x7F) * 9u;
	return c;
}

/* Slow: only where an action wants it. */
static uint16_t crc(const struct action_hints *h)
{
	return tpmix_crc16(h->cmd, h->cmd_len);
}

static uint64_t some_value(struct actions *s, const struct action_hints *h,
			   unsigned int size)
{
	uint64_t next = (uint64_t)(h->accepted + 1) << 32;
	uint8_t b = byte(s);
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
	case 4: return next | 0x10000 | crc(h);
	case 5: return (next + ((uint64_t)x << 32)) | (b & 1 ? 0x10000 : 0);
	case 6:
		switch (x) {
		case 0: return h->bufsize;
		case 1: return h->bufsize - 1;
		case 2: return h->bufsize - 4;
		case 3: return h->bufsize - 7;
		case 4: return h->rsp_len;
		case 5: return h->rsp_len - 1;
		case 6: return h->rsp_len - 7;
		case 7: return crc(h) | 0x10000;
		case 8: return crc(h);
		case 9: return 0xE00;
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
	uint8_t b = byte(s);

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
		a->addr += 1u << (byte(s) & 15); /* beyond the pages */
	}
	if (a->kind == ACTION_WRITE) {
		a->val = some_value(s, h, a->size);
	}
}

static void begin_run(struct actions *s, enum run_kind run, uint32_t page,
		      const struct action_hints *h)
{
	uint8_t b;

	s->run = run;
	s->run_step = 0;
	s->run_pos = 0;
	s->page = page;
	s->cmd_size = some_size(s, run == RUN_DRAIN ? h->rsp_len : h->bufsize);
	b = byte(s);
	s->run_fill = b;
	s->width = 1u << (b & 3);
	s->run_len = s->cmd_size < 2048 ? s->cmd_size : 2048;
	if ((b & 0xC0) == 0x80) {
		s->run_len += (b >> 2) & 7;
	} else if ((b & 0xC0) == 0xC0) {
		s->run_len -= s->run_len > 7u ? (b >> 2) & 7 : 0;
	}
}

static uint8_t command_byte(const struct actions *s, uint32_t i)
{
	static const uint8_t head[] = { 0x80, 0x01, 0, 0, 0, 0, 0, 0, 1, 0x7B };

	if (i >= 2 && i < 6) {
		return (uint8_t)(s->cmd_size >> (5 - i) * 8);
	}
	return i < sizeof(head) ? head[i] : (uint8_t)(s->run_fill + i);
}

static void write_action(struct action *a, uint32_t addr, uint64_t val, unsigned int size)
{
	*a = (struct action) {
		.kind = ACTION_WRITE, .addr = addr, .val = val, .size = size,
	};
}

static bool run_bytes(struct actions *s, struct action *a)
{
	uint32_t base = s->page + (s->run == RUN_FIFO ?
				   (s->width == 8 ? 0x080 : 0x024) :
				   0x100 + s->run_pos);
	unsigned int n = s->width, i;

	if (s->run_pos >= s->run_len) {
		return false;
	}
	if (n > s->run_len - s->run_pos) {
		n = 1;
	}
	write_action(a, base, 0, n);
	for (i = 0; i < n; i++) {
		a->val |= (uint64_t)command_byte(s, s->run_pos + i) << i * 8;
	}
	s->run_pos += n;
	return true;
}

/* The run's next action; false where it is over. */
static bool run_next(struct actions *s, const struct action_hints *h, struct action *a)
{
	unsigned int step = s->run_step++;

	switch (s->run) {
	case RUN_DRAIN:
		if (s->run_pos >= s->run_len) {
			return false;
		}
		*a = (struct action) {
			.kind = ACTION_READ,
			.addr = s->page + (s->width == 8 ? 0x80 : 0x24),
			.size = s->width,
		};
		s->run_pos += s->width;
		return true;
	case RUN_FIFO:
		if (step == 0) {
			write_action(a, s->page + 0x000, 0x02, 1);
		} else if (step == 1) {
			write_action(a, s->page + 0x018, 0x40, 1);
		} else if (!run_bytes(s, a)) {
			write_action(a, s->page + 0x018, 0x20, 1);
			s->run = RUN_NONE;
		}
		return true;
	case RUN_WINDOW:
	case RUN_HONEST:
		if (step == 0) {
			write_action(a, s->page + 0xFC0, 0, 4);
		} else if (run_bytes(s, a)) {
			return true;
		} else if (s->run == RUN_HONEST) {
			write_action(a, s->page + 0xFC8,
				     (uint64_t)(h->accepted + 1) << 32 |
				     0x10000 | crc(h), 8);
			s->run = RUN_NONE;
		} else {
			return false;
		}
		return true;
	default:
		return false;
	}
}

static bool one_action(struct actions *s, const struct action_hints *h, struct action *a)
{
	uint8_t b;
	uint32_t page;
	unsigned int i;

	if (s->run != RUN_NONE) {
		if (run_next(s, h, a)) {
			return true;
		}
		s->run = RUN_NONE;
	}
	if (s->at >= s->end) {
		return false;
	}
	b = byte(s);
	page = (b >> 4 < 5 ? b >> 4 : b >> 4 < 9 ? 0u : b >> 4 < 12 ? 1u :
		b >> 4 < 14 ? 2u : b >> 4 < 15 ? 3u : 4u) << 12;
	*a = (struct action) { .kind = ACTION_WRITE };
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
		b = byte(s);
		a->fill = b;
		a->selftest_done = b & 1;
		a->answer = (b & 0x0E) == 0x0E ?
			    (enum answer_kind)(b >> 4 & 3) : ANSWER_GOOD;
		a->len = some_size(s, h->bufsize);
		return true;
	case 7:
		a->kind = ACTION_RESET;
		b = byte(s);
		a->tpm2 = (b & 3) != 0;
		a->len = some_size(s, 1024);
		return true;
	case 8:
		a->kind = ACTION_RELOAD;
		return true;
	case 9:
		a->kind = ACTION_HOSTILE_LOAD;
		a->num_patches = (b >> 4 & 3) + 1;
		for (i = 0; i < a->num_patches; i++) {
			a->patch[i].at = byte(s);
			a->patch[i].byte = byte(s);
		}
		return true;
	case 10:
		*a = s->last_write;
		if (!a->size) {
			write_action(a, page, 0x02, 1);
		}
		return true;
	case 11:
		begin_run(s, RUN_WINDOW, page, h);
		return one_action(s, h, a);
	case 12:
		begin_run(s, RUN_FIFO, page, h);
		return one_action(s, h, a);
	case 13:
		begin_run(s, RUN_DRAIN, page, h);
		return one_action(s, h, a);
	case 14:
		begin_run(s, RUN_HONEST, page, h);
		return one_action(s, h, a);
	case 15: /* the commonest writes, in two bytes */
		b = byte(s);
		switch (b & 7) {
		default: write_action(a, page + 0x000, b >> 2, 1); break;
		case 1: write_action(a, page + 0x000, 0x02, 1); break;
		case 2: write_action(a, page + 0x000, 0x20, 1); break;
		case 3: write_action(a, page + 0x000, 0x08, 1); break;
		case 4: write_action(a, page + 0x018, 0x40, 1); break;
		case 5: write_action(a, page + 0x018, 0x20, 1); break;
		case 6: write_action(a, page + 0xFCC, h->accepted + 1, 4); break;
		case 7: write_action(a, page + 0x008, 0x80000087, 4); break;
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

void action_print(unsigned int nth, const struct action *a)
{
	unsigned int i;

	fprintf(stderr, "%3u ", nth);
	switch (a->kind) {
	case ACTION_READ:
		fprintf(stderr, "read  0x%04x %u\n", a->addr, a->size);
		break;
	case ACTION_WRITE:
		fprintf(stderr, "write 0x%04x %u 0x%" PRIx64 "\n", a->addr,
			a->size, a->val);
		break;
	case ACTION_COMPLETE:
		fprintf(stderr, "complete len %u fill 0x%02x answer %d selftest %d\n",
			a->len, a->fill, a->answer, a->selftest_done);
		break;
	case ACTION_RESET:
		fprintf(stderr, "reset tpm%s bufsize %u\n", a->tpm2 ? "2" : "1.2",
			a->len);
		break;
	case ACTION_RELOAD:
		fprintf(stderr, "save and load\n");
		break;
	case ACTION_HOSTILE_LOAD:
		fprintf(stderr, "load patched:");
		for (i = 0; i < a->num_patches; i++) {
			fprintf(stderr, " %u=0x%02x", a->patch[i].at,
				a->patch[i].byte);
		}
		fprintf(stderr, "\n");
		break;
	}
}
