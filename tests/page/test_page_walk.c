/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random walks of guest and host over the engine, with the model of the page beside it:
 * each device of the page, all widths and alignments, slow and fast backends. Where they
 * differ the shortest sequence that shows it is printed.
 *
 * PAGE_SEED=N begins with another seed, PAGE_WALKS=N makes more walks of each device.
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define PC 0xFED40000u
#define TIS .fifo = true, .ram = true, .localities = 5, .irq = 5, .base = PC
#define CRB .fifo = true, .crb = true, .starts_as_crb = true, .ram = true, \
	.localities = 5, .irq = 5, .base = PC

static const struct rig_device devices[] = {
	{ "tpm-tis-indexed", { TIS, .buffer_size = 4096 }, PAGE_TPM_2_0 },
	{ "tpm-tis-indexed,tpm1.2", { TIS, .buffer_size = 2048, .locality4 = true },
	  PAGE_TPM_1_2 },
	{ "tpm-tis-indexed,64k", { TIS, .buffer_size = 65536, .locality4 = true },
	  PAGE_TPM_2_0 },
	{ "tpm-tis-indexed,localities=1,no-ram",
	  { .fifo = true, .localities = 1, .base = PC, .buffer_size = 1024 }, PAGE_TPM_2_0 },
	{ "tpm-crb-ext", { CRB, .buffer_size = 4096 }, PAGE_TPM_2_0 },
	{ "tpm-crb-ext,locality4", { CRB, .buffer_size = 2048, .locality4 = true },
	  PAGE_TPM_2_0 },
	{ "tpm-crb-ext,as-fifo",
	  { .fifo = true, .crb = true, .ram = true, .localities = 5, .irq = 10,
	    .base = 0x1ED40000, .buffer_size = 4096 }, PAGE_TPM_2_0 },
	{ "tpm-crb-ext,fifo=off,localities=1",
	  { .crb = true, .starts_as_crb = true, .ram = true, .localities = 1, .base = PC,
	    .buffer_size = 4096 }, PAGE_TPM_2_0 },
	{ "tpm-crb-ext,no-ram",
	  { .fifo = true, .crb = true, .starts_as_crb = true, .localities = 5, .base = PC,
	    .buffer_size = 8192, .locality4 = true }, PAGE_TPM_2_0 },
};

/* ---- what a guest might do next ---- */

struct walk {
	struct rig *r;
	GRand *rand;
	GQueue queue;    /* of struct op, the rest of a sequence */
	struct op last;  /* write */
};

static unsigned int rnd(struct walk *w, unsigned int n)
{
	return (unsigned int)g_rand_int_range(w->rand, 0, (gint32)n);
}

static void push(struct walk *w, enum op_kind kind, uint32_t addr, unsigned int size,
		 uint64_t val)
{
	struct op op = { kind, addr, size, val, kind != OP_READ && rnd(w, 4) == 0 };

	g_queue_push_tail(&w->queue, g_memdup2(&op, sizeof(op)));
}

static unsigned int some_locality(struct walk *w)
{
	const struct page *p = w->r->p;

	if (p->active != PAGE_NOBODY && rnd(w, 8)) {
		return p->active;
	}
	return rnd(w, rnd(w, 8) ? p->cfg.localities : 5);
}

/* The locality's indexed door. */
static uint32_t door(struct walk *w, unsigned int l)
{
	const struct page *p = w->r->p;
	bool ext = p->cfg.crb && (p->is_crb || rnd(w, 2));

	return (l << 12) + (ext ? 0x6000 : 0);
}

static uint32_t some_size(struct walk *w)
{
	return 1u << rnd(w, 4);
}

static uint32_t some_offset(struct walk *w)
{
	static const uint16_t known[] = {
		0x000, 0x008, 0x00C, 0x010, 0x014, 0x018, 0x024, 0x030, 0x034, 0x040, 0x044,
		0x048, 0x04C, 0x050, 0x054, 0x058, 0x05C, 0x060, 0x064, 0x068, 0x06C, 0x080,
		0x084, 0x0BC, 0x0C0, 0x100, 0x104, 0xEFC, 0xF00, 0xF04, 0xF8C, 0xF90, 0xF94,
		0xF98, 0xF9C, 0xFA0, 0xFA4, 0xFA8, 0xFB0, 0xFB8, 0xFC0, 0xFC4, 0xFC8, 0xFCC,
		0xFD0, 0xFD4, 0xFD8, 0xFDC, 0xFE0, 0xFE4, 0xFE8, 0xFFC,
	};

	if (rnd(w, 8) == 0) {
		return rnd(w, 0x1000);
	}
	return known[rnd(w, G_N_ELEMENTS(known))] + (rnd(w, 3) ? 0 : rnd(w, 4));
}

