/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace.h"

#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "pcap.h"
#include "regname.h"

struct trace {
	struct tpmix_bus bus;
	FILE *file;
	char *path;
	struct tpmix_pcap *pcap;
	enum tpmix_interface interface;
	gint64 begin;
	bool repeating;
};

static double seconds(const struct trace *t)
{
	return (double)(g_get_monotonic_time() - t->begin) / 1e6;
}

static void put_access(struct trace *t, bool write, uint32_t off, uint64_t val,
		       unsigned int size)
{
	unsigned int locality;
	uint32_t first;
	const char *name = tpmix_reg_name(off, t->interface, &first, &locality);
	char kind = write ? 'W' : 'R';

	if (t->repeating)
		kind = (char)g_ascii_tolower(kind);
	fprintf(t->file, "%.6f %c 0x%05x %u 0x%0*" G_GINT64_MODIFIER "x %u %s",
		seconds(t), kind, off, size, (int)size * 2, val, locality, name);
	if (off != first)
		fprintf(t->file, "+%u", off - first);
	putc('\n', t->file);
}

static uint64_t trace_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	uint64_t val = tpmix_bus_read(bus->below, off, size);

	put_access((struct trace *)bus, false, off, val, size);
	return val;
}

static void trace_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			unsigned int size)
{
	put_access((struct trace *)bus, true, off, val, size);
	tpmix_bus_write(bus->below, off, val, size);
}

static void trace_close(struct tpmix_bus *bus)
{
	struct trace *t = (struct trace *)bus;
	bool bad = ferror(t->file);

	if (fclose(t->file) || bad)
		tpmix_log(TPMIX_LOG_WARNING, "trace=%s: %s: the trace has a gap",
			  t->path, g_strerror(errno));
	tpmix_pcap_close(t->pcap);
	g_free(t->path);
	g_free(t);
}

static const struct tpmix_bus_ops trace_ops = {
	.read = trace_read,
	.write = trace_write,
	.close = trace_close,
};

struct tpmix_bus *tpmix_trace_new(struct tpmix_bus *below, const char *path,
				  GError **error)
{
	g_autofree char *pcap = g_strconcat(path, ".pcap", NULL);
	struct trace *t;
	FILE *file = fopen(path, "we");

	if (!file) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "trace=%s: %s: give a file that can be written", path,
			    g_strerror(errno));
		return NULL;
	}
	t = g_new0(struct trace, 1);
	t->pcap = tpmix_pcap_open(pcap, error);
	if (!t->pcap) {
		fclose(file);
		g_free(t);
		return NULL;
	}
	t->bus.ops = &trace_ops;
	t->bus.below = below;
	t->file = file;
	t->path = g_strdup(path);
	t->interface = TPMIX_INTERFACE_FIFO;
	t->begin = g_get_monotonic_time();
	fprintf(file, "# tpmix trace 1, registers at 0x%" G_GINT64_MODIFIER "x\n",
		tpmix_bus_base(below));
	return &t->bus;
}

void tpmix_trace_interface(struct tpmix_bus *bus, enum tpmix_interface interface)
{
	((struct trace *)bus)->interface = interface;
}

void tpmix_trace_mark(void *bus, bool begin)
{
	((struct trace *)bus)->repeating = begin;
}

static void put_bytes(struct trace *t, char kind, const uint8_t *data, uint32_t len)
{
	uint32_t i;

	fprintf(t->file, "%.6f %c ", seconds(t), kind);
	for (i = 0; i < len; i++)
		fprintf(t->file, "%02x", data[i]);
	putc('\n', t->file);
	/* Whoever follows the file, or looks at it after a kill, has it all. */
	fflush(t->file);
}

void tpmix_trace_command(struct tpmix_bus *bus, unsigned int locality,
			 const uint8_t *cmd, uint32_t len)
{
	struct trace *t = (struct trace *)bus;

	put_bytes(t, '>', cmd, len);
	tpmix_pcap_add(t->pcap, false, locality, cmd, len);
}

void tpmix_trace_response(struct tpmix_bus *bus, unsigned int locality,
			  const uint8_t *rsp, uint32_t len)
{
	struct trace *t = (struct trace *)bus;

	put_bytes(t, '<', rsp, len);
	tpmix_pcap_add(t->pcap, true, locality, rsp, len);
}

void tpmix_trace_note(struct tpmix_bus *bus, char kind, const char *format, ...)
{
	struct trace *t = (struct trace *)bus;
	va_list args;

	if (kind == '#')
		fputs("# ", t->file);
	else
		fprintf(t->file, "%.6f %c ", seconds(t), kind);
	va_start(args, format);
	vfprintf(t->file, format, args);
	va_end(args);
	putc('\n', t->file);
}
