/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a device inside QEMU: its qtest protocol
 * (docs/devel/testing/qtest.rst of QEMU), over a Unix socket.
 */
#include "bus.h"

#include <string.h>
#include <sys/un.h>

#include "qtest_conn.h"

struct qtest {
	struct tpmix_bus bus;
	struct tpmix_qtest_conn *conn;
};

static bool command(struct qtest *q, const char *text, uint64_t *value)
{
	g_autoptr(GError) error = NULL;

	if (tpmix_qtest_conn_command(q->conn, text, value, &error))
		return true;
	tpmix_bus_fail(&q->bus, (enum tpmix_error)error->code, "%s", error->message);
	return false;
}

static char letter(unsigned int size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

static uint64_t qtest_bus_read(struct tpmix_bus *bus, uint32_t off,
			       unsigned int size)
{
	struct qtest *q = (struct qtest *)bus;
	uint64_t val = UINT64_MAX;
	char text[64];

	g_snprintf(text, sizeof(text), "read%c 0x%" G_GINT64_MODIFIER "x\n",
		   letter(size), bus->base + off);
	return command(q, text, &val) ? val : UINT64_MAX;
}

static void qtest_bus_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			    unsigned int size)
{
	struct qtest *q = (struct qtest *)bus;
	char text[96];

	g_snprintf(text, sizeof(text),
		   "write%c 0x%" G_GINT64_MODIFIER "x 0x%" G_GINT64_MODIFIER "x\n",
		   letter(size), bus->base + off, val);
	command(q, text, NULL);
}

static uint64_t split_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	return tpmix_bus_split_read(bus, off, size, qtest_bus_read);
}

static void split_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			unsigned int size)
{
	tpmix_bus_split_write(bus, off, val, size, qtest_bus_write);
}

static void qtest_close(struct tpmix_bus *bus)
{
	struct qtest *q = (struct qtest *)bus;

	tpmix_turn_put(bus->turn);
	tpmix_qtest_conn_close(q->conn);
	g_free(q);
}

static const struct tpmix_bus_ops qtest_ops = {
	.read = split_read,
	.write = split_write,
	.close = qtest_close,
};

struct tpmix_bus *tpmix_qtest_open(const char *path, uint64_t address,
				   unsigned int wait_s, GError **error)
{
	g_autofree char *socket = NULL, *device = NULL;
	struct tpmix_qtest_conn *conn;
	struct qtest *q;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "path=%s: a socket's path has at most %zu bytes", path,
			    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return NULL;
	}
	conn = tpmix_qtest_conn_open(path, wait_s, error);
	if (!conn)
		return NULL;
	q = g_new0(struct qtest, 1);
	q->bus.ops = &qtest_ops;
	q->bus.base = address;
	socket = tpmix_qtest_conn_name(conn);
	device = g_strdup_printf("%s %" G_GINT64_MODIFIER "x", socket, address);
	q->bus.turn = tpmix_turn_get(device);
	q->conn = conn;
	return &q->bus;
}
