/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Without a TPM everything reads as 0, writes change nothing and reach no backend, no
 * answer is taken, and no interrupt is raised: until the next reset.
 * Twin: with one.
 */
#include "proof.h"

void proof(void)
{
	struct access a = any_access();
	struct snapshot before;

	any_machine();
#ifdef TWIN
	e.s.family = TPMIX_FAMILY_2_0;
#else
	e.s.family = TPMIX_FAMILY_NONE;
#endif
	assume(tpmix_valid(&e));
	before = snapshot();
	assert(tpmix_read(&e, a.addr, a.size) == 0);
	assert(tpmix_mmio_read(&e, a.addr, a.size) == 0);
#ifndef TWIN
	write(a);
#endif
	assert(!complete_any());
	assert(unchanged(&before) && !seen.resets && !seen.cmd);
	assert(!tpmix_irq(&e));
	possible(a.size == 4 && a.addr == TPMIX_CMD_WINDOW);
}
