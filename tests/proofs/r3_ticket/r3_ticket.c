/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R3, inductive: a write starts at most one command, under the next ticket and with
 * the counter, so ticket n starts command n at most once until the 32 bits wrap; a
 * doorbell with another ticket starts none. Twin: tpmGo, which names no ticket.
 */
#define ANSWERS_AT_ONCE
#include "../proof.h"

#ifdef TWIN
#define BELL TPM_REG_STS
#else
#define BELL TPMIX_REG_DOORBELL
#endif

void proof(void)
{
	struct access a = any_access();
	uint32_t n;

	any_valid_machine();
	n = e.s.accepted;
	write(a);
	assert(e.s.accepted == n || e.s.accepted == n + 1);
	assert(seen.starts <= (e.s.accepted != n));
	assert(!seen.starts || seen.ticket == n + 1);
	if ((a.addr & 0xFFF) == BELL && a.size == 4) {
		assert(e.s.accepted == n || (uint32_t)a.val == n + 1);
	}
	possible(seen.starts);
	possible(e.s.accepted != n && !seen.starts);
}
