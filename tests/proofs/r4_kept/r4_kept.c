/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: until the next acceptance no write touches a response. Twin: its place in
 * DATA_FIFO.
 */
#define TWIN_PLACE 2
#define CASES_PLACE 0
#include "place.h"

static void theorem(struct write w)
{
	struct snapshot before;

	assume(tpmix_loc_ok(e.s.rsp_owner));
	before = snapshot();
	do_write(w);
	if (e.s.accepted == before.s.accepted) {
		assert(rsp.at_k == before.rsp_k);
		assert(e.s.rsp_len == before.s.rsp_len);
		assert(e.s.rsp_owner == before.s.rsp_owner);
		assert(e.s.rsp_csum == before.s.rsp_csum);
#ifdef TWIN
		assert(e.s.rsp_pos == before.s.rsp_pos);
#endif
	}
	possible(e.s.accepted == before.s.accepted &&
		 e.s.active != before.s.active);
}
