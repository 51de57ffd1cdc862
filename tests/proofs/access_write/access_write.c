/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write of an inactive locality changes its own interrupt registers and the
 * interface's selection, which any locality may; ACCESS and LOC_CTRL apart.
 * Twin: the active one.
 */
#define TWIN_PLACE 9
#define CASES_PLACE 11
#define INACTIVE
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before;

#ifndef TWIN
	assume(e.s.active != w.locality);
#endif
	before = snapshot();
	do_write(w);
	before.s.loc[w.locality].int_enable = e.s.loc[w.locality].int_enable;
	before.s.loc[w.locality].int_status &= e.s.loc[w.locality].int_status;
	before.s.intf_sel = e.s.intf_sel;
	before.s.intf_sel_lock |= e.s.intf_sel_lock;
	assert(unchanged(&before) && !seen.resets);
	possible(e.s.loc[w.locality].int_enable & TPM_INT_GLOBAL_ENABLE);
}
