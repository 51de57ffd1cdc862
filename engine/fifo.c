/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIFO door: the registers of TIS 1.3 / PTP FIFO with QEMU tpm-tis's choices.
 * DATA_FIFO keeps the hidden pointer that the standard asks for.
 */
#include "internal.h"

/* TIS 1.3 5.6.6: the size field is known with the sixth byte. */
#define SIZE_FIELD_END  6u

/* TPM_STS.Expect: the TPM wants more bytes of the command. */
static bool expects(const struct tpmix *e, unsigned int locality)
{
	if (e->s.loc[locality].state != TPMIX_RECEPTION ||
	    e->s.fifo_len >= e->s.bufsize) {
		return false;
	}
	return e->s.fifo_len < SIZE_FIELD_END ||
	       tpmix_cmd_size_field(e, locality) > e->s.fifo_len;
}

static bool data_avail(const struct tpmix *e, unsigned int locality)
{
	return e->s.loc[locality].state == TPMIX_COMPLETION &&
	       e->s.rsp_pos < e->s.rsp_len;
}

static uint32_t burst_count(const struct tpmix *e, unsigned int locality,
			    unsigned int size)
{
	bool data = data_avail(e, locality);
	uint32_t avail;

	if (data) {
		avail = e->s.rsp_len - e->s.rsp_pos;
	} else if (e->s.loc[locality].state == TPMIX_COMPLETION) {
		avail = e->s.bufsize - e->s.rsp_pos;
	} else {
		avail = e->s.bufsize - e->s.fifo_len;
	}
	/* A byte-wide read of the low byte is not to say 0 for 0x100. */
	if (size == 1 && avail > 0xFF && !data) {
		avail = 0xFF;
	}
	/* 16 bits of burstCount; a 64 KiB buffer has one more to say. */
	return avail < 0xFFFF ? avail : 0xFFFF;
}

static uint32_t sts_read(const struct tpmix *e, unsigned int locality,
			 unsigned int size)
{
	uint32_t val = 0;

	switch (e->s.loc[locality].state) {
	case TPMIX_READY:
		val |= TPM_STS_COMMAND_READY;
		break;
	case TPMIX_RECEPTION:
		val |= TPM_STS_VALID;
		if (expects(e, locality)) {
			val |= TPM_STS_EXPECT;
		}
		break;
	case TPMIX_EXECUTION:
		val |= TPM_STS_VALID;
		break;
	case TPMIX_COMPLETION:
		val |= TPM_STS_VALID;
		if (data_avail(e, locality)) {
			val |= TPM_STS_DATA_AVAIL;
		}
		break;
	default:
		break;
	}
	if (e->s.selftest_done) {
		val |= TPM_STS_SELFTEST_DONE;
	}
	if (e->s.family == TPMIX_FAMILY_2_0) {
		val |= TPM_STS_FAMILY_TPM2;
	}
	return val | burst_count(e, locality, size) << TPM_STS_BURST_COUNT_SHIFT;
}

bool tpmix_fifo_read32(const struct tpmix *e, unsigned int locality,
		       uint32_t off, unsigned int size, uint32_t *val)
{
	switch (off) {
	case TPM_REG_ACCESS:
		*val = tpmix_access_read(e, locality);
		return true;
	case TPM_REG_INT_ENABLE:
		*val = e->s.loc[locality].int_enable;
		return true;
	case TPM_REG_INT_VECTOR:
		*val = e->cfg.int_vector;
		return true;
	case TPM_REG_INT_STATUS:
		*val = e->s.loc[locality].int_status;
		return true;
	case TPM_REG_INTF_CAPABILITY:
		*val = e->s.family == TPMIX_FAMILY_2_0 ?
		       TPM_INTF_CAPABILITY_TPM20 : TPM_INTF_CAPABILITY_TPM12;
		return true;
	case TPM_REG_STS:
		*val = e->s.active == locality ? sts_read(e, locality, size) :
						 ALL_ONES;
		return true;
	case TPM_REG_INTERFACE_ID:
		*val = tpmix_intf_id_read(e);
		return true;
	case TPM_REG_DID_VID:
		*val = TPM_DID_VID_QEMU;
		return true;
	case TPM_REG_RID:
		*val = TPM_RID_QEMU;
		return true;
	default:
		*val = ALL_ONES;
		return false;
	}
}

