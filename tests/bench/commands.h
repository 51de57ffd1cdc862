/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM 2.0 commands that bench_tpm sends; TPM 2.0 Library, part 3. A primary key is
 * derived from the hierarchy's seed and the template, so that in one TPM it is always the
 * same key, found in the same time; in another TPM it is another one.
 */
#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The authorization of a session that needs none. */
#define NO_SESSION 0x40, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00

/* A storage key in the owner hierarchy: up to the type, and from the attributes on. */
#define PRIMARY                                                                              \
	0x80, 2, 0, 0, 0, 67, 0, 0, 1, 0x31, 0x40, 0, 0, 1, 0, 0, 0, 9, NO_SESSION, 0, 4, 0, \
		0, 0, 0, 0, 26, 0
#define STORAGE 0, 0x0B, 0, 3, 0, 0x72, 0, 0, 0, 6, 0, 0x80, 0, 0x43, 0, 0x10

struct command {
	const char *name;
	bool creates;    /* a handle, to be flushed */
	size_t transfer; /* not 0: tests/guest/tpm_double.c's command, of that size */
	size_t size;
	uint8_t bytes[80];
};

#define COMMAND(name, creates, ...) \
	{ name, creates, 0, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }
#define TRANSFER(name, size) \
	{ name, false, size, size, { 0x80, 1, 0, 0, (size) >> 8, (size) & 0xFF, 0x20, 0, 0, 1 } }

/* A request names them by the bit of their place: scripts/bench_machine.py. */
static const struct command commands[] = {
	COMMAND("GetRandom", false, 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 16),
	COMMAND("PCR_Read", false, 0x80, 1, 0, 0, 0, 20, 0, 0, 1, 0x7E, 0, 0, 0, 1, 0, 0x0B, 3,
		1, 0, 0),
	COMMAND("PCR_Extend", false, 0x80, 2, 0, 0, 0, 65, 0, 0, 1, 0x82, 0, 0, 0, 16, 0, 0, 0,
		9, NO_SESSION, 0, 0, 0, 1, 0, 0x0B, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
		14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32),
	COMMAND("GetCap handles", false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0, 0, 1, 0x80,
		0, 0, 0, 0, 0, 0, 254),
	COMMAND("GetCap properties", false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0, 0, 6, 0,
		0, 1, 0, 0, 0, 0, 254),
	COMMAND("GetCap commands", false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0, 0, 2, 0, 0,
		1, 0x1F, 0, 0, 0, 254),
	COMMAND("CreatePrimary P-256", true, PRIMARY, 0x23, STORAGE, 0, 3, 0, 0x10, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0),
	COMMAND("CreatePrimary RSA", true, PRIMARY, 1, STORAGE, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0),
	TRANSFER("1 KiB", 1024),
	TRANSFER("3968 B", 3968),
	TRANSFER("4 KiB", 4096),
	TRANSFER("8 KiB", 8192),
	TRANSFER("16 KiB", 16384),
	/* A new seed of the owner hierarchy, and all its keys are others. */
	COMMAND("Clear", false, 0x80, 2, 0, 0, 0, 27, 0, 0, 1, 0x26, 0x40, 0, 0, 0x0A, 0, 0, 0,
		9, NO_SESSION),
};

#define COMMANDS   (sizeof(commands) / sizeof(commands[0]))
#define MAX_BUFFER 16384u

#endif
