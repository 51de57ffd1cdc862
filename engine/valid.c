/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariant of the engine's state; see tpmix_valid() in tpmix.h. */
#include "internal.h"

#define INT_ENABLE_BITS (TPM_INT_GLOBAL_ENABLE | TPM_INT_POLARITY_MASK | \
			 TPM_INT_ALL)

static bool loc_or_none(const struct tpmix *e, uint8_t locality)
{
	return locality < e->cfg.localities || locality == TPMIX_NO_LOCALITY;
}

static bool config_valid(const struct tpmix_config *c)
{
	return c->capacity >= TPMIX_BUFFER_MIN &&
	       c->capacity <= TPMIX_BUFFER_MAX && c->capacity % 4 == 0 &&
	       (c->fifo || c->crb) &&
	       !c->ram.rsp == !c->ram.block && (c->ram.rsp || !c->ram.crb_regs) &&
	       (c->localities == 1 || c->localities == TPMIX_NUM_LOCALITIES);
}

static bool loc_valid(const struct tpmix *e, uint8_t i)
{
	const struct tpmix_loc *l = &e->s.loc[i];

	if (l->state > TPMIX_COMPLETION || l->refused > TPMIX_REFUSED_WIDTH ||
	    l->armed > TPMIX_ARMED_EARLY) {
		return false;
	}
	/* While a locality's command runs it arms early. */
	if (l->armed == TPMIX_ARMED && l->state == TPMIX_EXECUTION) {
		return false;
	}
	/* Early: cfg.run is still the command that the locality ran last. */
	if (l->armed == TPMIX_ARMED_EARLY && e->s.running != i &&
	    e->s.rsp_owner != i) {
		return false;
	}
	if (!tpmix_has_tpm(e) && l->int_status) {
		return false;
	}
	if ((l->access & ~(TPM_ACCESS_REQUEST_USE | TPM_ACCESS_BEEN_SEIZED)) ||
	    (l->int_status & ~TPM_INT_ALL) ||
	    (l->int_enable & ~INT_ENABLE_BITS) ||
	    (l->csum_expect & ~CSUM_EXPECT_BITS)) {
		return false;
	}
	/* One command runs, and it is that locality's. */
	if ((l->state == TPMIX_EXECUTION) != (e->s.running == i)) {
		return false;
	}
	/* What the FIFO gives out is this locality's response. */
	if (l->state == TPMIX_COMPLETION && e->s.rsp_owner != i) {
		return false;
	}
	if ((l->int_status & (TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID)) &&
	    e->s.rsp_owner != i) {
		return false;
	}
	if (l->state == TPMIX_RECEPTION && e->s.cmd_owner != i) {
		return false;
	}
	/*
	 * A locality that is not there asks for nothing, and holds no interrupt
	 * that no register could end.
	 */
	if (i >= e->cfg.localities && (l->access || l->int_status)) {
		return false;
	}
	/* A request waits for another locality that is active. */
	if ((l->access & TPM_ACCESS_REQUEST_USE) &&
	    (!tpmix_loc_ok(e->s.active) || e->s.active == i)) {
		return false;
	}
	return true;
}

bool tpmix_valid(const struct tpmix *e)
{
	const struct tpmix_state_all *s = &e->s;
	uint8_t i;

	if (!config_valid(&e->cfg) ||
	    s->bufsize < TPMIX_HEADER_SIZE || s->bufsize > e->cfg.capacity) {
		return false;
	}
	if (s->family > TPMIX_FAMILY_2_0) {
		return false;
	}
	/* Without a TPM nobody talks to it. */
	if (!tpmix_has_tpm(e) &&
	    (tpmix_loc_ok(s->active) || tpmix_busy(e) ||
	     tpmix_loc_ok(s->rsp_owner))) {
		return false;
	}
	if (tpmix_interface_or_other(e, s->interface) != s->interface ||
	    tpmix_interface_or_other(e, s->intf_sel) != s->intf_sel) {
		return false;
	}
	if (!loc_or_none(e, s->active) || !loc_or_none(e, s->running) ||
	    !loc_or_none(e, s->waiting) || !loc_or_none(e, s->cmd_owner) ||
	    !loc_or_none(e, s->rsp_owner)) {
		return false;
	}
	if (s->abort > 1 || s->notify > 1 || s->intf_sel_lock > 1 || s->selftest_done > 1 ||
	    s->established > 1) {
		return false;
	}
	if (s->fifo_len > s->bufsize || s->rsp_len > s->bufsize ||
	    s->rsp_pos > s->rsp_len) {
		return false;
	}
	/* A response is at least a header, and somebody's. */
	if (tpmix_loc_ok(s->rsp_owner) ? s->rsp_len < TPMIX_HEADER_SIZE :
					 s->rsp_len != 0) {
		return false;
	}
	/* While a command runs there is no response; the others wait for its end. */
	if (tpmix_busy(e) ? tpmix_loc_ok(s->rsp_owner) :
			    s->abort || s->notify || tpmix_loc_ok(s->waiting)) {
		return false;
	}
	if (tpmix_loc_ok(s->active) && s->cmd_owner != s->active) {
		return false;
	}
	if (s->last.size > 8 || (s->last.size && s->last.size < 8 &&
				 s->last.val >> (s->last.size * 8))) {
		return false;
	}
	for (i = 0; i < TPMIX_NUM_LOCALITIES; i++) {
		if (!loc_valid(e, i)) {
			return false;
		}
	}
	return true;
}
