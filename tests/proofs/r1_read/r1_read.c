/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R1: a read changes nothing. Twin: DATA_FIFO, the fault of 2011.
 */
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	struct access a;

	any_valid_machine();
	a = any_access_but_fifo();
	before = snapshot();
	tpmix_mmio_read(&e, a.addr, a.size);
	assert(unchanged(&before));
	possible(a.size == 4);
}
