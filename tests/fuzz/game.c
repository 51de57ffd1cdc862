/* SPDX-License-Identifier: BSD-2-Clause */
#include "game.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noreturn, format(printf, 2, 3)))
static void fail(const struct game *g, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "fuzz: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ", at action\n");
	action_print(g->nth, &g->now);
	abort();
}

static bool busy(const struct host *h)
{
	return h->e.s.running != TPMIX_NO_LOCALITY;
}

static void check_valid(const struct game *g, const struct host *h)
{
	if (!tpmix_valid(&h->e)) {
		fail(g, "the invariant is broken");
	}
}

static void compare(struct game *g, uint32_t addr, unsigned int size)
{
	uint64_t engine = tpmix_read(&g->main->e, addr, size);
	uint64_t model = model_read(g->model, addr, size, false);

	if (engine != model) {
		fail(g, "0x%04x/%u reads 0x%" PRIx64 ", the model says 0x%" PRIx64,
		     addr, size, engine, model);
	}
}

/* Two buffers: the window is locality 0's. The one not in use is empty. */
static void compare_command(const struct game *g)
{
	const struct host *h = g->main;
	const uint8_t *used = h->ram_cmd, *other = h->cmd;
	uint32_t i;

	if (g->model->command_of > 0) {
		used = h->cmd;
		other = h->ram_cmd;
	}
	if (memcmp(used, g->model->command, g->model->bufsize)) {
		fail(g, "the command buffer differs");
	}
	for (i = 0; i < h->capacity; i++) {
		if (other[i]) {
			fail(g, "byte %u of another's command is left", i);
		}
	}
}

/* All that a guest can see, but for the middle of a response. */
static void compare_view(struct game *g)
{
	static const struct {
		uint16_t off;
		uint8_t size;
	} view[] = {
		{ 0x000, 1 }, { 0x008, 4 }, { 0x010, 4 }, { 0x018, 4 },
		{ 0x019, 1 }, { 0x030, 4 }, { 0x100, 8 }, { 0xFC0, 8 },
		{ 0xFC8, 8 }, { 0xFD0, 8 }, { 0xFD8, 8 }, { 0xFE0, 8 },
	};
	uint32_t page, end = g->main->e.s.rsp_len;
	unsigned int i;

	for (page = 0; page < TPMIX_MMIO_SIZE; page += TPMIX_LOCALITY_SIZE) {
		for (i = 0; i < sizeof(view) / sizeof(view[0]); i++) {
			compare(g, page + view[i].off, view[i].size);
		}
		if (end > 4 && end < 0xE00 - 4) {
			compare(g, page + 0x100 + end - 4, 8);
		}
	}
	if (tpmix_irq(&g->main->e) != model_irq(g->model)) {
		fail(g, "the interrupt line is %d", tpmix_irq(&g->main->e));
	}
	compare_command(g);
}

/* The active locality reads all over: a sanitizer sees what bounds let through. */
static void look(const struct game *g)
{
	uint32_t page = (uint32_t)g->main->e.s.active << TPMIX_LOCALITY_SHIFT;
	uint32_t off;

	for (off = 0; off < TPMIX_LOCALITY_SIZE; off += 248) {
		tpmix_read(&g->main->e, page + off, 8);
	}
}

static void compare_backend(const struct game *g)
{
	const struct host *h = g->main;
	const struct model *m = g->model;

	if (h->starts != m->starts || h->cancels != m->cancels ||
	    h->established_resets != m->established_resets) {
		fail(g, "starts %u cancels %u resets of established %u, "
		     "the model has %u %u %u", h->starts, h->cancels,
		     h->established_resets, m->starts, m->cancels,
		     m->established_resets);
	}
	if (m->started && (h->ticket != m->started->ticket ||
			   (int)h->locality != m->started->owner ||
			   h->len != m->started->len ||
			   (m->running && memcmp(h->run, m->started->bytes,
						 h->len)))) {
		fail(g, "the backend was given another command");
	}
}

static void do_read(struct game *g, const struct action *a)
{
	bool fifo = tpmix_is_fifo(&g->main->e, a->addr, a->size);
	uint64_t peek = tpmix_read(&g->main->e, a->addr, a->size);
	uint64_t val;

	if (!fifo) {
		host_copy(g->twin, g->main);
	}
	val = tpmix_mmio_read(&g->main->e, a->addr, a->size);
	if (!fifo && (val != peek || !host_same(g->main, g->twin))) {
		fail(g, "R1: a read changed something");
	}
	if (g->with_model) {
		uint64_t want = model_read(g->model, a->addr, a->size, true);

		if (val != want) {
			fail(g, "read 0x%" PRIx64 ", the model says 0x%" PRIx64,
			     val, want);
		}
	}
}

static const struct action plain_answer = {
	.kind = ACTION_COMPLETE, .len = 24, .fill = 0x3C,
};

static const uint8_t answer_at_once[] = {
	0x80, 0x01, 0, 0, 0, 14, 0, 0, 0, 0, 0xA7, 0x0C, 0xE5, 0x11,
};

static void check_repeated(struct game *g, const struct action *a)
{
	tpmix_write(&g->twin->e, a->addr, a->val, a->size);
	tpmix_write(&g->twin->e, a->addr, a->val, a->size);
	if (!host_same(g->main, g->twin)) {
		fail(g, "R2: twice is not once");
	}
	if (!busy(g->main)) {
		return;
	}
	host_copy(g->third, g->main);
	host_complete(g->third, &plain_answer);
	host_copy(g->twin, g->third);
	tpmix_write(&g->twin->e, a->addr, a->val, a->size);
	check_valid(g, g->twin);
	if (!host_same(g->third, g->twin)) {
		fail(g, "R2: a repetition after the completion did something");
	}
}

