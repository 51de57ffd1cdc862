/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: the owner of a response reads every byte of it, in any width and at any place
 * of the window, once it has written INDEX. Twin: DATA_FIFO, the second time.
 */
#include "proof.h"

void proof(void)
{
	unsigned int l = any_u8(), size = any_u8(), i = any_u8();
	uint32_t index = any_u32(), off = any_u32();
	uint64_t val;

	any_valid_machine();
	assume(l < (e.cfg.locality4 ? 5 : 4) && i < size && size <= 8);
	assume(e.s.rsp_owner == l && e.s.active == l);
	assume(off < TPMIX_WINDOW_SIZE && size <= TPMIX_WINDOW_SIZE - off);
	assume(index <= k && k < e.s.rsp_len && k - index == off + i);
	/* The write rule: it is not taken for the repetition of the last write. */
	assume(e.s.last.size != 4 || e.s.last.val != index ||
	       e.s.last.addr != (l << 12 | TPMIX_REG_INDEX));
	write((struct access) { l << 12 | TPMIX_REG_INDEX, index, 4 });
#ifdef TWIN
	assume(k == 0 && size == 1 && e.s.rsp_pos == 0);
	tpmix_mmio_read(&e, l << 12 | TPM_REG_DATA_FIFO, 1);
	val = tpmix_mmio_read(&e, l << 12 | TPM_REG_DATA_FIFO, 1);
#else
	val = tpmix_mmio_read(&e, l << 12 | (TPMIX_WINDOW + off), size);
#endif
	assert((uint8_t)(val >> (i * 8)) == rsp.at_k);
	possible(size == 8 && i == 7 && index > TPMIX_WINDOW_SIZE);
}
