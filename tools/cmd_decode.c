/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix decode: a trace of the TCTI, annotated. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"
#include "trace_file.h"

static void print_access(const struct trace_entry *e)
{
	g_autofree char *text = trace_entry_text(e);
	g_autofree char *count = e->count > 1 ? g_strdup_printf("  (%u times)", e->count) :
				 g_strdup("");
	g_autofree char *again = e->repeated ? g_strdup_printf("  [%u repeated]", e->repeated) :
				 g_strdup("");

	printf("%11.6f  %u %-5s %-13s %s%s%s\n", e->seconds, e->locality,
	       e->write ? "write" : "read", e->name, text, count, again);
}

static void print_entry(const struct trace_entry *e)
{
	g_autofree char *hex = NULL;

	switch (e->kind) {
	case TRACE_COMMAND:
	case TRACE_RESPONSE:
		hex = tool_hex(e->bytes->data, e->bytes->len);
		printf("%11.6f  %s %s\n               %s\n", e->seconds,
		       e->kind == TRACE_COMMAND ? "command " : "response", e->text, hex);
		break;
	case TRACE_ERROR:
		printf("%11.6f  ERROR %s\n", e->seconds, e->text);
		break;
	case TRACE_NOTE:
		printf("# %s\n", e->text);
		break;
	default:
		print_access(e);
	}
}

static void json_access(const struct trace_entry *e, JsonBuilder *b)
{
	tool_json_int(b, "locality", e->locality);
	tool_json_string(b, "register", e->name);
	tool_json_int(b, "offset", e->off);
	tool_json_int(b, "size", e->size);
	tool_json_int(b, "count", e->count);
	tool_json_int(b, "repeated", e->repeated);
	if (e->bytes)
		return;
	tool_json_int(b, "value", (gint64)e->val);
	json_builder_set_member_name(b, "fields");
	json_builder_begin_object(b);
	trace_entry_fields(e, b);
	json_builder_end_object(b);
}

static void json_entry(const struct trace_entry *e, JsonBuilder *b)
{
	static const char *const kinds[] = { "access", "command", "response", "error",
					     "note" };
	g_autofree char *hex = NULL;

	json_builder_begin_object(b);
	tool_json_us(b, e->seconds);
	tool_json_string(b, "kind", e->kind != TRACE_ACCESS ? kinds[e->kind] :
			 e->write ? "write" : "read");
	if (e->kind == TRACE_ACCESS)
		json_access(e, b);
	if (e->text)
		tool_json_string(b, "text", e->text);
	if (e->bytes) {
		hex = tool_hex(e->bytes->data, e->bytes->len);
		tool_json_string(b, "bytes", hex);
	}
	json_builder_end_object(b);
}

static int run(struct tool *t, int argc, char **argv)
{
	g_autoptr(GPtrArray) all = NULL;
	g_autoptr(JsonBuilder) b = NULL;
	g_autoptr(GError) error = NULL;
	guint i;

	if (!tool_parse(t, &tool_decode, NULL, argc, argv))
		return TOOL_USAGE;
	all = trace_file_read(t->operand, &error);
	if (!all)
		return tool_fail(TOOL_FAILED, "%s", error->message);
	if (t->json) {
		b = json_builder_new();
		json_builder_begin_object(b);
		json_builder_set_member_name(b, "trace");
		json_builder_begin_array(b);
	}
	for (i = 0; i < all->len; i++) {
		if (b)
			json_entry(g_ptr_array_index(all, i), b);
		else
			print_entry(g_ptr_array_index(all, i));
	}
	if (b) {
		json_builder_end_array(b);
		tool_print_json(b, true);
	}
	return TOOL_OK;
}

const struct tool_command tool_decode = {
	.name = "decode",
	.operand = "TRACE",
	.needs_operand = true,
	.summary = "a file that the TCTI wrote by trace=TRACE, in words",
	.description =
		"Prints a trace that the TCTI, or this program, wrote by trace=TRACE, in words:\n"
		"seconds, locality, read or write, register, fields that are not 0. Equal reads\n"
		"and the bytes of a buffer are one line; 'repeated' says how many of them were\n"
		"repetitions that replay= made. TRACE - is standard input. For Wireshark there is\n"
		"TRACE.pcap.",
	.run = run,
};
