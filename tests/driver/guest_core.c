/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM core of the guest's kernel, and what tests have the guest do. Its steps and
 * what it holds in each are those of drivers/char/tpm/tpm-interface.c and tpm-chip.c,
 * Linux 6.12; its own commands are numbers above 128.
 */
#include "guest_kernel.h"
#include "machine.h"

enum { ASK_FAMILY = 200, SELF_TEST, SHUTDOWN };

int guest_rc;
uint32_t guest_cmd_len = 27, guest_room = 4096;

static void free_chip(void *chip)
{
	g.chip = NULL;
	guest_free(chip);
}

struct tpm_chip *tpmm_chip_alloc(struct device *dev, const struct tpm_class_ops *ops)
{
	g.chip = guest_allocate(sizeof(struct tpm_chip));
	g.chip->ops = ops;
	dev_set_drvdata(dev, g.chip);
	devm_add_action_or_reset(dev, free_chip, g.chip);
	return g.chip;
}

int tpm_chip_start(struct tpm_chip *chip)
{
	int rc = chip->ops->request_locality(chip, 0);

	return rc < 0 ? rc : 0;
}

void tpm_chip_stop(struct tpm_chip *chip)
{
	chip->ops->relinquish_locality(chip, 0);
}

unsigned long tpm_calc_ordinal_duration(struct tpm_chip *chip, u32 ordinal)
{
	if ((chip->flags & TPM_CHIP_FLAG_TPM2) && ordinal == 0x136)
		return 2 * HZ;
	return 120 * HZ;
}

static int send(struct tpm_chip *chip, u8 *buf, size_t len)
{
#ifdef TPMIX_SEND_SYNC
	return chip->ops->send(chip, buf, guest_room, len);
#else
	return chip->ops->send(chip, buf, len);
#endif
}

static int try_transmit(struct tpm_chip *chip, u8 *buf, size_t len)
{
	unsigned long stop;
	int rc = send(chip, buf, len);
	u8 status;

	if (rc < 0 || (chip->flags & TPM_CHIP_FLAG_SYNC))
		return rc;
	g_assert_cmpint(rc, ==, 0);
	if (chip->flags & TPM_CHIP_FLAG_IRQ)
		return chip->ops->recv(chip, buf, guest_room);
	stop = jiffies + tpm_calc_ordinal_duration(chip, 0x136);
	do {
		status = chip->ops->status(chip);
		if ((status & chip->ops->req_complete_mask) == chip->ops->req_complete_val)
			return chip->ops->recv(chip, buf, guest_room);
		if (chip->ops->req_canceled(chip, status))
			return -ECANCELED;
		msleep(1);
	} while (time_before(jiffies, stop));
	chip->ops->cancel(chip);
	return -ETIME;
}

static int transmit(struct tpm_chip *chip, uint32_t serial, u8 *buf)
{
	return try_transmit(chip, buf, machine_command(serial, buf, guest_cmd_len));
}

int tpm2_probe(struct tpm_chip *chip)
{
	static u8 buf[CAPACITY];

	if (transmit(chip, ASK_FAMILY, buf) > 0)
		chip->flags |= TPM_CHIP_FLAG_TPM2;
	return 0;
}

int tpm1_do_selftest(struct tpm_chip *chip)
{
	static u8 buf[CAPACITY];

	return transmit(chip, SELF_TEST, buf);
}

int tpm_chip_register(struct tpm_chip *chip)
{
	static u8 buf[CAPACITY];
	int rc = tpm_chip_start(chip);

	if (rc)
		return rc;
	rc = transmit(chip, SELF_TEST, buf);
	tpm_chip_stop(chip);
	g.registered = rc > 0;
	return rc < 0 ? rc : 0;
}

/* As tpm_class_shutdown() and tpm_del_char_device(): without the mutex. */
static void make_uncallable(struct tpm_chip *chip)
{
	static u8 buf[CAPACITY];

	down_write(&chip->ops_sem);
	if (chip->ops && !tpm_chip_start(chip)) {
		transmit(chip, SHUTDOWN, buf);
		tpm_chip_stop(chip);
	}
	chip->ops = NULL;
	up_write(&chip->ops_sem);
	guest_time_passes(0);
}

