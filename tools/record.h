/* SPDX-License-Identifier: BSD-2-Clause */
/* A bus that remembers which accesses passed. */
#ifndef RECORD_H
#define RECORD_H

#include "bus.h"

struct record_access {
	uint32_t off;
	unsigned int size;
	bool write;
};

struct record {
	struct tpmix_bus bus;
	GArray *accesses;       /* struct record_access; the caller may empty it */
	/* NULL: as the bus below; set by the caller */
	void (*wait)(void *opaque, struct tpmix_bus *below, unsigned int us);
	void *opaque;
};

/* Takes over @below; closed with the bus. */
struct record *record_new(struct tpmix_bus *below);

#endif /* RECORD_H */
