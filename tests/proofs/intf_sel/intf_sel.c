/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface does not change by a write, nor does its selection once it is
 * locked, nor the lock; what is selected is there. Twin: without the lock.
 */
#define TWIN_PLACE 13
#define CASES_PLACE 16
#include "place.h"

static void theorem(struct write w)
{
	struct tpmix_state_all old = e.s;

	do_write(w);
	assert(e.s.interface == old.interface && e.s.bufsize == old.bufsize &&
	       e.s.family == old.family);
#ifndef TWIN
	if (old.intf_sel_lock)
#endif
	assert(e.s.intf_sel == old.intf_sel);
	assert(e.s.intf_sel == TPMIX_INTERFACE_CRB ? e.cfg.crb : e.cfg.fifo);
	assert(e.s.intf_sel_lock >= old.intf_sel_lock);
	possible(e.s.intf_sel != old.intf_sel);
	possible(e.s.intf_sel_lock != old.intf_sel_lock);
}
