/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers that place.h does not list do nothing: reserved and read-only ones, at
 * any aligned offset, of any locality. Twin: without the exception of INDEX.
 */
#include "proof.h"

void proof(void)
{
	struct snapshot before;
	unsigned int l = any_u8();
	uint32_t off = any_u32(), val = any_u32(), mask = any_u32();

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES);
	before = snapshot();
	switch (any_u8()) {
	case 0:
		assume(off != TPM_REG_ACCESS && off != TPM_REG_STS &&
		       off != TPM_REG_INT_ENABLE && off != TPM_REG_INT_STATUS &&
		       off != TPM_REG_INTERFACE_ID);
		tpmix_fifo_write32(&e, l, off, val, mask);
		break;
	case 1:
		assume(off != TPM_REG_LOC_CTRL && off != TPM_REG_CTRL_REQ &&
		       off != TPM_REG_CTRL_CANCEL && off != TPM_REG_CTRL_START &&
		       off != TPM_REG_CRB_INT_ENABLE &&
		       off != TPM_REG_CRB_INT_STS && off != TPM_REG_INTF_ID);
		tpmix_crb_write32(&e, l, off, val, mask);
		break;
	default:
#ifndef TWIN
		assume(off != TPMIX_REG_INDEX);
#endif
		assume(off != TPMIX_REG_CANCEL && off != TPMIX_REG_CSUM_EXPECT &&
		       off != TPMIX_REG_DOORBELL && off != TPMIX_REG_INT_ACK);
		tpmix_indexed_write32(&e, l, off, val, mask);
		break;
	}
	assert(unchanged(&before) && !seen.resets);
	possible(off > 0xF00);
}
