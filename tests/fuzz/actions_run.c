/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of actions: a command through a door, a FIFO that is drained. */
#include "actions_parts.h"

#include "tpmix_regs.h"

void action_begin_run(struct actions *s, enum run_kind run, uint32_t page,
		      const struct action_hints *h)
{
	uint8_t b;

	s->run = run;
	s->run_step = 0;
	s->run_pos = 0;
	s->page = page;
	/* where the indexed door is, the FIFO is where it is */
	s->block = h->crb && run != RUN_FIFO && run != RUN_DRAIN ?
		   page + TPMIX_EXT : page;
	s->cmd_size = action_size(s, run == RUN_DRAIN ? h->rsp_len : h->bufsize);
	b = action_byte(s);
	s->run_fill = b;
	s->run_leaves = b & 0x20 &&
			(run == RUN_FIFO || run == RUN_CRB || run == RUN_RAM);
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

void action_write(struct action *a, uint32_t addr, uint64_t val, unsigned int size)
{
	*a = (struct action) {
		.kind = ACTION_WRITE, .addr = addr, .val = val, .size = size,
	};
}

static bool run_bytes(struct actions *s, struct action *a)
{
	unsigned int n = s->width, i;
	uint32_t base;

	switch (s->run) {
	case RUN_FIFO: base = s->page + (s->width == 8 ? 0x080 : 0x024); break;
	case RUN_CRB: base = s->page + 0x80 + s->run_pos; break;
	case RUN_RAM: base = s->run_pos; break;
	default: base = s->block + 0x100 + s->run_pos; break;
	}

	if (s->run_pos >= s->run_len) {
		return false;
	}
	if (n > s->run_len - s->run_pos) {
		n = 1;
	}
	action_write(a, base, 0, n);
	if (s->run == RUN_RAM) {
		a->kind = ACTION_POKE;
	}
	for (i = 0; i < n; i++) {
		a->val |= (uint64_t)command_byte(s, s->run_pos + i) << i * 8;
	}
	s->run_pos += n;
	return true;
}

bool action_run_next(struct actions *s, const struct action_hints *h, struct action *a)
{
	unsigned int step;

	if (s->run_leaves) {
		s->run_leaves = false;
		action_write(a, h->active << 12 | (h->crb ? 0x08 : 0x00),
			     h->crb ? 0x02 : 0x20, h->crb ? 4 : 1);
		return true;
	}
	step = s->run_step++;
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
			action_write(a, s->page + 0x000, 0x02, 1);
		} else if (step == 1) {
			action_write(a, s->page + 0x018, 0x40, 1);
		} else if (!run_bytes(s, a)) {
			action_write(a, s->page + 0x018, 0x20, 1);
			s->run = RUN_NONE;
		}
		return true;
	case RUN_WINDOW:
	case RUN_HONEST:
		if (step == 0) {
			action_write(a, s->block + 0xFC0, 0, 4);
		} else if (run_bytes(s, a)) {
			return true;
		} else if (s->run == RUN_HONEST) {
			action_write(a, s->block + 0xFC8,
				     (uint64_t)(h->accepted + 1) << 32 |
				     0x10000 | action_crc(h), 8);
			s->run = RUN_NONE;
		} else {
			return false;
		}
		return true;
	case RUN_CRB:
		if (step == 0) {
			action_write(a, s->page + 0x08, 1, 4);
		} else if (step == 1 && s->run_fill & 4) {
			action_write(a, s->page + 0x40, 1, 4);
		} else if (!run_bytes(s, a)) {
			action_write(a, s->page + 0x4C, 1, 4);
			s->run = RUN_NONE;
		}
		return true;
	case RUN_RAM: /* as memory, then the doorbell or START, one access */
		if (step == 0) {
			action_write(a, s->page + (h->crb ? 0x08 : 0x00),
				     h->crb ? 1 : 2, h->crb ? 4 : 1);
		} else if (run_bytes(s, a)) {
			return true;
		} else if (h->crb && s->run_fill & 4) {
			action_write(a, s->page + 0x4C, 1, 4);
			s->run = RUN_NONE;
		} else {
			action_write(a, s->block + 0xFC8,
				     (uint64_t)(h->accepted + 1) << 32 |
				     0x10000 | action_crc(h), 8);
			s->run = RUN_NONE;
		}
		return true;
	default:
		return false;
	}
}
