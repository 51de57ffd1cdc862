/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No read changes what RAM has to show, FIFO's included. Twin: as the FIFO sees it.
 */
#include "proof.h"

void proof(void)
{
	struct access a = any_access();
	uint32_t at = any_u32();
	uint64_t val;

	any_valid_machine();
	assume(a.size <= 4);
	assume((at >= TPMIX_HEADER && at < TPMIX_SPACE_SIZE) ||
	       (at >= TPMIX_RSP_WINDOW && at < TPMIX_HEADER &&
		at - TPMIX_RSP_WINDOW == k) ||
	       (e.s.interface == TPMIX_INTERFACE_CRB && at < TPM_REG_DATA_BUFFER));
#ifdef TWIN
	at = TPM_REG_STS;
#endif
	val = tpmix_read(&e, at, 1);
	tpmix_mmio_read(&e, a.addr, a.size);
	assert(tpmix_read(&e, at, 1) == val);
	possible(e.s.rsp_pos == 1);
}
