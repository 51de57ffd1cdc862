/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locality arbitration: TPM_ACCESS_x, TIS 1.3 5.6.2 to 5.6.5, PTP 6.5.2.3, and
 * what TPM_LOC_CTRL_x asks for.
 *
 * A change of the active locality never waits for a command. The command of a
 * locality that left runs on, and its response is that locality's.
 */
#include "internal.h"

/* The highest locality that requests, but for @but; or none. */
static uint8_t requester(const struct tpmix *e, unsigned int but)
{
	unsigned int l;

	for (l = TPMIX_NUM_LOCALITIES; l > 0; l--) {
		if (l - 1 != but &&
		    (e->s.loc[l - 1].access & TPM_ACCESS_REQUEST_USE)) {
			return (uint8_t)(l - 1);
		}
	}
	return TPMIX_NO_LOCALITY;
}

bool tpmix_pending_request(const struct tpmix *e, unsigned int locality)
{
	return tpmix_loc_ok(requester(e, locality));
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
	if (tpmix_pending_request(e, locality)) {
		val |= TPM_ACCESS_PENDING_REQUEST;
	}
	if (!e->s.established) {
		val |= TPM_ACCESS_ESTABLISHMENT;
	}
	return val;
}

/*
 * A new owner finds nothing of the old one's command, nor what locality 0 wrote
 * into its window while it was not active (docs/specification.md, "Access
 * control").
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
	tpmix_cmd_wipe(e);
	e->s.fifo_len = 0;
	e->s.cmd_owner = locality;
}

/* The one place where the active locality changes; @locality may be none. */
static void set_active(struct tpmix *e, uint8_t locality)
{
	e->s.active = locality;
	if (!tpmix_loc_ok(locality)) {
		return;
	}
	e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_REQUEST_USE;
	take_command_buffer(e, locality);
	/* TIS 1.3 5.6.4: what another locality began is not to hold this one up. */
	if (tpmix_busy(e) && e->s.running != locality) {
		tpmix_cancel(e);
	}
	tpmix_raise(e, locality, TPM_INT_LOCALITY_CHANGE);
}

void tpmix_relinquish(struct tpmix *e, unsigned int locality)
{
	if (e->s.active == locality) {
		set_active(e, requester(e, locality));
	} else {
		e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_REQUEST_USE;
	}
}

void tpmix_seize(struct tpmix *e, unsigned int locality)
{
	uint8_t old = e->s.active;

	/* TIS 1.3 5.6.4: only from a lower locality, or from none. */
	if (tpmix_loc_ok(old) && locality <= old) {
		return;
	}
	if (tpmix_loc_ok(old)) {
		e->s.loc[old].access |= TPM_ACCESS_BEEN_SEIZED;
	}
	set_active(e, (uint8_t)locality);
}

void tpmix_request(struct tpmix *e, unsigned int locality)
{
	uint8_t active = e->s.active;

	if (active == locality) {
		return;
	}
	if (!tpmix_loc_ok(active)) {
		set_active(e, (uint8_t)locality);
		return;
	}
	/* Asking once more is not asking anew (R2). */
	if (!(e->s.loc[locality].access & TPM_ACCESS_REQUEST_USE) &&
	    (e->s.loc[active].csum_expect & TPMIX_CSUM_EXPECT_INT_REQUEST)) {
		tpmix_edge(e);
	}
	e->s.loc[locality].access |= TPM_ACCESS_REQUEST_USE;
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
