/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a locality reads a response, and has none or is not its owner, it reads 0 where
 * it is active, and ones where it is not: by the trapped window, CRB's buffer, and the
 * response window in RAM. Twin: its owner.
 */
#include "proof.h"

static bool is_response(unsigned int l, uint32_t addr)
{
	uint32_t page = addr - l * TPMIX_LOCALITY_SIZE;
	bool crb = e.s.interface == TPMIX_INTERFACE_CRB;

	if (addr >= TPMIX_HEADER) {
		return false;
	}
	if (addr >= TPMIX_RSP_WINDOW) {
		return l == 0 && tpmix_has_ram(&e) &&
		       addr - TPMIX_RSP_WINDOW < e.cfg.capacity;
	}
	if (addr >= TPMIX_EXT && e.cfg.crb) {
		page -= TPMIX_EXT;
		crb = false;
	}
	return crb ? page >= TPM_REG_DATA_BUFFER && page < TPMIX_LOCALITY_SIZE :
	       page >= TPMIX_WINDOW && page < TPMIX_WINDOW + TPMIX_WINDOW_SIZE;
}

void proof(void)
{
	uint8_t l = any_u8();
	uint32_t addr = any_u32();

	any_valid_machine();
	assume(e.s.family != TPMIX_FAMILY_NONE);
	assume(l < e.cfg.localities && addr >= l * TPMIX_LOCALITY_SIZE);
	assume(addr < TPMIX_SPACE_SIZE);
	assume(is_response(l, addr));
#ifndef TWIN
	assume(e.s.active != l || e.s.rsp_owner != l);
#endif
	assert(tpmix_read(&e, addr, 1) == (e.s.active == l ? 0 : NO_DATA_BYTE));
	possible(e.s.active == l && tpmix_loc_ok(e.s.rsp_owner));
	possible(addr >= TPMIX_RSP_WINDOW);
}
