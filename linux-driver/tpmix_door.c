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
 * All of it is within send(), and how step 4 waits is tpmix_wait.c's. Who sleeps
 * asks for an interrupt with the ring, or with one more of the same ticket, and looks
 * once before it sleeps.
 *
 * A transaction that meets anything odd goes on trapped: the registers are what
 * the device knows, RAM is what it shows.
 *
 * commandReady is never written: it would be one more access and say nothing.
 */
#include <linux/crc-ccitt.h>
#include <linux/delay.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "tpmix_driver.h"

#define CREATE_TRACE_POINTS
#include "tpmix_trace.h"

/* One for each reason to refuse a doorbell, and one for the ring that is heard. */
#define SEND_TRIES	6
#define READ_TRIES	16
#define REGAIN_TRIES	8

#define POLL_US		1000

/* The registers are what the device knows. */
static void tpmix_fall_back(struct tpmix_dev *ix)
{
	if (ix->via != &tpmix_trapped)
		trace_tpmix_fallback(ix->ticket);
	ix->via = &tpmix_trapped;
}

/*
 * What decides whether a command is sent again is believed when two reads of the
 * register itself agree, so that one corrupted read does not make the TPM run it
 * twice.
 */
static u64 tpmix_read_stable(struct tpmix_dev *ix, u32 reg)
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

/*
 * The locality was taken away, or a machine was rolled back to before it was
 * released: again from where a command begins. The ticket stays, so that what the
 * TPM has run it does not run twice.
 */