static void go(struct tpmix *e, unsigned int locality)
{
	if (e->s.loc[locality].state != TPMIX_RECEPTION ||
	    expects(e, locality)) {
		return;
	}
	if (tpmix_busy(e)) {
		/* The command of a locality that left still runs. */
		tpmix_guest_error(e, "tpmGo while a command runs",
				  locality << TPMIX_LOCALITY_SHIFT | TPM_REG_STS);
		tpmix_wait(e, locality);
		return;
	}
	tpmix_accept(e, locality, TPMIX_FROM_FIFO, 0);
}

/* TIS 1.3 table 19: of commandReady, tpmGo and responseRetry one a write. */
static void sts_write(struct tpmix *e, unsigned int locality, uint32_t val)
{
	const uint32_t goal = val & (TPM_STS_COMMAND_READY | TPM_STS_GO |
				     TPM_STS_RESPONSE_RETRY);

	if (e->s.active != locality) {
		return;
	}
	if (e->s.family == TPMIX_FAMILY_2_0) {
		if ((val & TPM_STS_RESET_ESTABLISHMENT) && locality >= 3) {
			e->cfg.backend->reset_established(e->cfg.opaque,
							  locality);
		}
		/* commandReady asks for the cancel itself: once is enough. */
		if ((val & TPM_STS_COMMAND_CANCEL) &&
		    goal != TPM_STS_COMMAND_READY &&
		    e->s.loc[locality].state == TPMIX_EXECUTION) {
			tpmix_cancel(e);
		}
	}
	switch (goal) {
	case TPM_STS_COMMAND_READY:
		if (e->s.loc[locality].state == TPMIX_EXECUTION) {
			tpmix_abort(e);
		} else {
			tpmix_goal_ready(e, locality);
		}
		break;
	case TPM_STS_GO:
		go(e, locality);
		break;
	case TPM_STS_RESPONSE_RETRY:
		if (e->s.loc[locality].state == TPMIX_COMPLETION) {
			e->s.rsp_pos = 0;
		}
		break;
	default:
		break;
	}
}

bool tpmix_fifo_write32(struct tpmix *e, unsigned int locality, uint32_t off,
			uint32_t val, uint32_t mask)
{
	switch (off) {
	case TPM_REG_ACCESS:
		tpmix_access_write(e, locality, val);
		break;
	case TPM_REG_INT_ENABLE:
		e->s.loc[locality].int_enable =
			(e->s.loc[locality].int_enable & ~mask) |
			(val & (TPM_INT_GLOBAL_ENABLE | TPM_INT_POLARITY_MASK |
				TPM_INT_ALL));
		break;
	case TPM_REG_INT_STATUS:
		e->s.loc[locality].int_status &= (uint8_t)~(val & TPM_INT_ALL);
		break;
	case TPM_REG_STS:
		sts_write(e, locality, val);
		break;
	case TPM_REG_INTERFACE_ID:
		tpmix_intf_id_write(e, val, mask);
		break;
	case TPM_REG_INT_VECTOR:
	case TPM_REG_INTF_CAPABILITY:
	case TPM_REG_DID_VID:
	case TPM_REG_RID:
		break; /* RO */
	default:
		return false;
	}
	return true;
}

uint8_t tpmix_fifo_pop(struct tpmix *e, unsigned int locality)
{
	uint8_t byte;

	if (e->s.active != locality || !data_avail(e, locality)) {
		return NO_DATA_BYTE;
	}
	byte = tpmix_get(e->cfg.rsp, e->s.rsp_pos++);
	if (!data_avail(e, locality)) {
		tpmix_raise(e, locality, TPM_INT_STS_VALID);
	}
	return byte;
}

void tpmix_fifo_push(struct tpmix *e, unsigned int locality, uint8_t byte)
{
	if (e->s.active != locality) {
		return;
	}
	if (e->s.loc[locality].state == TPMIX_READY) {
		e->s.loc[locality].state = TPMIX_RECEPTION;
	}
	if (expects(e, locality)) {
		tpmix_cmd_put(e, locality, e->s.fifo_len++, byte, 1);
	}
}
