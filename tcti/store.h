/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of one TPM in a directory.
 *
 *   lock            held by the process that has the TPM open
 *   permanent       what survives power loss: the TPM's non-volatile memory
 *   volatile.HASH   what the TPM had in RAM, for the permanent state of this hash
 *
 * A change of the permanent state is one rename: a volatile state for the new one
 * is written first, the one for the old one is removed afterwards, and of several
 * that are found the one counts that names the permanent state. So a process that
 * is killed at any point leaves one state or the other, whole.
 *
 * Files carry a checksum; one that does not match is an error and stays as it is.
 */
#ifndef TPMIX_STORE_H
#define TPMIX_STORE_H

#include <glib.h>
#include <stdbool.h>

struct tpmix_store;

/*
 * Opens and locks @dir, makes it where it is missing, reads the states. NULL and a
 * message that names the directory where another process has it and did not end in
 * @wait_s seconds, where it cannot be read or written, or where the permanent state is
 * damaged.
 */
struct tpmix_store *tpmix_store_open(const char *dir, unsigned int wait_s,
				     GError **error);
void tpmix_store_close(struct tpmix_store *store);

/* True where @dir is this directory, by whatever path. */
bool tpmix_store_is(const struct tpmix_store *store, const char *dir);

/* As they are on disk, or would be if it had room; NULL: none. */
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
