/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRB door: PTP 1.05 6.5.3 and table 24, with QEMU tpm-crb's choices. Writes name
 * goals, CTRL_START has to be armed, and the buffer reads the response and writes
 * the command, so that every access may be repeated (R2).
 */
#include "internal.h"

/* Interrupts are kept as TPM_INT bits; those that CRB has no bit for stay. */
static const struct {
	uint32_t crb, tis;
} int_bits[] = {
	{ TPM_CRB_INT_START, TPM_INT_DATA_AVAIL | TPM_INT_STS_VALID },
	{ TPM_CRB_INT_CMD_READY, TPM_INT_COMMAND_READY },
	{ TPM_CRB_INT_LOCALITY_CHANGE, TPM_INT_LOCALITY_CHANGE },
	{ TPM_INT_GLOBAL_ENABLE, TPM_INT_GLOBAL_ENABLE },
};
#define NUM_INT_BITS (sizeof(int_bits) / sizeof(int_bits[0]))

static uint32_t int_to_crb(uint32_t tis)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < NUM_INT_BITS; i++) {
		val |= tis & int_bits[i].tis ? int_bits[i].crb : 0;
	}
	return val;
}

static uint32_t int_to_tis(uint32_t crb)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < NUM_INT_BITS; i++) {
		val |= crb & int_bits[i].crb ? int_bits[i].tis : 0;
	}
	return val;
}

static uint32_t loc_state(const struct tpmix *e)
{
	uint32_t val = TPM_LOC_STATE_VALID;

	if (!e->s.established) {
		val |= TPM_LOC_STATE_ESTABLISHED;
	}
	if (tpmix_loc_ok(e->s.active)) {
		val |= TPM_LOC_STATE_ASSIGNED |
		       (uint32_t)e->s.active << TPM_LOC_STATE_ACTIVE_SHIFT;
	}
	return val;
}

static uint32_t loc_sts(const struct tpmix *e, unsigned int locality)
{
	return (e->s.active == locality ? TPM_LOC_STS_GRANTED : 0) |
	       (e->s.loc[locality].access & TPM_ACCESS_BEEN_SEIZED ?
		TPM_LOC_STS_BEEN_SEIZED : 0);
}

/* A locality that is not active has no transaction: it is idle. */
static uint32_t ctrl_sts(const struct tpmix *e, unsigned int locality)
{
	return e->s.active != locality ||
	       e->s.loc[locality].state == TPMIX_IDLE ? TPM_CTRL_STS_TPM_IDLE : 0;
}

/* Command and response are in the windows in RAM, not in DATA_BUFFER. */
static bool uses_ram(const struct tpmix *e, unsigned int locality)
{
	return locality == 0 && tpmix_has_ram(e);
}

static uint64_t buffer_addr(const struct tpmix *e, unsigned int locality,
			    uint32_t window)
{
	return e->cfg.base +
	       (uses_ram(e, locality) ? window :
		locality << TPMIX_LOCALITY_SHIFT | TPM_REG_DATA_BUFFER);
}

static uint32_t buffer_size(const struct tpmix *e, unsigned int locality)
{
	return uses_ram(e, locality) || e->s.bufsize < TPMIX_DATA_BUFFER_SIZE ?
	       e->s.bufsize : TPMIX_DATA_BUFFER_SIZE;
}

