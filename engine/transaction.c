/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction state machine: a command is accepted, runs and completes.
 * Both doors end here. TIS 1.3 5.6.12; docs/specification.md, "Transaction".
 */
#include "internal.h"

/* TPM 2.0 part 2, 6.6.3 and TPM 1.2 part 2, 16. */
enum tpm_rc {
	TPM_FAIL            = 0x009,
	TPM_BAD_PARAM_SIZE  = 0x019,
	TPM_RC_FAILURE      = 0x101,
	TPM_RC_COMMAND_SIZE = 0x142,
};

enum tpm_tag {
	TPM_TAG_RSP_COMMAND = 0x00C4,
	TPM_ST_NO_SESSIONS  = 0x8001,
};

void tpmix_guest_error(const struct tpmix *e, const char *what, uint32_t addr)
{
	e->cfg.backend->guest_error(e->cfg.opaque, what, addr);
}

void tpmix_raise(struct tpmix *e, unsigned int locality, uint32_t mask)
{
	uint32_t enable = e->s.loc[locality].int_enable;

	if ((enable & TPM_INT_GLOBAL_ENABLE) && (enable & mask)) {
		e->s.loc[locality].int_status |= (uint8_t)(mask & TPM_INT_ALL);
	}
}

uint32_t tpmix_completed(const struct tpmix *e)
{
	return tpmix_busy(e) ? tpmix_ticket_before(e->s.accepted) : e->s.accepted;
}

static void put_error_response(struct tpmix *e, enum tpm_rc rc20,
			       enum tpm_rc rc12)
{
	bool tpm2 = e->s.family == TPMIX_FAMILY_2_0;
	uint32_t tag = tpm2 ? TPM_ST_NO_SESSIONS : TPM_TAG_RSP_COMMAND;
	uint32_t rc = tpm2 ? rc20 : rc12;
	const uint8_t head[TPMIX_HEADER_SIZE] = {
		(uint8_t)(tag >> 8), (uint8_t)tag, 0, 0, 0, TPMIX_HEADER_SIZE,
		0, 0, (uint8_t)(rc >> 8), (uint8_t)rc,
	};
	uint32_t i;

	for (i = 0; i < TPMIX_HEADER_SIZE; i++) {
		tpmix_put(e->cfg.rsp, i, head[i]);
	}
	e->s.rsp_len = TPMIX_HEADER_SIZE;
}

/* rsp and rsp_len are set: the running command becomes the completed one. */
static void finish(struct tpmix *e)
{
	uint8_t l = e->s.running;
	uint8_t next = e->s.next;

	e->s.rsp_owner = l;
	e->s.rsp_csum = tpmix_crc16(e->cfg.rsp, e->s.rsp_len);
	/* Another locality may be sending its next command by now. */
	if (e->s.cmd_owner == l) {
		e->s.fifo_len = 0;
	}
	e->s.running = TPMIX_NO_LOCALITY;

	if (e->s.abort) {
		e->s.abort = 0;
		e->s.loc[l].state = TPMIX_READY;
		tpmix_raise(e, l, TPM_INT_COMMAND_READY);
	} else {
		e->s.loc[l].state = TPMIX_COMPLETION;
		tpmix_raise(e, l, TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID);
	}

	if (tpmix_loc_ok(next)) {
		e->s.next = TPMIX_NO_LOCALITY;
		tpmix_set_active(e, next);
	}
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
	if (!rsp || len < TPMIX_HEADER_SIZE || len > e->s.bufsize ||
	    tpmix_get_be32(rsp, 2) != len) {
		put_error_response(e, TPM_RC_FAILURE, TPM_FAIL);
	} else {
		tpmix_copy(e->cfg.rsp, rsp, 0, len);
		e->s.rsp_len = len;
	}
	finish(e);
	tpmix_show(e);
	return true;
}

/*
 * All is judged on the private copy: the guest can go on writing its command while
 * this runs (interface.md 4). Returns the size that the copied header claims.
 */
static uint32_t copy_command(struct tpmix *e, unsigned int locality)
{
	const uint8_t *cmd = tpmix_cmd(e, locality);
	uint32_t size;

	tpmix_copy(e->cfg.run, cmd, 0, TPMIX_HEADER_SIZE);
	size = tpmix_get_be32(e->cfg.run, 2);
	tpmix_copy(e->cfg.run, cmd, TPMIX_HEADER_SIZE,
		   size < e->s.bufsize ? size : e->s.bufsize);
	return size;
}