static uint32_t some_address(struct walk *w)
{
	uint32_t page = some_locality(w) << 12;

	switch (rnd(w, 12)) {
	case 0:
		return rnd(w, RIG_SPACE - 8);
	case 1:
		return 0x10000 + rnd(w, 32);
	case 2:
		return 0x20000 + rnd(w, 64);
	case 3:
		return 0x30F90 + rnd(w, 0x68);
	case 4:
	case 5:
		return page + 0x6000 + some_offset(w);
	case 6:
		return page + 0x0FF8 + rnd(w, 8);
	default:
		return page + some_offset(w);
	}
}

static uint64_t some_value(struct walk *w)
{
	uint64_t val = (uint64_t)g_rand_int(w->rand) << 32 | g_rand_int(w->rand);

	switch (rnd(w, 6)) {
	case 0:
		return val;
	case 1:
		return 0;
	case 2:
		return rnd(w, 8);
	case 3:
		return 1ull << rnd(w, 64);
	case 4:
		return val & 0x8000009F8000009F;
	default:
		return 1u << rnd(w, 8) | 1u << rnd(w, 8);
	}
}

static void take(struct walk *w, unsigned int l, bool seize)
{
	if (w->r->p->is_crb) {
		push(w, OP_WRITE, (l << 12) + 0x08, rnd(w, 2) ? 4 : 1, seize ? 4 : 1);
	} else {
		push(w, OP_WRITE, l << 12, 1, seize ? 8 : 2);
	}
}

static void leave(struct walk *w, unsigned int l)
{
	push(w, OP_WRITE, (l << 12) + (w->r->p->is_crb ? 8 : 0), 1,
	     w->r->p->is_crb ? 2 : 0x20);
}

/* A command, most of them good. */
static uint32_t make(struct walk *w, uint8_t *cmd, uint32_t max)
{
	static const uint32_t bad[] = { 0, 3, 6, 9, 0xFFFFFFFF, 0x00010001 };
	uint32_t len = 10 + rnd(w, rnd(w, 8) ? 16 : max - 10);
	uint32_t size = len, i;

	if (rnd(w, 8) == 0) {
		size = rnd(w, 2) ? bad[rnd(w, G_N_ELEMENTS(bad))] : w->r->p->bufsize + rnd(w, 2);
	}
	for (i = 0; i < len; i++) {
		cmd[i] = (uint8_t)(rnd(w, 4) ? i : rnd(w, 256));
	}
	cmd[0] = 0x80;
	cmd[1] = 0x01;
	cmd[2] = (uint8_t)(size >> 24);
	cmd[3] = (uint8_t)(size >> 16);
	cmd[4] = (uint8_t)(size >> 8);
	cmd[5] = (uint8_t)size;
	return len;
}

static void write_bytes(struct walk *w, uint32_t at, const uint8_t *cmd, uint32_t len,
			bool same_place, bool repeats)
{
	uint32_t i = 0, n, j;
	uint64_t val;

	while (i < len) {
		struct op op;

		n = 1u << rnd(w, same_place ? 3 : 4);
		while (n > len - i) {
			n /= 2;
		}
		for (val = 0, j = 0; j < n; j++) {
			val |= (uint64_t)cmd[i + j] << j * 8;
		}
		op = (struct op) { OP_WRITE, at + (same_place ? 0 : i), n, val,
				   repeats && rnd(w, 8) == 0 };
		g_queue_push_tail(&w->queue, g_memdup2(&op, sizeof(op)));
		i += n;
	}
}

static void by_fifo(struct walk *w, unsigned int l)
{
	uint8_t cmd[256];
	uint32_t len = make(w, cmd, sizeof(cmd));

	if (rnd(w, 8)) {
		push(w, OP_WRITE, (l << 12) + 0x18, 1, 0x40);
	}
	write_bytes(w, (l << 12) + (rnd(w, 2) ? 0x24 : 0x80), cmd, rnd(w, 8) ? len : rnd(w, len),
		    true, rnd(w, 8) == 0);
	push(w, OP_READ, (l << 12) + 0x18, 4, 0);
	push(w, OP_WRITE, (l << 12) + 0x18, 1, 0x20);
}

static void by_crb(struct walk *w, unsigned int l)
{
	uint8_t cmd[3900];
	uint32_t len = make(w, cmd, rnd(w, 8) ? 100 : 1000);
	bool by_ram = l == 0 && rnd(w, 3) == 0;

	if (rnd(w, 2)) {
		push(w, OP_WRITE, (l << 12) + 0x40, 4, 1);
	}
	if (rnd(w, 3) == 0) {
		push(w, OP_WRITE, (l << 12) + 0x48, 4, 0);
	}
	if (rnd(w, 8)) {
		write_bytes(w, by_ram ? 0x10000 : (l << 12) + 0x80, cmd, len, false, true);
	}
	push(w, OP_WRITE, (l << 12) + 0x4C, 4, 1);
}

