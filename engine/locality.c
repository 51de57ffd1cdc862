/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locality arbitration: TPM_ACCESS_x, TIS 1.3 5.6.2 to 5.6.5, PTP 6.5.2.3, and
 * what TPM_LOC_CTRL_x asks for.
 * Where the TIS leaves a choice it is that of QEMU's tpm-tis.
 */
#include "internal.h"

static bool requested_by_other(const struct tpmix *e, unsigned int locality)
{
	unsigned int l;

	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		if (l != locality &&
		    (e->s.loc[l].access & TPM_ACCESS_REQUEST_USE)) {
			return true;
		}
	}
	return false;
}

uint32_t tpmix_access_read(const struct tpmix *e, unsigned int locality)
{
	uint32_t val = TPM_ACCESS_REG_VALID_STS;

	/* TIS 1.3 table 11: Seize reads as 0. */
	val |= e->s.loc[locality].access &
	       (TPM_ACCESS_REQUEST_USE | TPM_ACCESS_BEEN_SEIZED);
	if (e->s.active == locality) {
		val |= TPM_ACCESS_ACTIVE_LOCALITY;
	}
	if (requested_by_other(e, locality)) {
		val |= TPM_ACCESS_PENDING_REQUEST;
	}
	if (!e->s.established) {
		val |= TPM_ACCESS_ESTABLISHMENT;
	}
	return val;
}

/*
 * interface.md 5: a new owner finds nothing of the old one's command, nor what
 * locality 0 wrote into its window while it was not active.
 */
static void take_command_buffer(struct tpmix *e, uint8_t locality)
{
	uint8_t old = e->s.cmd_owner;

	if (old == locality) {
		return;
	}
	if (tpmix_loc_ok(old) && e->s.loc[old].state == TPMIX_RECEPTION) {
		e->s.loc[old].state = TPMIX_IDLE;
	}
	tpmix_wipe(e->cfg.cmd, e->cfg.capacity);
	tpmix_wipe(e->cfg.ram.cmd, e->cfg.capacity);
	e->s.fifo_len = 0;
	e->s.cmd_owner = locality;
}

/* The active locality, if there is one, no longer is. */
static void leave(struct tpmix *e, bool seized)
{
	uint8_t old = e->s.active;

	if (!tpmix_loc_ok(old)) {
		return;
	}
	if (seized) {
		e->s.loc[old].access |= TPM_ACCESS_BEEN_SEIZED;
	}
	e->s.active = TPMIX_NO_LOCALITY;
}

void tpmix_set_active(struct tpmix *e, uint8_t locality)
{
	unsigned int l;

	leave(e, e->s.loc[locality].access & TPM_ACCESS_SEIZE);
	e->s.active = locality;
	e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_REQUEST_USE;
	/* A seize that lost to a higher locality is void. */
	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		e->s.loc[l].access &= (uint8_t)~TPM_ACCESS_SEIZE;
	}
	take_command_buffer(e, locality);
	tpmix_raise(e, locality, TPM_INT_LOCALITY_CHANGE);
}

/*
 * @locality is to be active: at once, or after the running command, which is
 * cancelled for it (TIS 1.3 5.6.4). A higher locality that already waits stays.
 */
static void hand_over(struct tpmix *e, uint8_t locality)
{
	if (!tpmix_busy(e)) {
		tpmix_set_active(e, locality);
		return;
	}
	if (!tpmix_loc_ok(e->s.next) || locality > e->s.next) {
		e->s.next = locality;
	}
	tpmix_cancel(e);
}

void tpmix_relinquish(struct tpmix *e, unsigned int locality)
{
	unsigned int l;

	if (e->s.active != locality) {
		e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_REQUEST_USE;
		return;
	}
	for (l = TPMIX_NUM_LOCALITIES; l > 0; l--) {
		if (e->s.loc[l - 1].access & TPM_ACCESS_REQUEST_USE) {
			hand_over(e, (uint8_t)(l - 1));
			return;
		}
	}
	leave(e, false);
}

void tpmix_seize(struct tpmix *e, unsigned int locality)
{
	unsigned int l;

	/* TIS 1.3 5.6.4: only from a lower locality, or from none. */
	if (tpmix_loc_ok(e->s.active) && locality <= e->s.active) {
		return;
	}
	for (l = locality; l < TPMIX_NUM_LOCALITIES; l++) {
		if (e->s.loc[l].access & TPM_ACCESS_SEIZE) {
			return;
		}
	}
	e->s.loc[locality].access |= TPM_ACCESS_SEIZE;
	hand_over(e, (uint8_t)locality);
}

void tpmix_request(struct tpmix *e, unsigned int locality)
{
	if (e->s.active == locality) {
		return;
	}
	if (tpmix_loc_ok(e->s.active) || tpmix_loc_ok(e->s.next)) {
		e->s.loc[locality].access |= TPM_ACCESS_REQUEST_USE;
	} else {
		tpmix_set_active(e, (uint8_t)locality);
	}
}

void tpmix_access_write(struct tpmix *e, unsigned int locality, uint32_t val)
{
	if (val & TPM_ACCESS_BEEN_SEIZED) {
		e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_BEEN_SEIZED;
	}
	/*
	 * TIS 1.3 5.6.2 wants one bit a write. Of several the first of these
	 * counts: "relinquish and request", taken as two steps, would undo
	 * itself when the write is repeated (R2).
	 */
	if (val & TPM_ACCESS_SEIZE) {
		tpmix_seize(e, locality);
	} else if (val & TPM_ACCESS_ACTIVE_LOCALITY) {
		tpmix_relinquish(e, locality);
	} else if (val & TPM_ACCESS_REQUEST_USE) {
		tpmix_request(e, locality);
	}
}
