/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any read, DATA_FIFO included, leaves a valid state; nothing undefined.
 * Twin: from any state.
 */
#include "proof.h"

void proof(void)
{
	struct access a = any_access();

#ifdef TWIN
	any_machine();
#else
	any_valid_machine();
#endif
	tpmix_mmio_read(&e, a.addr, a.size);
	assert(tpmix_valid(&e));
	possible(tpmix_is_fifo(&e, a.addr, a.size) && a.size == 4);
}