static uint32_t register_value(const struct tpmix *e, unsigned int locality,
			       uint32_t off)
{
	switch (off) {
	case TPM_REG_LOC_STATE:
		return loc_state(e);
	case TPM_REG_LOC_STS:
		return loc_sts(e, locality);
	case TPM_REG_INTF_ID:
		return tpmix_intf_id_read(e);
	case TPM_REG_INTF_ID2:
		return TPM_INTF_ID2_QEMU;
	case TPM_REG_CTRL_STS:
		return ctrl_sts(e, locality);
	case TPM_REG_CTRL_START:
		return tpmix_busy(e) ? TPM_CTRL_START_INVOKE : 0;
	case TPM_REG_CRB_INT_ENABLE:
		return int_to_crb(e->s.loc[locality].int_enable);
	case TPM_REG_CRB_INT_STS:
		return int_to_crb(e->s.loc[locality].int_status);
	case TPM_REG_CTRL_CMD_SIZE:
	case TPM_REG_CTRL_RSP_SIZE:
		return buffer_size(e, locality);
	case TPM_REG_CTRL_CMD_LADDR:
		return (uint32_t)buffer_addr(e, locality, TPMIX_CMD_WINDOW);
	case TPM_REG_CTRL_CMD_HADDR:
		return (uint32_t)(buffer_addr(e, locality, TPMIX_CMD_WINDOW) >> 32);
	case TPM_REG_CTRL_RSP_ADDR:
		return (uint32_t)buffer_addr(e, locality, TPMIX_RSP_WINDOW);
	case TPM_REG_CTRL_RSP_HADDR:
		return (uint32_t)(buffer_addr(e, locality, TPMIX_RSP_WINDOW) >> 32);
	default:
		/* LOC_CTRL, CTRL_REQ, CTRL_CANCEL, reserved */
		return 0;
	}
}

static bool is_register(uint32_t off)
{
	switch (off) {
	case TPM_REG_LOC_STATE:
	case TPM_REG_LOC_CTRL:
	case TPM_REG_LOC_STS:
	case TPM_REG_INTF_ID:
	case TPM_REG_INTF_ID2:
		return true;
	default:
		return off >= TPM_REG_CTRL_REQ && off <= TPM_REG_CTRL_RSP_HADDR;
	}
}

bool tpmix_crb_read32(const struct tpmix *e, unsigned int locality,
		      uint32_t off, uint32_t *val)
{
	*val = register_value(e, locality, off);
	return is_register(off);
}

/*
 * What arms CTRL_START arms it for the next command. An access that is repeated
 * late, while the command runs that it prepared, must not make a late START of it
 * run again: so it is known when it came, and ctrl_start() looks at the bytes.
 */
static void arm(struct tpmix *e, unsigned int locality)
{
	struct tpmix_loc *l = &e->s.loc[locality];

	if (l->state != TPMIX_EXECUTION) {
		l->armed = TPMIX_ARMED;
	} else {
		l->armed = TPMIX_ARMED_EARLY;
	}
}

static void loc_ctrl(struct tpmix *e, unsigned int locality, uint32_t val)
{
	/*
	 * One of several, as in TPM_ACCESS: "request and reset", taken as two
	 * steps, would do the second only when the write is repeated (R2).
	 */
	if (val & TPM_LOC_CTRL_SEIZE) {
		tpmix_seize(e, locality);
	} else if (val & TPM_LOC_CTRL_RELINQUISH) {
		tpmix_relinquish(e, locality);
	} else if (val & TPM_LOC_CTRL_REQUEST_ACCESS) {
		e->s.loc[locality].access &= (uint8_t)~TPM_ACCESS_BEEN_SEIZED;
		tpmix_request(e, locality);
		arm(e, locality);
	} else if ((val & TPM_LOC_CTRL_RESET_ESTABLISHMENT) && locality >= 3 &&
		   e->s.active == locality) {
		e->cfg.backend->reset_established(e->cfg.opaque, locality);
	}
}

/* cmdReady and goIdle are for a locality whose command does not run. */
static void ctrl_req(struct tpmix *e, unsigned int locality, uint32_t val)
{
	if (e->s.loc[locality].state == TPMIX_EXECUTION) {
		return;
	}
	switch (val & (TPM_CTRL_REQ_CMD_READY | TPM_CTRL_REQ_GO_IDLE)) {
	case TPM_CTRL_REQ_CMD_READY:
		tpmix_goal_ready(e, locality);
		arm(e, locality);
		break;
	case TPM_CTRL_REQ_GO_IDLE:
		tpmix_goal_idle(e, locality);
		break;
	default:
		break;
	}
}

