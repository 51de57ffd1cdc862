/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2: also where the command completes between the two. Twin: DATA_FIFO.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot once;
	struct access a = any_access_but_fifo();

	any_valid_machine();
	write(a);
	assume(complete_any());
	once = snapshot();
	write(a);
	assert(unchanged(&once));
	possible(seen.starts);
}
