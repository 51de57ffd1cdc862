/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and their fields, by the names of TIS 1.3, PTP 1.05 and
 * docs/specification.md. DATA_FIFO and XDATA_FIFO are not among them: reading those
 * takes a byte.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

struct field {
	const char *name;
	uint8_t shift, bits;
	bool hex;                       /* an identifier or checksum, not a count */
	const char *const *values;      /* names of 0, 1, ..., up to NULL; or NULL */
};

enum fields_group { FIELDS_FIFO, FIELDS_CRB, FIELDS_INDEXED, FIELDS_GROUPS };

enum fields_who { FIELDS_ANY, FIELDS_ACTIVE };

struct fields_reg {
	const char *name;               /* as tpmix_reg_name() */
	uint32_t off;                   /* in the page */
	unsigned int size;
	enum fields_who who;            /* ACTIVE: reads ones in other localities */
	const struct field *fields;     /* up to name NULL; or NULL: a number */
};

/* Up to the one of name NULL, in the order of their offsets. */
const struct fields_reg *fields_group(enum fields_group group);

/* By its name; NULL: none. */
const struct fields_reg *fields_find(const char *name);

/* The register behind @reg, where it is next to it; NULL: none. */
const struct fields_reg *fields_next(const struct fields_reg *reg);

/* All ones, where that says that the locality is not active. */
bool fields_hidden(const struct fields_reg *reg, uint64_t val);

/* "Expect 0, dataAvail 1, ..."; @set: only fields that are not 0. g_free(). */
char *fields_text(const struct fields_reg *reg, uint64_t val, bool set);

/* Members of the open object. */
void fields_json(const struct fields_reg *reg, uint64_t val, JsonBuilder *b);

#endif /* FIELDS_H */
