/* SPDX-License-Identifier: BSD-2-Clause */
#include "fields.h"

#include <string.h>

#include "fields_map.h"

const struct fields_reg *fields_group(enum fields_group group)
{
	return fields_map[group];
}

const struct fields_reg *fields_find(const char *name)
{
	const struct fields_reg *reg;
	int i;

	for (i = 0; i < FIELDS_GROUPS; i++)
		for (reg = fields_map[i]; reg->name; reg++)
			if (!strcmp(reg->name, name))
				return reg;
	return NULL;
}

const struct fields_reg *fields_next(const struct fields_reg *reg)
{
	const struct fields_reg *next = reg + 1;

	return next->name && next->off == reg->off + reg->size ? next : NULL;
}

bool fields_hidden(const struct fields_reg *reg, uint64_t val)
{
	return reg->who == FIELDS_ACTIVE && val == UINT64_MAX >> (64 - 8 * reg->size);
}

static uint64_t extract(const struct field *f, uint64_t val)
{
	return (val >> f->shift) & (UINT64_MAX >> (64 - f->bits));
}

static const char *value_name(const struct field *f, uint64_t val)
{
	uint64_t i;

	for (i = 0; f->values && f->values[i]; i++)
		if (i == val)
			return f->values[i];
	return NULL;
}

char *fields_text(const struct fields_reg *reg, uint64_t val, bool set)
{
	GString *text = g_string_new(NULL);
	const struct field *f;

	for (f = reg->fields; f && f->name; f++) {
		uint64_t v = extract(f, val);
		const char *name = value_name(f, v);

		if (set && !v && !name)
			continue;
		if (text->len)
			g_string_append(text, ", ");
		if (set && f->bits == 1 && !name)
			g_string_append(text, f->name);
		else if (name)
			g_string_append_printf(text, "%s %s", f->name, name);
		else if (f->hex)
			g_string_append_printf(text, "%s 0x%04" G_GINT64_MODIFIER "x",
					       f->name, v);
		else
			g_string_append_printf(text, "%s %" G_GINT64_MODIFIER "u",
					       f->name, v);
	}
	return g_string_free(text, FALSE);
}

void fields_json(const struct fields_reg *reg, uint64_t val, JsonBuilder *b)
{
	const struct field *f;

	for (f = reg->fields; f && f->name; f++) {
		uint64_t v = extract(f, val);
		const char *name = value_name(f, v);

		json_builder_set_member_name(b, f->name);
		if (name)
			json_builder_add_string_value(b, name);
		else
			json_builder_add_int_value(b, (gint64)v);
	}
}
