/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction state machine: a command is accepted, runs and completes.
 * All doors end here. TIS 1.3 5.6.12; docs/specification.md, "Transaction".
 */
#include "internal.h"

/* TPM 2.0 part 2, 6.6.3 and TPM 1.2 part 2, 16. */
enum tpm_rc {
	TPM_FAIL            = 0x009,
	TPM_BAD_PARAM_SIZE  = 0x019,
	TPM_RC_FAILURE      = 0x101,
	TPM_RC_COMMAND_SIZE = 0x142,
	TPM_RETRY           = 0x800,
	TPM_RC_RETRY        = 0x922,
};

enum tpm_tag {
	TPM_TAG_RSP_COMMAND = 0x00C4,
	TPM_ST_NO_SESSIONS  = 0x8001,
};

void tpmix_guest_error(const struct tpmix *e, const char *what, uint32_t addr)
{
	e->cfg.backend->guest_error(e->cfg.opaque, what, addr);
}

void tpmix_changed(const struct tpmix *e, uint32_t addr, uint32_t len)
{
	if (e->cfg.backend->changed) {
		e->cfg.backend->changed(e->cfg.opaque, addr, len);
	}
}

/* Command buffers */

/*
 * Locality 0's is RAM that the guest may change at any moment: what is decided on
 * is decided on cfg.run.
 */
static uint8_t *command(const struct tpmix *e, unsigned int locality)
{
	return locality == 0 ? e->cfg.ram.cmd : e->cfg.cmd;
}

uint32_t tpmix_cmd_size_field(const struct tpmix *e, unsigned int locality)
{
	return tpmix_get_be32(command(e, locality), 2);
}

void tpmix_cmd_put(struct tpmix *e, unsigned int locality, uint32_t at,
		   uint32_t val, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		tpmix_put(command(e, locality), at + i, (uint8_t)(val >> (i * 8)));
	}
	if (locality == 0 && tpmix_has_ram(e)) {
		tpmix_changed(e, TPMIX_CMD_WINDOW + at, size);
	}
}

void tpmix_cmd_wipe(struct tpmix *e)
{
	tpmix_fill(e->cfg.cmd, 0, 0, e->cfg.capacity);
	tpmix_fill(e->cfg.ram.cmd, 0, 0, e->cfg.capacity);
	if (tpmix_has_ram(e)) {
		tpmix_changed(e, TPMIX_CMD_WINDOW, e->cfg.capacity);
	}
}

/* The response */

uint32_t tpmix_readable(const struct tpmix *e, unsigned int locality)
{
	return e->s.active == locality && e->s.rsp_owner == locality ?
	       e->s.rsp_len : 0;
}

uint8_t tpmix_rsp_rest(const struct tpmix *e, unsigned int locality)
{
	return e->s.active == locality || !tpmix_has_tpm(e) ? 0 : NO_DATA_BYTE;
}

uint8_t tpmix_rsp_byte(const struct tpmix *e, unsigned int locality, uint32_t at)
{
	return at < tpmix_readable(e, locality) ? tpmix_get(e->cfg.rsp, at) :
						  tpmix_rsp_rest(e, locality);
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

/* Interrupts and counting */

void tpmix_edge(struct tpmix *e)
{
	if (e->cfg.int_vector) {
		e->edges++;
	}
}

bool tpmix_irq(const struct tpmix *e)
{
	unsigned int l;

	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		if (e->s.loc[l].int_status) {
			return true;
		}
	}
	return false;
}

void tpmix_raise(struct tpmix *e, unsigned int locality, uint32_t mask)
{
	uint32_t enable = e->s.loc[locality].int_enable;

	if (!(enable & TPM_INT_GLOBAL_ENABLE) || !(enable & mask)) {
		return;
	}
	/* Or a guest that hears edges never hears of this one. */
	if (tpmix_irq(e)) {
		tpmix_edge(e);
	}
	e->s.loc[locality].int_status |= (uint8_t)(mask & TPM_INT_ALL);
}

uint32_t tpmix_completed(const struct tpmix *e)
{
	return tpmix_busy(e) ? tpmix_ticket_before(e->s.accepted) : e->s.accepted;
}

/* Completion */

/* rsp and rsp_len are set: the running command becomes the completed one. */
static void end_command(struct tpmix *e)
{
	uint8_t l = e->s.running;

	e->s.rsp_owner = l;
	e->s.rsp_csum = tpmix_crc16(e->cfg.rsp, e->s.rsp_len);
	/* Another locality may be sending its next command by now. */
	if (e->s.cmd_owner == l) {
		e->s.fifo_len = 0;
	}
	e->s.running = TPMIX_NO_LOCALITY;
	if (e->s.notify) {
		e->s.notify = 0;
		tpmix_edge(e);
	}
	if (e->s.abort) {
		e->s.abort = 0;
		e->s.loc[l].state = TPMIX_READY;
		tpmix_raise(e, l, TPM_INT_COMMAND_READY);
	} else {
		e->s.loc[l].state = TPMIX_COMPLETION;
		tpmix_raise(e, l, TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID);
	}
}

/* cfg.run is no longer the command that ran when a locality armed early. */
static void early_is_over(struct tpmix *e)
{
	unsigned int l;

	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		if (e->s.loc[l].armed == TPMIX_ARMED_EARLY) {
			e->s.loc[l].armed = TPMIX_ARMED;
		}
	}
}

