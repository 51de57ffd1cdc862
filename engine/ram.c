/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest finds in RAM: the response window, the header, and locality 0's CRB
 * page where the host has it in memory. All of them show locality 0's view, so they
 * are blank while it is not active; nothing here is state.
 */
#include "internal.h"

uint32_t tpmix_shown(const struct tpmix *e)
{
	return e->s.active == 0 && e->s.rsp_owner == 0 ? e->s.rsp_len : 0;
}

static void show_bytes(struct tpmix *e, uint8_t *to, uint32_t size, uint32_t old)
{
	uint32_t len = e->shown_len < size ? e->shown_len : size;

	tpmix_copy(to, e->cfg.rsp, 0, len);
	tpmix_blank(to, len, old < size ? old : size);
}

/* Response bytes that were shown, @old of them, are those of now. */
static void show_response(struct tpmix *e, uint32_t old)
{
	e->shown_len = tpmix_shown(e);
	e->shown_ticket = e->s.accepted;
	show_bytes(e, e->cfg.ram.rsp, e->cfg.capacity, old);
	if (e->cfg.ram.crb_buffer) {
		show_bytes(e, e->cfg.ram.crb_buffer, TPMIX_DATA_BUFFER_SIZE, old);
	}
}

/*
 * COMPLETED last: a guest that sees its ticket there finds size, checksum and the
 * response itself in place.
 */
static void show_block(struct tpmix *e)
{
	uint32_t off;

	for (off = TPMIX_BLOCK; off < TPMIX_LOCALITY_SIZE; off += 4) {
		if (off != TPMIX_REG_COMPLETED) {
			tpmix_put_word(e->cfg.ram.block, (off - TPMIX_BLOCK) / 4,
				       tpmix_indexed_read32(e, 0, off));
		}
	}
	tpmix_put_word(e->cfg.ram.block, (TPMIX_REG_COMPLETED - TPMIX_BLOCK) / 4,
		       tpmix_indexed_read32(e, 0, TPMIX_REG_COMPLETED));
}

/* Only START tells a completion here, and it comes after what goes before it. */
static void show_crb(struct tpmix *e)
{
	uint32_t off;

	for (off = 0; off < TPM_REG_DATA_BUFFER; off += 4) {
		if (off != TPM_REG_CTRL_START) {
			tpmix_put_word(e->cfg.ram.crb_regs, off / 4,
				       tpmix_crb_read32(e, 0, off));
		}
	}
	tpmix_put_word(e->cfg.ram.crb_regs, TPM_REG_CTRL_START / 4,
		       tpmix_crb_read32(e, 0, TPM_REG_CTRL_START));
}

void tpmix_show(struct tpmix *e)
{
	uint32_t len = tpmix_shown(e);

	/* A ticket has one response, so nothing else can have changed it. */
	if (len != e->shown_len || (len && e->shown_ticket != e->s.accepted)) {
		show_response(e, e->shown_len);
	}
	show_block(e);
	if (e->cfg.ram.crb_regs) {
		show_crb(e);
	}
}

void tpmix_refresh(struct tpmix *e)
{
	/* All of it: the CRB page has more room than a capacity of 1 KiB. */
	show_response(e, TPMIX_BUFFER_MAX);
	tpmix_show(e);
}
