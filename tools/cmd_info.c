/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix info: the registers, field by field. */
#include <stdio.h>

#include "look.h"
#include "tool.h"

static gboolean opt_all, opt_request;

static const GOptionEntry entries[] = {
	{ "all", 'a', 0, G_OPTION_ARG_NONE, &opt_all,
	  "All localities, not the one of locality= only", NULL },
	{ "request", 'r', 0, G_OPTION_ARG_NONE, &opt_request,
	  "Ask for the locality meanwhile: shows what only the active locality sees. Takes part in arbitration: not while another program uses this TPM",
	  NULL },
	G_OPTION_ENTRY_NULL
};

static const char *const titles[] = {
	[FIELDS_FIFO] = "FIFO (TIS 1.3, PTP)",
	[FIELDS_CRB] = "CRB (PTP)",
	[FIELDS_INDEXED] = "indexed door",
};

static char *doors(const struct look *l)
{
	uint32_t page = 0, cap = 0;
	GString *text = g_string_new(NULL);

	if (look_page(l, FIELDS_INDEXED, 0, &page))
		cap = (uint32_t)tpmix_bus_read(l->bus, page + TPMIX_REG_CAP, 4);
	if (l->indexed)
		g_string_append(text, "indexed, ");
	if (l->indexed && (cap & TPMIX_CAP_RAM))
		g_string_append(text, "window, ");
	g_string_append(text, l->interface == TPMIX_INTERFACE_CRB ? "crb" : "fifo");
	return g_string_free(text, FALSE);
}

/* "name 1, name 0, ..." in lines that end before column 88. */
static void print_wrapped(const char *text, int indent)
{
	g_auto(GStrv) words = g_strsplit(text, ", ", -1);
	int column = indent, i;

	for (i = 0; words[i]; i++) {
		int len = (int)g_utf8_strlen(words[i], -1);

		if (i && column + len + 1 > 88) {
			printf(",\n%*s", indent, "");
			column = indent;
		} else if (i) {
			fputs(", ", stdout);
			column += 2;
		}
		fputs(words[i], stdout);
		column += len;
	}
}

static void print_register(const struct fields_reg *r, uint64_t val)
{
	g_autofree char *hex = g_strdup_printf("0x%0*" G_GINT64_MODIFIER "x",
					       (int)r->size * 2, val);
	g_autofree char *text = fields_text(r, val, false);

	printf("  0x%03x  %-15s  %-10s", r->off, r->name, hex);
	if (fields_hidden(r, val))
		fputs("  shown to the active locality only", stdout);
	else if (*text) {
		fputs("  ", stdout);
		print_wrapped(text, 38);
	}
	putchar('\n');
}

static void print_locality(const struct look *l, unsigned int locality)
{
	const struct fields_reg *r;
	uint32_t page;
	int group;

	for (group = 0; group < FIELDS_GROUPS; group++) {
		if (!look_page(l, (enum fields_group)group, locality, &page))
			continue;
		printf("\nlocality %u, %s\n", locality, titles[group]);
		for (r = fields_group((enum fields_group)group); r->name; r++)
			print_register(r, tpmix_bus_read(l->bus, page + r->off, r->size));
	}
}