void tpm_chip_unregister(struct tpm_chip *chip)
{
	make_uncallable(chip);
	g.registered = false;
}

static bool try_get_ops(struct tpm_chip *chip)
{
	down_read(&chip->ops_sem);
	if (chip->ops) {
		mutex_lock(&chip->tpm_mutex);
		if (!tpm_chip_start(chip))
			return true;
		mutex_unlock(&chip->tpm_mutex);
	}
	up_read(&chip->ops_sem);
	return false;
}

static void put_ops(struct tpm_chip *chip)
{
	tpm_chip_stop(chip);
	mutex_unlock(&chip->tpm_mutex);
	up_read(&chip->ops_sem);
	guest_time_passes(0);
}

int tpm_pm_suspend(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	static u8 buf[CAPACITY];

	if (!try_get_ops(chip))
		return 0;
	transmit(chip, SHUTDOWN, buf);
	put_ops(chip);
	return 0;
}

int tpm_pm_resume(struct device *dev)
{
	(void)dev;
	return 0;
}

/* the driver's other half, which is not here */

int tpmix_takeover(void)
{
	return 0;
}

void tpmix_hand_back(void)
{
}

void tpmix_forget(void)
{
}

bool tpmix_taken(struct device *dev)
{
	(void)dev;
	return false;
}

/* what tests do */

int guest_boot(const struct guest_options *options)
{
	if (!g.log) {
		g.log = g_string_new(NULL);
		g.traced = g_hash_table_new(g_str_hash, g_str_equal);
	}
	g_string_truncate(g.log, 0);
	g_hash_table_remove_all(g.traced);
	g.kill_at_us = -1;
	g.wants_cpu = false;
	g.work = NULL;
	*(char **)guest_param("door") = (char *)options->door;
	g.cpus = options->cpus;
	g.interrupts = 0;
	g.clock_reads = g.sleeps = 0;
	g.node.compatible = machine->setup.crb ? TPMIX_OF_CRB : TPMIX_OF_TIS;
	g.device.dev.of_node = machine->setup.of ? &g.node : NULL;
	g_assert_cmpint(shim_module_init(), ==, 0);
	return g.probe_rc;
}

void guest_end(void)
{
	shim_module_exit();
	g_assert_null(g.device.dev.devres);
	g_assert_null(g.vmfork);
	g_assert_null(g.work);
}

/* device_shutdown(): the chip's device is younger, so it is first. */
void guest_shutdown(void)
{
	if (g.registered)
		make_uncallable(g.chip);
	if (g.driver->shutdown)
		g.driver->shutdown(&g.device);
}

int guest_suspend(void)
{
	return g.driver->driver.pm->suspend(&g.device.dev);
}

int guest_resume(void)
{
	return g.driver->driver.pm->resume(&g.device.dev);
}

const char *guest_door(void)
{
	static char buf[64];
	const struct attribute_group *group;

	if (!g.device.dev.driver)
		return "none";
	group = g.device.dev.driver->dev_groups[0];
	((struct device_attribute *)group->attrs[0])->show(&g.device.dev, NULL, buf);
	return g_strchomp(buf);
}

enum outcome guest_transmit(uint32_t serial, uint32_t nth)
{
	static u8 buf[TPMIX_BUFFER_MAX], want[CAPACITY];
	uint32_t size;

	if (!g.registered || !try_get_ops(g.chip)) {
		guest_rc = -EPIPE;
		return FAILED;
	}
	guest_rc = transmit(g.chip, serial, buf);
	put_ops(g.chip);
	if (guest_rc < 0)
		return FAILED;
	size = machine_response(serial, nth, want);
	return (uint32_t)guest_rc == size && !memcmp(buf, want, size) ? RIGHT : WRONG;
}
