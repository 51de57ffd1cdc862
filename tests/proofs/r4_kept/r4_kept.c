/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: until the next acceptance no access and no answer touches a response.
 * Twin: its place in DATA_FIFO.
 */
#include "../proof.h"

void proof(void)
{
	struct access a = any_access();
	struct snapshot before;

	any_valid_machine();
	assume(tpmix_loc_ok(e.s.rsp_owner));
	before = snapshot();
	switch (any_u8()) {
	case 0:
		tpmix_mmio_read(&e, a.addr, a.size);
		break;
	case 1:
		complete_any();
		break;
	default:
		write(a);
		break;
	}
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
