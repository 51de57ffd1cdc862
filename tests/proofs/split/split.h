/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function of the engine gets a case split in its place (split_FILE.c renames the
 * engine's own): the same call, with what indexes an array as a constant.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "internal.h"

bool real_accept(struct tpmix *e, unsigned int locality,
		 enum tpmix_source source, uint32_t expect);

#endif /* SPLIT_H */