static void json_locality(const struct look *l, unsigned int locality, JsonBuilder *b)
{
	const struct fields_reg *r;
	uint32_t page;
	int group;

	json_builder_begin_object(b);
	tool_json_int(b, "locality", locality);
	json_builder_set_member_name(b, "registers");
	json_builder_begin_array(b);
	for (group = 0; group < FIELDS_GROUPS; group++) {
		if (!look_page(l, (enum fields_group)group, locality, &page))
			continue;
		for (r = fields_group((enum fields_group)group); r->name; r++) {
			uint64_t val = tpmix_bus_read(l->bus, page + r->off, r->size);

			json_builder_begin_object(b);
			tool_json_string(b, "name", r->name);
			tool_json_int(b, "offset", page + r->off);
			tool_json_int(b, "size", r->size);
			tool_json_int(b, "value", (gint64)val);
			tool_json_bool(b, "shown", !fields_hidden(r, val));
			json_builder_set_member_name(b, "fields");
			json_builder_begin_object(b);
			if (!fields_hidden(r, val))
				fields_json(r, val, b);
			json_builder_end_object(b);
			json_builder_end_object(b);
		}
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static void print_head(const struct tool *t, const struct look *l, JsonBuilder *b)
{
	g_autofree char *text = doors(l);
	const char *interface = l->interface == TPMIX_INTERFACE_CRB ? "CRB" : "FIFO";

	if (!b) {
		printf("TPM at 0x%" G_GINT64_MODIFIER "x, transport %s, interface %s, doors: %s\n",
		       tpmix_bus_base(l->bus), tool_transport(&t->options), interface,
		       text);
		return;
	}
	json_builder_begin_object(b);
	tool_json_int(b, "address", (gint64)tpmix_bus_base(l->bus));
	tool_json_string(b, "transport", tool_transport(&t->options));
	tool_json_string(b, "interface", interface);
	json_builder_set_member_name(b, "doors");
	json_builder_begin_array(b);
	if (text) {
		g_auto(GStrv) names = g_strsplit(text, ", ", -1);
		int i;

		for (i = 0; names[i]; i++)
			json_builder_add_string_value(b, names[i]);
	}
	json_builder_end_array(b);
	json_builder_set_member_name(b, "localities");
	json_builder_begin_array(b);
}

/* False where the locality was to be had and was not. */
static bool show(const struct tool *t, const struct look *l, unsigned int locality,
		 JsonBuilder *b, GError **error)
{
	/* Nobody else can be there: the lock is ours. */
	bool ask = opt_request || t->options.transport == TPMIX_TRANSPORT_INPROC;

	ask = ask && !look_is_active(l, locality);
	if (ask && !look_request(l, locality, error))
		return false;
	if (b)
		json_locality(l, locality, b);
	else
		print_locality(l, locality);
	if (ask)
		look_relinquish(l, locality);
	return true;
}

static int run(struct tool *t, int argc, char **argv)
{
	g_autoptr(JsonBuilder) b = NULL;
	g_autoptr(GError) error = NULL;
	unsigned int i, first, last;
	struct look l;

	if (!tool_parse(t, &tool_info, entries, argc, argv))
		return TOOL_USAGE;
	if (!tool_open_bus(t))
		return TOOL_FAILED;
	if (!look_open(&l, t->dev.bus, &error))
		return tool_fail(TOOL_FAILED, "%s", error->message);
	first = opt_all ? 0 : t->options.locality;
	last = opt_all ? TPMIX_NUM_LOCALITIES - 1 : first;
	if (!opt_all && !look_has_locality(&l, first))
		return tool_fail(TOOL_FAILED, "this TPM has no locality %u", first);
	if (t->json)
		b = json_builder_new();
	print_head(t, &l, b);
	for (i = first; i <= last; i++)
		if (look_has_locality(&l, i) && !show(t, &l, i, b, &error))
			return tool_fail(TOOL_FAILED, "%s", error->message);
	if (tpmix_bus_error(t->dev.bus))
		return tool_fail(TOOL_FAILED, "%s", tpmix_bus_error(t->dev.bus)->message);
	if (b) {
		json_builder_end_array(b);
		tool_print_json(b, true);
	}
	return TOOL_OK;
}

const struct tool_command tool_info = {
	.name = "info",
	.has_device = true,
	.summary = "the registers, field by field, in the specification's words",
	.description =
		"Prints the registers of a TPM, decoded field by field in the words of the TCG's\n"
		"TIS 1.3 and PTP, and of docs/specification.md for the indexed door. Reading them\n"
		"changes nothing; DATA_FIFO is not read.",
	.run = run,
};
