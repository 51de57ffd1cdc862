/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2: a write done twice equals the write done once. Twin: DATA_FIFO.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot once;
	struct access a = any_access_but_fifo();

	any_valid_machine();
	write(a);
	once = snapshot();
	write(a);
	assert(unchanged(&once));
	possible(seen.starts);
	possible(a.size == 4);
}
