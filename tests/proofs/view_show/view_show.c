/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where RAM showed what tpmix_read() returned in one state, tpmix_show() makes it show
 * what tpmix_read() returns in the next: every byte of the response window, the header
 * page and locality 0's CRB page; and what it changed there it reported. tpmix_refresh()
 * does from any contents. Between the two states nothing but a reset, which shows all,
 * changes the family, the interface or the size (intf_sel, valid_complete), and a
 * response changes with its ticket or its length (view_write, view_answer).
 * Twin: no call.
 */
#define OWN_SHOW
#include "proof.h"
#include "ram.c"

#ifndef WAY
#define WAY 0
#endif

static bool crb_page(void)
{
	return e.cfg.ram.crb_regs && e.s.interface == TPMIX_INTERFACE_CRB;
}

/* Of the four that show something, one a run. */
static bool shows(void)
{
	switch (WAY) {
	case 0:
		return k >= e.cfg.capacity ||
		       tpmix_read(&e, TPMIX_RSP_WINDOW + k, 1) == ram_rsp.at_k;
	case 1:
		return kw >= TPMIX_BLOCK_SIZE / 4 ||
		       tpmix_read(&e, TPMIX_HEADER + TPMIX_BLOCK + kw * 4, 4) ==
		       block_kw;
	case 2:
		return kw >= TPM_REG_DATA_BUFFER / 4 || !crb_page() ||
		       tpmix_read(&e, kw * 4, 4) == crb_regs_kw;
	default:
		return k >= TPMIX_DATA_BUFFER_SIZE || !crb_page() ||
		       tpmix_read(&e, TPM_REG_DATA_BUFFER + k, 1) ==
		       crb_buffer.at_k;
	}
}

/* Any later state, before tpmix_show() is called. */
static void later(void)
{
	struct tpmix_state_all old = e.s;
	uint8_t rsp_k = rsp.at_k;

	any_state();
	any_bytes(&rsp);
	e.s.family = old.family;
	e.s.interface = old.interface;
	e.s.bufsize = old.bufsize;
	assume(tpmix_valid(&e));
	assume(tpmix_readable(&e, 0) != e.shown_len || k >= e.shown_len ||
	       e.s.accepted != e.shown_ticket || rsp.at_k == rsp_k);
}

/* RAM as the last call left it, in a state of before. */
static void shown_before(void)
{
	assume(shows());
	e.shown_len = tpmix_readable(&e, 0);
	e.shown_ticket = e.s.accepted;
	e.shown_rest = tpmix_rsp_rest(&e, 0);
	if (e.s.family == TPMIX_FAMILY_NONE) {
		e.shown_rest = 0;
	}
	later();
}

void proof(void)
{
	uint8_t old_rsp, old_buffer;
	uint32_t old_block, old_regs;
	bool refresh = any_bool();

	any_valid_machine();
	assume(tpmix_has_ram(&e));
	e.cfg.ram.crb_regs = any_bool() ? &crb_regs_mem : NULL;
	e.cfg.ram.crb_buffer = e.cfg.ram.crb_regs ? &crb_buffer_mem : NULL;
	block_kw = any_u32();
	crb_regs_kw = any_u32();
	any_bytes(&ram_rsp);
	any_bytes(&crb_buffer);
	if (!refresh) {
		shown_before();
	}
	old_rsp = ram_rsp.at_k;
	old_buffer = crb_buffer.at_k;
	old_block = block_kw;
	old_regs = crb_regs_kw;
	if (refresh) {
		tpmix_refresh(&e);
	} else {
#ifndef TWIN
		tpmix_show(&e);
#endif
	}
	assert(shows());
	assert(ram_rsp.at_k == old_rsp || seen.rsp);
	assert(crb_buffer.at_k == old_buffer || seen.crb_buffer);
	assert(block_kw == old_block || seen.block);
	assert(crb_regs_kw == old_regs || seen.crb_regs);
	possible(e.shown_len > TPMIX_DATA_BUFFER_SIZE && k < e.shown_len);
	possible(!refresh && ram_rsp.at_k != old_rsp);
	possible(!refresh && e.s.family == TPMIX_FAMILY_NONE);
}
