// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locality 0, by TPM_ACCESS of the FIFO interface or by TPM_LOC_CTRL of CRB, and
 * which of the two it is.
 *
 * TIS: TCG PC Client Specific TPM Interface Specification 1.3.
 * PTP: TCG PC Client Platform TPM Profile 1.05.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>

#include "tpmix_driver.h"

#define POLL_US		1000
#define VALID_US	750000	/* TIMEOUT_A: TIS 1.3 table 15, PTP table 23 */

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
	ix->tpm2 = id != TPM_INTERFACE_ID_TPM12;
	ix->crb = ix->tpm2 &&
		  (id & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB;
	return 0;
}

/* Firmware may have left them on; nobody would acknowledge them. */
void tpmix_interrupts_off(struct tpmix_dev *ix)
{
	u32 reg = ix->crb ? (u32)TPM_REG_CRB_INT_ENABLE :
			    (u32)TPM_REG_INT_ENABLE;

	writel(readl(ix->regs + reg) & ~TPM_INT_GLOBAL_ENABLE, ix->regs + reg);
}

bool tpmix_give_up(unsigned long stop)
{
	return time_after(jiffies, stop) || fatal_signal_pending(current);
}

void tpmix_lock(struct tpmix_dev *ix)
{
	down_read(&ix->chip->ops_sem);
	mutex_lock(&ix->chip->tpm_mutex);
}

void tpmix_unlock(struct tpmix_dev *ix)
{
	mutex_unlock(&ix->chip->tpm_mutex);
	up_read(&ix->chip->ops_sem);
}

static void tpmix_request(struct tpmix_dev *ix)
{
	if (ix->crb)
		writel(TPM_LOC_CTRL_REQUEST_ACCESS,
		       ix->regs + TPM_REG_LOC_CTRL);
	else
		writeb(TPM_ACCESS_REQUEST_USE, ix->regs + TPM_REG_ACCESS);
}

/* Also withdraws a request that is pending. */
static void tpmix_relinquish(struct tpmix_dev *ix)
{
	if (ix->crb)
		writel(TPM_LOC_CTRL_RELINQUISH, ix->regs + TPM_REG_LOC_CTRL);
	else
		writeb(TPM_ACCESS_ACTIVE_LOCALITY, ix->regs + TPM_REG_ACCESS);
}

static bool tpmix_granted(struct tpmix_dev *ix)
{
	const u8 active = TPM_ACCESS_ACTIVE_LOCALITY | TPM_ACCESS_REG_VALID_STS;
	u8 access;

	if (ix->crb)
		return readl(ix->regs + TPM_REG_LOC_STS) & TPM_LOC_STS_GRANTED;
	access = readb(ix->regs + TPM_REG_ACCESS);
	return (access & (active | TPM_ACCESS_REQUEST_USE)) == active;
}

/*
 * Asked for again where it is not active: a relinquish of before that is repeated
 * now would have taken the request back. Active or pending, that changes nothing.
 */
int tpmix_wait_granted(struct tpmix_dev *ix, unsigned long stop)
{
	bool last;

	for (;;) {
		last = tpmix_give_up(stop);
		if (tpmix_granted(ix))
			return 0;
		if (last)
			break;
		tpmix_request(ix);
		usleep_range(POLL_US / 2, POLL_US);
	}
	/* Or the locality would become active when nobody waits for it. */
	tpmix_relinquish(ix);
	return -EBUSY;
}

/* STATUS without an exit; ones where locality 0 is not active, or that is not known. */
static u32 tpmix_shown_status(struct tpmix_dev *ix)
{
	if (READ_ONCE(ix->way) != &tpmix_window)
		return TPMIX_ALL_ONES;
	return lower_32_bits(tpmix_window.read(ix, TPMIX_REG_STATUS));
}

static bool tpmix_shown(struct tpmix_dev *ix)
{
	return tpmix_shown_status(ix) != TPMIX_ALL_ONES;
}

bool tpmix_is_wanted(struct tpmix_dev *ix)
{
	u32 status = tpmix_shown_status(ix);

	return status != TPMIX_ALL_ONES && (status & TPMIX_STATUS_PENDING_REQUEST);
}

/* While the chip is registered whoever calls an operation has this: tpmix_driver.h. */
static void tpmix_assert_locked(struct tpmix_dev *ix)
{
	if (ix->may_hold)
		lockdep_assert_held(&ix->chip->ops_sem);
}

/*
 * The request goes first and unasked: repeating it where the locality is active
 * already does nothing, and the question would be one more exit per command.
 */
int tpmix_request_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int rc;

	tpmix_assert_locked(ix);
	if (ix->held) {
		ix->held = false;
		/* Unless a higher locality has seized it. */
		if (tpmix_shown(ix) || tpmix_granted(ix))
			return loc;
	}
	tpmix_request(ix);
	if (tpmix_shown(ix))
		return loc;
	rc = tpmix_wait_granted(ix, jiffies + chip->timeout_a);
	return rc ?: loc;
}

/*
 * It is kept where it is known to be ours and an interrupt tells that another one
 * asks for it: that is switched on at the start, and with each doorbell. Ones have
 * the bit, too.
 */
int tpmix_relinquish_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	u32 status;

	tpmix_assert_locked(ix);
	status = ix->may_hold && ix->irq ? tpmix_shown_status(ix) : TPMIX_ALL_ONES;
	ix->held = !(status & TPMIX_STATUS_PENDING_REQUEST);
	if (!ix->held)
		tpmix_relinquish(ix);
	return 0;
}

static void tpmix_release(struct tpmix_dev *ix)
{
	tpmix_lock(ix);
	if (ix->held)
		tpmix_relinquish(ix);
	ix->held = false;
	tpmix_unlock(ix);
}

static void tpmix_release_work(struct work_struct *work)
{
	tpmix_release(container_of(work, struct tpmix_dev, release));
}

void tpmix_locality_init(struct tpmix_dev *ix)
{
	INIT_WORK(&ix->release, tpmix_release_work);
}

void tpmix_hold_begin(struct tpmix_dev *ix)
{
	tpmix_lock(ix);
	ix->may_hold = true;
	tpmix_unlock(ix);
}

void tpmix_hold_end(struct tpmix_dev *ix)
{
	tpmix_lock(ix);
	ix->may_hold = false;
	tpmix_unlock(ix);
	cancel_work_sync(&ix->release);
	tpmix_release(ix);
}
