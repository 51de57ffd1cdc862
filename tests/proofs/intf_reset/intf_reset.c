/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reset, and nothing else (intf_sel), makes the selected interface the active one,
 * and unlocks the selection. Twin: the old interface stays.
 */
#include "proof.h"

void proof(void)
{
	struct tpmix_state_all old;

	any_valid_machine();
	old = e.s;
	tpmix_reset(&e, any_u8() % 3, any_u32());
#ifdef TWIN
	assert(e.s.interface == old.interface);
#else
	assert(e.s.interface == old.intf_sel && e.s.intf_sel == old.intf_sel);
#endif
	assert(!e.s.intf_sel_lock);
	possible(e.s.interface != old.interface);
}
