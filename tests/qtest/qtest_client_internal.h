/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the client share; not for tests.
 *
 * qtest_client.c         QEMU's process, from start to end; the two sockets to it
 * qtest_client_memory.c  the qtest protocol: memory accesses, the clock
 * qtest_client_qmp.c     QMP: commands, events, properties, migration
 */
#ifndef QTEST_CLIENT_INTERNAL_H
#define QTEST_CLIENT_INTERNAL_H

#include "qtest_client.h"

#define ANSWER_TIMEOUT_S 60

/* One end of a socket that carries lines */
typedef struct {
	int fd;
	const char *name;
	GString *in; /* received, not yet consumed */
} LineSocket;

struct QtestClient {
	GPid pid;
	LineSocket qtest;
	LineSocket qmp;
	GQueue events; /* of char *: names not yet waited for */
};

/* Either ends the test where QEMU is gone. */
void line_socket_send(LineSocket *s, const char *line);

/* The next line without its end; free with g_free(). */
char *line_socket_receive(LineSocket *s);

#endif /* QTEST_CLIENT_INTERNAL_H */
