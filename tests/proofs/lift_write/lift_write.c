/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write of any width at any address is at most eight calls as the proofs over places
 * make them, at most one of which can accept a command; then comes tpmix_show(). Beside
 * that it touches nothing but the last write. The pages in RAM call nothing, and take
 * bytes in the command window only. Without a TPM nothing is called at all. So what
 * holds for each place holds for every write. Twin: seven calls.
 */
#include "lift.h"

void proof(void)
{
	struct access a = any_access();

	any_valid_machine();
	left = e.s;
	wrote = a;
	write(a);
	assert(accepts <= 1);
#ifdef TWIN
	assert(num_calls < 8);
#else
	assert(num_calls <= 8);
#endif
	assert(!num_calls || (shows == 1 && shown_at == num_calls));
	assert(!num_calls || a.addr + a.size <= TPMIX_RAM);
	assert(!puts_in_ram || (a.addr + a.size > TPMIX_RAM && !num_calls));
	assert((!num_calls && !puts_in_ram) || e.s.family != TPMIX_FAMILY_NONE);
	assert(e.s.last.size <= 8 &&
	       (!e.s.last.size || e.s.last.size == 8 ||
		!(e.s.last.val >> (e.s.last.size * 8))));
	left.last = e.s.last;
	assert(same_state(&left, &e.s));
	possible(num_calls == 8);
	possible(puts_in_ram == 3);
	possible(accepts && num_calls == 3);
}
