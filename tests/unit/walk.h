/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that makes sense half of the time: transactions through every door, and
 * noise. On tpm-tis-indexed, or on tpm-crb-ext, whose interface changes underway.
 */
#ifndef WALK_H
#define WALK_H

#include "bench.h"

struct access {
	uint32_t addr;
	unsigned int size;
	uint64_t val;
};

/* A transaction as a list of writes. */
struct script {
	struct access w[64];
	unsigned int n;
};

static inline void add(struct script *s, uint32_t addr, unsigned int size,
		       uint64_t val)
{
	g_assert_cmpuint(s->n, <, G_N_ELEMENTS(s->w));
	s->w[s->n++] = (struct access) { addr, size, val };
}

/* @len bytes of @cmd from @addr on, eight at a time. */
static inline void add_bytes(struct script *s, uint32_t addr, const uint8_t *cmd,
			     uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i += 8) {
		add(s, addr + i, MIN(8, len - i),
		    bench_value(cmd + i, MIN(8, len - i)));
	}
}

static inline uint64_t ring(uint32_t ticket, const uint8_t *cmd, uint32_t len)
{
	return (uint64_t)ticket << 32 | 0x10000 | tpmix_crc16(cmd, len);
}

/* The driver's, by INDEX, window and doorbell of a FIFO page. */
static inline struct script driver_writes(unsigned int l, uint32_t ticket,
					  uint8_t fill)
{
	struct script s = { .n = 0 };
	uint8_t cmd[44];

	make_command(cmd, 44, sizeof(cmd), fill);
	add(&s, l << 12 | 0x000, 1, 0x02);
	add(&s, l << 12 | 0xFC0, 4, 0);
	add_bytes(&s, l << 12 | 0x100, cmd, 44);
	add(&s, l << 12 | 0xFC8, 8, ring(ticket, cmd, 44));
	return s;
}

enum way {
	WAY_WINDOW,     /* the same in the extension page */
	WAY_BUFFER,     /* +0x80 and START */
	WAY_RAM,        /* RAM and doorbell: locality 0 */
	WAY_RAM_START,  /* RAM and START: locality 0 */
	WAY_NUM,
};

static inline struct script crb_writes(enum way way, unsigned int l,
				       uint32_t ticket, uint8_t fill)
{
	static const uint32_t at[] = { 0x6100, 0x0080, 0x10000, 0x10000 };
	struct script s = { .n = 0 };
	uint8_t cmd[44];

	make_command(cmd, 44, sizeof(cmd), fill);
	add(&s, l << 12 | 0x008, 4, 1);
	if (way == WAY_WINDOW) {
		add(&s, (l << 12) + 0x6FC0, 4, 0);
	} else if (way == WAY_BUFFER) {
		add(&s, l << 12 | 0x040, 4, 1);
	}
	add_bytes(&s, (l << 12) + at[way], cmd, 44);
	if (way == WAY_BUFFER || way == WAY_RAM_START) {
		add(&s, l << 12 | 0x04C, 4, 1);
	} else {
		add(&s, (l << 12) + 0x6FC8, 8, ring(ticket, cmd, 44));
	}
	return s;
}

