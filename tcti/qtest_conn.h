/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a QEMU's -qtest socket. QEMU talks to one client at a time, so all
 * users in one process share theirs. All functions may be called by any thread.
 */
#ifndef TPMIX_QTEST_CONN_H
#define TPMIX_QTEST_CONN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct tpmix_qtest_conn;

/*
 * That of this process to the socket at @path, or a new one. Where another client has
 * QEMU it is waited for, @wait_s seconds. NULL and @error where none is to be had.
 */
struct tpmix_qtest_conn *tpmix_qtest_conn_open(const char *path, unsigned int wait_s,
					       GError **error);
void tpmix_qtest_conn_close(struct tpmix_qtest_conn *conn);

/* The same for each path of one socket; g_free(). */
char *tpmix_qtest_conn_name(const struct tpmix_qtest_conn *conn);

/*
 * A line of the qtest protocol, with its end, and the number that answers it; @value
 * may be NULL. False and @error where there is no answer: then for all users, and from
 * now on, for a late answer would be taken for the next command's.
 */
bool tpmix_qtest_conn_command(struct tpmix_qtest_conn *conn, const char *text,
			      uint64_t *value, GError **error);

#endif /* TPMIX_QTEST_CONN_H */
