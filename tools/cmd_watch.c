/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix watch: what changes in the registers, as it happens. */
#include <poll.h>
#include <stdio.h>

#include "look.h"
#include "tool.h"

static gboolean opt_all;
static int opt_interval_ms = 100, opt_count;
static double opt_seconds;

static const GOptionEntry entries[] = {
	{ "all", 'a', 0, G_OPTION_ARG_NONE, &opt_all,
	  "All localities, not the one of locality= only", NULL },
	{ "interval", 'i', 0, G_OPTION_ARG_INT, &opt_interval_ms,
	  "Look every MS milliseconds (100)", "MS" },
	{ "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &opt_seconds,
	  "End after S seconds", "S" },
	{ "count", 'n', 0, G_OPTION_ARG_INT, &opt_count, "End after N changes", "N" },
	G_OPTION_ENTRY_NULL
};

/* A register that may change by itself, and what it was. */
struct watched {
	const struct fields_reg *reg;
	uint32_t off;
	unsigned int locality;
	uint64_t val;
};

static const char *const names[] = {
	"ACCESS", "INT_STATUS", "STS",
	"LOC_STATE", "LOC_STS", "CTRL_STS", "CTRL_START", "CRB_INT_STS",
	"INDEX", "CSUM_EXPECT", "ACCEPTED", "STATUS", "COMPLETED", "RSP_SIZE", "CSUM",
};

static void add_locality(GArray *all, const struct look *l, unsigned int locality)
{
	const struct fields_reg *r;
	uint32_t page;
	int group;
	size_t i;

	for (group = 0; group < FIELDS_GROUPS; group++) {
		if (!look_page(l, (enum fields_group)group, locality, &page))
			continue;
		for (r = fields_group((enum fields_group)group); r->name; r++) {
			struct watched w = { .reg = r, .off = page + r->off,
					     .locality = locality };

			for (i = 0; i < G_N_ELEMENTS(names); i++)
				if (!g_strcmp0(names[i], r->name))
					g_array_append_val(all, w);
		}
	}
}

/* The fields of @after that differ from @before; all of them at the beginning. */
static char *difference(const struct watched *w, uint64_t before, bool first)
{
	g_autofree char *old = fields_text(w->reg, before, false);
	g_autofree char *now = fields_text(w->reg, w->val, false);
	g_auto(GStrv) a = g_strsplit(old, ", ", -1);
	g_auto(GStrv) b = g_strsplit(now, ", ", -1);
	GString *text = g_string_new(NULL);
	int i;

	if (fields_hidden(w->reg, w->val))
		return g_string_free(g_string_append(text, "locality not active"), FALSE);
	if (first || fields_hidden(w->reg, before)) {
		g_string_free(text, TRUE);
		return fields_text(w->reg, w->val, true);
	}
	for (i = 0; a[i] && b[i]; i++)
		if (g_strcmp0(a[i], b[i]))
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", b[i]);
	return g_string_free(text, FALSE);
}

static void print(const struct tool *t, const struct watched *w, uint64_t before,
		  bool first, double seconds)
{
	g_autofree char *text = difference(w, before, first);
	g_autoptr(JsonBuilder) b = NULL;

	if (!t->json) {
		printf("%11.6f  %u %-13s 0x%0*" G_GINT64_MODIFIER "x%*s  %s\n", seconds,
		       w->locality, w->reg->name, (int)w->reg->size * 2, w->val,
		       8 - (int)w->reg->size * 2, "", text);
		fflush(stdout);
		return;
	}
	b = json_builder_new();
	json_builder_begin_object(b);
	tool_json_us(b, seconds);
	tool_json_int(b, "locality", w->locality);
	tool_json_string(b, "register", w->reg->name);
	tool_json_int(b, "value", (gint64)w->val);
	tool_json_bool(b, "first", first);
	tool_json_bool(b, "shown", !fields_hidden(w->reg, w->val));
	json_builder_set_member_name(b, "fields");
	json_builder_begin_object(b);
	if (!fields_hidden(w->reg, w->val))
		fields_json(w->reg, w->val, b);
	json_builder_end_object(b);
	tool_print_json(b, false);
}

/* Returns how many changed. */
static int sample(const struct tool *t, GArray *all, bool first, double seconds)
{
	int changes = 0;
	guint i;

	for (i = 0; i < all->len; i++) {
		struct watched *w = &g_array_index(all, struct watched, i);
		uint64_t before = w->val;

		w->val = tpmix_bus_read(t->dev.bus, w->off, w->reg->size);
		if (tpmix_bus_error(t->dev.bus))
			break;
		if (!first && w->val == before)
			continue;
		print(t, w, before, first, seconds);
		changes += !first;
	}
	/* It is remembered for nothing here, and this may run for days. */
	g_array_set_size(t->record->accesses, 0);
	return changes;
}

static int watch(const struct tool *t, GArray *all)
{
	gint64 begin = g_get_monotonic_time();
	int changes = 0;
	bool first = true;

	while (!tool_interrupted()) {
		double seconds = (double)(g_get_monotonic_time() - begin) / 1e6;

		if (opt_seconds > 0 && seconds >= opt_seconds)
			break;
		changes += sample(t, all, first, seconds);
		first = false;
		if (tpmix_bus_error(t->dev.bus))
			return tool_fail(TOOL_FAILED, "%s",
					 tpmix_bus_error(t->dev.bus)->message);
		if ((opt_count > 0 && changes >= opt_count) || ferror(stdout))
			break;
		poll(NULL, 0, opt_interval_ms);
	}
	return TOOL_OK;
}

static int run(struct tool *t, int argc, char **argv)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct watched));
	g_autoptr(GError) error = NULL;
	struct look l;
	unsigned int i;

	if (!tool_parse(t, &tool_watch, entries, argc, argv))
		return TOOL_USAGE;
	if (opt_interval_ms < 1 || opt_count < 0 || opt_seconds < 0)
		return tool_fail(TOOL_USAGE, "--interval, --seconds and --count are above 0");
	if (t->options.transport == TPMIX_TRANSPORT_INPROC)
		return tool_fail(TOOL_USAGE,
				 "nobody else can change a TPM in this process: watch one by transport=qtest or mem, or give the program that uses it trace=FILE");
	tool_catch_signals();
	if (!tool_open_bus(t))
		return TOOL_FAILED;
	if (!look_open(&l, t->dev.bus, &error))
		return tool_fail(TOOL_FAILED, "%s", error->message);
	for (i = 0; i < TPMIX_NUM_LOCALITIES; i++)
		if ((opt_all || i == t->options.locality) && look_has_locality(&l, i))
			add_locality(all, &l, i);
	return watch(t, all);
}

const struct tool_command tool_watch = {
	.name = "watch",
	.has_device = true,
	.summary = "prints what changes in the registers, as it happens",
	.description =
		"Looks at the registers again and again and prints what changed: seconds,\n"
		"locality, register, value, changed fields. Ends with Ctrl-C, or by --seconds or\n"
		"--count. Only reads: the TPM's user does not notice.",
	.run = run,
};
