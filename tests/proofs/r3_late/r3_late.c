/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R3: a doorbell that was heard starts nothing when it comes again, whatever access
 * and completion were between. Twin: tpmGo does.
 */
#include "proof.h"

#ifdef TWIN
#define BELL(n) ((struct access) { TPM_REG_STS, TPM_STS_GO, 1 })
#else
#define BELL(n) ((struct access) { TPMIX_REG_DOORBELL, n, 4 })
#endif

void proof(void)
{
	struct access a = any_access();
	unsigned int starts;
	uint32_t n;

	any_valid_machine();
	n = e.s.accepted;
	write(BELL(n + 1));
	assume(e.s.accepted == n + 1);
	complete_any();
	/* Anything later, of which r3_ticket says that tickets only go up. */
	any_state();
	assume(tpmix_valid(&e));
	assume(e.s.accepted - (n + 1) < 0x7FFFFFFF);
	starts = seen.starts;
	write(BELL(n + 1));
	assert(seen.starts == starts);
	possible(starts);
}