static int tpmix_regain(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	unsigned long stop = jiffies + chip->timeout_a;

	trace_tpmix_regain(ix->ticket);
	tpmix_fall_back(ix);
	if (time_after(stop, ix->stop))
		stop = ix->stop;
	if (tpmix_wait_granted(ix, stop)) {
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
static int tpmix_read_accepted(struct tpm_chip *chip, struct tpmix_dev *ix,
			       u32 *accepted, u32 *status)
{
	u64 val;
	int i, rc;

	BUILD_BUG_ON(TPMIX_REG_STATUS - TPMIX_REG_ACCEPTED != 4);
	for (i = 0; i < REGAIN_TRIES; i++) {
		val = tpmix_read_stable(ix, TPMIX_REG_ACCEPTED);
		*accepted = lower_32_bits(val);
		*status = upper_32_bits(val);
		if (*status != TPMIX_ALL_ONES)
			return 0;
		rc = tpmix_regain(chip, ix);
		if (rc)
			return rc;
	}
	dev_err(ix->dev, "locality 0 is taken away again and again\n");
	return -EIO;
}

/* Until no command runs, of any locality, or the deadline. */
static int tpmix_wait_idle(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	u32 accepted, status;
	bool last;
	int rc;

	for (;;) {
		last = tpmix_give_up(ix->stop);
		rc = tpmix_read_accepted(chip, ix, &accepted, &status);
		if (rc)
			return rc;
		if (!(status & TPMIX_STATUS_BUSY))
			return 0;
		if (last)
			break;
		usleep_range(POLL_US / 2, POLL_US);
	}
	dev_err(ix->dev, "the TPM still runs command %u\n", accepted);
	return -ETIME;
}

static int tpmix_take_count(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	u32 generation = READ_ONCE(ix->generation);
	u32 accepted, status;
	int rc;

	rc = tpmix_read_accepted(chip, ix, &accepted, &status);
	if (rc)
		return rc;
	ix->ticket = accepted;
	ix->counted = generation;
	return 0;
}

int tpmix_indexed_settle(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	u32 accepted, status;
	int rc;

	ix->via = &tpmix_trapped;
	ix->stop = jiffies + msecs_to_jiffies(TPMIX_SETTLE_MS);
	rc = tpmix_read_accepted(chip, ix, &accepted, &status);
	if (rc)
		return rc;
	if (status & TPMIX_STATUS_BUSY) {
		dev_info(ix->dev, "waiting for a command that runs already\n");
		writel(accepted, ix->ext + TPMIX_REG_CANCEL);
		rc = tpmix_wait_idle(chip, ix);
		if (rc)
			return rc;
	}
	/* A locality that is kept before the first doorbell is asked for, too. */
	if (ix->irq)
		writel(TPMIX_CSUM_EXPECT_INT_REQUEST, ix->ext + TPMIX_REG_CSUM_EXPECT);
	return tpmix_take_count(chip, ix);
}

/*
 * CSUM_EXPECT in the low half, DOORBELL in the high one. Where there is no 8-byte
 * access the low half goes first, as it must.
 */
static void tpmix_doorbell(struct tpmix_dev *ix, u16 csum, bool interrupt)
{
	u32 expect = TPMIX_CSUM_EXPECT_ON | csum;

	BUILD_BUG_ON(TPMIX_REG_DOORBELL - TPMIX_REG_CSUM_EXPECT != 4);
	if (ix->irq)
		expect |= TPMIX_CSUM_EXPECT_INT_REQUEST |
			  (interrupt ? TPMIX_CSUM_EXPECT_INT_COMPLETED : 0);
	writeq((u64)ix->ticket << 32 | expect, ix->ext + TPMIX_REG_CSUM_EXPECT);
}

/*
 * For the end of the command that was accepted, if it is still to come. The checksum
 * is wrong on purpose: whatever becomes of the ticket on its way, it starts nothing.
 */
static void tpmix_ask_interrupt(struct tpmix_dev *ix)
{
	if (ix->irq && !tpmix_is_long(&ix->pace, ix->ordinal))
		tpmix_doorbell(ix, ~ix->cmd_csum, true);
}

/* Step 3, steps 1 and 2 done. */
static void tpmix_ring(struct tpmix_dev *ix, size_t len)
{
	trace_tpmix_ring(ix->ticket, ix->cmd_csum, len,
			 ix->via == &tpmix_trapped);
	tpmix_doorbell(ix, ix->cmd_csum, tpmix_is_long(&ix->pace, ix->ordinal));
}

/* COMPLETED in the low half and RSP_SIZE in the high one. */
static enum tpmix_progress tpmix_progress(struct tpmix_dev *ix, u64 val)
{
	s32 ahead = lower_32_bits(val) - ix->ticket;

	BUILD_BUG_ON(TPMIX_REG_RSP_SIZE - TPMIX_REG_COMPLETED != 4);
	ix->rsp_size = upper_32_bits(val);

	if (ix->rsp_size == TPMIX_ALL_ONES || ahead > 0)
		return TPMIX_LOST;
	if (ahead < 0)
		return TPMIX_RUNNING;
	return ix->rsp_size ? TPMIX_COMPLETED : TPMIX_LOST;
}

enum tpmix_progress tpmix_read_progress(struct tpmix_dev *ix)
{
	return tpmix_progress(ix, ix->via->read(ix, TPMIX_REG_COMPLETED));
}

/* Whether the command that CSUM tells of is ours: ones tell of nothing. */
static bool tpmix_csum_is_ours(struct tpmix_dev *ix)
{
	ix->csum = lower_32_bits(ix->via->read(ix, TPMIX_REG_CSUM));
	if ((ix->csum & 0xFFFF) != ix->cmd_csum)
		return false;
	return ix->csum != TPMIX_ALL_ONES ||
	       upper_32_bits(ix->via->read(ix, TPMIX_REG_ACCEPTED)) !=
	       TPMIX_ALL_ONES;
}

/* Another ticket than ours was accepted last. Returns as tpmix_check_ring(). */
static int tpmix_check_refused(struct tpm_chip *chip, struct tpmix_dev *ix,
			       u32 accepted, u32 status)
{
	u32 refused = (status & TPMIX_STATUS_REFUSED_MASK) >>
		      TPMIX_STATUS_REFUSED_SHIFT;
	int rc = -EAGAIN;

	if (accepted + 1 == ix->ticket) {
		/* Refused for its checksum, or the ring was lost: again. */
		if (status & TPMIX_STATUS_BUSY ||
		    refused == TPMIX_REFUSED_BUSY)
			rc = tpmix_wait_idle(chip, ix) ?: -EAGAIN;
	} else if (refused != TPMIX_REFUSED_TICKET) {
		/* Accepted, and another command after it: not to be run twice. */
		dev_err(ix->dev, "another user's command followed, the response is lost\n");
		rc = -EIO;
	}
	/* Refused for its number: the TPM has another user, whom we follow. */
	ix->ticket = rc == -EAGAIN ? accepted + 1 : accepted;
	return rc;
}

/*
 * Step 5. Is the command with our ticket ours? Returns 0 if so, and it runs or has
 * run; -EAGAIN if it is to be written and rung again as ix->ticket.
 *
 * That the TPM did not run ours is believed only if it says so of the ticket while
 * the locality is ours: where it is not, all of these registers read as ones.
 *
 * A machine rolled back, its TPM not, may take another turn and send a different
 * command with a ticket that was used: the device, rightly, does not run it, and
 * has the response to the other one.
 */
static int tpmix_check_ring(struct tpm_chip *chip, struct tpmix_dev *ix,
			    bool completed)
{
	u32 accepted, status;
	int i, others = 0, rc;

	if ((completed || lower_32_bits(ix->via->read(ix, TPMIX_REG_ACCEPTED)) ==
			  ix->ticket) && tpmix_csum_is_ours(ix))
		return 0;

	tpmix_fall_back(ix);
	for (i = 0; i < READ_TRIES && others < READ_TRIES / 4; i++) {
		rc = tpmix_read_accepted(chip, ix, &accepted, &status);
		if (rc)
			return rc;
		if (accepted != ix->ticket) {
			rc = tpmix_check_refused(chip, ix, accepted, status);
			trace_tpmix_retry(ix->ticket, accepted, status);
			return rc;
		}
		if (tpmix_csum_is_ours(ix))
			return 0;
		if (ix->csum != TPMIX_ALL_ONES)
			others++;
	}
	if (!others)
		return -EIO;
	ix->ticket++;
	trace_tpmix_retry(ix->ticket, accepted, status);
	return -EAGAIN;
}

/*
 * No response to our ticket, as far as is seen: trapped from here, and with the
 * locality, if that is what is missing.
 */
static int tpmix_regain_lost(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	tpmix_fall_back(ix);
	if (ix->rsp_size != TPMIX_ALL_ONES)
		return 0;
	return tpmix_regain(chip, ix);
}

/* Names the command: when it comes late, or twice, it finds another or none. */
static void tpmix_indexed_cancel(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writel(ix->ticket, ix->ext + TPMIX_REG_CANCEL);
}

static u32 tpmix_us_since(ktime_t start)
{
	return min_t(s64, ktime_us_delta(ktime_get(), start), U32_MAX);
}

/*
 * Step 4 of a command that was accepted, after the first looks: a look, and a sleep.
 * -EIO where there is no response to it. -ETIME, or -ECANCELED at a fatal signal: it
 * is cancelled, as nobody is there for its response any more.
 */
static int tpmix_await(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	unsigned long stop = jiffies + ix->duration;
	enum tpmix_progress p;
	unsigned int edges;
	bool last;
	u32 us;

	tpmix_ask_interrupt(ix);
	for (;;) {
		edges = READ_ONCE(ix->edges);
		last = time_after(jiffies, stop);
		p = tpmix_read_progress(ix);
		if (p == TPMIX_LOST && !tpmix_regain_lost(chip, ix))
			p = tpmix_progress(ix, tpmix_read_stable(ix, TPMIX_REG_COMPLETED));
		/* Ones: the locality is gone once more, and asked for at the next look. */
		if (p == TPMIX_COMPLETED)
			return 0;
		if (p == TPMIX_LOST && ix->rsp_size != TPMIX_ALL_ONES)
			return -EIO;
		if (last || fatal_signal_pending(current))
			break;
		us = tpmix_us_since(ix->rung);
		tpmix_sleep(ix, tpmix_nap_us(&ix->pace, ix->ordinal, us, ix->irq), edges);
	}
	tpmix_indexed_cancel(chip);
	return last ? -ETIME : -ECANCELED;
}

/*
 * All of the command is written again before it is rung again, trapped: what was
 * lost of it is not known. That it begins with INDEX matters too: the same ring
 * twice in a row, the first while a command ran, is to the device one ring (R2).
 */
static int tpmix_send_command(struct tpm_chip *chip, struct tpmix_dev *ix,
			      const u8 *buf, size_t len)
{
	enum tpmix_progress p;
	int tries, rc;

	ix->rung = ktime_get();
	for (tries = 0; tries < SEND_TRIES; tries++) {
		ix->via->write(ix, buf, len);
		tpmix_ring(ix, len);
		p = tpmix_spin(ix, tpmix_spin_us(&ix->pace, ix->ordinal));
		rc = tpmix_check_ring(chip, ix, p == TPMIX_COMPLETED);
		if (!rc && p != TPMIX_COMPLETED)
			rc = tpmix_await(chip, ix);
		/* Only what it took itself. */
		if (!rc && !tries)
			tpmix_learn(&ix->pace, ix->ordinal, tpmix_us_since(ix->rung),
				    ix->looked ? tpmix_us_since(ix->looked) : 0);
		ix->done = !rc && p == TPMIX_COMPLETED;
		if (rc != -EAGAIN)
			return rc;
		tpmix_fall_back(ix);
		if (tpmix_give_up(ix->stop)) {
			ix->ticket--;
			return -ETIME;
		}
	}
	dev_err(ix->dev, "command refused %d times\n", SEND_TRIES);
	ix->ticket--;
	return -EIO;
}

static int tpmix_run_command(struct tpm_chip *chip, const u8 *buf, size_t len)
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int rc;

	/* /dev/tpm0 lets a size field below the header's size through. */
	if (len < TPM_HEADER_SIZE)
		return -EINVAL;
	if (len > ix->bufsize)
		return -E2BIG;

	ix->via = ix->way;
	ix->done = false;
	ix->cmd_csum = crc_ccitt(0, buf, len);
	ix->ordinal = be32_to_cpu(header->ordinal);
	ix->duration = tpm_calc_ordinal_duration(chip, ix->ordinal);
	/* What it takes itself, and before it TIMEOUT_B for what ran already. */
	ix->stop = jiffies + chip->timeout_b + ix->duration;
	/*
	 * Of a restored or forked machine whose TPM was not: with the next ticket
	 * of our count this command might get the response to one that was sent
	 * in the future that the machine came back from.
	 */
	if (READ_ONCE(ix->generation) != ix->counted) {
		rc = tpmix_take_count(chip, ix);
		if (rc)
			return rc;
	}
	ix->ticket++;
	return tpmix_send_command(chip, ix, buf, len);
}

/* A size that cannot be: if the register itself says so twice, it is told. */
static int tpmix_odd_size(struct tpmix_dev *ix, size_t count)
{
	u64 val = tpmix_read_stable(ix, TPMIX_REG_COMPLETED);

	if (lower_32_bits(val) != ix->ticket ||
	    upper_32_bits(val) != ix->rsp_size)
		return -EBADMSG;
	if (ix->rsp_size >= TPM_HEADER_SIZE && ix->rsp_size <= ix->bufsize) {
		dev_err(ix->dev, "response of %u bytes, room for %zu\n",
			ix->rsp_size, count);
		return -E2BIG;
	}
	dev_err(ix->dev, "impossible response of %u bytes\n", ix->rsp_size);
	return -EPROTO;
}

/*
 * Steps 6 and 7: rsp_size and csum are known. Returns the size; -EBADMSG if what
 * was read is not what the device has.
 */
static int tpmix_read_response(struct tpmix_dev *ix, u8 *buf, size_t count)
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	size_t size = ix->rsp_size;

	if (size < TPM_HEADER_SIZE || size > ix->bufsize || size > count)
		return tpmix_odd_size(ix, count);

	ix->via->response(ix, buf, size);
	if ((ix->csum & 0xFFFF) != ix->cmd_csum ||
	    ix->csum >> 16 != crc_ccitt(0, buf, size) ||
	    be32_to_cpu(header->length) != size)
		return -EBADMSG;
	return size;
}

