/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix replay: each access of a transaction repeated, and what came out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "regname.h"
#include "sweep.h"
#include "tool.h"
#include "tpm_names.h"

/* TPM2_GetCapability, 8 properties from TPM_PT_FIXED on: always the same answer. */
#define DEFAULT_COMMAND "8001000000160000017a000000060000010000000008"
#define WHENS           3
#define REACH_TRIES     4

static gboolean opt_each;
static char *opt_when;
static int opt_delay = 1;

static const GOptionEntry entries[] = {
	{ "each", 'e', 0, G_OPTION_ARG_NONE, &opt_each,
	  "A line for each access, not for each register", NULL },
	{ "when", 'w', 0, G_OPTION_ARG_STRING, &opt_when,
	  "Only: now, late, or completed",
	  "WHEN" },
	{ "delay", 'd', 0, G_OPTION_ARG_INT, &opt_delay,
	  "Late is after N more accesses (1)", "N" },
	G_OPTION_ENTRY_NULL
};

static const char *const when_names[WHENS] = { "now", "late", "completed" };
static const char *const when_titles[WHENS] = { "at once", "late", "after completion" };
static const char *const outcome_names[SWEEP_OUTCOMES] = {
	"right", "wrong", "failed", "none",
};

/* What came out for the accesses of one kind to one register, or for all. */
struct row {
	char *title;            /* of total: not allocated */
	guint counts[WHENS][SWEEP_OUTCOMES];
	guint twice[WHENS];
};

struct result {
	struct sweep sweep;
	GPtrArray *rows;        /* struct row *, in the order of the first access */
	struct row total;
	JsonBuilder *b;         /* NULL: text */
};

static void row_free(gpointer opaque)
{
	struct row *row = opaque;

	g_free(row->title);
	g_free(row);
}

static struct row *find_row(struct result *r, const char *title)
{
	struct row *row;
	guint i;

	for (i = 0; i < r->rows->len; i++) {
		row = g_ptr_array_index(r->rows, i);
		if (!strcmp(row->title, title))
			return row;
	}
	row = g_new0(struct row, 1);
	row->title = g_strdup(title);
	g_ptr_array_add(r->rows, row);
	return row;
}

static void count(struct row *row, int when, const struct sweep_trial *trial)
{
	row->counts[when][trial->outcome]++;
	if (trial->runs > 1)
		row->twice[when]++;
}

static const char *access_name(const struct result *r, const struct record_access *a)
{
	unsigned int locality;
	uint32_t first;

	return tpmix_reg_name(a->off, r->sweep.dev->door.interface, &first, &locality);
}

static void json_trial(struct result *r, int when, guint nth,
		       const struct sweep_trial *trial)
{
	JsonBuilder *b = r->b;

	json_builder_begin_object(b);
	tool_json_string(b, "when", when_names[when]);
	tool_json_int(b, "access", nth);
	tool_json_string(b, "kind", trial->access.write ? "write" : "read");
	tool_json_string(b, "register", access_name(r, &trial->access));
	tool_json_int(b, "offset", trial->access.off);
	tool_json_int(b, "size", trial->access.size);
	tool_json_string(b, "outcome", outcome_names[trial->outcome]);
	if (trial->runs >= 0)
		tool_json_int(b, "runs", trial->runs);
	if (trial->error)
		tool_json_string(b, "error", trial->error);
	json_builder_end_object(b);
}

static void note(struct result *r, int when, guint nth,
		 const struct sweep_trial *trial)
{
	const struct record_access *a = &trial->access;
	g_autofree char *title = g_strdup_printf("%s %s", a->write ? "write" : "read ",
						 access_name(r, a));
	g_autofree char *each = g_strdup_printf("%4u  %s", nth, title);

	count(&r->total, when, trial);
	if (r->b)
		json_trial(r, when, nth, trial);
	else
		count(find_row(r, opt_each ? each : title), when, trial);
}

static void progress(int when, guint nth, guint of)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %u of %u ", when_titles[when], nth, of);
}

