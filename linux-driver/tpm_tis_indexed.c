// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver for TPMs with the replay-safe indexed door (QEMU tpm-tis-indexed).
 *
 * This file: binding, probe, locality, and taking the device over from tpm_tis.
 * The transaction is in tpm_indexed_door.c and, by the standard's registers,
 * in tpm_indexed_fifo.c. Not used: interrupts, localities 1 to 4.
 *
 * TIS: TCG PC Client Specific TPM Interface Specification 1.3.
 * PTP: TCG PC Client Platform TPM Profile 1.05.
 */
#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pnp.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "tpm_indexed.h"

#define TPMIX_HID	"QEMU0021"
#define STOCK_DRIVER	"tpm_tis"

/*
 * Milliseconds, until the core knows the TPM's own: the greater ones of TIS 1.3
 * table 15 and PTP table 23, as tpm_tis takes them.
 */
enum tpmix_timeout {
	TPMIX_TIMEOUT_A_MS = 750,
	TPMIX_TIMEOUT_B_MS = 4000,
	TPMIX_TIMEOUT_C_MS = 750,
	TPMIX_TIMEOUT_D_MS = 750,
};

#define ACCESS_POLL_US	1000

static const char * const door_names[] = {
	[TPMIX_DOOR_AUTO] = "auto",
	[TPMIX_DOOR_INDEXED] = "indexed",
	[TPMIX_DOOR_FIFO] = "fifo",
};

static char *door = "auto";
module_param(door, charp, 0444);
MODULE_PARM_DESC(door, "Registers to use: auto, indexed or fifo");

static bool takeover = true;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover, "Take the device from tpm_tis, and hand it back on unload");

/* The TPM's platform or PNP device, with a reference; NULL if there is none. */
static struct device *tpmix_phys;

static const struct acpi_device_id tpmix_acpi_ids[] = {
	{ TPMIX_HID, 0 },
	{ }
};
MODULE_DEVICE_TABLE(acpi, tpmix_acpi_ids);

/* TIS 1.3 5.6.12: commandReady, where a command ran, says that it was aborted. */
bool tpmix_req_canceled(struct tpm_chip *chip, u8 status)
{
	return status == TPMIX_STS_CANCELED;
}

/*
 * The request goes first and unasked: repeating it where the locality is active
 * already does nothing, and the question would be one more exit per command.
 */
int tpmix_request_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	const u8 active = TPM_ACCESS_ACTIVE_LOCALITY | TPM_ACCESS_REG_VALID_STS;
	u8 access;
	int rc;

	writeb(TPM_ACCESS_REQUEST_USE, ix->regs + TPM_REG_ACCESS);
	rc = readb_poll_timeout(ix->regs + TPM_REG_ACCESS, access,
				(access & (active | TPM_ACCESS_REQUEST_USE)) ==
				active, ACCESS_POLL_US,
				jiffies_to_usecs(chip->timeout_a));
	if (rc) {
		/* Or the locality would become active when nobody waits for it. */
		tpmix_relinquish_locality(chip, loc);
		return -EBUSY;
	}
	return loc;
}

/* Also withdraws a request that is pending. */
int tpmix_relinquish_locality(struct tpm_chip *chip, int loc)
{
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	writeb(TPM_ACCESS_ACTIVE_LOCALITY, ix->regs + TPM_REG_ACCESS);
	return 0;
}

static int choose_door(struct tpmix_dev *ix)
{
	int want = match_string(door_names, ARRAY_SIZE(door_names), door);
	int rc = -ENODEV;

	if (want != TPMIX_DOOR_FIFO)
		rc = tpmix_indexed_discover(ix);
	if (want == TPMIX_DOOR_INDEXED && rc) {
		dev_err(ix->dev, "no indexed door\n");
		return rc;
	}
	ix->door = rc ? TPMIX_DOOR_FIFO : TPMIX_DOOR_INDEXED;
	return 0;
}

static void tpmix_unregister(void *chip)
{
	tpm_chip_unregister(chip);
}

