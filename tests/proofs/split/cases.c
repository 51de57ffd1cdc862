/* SPDX-License-Identifier: BSD-2-Clause */
/* The case split: split.h. */
#include <assert.h>

#include "split.h"

/* What the caller has to see to: checked, and from then on a constant. */
#define PIN(lvalue, value) do { \
	assert((lvalue) == (value)); \
	(lvalue) = (value); \
} while (0)

void tpmix_set_active(struct tpmix *e, uint8_t locality)
{
	switch (locality) {
	case 0:
		real_set_active(e, 0);
		break;
	case 1:
		real_set_active(e, 1);
		break;
	case 2:
		real_set_active(e, 2);
		break;
	case 3:
		real_set_active(e, 3);
		break;
	default:
		PIN(locality, 4);
		real_set_active(e, 4);
	}
}

/* "Requires: nothing runs", and so, by the invariant, nobody waits for its end. */
bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect)
{
	PIN(e->s.running, TPMIX_NO_LOCALITY);
	PIN(e->s.next, TPMIX_NO_LOCALITY);
	return real_accept(e, locality, source, expect);
}
