/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages, as tpm2-tss writes them: one line on stderr, chosen by the variable
 * TSS2_LOG: "MODULE+LEVEL[,MODULE+LEVEL...]", modules "all" and "tcti", levels none,
 * error, warning (the default), info, debug, trace. TSS2_LOGFILE is not read.
 */
#ifndef TPMIX_LOG_H
#define TPMIX_LOG_H

#include <glib.h>

enum tpmix_log_level {
	TPMIX_LOG_NONE,
	TPMIX_LOG_ERROR,
	TPMIX_LOG_WARNING,
	TPMIX_LOG_INFO,
	TPMIX_LOG_DEBUG,
	TPMIX_LOG_TRACE,
};

/* The message is a line without its end. */
void tpmix_log(enum tpmix_log_level level, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/* The level that a value of TSS2_LOG asks for; NULL: not set. */
enum tpmix_log_level tpmix_log_parse(const char *spec);

#endif /* TPMIX_LOG_H */
