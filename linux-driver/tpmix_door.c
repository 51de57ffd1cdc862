// SPDX-License-Identifier: GPL-2.0-only
/*
 * The indexed door: one transaction through window, ticket and checksum, in
 * either of two ways: trapped, or with windows in RAM (tpmix_way.c).
 * docs/specification.md, "Indexed door"; the letters R1 to R7 are its properties.
 *
 * The steps of a transaction. Each may be repeated by the machine below us, and
 * a machine rolled back to any of them arrives at the same response, the TPM
 * having run the command once (R7):
 *
 *  1. count the ticket: in our memory only;
 *  2. write the command to its place, from byte 0 on;
 *  3. ring: checksum and ticket in one access. Heard once; a ticket heard
 *     before has no effect (R3). With windows in RAM this is the only exit;
 *  4. poll COMPLETED for our ticket: reads change nothing (R1);
 *  5. read CSUM: the ticket names our command;
 *  6. read the response from its place, from byte 0 on;
 *  7. compare its checksum; where it differs, step 6 again: the response stays
 *     until the next ring is accepted (R4).
 *
 * A transaction that meets anything odd goes on trapped: the registers are what
 * the device knows, RAM is what it shows.
 *
 * commandReady is never written: it would be one more access and say nothing.
 */
#include <linux/crc-ccitt.h>
#include <linux/delay.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "tpmix_driver.h"

/* One for each reason to refuse a doorbell, and one for the ring that is heard. */
#define SEND_TRIES	5
#define READ_TRIES	16

static unsigned int spin_us = 250;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us, "Microseconds to look for a completion before sleeping");

enum progress {
	RUNNING,	/* or not accepted */
	COMPLETED,
	LOST,		/* no response to our ticket will come */
};

/*
 * What decides whether a command is sent again is believed when two reads of the
 * register itself agree, so that one corrupted read does not make the TPM run it
 * twice.
 */
static u64 read_stable(struct tpmix_dev *ix, u32 reg)
{
	u64 last, val = tpmix_trapped.read(ix, reg);
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		last = val;
		val = tpmix_trapped.read(ix, reg);
		if (val == last)
			break;
	}
	return val;
}

void tpmix_indexed_sync(struct tpmix_dev *ix)
{
	ix->ticket = lower_32_bits(read_stable(ix, TPMIX_REG_ACCEPTED));
}

/*
 * Step 3, steps 1 and 2 done: CSUM_EXPECT in the low half, DOORBELL in the high
 * one. Where there is no 8-byte access the low half goes first, as it must.
 */
static void ring(struct tpmix_dev *ix)
{
	u32 expect = TPMIX_CSUM_EXPECT_ON | ix->cmd_csum;

	BUILD_BUG_ON(TPMIX_REG_DOORBELL - TPMIX_REG_CSUM_EXPECT != 4);
	writeq((u64)ix->ticket << 32 | expect, ix->ext + TPMIX_REG_CSUM_EXPECT);
}

/* Step 4: COMPLETED in the low half and RSP_SIZE in the high one. */
static enum progress read_progress(struct tpmix_dev *ix)
{
	u64 val = ix->via->read(ix, TPMIX_REG_COMPLETED);
	s32 ahead = lower_32_bits(val) - ix->ticket;

	BUILD_BUG_ON(TPMIX_REG_RSP_SIZE - TPMIX_REG_COMPLETED != 4);
	ix->rsp_size = upper_32_bits(val);

	if (ix->rsp_size == TPMIX_ALL_ONES || ahead > 0)
		return LOST;
	if (ahead < 0)
		return RUNNING;
	return ix->rsp_size ? COMPLETED : LOST;
}

/*
 * Most commands take tens of microseconds, less than any sleep. Where a look is an
 * exit, pauses grow with the time that passed, so that there are few of them.
 */
static enum progress spin(struct tpmix_dev *ix)
{
	unsigned int limit_us = READ_ONCE(spin_us);
	ktime_t start = ktime_get();
	enum progress p;
	s64 us;

	for (;;) {
		p = read_progress(ix);
		if (p != RUNNING)
			return p;
		us = ktime_us_delta(ktime_get(), start);
		if (us >= limit_us)
			return p;
		if (ix->via->free_poll)
			udelay(1);
		else
			udelay(clamp_t(s64, us / 2, 2, 50));
	}
}

