/* SPDX-License-Identifier: BSD-2-Clause */
/* The properties of mmio-replay, from text. */
#include "replay.h"

#include <string.h>

#define RATE_MAX 1000000

enum kind { BOOL, U32, U64, WHEN };

#define FIELD(name, kind, field) \
	{ name, kind, offsetof(struct tpmix_replay_spec, field) }

static const struct {
	const char *name;
	enum kind kind;
	size_t at;
} fields[] = {
	FIELD("addr", U64, addr),
	FIELD("size", U64, size),
	FIELD("enabled", BOOL, enabled),
	FIELD("reads", BOOL, reads),
	FIELD("writes", BOOL, writes),
	FIELD("min-offset", U64, min_offset),
	FIELD("max-offset", U64, max_offset),
	FIELD("nth", U64, nth),
	FIELD("rate", U32, rate),
	FIELD("seed", U64, seed),
	FIELD("when", WHEN, when),
	FIELD("delay", U32, delay),
	FIELD("done-addr", U64, done_addr),
	FIELD("done-mask", U32, done_mask),
	FIELD("done-value", U32, done_value),
};

static const char *const when_names[] = { "now", "late", "completed" };

void tpmix_replay_defaults(struct tpmix_replay_spec *spec, bool crb)
{
	*spec = (struct tpmix_replay_spec) {
		.addr = TPMIX_BASE,
		.size = UINT32_MAX,
		.enabled = true,
		.reads = true,
		.writes = true,
		.max_offset = UINT64_MAX,
		.delay = 1,
		.done_addr = crb ? TPM_REG_CTRL_START : TPM_REG_STS,
		.done_mask = crb ? TPM_CTRL_START_INVOKE :
			     TPM_STS_VALID | TPM_STS_DATA_AVAIL | TPM_STS_GO,
		.done_value = crb ? 0 : TPM_STS_VALID | TPM_STS_DATA_AVAIL,
	};
}

bool tpmix_replay_is_key(const char *key)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!strcmp(fields[i].name, key))
			return true;
	return false;
}

static bool parse_bool(const char *value, bool *to)
{
	*to = !strcmp(value, "on");
	return *to || !strcmp(value, "off");
}

static bool parse_number(const char *value, uint64_t max, uint64_t *to)
{
	int base = g_str_has_prefix(value, "0x") ? 16 : 10;

	return g_ascii_string_to_unsigned(base == 16 ? value + 2 : value,
					  (guint)base, 0, max, to, NULL);
}

static bool parse_when(const char *value, enum tpmix_replay_when *to)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(when_names); i++) {
		if (!strcmp(when_names[i], value)) {
			*to = (enum tpmix_replay_when)i;
			return true;
		}
	}
	return false;
}

static bool set_field(enum kind kind, void *to, const char *value)
{
	uint64_t number;

	switch (kind) {
	case BOOL:
		return parse_bool(value, to);
	case WHEN:
		return parse_when(value, to);
	case U32:
		if (!parse_number(value, UINT32_MAX, &number))
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case U64:
		return parse_number(value, UINT64_MAX, to);
	}
	return false;
}

bool tpmix_replay_set(struct tpmix_replay_spec *spec, const char *key,
		      const char *value, GError **error)
{
	static const char *const wanted[] = {
		[BOOL] = "on or off",
		[U32] = "a number up to 0xffffffff",
		[U64] = "a number",
		[WHEN] = "now, late or completed",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (strcmp(fields[i].name, key))
			continue;
		if (set_field(fields[i].kind, (char *)spec + fields[i].at, value))
			return true;
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "replay: %s=%s: give %s", key, value,
			    wanted[fields[i].kind]);
		return false;
	}
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
		    "replay: no property '%s': take one of mmio-replay's, as rate=1000",
		    key);
	return false;
}

bool tpmix_replay_check(const struct tpmix_replay_spec *spec, GError **error)
{
	const char *wrong = NULL;

	if (spec->rate > RATE_MAX)
		wrong = "rate is at most 1000000";
	else if (spec->min_offset > spec->max_offset)
		wrong = "min-offset is above max-offset";
	else if (spec->when == TPMIX_REPLAY_LATE && !spec->delay)
		wrong = "when=late needs a delay of at least 1";
	else if (!spec->size || spec->size - 1 > UINT64_MAX - spec->addr)
		wrong = "addr and size are no range";
	if (!wrong)
		return true;
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG, "replay: %s", wrong);
	return false;
}
