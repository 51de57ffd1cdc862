// SPDX-License-Identifier: GPL-2.0-only
/*
 * The indexed door: one transaction through index, window, ticket and checksum.
 * docs/specification.md, "Indexed door"; the letters R1 to R7 are its properties.
 *
 * The steps of a transaction. Each may be repeated by the machine below us, and
 * a machine rolled back to any of them arrives at the same response, the TPM
 * having run the command once (R7):
 *
 *  1. count the ticket: in our memory only;
 *  2. write INDEX, absolutely, then the command into the window;
 *  3. ring: checksum and ticket in one access. Heard once; a ticket heard
 *     before has no effect (R3);
 *  4. poll COMPLETED for our ticket: reads change nothing (R1);
 *  5. read CSUM: the ticket names our command;
 *  6. write INDEX, read the response from the window;
 *  7. compare its checksum; where it differs, step 6 again: the response stays
 *     until the next ring is accepted (R4).
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
#include <linux/sizes.h>
#include <linux/string.h>

#include "tpm_indexed.h"

/* One for each reason to refuse a doorbell, and one for the ring that is heard. */
#define SEND_TRIES	5
#define READ_TRIES	16

#define ALL_ONES	U32_MAX	/* any register while locality 0 is not active */

static unsigned int spin_us = 250;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us, "Microseconds to look for a completion before sleeping");

enum progress {
	RUNNING,	/* or not accepted */
	COMPLETED,
	LOST,		/* no response to our ticket will come */
};

/*
 * A register that decides whether a command is sent again is believed when two
 * reads agree, so that one corrupted read does not make the TPM run it twice.
 */
static u64 read_stable(struct tpmix_dev *ix, u32 reg)
{
	u64 last, val = readq(ix->regs + reg);
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		last = val;
		val = readq(ix->regs + reg);
		if (val == last)
			break;
	}
	return val;
}

int tpmix_indexed_discover(struct tpmix_dev *ix)
{
	const u32 caps = TPMIX_CAP_INDEX | TPMIX_CAP_TICKET | TPMIX_CAP_CSUM;
	u32 cap, window;

	if (readl(ix->regs + TPMIX_REG_MAGIC) != TPMIX_MAGIC)
		return -ENODEV;

	ix->version = readl(ix->regs + TPMIX_REG_VERSION);
	cap = readl(ix->regs + TPMIX_REG_CAP);
	ix->bufsize = readl(ix->regs + TPMIX_REG_BUFSIZE);
	window = readl(ix->regs + TPMIX_REG_WINDOW);
	ix->window = window & 0xFFFF;
	ix->window_size = window >> 16;

	if (TPMIX_VERSION_MAJOR(ix->version) !=
	    TPMIX_VERSION_MAJOR(TPMIX_VERSION_1_0) ||
	    (cap & caps) != caps)
		goto out;
	if (ix->bufsize < TPM_HEADER_SIZE || ix->bufsize > SZ_64K)
		goto out;
	/* Between the registers of TIS, and whole 8-byte accesses. */
	if (!ix->window_size || (ix->window | ix->window_size) % sizeof(u64) ||
	    ix->window < TPM_REG_XDATA_FIFO_END ||
	    ix->window > TPM_REG_DID_VID ||
	    ix->window_size > TPM_REG_DID_VID - ix->window)
		goto out;
	return 0;
out:
	dev_warn(ix->dev,
		 "unusable indexed door: version %#x cap %#x size %u window %#x\n",
		 ix->version, cap, ix->bufsize, window);
	return -ENODEV;
}

void tpmix_indexed_sync(struct tpmix_dev *ix)
{
	ix->ticket = lower_32_bits(read_stable(ix, TPMIX_REG_ACCEPTED));
}

/* Step 2. INDEX is written even where it should be right: a rollback moves it. */
static void write_command(struct tpmix_dev *ix, const u8 *buf, size_t len)
{
	void __iomem *win = ix->regs + ix->window;
	size_t at, off, n;
	__le64 v64;
	__le32 v32;
	__le16 v16;

	for (at = 0; at < len; at += n, buf += n) {
		n = min_t(size_t, len - at, ix->window_size);
		writel(at, ix->regs + TPMIX_REG_INDEX);

		for (off = 0; n - off >= sizeof(v64); off += sizeof(v64)) {
			memcpy(&v64, buf + off, sizeof(v64));
			writeq(le64_to_cpu(v64), win + off);
		}
		if (n - off >= sizeof(v32)) {
			memcpy(&v32, buf + off, sizeof(v32));
			writel(le32_to_cpu(v32), win + off);
			off += sizeof(v32);
		}
		if (n - off >= sizeof(v16)) {
			memcpy(&v16, buf + off, sizeof(v16));
			writew(le16_to_cpu(v16), win + off);
			off += sizeof(v16);
		}
		if (n - off)
			writeb(buf[off], win + off);
	}
}

/*
 * Step 3, steps 1 and 2 done: CSUM_EXPECT in the low half, DOORBELL in the high
 * one. Where there is no 8-byte access the low half goes first, as it must.
 */