/*
 * Step 5. A machine rolled back, its TPM not, may take another turn and send a
 * different command with a ticket that was used: the device, rightly, does not
 * run it, and has the response to the other one.
 */
static int check_command(struct tpmix_dev *ix)
{
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		ix->csum = lower_32_bits(ix->via->read(ix, TPMIX_REG_CSUM));
		if ((ix->csum & 0xFFFF) == ix->cmd_csum)
			return 0;
		ix->via = &tpmix_trapped;
	}
	dev_warn_once(ix->dev, "ticket %u ran another command, taking the next\n",
		      ix->ticket);
	ix->ticket++;
	return -EAGAIN;
}

/* The TPM runs what we did not send, or what we sent and gave up. */
static int wait_idle(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	u32 status;
	int rc;

	rc = readl_poll_timeout(ix->ext + TPMIX_REG_STATUS, status,
				!(status & TPMIX_STATUS_BUSY), USEC_PER_MSEC,
				jiffies_to_usecs(chip->timeout_b));
	return rc ? -ETIME : 0;
}

/*
 * The locality was taken away, or a machine was rolled back to before it was
 * released: again from where a command begins. The ticket stays, so that what the
 * TPM has run it does not run twice.
 */
static int regain(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	ix->via = &tpmix_trapped;
	if (tpmix_request_locality(chip, 0) < 0) {
		/*
		 * Whether the command was accepted is not known. The next ring
		 * goes one on: right if it was, refused and set right if not.
		 */
		dev_err(ix->dev, "locality 0 was taken away\n");
		return -EIO;
	}
	return 0;
}

/* ACCEPTED and STATUS, of a locality that is active or is made so again. */
static int read_accepted(struct tpm_chip *chip, struct tpmix_dev *ix,
			 u32 *accepted, u32 *status)
{
	int tries = 2;
	u64 val;
	int rc;

	BUILD_BUG_ON(TPMIX_REG_STATUS - TPMIX_REG_ACCEPTED != 4);
	do {
		val = read_stable(ix, TPMIX_REG_ACCEPTED);
		*accepted = lower_32_bits(val);
		*status = upper_32_bits(val);
		if (*status != TPMIX_ALL_ONES)
			return 0;
		rc = regain(chip, ix);
	} while (!rc && --tries);
	return -EIO;
}

/*
 * The spin saw no completion: is the command accepted? Returns 0 if so, -EAGAIN
 * if it is to be written and rung again as ix->ticket.
 */
static int check_accepted(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	u32 accepted = lower_32_bits(ix->via->read(ix, TPMIX_REG_ACCEPTED));
	u32 status, refused;
	int rc;

	if (accepted == ix->ticket && accepted != TPMIX_ALL_ONES &&
	    read_progress(ix) != LOST)
		return check_command(ix);

	ix->via = &tpmix_trapped;
	rc = read_accepted(chip, ix, &accepted, &status);
	if (rc)
		return rc;
	refused = (status & TPMIX_STATUS_REFUSED_MASK) >>
		  TPMIX_STATUS_REFUSED_SHIFT;

	if (accepted == ix->ticket) {
		/* Ended by who took the locality: not to be run twice. */
		if (read_progress(ix) == LOST)
			return -EIO;
		return check_command(ix);
	}
	if (accepted + 1 == ix->ticket) {
		/* Refused for its checksum, or the ring was lost: again. */
		if (refused == TPMIX_REFUSED_BUSY)
			rc = wait_idle(chip, ix);
	} else if (refused == TPMIX_REFUSED_TICKET) {
		dev_warn_once(ix->dev,
			      "ticket %u after %u: the TPM has another user, following it\n",
			      ix->ticket, accepted);
	} else {
		/* Accepted, and another command after it: not to be run twice. */
		rc = -EIO;
	}
	ix->ticket = rc ? accepted : accepted + 1;
	return rc ?: -EAGAIN;
}

