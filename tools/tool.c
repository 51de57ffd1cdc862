/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

#define HEADER_SIZE     10u
#define COMMAND_MAX     65536u

int tool_fail(enum tool_status status, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	/* After what was printed before it, where both go to one place. */
	fflush(stdout);
	fprintf(stderr, "tpmix: %s\n", text);
	return (int)status;
}

const char *tool_transport(const struct tpmix_options *o)
{
	switch (o->transport) {
	case TPMIX_TRANSPORT_QTEST:
		return "qtest";
	case TPMIX_TRANSPORT_MEM:
		return "mem";
	default:
		return "inproc";
	}
}

bool tool_open_bus(struct tool *t)
{
	g_autoptr(GError) error = NULL;

	if (!tpmix_device_open_bus(&t->dev, &t->options, &error)) {
		tool_fail(TOOL_FAILED, "%s", error->message);
		return false;
	}
	t->record = record_new(t->dev.bus);
	t->dev.bus = &t->record->bus;
	return true;
}

bool tool_open(struct tool *t)
{
	g_autoptr(GError) error = NULL;

	if (!tool_open_bus(t))
		return false;
	if (!tpmix_door_open(&t->dev.door, t->dev.bus, t->options.door,
			     t->options.locality, &error)) {
		tool_fail(TOOL_FAILED, "%s", error->message);
		return false;
	}
	if (t->dev.trace)
		tpmix_trace_interface(t->dev.trace, t->dev.door.interface);
	return true;
}

void tool_clear(struct tool *t)
{
	if (t->dev.bus)
		tpmix_device_close(&t->dev);
	tpmix_options_clear(&t->options);
	g_free(t->config);
	g_free(t->operand);
}

/* JSON */

void tool_print_json(JsonBuilder *b, bool pretty)
{
	g_autoptr(JsonGenerator) g = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_end_object(b);
	root = json_builder_get_root(b);
	json_generator_set_root(g, root);
	json_generator_set_pretty(g, pretty);
	text = json_generator_to_data(g, NULL);
	puts(text);
	fflush(stdout);
}

void tool_json_string(JsonBuilder *b, const char *key, const char *value)
{
	json_builder_set_member_name(b, key);
	json_builder_add_string_value(b, value);
}

void tool_json_int(JsonBuilder *b, const char *key, gint64 value)
{
	json_builder_set_member_name(b, key);
	json_builder_add_int_value(b, value);
}

void tool_json_us(JsonBuilder *b, double seconds)
{
	/* A double of so many seconds is written with 17 digits. */
	tool_json_int(b, "us", (gint64)(seconds * 1e6 + 0.5));
}

void tool_json_bool(JsonBuilder *b, const char *key, bool value)
{
	json_builder_set_member_name(b, key);
	json_builder_add_boolean_value(b, value);
}

/* Signals */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void tool_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool tool_interrupted(void)
{
	return interrupted;
}

/* Bytes */

GByteArray *tool_parse_hex(const char *text, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	const char *at = text;

	if (g_str_has_prefix(at, "0x"))
		at += 2;
	while (*at) {
		uint8_t byte;

		if (g_ascii_isspace(*at) || *at == ':') {
			at++;
			continue;
		}
		if (!g_ascii_isxdigit(at[0]) || !g_ascii_isxdigit(at[1])) {
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
				    "'%.8s' is not two hexadecimal digits: give bytes, as 80010000000c0000017b0010",
				    at);
			return NULL;
		}
		byte = (uint8_t)(g_ascii_xdigit_value(at[0]) << 4 |
				 g_ascii_xdigit_value(at[1]));
		g_byte_array_append(bytes, &byte, 1);
		at += 2;
	}
	return g_steal_pointer(&bytes);
}

char *tool_read_stdin(gsize max)
{
	GString *text = g_string_new(NULL);
	char buf[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR && !tool_interrupted())
			continue;
		if (n < 0 || text->len > max)
			break;
		g_string_append_len(text, buf, n);
	}
	return g_string_free(text, FALSE);
}

GByteArray *tool_parse_command(const char *text, uint32_t bufsize)
{
	g_autofree char *input = strcmp(text, "-") ? g_strdup(text) :
				tool_read_stdin(4 * COMMAND_MAX);
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) cmd = tool_parse_hex(input, &error);

	if (!cmd) {
		tool_fail(TOOL_USAGE, "%s", error->message);
		return NULL;
	}
	if (cmd->len < HEADER_SIZE) {
		tool_fail(TOOL_USAGE, "%u bytes are no TPM command: it begins with tag, size and code, %u bytes",
			  cmd->len, HEADER_SIZE);
		return NULL;
	}
	if (tpmix_header_size(cmd->data) != cmd->len) {
		tool_fail(TOOL_USAGE, "the command has %u bytes, its header (bytes 2 to 5) says %u: make them agree",
			  cmd->len, tpmix_header_size(cmd->data));
		return NULL;
	}
	if (cmd->len > bufsize) {
		tool_fail(TOOL_USAGE, "the command has %u bytes, this TPM takes %u",
			  cmd->len, bufsize);
		return NULL;
	}
	return g_steal_pointer(&cmd);
}

char *tool_hex(const uint8_t *data, uint32_t len)
{
	GString *text = g_string_sized_new(2 * len + 1);
	uint32_t i;

	for (i = 0; i < len; i++)
		g_string_append_printf(text, "%02x", data[i]);
	return g_string_free(text, FALSE);
}