static bool size_fits(const struct tpmix *e, uint32_t size,
		      enum tpmix_source source)
{
	return size >= TPMIX_HEADER_SIZE && size <= e->s.bufsize &&
	       (source != TPMIX_FROM_FIFO || size == e->s.fifo_len);
}

/*
 * The response ends at acceptance, and nowhere else (R4), and its interrupts with
 * it: a guest that still acknowledges one finds nothing to clear, so that its
 * write is never taken for the repetition of the next acknowledgement.
 */
static void end_response(struct tpmix *e)
{
	uint8_t l = e->s.rsp_owner;

	if (!tpmix_loc_ok(l)) {
		return;
	}
	if (e->s.loc[l].state == TPMIX_COMPLETION) {
		e->s.loc[l].state = TPMIX_IDLE;
	}
	e->s.loc[l].int_status &=
		(uint8_t)~(TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID);
	e->s.rsp_owner = TPMIX_NO_LOCALITY;
	e->s.rsp_len = 0;
	e->s.rsp_pos = 0;
	e->s.rsp_csum = 0;
}

bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect)
{
	uint32_t size = copy_command(e, locality);
	uint16_t crc = tpmix_crc16(e->cfg.run, size < e->s.bufsize ?
					       size : e->s.bufsize);
	bool fits = size_fits(e, size, source);

	if ((expect & TPMIX_CSUM_EXPECT_ON) &&
	    (expect & TPMIX_CSUM_EXPECT_MASK) != crc) {
		return false;
	}
	end_response(e);
	e->s.cmd_csum = fits ? crc : 0;
	e->s.loc[locality].refused = TPMIX_REFUSED_NONE;
	e->s.loc[locality].state = TPMIX_EXECUTION;
	e->s.loc[locality].armed = 0;
	if (source != TPMIX_FROM_FIFO) {
		e->s.fifo_len = 0;
	}
	e->s.running = (uint8_t)locality;
	e->s.accepted = tpmix_ticket_after(e->s.accepted);

	if (!fits) {
		/* Never a partial command to the backend (interface.md 4). */
		tpmix_guest_error(e, "command size does not fit",
				  locality << TPMIX_LOCALITY_SHIFT);
		put_error_response(e, TPM_RC_COMMAND_SIZE, TPM_BAD_PARAM_SIZE);
		finish(e);
		return true;
	}
	e->starts++;
	e->cfg.backend->start(e->cfg.opaque, e->s.accepted, locality,
			      e->cfg.run, size);
	return true;
}

void tpmix_cancel(struct tpmix *e)
{
	e->cfg.backend->cancel(e->cfg.opaque);
}

void tpmix_abort(struct tpmix *e)
{
	e->s.abort = 1;
	tpmix_cancel(e);
}

/*
 * The FIFO lets go of the response, the other doors do not: a commandReady that
 * arrives late takes nothing (R4).
 */
void tpmix_goal_ready(struct tpmix *e, unsigned int locality)
{
	e->s.fifo_len = 0;
	if (e->s.loc[locality].state != TPMIX_READY) {
		e->s.loc[locality].state = TPMIX_READY;
		tpmix_raise(e, locality, TPM_INT_COMMAND_READY);
	}
}

void tpmix_goal_idle(struct tpmix *e, unsigned int locality)
{
	e->s.loc[locality].state = TPMIX_IDLE;
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
		.next = TPMIX_NO_LOCALITY,
		.running = TPMIX_NO_LOCALITY,
		.cmd_owner = TPMIX_NO_LOCALITY,
		.rsp_owner = TPMIX_NO_LOCALITY,
		.bufsize = bufsize,
	};
	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		e->s.loc[l].int_enable = TPM_INT_POLARITY_LOW;
	}
	tpmix_wipe(e->cfg.cmd, e->cfg.capacity);
	tpmix_wipe(e->cfg.run, e->cfg.capacity);
	tpmix_wipe(e->cfg.rsp, e->cfg.capacity);
	tpmix_wipe(e->cfg.ram.cmd, e->cfg.capacity);
	tpmix_refresh(e);
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
