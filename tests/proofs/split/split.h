/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two functions of the engine get a case split in their place (split_FILE.c renames
 * the engine's own): the same call, with what indexes an array as a constant.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "internal.h"

void real_set_active(struct tpmix *e, uint8_t locality);
bool real_accept(struct tpmix *e, unsigned int locality,
		 enum tpmix_source source, uint32_t expect);

#endif /* SPLIT_H */
