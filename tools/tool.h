/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpmix(1): what its subcommands have in common. A subcommand is one function of
 * cmd_NAME.c; it parses, opens, prints, and returns the program's exit status.
 */
#ifndef TOOL_H
#define TOOL_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "device.h"
#include "record.h"

enum tool_status {
	TOOL_OK,
	TOOL_FAILED,    /* it could not be done: the device, a file */
	TOOL_USAGE,     /* the command line is wrong */
	TOOL_FOUND,     /* it was done, and what it found is bad */
};

struct tool {
	/* the command line */
	char *config;           /* of -T, or of the operand with "=" in it */
	char *operand;          /* NULL: none */
	gboolean json;
	struct tpmix_options options;
	/* after tool_open() */
	struct tpmix_device dev;
	struct record *record;  /* of every access of the driver */
};

struct tool_command {
	const char *name;
	const char *operand;    /* as in a synopsis; NULL: takes none */
	bool needs_operand, has_device;
	const char *summary;
	const char *description;
	int (*run)(struct tool *t, int argc, char **argv);
};

extern const struct tool_command tool_info, tool_watch, tool_exec, tool_replay,
	tool_decode;

/*
 * Parses options of the subcommand's @entries and the common ones, the operands, and
 * the configuration. False where the command line is wrong, with a message.
 */
bool tool_parse(struct tool *t, const struct tool_command *c,
		const GOptionEntry *entries, int argc, char **argv);

/* The device's registers alone, or with its door; false with a message. */
bool tool_open_bus(struct tool *t);
bool tool_open(struct tool *t);
void tool_clear(struct tool *t);

/* "tpmix: " and a line on stderr. Returns @status. */
int tool_fail(enum tool_status status, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* inproc, qtest or mem */
const char *tool_transport(const struct tpmix_options *o);

/* Ends the builder's root, prints it on stdout as one document, or as one line. */
void tool_print_json(JsonBuilder *b, bool pretty);
void tool_json_string(JsonBuilder *b, const char *key, const char *value);
void tool_json_int(JsonBuilder *b, const char *key, gint64 value);
void tool_json_bool(JsonBuilder *b, const char *key, bool value);
/* Member "us": microseconds. */
void tool_json_us(JsonBuilder *b, double seconds);

/* From the first SIGINT or SIGTERM on; the second one kills. */
void tool_catch_signals(void);
bool tool_interrupted(void);

/* Standard input to its end, or a little more than @max bytes of it; g_free(). */
char *tool_read_stdin(gsize max);

/* Hexadecimal, of any case, with spaces; g_byte_array_unref(). NULL and @error. */
GByteArray *tool_parse_hex(const char *text, GError **error);
/* One command: its header's size is right. "-" reads stdin. NULL with a message. */
GByteArray *tool_parse_command(const char *text, uint32_t bufsize);
char *tool_hex(const uint8_t *data, uint32_t len);

#endif /* TOOL_H */
