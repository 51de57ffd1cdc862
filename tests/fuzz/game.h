/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine against the model, action by action.
 *
 * After each action: the invariant; R1, a read outside the FIFO changed nothing;
 * R2, on twins, a write done twice is done once, also with the completion in
 * between (RAM excepted); R3, a ticket starts once; what changed in RAM was
 * reported; what a guest and the backend see is what the model says. After a hostile state was accepted the model is out until the next
 * reset; the rest goes on.
 *
 * What is found is told on standard error and ends the program by abort().
 */
#ifndef TPMIX_FUZZ_GAME_H
#define TPMIX_FUZZ_GAME_H

#include "host.h"
#include "model.h"

struct game {
	struct host *main, *twin, *third;
	struct model *model;
	bool with_model;
	bool trace;
	unsigned int nth;
	struct action now;
};

/* One game at a time: the machines' memory is used again. */
void game_begin(struct game *g, const struct actions_config *c);
void game_play(struct game *g, const struct action *a);
/* Plays the rest of the input. */
void game_continue(struct game *g, struct actions *actions);
/* @s passed tpmix_valid(): goes on from there, without the model. */
void game_load(struct game *g, const struct tpmix_state_all *s);
void game_end(struct game *g);
__attribute__((noreturn, format(printf, 2, 3)))
void game_fail(const struct game *g, const char *format, ...);

/* model_valid.c: tpmix_valid() of @s on a machine like @c, once more. */
bool model_valid(const struct tpmix_config *c, const struct tpmix_state_all *s);

/* view.c: each ends the game where the two differ. */
void view_compare(const struct game *g);
void view_compare_backend(const struct game *g);
/* What is in RAM is what tpmix_read() returns; without the model. */
void view_check_memory(const struct game *g);
/* The active locality reads all over: a sanitizer sees what bounds let through. */
void view_look(const struct game *g);

#endif /* TPMIX_FUZZ_GAME_H */