/* The next ticket is @locality's. */
static void take_ticket(struct tpmix *e, unsigned int locality)
{
	end_response(e);
	early_is_over(e);
	e->s.loc[locality].armed = TPMIX_DISARMED;
	e->s.loc[locality].refused = TPMIX_REFUSED_NONE;
	e->s.loc[locality].state = TPMIX_EXECUTION;
	e->s.running = (uint8_t)locality;
	e->s.accepted = tpmix_ticket_after(e->s.accepted);
}

void tpmix_wait(struct tpmix *e, unsigned int locality)
{
	if (e->s.waiting != e->s.running) {
		e->s.waiting = (uint8_t)locality;
	}
}

void tpmix_finish(struct tpmix *e, const uint8_t *rsp, uint32_t len)
{
	uint8_t waiting = e->s.waiting;

	if (!rsp || len < TPMIX_HEADER_SIZE || len > e->s.bufsize ||
	    tpmix_get_be32(rsp, 2) != len) {
		put_error_response(e, TPM_RC_FAILURE, TPM_FAIL);
	} else {
		tpmix_copy(e->cfg.rsp, rsp, 0, len);
		e->s.rsp_len = len;
	}
	end_command(e);
	e->s.waiting = TPMIX_NO_LOCALITY;
	if (tpmix_loc_ok(waiting)) {
		/* Its answer is its own, never the response to another command. */
		take_ticket(e, waiting);
		e->s.cmd_csum = 0;
		put_error_response(e, TPM_RC_RETRY, TPM_RETRY);
		end_command(e);
	}
}

/* Acceptance */

/* Bytes of cfg.run that belong to the command, as far as the buffer goes. */
static uint32_t run_size(const struct tpmix *e)
{
	uint32_t size = tpmix_get_be32(e->cfg.run, 2);

	return size < e->s.bufsize ? size : e->s.bufsize;
}

bool tpmix_repeats_command(const struct tpmix *e, unsigned int locality)
{
	uint32_t size = run_size(e);

	return tpmix_same(e->cfg.run, command(e, locality),
			  size > TPMIX_HEADER_SIZE ? size : TPMIX_HEADER_SIZE);
}

/*
 * All is judged on the private copy: the guest can go on writing its command while
 * this runs. Returns the size that the copied header claims.
 */
static uint32_t copy_command(struct tpmix *e, unsigned int locality)
{
	const uint8_t *cmd = command(e, locality);

	early_is_over(e);
	tpmix_copy(e->cfg.run, cmd, 0, TPMIX_HEADER_SIZE);
	tpmix_copy(e->cfg.run, cmd, TPMIX_HEADER_SIZE, run_size(e));
	return tpmix_get_be32(e->cfg.run, 2);
}

static bool size_fits(const struct tpmix *e, uint32_t size,
		      enum tpmix_source source)
{
	return size >= TPMIX_HEADER_SIZE && size <= e->s.bufsize &&
	       (source != TPMIX_FROM_FIFO || size == e->s.fifo_len);
}

bool tpmix_accept(struct tpmix *e, unsigned int locality,
		  enum tpmix_source source, uint32_t expect)
{
	uint32_t size = copy_command(e, locality);
	uint16_t crc = tpmix_crc16(e->cfg.run, run_size(e));
	bool fits = size_fits(e, size, source);

	if ((expect & TPMIX_CSUM_EXPECT_ON) &&
	    (expect & TPMIX_CSUM_EXPECT_MASK) != crc) {
		return false;
	}
	take_ticket(e, locality);
	e->s.cmd_csum = fits ? crc : 0;
	if (source != TPMIX_FROM_FIFO) {
		e->s.fifo_len = 0;
	}
	if (!fits) {
		/* Never a partial command to the backend. */
		tpmix_guest_error(e, "command size does not fit",
				  locality << TPMIX_LOCALITY_SHIFT);
		put_error_response(e, TPM_RC_COMMAND_SIZE, TPM_BAD_PARAM_SIZE);
		end_command(e);
		return true;
	}
	e->starts++;
	e->cfg.backend->start(e->cfg.opaque, e->s.accepted, locality,
			      e->cfg.run, size);
	return true;
}

/* Goals */

void tpmix_cancel(struct tpmix *e)
{
	e->cfg.backend->cancel(e->cfg.opaque);
}

void tpmix_abort(struct tpmix *e)
{
	e->s.abort = 1;
	tpmix_cancel(e);
}

/* A new goal withdraws a START or tpmGo that waits. */
static void set_goal(struct tpmix *e, unsigned int locality,
		     enum tpmix_state state)
{
	if (e->s.waiting == locality) {
		e->s.waiting = TPMIX_NO_LOCALITY;
	}
	e->s.loc[locality].state = (uint8_t)state;
}

/*
 * The FIFO lets go of the response, the other doors do not: a commandReady that
 * arrives late takes nothing (R4).
 */
void tpmix_goal_ready(struct tpmix *e, unsigned int locality)
{
	bool already = e->s.loc[locality].state == TPMIX_READY;

	e->s.fifo_len = 0;
	set_goal(e, locality, TPMIX_READY);
	if (!already) {
		tpmix_raise(e, locality, TPM_INT_COMMAND_READY);
	}
}

void tpmix_goal_idle(struct tpmix *e, unsigned int locality)
{
	set_goal(e, locality, TPMIX_IDLE);
}
