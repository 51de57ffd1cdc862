/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks at the registers of a device; changes nothing. */
#ifndef LOOK_H
#define LOOK_H

#include "bus.h"
#include "fields.h"

/* Which doors' registers answer. */
struct look {
	struct tpmix_bus *bus;
	enum tpmix_interface interface;
	bool indexed;
	uint32_t ext;           /* added to a page for the indexed block */
};

/* False and @error where no TPM is there. */
bool look_open(struct look *l, struct tpmix_bus *bus, GError **error);

/* True where the locality's page answers. */
bool look_has_locality(const struct look *l, unsigned int locality);
bool look_is_active(const struct look *l, unsigned int locality);

/* Offset on the bus of a group's register; false: the device has none such. */
bool look_page(const struct look *l, enum fields_group group, unsigned int locality,
	       uint32_t *page);

/* Asks for the locality and waits; the caller gives it back. */
bool look_request(const struct look *l, unsigned int locality, GError **error);
void look_relinquish(const struct look *l, unsigned int locality);

#endif /* LOOK_H */
