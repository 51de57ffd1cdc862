/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an engine: power on, TPM_INIT, the backend's answers. Accesses are
 * mmio.c's.
 */
#include "internal.h"

void tpmix_refresh(struct tpmix *e)
{
	tpmix_show_all(e);
}

void tpmix_reset(struct tpmix *e, enum tpmix_family family, uint32_t bufsize)
{
	uint32_t accepted = e->s.accepted;
	uint8_t established = e->s.established;
	uint8_t interface = tpmix_interface_or_other(e, e->s.intf_sel);
	unsigned int l;

	if (bufsize > e->cfg.capacity) {
		bufsize = e->cfg.capacity;
	}
	if (bufsize < TPMIX_HEADER_SIZE) {
		bufsize = TPMIX_HEADER_SIZE;
	}
	e->s = (struct tpmix_state_all) {
		.accepted = accepted,
		.established = established,
		.interface = interface,
		.intf_sel = interface,
		.family = (uint8_t)family,
		.active = TPMIX_NO_LOCALITY,
		.running = TPMIX_NO_LOCALITY,
		.waiting = TPMIX_NO_LOCALITY,
		.cmd_owner = TPMIX_NO_LOCALITY,
		.rsp_owner = TPMIX_NO_LOCALITY,
		.bufsize = bufsize,
	};
	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		e->s.loc[l].int_enable = TPM_INT_POLARITY_LOW;
	}
	tpmix_cmd_wipe(e);
	tpmix_fill(e->cfg.run, 0, 0, e->cfg.capacity);
	tpmix_fill(e->cfg.rsp, 0, 0, e->cfg.capacity);
	tpmix_show_all(e);
}

void tpmix_init(struct tpmix *e, const struct tpmix_config *cfg)
{
	*e = (struct tpmix) { .cfg = *cfg, .s.intf_sel = cfg->interface };
	tpmix_reset(e, TPMIX_FAMILY_2_0, cfg->capacity);
}

void tpmix_set_established(struct tpmix *e, bool established)
{
	e->s.established = established;
	tpmix_show(e);
}

bool tpmix_complete(struct tpmix *e, uint32_t ticket, const uint8_t *rsp,
		    uint32_t len, bool selftest_done)
{
	if (!tpmix_busy(e) || ticket != e->s.accepted) {
		return false;
	}
	if (selftest_done) {
		e->s.selftest_done = 1;
	}
	tpmix_finish(e, rsp, len);
	tpmix_show(e);
	return true;
}