/* A poll less, and the access is not reached: again. */
static bool run_trial(struct result *r, int when, guint nth, struct sweep_trial *trial,
		      GError **error)
{
	int i;

	for (i = 0; i < REACH_TRIES; i++) {
		if (!sweep_run(&r->sweep, (enum tpmix_replay_when)when, nth,
			       (guint)opt_delay, trial, error))
			return false;
		if (trial->outcome != SWEEP_NONE || when == TPMIX_REPLAY_COMPLETED)
			break;
	}
	return true;
}

static bool sweep_all(struct result *r, GError **error)
{
	struct sweep_trial trial;
	int when;
	guint nth;

	for (when = 0; when < WHENS; when++) {
		if (opt_when && strcmp(opt_when, when_names[when]))
			continue;
		for (nth = 1; nth <= r->sweep.accesses && !tool_interrupted(); nth++) {
			bool ok = run_trial(r, when, nth, &trial, error);

			progress(when, nth, r->sweep.accesses);
			note(r, when, nth, &trial);
			g_free(trial.error);
			if (!ok)
				return false;
		}
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
	return true;
}

static char *cell(const struct row *row, int when)
{
	GString *text = g_string_new(NULL);
	int i;

	for (i = 0; i < SWEEP_NONE; i++)
		if (opt_each && row->counts[when][i] == 1)
			g_string_append(text, outcome_names[i]);
		else if (row->counts[when][i])
			g_string_append_printf(text, "%s%u %s", text->len ? ", " : "",
					       row->counts[when][i], outcome_names[i]);
	if (row->twice[when])
		g_string_append_printf(text, " (%u ran twice)", row->twice[when]);
	if (!text->len)
		g_string_append_c(text, '-');
	return g_string_free(text, FALSE);
}

static void print_row(const char *title, const char *const cells[WHENS],
		      const int widths[])
{
	GString *line = g_string_new(NULL);
	int when;

	g_string_printf(line, "%-*s", widths[WHENS], title);
	for (when = 0; when < WHENS; when++)
		if (!opt_when || !strcmp(opt_when, when_names[when]))
			g_string_append_printf(line, "  %-*s", widths[when],
					       cells[when]);
	puts(g_strchomp(line->str));
	g_string_free(line, TRUE);
}

static void print_table(struct result *r)
{
	int widths[WHENS + 1] = { 7, 7, 16, 8 }, when, pass;
	guint i;

	for (pass = 0; pass < 2; pass++) {
		if (pass)
			print_row("access", when_titles, widths);
		for (i = 0; i <= r->rows->len; i++) {
			const struct row *row = i == r->rows->len ? &r->total :
						g_ptr_array_index(r->rows, i);
			char *cells[WHENS];

			widths[WHENS] = MAX(widths[WHENS], (int)strlen(row->title));
			for (when = 0; when < WHENS; when++) {
				cells[when] = cell(row, when);
				widths[when] = MAX(widths[when], (int)strlen(cells[when]));
			}
			if (pass)
				print_row(row->title, (const char *const *)cells, widths);
			for (when = 0; when < WHENS; when++)
				g_free(cells[when]);
		}
	}
}

static guint sum(const struct row *row, enum sweep_outcome outcome)
{
	return row->counts[0][outcome] + row->counts[1][outcome] +
	       row->counts[2][outcome];
}

static guint sum_twice(const struct row *row)
{
	return row->twice[0] + row->twice[1] + row->twice[2];
}

static void print_head(const struct tool *t, const struct result *r)
{
	g_autofree char *name = tpm_describe(r->sweep.cmd->data, r->sweep.cmd->len, false);

	printf("%s; the response has %u; door %s, %u accesses\n\n", name,
	       r->sweep.right->len, tpmix_door_name(t->dev.door.kind),
	       r->sweep.accesses);
}

static void print_end(const struct result *r)
{
	const struct row *all = &r->total;

	printf("\n%u repetitions: %u right, %u wrong and accepted, %u failed; ",
	       sum(all, SWEEP_RIGHT) + sum(all, SWEEP_WRONG) + sum(all, SWEEP_FAILED),
	       sum(all, SWEEP_RIGHT), sum(all, SWEEP_WRONG), sum(all, SWEEP_FAILED));
	if (!r->sweep.counts)
		puts("how often the TPM ran the command this device does not tell");
	else if (sum_twice(all))
		printf("the TPM ran the command more than once %u times\n", sum_twice(all));
	else
		puts("the TPM never ran the command twice");
}

static void json_begin(const struct tool *t, struct result *r)
{
	g_autofree char *hex = tool_hex(r->sweep.cmd->data, r->sweep.cmd->len);

	r->b = json_builder_new();
	json_builder_begin_object(r->b);
	tool_json_string(r->b, "command", hex);
	tool_json_string(r->b, "door", tpmix_door_name(t->dev.door.kind));
	tool_json_string(r->b, "transport", tool_transport(&t->options));
	tool_json_int(r->b, "accesses", r->sweep.accesses);
	tool_json_bool(r->b, "runs-known", r->sweep.counts);
	json_builder_set_member_name(r->b, "trials");
	json_builder_begin_array(r->b);
}

static void json_end(struct result *r)
{
	json_builder_end_array(r->b);
	tool_json_int(r->b, "right", sum(&r->total, SWEEP_RIGHT));
	tool_json_int(r->b, "wrong", sum(&r->total, SWEEP_WRONG));
	tool_json_int(r->b, "failed", sum(&r->total, SWEEP_FAILED));
	tool_json_int(r->b, "ran-twice", sum_twice(&r->total));
	tool_print_json(r->b, true);
}

static int sweep_and_print(struct tool *t, struct result *r)
{
	g_autoptr(GError) error = NULL;
	bool ok;

	if (t->json)
		json_begin(t, r);
	else
		print_head(t, r);
	ok = sweep_all(r, &error);
	if (r->b) {
		json_end(r);
	} else {
		print_table(r);
		print_end(r);
	}
	if (!ok)
		return tool_fail(TOOL_FAILED, "%s", error->message);
	if (tool_interrupted())
		return tool_fail(TOOL_FAILED, "interrupted: not every access was repeated");
	return sum(&r->total, SWEEP_WRONG) || sum(&r->total, SWEEP_FAILED) ||
	       sum_twice(&r->total) ? TOOL_FOUND : TOOL_OK;
}

static bool check_options(const struct tool *t)
{
	int i = 0;

	while (opt_when && i < WHENS && strcmp(opt_when, when_names[i]))
		i++;
	if (i == WHENS)
		tool_fail(TOOL_USAGE, "--when=%s: give now, late or completed", opt_when);
	else if (opt_delay < 1)
		tool_fail(TOOL_USAGE, "--delay is at least 1");
	else if (t->options.has_replay)
		tool_fail(TOOL_USAGE, "replay= has no place here: this command chooses what is repeated");
	else
		return true;
	return false;
}

static int run(struct tool *t, int argc, char **argv)
{
	g_autoptr(GByteArray) cmd = NULL;
	g_autoptr(GError) error = NULL;
	struct result r = { .total.title = (char *)"all" };
	int status;

	if (!tool_parse(t, &tool_replay, entries, argc, argv) || !check_options(t))
		return TOOL_USAGE;
	cmd = tool_parse_command(t->operand ? t->operand : DEFAULT_COMMAND,
				 TPMIX_RAM_WINDOW_MAX);
	if (!cmd)
		return TOOL_USAGE;
	sweep_options(&t->options);
	tool_catch_signals();
	if (!tool_open(t))
		return TOOL_FAILED;
	r.rows = g_ptr_array_new_with_free_func(row_free);
	if (sweep_begin(&r.sweep, &t->dev, t->record, cmd, &error))
		status = sweep_and_print(t, &r);
	else
		status = tool_fail(TOOL_FAILED, "%s", error->message);
	sweep_end(&r.sweep);
	g_ptr_array_unref(r.rows);
	g_clear_object(&r.b);
	return status;
}

const struct tool_command tool_replay = {
	.name = "replay",
	.operand = "[HEX]",
	.has_device = true,
	.summary = "repeats each access of a transaction, says what came out",
	.description =
		"Hands the TPM one command many times, each time with another of its register\n"
		"accesses repeated: now (the driver gets the second value of a read), late, and\n"
		"when the command has completed. For each: was the response right, wrong and\n"
		"accepted, or did the driver fail, and did the TPM run the command once? Without\n"
		"HEX it is a TPM2_GetCapability. With transport=mem a real TPM gets all this.\n"
		"Exit status 3: something was wrong, failed, or ran twice.",
	.run = run,
};
