/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: nor does a read, DATA_FIFO included, or an answer of the backend.
 * Twin: its place in DATA_FIFO.
 */
#include "proof.h"

void proof(void)
{
	struct access a = any_access();
	struct snapshot before;

	any_valid_machine();
	assume(tpmix_loc_ok(e.s.rsp_owner));
	before = snapshot();
	if (any_bool()) {
		tpmix_mmio_read(&e, a.addr, a.size);
	} else {
		assert(!complete_any());
	}
	assert(rsp.at_k == before.rsp_k);
	assert(e.s.rsp_len == before.s.rsp_len);
	assert(e.s.rsp_owner == before.s.rsp_owner);
	assert(e.s.rsp_csum == before.s.rsp_csum);
#ifdef TWIN
	assert(e.s.rsp_pos == before.s.rsp_pos);
#endif
	possible(e.s.rsp_pos == e.s.rsp_len);
}
