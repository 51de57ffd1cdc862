// SPDX-License-Identifier: GPL-2.0-only
/*
 * The standard door: TIS 1.3 / PTP FIFO as drivers/char/tpm/tpm_tis_core.c
 * speaks it, polled. For a device without the indexed door, and as the control
 * group of its tests: every access to DATA_FIFO moves a pointer in the device,
 * so that a repeated one loses a byte. TIS 1.3 5.6.12; PTP 6.5.2.
 */
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "tpmix_driver.h"

/* TIS 1.3 table 19: these read as 0; if not, locality 0 is not active. */
#define STS_READ_ZERO	(BIT(0) | TPM_STS_RESPONSE_RETRY | TPM_STS_GO)

#define POLL_US		500

static u8 fifo_status(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	u8 sts = readb(ix->regs + TPM_REG_STS);

	return sts & STS_READ_ZERO ? 0 : sts;
}

/* Aborts what runs, gives up the response, and waits for a command. */
static void fifo_ready(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writeb(TPM_STS_COMMAND_READY, ix->regs + TPM_REG_STS);
}

static int wait_status(struct tpm_chip *chip, u8 mask, unsigned long timeout)
{
	u8 sts;
	int rc;

	rc = read_poll_timeout(fifo_status, sts, (sts & mask) == mask, POLL_US,
			       jiffies_to_usecs(timeout), false, chip);
	return rc ? -ETIME : 0;
}

/* Bytes that may be read or written now; TIS 1.3 5.6.12.4 wants it asked again. */
static int burst_count(struct tpm_chip *chip)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	u32 sts, burst;
	int rc;

	rc = readl_poll_timeout(ix->regs + TPM_REG_STS, sts,
				(sts >> TPM_STS_BURST_COUNT_SHIFT) & 0xFFFF,
				POLL_US, jiffies_to_usecs(chip->timeout_a));
	if (rc)
		return -EBUSY;
	burst = (sts >> TPM_STS_BURST_COUNT_SHIFT) & 0xFFFF;
	return burst;
}

/* Writes bytes, after which Expect must be as @more says. */
static int write_bytes(struct tpm_chip *chip, const u8 *buf, size_t len,
		       bool more)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	bool expect;
	size_t i;
	int rc;

	for (i = 0; i < len; i++)
		writeb(buf[i], ix->regs + TPM_REG_DATA_FIFO);

	rc = wait_status(chip, TPM_STS_VALID, chip->timeout_c);
	if (rc)
		return rc;
	expect = fifo_status(chip) & TPM_STS_EXPECT;
	if (expect != more) {
		dev_err(ix->dev, "the TPM expects %s\n",
			expect ? "more than the command" : "no more");
		return -EIO;
	}
	return 0;
}

#ifdef TPMIX_SEND_BUFSIZ
static int fifo_send(struct tpm_chip *chip, u8 *buf, size_t bufsiz, size_t len)
#else
static int fifo_send(struct tpm_chip *chip, u8 *buf, size_t len)
#endif
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	size_t at = 0;
	int burst, rc;

	if (len < TPM_HEADER_SIZE)
		return -EINVAL;

	if (!(fifo_status(chip) & TPM_STS_COMMAND_READY)) {
		fifo_ready(chip);
		rc = wait_status(chip, TPM_STS_COMMAND_READY, chip->timeout_b);
		if (rc)
			goto out;
	}

	/* The last byte goes alone: only before it must Expect be set. */
	while (at < len - 1) {
		burst = burst_count(chip);
		if (burst < 0) {
			rc = burst;
			goto out;
		}
		burst = min_t(size_t, burst, len - 1 - at);
		rc = write_bytes(chip, buf + at, burst, true);
		if (rc)
			goto out;
		at += burst;
	}
	rc = write_bytes(chip, buf + at, 1, false);
	if (rc)
		goto out;

	writeb(TPM_STS_GO, ix->regs + TPM_REG_STS);
out:
	if (rc)
		fifo_ready(chip);
	return rc;
}

static int read_bytes(struct tpm_chip *chip, u8 *buf, size_t len)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	size_t at = 0;
	int burst, rc;

	while (at < len) {
		rc = wait_status(chip, TPMIX_STS_COMPLETE, chip->timeout_c);
		if (rc)
			return rc;
		burst = burst_count(chip);
		if (burst < 0)
			return burst;
		for (; burst && at < len; burst--)
			buf[at++] = readb(ix->regs + TPM_REG_DATA_FIFO);
	}
	return 0;
}

static int fifo_recv(struct tpm_chip *chip, u8 *buf, size_t count)
{
	const struct tpm_header *header = (const struct tpm_header *)buf;
	u32 size;
	int rc;

	if (count < TPM_HEADER_SIZE) {
		rc = -EIO;
		goto out;
	}
	rc = read_bytes(chip, buf, TPM_HEADER_SIZE);
	if (rc)
		goto out;

	size = be32_to_cpu(header->length);
	if (size < TPM_HEADER_SIZE || size > count) {
		rc = -EIO;
		goto out;
	}
	rc = read_bytes(chip, buf + TPM_HEADER_SIZE, size - TPM_HEADER_SIZE);
	if (rc)
		goto out;
	rc = wait_status(chip, TPM_STS_VALID, chip->timeout_c);
	if (rc)
		goto out;

	/* All that this door can notice of a byte that was lost or came twice. */
	if (fifo_status(chip) & TPM_STS_DATA_AVAIL) {
		dev_err(&chip->dev, "response is longer than its size field\n");
		rc = -EIO;
		goto out;
	}
	rc = size;
out:
	fifo_ready(chip);
	return rc;
}

const struct tpm_class_ops tpmix_fifo_ops = {
	.flags = TPM_OPS_AUTO_STARTUP,
	.status = fifo_status,
	.recv = fifo_recv,
	.send = fifo_send,
	.cancel = fifo_ready,
	.req_complete_mask = TPMIX_STS_COMPLETE,
	.req_complete_val = TPMIX_STS_COMPLETE,
	.req_canceled = tpmix_req_canceled,
	.request_locality = tpmix_request_locality,
	.relinquish_locality = tpmix_relinquish_locality,
};
