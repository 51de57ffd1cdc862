/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration string. */
#include <string.h>

#include "device.h"

const char tpmix_options_help[] =
	"key=value,...: "
	"transport=inproc (default), state=DIR, wait=SECONDS; "
	"transport=qtest, path=SOCKET, address=0xfed40000, wait=SECONDS; "
	"transport=mem, path=/dev/mem, address=0xfed40000; "
	"door=indexed (default), window, fifo or crb; locality=0..4; "
	"replay=PROPERTIES of mmio-replay, as replay=rate=1000,seed=1; "
	"trace=FILE";

#define WAIT_S          10
#define WAIT_MAX_S      86400

static const char *const transports[] = { "inproc", "qtest", "mem" };

static bool wrong(GError **error, const char *key, const char *value,
		  const char *wanted)
{
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG, "%s=%s: give %s", key,
		    value, wanted);
	return false;
}

static bool parse_number(const char *value, uint64_t max, uint64_t *to)
{
	bool hex = g_str_has_prefix(value, "0x");

	return g_ascii_string_to_unsigned(hex ? value + 2 : value, hex ? 16 : 10, 0,
					  max, to, NULL);
}

static bool set_string(char **to, const char *key, const char *value,
		       GError **error)
{
	if (!*value)
		return wrong(error, key, value, "a path");
	g_free(*to);
	*to = g_strdup(value);
	return true;
}

static bool set_transport(struct tpmix_options *o, const char *value,
			  GError **error)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(transports); i++) {
		if (!strcmp(transports[i], value)) {
			o->transport = (enum tpmix_transport)i;
			return true;
		}
	}
	return wrong(error, "transport", value, "inproc, qtest or mem");
}

/* "replay=rate=5": the value is the first property. */
static bool set_replay(struct tpmix_options *o, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	g_autofree char *key = NULL;

	if (!equals)
		return wrong(error, "replay", value,
			     "properties of mmio-replay, as rate=1000");
	key = g_strndup(value, (gsize)(equals - value));
	o->has_replay = true;
	return tpmix_replay_set(&o->replay, key, equals + 1, error);
}

static bool set_key(struct tpmix_options *o, const char *key, const char *value,
		    GError **error)
{
	uint64_t number;

	if (!strcmp(key, "transport"))
		return set_transport(o, value, error);
	if (!strcmp(key, "path"))
		return set_string(&o->path, key, value, error);
	if (!strcmp(key, "state"))
		return set_string(&o->state, key, value, error);
	if (!strcmp(key, "trace"))
		return set_string(&o->trace, key, value, error);
	if (!strcmp(key, "replay"))
		return set_replay(o, value, error);
	if (!strcmp(key, "door"))
		return tpmix_door_parse(value, &o->door) ||
		       wrong(error, key, value, "indexed, window, fifo or crb");
	if (!strcmp(key, "locality")) {
		if (!parse_number(value, TPMIX_NUM_LOCALITIES - 1, &number))
			return wrong(error, key, value, "0 to 4");
		o->locality = (unsigned int)number;
		return true;
	}
	if (!strcmp(key, "wait")) {
		if (!parse_number(value, WAIT_MAX_S, &number))
			return wrong(error, key, value, "seconds, 0 to 86400");
		o->wait_s = (unsigned int)number;
		return true;
	}
	if (!strcmp(key, "address")) {
		if (!parse_number(value, UINT64_MAX - TPMIX_SPACE_SIZE, &number) ||
		    number % TPMIX_LOCALITY_SIZE)
			return wrong(error, key, value,
				     "the address of a page, as 0xfed40000");
		o->address = number;
		return true;
	}
	if (o->has_replay)
		return tpmix_replay_set(&o->replay, key, value, error);
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
		    "no key '%s': transport, path, address, state, wait, door, locality, replay, trace",
		    key);
	return false;
}

/* Parts between single commas, ",," made one; g_ptr_array_unref(). */
static GPtrArray *split(const char *config)
{
	GPtrArray *parts = g_ptr_array_new_with_free_func(g_free);
	GString *part = g_string_new(NULL);

	for (; *config; config++) {
		if (*config != ',' || config[1] == ',') {
			g_string_append_c(part, *config);
			config += *config == ',';
			continue;
		}
		g_ptr_array_add(parts, g_string_free(part, FALSE));
		part = g_string_new(NULL);
	}
	g_ptr_array_add(parts, g_string_free(part, FALSE));
	return parts;
}

/* Two passes: what the done condition is depends on the door. */
static bool parse_parts(struct tpmix_options *o, GPtrArray *parts, GError **error)
{
	guint i;

	for (i = 0; i < parts->len; i++) {
		const char *part = g_ptr_array_index(parts, i);
		const char *equals = strchr(part, '=');
		g_autofree char *key = NULL;

		if (!*part)
			continue;
		if (!equals) {
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
				    "'%s' is no key=value, as in transport=qtest,path=/tmp/qtest.sock",
				    part);
			return false;
		}
		key = g_strndup(part, (gsize)(equals - part));
		if (!set_key(o, key, equals + 1, error))
			return false;
	}
	return true;
}

static bool check(struct tpmix_options *o, bool has_address, GError **error)
{
	const char *text = NULL;

	if (o->transport == TPMIX_TRANSPORT_INPROC && (o->path || has_address))
		text = "path and address are for transport=qtest and transport=mem";
	else if (o->transport != TPMIX_TRANSPORT_INPROC && o->state)
		text = "state is for transport=inproc";
	else if (o->transport == TPMIX_TRANSPORT_QTEST && !o->path)
		text = "transport=qtest needs path=SOCKET, that of QEMU's -qtest";
	else if (o->door == TPMIX_DOOR_WINDOW && o->locality != 0)
		text = "door=window is for locality 0: use door=indexed";
	if (text) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG, "%s", text);
		return false;
	}
	return !o->has_replay || tpmix_replay_check(&o->replay, error);
}

bool tpmix_options_parse(struct tpmix_options *o, const char *config,
			 GError **error)
{
	g_autoptr(GPtrArray) parts = split(config ? config : "");

	*o = (struct tpmix_options) { .address = UINT64_MAX, .wait_s = WAIT_S };
	tpmix_replay_defaults(&o->replay, false);
	if (!parse_parts(o, parts, error))
		return false;
	if (o->door == TPMIX_DOOR_CRB) {
		/* Again, over the other defaults; it succeeded before. */
		tpmix_replay_defaults(&o->replay, true);
		parse_parts(o, parts, NULL);
	}
	if (!check(o, o->address != UINT64_MAX, error))
		return false;
	if (o->address == UINT64_MAX)
		o->address = TPMIX_BASE;
	if (o->transport == TPMIX_TRANSPORT_MEM && !o->path)
		o->path = g_strdup("/dev/mem");
	if (o->transport == TPMIX_TRANSPORT_INPROC && !o->state)
		o->state = g_build_filename(g_get_user_state_dir(), "tpmix", NULL);
	return true;
}

void tpmix_options_clear(struct tpmix_options *o)
{
	g_clear_pointer(&o->path, g_free);
	g_clear_pointer(&o->state, g_free);
	g_clear_pointer(&o->trace, g_free);
}
