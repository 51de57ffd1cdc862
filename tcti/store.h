/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of one TPM in a directory.
 *
 *   lock            who has, or had last, its turn
 *   permanent       what survives power loss: the TPM's non-volatile memory
 *   volatile.HASH   what the TPM had in RAM, for the permanent state of this hash
 *
 * A change of the permanent state is one rename: a volatile state for the new one
 * is written first, the one for the old one is removed afterwards, and of several
 * that are found the one counts that names the permanent state. So a process that
 * is killed at any point leaves one state or the other, whole.
 *
 * Several processes may have one directory open, and take turns: what one has in
 * memory is what is on disk, or is read again at the beginning of its turn.
 *
 * Files carry a checksum; one that does not match is an error and stays as it is.
 */
#ifndef TPMIX_STORE_H
#define TPMIX_STORE_H

#include <glib.h>
#include <stdbool.h>

struct tpmix_store;

/*
 * Opens @dir, makes it where it is missing, and begins a turn. NULL and a message that
 * names the directory where another process has its turn and did not end it in @wait_s
 * seconds, where it cannot be read or written, or where the permanent state is damaged.
 */
struct tpmix_store *tpmix_store_open(const char *dir, unsigned int wait_s,
				     GError **error);
void tpmix_store_close(struct tpmix_store *store);

/*
 * A turn: from here on no other process reads or writes. @changed: one did since the
 * last turn, and the states below are other ones. Waits for @wait_s seconds, or until
 * *@stop, which may be NULL, is not 0 (atomic). False and @error where it does not get
 * one, or where the state cannot be read.
 */
bool tpmix_store_begin(struct tpmix_store *store, unsigned int wait_s, gint *stop,
		       bool *changed, GError **error);
void tpmix_store_end(struct tpmix_store *store);

/* In a turn: true where no other process has the directory open. */
bool tpmix_store_is_alone(struct tpmix_store *store);

/* As it was given. */
const char *tpmix_store_dir(const struct tpmix_store *store);
/* True where @dir is this directory, by whatever path. */
bool tpmix_store_is(const struct tpmix_store *store, const char *dir);

/* In a turn: as they are on disk, or would be if it had room; NULL: none. */
GBytes *tpmix_store_permanent(const struct tpmix_store *store);
GBytes *tpmix_store_volatile(const struct tpmix_store *store);

/*
 * Both, durably: on return the permanent state is on the medium. On failure the
 * states are the ones before.
 */
bool tpmix_store_commit(struct tpmix_store *store, GBytes *permanent,
			GBytes *vol, GError **error);

/*
 * The volatile state alone; lost with power. NULL: none from now on, the TPM was
 * shut down. On failure the file is gone, and the state kept in memory only.
 */
bool tpmix_store_volatile_set(struct tpmix_store *store, GBytes *vol,
			      GError **error);

#endif /* TPMIX_STORE_H */
