/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a command ends on which a START or tpmGo waits, the one that waited has a ticket
 * of its own and the response RC_RETRY, and the first response is readable by nobody.
 * Where none waits the response is that of the locality whose command ran. So no
 * locality but that one ever finds the first response, and that one not where a START
 * of its own waited; start_waits and start_kept say that it does until then.
 * Twin: as if none waited.
 */
#include "proof.h"

static const uint8_t retry_2_0[TPMIX_HEADER_SIZE] = {
	0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22 };
static const uint8_t retry_1_2[TPMIX_HEADER_SIZE] = {
	0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0x08, 0x00 };

void proof(void)
{
	struct tpmix_state_all old;
	uint8_t l = any_u8();

	any_valid_machine();
	old = e.s;
	assume(complete_any());
	assert(!tpmix_busy(&e) && e.s.waiting == TPMIX_NO_LOCALITY);
	assert(tpmix_completed(&e) == e.s.accepted);
#ifndef TWIN
	if (tpmix_loc_ok(old.waiting))
#endif
	{
		assert(e.s.rsp_owner == old.waiting);
		assert(e.s.accepted == old.accepted + 1);
		assert(e.s.rsp_len == TPMIX_HEADER_SIZE && !e.s.rsp_pos);
		assert(e.s.cmd_csum == 0);
		assert(e.s.loc[old.waiting].state == TPMIX_COMPLETION);
		assert(k >= TPMIX_HEADER_SIZE ||
		       rsp.at_k == (e.s.family == TPMIX_FAMILY_2_0 ?
				    retry_2_0[k] : retry_1_2[k]));
		assert(old.waiting == old.running ||
		       e.s.loc[old.running].state != TPMIX_COMPLETION);
	}
	if (!tpmix_loc_ok(old.waiting)) {
		assert(e.s.rsp_owner == old.running);
		assert(e.s.accepted == old.accepted);
	}
	if (l < TPMIX_NUM_LOCALITIES && l != e.s.rsp_owner) {
		assert(!tpmix_readable(&e, l));
		assert(e.s.loc[l].state != TPMIX_COMPLETION);
	}
	possible(old.waiting == old.running);
	possible(tpmix_loc_ok(old.waiting) && old.waiting != old.running);
	possible(!tpmix_loc_ok(old.waiting));
}
