// SPDX-License-Identifier: GPL-2.0-only
/*
 * The standard door: TIS 1.3 / PTP FIFO as drivers/char/tpm/tpm_tis_core.c
 * speaks it, polled. For a device without the indexed door, and as the control
 * group of its tests: every access to DATA_FIFO moves a pointer in the device,
 * so that a repeated one loses a byte. TIS 1.3 5.6.12; PTP 6.5.2.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "tpmix_driver.h"

/* TIS 1.3 table 19: these read as 0; if not, locality 0 is not active. */
#define STS_READ_ZERO	(BIT(0) | TPM_STS_RESPONSE_RETRY | TPM_STS_GO)

#define STS_COMPLETE	((u8)(TPM_STS_VALID | TPM_STS_DATA_AVAIL))

#define POLL_US		500

static u8 tpmix_fifo_status(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	u8 sts = readb(ix->regs + TPM_REG_STS);

	return sts & STS_READ_ZERO ? 0 : sts;
}

/* Aborts what runs, gives up the response, and waits for a command. */
static void tpmix_fifo_ready(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writeb(TPM_STS_COMMAND_READY, ix->regs + TPM_REG_STS);
}

/* Until all of @mask is set; for @timeout jiffies, and not beyond the deadline. */
static int tpmix_wait_status(struct tpm_chip *chip, u8 mask,
			     unsigned long timeout)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	unsigned long stop = jiffies + timeout;
	bool last;

	if (time_after(stop, ix->stop))
		stop = ix->stop;
	for (;;) {
		last = tpmix_give_up(stop);
		if ((tpmix_fifo_status(chip) & mask) == mask)
			return 0;
		if (last)
			return -ETIME;
		usleep_range(POLL_US / 2, POLL_US);
	}
}

/* Bytes that may be read or written now; TIS 1.3 5.6.12.4 wants it asked again. */
static int tpmix_burst_count(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	unsigned long stop = jiffies + chip->timeout_a;
	bool last;
	int burst;

	if (time_after(stop, ix->stop))
		stop = ix->stop;
	for (;;) {
		last = tpmix_give_up(stop);
		burst = (readl(ix->regs + TPM_REG_STS) >>
			 TPM_STS_BURST_COUNT_SHIFT) & 0xFFFF;
		if (burst)
			return burst;
		if (last)
			return -EBUSY;
		usleep_range(POLL_US / 2, POLL_US);
	}
}

/* Writes bytes, after which Expect must be as @more says. */
static int tpmix_write_bytes(struct tpm_chip *chip, const u8 *buf, size_t len,
			     bool more)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	bool expect;
	size_t i;
	int rc;

	for (i = 0; i < len; i++)
		writeb(buf[i], ix->regs + TPM_REG_DATA_FIFO);

	rc = tpmix_wait_status(chip, TPM_STS_VALID, chip->timeout_c);
	if (rc)
		return rc;
	expect = tpmix_fifo_status(chip) & TPM_STS_EXPECT;
	if (expect != more) {
		dev_err(ix->dev, "the TPM expects %s\n",
			expect ? "more than the command" : "no more");
		return -EIO;
	}
	return 0;
}

static bool tpmix_fifo_is_ready(struct tpm_chip *chip)
{
	return tpmix_fifo_status(chip) & TPM_STS_COMMAND_READY;
}

/* What runs is aborted, which may last where the TPM does not heed it. */
int tpmix_fifo_settle(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	unsigned long limit = msecs_to_jiffies(TPMIX_SETTLE_MS);

	ix->stop = jiffies + limit;
	tpmix_fifo_ready(chip);
	if (tpmix_fifo_is_ready(chip))
		return 0;
	dev_info(ix->dev, "waiting for a command that runs already\n");
	return tpmix_wait_status(chip, TPM_STS_COMMAND_READY, limit);
}

