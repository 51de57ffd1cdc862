/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdio.h>

static const char *const names[] = {
	"NONE", "ERROR", "WARNING", "INFO", "DEBUG", "TRACE", NULL,
};

enum tpmix_log_level tpmix_log_parse(const char *spec)
{
	enum tpmix_log_level level = TPMIX_LOG_WARNING;
	g_auto(GStrv) parts = g_strsplit(spec ? spec : "", ",", -1);
	int i, n;

	/* As tpm2-tss: the last one that matches counts. */
	for (i = 0; parts[i]; i++) {
		const char *plus = strchr(parts[i], '+');

		if (!plus || (g_ascii_strncasecmp(parts[i], "all+", 4) &&
			      g_ascii_strncasecmp(parts[i], "tcti+", 5)))
			continue;
		for (n = 0; names[n]; n++)
			if (!g_ascii_strcasecmp(plus + 1, names[n]))
				level = (enum tpmix_log_level)n;
	}
	return level;
}

void tpmix_log(enum tpmix_log_level level, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (level > tpmix_log_parse(g_getenv("TSS2_LOG")))
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	/* One call, so that lines of several threads do not mix. */
	fprintf(stderr, "%s:tcti:indexed: %s\n", names[level], text);
}
