/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any reset, from any bits, gives a valid state with nothing of the old one but the
 * ticket counter; the report of an established D-RTM keeps it. Twin: the size kept.
 */
#include "proof.h"

void proof(void)
{
	struct tpmix_state_all old;

	any_machine();
	assume(k < e.cfg.capacity);
	/* The configuration is the host's: config_valid() in valid.c. */
	assume(e.cfg.capacity >= TPMIX_BUFFER_MIN &&
	       e.cfg.capacity <= TPMIX_BUFFER_MAX && e.cfg.capacity % 4 == 0 &&
	       (e.cfg.fifo || e.cfg.crb) &&
	       (e.cfg.localities == 1 ||
		e.cfg.localities == TPMIX_NUM_LOCALITIES));
	old = e.s;
	tpmix_reset(&e, any_u8() % 3, any_u32());
	tpmix_set_established(&e, any_bool());
	assert(tpmix_valid(&e));
	assert(e.s.accepted == old.accepted && !tpmix_busy(&e));
	assert(cmd.at_k == 0 && ram_cmd.at_k == 0);
	assert(run.at_k == 0 && rsp.at_k == 0);
#ifdef TWIN
	assert(e.s.bufsize == old.bufsize);
#endif
	possible(e.s.bufsize == TPMIX_BUFFER_MAX);
}
