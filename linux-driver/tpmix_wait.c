// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for the end of a command: how long to look, how long to sleep, and the
 * interrupt that ends a sleep.
 *
 * What is predicted comes from what commands with the same ordinal took. A command
 * that is short is looked for without a pause, as long as that has paid lately; any
 * other is slept for. The interrupt only makes a sleep shorter: one that is lost
 * costs a part of the time that the command has taken anyway.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/platform_device.h>
#include <linux/pnp.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "tpmix_driver.h"

#define SPIN_START_US	20
#define SPIN_MAX_US	200	/* a sleep, with what wakes from it, takes that long */
#define LONG_US		1000	/* what the device waits for within the doorbell is less */
#define NAP_MIN_US	50
/* Also how late a fatal signal is heard, and the end where the interrupt is lost. */
#define NAP_MAX_US	10000
#define NAP_MAX_INT_US	50000

static unsigned int tpmix_slot(u32 ordinal)
{
	return ordinal % TPMIX_PACES;
}

bool tpmix_is_long(const struct tpmix_pace *p, u32 ordinal)
{
	return p->least_us[tpmix_slot(ordinal)] > LONG_US;
}

u32 tpmix_spin_us(const struct tpmix_pace *p, u32 ordinal)
{
	/* What is waited for would have to run here, or the time is another's. */
	if (num_online_cpus() == 1 || tpmix_is_long(p, ordinal))
		return 0;
	return p->spin_us;
}

u32 tpmix_nap_us(const struct tpmix_pace *p, u32 ordinal, u32 waited_us, bool interrupt)
{
	u32 half = p->least_us[tpmix_slot(ordinal)] / 2;
	/* The interrupt is to end the first nap, which no timer should do before it. */
	u32 first = interrupt ? 3 * half : half;
	/* So late it is seen at most; with an interrupt only where that is lost. */
	u32 nap = interrupt ? waited_us : waited_us / 32;

	if (first > waited_us)
		nap = max(nap, first - waited_us);
	return clamp_t(u32, nap, NAP_MIN_US, interrupt ? NAP_MAX_INT_US : NAP_MAX_US);
}

void tpmix_learn(struct tpmix_pace *p, u32 ordinal, u32 took_us, u32 looked_us)
{
	u32 *least = &p->least_us[tpmix_slot(ordinal)];

	/*
	 * What a command needs is the least that it took. The rest was somebody
	 * else's, however long: one that stood still with its machine does not
	 * make those after it long.
	 */
	if (!*least || took_us < *least)
		*least = took_us;
	else
		*least += min(*least, (took_us - *least) / 8);

	/* As drivers/cpuidle/governors/haltpoll.c: more where more would have done. */
	if (took_us > LONG_US || looked_us <= p->spin_us)
		return;
	if (looked_us <= SPIN_MAX_US)
		p->spin_us = clamp_t(u32, 2 * p->spin_us, SPIN_START_US, SPIN_MAX_US);
	else
		p->spin_us /= 2;
}

enum tpmix_progress tpmix_spin(struct tpmix_dev *ix, u32 limit_us)
{
	enum tpmix_progress p;
	ktime_t now;
	s64 us;

	ix->looked = 0;
	for (;;) {
		p = tpmix_read_progress(ix);
		if (p != TPMIX_RUNNING)
			return p;
		now = ktime_get();
		if (!ix->looked)
			ix->looked = now;
		us = ktime_us_delta(now, ix->looked);
		if (us >= limit_us || need_resched() || fatal_signal_pending(current))
			return p;
		/* Where a look is an exit, there are the fewer the longer it takes. */
		if (ix->via->free_poll)
			cpu_relax();
		else
			udelay(clamp_t(s64, us / 2, 2, 50));
	}
}

void tpmix_sleep(struct tpmix_dev *ix, u32 us, unsigned int edges)
{
	if (ix->irq)
		wait_event_hrtimeout(ix->wait, READ_ONCE(ix->edges) != edges,
				     ns_to_ktime((u64)us * NSEC_PER_USEC));
	else
		usleep_range(us, us + us / 8);
}

static irqreturn_t tpmix_interrupt(int irq, void *data)
{
	struct tpmix_dev *ix = data;

	WRITE_ONCE(ix->edges, ix->edges + 1);
	wake_up(&ix->wait);
	if (tpmix_is_wanted(ix))
		schedule_work(&ix->release);
	return IRQ_HANDLED;
}

static int tpmix_find_irq(struct device *dev)
{
	if (dev_is_platform(dev))
		return platform_get_irq_optional(to_platform_device(dev), 0);
	return pnp_irq(to_pnp_dev(dev), 0);
}

static void tpmix_cancel_release(void *data)
{
	struct tpmix_dev *ix = data;

	cancel_work_sync(&ix->release);
}

/*
 * Firmware names the line where it is the TPM's alone. Without it everything works,
 * polled.
 */
void tpmix_request_irq(struct tpmix_dev *ix)
{
	int irq = tpmix_find_irq(ix->dev);
	int rc;

	if (irq <= 0 || !ix->edge)
		return;
	/* Undone in the other order: no interrupt, then no work that it began. */
	rc = devm_add_action_or_reset(ix->dev, tpmix_cancel_release, ix);
	if (!rc)
		rc = devm_request_irq(ix->dev, irq, tpmix_interrupt, 0,
				      dev_name(ix->dev), ix);
	if (rc)
		dev_warn(ix->dev, "interrupt %d not used: %d\n", irq, rc);
	else
		ix->irq = irq;
}

void tpmix_wait_init(struct tpmix_dev *ix)
{
	init_waitqueue_head(&ix->wait);
	ix->pace.spin_us = SPIN_START_US;
}