/*
 * A START is the repetition of the one before unless it was armed since. It is one
 * too where it was armed while that one's command ran, and the buffer still holds
 * that very command.
 */
static bool start_is_new(const struct tpmix *e, unsigned int locality)
{
	switch (e->s.loc[locality].armed) {
	case TPMIX_ARMED:
		return true;
	case TPMIX_ARMED_EARLY:
		return !tpmix_repeats_command(e, locality);
	default:
		return false;
	}
}

static void ctrl_start(struct tpmix *e, unsigned int locality)
{
	bool new = start_is_new(e, locality);

	e->s.loc[locality].armed = TPMIX_DISARMED;
	if (!new) {
		return;
	}
	if (tpmix_busy(e)) {
		/* The guest is not to take that command's response for its own. */
		tpmix_guest_error(e, "CTRL_START while a command runs",
				  locality << TPMIX_LOCALITY_SHIFT |
				  TPM_REG_CTRL_START);
		tpmix_wait(e, locality);
		return;
	}
	tpmix_accept(e, locality, TPMIX_FROM_BUFFER, 0);
}

static void ctrl_cancel(struct tpmix *e, unsigned int locality, uint32_t val,
			uint32_t mask)
{
	if (val & TPM_CTRL_CANCEL_INVOKE) {
		if (e->s.running == locality) {
			tpmix_cancel(e);
		}
	} else if (mask & TPM_CTRL_CANCEL_INVOKE) {
		/*
		 * PTP: cleared before the next command. Linux does, and where it
		 * sends several commands on one cmdReady, with their bytes in
		 * RAM, nothing else tells a new START from a repeated one.
		 */
		arm(e, locality);
	}
}

static void control_write(struct tpmix *e, unsigned int locality, uint32_t off,
			  uint32_t val, uint32_t mask)
{
	if (e->s.active != locality) {
		return;
	}
	if (off == TPM_REG_CTRL_REQ) {
		ctrl_req(e, locality, val);
	} else if (off == TPM_REG_CTRL_CANCEL) {
		ctrl_cancel(e, locality, val, mask);
	} else if (val & TPM_CTRL_START_INVOKE) {
		ctrl_start(e, locality);
	}
}

bool tpmix_crb_write32(struct tpmix *e, unsigned int locality, uint32_t off,
		       uint32_t val, uint32_t mask)
{
	struct tpmix_loc *l = &e->s.loc[locality];

	switch (off) {
	case TPM_REG_LOC_CTRL:
		loc_ctrl(e, locality, val);
		break;
	case TPM_REG_INTF_ID:
		tpmix_intf_id_write(e, val, mask);
		break;
	case TPM_REG_CTRL_REQ:
	case TPM_REG_CTRL_CANCEL:
	case TPM_REG_CTRL_START:
		control_write(e, locality, off, val, mask);
		break;
	case TPM_REG_CRB_INT_ENABLE:
		l->int_enable = (l->int_enable & ~int_to_tis(mask)) |
				int_to_tis(val);
		break;
	case TPM_REG_CRB_INT_STS:
		l->int_status &= (uint8_t)~int_to_tis(val);
		break;
	default:
		/*
		 * Read only. edk2 writes buffer addresses and sizes of its own
		 * into 0x58 to 0x6F: ignored, as they are where it wants them.
		 */
		return is_register(off);
	}
	return true;
}

void tpmix_crb_buffer_write(struct tpmix *e, unsigned int locality,
			    uint32_t off, uint32_t val, unsigned int size)
{
	if (e->s.active != locality) {
		return;
	}
	arm(e, locality);
	if (off < e->s.bufsize) {
		tpmix_cmd_put(e, locality, off, val,
			      size < e->s.bufsize - off ? size :
			      (unsigned int)(e->s.bufsize - off));
	}
}
