/* SPDX-License-Identifier: BSD-2-Clause */
#include "context.h"

#include <glib/gstdio.h>
#include <string.h>

const uint8_t context_random[12] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7B, 0, 16,
};

/* CreatePrimary in the null hierarchy of a 2048-bit RSA signing key (part 2, 12.2.4). */
static const uint8_t create_primary[] = {
	0x80, 0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x31, 0x40, 0, 0, 0x07,
	0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,    /* empty password */
	0, 4, 0, 0, 0, 0,                               /* inSensitive */
	0, 25, 0, 0x01, 0, 0x0B, 0, 0x04, 0, 0x72, 0, 0, /* rsa, sha256, policy */
	0, 0x10, 0, 0x14, 0, 0x0B, 8, 0, 0, 0, 0, 0,    /* rsassa, bits, exponent */
	0, 1, 0,                                        /* unique */
	0, 0, 0, 0, 0, 0,                               /* outsideInfo, PCRs */
};
#define UNIQUE (sizeof(create_primary) - 7)

TSS2_TCTI_CONTEXT *context_open(const char *config, TSS2_RC want)
{
	TSS2_TCTI_CONTEXT *c;
	size_t size = 0;

	g_assert_cmphex(Tss2_Tcti_Indexed_Init(NULL, &size, config), ==, TSS2_RC_SUCCESS);
	c = g_malloc(size);
	g_assert_cmphex(Tss2_Tcti_Indexed_Init(c, &size, config), ==, want);
	if (want != TSS2_RC_SUCCESS)
		g_clear_pointer(&c, g_free);
	return c;
}

void context_close(TSS2_TCTI_CONTEXT *c)
{
	if (c)
		Tss2_Tcti_Finalize(c);
	g_free(c);
}

static void send_command(TSS2_TCTI_CONTEXT *c, const uint8_t *cmd, size_t len)
{
	g_assert_cmphex(Tss2_Tcti_Transmit(c, len, cmd), ==, TSS2_RC_SUCCESS);
}

void context_send_random(TSS2_TCTI_CONTEXT *c)
{
	send_command(c, context_random, sizeof(context_random));
}

void context_send_primary(TSS2_TCTI_CONTEXT *c, uint8_t unique)
{
	uint8_t cmd[sizeof(create_primary)];

	memcpy(cmd, create_primary, sizeof(cmd));
	cmd[5] = sizeof(cmd);
	cmd[UNIQUE] = unique;
	send_command(c, cmd, sizeof(cmd));
}

void context_send_extend(TSS2_TCTI_CONTEXT *c, uint8_t pcr)
{
	uint8_t cmd[65] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, pcr,
			    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,
			    0, 0, 0, 1, 0, 0x0B };

	send_command(c, cmd, sizeof(cmd));
}

uint32_t context_receive(TSS2_TCTI_CONTEXT *c)
{
	uint8_t rsp[4096];
	size_t size = sizeof(rsp);

	g_assert_cmphex(Tss2_Tcti_Receive(c, &size, rsp, TSS2_TCTI_TIMEOUT_BLOCK), ==,
			TSS2_RC_SUCCESS);
	g_assert_cmpuint(size, >=, 10);
	return (uint32_t)rsp[6] << 24 | (uint32_t)rsp[7] << 16 | (uint32_t)rsp[8] << 8 |
	       rsp[9];
}

void context_pcr16(TSS2_TCTI_CONTEXT *c, uint8_t digest[32])
{
	const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 20, 0, 0, 0x01, 0x7E, 0, 0, 0, 1,
				0, 0x0B, 3, 0, 0, 1 };
	uint8_t rsp[128];
	size_t size = sizeof(rsp);

	send_command(c, cmd, sizeof(cmd));
	g_assert_cmphex(Tss2_Tcti_Receive(c, &size, rsp, TSS2_TCTI_TIMEOUT_BLOCK), ==,
			TSS2_RC_SUCCESS);
	/* The digest is the last 32 bytes. */
	g_assert_cmpuint(size, ==, 62);
	memcpy(digest, rsp + 30, 32);
}

void context_remove_dir(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		g_unlink(file);
	}
	g_dir_close(dir);
	g_rmdir(path);
}