#ifdef TPMIX_SEND_BUFSIZ
static int indexed_send(struct tpm_chip *chip, u8 *buf, size_t bufsiz, size_t len)
#else
static int indexed_send(struct tpm_chip *chip, u8 *buf, size_t len)
#endif
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int tries = SEND_TRIES;
	int rc;

	/* /dev/tpm0 lets a size field below the header's size through. */
	if (len < TPM_HEADER_SIZE)
		return -EINVAL;
	if (len > ix->bufsize)
		return -E2BIG;

	ix->ticket++;
	ix->cmd_csum = crc_ccitt(0, buf, len);
	ix->done = false;

	/*
	 * All of the command is written again before it is rung again, trapped:
	 * what was lost of it is not known. That it begins with INDEX matters
	 * too: the same ring twice in a row, the first while a command ran, is
	 * to the device one ring (R2).
	 */
	ix->via = ix->way;
	do {
		ix->via->write(ix, buf, len);
		ring(ix);
		if (spin(ix) == COMPLETED) {
			rc = check_command(ix);
			ix->done = !rc;
		} else {
			rc = check_accepted(chip, ix);
		}
		if (rc)
			ix->via = &tpmix_trapped;
	} while (rc == -EAGAIN && --tries);

	if (rc == -EAGAIN) {
		dev_err(ix->dev, "command refused %d times\n", SEND_TRIES);
		ix->ticket--;
		rc = -EIO;
	}
	return rc;
}

/*
 * No response comes to our ticket, as far as is seen: trapped from here, and with
 * the locality, if that is what is missing.
 */
static int regain_lost(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	ix->via = &tpmix_trapped;
	if (ix->rsp_size != TPMIX_ALL_ONES)
		return 0;
	return regain(chip, ix);
}

/* What a repetition of the poll in tpm_try_transmit() reads is the same. */
static u8 indexed_status(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	enum progress p;

	if (ix->done)
		return TPMIX_STS_COMPLETE;
	p = read_progress(ix);
	if (p == LOST && !regain_lost(chip, ix))
		p = read_progress(ix); /* as read_stable() */

	switch (p) {
	case COMPLETED:
		return TPMIX_STS_COMPLETE;
	case LOST:
		return TPMIX_STS_CANCELED;
	default:
		return TPM_STS_VALID;
	}
}

/* Steps 6 and 7: rsp_size and csum are known. Returns the size. */
static int read_response(struct tpmix_dev *ix, u8 *buf, size_t count)
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	size_t size = ix->rsp_size;

	/* More than the device can have: not to be looked for behind the window. */
	if (size < TPM_HEADER_SIZE || size > ix->bufsize)
		return -EIO;
	if (size > count)
		return -E2BIG;

	ix->via->response(ix, buf, size);
	if ((ix->csum & 0xFFFF) != ix->cmd_csum ||
	    ix->csum >> 16 != crc_ccitt(0, buf, size) ||
	    be32_to_cpu(header->length) != size)
		return -EBADMSG;
	return size;
}

static int indexed_recv(struct tpm_chip *chip, u8 *buf, size_t count)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	enum progress p;
	int rc = -EIO;
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		if (!ix->done) {
			p = read_progress(ix);
			if (p == LOST && regain_lost(chip, ix))
				return -EIO;
			if (p != COMPLETED)
				continue;
			ix->csum = lower_32_bits(ix->via->read(ix, TPMIX_REG_CSUM));
		}
		/* Whatever fails now, its size and checksum are read again too. */
		ix->done = false;

		rc = read_response(ix, buf, count);
		if (rc > 0)
			return rc;
		dev_warn_ratelimited(ix->dev,
				     "response checksum mismatch, read again\n");
		ix->via = &tpmix_trapped;
	}
	return rc == -EBADMSG ? -EIO : rc;
}

/* Names the command: when it comes late, or twice, it finds another or none. */
static void indexed_cancel(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writel(ix->ticket, ix->ext + TPMIX_REG_CANCEL);
}

const struct tpm_class_ops tpmix_indexed_ops = {
	.flags = TPM_OPS_AUTO_STARTUP,
	.status = indexed_status,
	.recv = indexed_recv,
	.send = indexed_send,
	.cancel = indexed_cancel,
	.req_complete_mask = TPMIX_STS_COMPLETE,
	.req_complete_val = TPMIX_STS_COMPLETE,
	.req_canceled = tpmix_req_canceled,
	.request_locality = tpmix_request_locality,
	.relinquish_locality = tpmix_relinquish_locality,
};
