/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest finds in RAM: the response window, the header, and locality 0's CRB
 * page where the host has it in memory. All of them show locality 0's view, so they
 * are blank while it is not active; nothing here is state.
 */
#include "internal.h"

/* Registers of the header page that change between one TPM_INIT and the next. */
static const uint16_t block_regs[] = {
	TPMIX_REG_INDEX, TPMIX_REG_CANCEL, TPMIX_REG_CSUM_EXPECT,
	TPMIX_REG_DOORBELL, TPMIX_REG_ACCEPTED, TPMIX_REG_STATUS,
	TPMIX_REG_RSP_SIZE, TPMIX_REG_CSUM, TPMIX_REG_INT_ACK,
};

/* The same of the CRB page. */
static const uint16_t crb_regs[] = {
	TPM_REG_LOC_STATE, TPM_REG_LOC_STS, TPM_REG_INTF_ID, TPM_REG_CTRL_STS,
	TPM_REG_CRB_INT_ENABLE, TPM_REG_CRB_INT_STS,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool show_block_reg(struct tpmix *e, uint32_t off)
{
	uint32_t val;

	tpmix_indexed_read32(e, 0, off, &val);
	return tpmix_put_word(e->cfg.ram.block, (off - TPMIX_BLOCK) / 4,
			      tpmix_has_tpm(e) ? val : 0);
}

static bool show_crb_reg(struct tpmix *e, uint32_t off)
{
	uint32_t val;

	tpmix_crb_read32(e, 0, off, &val);
	return tpmix_put_word(e->cfg.ram.crb_regs, off / 4,
			      tpmix_has_tpm(e) ? val : 0);
}

/*
 * The first @size bytes of what shows the response. @old: so many were of an earlier
 * response, and behind them it has been what it is to be now.
 */
static void show_bytes(struct tpmix *e, uint8_t *to, uint32_t addr, uint32_t size,
		       uint32_t old)
{
	uint32_t len = e->shown_len < size ? e->shown_len : size;
	uint32_t end = old < size ? old : size;

	tpmix_copy(to, e->cfg.rsp, 0, len);
	tpmix_fill(to, e->shown_rest, len, end);
	tpmix_changed(e, addr, len < end ? end : len);
}

static void show_response(struct tpmix *e, uint32_t old)
{
	e->shown_len = tpmix_readable(e, 0);
	e->shown_ticket = e->s.accepted;
	e->shown_rest = tpmix_rsp_rest(e, 0);
	show_bytes(e, e->cfg.ram.rsp, TPMIX_RSP_WINDOW, e->cfg.capacity, old);
	if (e->cfg.ram.crb_buffer) {
		show_bytes(e, e->cfg.ram.crb_buffer, TPM_REG_DATA_BUFFER,
			   TPMIX_DATA_BUFFER_SIZE, old);
	}
}

/*
 * COMPLETED last: a guest that sees its ticket there finds size, checksum and the
 * response itself in place.
 */
static void show_block(struct tpmix *e)
{
	bool changed = false;
	unsigned int i;

	for (i = 0; i < COUNT(block_regs); i++) {
		changed |= show_block_reg(e, block_regs[i]);
	}
	tpmix_fence();
	changed |= show_block_reg(e, TPMIX_REG_COMPLETED);
	if (changed) {
		tpmix_changed(e, TPMIX_HEADER + TPMIX_BLOCK, TPMIX_BLOCK_SIZE);
	}
}

/* Only START tells a completion here, and it comes after what goes before it. */
static void show_crb(struct tpmix *e)
{
	bool changed = false;
	unsigned int i;

	for (i = 0; i < COUNT(crb_regs); i++) {
		changed |= show_crb_reg(e, crb_regs[i]);
	}
	tpmix_fence();
	changed |= show_crb_reg(e, TPM_REG_CTRL_START);
	if (changed) {
		tpmix_changed(e, 0, TPM_REG_DATA_BUFFER);
	}
}

void tpmix_show(struct tpmix *e)
{
	uint32_t len;

	if (!tpmix_has_ram(e)) {
		return;
	}
	len = tpmix_readable(e, 0);
	if (e->shown_rest != tpmix_rsp_rest(e, 0)) {
		show_response(e, TPMIX_BUFFER_MAX);
	} else if (len != e->shown_len ||
		   (len && e->shown_ticket != e->s.accepted)) {
		/* A ticket has one response: the same one is shown already. */
		show_response(e, e->shown_len);
	}
	show_block(e);
	if (e->cfg.ram.crb_regs) {
		show_crb(e);
	}
}

void tpmix_show_all(struct tpmix *e)
{
	uint32_t off;

	if (!tpmix_has_ram(e)) {
		return;
	}
	show_response(e, TPMIX_BUFFER_MAX);
	for (off = TPMIX_BLOCK; off < TPMIX_LOCALITY_SIZE; off += 4) {
		show_block_reg(e, off);
	}
	tpmix_changed(e, TPMIX_HEADER + TPMIX_BLOCK, TPMIX_BLOCK_SIZE);
	if (e->cfg.ram.crb_regs) {
		for (off = 0; off < TPM_REG_DATA_BUFFER; off += 4) {
			show_crb_reg(e, off);
		}
		tpmix_changed(e, 0, TPM_REG_DATA_BUFFER);
	}
}
