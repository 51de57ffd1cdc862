/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of the qtest protocol: accesses to physical memory and to I/O
 * ports, and the virtual clock.
 */
#include "qtest_client_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Send a qtest command; returns what follows "OK ", free with g_free(). */
static char *qtest_command(QtestClient *q, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *qtest_command(QtestClient *q, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	line_socket_send(&q->qtest, line);

	for (;;) {
		char *answer = line_socket_receive(&q->qtest);

		if (g_str_has_prefix(answer, "IRQ ")) {
			g_free(answer);
			continue;
		}
		if (!g_str_has_prefix(answer, "OK"))
			g_error("qtest: %s answered by %s", line, answer);
		memmove(answer, answer + 2, strlen(answer + 2) + 1);
		g_free(line);
		return g_strchug(answer);
	}
}

static char width_letter(unsigned width)
{
	switch (width) {
	case 1: return 'b';
	case 2: return 'w';
	case 4: return 'l';
	case 8: return 'q';
	default: g_error("no access of %u bytes", width);
	}
}

uint64_t qtest_read_width(QtestClient *q, uint64_t addr, unsigned width)
{
	char *answer = qtest_command(q, "read%c 0x%" PRIx64 "\n", width_letter(width), addr);
	uint64_t value = g_ascii_strtoull(answer, NULL, 0);

	g_free(answer);
	return value;
}

void qtest_write_width(QtestClient *q, uint64_t addr, uint64_t value, unsigned width)
{
	g_free(qtest_command(q, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", width_letter(width), addr,
			     value));
}

uint32_t qtest_in(QtestClient *q, uint16_t port, unsigned width)
{
	char *answer = qtest_command(q, "in%c 0x%x\n", width_letter(width), port);
	uint32_t value = (uint32_t)g_ascii_strtoull(answer, NULL, 0);

	g_free(answer);
	return value;
}

void qtest_out(QtestClient *q, uint16_t port, uint32_t value, unsigned width)
{
	g_free(qtest_command(q, "out%c 0x%x 0x%x\n", width_letter(width), port, value));
}

uint8_t qtest_readb(QtestClient *q, uint64_t addr)
{
	return (uint8_t)qtest_read_width(q, addr, 1);
}

uint16_t qtest_readw(QtestClient *q, uint64_t addr)
{
	return (uint16_t)qtest_read_width(q, addr, 2);
}

uint32_t qtest_readl(QtestClient *q, uint64_t addr)
{
	return (uint32_t)qtest_read_width(q, addr, 4);
}

uint64_t qtest_readq(QtestClient *q, uint64_t addr)
{
	return qtest_read_width(q, addr, 8);
}

void qtest_writeb(QtestClient *q, uint64_t addr, uint8_t value)
{
	qtest_write_width(q, addr, value, 1);
}

void qtest_writew(QtestClient *q, uint64_t addr, uint16_t value)
{
	qtest_write_width(q, addr, value, 2);
}

void qtest_writel(QtestClient *q, uint64_t addr, uint32_t value)
{
	qtest_write_width(q, addr, value, 4);
}

void qtest_writeq(QtestClient *q, uint64_t addr, uint64_t value)
{
	qtest_write_width(q, addr, value, 8);
}

void qtest_read(QtestClient *q, uint64_t addr, void *data, size_t size)
{
	char *answer = qtest_command(q, "read 0x%" PRIx64 " 0x%zx\n", addr, size);
	uint8_t *to = data;
	size_t i;

	g_assert_cmpuint(strlen(answer), ==, 2 + 2 * size);
	for (i = 0; i < size; i++)
		to[i] = (uint8_t)(g_ascii_xdigit_value(answer[2 + 2 * i]) << 4 |
				  g_ascii_xdigit_value(answer[3 + 2 * i]));
	g_free(answer);
}

void qtest_write(QtestClient *q, uint64_t addr, const void *data, size_t size)
{
	GString *hex = g_string_new(NULL);
	const uint8_t *from = data;
	size_t i;

	for (i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", from[i]);
	g_free(qtest_command(q, "write 0x%" PRIx64 " 0x%zx 0x%s\n", addr, size, hex->str));
	g_string_free(hex, TRUE);
}

uint64_t qtest_await(QtestClient *q, uint64_t addr, unsigned width, uint64_t mask,
		     uint64_t want)
{
	const gint64 end = g_get_monotonic_time() + ANSWER_TIMEOUT_S * G_USEC_PER_SEC;
	uint64_t value;

	while (((value = qtest_read_width(q, addr, width)) & mask) != want) {
		if (g_get_monotonic_time() >= end)
			g_error("0x%" PRIx64 " is 0x%" PRIx64 ", not 0x%" PRIx64 " of 0x%" PRIx64,
				addr, value, want, mask);
		g_usleep(100);
	}
	return value;
}

int64_t qtest_clock_step(QtestClient *q, int64_t ns)
{
	char *answer = qtest_command(q, "clock_step %" PRId64 "\n", ns);
	int64_t now = g_ascii_strtoll(answer, NULL, 0);

	g_free(answer);
	return now;
}
