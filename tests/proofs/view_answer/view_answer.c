/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As view_write, for an answer of the backend and the report of an established D-RTM,
 * which show their effect themselves. Twin: a state that was not shown.
 */
#define OWN_SHOW
#include "proof.h"
#include "view.h"

void proof(void)
{
	any_valid_machine();
#ifndef TWIN
	note_shown();
#endif
	if (any_bool()) {
		complete_any();
	} else {
		tpmix_set_established(&e, any_bool());
	}
	assert(unchanged(&at_show));
	possible(e.shown_len);
}
