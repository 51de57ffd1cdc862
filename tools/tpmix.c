/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix(1): looks at a TPM's registers. Command line and help. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct tool_command *const commands[] = {
	&tool_info, &tool_watch, &tool_exec, &tool_replay, &tool_decode,
};

static const char usage_head[] =
	"Usage: tpmix COMMAND [OPTION...] [KEY=VALUE,...]\n"
	"\n"
	"Looks at the registers of a TPM: one in this process, one inside QEMU, or one in\n"
	"memory. Without KEY=VALUE it is a TPM of your own in this process, with its state\n"
	"in ~/.local/state/tpmix: nothing else is needed, and no hardware is touched.\n"
	"\n"
	"Commands:\n";

static const char usage_tail[] =
	"\n"
	"Which TPM (the TCTI's configuration string, see tss2-tcti-indexed(7)):\n"
	"  transport=inproc,state=DIR      in this process (the default)\n"
	"  transport=qtest,path=SOCKET     in QEMU: -qtest unix:SOCKET,server=on,wait=off\n"
	"                                           -qtest-log none\n"
	"  transport=mem,address=0xfed40000   in memory, by /dev/mem or path=/dev/uio0\n"
	"  door=indexed|window|fifo|crb    how commands are handed over\n"
	"\n"
	"Examples:\n"
	"  tpmix info\n"
	"  tpmix exec 80010000000c0000017b0010          TPM2_GetRandom, 16 bytes\n"
	"  tpmix replay door=fifo                       the fault that the interface mends\n"
	"  tpm2_getrandom -T indexed:trace=/tmp/t 16 && tpmix decode /tmp/t\n"
	"\n"
	"'tpmix COMMAND --help' has the options, tpmix(1) the rest. Exit status: 0 good,\n"
	"1 it could not be done, 2 wrong usage, 3 the TPM's answer, or what was found, is bad.\n";

static void usage(void)
{
	size_t i;

	fputs(usage_head, stdout);
	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_autofree char *left = g_strdup_printf("%s %s", commands[i]->name,
			commands[i]->operand ? commands[i]->operand : "");

		printf("  %-14s %s\n", left, commands[i]->summary);
	}
	fputs(usage_tail, stdout);
}

static bool take_operand(struct tool *t, const struct tool_command *c,
			 const char *word)
{
	char **to = &t->operand;

	if (c->has_device && strchr(word, '='))
		to = &t->config;
	else if (!c->operand) {
		tool_fail(TOOL_USAGE, "'%s' is no key=value: give for example transport=qtest,path=SOCKET",
			  word);
		return false;
	}
	if (*to) {
		tool_fail(TOOL_USAGE, "'%s' is one too many: see tpmix %s --help", word,
			  c->name);
		return false;
	}
	*to = g_strdup(word);
	return true;
}

static bool check_config(struct tool *t, GError **error)
{
	const char *config = t->config;

	/* As tpm2-tools name it: -T indexed:KEY=VALUE */
	if (config && g_str_has_prefix(config, "indexed:"))
		config += strlen("indexed:");
	else if (config && !strcmp(config, "indexed"))
		config = NULL;
	return tpmix_options_parse(&t->options, config, error);
}

bool tool_parse(struct tool *t, const struct tool_command *c,
		const GOptionEntry *entries, int argc, char **argv)
{
	const GOptionEntry common[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &t->json,
		  "Print JSON", NULL },
		G_OPTION_ENTRY_NULL
	};
	const GOptionEntry device[] = {
		{ "tcti", 'T', 0, G_OPTION_ARG_STRING, &t->config,
		  "Which TPM; the same as the operand with '='", "KEY=VALUE,..." },
		G_OPTION_ENTRY_NULL
	};
	g_autofree char *synopsis = g_strdup_printf("%s%s",
		c->operand ? c->operand : "", c->has_device ? " [KEY=VALUE,...]" : "");
	g_autoptr(GOptionContext) context = g_option_context_new(g_strstrip(synopsis));
	g_autofree char *name = g_strdup_printf("tpmix %s", c->name);
	g_autoptr(GError) error = NULL;
	int i;

	g_set_prgname(name);
	g_option_context_set_summary(context, c->description);
	if (entries)
		g_option_context_add_main_entries(context, entries, NULL);
	if (c->has_device)
		g_option_context_add_main_entries(context, device, NULL);
	g_option_context_add_main_entries(context, common, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		tool_fail(TOOL_USAGE, "%s: see %s --help", error->message, name);
		return false;
	}
	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") && !take_operand(t, c, argv[i]))
			return false;
	if (c->needs_operand && !t->operand) {
		tool_fail(TOOL_USAGE, "%s is missing: see %s --help", c->operand, name);
		return false;
	}
	if (c->has_device && !check_config(t, &error)) {
		tool_fail(TOOL_USAGE, "%s", error->message);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct tool t = { 0 };
	size_t i;
	int status;

	setlocale(LC_ALL, "");
	if (argc < 2) {
		usage();
		return TOOL_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage();
		return TOOL_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("tpmix " TPMIX_PROJECT_VERSION);
		return TOOL_OK;
	}
	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(commands[i]->name, argv[1]))
			continue;
		status = commands[i]->run(&t, argc - 1, argv + 1);
		tool_clear(&t);
		if (fflush(stdout) || ferror(stdout))
			return tool_fail(TOOL_FAILED, "the output cannot be written");
		return status;
	}
	return tool_fail(TOOL_USAGE,
			 "no command '%s': info, watch, exec, replay, decode; see tpmix --help",
			 argv[1]);
}