static void ring(struct tpmix_dev *ix)
{
	u32 expect = TPMIX_CSUM_EXPECT_ON | ix->cmd_csum;

	BUILD_BUG_ON(TPMIX_REG_DOORBELL - TPMIX_REG_CSUM_EXPECT != 4);
	writeq((u64)ix->ticket << 32 | expect, ix->regs + TPMIX_REG_CSUM_EXPECT);
}

/* Step 4: one access, COMPLETED in the low half and RSP_SIZE in the high one. */
static enum progress read_progress(struct tpmix_dev *ix)
{
	u64 val = readq(ix->regs + TPMIX_REG_COMPLETED);
	s32 ahead = lower_32_bits(val) - ix->ticket;

	BUILD_BUG_ON(TPMIX_REG_RSP_SIZE - TPMIX_REG_COMPLETED != 4);
	ix->rsp_size = upper_32_bits(val);

	if (ix->rsp_size == ALL_ONES || ahead > 0)
		return LOST;
	if (ahead < 0)
		return RUNNING;
	return ix->rsp_size ? COMPLETED : LOST;
}

/*
 * Most commands take tens of microseconds, less than any sleep. Pauses grow with
 * the time that passed, so that where an exit is dear there are few of them.
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
		ix->csum = readl(ix->regs + TPMIX_REG_CSUM);
		if ((ix->csum & 0xFFFF) == ix->cmd_csum)
			return 0;
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

	rc = readl_poll_timeout(ix->regs + TPMIX_REG_STATUS, status,
				!(status & TPMIX_STATUS_BUSY), USEC_PER_MSEC,
				jiffies_to_usecs(chip->timeout_b));
	return rc ? -ETIME : 0;
}

/*
 * The spin saw no completion: is the command accepted? Returns 0 if so, -EAGAIN
 * if it is to be written and rung again as ix->ticket.
 */
static int check_accepted(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	u64 val = read_stable(ix, TPMIX_REG_ACCEPTED);
	u32 accepted = lower_32_bits(val);
	u32 status = upper_32_bits(val);
	u32 refused = (status & TPMIX_STATUS_REFUSED_MASK) >>
		      TPMIX_STATUS_REFUSED_SHIFT;
	int rc = 0;

	BUILD_BUG_ON(TPMIX_REG_STATUS - TPMIX_REG_ACCEPTED != 4);
	if (status == ALL_ONES) {
		/*
		 * Whether it was accepted is not known. The next ring goes one
		 * on: right if it was, refused and set right if it was not.
		 */
		dev_err(ix->dev, "locality 0 was taken away\n");
		return -EIO;
	}
	if (accepted == ix->ticket)
		return check_command(ix);

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

static int indexed_send(struct tpm_chip *chip, u8 *buf, size_t len)
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
	 * All of the command is written again before it is rung again: what was
	 * lost of it is not known. That it begins with INDEX matters too: the
	 * same ring twice in a row, the first while a command ran, is to the
	 * device one ring (R2).
	 */
	do {
		write_command(ix, buf, len);
		ring(ix);
		if (spin(ix) == COMPLETED) {
			rc = check_command(ix);
			ix->done = !rc;
		} else {
			rc = check_accepted(chip, ix);
		}
	} while (rc == -EAGAIN && --tries);

	if (rc == -EAGAIN) {
		dev_err(ix->dev, "command refused %d times\n", SEND_TRIES);
		ix->ticket--;
		rc = -EIO;
	}
	return rc;
}

/* What a repetition of the poll in tpm_try_transmit() reads is the same. */
static u8 indexed_status(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	enum progress p;

	if (ix->done)
		return TPMIX_STS_COMPLETE;
	p = read_progress(ix);
	if (p == LOST)
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
	void __iomem *win = ix->regs + ix->window;
	size_t size = ix->rsp_size;
	size_t at, off, n;
	__le64 val;

	if (size < TPM_HEADER_SIZE)
		return -EIO;
	if (size > count)
		return -E2BIG;

	for (at = 0; at < size; at += n) {
		n = min_t(size_t, size - at, ix->window_size);
		writel(at, ix->regs + TPMIX_REG_INDEX);
		/* One read past the end is fewer exits than its bytes one by one. */
		for (off = 0; off < n; off += sizeof(val)) {
			val = cpu_to_le64(readq(win + off));
			memcpy(buf + at + off, &val,
			       min_t(size_t, n - off, sizeof(val)));
		}
	}

	if ((ix->csum & 0xFFFF) != ix->cmd_csum ||
	    ix->csum >> 16 != crc_ccitt(0, buf, size) ||
	    be32_to_cpu(header->length) != size)
		return -EBADMSG;
	return size;
}

static int indexed_recv(struct tpm_chip *chip, u8 *buf, size_t count)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int rc = -EIO;
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		if (!ix->done) {
			if (read_progress(ix) != COMPLETED)
				continue;
			ix->csum = readl(ix->regs + TPMIX_REG_CSUM);
		}
		/* Whatever fails now, its size and checksum are read again too. */
		ix->done = false;

		rc = read_response(ix, buf, count);
		if (rc > 0)
			return rc;
		dev_warn_ratelimited(ix->dev,
				     "response checksum mismatch, read again\n");
	}
	return rc == -EBADMSG ? -EIO : rc;
}

/* Names the command: when it comes late, or twice, it finds another or none. */
static void indexed_cancel(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writel(ix->ticket, ix->regs + TPMIX_REG_CANCEL);
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