static int tpmix_probe(struct device *dev, const struct resource *res)
{
	struct tpm_chip *chip;
	struct tpmix_dev *ix;
	u8 access;
	int rc;

	if (!res || resource_size(res) < TPMIX_LOCALITY_SIZE)
		return -ENODEV;
	ix = devm_kzalloc(dev, sizeof(*ix), GFP_KERNEL);
	if (!ix)
		return -ENOMEM;
	ix->dev = dev;
	ix->regs = devm_ioremap_resource(dev, res);
	if (IS_ERR(ix->regs))
		return PTR_ERR(ix->regs);

	/* TIS 1.3 5.6.2: nothing else is valid before regValidSts. */
	rc = readb_poll_timeout(ix->regs + TPM_REG_ACCESS, access,
				access != 0xFF &&
				(access & TPM_ACCESS_REG_VALID_STS),
				ACCESS_POLL_US,
				TPMIX_TIMEOUT_A_MS * USEC_PER_MSEC);
	if (rc)
		return -ENODEV;
	rc = choose_door(ix);
	if (rc)
		return rc;

	chip = tpmm_chip_alloc(dev, ix->door == TPMIX_DOOR_INDEXED ?
				    &tpmix_indexed_ops : &tpmix_fifo_ops);
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	dev_set_drvdata(&chip->dev, ix);
	chip->acpi_dev_handle = ACPI_HANDLE(dev);
	chip->timeout_a = msecs_to_jiffies(TPMIX_TIMEOUT_A_MS);
	chip->timeout_b = msecs_to_jiffies(TPMIX_TIMEOUT_B_MS);
	chip->timeout_c = msecs_to_jiffies(TPMIX_TIMEOUT_C_MS);
	chip->timeout_d = msecs_to_jiffies(TPMIX_TIMEOUT_D_MS);

	rc = tpm_chip_start(chip);
	if (rc)
		return rc;
	/* Firmware may have left interrupts on; nobody would acknowledge them. */
	writel(readl(ix->regs + TPM_REG_INT_ENABLE) & ~TPM_INT_GLOBAL_ENABLE,
	       ix->regs + TPM_REG_INT_ENABLE);
	if (ix->door == TPMIX_DOOR_INDEXED)
		tpmix_indexed_sync(ix);
	rc = tpm2_probe(chip);
	tpm_chip_stop(chip);
	if (rc)
		return rc;

	if (ix->door == TPMIX_DOOR_INDEXED)
		dev_info(dev, "replay-safe TPM interface %u.%u, %u-byte buffer, TPM %s\n",
			 TPMIX_VERSION_MAJOR(ix->version), ix->version & 0xFFFF,
			 ix->bufsize,
			 chip->flags & TPM_CHIP_FLAG_TPM2 ? "2.0" : "1.2");
	else
		dev_info(dev, "standard FIFO interface, TPM %s\n",
			 chip->flags & TPM_CHIP_FLAG_TPM2 ? "2.0" : "1.2");

	rc = tpm_chip_register(chip);
	if (rc)
		return rc;
	/* In place of remove(), whose prototype is not that of every kernel. */
	return devm_add_action_or_reset(dev, tpmix_unregister, chip);
}

static int tpmix_resume(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int rc;

	rc = tpm_chip_start(chip);
	if (rc)
		return rc;
	/* Firmware has used the TPM, or, after hibernation, it is another one. */
	if (ix->door == TPMIX_DOOR_INDEXED)
		tpmix_indexed_sync(ix);
	/* TPM 1.2 wants a self-test; as in tpm_tis its result is the core's. */
	if (!(chip->flags & TPM_CHIP_FLAG_TPM2))
		tpm1_do_selftest(chip);
	tpm_chip_stop(chip);
	return tpm_pm_resume(dev);
}

static DEFINE_SIMPLE_DEV_PM_OPS(tpmix_pm, tpm_pm_suspend, tpmix_resume);

static ssize_t door_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	return sysfs_emit(buf, "%s\n", door_names[ix->door]);
}
static DEVICE_ATTR_RO(door);

static struct attribute *tpmix_attrs[] = {
	&dev_attr_door.attr,
	NULL
};
ATTRIBUTE_GROUPS(tpmix);

