/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TPM_INTERFACE_ID (FIFO) and TPM_CRB_INTF_ID (CRB): which interface is there,
 * which one is active, which one is selected. PTP 1.05 tables 18 and 24.
 */
#include "internal.h"

uint32_t tpmix_intf_id_read(const struct tpmix *e)
{
	uint32_t val;

	if (e->s.family != TPMIX_FAMILY_2_0) {
		return TPM_INTERFACE_ID_TPM12;
	}
	val = e->s.interface | (uint32_t)e->s.intf_sel << TPM_INTF_ID_SEL_SHIFT;
	if (e->s.interface == TPMIX_INTERFACE_CRB) {
		/* InterfaceVersion 1, as edk2 and Windows want it. */
		val |= TPM_INTF_ID_VERSION_CRB | TPM_INTF_ID_CAP_XFER_64;
	}
	if (e->cfg.localities == TPMIX_NUM_LOCALITIES) {
		val |= TPM_INTF_ID_CAP_LOCALITY;
	}
	if (e->cfg.fifo) {
		val |= TPM_INTF_ID_CAP_FIFO;
	}
	if (e->cfg.crb) {
		val |= TPM_INTF_ID_CAP_CRB;
	}
	return val | (e->s.intf_sel_lock ? TPM_INTF_ID_SEL_LOCK : 0);
}

static bool is_there(const struct tpmix *e, uint32_t interface)
{
	return interface == TPMIX_INTERFACE_FIFO ? e->cfg.fifo :
	       interface == TPMIX_INTERFACE_CRB ? e->cfg.crb : false;
}

uint8_t tpmix_interface_or_other(const struct tpmix *e, uint8_t want)
{
	if (is_there(e, want)) {
		return want;
	}
	return e->cfg.fifo ? TPMIX_INTERFACE_FIFO : TPMIX_INTERFACE_CRB;
}

/*
 * The write that locks selects nothing: SeaBIOS selects in one write and locks in
 * the next, whose selector bits it leaves 0.
 */
void tpmix_intf_id_write(struct tpmix *e, uint32_t val, uint32_t mask)
{
	uint32_t sel = (val & TPM_INTF_ID_SEL_MASK) >> TPM_INTF_ID_SEL_SHIFT;

	if (val & TPM_INTF_ID_SEL_LOCK) {
		e->s.intf_sel_lock = 1;
		return;
	}
	if (e->s.intf_sel_lock || !(mask & TPM_INTF_ID_SEL_MASK)) {
		return;
	}
	if (is_there(e, sel)) {
		e->s.intf_sel = (uint8_t)sel;
	}
}
