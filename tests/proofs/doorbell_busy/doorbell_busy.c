/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A doorbell with the next ticket while a command runs is refused as busy and changes
 * nothing else. When that command ends COMPLETED does not show the ticket, unless a
 * START waited and took it: then its response is RC_RETRY, of 10 bytes, for the START's
 * locality, and CSUM says that it is no other command's. So no earlier command's
 * response is found as the answer. Twin: when nothing runs.
 */
#include "proof.h"

static uint32_t reg(unsigned int l, uint32_t off)
{
	uint32_t val;

	assert(tpmix_indexed_read32(&e, l, off, &val));
	return val;
}

void proof(void)
{
	struct snapshot before;
	uint8_t l = any_u8();
	uint32_t n;

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES && e.s.active == l);
#ifndef TWIN
	assume(tpmix_busy(&e));
#endif
	n = reg(l, TPMIX_REG_ACCEPTED) + 1;
	before = snapshot();
	tpmix_indexed_write32(&e, l, TPMIX_REG_DOORBELL, n, ALL_ONES);
	before.s.loc[l].refused = TPMIX_REFUSED_BUSY;
	assert(unchanged(&before));
	assert(reg(l, TPMIX_REG_COMPLETED) != n);
	assume(complete_any());
	if (reg(l, TPMIX_REG_COMPLETED) == n) {
		assert(tpmix_loc_ok(before.s.waiting));
		assert((reg(l, TPMIX_REG_CSUM) & 0xFFFF) == 0);
		assert(reg(l, TPMIX_REG_RSP_SIZE) ==
		       (before.s.waiting == l ? TPMIX_HEADER_SIZE : 0));
	} else {
		assert(reg(l, TPMIX_REG_ACCEPTED) + 1 == n);
	}
	possible(tpmix_loc_ok(before.s.waiting));
	possible(!tpmix_loc_ok(before.s.waiting));
}