static int tpmix_platform_probe(struct platform_device *pdev)
{
	return tpmix_probe(&pdev->dev,
			   platform_get_resource(pdev, IORESOURCE_MEM, 0));
}

/* Synchronous: init looks at once whether the probe took the device. */
static struct platform_driver tpmix_platform_driver = {
	.probe = tpmix_platform_probe,
	.driver = {
		.name = "tpm_tis_indexed",
		.acpi_match_table = tpmix_acpi_ids,
		.dev_groups = tpmix_groups,
		.pm = pm_sleep_ptr(&tpmix_pm),
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

/*
 * A TPM 1.2 with _CID PNP0C31 becomes a device of the PNP bus, which does not
 * know it by its _HID. No MODULE_DEVICE_TABLE: the module is not to be loaded
 * for every TPM 1.2 that there is.
 */
static const struct pnp_device_id tpmix_pnp_ids[] = {
	{ "PNP0C31", 0 },
	{ "", 0 }
};

static int tpmix_pnp_probe(struct pnp_dev *pnp, const struct pnp_device_id *id)
{
	if (!acpi_match_device(tpmix_acpi_ids, &pnp->dev))
		return -ENODEV;
	return tpmix_probe(&pnp->dev, pnp_get_resource(pnp, IORESOURCE_MEM, 0));
}

static struct pnp_driver tpmix_pnp_driver = {
	.name = "tpm_tis_indexed",
	.id_table = tpmix_pnp_ids,
	.probe = tpmix_pnp_probe,
	.driver = {
		.dev_groups = tpmix_groups,
		.pm = pm_sleep_ptr(&tpmix_pm),
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct device * __init find_device(void)
{
	struct acpi_device *adev;
	struct device *dev;

	adev = acpi_dev_get_first_match_dev(TPMIX_HID, NULL, -1);
	if (!adev)
		return NULL;
	dev = get_device(acpi_get_first_physical_node(adev));
	acpi_dev_put(adev);
	return dev;
}

/* True if tpm_tis had the device, by its _CID, and has let go of it. */
static bool __init release_stock(struct device *dev)
{
	bool stock;

	device_lock(dev);
	stock = dev->driver && !strcmp(dev->driver->name, STOCK_DRIVER);
	device_unlock(dev);
	if (stock)
		device_release_driver(dev);
	return stock;
}

/* Drivers are asked in the order of their registration: tpm_tis before us. */
static void hand_back(struct device *dev)
{
	int rc = device_attach(dev);

	if (rc < 0)
		dev_warn(dev, "no driver took the device back: %d\n", rc);
}

static int __init tpmix_init(void)
{
	bool released = false;
	int rc;

	if (match_string(door_names, ARRAY_SIZE(door_names), door) < 0) {
		pr_err("tpm_indexed: door is auto, indexed or fifo\n");
		return -EINVAL;
	}
	tpmix_phys = find_device();
	if (tpmix_phys && takeover)
		released = release_stock(tpmix_phys);

	/* Registering probes the device, if nobody has it. */
	rc = platform_driver_register(&tpmix_platform_driver);
	if (rc)
		goto out;
	if (IS_ENABLED(CONFIG_PNP)) {
		rc = pnp_register_driver(&tpmix_pnp_driver);
		if (rc)
			platform_driver_unregister(&tpmix_platform_driver);
	}
out:
	/* Also where our probe failed: no effect on a device that is bound. */
	if (released)
		hand_back(tpmix_phys);
	if (rc)
		put_device(tpmix_phys);
	return rc;
}

static void __exit tpmix_exit(void)
{
	if (IS_ENABLED(CONFIG_PNP))
		pnp_unregister_driver(&tpmix_pnp_driver);
	platform_driver_unregister(&tpmix_platform_driver);

	if (tpmix_phys && takeover)
		hand_back(tpmix_phys);
	put_device(tpmix_phys);
}

module_init(tpmix_init);
module_exit(tpmix_exit);
MODULE_DESCRIPTION("TPM driver with replay-safe indexed access");
MODULE_AUTHOR("The QEMU replay-safe TPM project");
MODULE_SOFTDEP("pre: crc-ccitt");
MODULE_LICENSE("GPL");
