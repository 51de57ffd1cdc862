/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R4: the owner of a response reads every byte of it, in any width and at any place of
 * the window, once INDEX is written (r4_index), of CRB's buffer, and of the response
 * window in RAM. Twin: DATA_FIFO, the second time.
 */
#ifndef WAY
#define WAY 0
#endif
#include "proof.h"

/* The first five ways are the window of each locality, then its buffer; RAM. */
#define OWNER   (WAY % 5u)

void proof(void)
{
	unsigned int size = any_u8(), i = any_u8();
	uint32_t off = any_u32(), addr, index = 0, limit;
	uint64_t val;

	any_valid_machine();
	assume(i < size && size <= 8);
	assume(e.s.rsp_owner == OWNER && e.s.active == OWNER);
	e.s.rsp_owner = e.s.active = OWNER;
#if WAY < 5
	/* The trapped window, in the locality's page or its extension page. */
	assume(e.s.interface == TPMIX_INTERFACE_FIFO || e.cfg.crb);
	addr = (e.s.interface == TPMIX_INTERFACE_FIFO ? 0 : TPMIX_EXT) +
	       (OWNER << 12 | TPMIX_WINDOW);
	limit = TPMIX_WINDOW_SIZE;
	index = e.s.loc[OWNER].index;
#elif WAY < 10
	assume(e.s.interface == TPMIX_INTERFACE_CRB);
	addr = OWNER << 12 | TPM_REG_DATA_BUFFER;
	limit = TPMIX_DATA_BUFFER_SIZE;
#else
	assume(tpmix_has_ram(&e));
	addr = TPMIX_RSP_WINDOW;
	limit = e.cfg.capacity;
#endif
	assume(off < limit && size <= limit - off);
	assume(index <= k && k < e.s.rsp_len && k - index == off + i);
#ifdef TWIN
	assume(k == 0 && size == 1 && e.s.rsp_pos == 0);
	assume(e.s.interface == TPMIX_INTERFACE_FIFO);
	tpmix_mmio_read(&e, OWNER << 12 | TPM_REG_DATA_FIFO, 1);
	val = tpmix_mmio_read(&e, OWNER << 12 | TPM_REG_DATA_FIFO, 1);
#else
	val = tpmix_mmio_read(&e, addr + off, size);
#endif
	assert((uint8_t)(val >> (i * 8)) == rsp.at_k);
	possible(size == 8 && i == 7 && off > 1000);
}