static inline struct access noise(GRand *r, const struct bench *b)
{
	static const uint32_t fifo[] = {
		0x000, 0x008, 0x00C, 0x010, 0x014, 0x018, 0x01A, 0x01B, 0x024,
		0x030, 0x032, 0x080, 0x0BC, 0x0FE, 0x100, 0x101, 0x105, 0x108,
		0xEF8, 0xEFF, 0xF00, 0xF90, 0xFBC, 0xFC0, 0xFC4, 0xFC8, 0xFCC,
		0xFD0, 0xFD4, 0xFD8, 0xFE0, 0xFE4, 0xFFC,
	};
	static const uint32_t crb[] = {
		0x000, 0x007, 0x008, 0x00C, 0x030, 0x032, 0x034, 0x040, 0x044,
		0x046, 0x048, 0x04C, 0x04F, 0x050, 0x054, 0x058, 0x068, 0x07C,
		0x080, 0x083, 0x085, 0x088, 0x100, 0xFF8, 0xFFF,
	};
	static const uint32_t ram[] = {
		0xEFFC, 0xFFFC, 0x10000, 0x10002,
		0x10005, 0x10FF8, 0x10FFD, 0x20000, 0x20008, 0x20FFC, 0x2FFFC, 0x30000,
		0x30F8C, 0x30FC0, 0x30FD8, 0x30FFC, 0x31000, 0x3FFFC,
	};
	static const uint64_t bits[] = {
		0x02, 0x20, 0x08, 0x10, 0x40, 0x01000000, 0x02000000, 0x80000087,
		0x03, 0x04, 0x22, 0, 0x0A000000, 0x0C000000, 0x180, 0x01, 0x8000000B,
		0x20000, 0xA0000, 0x05, 0x100000000,
	};
	bool is_crb = b->e.s.interface == TPMIX_INTERFACE_CRB;
	uint32_t l = g_rand_int_range(r, 0, 10);
	struct access a;

	a.addr = (l < 5 ? l : 0) << 12;
	if (b->e.cfg.crb && g_rand_int_range(r, 0, 8) == 0) {
		a.addr = ram[g_rand_int_range(r, 0, G_N_ELEMENTS(ram))];
	} else if (is_crb && g_rand_int_range(r, 0, 3)) {
		a.addr |= crb[g_rand_int_range(r, 0, G_N_ELEMENTS(crb))];
	} else {
		a.addr += is_crb ? 0x6000 : 0;
		a.addr |= fifo[g_rand_int_range(r, 0, G_N_ELEMENTS(fifo))];
	}
	a.size = 1u << g_rand_int_range(r, 0, 4);
	switch (g_rand_int_range(r, 0, 4)) {
	case 0:
		a.val = b->e.s.accepted + (uint32_t)g_rand_int_range(r, -1, 3);
		break;
	case 1:
		a.val = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
		break;
	default:
		a.val = bits[g_rand_int_range(r, 0, G_N_ELEMENTS(bits))];
		break;
	}
	return a;
}

struct walk {
	GRand *r;
	struct script s;
	unsigned int pos;
};

static inline void next_script(struct walk *w, const struct bench *b)
{
	unsigned int l = (unsigned int)g_rand_int_range(w->r, 0, 5);
	enum way way = (enum way)g_rand_int_range(w->r, 0, WAY_NUM);
	uint32_t ticket = b->e.s.accepted + 1;

	w->pos = 0;
	if (b->e.s.interface == TPMIX_INTERFACE_FIFO) {
		w->s = driver_writes(l, ticket, (uint8_t)l);
		add(&w->s, l << 12, 1, 0x20);
		return;
	}
	if (way >= WAY_RAM) {
		l = 0;
	}
	w->s = crb_writes(way, l, ticket, (uint8_t)l);
	if (g_rand_boolean(w->r)) {
		add(&w->s, l << 12 | 0x040, 4, 2);
	}
	add(&w->s, l << 12 | 0x008, 4, 2);
}

static inline struct access next_access(struct walk *w, const struct bench *b)
{
	struct access a;

	if (g_rand_int_range(w->r, 0, 8) == 0) {
		a = noise(w->r, b);
	} else {
		if (w->pos == w->s.n) {
			next_script(w, b);
		}
		a = w->s.w[w->pos++];
	}
	if (a.size < 8) {
		a.val &= (1ull << (a.size * 8)) - 1;
	}
	return a;
}

/* TPM_INIT now and then, where the interface can change with it. */
static inline bool wants_reset(struct walk *w, const struct bench *b)
{
	return b->e.cfg.crb && g_rand_int_range(w->r, 0, 500) == 0;
}

static inline void walk_reset(struct walk *w, struct bench *b)
{
	w->pos = w->s.n;
	tpmix_reset(&b->e, TPMIX_FAMILY_2_0, 4096);
	check(b);
}

static inline void maybe_complete(struct bench *b, GRand *r)
{
	if (b->e.s.running != 0xFF && g_rand_int_range(r, 0, 4) == 0) {
		complete(b, (uint32_t)g_rand_int_range(r, 10, 300),
			 (uint8_t)g_rand_int(r));
	}
}

#endif /* WALK_H */