static void by_doorbell(struct walk *w, unsigned int l)
{
	uint8_t cmd[1024];
	uint32_t len = make(w, cmd, 1000), at = door(w, l);
	uint32_t index = rnd(w, 4) ? 0 : rnd(w, 40);
	bool by_ram = l == 0 && rnd(w, 2);

	if (by_ram) {
		write_bytes(w, 0x10000, cmd, len, false, true);
	} else {
		push(w, OP_WRITE, at + 0xFC0, 4, index);
		if (index <= len) {
			write_bytes(w, at + 0x100, cmd + index, len - index, false, true);
		}
	}
	if (rnd(w, 8) == 0) {
		push(w, OP_WRITE, at + 0xFC8, 4, some_value(w));
	}
	if (rnd(w, 2)) {
		push(w, OP_RING, at + 0xFC8, 8,
		     (rnd(w, 8) ? 1 : rnd(w, 4)) | rnd(w, 4) << 2);
	} else {
		push(w, OP_TICKET, at + 0xFCC, 4, rnd(w, 8) ? 1 : rnd(w, 4));
	}
}

static void read_response(struct walk *w, unsigned int l)
{
	unsigned int i, n = rnd(w, 20);
	uint32_t at = door(w, l);

	for (i = 0; i < n; i++) {
		switch (rnd(w, 6)) {
		case 0:
			push(w, OP_READ, (l << 12) + 0x24, 1u << rnd(w, 3), 0);
			break;
		case 1:
			push(w, OP_READ, (l << 12) + 0x80 + rnd(w, 60), some_size(w), 0);
			break;
		case 2:
			push(w, OP_READ, at + 0x100 + rnd(w, 60), some_size(w), 0);
			break;
		case 3:
			push(w, OP_READ, at + 0xFD8, 8, 0);
			break;
		case 4:
			push(w, OP_READ, at + 0xFD0, 8, 0);
			break;
		case 5:
			push(w, OP_READ, at + 0xFE0, 4, 0);
			break;
		}
	}
}

static void interrupts(struct walk *w, unsigned int l)
{
	uint32_t at = door(w, l);
	const bool crb = w->r->p->is_crb;

	switch (rnd(w, 4)) {
	case 0:
		push(w, OP_WRITE, (l << 12) + (crb ? 0x50 : 0x08), 4, 0x8000009F);
		break;
	case 1:
		push(w, OP_WRITE, (l << 12) + (crb ? 0x54 : 0x10), 4, rnd(w, 256));
		break;
	case 2:
		push(w, OP_TICKET, at + 0xFE4, 4, 0u - rnd(w, 2));
		break;
	default:
		push(w, OP_TICKET, at + 0xFC4, 4, 0u - rnd(w, 2));
	}
}

static void host_event(struct walk *w)
{
	static const uint32_t sizes[] = { 1024, 1500, 2048, 4096, 65536, 100000 };

	switch (rnd(w, 12)) {
	case 0:
		push(w, OP_FAST, 0, 0, rnd(w, 2));
		break;
	case 1:
		push(w, OP_RESET, 0, rnd(w, 6) != 0, sizes[rnd(w, G_N_ELEMENTS(sizes))]);
		break;
	case 2:
		push(w, OP_ESTABLISHED, 0, 0, rnd(w, 2));
		break;
	case 3:
	case 4:
		push(w, OP_MIGRATE, 0, 0, 0);
		break;
	default:
		push(w, OP_COMPLETE, 0, 0, rnd(w, 6) ? 0 : rnd(w, 5));
	}
}

static void think(struct walk *w)
{
	const unsigned int l = some_locality(w), other = rnd(w, 5);
	struct page *p = w->r->p;

	switch (rnd(w, 20)) {
	case 0:
	case 1:
		take(w, rnd(w, 3) ? l : other, rnd(w, 4) == 0);
		break;
	case 2:
		leave(w, l);
		break;
	case 3:
	case 4:
	case 5:
		if (p->is_crb) {
			by_crb(w, l);
			break;
		}
		by_fifo(w, l);
		break;
	case 6:
	case 7:
		by_doorbell(w, l);
		break;
	case 8:
	case 9:
		read_response(w, l);
		break;
	case 10:
		interrupts(w, l);
		break;
	case 11:
	case 12:
		host_event(w);
		break;
	case 13:
		if (!w->last.size) {
			break;
		}
		g_queue_push_tail(&w->queue, g_memdup2(&w->last, sizeof(w->last)));
		break;
	case 14:
		push(w, OP_WRITE, (l << 12) + (p->is_crb ? 0x40 : 0x18), rnd(w, 2) ? 4 : 1,
		     some_value(w));
		break;
	case 15:
		push(w, OP_WRITE, (l << 12) + (p->is_crb ? 0x48 : 0x18), 4,
		     p->is_crb ? rnd(w, 2) : (rnd(w, 2) ? 0x40 : 0x02));
		break;
	case 16:
		push(w, OP_WRITE, (l << 12) + (p->is_crb ? 0x4C : 0x18), 1,
		     p->is_crb ? 1 : 0x20);
		break;
	case 17:
		push(w, OP_WRITE, some_address(w), some_size(w), some_value(w));
		break;
	default:
		push(w, OP_READ, some_address(w), some_size(w), 0);
	}
}