#ifdef TPMIX_SEND_SYNC
static int tpmix_fifo_send(struct tpm_chip *chip, u8 *buf, size_t bufsiz, size_t len)
#else
static int tpmix_fifo_send(struct tpm_chip *chip, u8 *buf, size_t len)
#endif
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	size_t at = 0;
	int burst, rc;

	if (len < TPM_HEADER_SIZE)
		return -EINVAL;

	ix->stop = jiffies + chip->timeout_b +
		   tpm_calc_ordinal_duration(chip, be32_to_cpu(header->ordinal));
	if (!tpmix_fifo_is_ready(chip)) {
		tpmix_fifo_ready(chip);
		rc = tpmix_wait_status(chip, TPM_STS_COMMAND_READY, chip->timeout_b);
		if (rc)
			goto out;
	}

	/* The last byte goes alone: only before it must Expect be set. */
	while (at < len - 1) {
		burst = tpmix_burst_count(chip);
		if (burst < 0) {
			rc = burst;
			goto out;
		}
		burst = min_t(size_t, burst, len - 1 - at);
		rc = tpmix_write_bytes(chip, buf + at, burst, true);
		if (rc)
			goto out;
		at += burst;
	}
	rc = tpmix_write_bytes(chip, buf + at, 1, false);
	if (rc)
		goto out;

	writeb(TPM_STS_GO, ix->regs + TPM_REG_STS);
out:
	if (rc)
		tpmix_fifo_ready(chip);
	return rc;
}

static int tpmix_read_bytes(struct tpm_chip *chip, u8 *buf, size_t len)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	size_t at = 0;
	int burst, rc;

	while (at < len) {
		rc = tpmix_wait_status(chip, STS_COMPLETE, chip->timeout_c);
		if (rc)
			return rc;
		burst = tpmix_burst_count(chip);
		if (burst < 0)
			return burst;
		for (; burst && at < len; burst--)
			buf[at++] = readb(ix->regs + TPM_REG_DATA_FIFO);
	}
	return 0;
}

static int tpmix_fifo_recv(struct tpm_chip *chip, u8 *buf, size_t count)
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	u32 size;
	int rc;

	if (count < TPM_HEADER_SIZE) {
		rc = -EIO;
		goto out;
	}
	rc = tpmix_read_bytes(chip, buf, TPM_HEADER_SIZE);
	if (rc)
		goto out;

	size = be32_to_cpu(header->length);
	if (size < TPM_HEADER_SIZE || size > count) {
		rc = -EIO;
		goto out;
	}
	rc = tpmix_read_bytes(chip, buf + TPM_HEADER_SIZE, size - TPM_HEADER_SIZE);
	if (rc)
		goto out;
	rc = tpmix_wait_status(chip, TPM_STS_VALID, chip->timeout_c);
	if (rc)
		goto out;

	/* All that this door can notice of a byte that was lost or came twice. */
	if (tpmix_fifo_status(chip) & TPM_STS_DATA_AVAIL) {
		dev_err(&chip->dev, "response is longer than its size field\n");
		rc = -EIO;
		goto out;
	}
	rc = size;
out:
	tpmix_fifo_ready(chip);
	return rc;
}

/* TIS 1.3 5.6.12: commandReady, where a command ran, says that it was aborted. */
static bool tpmix_fifo_canceled(struct tpm_chip *chip, u8 status)
{
	return status == (u8)TPM_STS_COMMAND_READY;
}

const struct tpm_class_ops tpmix_fifo_ops = {
	.flags = TPM_OPS_AUTO_STARTUP,
	.status = tpmix_fifo_status,
	.recv = tpmix_fifo_recv,
	.send = tpmix_fifo_send,
	.cancel = tpmix_fifo_ready,
	.req_complete_mask = STS_COMPLETE,
	.req_complete_val = STS_COMPLETE,
	.req_canceled = tpmix_fifo_canceled,
	.request_locality = tpmix_request_locality,
	.relinquish_locality = tpmix_relinquish_locality,
};
