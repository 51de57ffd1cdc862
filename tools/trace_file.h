/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what tcti/trace.h describes; joins what is said once. */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

enum trace_kind { TRACE_ACCESS, TRACE_COMMAND, TRACE_RESPONSE, TRACE_ERROR, TRACE_NOTE };

struct trace_entry {
	enum trace_kind kind;
	double seconds;
	char *text;             /* what a command is; a message; or NULL */
	GByteArray *bytes;      /* of a command, response, or buffer; or NULL */
	/* accesses */
	bool write;
	char *name;
	uint32_t off;
	unsigned int size, locality, shift; /* shift: bytes behind the register's first */
	uint64_t val;
	unsigned int count, repeated;   /* joined here; how many were repetitions */
};

/* Of a file, or of standard input: "-". struct trace_entry *; NULL and @error. */
GPtrArray *trace_file_read(const char *path, GError **error);

/* Of an access: its value in words; g_free(). */
char *trace_entry_text(const struct trace_entry *e);
/* The same as members of the open object. */
void trace_entry_fields(const struct trace_entry *e, JsonBuilder *b);

#endif /* TRACE_FILE_H */
