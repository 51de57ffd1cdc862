/* SPDX-License-Identifier: BSD-2-Clause */
/* The case split: split.h. */
#include <assert.h>

#include "split.h"

/* What the caller has to see to: checked, and from then on a constant. */
#define PIN(lvalue, value) do { \
	assert((lvalue) == (value)); \
	(lvalue) = (value); \
} while (0)

/* "Requires: nothing runs", and so, by the invariant, no START waits. */
bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect)
{
	PIN(e->s.running, TPMIX_NO_LOCALITY);
	PIN(e->s.waiting, TPMIX_NO_LOCALITY);
	return real_accept(e, locality, source, expect);
}