static struct op next_op(struct walk *w)
{
	struct op *op, val;

	while (g_queue_is_empty(&w->queue)) {
		think(w);
	}
	op = g_queue_pop_head(&w->queue);
	val = *op;
	g_free(op);
	if (val.kind == OP_WRITE) {
		w->last = val;
	}
	/* A sequence may be interrupted anywhere. */
	if (rnd(w, 40) == 0) {
		host_event(w);
		g_queue_push_head(&w->queue, g_queue_pop_tail(&w->queue));
	}
	return val;
}

/* ---- the shortest sequence ---- */

/* The number of ops until model and engine differ; 0 where they do not. */
static unsigned int replay(const struct rig_device *device, const struct op *ops,
			   unsigned int n, bool thorough, bool print)
{
	struct rig r;
	unsigned int i;

	rig_begin(&r, device);
	r.thorough = thorough;
	for (i = 0; i < n; i++) {
		if (print) {
			op_print(&ops[i]);
		}
		if (!rig_do(&r, &ops[i])) {
			break;
		}
	}
	if (print && i < n) {
		g_test_message("%s: %s", device->name, r.difference->str);
	}
	rig_end(&r);
	return i < n ? i + 1 : 0;
}

/* Leaves out what is not needed to make them differ. */
static unsigned int shorten(const struct rig_device *device, struct op *ops,
			    unsigned int n, bool thorough)
{
	unsigned int chunk, i, left;
	struct op *without = g_new(struct op, n);

	n = MAX(1, replay(device, ops, n, thorough, false));
	for (chunk = n / 2; chunk > 0; chunk /= 2) {
		for (i = 0; i + chunk <= n;) {
			memcpy(without, ops, i * sizeof(*ops));
			memcpy(without + i, ops + i + chunk, (n - i - chunk) * sizeof(*ops));
			left = replay(device, without, n - chunk,
				      thorough, false);
			if (left) {
				memcpy(ops, without, left * sizeof(*ops));
				n = left;
			} else {
				i += chunk;
			}
		}
	}
	g_free(without);
	return n;
}

/* ---- the tests ---- */

static unsigned int from_environment(const char *name, unsigned int otherwise)
{
	const char *text = g_getenv(name);

	return text ? (unsigned int)atoi(text) : otherwise;
}

enum { LONG = 1500 };

static bool walk(const struct rig_device *device, uint32_t seed)
{
	struct op *ops = g_new(struct op, LONG);
	struct rig r;
	struct walk w = { .r = &r, .rand = g_rand_new_with_seed(seed) };
	unsigned int i;
	bool same = true, thorough;

	rig_begin(&r, device);
	g_queue_init(&w.queue);
	for (i = 0; i < LONG && same; i++) {
		ops[i] = next_op(&w);
		same = rig_do(&r, &ops[i]);
	}
	g_queue_clear_full(&w.queue, g_free);
	g_rand_free(w.rand);
	if (!same) {
		g_test_message("seed %u, after %u: %s", seed, i, r.difference->str);
		thorough = g_str_has_prefix(r.difference->str, "memory");
		rig_end(&r);
		i = shorten(device, ops, i, thorough);
		replay(device, ops, i, thorough, true);
	} else {
		rig_end(&r);
	}
	g_free(ops);
	return same;
}

static void test_walks(gconstpointer data)
{
	const struct rig_device *device = data;
	const unsigned int seed = from_environment("PAGE_SEED", 1);
	const unsigned int walks = from_environment("PAGE_WALKS", 16);
	unsigned int i;

	for (i = 0; i < walks; i++) {
		if (!walk(device, seed + i)) {
			g_test_fail();
			return;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(devices); i++) {
		char *name = g_strdup_printf("/page/walk/%s", devices[i].name);

		g_test_add_data_func(name, &devices[i], test_walks);
		g_free(name);
	}
	return g_test_run();
}