static void do_write(struct game *g, const struct action *a)
{
	struct host *h = g->main;
	unsigned int starts = h->starts, cancels = h->cancels;
	uint32_t accepted = h->e.s.accepted;
	bool fifo = tpmix_is_fifo(&h->e, a->addr, a->size);

	if (!fifo) {
		host_copy(g->twin, h);
	}
	tpmix_write(&h->e, a->addr, a->val, a->size);
	check_valid(g, h);
	if (h->starts - starts > 1 || h->cancels - cancels > 1) {
		fail(g, "a write has more than one effect");
	}
	if (h->starts != starts && (h->ticket != accepted + 1 ||
				    h->e.s.accepted != h->ticket)) {
		fail(g, "R3: ticket 0x%x started", h->ticket);
	}
	if (!fifo) {
		check_repeated(g, a);
	}
	if (g->with_model) {
		model_write(g->model, a->addr, a->val, a->size);
	}
}

static void do_complete(struct game *g, const struct action *a)
{
	bool done = host_complete(g->main, a);

	if (g->with_model) {
		const uint8_t *rsp;
		uint32_t len = answer_bytes(a, g->model->capacity, &rsp);
		uint32_t ticket = g->model->accepted +
				  (a->answer == ANSWER_STALE ? 1 : 0);

		if (done != model_complete(g->model, ticket, rsp, len,
					   a->selftest_done)) {
			fail(g, "a completion was %s", done ? "taken" : "refused");
		}
	}
}

static void do_reset(struct game *g, const struct action *a)
{
	struct host *h = g->main;

	tpmix_reset(&h->e, a->tpm2 ? TPMIX_FAMILY_2_0 : TPMIX_FAMILY_1_2, a->len);
	if (!g->with_model) {
		g->with_model = true;
		g->model->accepted = h->e.s.accepted;
		g->model->established = h->e.s.established;
		free(g->model->started);
		g->model->started = NULL;
		g->model->starts = h->starts;
		g->model->cancels = h->cancels;
		g->model->established_resets = h->established_resets;
	}
	model_reset(g->model, a->tpm2, a->len);
}

static void swap_main(struct game *g)
{
	struct host *old = g->main;

	g->main = g->twin;
	g->twin = old;
}

static void do_reload(struct game *g)
{
	if (busy(g->main)) {
		/* "A command that runs when the state is saved completes first." */
		do_complete(g, &plain_answer);
	}
	host_migrate(g->twin, g->main);
	if (!host_same(g->main, g->twin)) {
		fail(g, "the state did not migrate");
	}
	swap_main(g);
}

static void do_hostile_load(struct game *g, const struct action *a)
{
	unsigned int i;
	uint8_t *state;

	host_migrate(g->twin, g->main);
	state = (uint8_t *)&g->twin->e.s;
	for (i = 0; i < a->num_patches; i++) {
		state[a->patch[i].at % sizeof(g->twin->e.s)] = a->patch[i].byte;
	}
	if (tpmix_valid(&g->twin->e)) {
		g->with_model = false;
		swap_main(g);
	}
}

void game_play(struct game *g, const struct action *a)
{
	g->now = *a;
	if (g->trace) {
		action_print(g->nth, a);
	}
	switch (a->kind) {
	case ACTION_READ: do_read(g, a); break;
	case ACTION_WRITE: do_write(g, a); break;
	case ACTION_COMPLETE: do_complete(g, a); break;
	case ACTION_RESET: do_reset(g, a); break;
	case ACTION_RELOAD: do_reload(g); break;
	case ACTION_HOSTILE_LOAD: do_hostile_load(g, a); break;
	}
	check_valid(g, g->main);
	if (g->with_model) {
		compare_backend(g);
		if (a->kind != ACTION_READ ||
		    tpmix_is_fifo(&g->main->e, a->addr, a->size)) {
			compare_view(g);
		}
	} else if (a->kind != ACTION_READ) {
		look(g);
	}
	g->nth++;
}

void game_begin(struct game *g, const struct actions_config *c)
{
	static struct host host[3]; /* memory to use again; the state is new */
	unsigned int i;

	for (i = 0; i < 3; i++) {
		host_new(&host[i], c->capacity, c->locality4);
		if (c->at_once) {
			host[i].answer = answer_at_once;
			host[i].answer_len = sizeof(answer_at_once);
		}
	}
	*g = (struct game) {
		.main = &host[0],
		.twin = &host[1],
		.third = &host[2],
		.with_model = true,
		.trace = getenv("FUZZ_TRACE"),
	};
	g->model = model_new(c->capacity, c->locality4, host[0].e.cfg.int_vector);
	g->model->answer = host[0].answer;
	g->model->answer_len = host[0].answer_len;
	game_play(g, &(struct action) {
		.kind = ACTION_RESET, .tpm2 = c->tpm2, .len = c->bufsize,
	});
}

void game_continue(struct game *g, struct actions *actions)
{
	struct action_hints hints = host_hints(g->main);
	struct action a;

	while (actions_next(actions, &hints, &a)) {
		game_play(g, &a);
		hints = host_hints(g->main);
	}
}

void game_load(struct game *g, const struct tpmix_state_all *s)
{
	g->main->e.s = *s;
	g->with_model = false;
	g->now = (struct action) { .kind = ACTION_HOSTILE_LOAD };
	check_valid(g, g->main);
	look(g);
}

void game_end(struct game *g)
{
	model_free(g->model);
}
