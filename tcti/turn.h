/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users of one device in one process take turns, a transaction each, first come first
 * served: in between, one of them would take the other's locality for its own. All
 * functions may be called by any thread.
 */
#ifndef TPMIX_TURN_H
#define TPMIX_TURN_H

#include <glib.h>
#include <stdbool.h>

struct tpmix_turn;

/* That of all who give the same @name. Ends with the last tpmix_turn_put(). */
struct tpmix_turn *tpmix_turn_get(const char *name);
void tpmix_turn_put(struct tpmix_turn *turn);

/*
 * Waits for the turn until monotonic time @end. Where it does not come, @place keeps
 * the caller's place in the queue for another call; tpmix_turn_leave() gives it up.
 * *@place is NULL at first, and NULL once the turn is the caller's.
 */
bool tpmix_turn_take(struct tpmix_turn *turn, gpointer *place, gint64 end);
void tpmix_turn_leave(struct tpmix_turn *turn, gpointer *place);

/* The next one's turn. */
void tpmix_turn_give(struct tpmix_turn *turn);

#endif /* TPMIX_TURN_H */
