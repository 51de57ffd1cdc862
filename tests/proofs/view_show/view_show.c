/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After tpmix_show(), and after tpmix_refresh() from any contents, what stands in RAM
 * is what tpmix_read() returns: every byte of the response window, the header page and
 * locality 0's CRB page. view_write and view_answer: what is not written anew is as it
 * was. Twin: no call.
 */
#define OWN_SHOW
#include "proof.h"
#include "ram.c"

static uint8_t shown(uint32_t limit, uint8_t byte)
{
	return k < e.shown_len && k < limit ? byte : NO_DATA_BYTE;
}

void proof(void)
{
	uint8_t shown_k = any_u8();

	any_valid_machine();
	e.cfg.ram.crb_regs = any_bool() ? &crb_regs_mem : NULL;
	e.cfg.ram.crb_buffer = e.cfg.ram.crb_regs ? &crb_buffer_mem : NULL;
	kw = any_u32();
	block_kw = any_u32();
	crb_regs_kw = any_u32();
	any_bytes(&ram_rsp);
	any_bytes(&crb_buffer);
	if (any_bool()) {
		/* As the last call left it, and view_write. */
		assume(e.shown_len <= e.cfg.capacity);
		assume(k >= e.cfg.capacity ||
		       ram_rsp.at_k == shown(e.cfg.capacity, shown_k));
		assume(k >= TPMIX_DATA_BUFFER_SIZE || crb_buffer.at_k ==
		       shown(TPMIX_DATA_BUFFER_SIZE, shown_k));
		assume(tpmix_shown(&e) != e.shown_len || k >= e.shown_len ||
		       e.shown_ticket != e.s.accepted || rsp.at_k == shown_k);
#ifndef TWIN
		tpmix_show(&e);
#endif
	} else {
		tpmix_refresh(&e);
	}
	if (k < e.cfg.capacity) {
		assert(tpmix_read(&e, TPMIX_RSP_WINDOW + k, 1) ==
		       ram_rsp.at_k);
	}
	if (kw < TPMIX_BLOCK_SIZE / 4) {
		assert(tpmix_read(&e, TPMIX_HEADER + TPMIX_BLOCK + kw * 4, 4) ==
		       block_kw);
	}
	if (e.cfg.ram.crb_regs && e.s.interface == TPMIX_INTERFACE_CRB) {
		if (kw < TPM_REG_DATA_BUFFER / 4) {
			assert(tpmix_read(&e, kw * 4, 4) == crb_regs_kw);
		}
		if (k < TPMIX_DATA_BUFFER_SIZE) {
			assert(tpmix_read(&e, TPM_REG_DATA_BUFFER + k, 1) ==
			       crb_buffer.at_k);
		}
	}
	possible(e.shown_len > TPMIX_DATA_BUFFER_SIZE && k < e.shown_len);
}
