/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any write, from any valid state, leaves a valid state; nothing undefined.
 * Twin: from any state.
 */
#define ANSWERS_AT_ONCE
#include "../proof.h"

void proof(void)
{
#ifdef TWIN
	any_machine();
#else
	any_valid_machine();
#endif
	write(any_access());
	assert(tpmix_valid(&e));
	possible(seen.starts);
	possible(seen.cancels);
	possible(tpmix_busy(&e) && e.s.last.size);
}