/*
 * Size and checksum once more, as they may be what was read wrongly. -EAGAIN: not
 * to be seen this time.
 */
static int tpmix_look_again(struct tpm_chip *chip, struct tpmix_dev *ix)
{
	enum tpmix_progress p;

	while ((p = tpmix_read_progress(ix)) == TPMIX_RUNNING) {
		if (tpmix_give_up(ix->stop))
			return -ETIME;
		usleep_range(POLL_US / 2, POLL_US);
	}
	if (p == TPMIX_LOST)
		return tpmix_regain_lost(chip, ix) ?: -EAGAIN;
	ix->csum = lower_32_bits(ix->via->read(ix, TPMIX_REG_CSUM));
	return 0;
}

static int tpmix_indexed_recv(struct tpm_chip *chip, u8 *buf, size_t count)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int i, rc;

	for (i = 0; i < READ_TRIES; i++) {
		rc = ix->done ? 0 : tpmix_look_again(chip, ix);
		ix->done = false;
		if (!rc)
			rc = tpmix_read_response(ix, buf, count);
		if (rc > 0) {
			trace_tpmix_completion(ix->ticket, rc,
					       ix->via == &tpmix_trapped);
			return rc;
		}
		if (rc != -EBADMSG && rc != -EAGAIN)
			return rc;
		trace_tpmix_reread(ix->ticket, ix->rsp_size, ix->csum);
		tpmix_fall_back(ix);
	}
	if (rc == -EBADMSG)
		dev_err(ix->dev, "the response differs from its checksum %d times\n",
			READ_TRIES);
	else
		dev_err(ix->dev, "the response is lost\n");
	return -EIO;
}

#ifdef TPMIX_SEND_SYNC
/* The response takes the command's place in @buf. */
static int tpmix_indexed_send(struct tpm_chip *chip, u8 *buf, size_t bufsiz, size_t len)
{
	return tpmix_run_command(chip, buf, len) ?: tpmix_indexed_recv(chip, buf, bufsiz);
}
#else
static int tpmix_indexed_send(struct tpm_chip *chip, u8 *buf, size_t len)
{
	return tpmix_run_command(chip, buf, len);
}
#endif

const struct tpm_class_ops tpmix_indexed_ops = {
	.flags = TPM_OPS_AUTO_STARTUP,
	.recv = tpmix_indexed_recv,
	.send = tpmix_indexed_send,
	.cancel = tpmix_indexed_cancel,
	.request_locality = tpmix_request_locality,
	.relinquish_locality = tpmix_relinquish_locality,
};
