/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FIELDS_MAP_H
#define FIELDS_MAP_H

#include "fields.h"

/* One list for each group. */
extern const struct fields_reg *const fields_map[FIELDS_GROUPS];

#endif /* FIELDS_MAP_H */
