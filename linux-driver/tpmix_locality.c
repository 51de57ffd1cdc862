// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locality 0, by TPM_ACCESS of the FIFO interface or by TPM_LOC_CTRL of CRB, and
 * which of the two it is.
 *
 * TIS: TCG PC Client Specific TPM Interface Specification 1.3.
 * PTP: TCG PC Client Platform TPM Profile 1.05.
 */
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "tpmix_driver.h"

#define POLL_US		1000
#define VALID_US	750000	/* TIMEOUT_A: TIS 1.3 table 15, PTP table 23 */
#define HOLD_MAX_MS	500	/* below TIMEOUT_A, which others wait */

static unsigned int hold_ms;
module_param(hold_ms, uint, 0644);
MODULE_PARM_DESC(hold_ms, "Milliseconds to keep the locality after a command");

/*
 * TIS 1.3 5.6.2, PTP 6.5.1: nothing else is valid before the bit that both
 * interfaces have at the same place, in TPM_ACCESS and TPM_LOC_STATE.
 */
int tpmix_interface(struct tpmix_dev *ix)
{
	u32 id;
	u8 valid;
	int rc;

	BUILD_BUG_ON((u32)TPM_REG_ACCESS != (u32)TPM_REG_LOC_STATE);
	BUILD_BUG_ON((u32)TPM_ACCESS_REG_VALID_STS != (u32)TPM_LOC_STATE_VALID);
	rc = readb_poll_timeout(ix->regs + TPM_REG_ACCESS, valid,
				valid != 0xFF && (valid & TPM_LOC_STATE_VALID),
				POLL_US, VALID_US);
	if (rc)
		return -ENODEV;
	/* PTP tables 18 and 24; all ones: TPM 1.2, which knows TIS only. */
	id = readl(ix->regs + TPM_REG_INTF_ID);
	ix->crb = (id & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB;
	return 0;
}

/* Firmware may have left them on; nobody would acknowledge them. */
void tpmix_interrupts_off(struct tpmix_dev *ix)
{
	u32 reg = ix->crb ? (u32)TPM_REG_CRB_INT_ENABLE :
			    (u32)TPM_REG_INT_ENABLE;

	writel(readl(ix->regs + reg) & ~TPM_INT_GLOBAL_ENABLE, ix->regs + reg);
}

static void request(struct tpmix_dev *ix)
{
	if (ix->crb)
		writel(TPM_LOC_CTRL_REQUEST_ACCESS,
		       ix->regs + TPM_REG_LOC_CTRL);
	else
		writeb(TPM_ACCESS_REQUEST_USE, ix->regs + TPM_REG_ACCESS);
}

/* Also withdraws a request that is pending. */
static void relinquish(struct tpmix_dev *ix)
{
	if (ix->crb)
		writel(TPM_LOC_CTRL_RELINQUISH, ix->regs + TPM_REG_LOC_CTRL);
	else
		writeb(TPM_ACCESS_ACTIVE_LOCALITY, ix->regs + TPM_REG_ACCESS);
}

static bool granted(struct tpmix_dev *ix)
{
	const u8 active = TPM_ACCESS_ACTIVE_LOCALITY | TPM_ACCESS_REG_VALID_STS;
	u8 access;

	if (ix->crb)
		return readl(ix->regs + TPM_REG_LOC_STS) & TPM_LOC_STS_GRANTED;
	access = readb(ix->regs + TPM_REG_ACCESS);
	return (access & (active | TPM_ACCESS_REQUEST_USE)) == active;
}

/*
 * Asked for again where it is not: a relinquish of before that is repeated now
 * would have taken the request back. Active or pending, that changes nothing.
 */
static bool granted_or_request(struct tpmix_dev *ix)
{
	if (granted(ix))
		return true;
	request(ix);
	return false;
}

/* Without an exit; false also where that cannot be said. STATUS is never ones. */
static bool shown(struct tpmix_dev *ix)
{
	return ix->way == &tpmix_window &&
	       lower_32_bits(ix->way->read(ix, TPMIX_REG_STATUS)) !=
	       TPMIX_ALL_ONES;
}

/*
 * The request goes first and unasked: repeating it where the locality is active
 * already does nothing, and the question would be one more exit per command.
 */
int tpmix_request_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	bool ok;
	int rc;

	if (ix->held) {
		ix->held = false;
		/* Unless a higher locality has seized it. */
		if (shown(ix) || granted(ix))
			return loc;
	}
	request(ix);
	if (shown(ix))
		return loc;
	rc = read_poll_timeout(granted_or_request, ok, ok, POLL_US,
			       jiffies_to_usecs(chip->timeout_a), false, ix);
	if (rc) {
		/* Or the locality would become active when nobody waits for it. */
		relinquish(ix);
		return -EBUSY;
	}
	return loc;
}

/*
 * With hold_ms the work releases it, and no later for the commands that come
 * meanwhile: however busy we are, another locality waits so long and no longer.
 */
int tpmix_relinquish_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	unsigned int ms = min_t(unsigned int, READ_ONCE(hold_ms), HOLD_MAX_MS);

	if (ms && ix->may_hold) {
		ix->held = true;
		schedule_delayed_work(&ix->release, msecs_to_jiffies(ms));
	} else {
		relinquish(ix);
	}
	return 0;
}

static void release_work(struct work_struct *work)
{
	struct tpmix_dev *ix = container_of(to_delayed_work(work),
					    struct tpmix_dev, release);

	mutex_lock(&ix->chip->tpm_mutex);
	if (ix->held)
		relinquish(ix);
	ix->held = false;
	mutex_unlock(&ix->chip->tpm_mutex);
}

void tpmix_locality_init(struct tpmix_dev *ix)
{
	INIT_DELAYED_WORK(&ix->release, release_work);
}

void tpmix_hold_begin(struct tpmix_dev *ix)
{
	ix->may_hold = true;
}

void tpmix_hold_end(struct tpmix_dev *ix)
{
	mutex_lock(&ix->chip->tpm_mutex);
	ix->may_hold = false;
	mutex_unlock(&ix->chip->tpm_mutex);
	if (cancel_delayed_work_sync(&ix->release))
		release_work(&ix->release.work);
}
