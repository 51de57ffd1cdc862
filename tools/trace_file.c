/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_file.h"

#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "fields.h"
#include "tool.h"
#include "tpm_names.h"

#define MAGIC "# tpmix trace 1"

static void entry_free(gpointer opaque)
{
	struct trace_entry *e = opaque;

	if (e->bytes)
		g_byte_array_unref(e->bytes);
	g_free(e->text);
	g_free(e->name);
	g_free(e);
}

/* Bytes of a command or response pass here, not values. */
static bool is_buffer(const char *name)
{
	static const char *const buffers[] = {
		"DATA_FIFO", "XDATA_FIFO", "DATA_BUFFER", "window",
		"command window", "response window",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(buffers); i++)
		if (!strcmp(buffers[i], name))
			return true;
	return false;
}

static bool parse_bytes(struct trace_entry *e, const char *rest)
{
	e->bytes = tool_parse_hex(rest, NULL);
	if (e->bytes)
		e->text = tpm_describe(e->bytes->data, e->bytes->len,
				       e->kind == TRACE_RESPONSE);
	return e->bytes;
}

static bool parse_access(struct trace_entry *e, char kind, const char *rest)
{
	int at = 0;
	char *plus;
	unsigned int i;

	if (sscanf(rest, "0x%x %u 0x%" G_GINT64_MODIFIER "x %u %n", &e->off, &e->size,
		   &e->val, &e->locality, &at) != 4 || !at || !rest[at] ||
	    e->size < 1 || e->size > 8)
		return false;
	e->kind = TRACE_ACCESS;
	e->write = g_ascii_tolower(kind) == 'w';
	e->count = 1;
	e->repeated = g_ascii_islower(kind);
	e->name = g_strdup(rest + at);
	plus = strchr(e->name, '+');
	if (plus) {
		e->shift = (unsigned int)g_ascii_strtoull(plus + 1, NULL, 10);
		*plus = '\0';
	}
	if (is_buffer(e->name)) {
		e->bytes = g_byte_array_new();
		for (i = 0; i < e->size; i++) {
			uint8_t byte = (uint8_t)(e->val >> (8 * i));

			g_byte_array_append(e->bytes, &byte, 1);
		}
	}
	return true;
}

static bool parse_line(struct trace_entry *e, const char *line)
{
	char kind;
	int at = 0;

	if (line[0] == '#') {
		e->kind = TRACE_NOTE;
		e->text = g_strchug(g_strdup(line + 1));
		return true;
	}
	if (sscanf(line, "%lf %c %n", &e->seconds, &kind, &at) != 2 || !at)
		return false;
	switch (kind) {
	case '>':
		e->kind = TRACE_COMMAND;
		return parse_bytes(e, line + at);
	case '<':
		e->kind = TRACE_RESPONSE;
		return parse_bytes(e, line + at);
	case '!':
		e->kind = TRACE_ERROR;
		e->text = g_strdup(line + at);
		return true;
	case 'R':
	case 'W':
	case 'r':
	case 'w':
		return parse_access(e, kind, line + at);
	}
	return false;
}

/* True where @e is now a part of @last. */
static bool join(struct trace_entry *last, const struct trace_entry *e)
{
	if (!last || last->kind != TRACE_ACCESS || e->kind != TRACE_ACCESS ||
	    last->write != e->write || last->locality != e->locality ||
	    strcmp(last->name, e->name))
		return false;
	/* Where a byte of a buffer came twice is what one looks for. */
	if (e->bytes && (e->repeated || last->repeated))
		return false;
	if (e->bytes)
		g_byte_array_append(last->bytes, e->bytes->data, e->bytes->len);
	else if (last->off != e->off || last->size != e->size || last->val != e->val)
		return false;
	last->count++;
	last->repeated += e->repeated;
	return true;
}

GPtrArray *trace_file_read(const char *path, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(entry_free);
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	struct trace_entry *last = NULL;
	int i;

	if (!strcmp(path, "-"))
		text = tool_read_stdin(G_MAXSIZE);
	else if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	if (!g_str_has_prefix(text, MAGIC)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "%s is no trace: give a file that trace=FILE wrote%s", path,
			    g_str_has_suffix(path, ".pcap") ?
			    ", without .pcap" : "");
		return NULL;
	}
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i]; i++) {
		struct trace_entry *e;

		if (!lines[i][0])
			continue;
		e = g_new0(struct trace_entry, 1);
		/* The last line of a program that was killed may be half. */
		if (!parse_line(e, lines[i])) {
			entry_free(e);
			if (!lines[i + 1])
				break;
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
				    "%s: line %d is not of a trace: '%.40s'", path,
				    i + 1, lines[i]);
			return NULL;
		}
		if (join(last, e)) {
			entry_free(e);
			continue;
		}
		g_ptr_array_add(all, e);
		last = e;
	}
	return g_steal_pointer(&all);
}

/* The register, and its part of the value, from byte @at of the access on. */
static const struct fields_reg *part(const struct trace_entry *e,
				     const struct fields_reg *reg, unsigned int at,
				     uint64_t *val)
{
	unsigned int size = MIN(reg->size, e->size - at);

	*val = (e->val >> (8 * at)) & (UINT64_MAX >> (64 - 8 * size));
	/* A part of the register: its bits stay where they belong. */
	if (!at && e->shift < reg->size)
		*val <<= 8 * e->shift;
	return reg;
}

char *trace_entry_text(const struct trace_entry *e)
{
	const struct fields_reg *reg = fields_find(e->name);
	unsigned int at = 0;
	GString *text = g_string_new(NULL);

	if (e->bytes) {
		g_autofree char *hex = tool_hex(e->bytes->data, MIN(e->bytes->len, 24));

		g_string_printf(text, "%u bytes: %s%s", e->bytes->len, hex,
				e->bytes->len > 24 ? "..." : "");
		return g_string_free(text, FALSE);
	}
	g_string_printf(text, "0x%0*" G_GINT64_MODIFIER "x ", (int)e->size * 2, e->val);
	while (reg && at < e->size) {
		uint64_t val;
		const struct fields_reg *r = part(e, reg, at, &val);
		g_autofree char *fields = fields_text(r, val, true);

		if (at)
			g_string_append_printf(text, "; %s: ", r->name);
		g_string_append(text, fields_hidden(r, val) ? "locality not active" :
				*fields ? fields : r->fields ? "0" : "");
		at += r->size;
		reg = fields_next(reg);
	}
	return g_string_free(text, FALSE);
}

void trace_entry_fields(const struct trace_entry *e, JsonBuilder *b)
{
	const struct fields_reg *reg = fields_find(e->name);
	unsigned int at;

	for (at = 0; reg && at < e->size; at += reg->size, reg = fields_next(reg)) {
		uint64_t val;
		const struct fields_reg *r = part(e, reg, at, &val);

		json_builder_set_member_name(b, r->name);
		json_builder_begin_object(b);
		if (!fields_hidden(r, val))
			fields_json(r, val, b);
		json_builder_end_object(b);
		if (!fields_next(reg))
			break;
	}
}
