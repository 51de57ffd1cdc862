/* SPDX-License-Identifier: BSD-2-Clause */
#include "game.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void game_fail(const struct game *g, const char *format, ...)
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
		game_fail(g, "the invariant is broken");
	}
}

static void check_reported(const struct game *g, const struct host *h)
{
	const char *where = host_unreported(h);

	if (where) {
		game_fail(g, "changed bytes of %s were not reported", where);
	}
}

static void do_read(struct game *g, const struct action *a)
{
	bool fifo = tpmix_is_fifo(&g->main->e, a->addr, a->size);
	uint64_t peek = tpmix_read(&g->main->e, a->addr, a->size);
	unsigned int errors;
	uint64_t val;

	if (!fifo) {
		host_copy(g->twin, g->main);
	}
	errors = g->main->guest_errors;
	val = tpmix_mmio_read(&g->main->e, a->addr, a->size);
	if (!fifo && (val != peek || !host_same(g->main, g->twin))) {
		game_fail(g, "R1: a read changed something");
	}
	errors = g->main->guest_errors - errors;
	if (g->with_model) {
		unsigned int strays = g->model->strays;
		uint64_t want = model_read(g->model, a->addr, a->size, true);

		strays = g->model->strays - strays;
		if (errors != strays) {
			game_fail(g, "%u guest errors, the model says %u", errors,
				  strays);
		}
		if (val != want) {
			game_fail(g, "read 0x%" PRIx64 ", the model says 0x%" PRIx64,
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
		game_fail(g, "R2: twice is not once");
	}
	if (!busy(g->main)) {
		return;
	}
	if (a->addr + a->size > TPMIX_RAM) {
		return; /* memory: the device cannot know what is a repetition */
	}
	host_copy(g->third, g->main);
	host_complete(g->third, &plain_answer);
	host_copy(g->twin, g->third);
	tpmix_write(&g->twin->e, a->addr, a->val, a->size);
	check_valid(g, g->twin);
	check_reported(g, g->twin);
	if (!host_same(g->third, g->twin)) {
		game_fail(g, "R2: a repetition after the completion did something");
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
		game_fail(g, "a write has more than one effect");
	}
	if (h->starts != starts && (h->ticket != accepted + 1 ||
				    h->e.s.accepted != h->ticket)) {
		game_fail(g, "R3: ticket 0x%x started", h->ticket);
	}
	if (!fifo) {
		check_repeated(g, a);
	}
	if (g->with_model) {
		model_write(g->model, a->addr, a->val, a->size);
	}
}

/* No engine in between; writing memory twice is writing it once. */
static void do_poke(struct game *g, const struct action *a)
{
	unsigned int i;

	if (g->main->no_ram) {
		return;
	}
	for (i = 0; i < a->size && a->addr + i < g->main->capacity; i++) {
		uint8_t byte = (uint8_t)(a->val >> i * 8);

		host_poke(g->main, a->addr + i, byte);
		if (g->with_model) {
			g->model->window[a->addr + i] = byte;
		}
	}
}

static void do_complete(struct game *g, const struct action *a)
{
	bool done = host_complete(g->main, a);

	if (g->with_model) {
		const uint8_t *rsp;
		uint32_t len = answer_bytes(a, g->main->capacity, &rsp);
		uint32_t ticket = g->model->accepted +
				  (a->answer == ANSWER_STALE ? 1 : 0);

		if (done != model_complete(g->model, ticket, rsp, len,
					   a->selftest_done)) {
			game_fail(g, "a completion was %s", done ? "taken" : "refused");
		}
	}
}

static void do_reset(struct game *g, const struct action *a)
{
	struct host *h = g->main;

	tpmix_reset(&h->e, a->none ? TPMIX_FAMILY_NONE : a->tpm2 ?
		    TPMIX_FAMILY_2_0 : TPMIX_FAMILY_1_2, a->len);
	if (!g->with_model) {
		g->with_model = true;
		g->model->accepted = h->e.s.accepted;
		g->model->established = h->e.s.established;
		g->model->selected = (enum model_door)h->e.s.intf_sel;
		free(g->model->started);
		g->model->started = NULL;
		g->model->starts = h->starts;
		g->model->cancels = h->cancels;
		g->model->established_resets = h->established_resets;
		g->model->edges = (unsigned int)h->e.edges;
	}
	if (a->none) {
		model_reset_none(g->model);
	} else {
		model_reset(g->model, a->tpm2, a->len);
	}
	if (a->established) {
		tpmix_set_established(&h->e, true);
		g->model->established = true;
	}
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
		game_fail(g, "the state did not migrate");
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
	if (tpmix_valid(&g->twin->e) != model_valid(&g->twin->e.cfg, &g->twin->e.s)) {
		game_fail(g, "tpmix_valid() is %d", tpmix_valid(&g->twin->e));
	}
	if (tpmix_valid(&g->twin->e)) {
		tpmix_refresh(&g->twin->e);
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
	case ACTION_POKE: do_poke(g, a); break;
	case ACTION_COMPLETE: do_complete(g, a); break;
	case ACTION_RESET: do_reset(g, a); break;
	case ACTION_RELOAD: do_reload(g); break;
	case ACTION_HOSTILE_LOAD: do_hostile_load(g, a); break;
	}
	check_valid(g, g->main);
	check_reported(g, g->main);
	view_check_memory(g);
	if (g->with_model) {
		view_compare_backend(g);
		if (a->kind != ACTION_READ ||
		    tpmix_is_fifo(&g->main->e, a->addr, a->size)) {
			view_compare(g);
		}
	} else if (a->kind != ACTION_READ) {
		view_look(g);
	}
	g->nth++;
}

void game_begin(struct game *g, const struct actions_config *c)
{
	static struct host host[3]; /* memory to use again; the state is new */
	unsigned int i;

	for (i = 0; i < 3; i++) {
		host_new(&host[i], c);
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
	g->model = model_new(&(struct model_config) {
		.capacity = c->capacity,
		.base = c->base,
		.ram = !c->no_ram,
		.int_vector = host[0].e.cfg.int_vector,
		.locality4 = c->locality4,
		.has = { c->fifo, c->crb },
		.door = (enum model_door)c->interface,
		.localities = c->localities,
		.answer = host[0].answer,
		.answer_len = host[0].answer_len,
		.scribble = c->scribbles ? host_scribble : NULL,
	});
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
	tpmix_refresh(&g->main->e);
	g->with_model = false;
	g->now = (struct action) { .kind = ACTION_HOSTILE_LOAD };
	check_valid(g, g->main);
	check_reported(g, g->main);
	view_check_memory(g);
	view_look(g);
}

void game_end(struct game *g)
{
	model_free(g->model);
}
