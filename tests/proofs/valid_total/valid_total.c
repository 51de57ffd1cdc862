/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a state from outside (migration) is defined for any bits, and takes
 * no index beyond its buffer. Twin: it takes every state.
 */
#include "proof.h"

void proof(void)
{
	bool valid;

	any_machine();
	valid = tpmix_valid(&e);
	assert(!valid || (e.s.rsp_pos <= e.s.rsp_len &&
			  e.s.rsp_len <= e.s.bufsize &&
			  e.s.fifo_len <= e.s.bufsize &&
			  e.s.bufsize <= e.cfg.capacity));
#ifdef TWIN
	assert(valid);
#endif
	possible(valid);
	possible(!valid);
}
