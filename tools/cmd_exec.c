/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmix exec: one command through a door. */
#include <stdio.h>

#include "tool.h"
#include "tpm_names.h"

static enum tpmix_door_wish wish(void *opaque)
{
	(void)opaque;
	/* The TPM ends what can be cancelled; a second Ctrl-C ends us. */
	return tool_interrupted() ? TPMIX_CANCEL : TPMIX_GO_ON;
}

static void print_text(const struct tool *t, const GByteArray *cmd,
		       const uint8_t *rsp, uint32_t len, gint64 us)
{
	g_autofree char *cmd_hex = tool_hex(cmd->data, cmd->len);
	g_autofree char *cmd_name = tpm_describe(cmd->data, cmd->len, false);
	g_autofree char *rsp_hex = tool_hex(rsp, len);
	g_autofree char *rsp_name = tpm_describe(rsp, len, true);

	printf("command   %s\n          %s\n", cmd_hex, cmd_name);
	printf("response  %s\n          %s\n", rsp_hex, rsp_name);
	printf("by        door %s, locality %u: %u accesses, %" G_GINT64_FORMAT " us",
	       tpmix_door_name(t->dev.door.kind), t->dev.door.locality,
	       t->record->accesses->len, us);
	if (t->dev.door.repairs)
		printf(", %" G_GUINT64_FORMAT " transfers done again", t->dev.door.repairs);
	putchar('\n');
}

static void print_json(const struct tool *t, const GByteArray *cmd,
		       const uint8_t *rsp, uint32_t len, gint64 us)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autofree char *cmd_hex = tool_hex(cmd->data, cmd->len);
	g_autofree char *cmd_name = tpm_command_name(cmd->data);
	g_autofree char *rsp_hex = tool_hex(rsp, len);
	g_autofree char *rc_name = tpm_rc_name(tpm_code(rsp));

	json_builder_begin_object(b);
	tool_json_string(b, "command", cmd_hex);
	tool_json_string(b, "command-name", cmd_name);
	tool_json_string(b, "response", rsp_hex);
	tool_json_int(b, "rc", tpm_code(rsp));
	tool_json_string(b, "rc-name", rc_name);
	tool_json_string(b, "transport", tool_transport(&t->options));
	tool_json_string(b, "door", tpmix_door_name(t->dev.door.kind));
	tool_json_int(b, "locality", t->dev.door.locality);
	tool_json_int(b, "accesses", t->record->accesses->len);
	tool_json_int(b, "repairs", (gint64)t->dev.door.repairs);
	tool_json_int(b, "us", us);
	tool_print_json(b, true);
}

static int run(struct tool *t, int argc, char **argv)
{
	g_autoptr(GByteArray) cmd = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree uint8_t *rsp = NULL;
	uint32_t len;
	gint64 begin;

	if (!tool_parse(t, &tool_exec, NULL, argc, argv))
		return TOOL_USAGE;
	/* Before the device is touched: a typing error is told as one. */
	cmd = tool_parse_command(t->operand, TPMIX_RAM_WINDOW_MAX);
	if (!cmd)
		return TOOL_USAGE;
	if (!tool_open(t))
		return TOOL_FAILED;
	if (cmd->len > t->dev.door.bufsize)
		return tool_fail(TOOL_USAGE, "the command has %u bytes, this TPM takes %u",
				 cmd->len, t->dev.door.bufsize);
	rsp = g_malloc(t->dev.door.bufsize);
	tool_catch_signals();
	g_array_set_size(t->record->accesses, 0);
	begin = g_get_monotonic_time();
	len = tpmix_device_transact(&t->dev, cmd->data, cmd->len, rsp, wish, NULL,
				    &error);
	if (!len)
		return tool_fail(TOOL_FAILED, "%s", error->message);
	(t->json ? print_json : print_text)(t, cmd, rsp, len,
					    g_get_monotonic_time() - begin);
	return tpm_code(rsp) ? TOOL_FOUND : TOOL_OK;
}

const struct tool_command tool_exec = {
	.name = "exec",
	.operand = "HEX",
	.needs_operand = true,
	.has_device = true,
	.summary = "hands the TPM one command, prints its response",
	.description =
		"Hands the TPM one command and prints the response. HEX is the command as it\n"
		"goes to the TPM, in hexadecimal, spaces allowed; '-' reads it from stdin.\n"
		"Exit status 3: the TPM answered with an error.",
	.run = run,
};
