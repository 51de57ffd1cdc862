/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns of the processes that have one directory open. File "lock" in it holds the line
 * of the one that had the turn last: its process id, and a number that no other has.
 * Who finds another's line knows that the directory has changed.
 */
#ifndef TPMIX_TURN_LOCK_H
#define TPMIX_TURN_LOCK_H

#include <glib.h>
#include <stdbool.h>

#define TPMIX_TURN_LINE 28u

struct tpmix_turn_lock {
	int fd;                 /* -1: not open */
	char line[TPMIX_TURN_LINE + 1];
};

/* False and errno. */
bool tpmix_turn_lock_open(struct tpmix_turn_lock *lock, int dir_fd);
/* Ends a turn, too. */
void tpmix_turn_lock_close(struct tpmix_turn_lock *lock);

/*
 * Waits for the turn, @wait_s seconds, or until *@stop, which may be NULL, is not 0
 * (atomic). Returns 0, EBUSY, ECANCELED, or another errno.
 */
int tpmix_turn_lock_begin(struct tpmix_turn_lock *lock, unsigned int wait_s, gint *stop);
void tpmix_turn_lock_end(struct tpmix_turn_lock *lock);

/* In a turn: leaves the own line; @other: it was not there. Returns 0 or an errno. */
int tpmix_turn_lock_sign(struct tpmix_turn_lock *lock, bool *other);

/* In a turn: true where no other process has it open and asked this before. */
bool tpmix_turn_lock_is_alone(struct tpmix_turn_lock *lock);

/* Who has the turn, or had it last, as "123 (tpm2_hash)"; g_free(). */
char *tpmix_turn_lock_holder(const struct tpmix_turn_lock *lock);

#endif /* TPMIX_TURN_LOCK_H */
