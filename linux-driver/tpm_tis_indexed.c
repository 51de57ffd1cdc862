// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver for TPMs with the replay-safe indexed door: QEMU's tpm-tis-indexed and
 * tpm-crb-ext.
 *
 * This file: probe, suspend and resume, registration. The transaction is in
 * tpmix_door.c and, by the standard's registers, in tpmix_fifo.c.
 * Not used: the standard's interrupts, localities 1 to 4, the CRB interface's buffer.
 */
#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/pnp.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "tpmix_driver.h"

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

static const char * const tpmix_door_names[] = {
	[TPMIX_DOOR_AUTO] = "auto",
	[TPMIX_DOOR_WINDOW] = "window",
	[TPMIX_DOOR_INDEXED] = "indexed",
	[TPMIX_DOOR_FIFO] = "fifo",
};

static char *door = "auto";
module_param(door, charp, 0444);
MODULE_PARM_DESC(door, "Door to use: auto, window, indexed or fifo");

enum tpmix_layout {
	TPMIX_LAYOUT_TIS,	/* the indexed door is in the locality pages */
	TPMIX_LAYOUT_CRB,	/* it is in the extension pages, at TPMIX_EXT */
};

static const struct acpi_device_id tpmix_acpi_ids[] = {
	{ TPMIX_HID_TIS, TPMIX_LAYOUT_TIS },
	{ TPMIX_HID_CRB, TPMIX_LAYOUT_CRB },
	{ }
};
MODULE_DEVICE_TABLE(acpi, tpmix_acpi_ids);

static const struct of_device_id tpmix_of_ids[] = {
	{ .compatible = TPMIX_OF_TIS, .data = (void *)TPMIX_LAYOUT_TIS },
	{ .compatible = TPMIX_OF_CRB, .data = (void *)TPMIX_LAYOUT_CRB },
	{ }
};
MODULE_DEVICE_TABLE(of, tpmix_of_ids);

/* By driver_override a device of any name can come: then no extension. */
static enum tpmix_layout tpmix_layout(struct device *dev)
{
	const struct acpi_device_id *acpi = acpi_match_device(tpmix_acpi_ids, dev);
	const struct of_device_id *of = of_match_node(tpmix_of_ids, dev->of_node);

	if (acpi)
		return acpi->driver_data;
	return of ? (uintptr_t)of->data : TPMIX_LAYOUT_TIS;
}

static void __iomem *tpmix_map_page(struct tpmix_dev *ix, u64 addr)
{
	int rc = tpmix_request_region(ix, addr, TPMIX_LOCALITY_SIZE);
	void __iomem *page;

	if (rc)
		return IOMEM_ERR_PTR(rc);
	page = devm_ioremap(ix->dev, addr, TPMIX_LOCALITY_SIZE);
	return page ?: IOMEM_ERR_PTR(-ENOMEM);
}

/* Parts are found by their addresses, in as many resources as there may be. */
static int tpmix_map_pages(struct tpmix_dev *ix)
{
	struct resource *res = tpmix_resource(ix->dev, 0);

	if (!res)
		return -ENODEV;
	ix->regs = tpmix_map_page(ix, res->start);
	if (IS_ERR(ix->regs))
		return PTR_ERR(ix->regs);
	ix->ext = ix->regs;
	if (tpmix_layout(ix->dev) == TPMIX_LAYOUT_CRB) {
		ix->ext = tpmix_map_page(ix, res->start + TPMIX_EXT);
		if (IS_ERR(ix->ext))
			return PTR_ERR(ix->ext);
	}
	return 0;
}

/* The best door that the parameter allows and the device has. */
static int tpmix_choose_door(struct tpmix_dev *ix)
{
	int want = match_string(tpmix_door_names, ARRAY_SIZE(tpmix_door_names), door);
	int rc = -ENODEV;

	if (want != TPMIX_DOOR_FIFO)
		rc = tpmix_discover(ix);
	if (rc) {
		ix->door = TPMIX_DOOR_FIFO;
		if (want != TPMIX_DOOR_FIFO && want != TPMIX_DOOR_AUTO) {
			dev_err(ix->dev, "no indexed door\n");
			return rc;
		}
		if (ix->crb) {
			dev_err(ix->dev, "no FIFO: the active interface is CRB, leave it to tpm_crb\n");
			return -ENODEV;
		}
		return 0;
	}

	ix->door = TPMIX_DOOR_INDEXED;
	ix->way = &tpmix_trapped;
	if (want == TPMIX_DOOR_INDEXED)
		return 0;
	rc = tpmix_map_windows(ix);
	if (!rc) {
		ix->door = TPMIX_DOOR_WINDOW;
		return 0;
	}
	if (want == TPMIX_DOOR_WINDOW) {
		dev_err(ix->dev, "no windows in RAM: %d\n", rc);
		return rc;
	}
	if (ix->ram.size)
		dev_warn(ix->dev, "windows in RAM not used: %d\n", rc);
	return 0;
}

/*
 * With locality 0, at probe and after a TPM_INIT. The windows are used once they
 * have shown what the registers say.
 */
static int tpmix_start_door(struct tpmix_dev *ix)
{
	int rc;

	tpmix_interrupts_off(ix);
	if (ix->door == TPMIX_DOOR_FIFO)
		return tpmix_fifo_settle(ix->chip);
	rc = tpmix_indexed_settle(ix->chip);
	if (rc || ix->door != TPMIX_DOOR_WINDOW)
		return rc;
	if (tpmix_windows_work(ix)) {
		WRITE_ONCE(ix->way, &tpmix_window);
		return 0;
	}
	dev_warn(ix->dev, "windows in RAM do not show the registers, not used\n");
	ix->door = TPMIX_DOOR_INDEXED;
	return 0;
}

static int tpmix_start_chip(struct tpmix_dev *ix, bool resume)
{
	int rc = tpm_chip_start(ix->chip);

	if (rc)
		return rc;
	rc = tpmix_start_door(ix);
	/* TPM 1.2 wants a self-test; as in tpm_tis its result is the core's. */
	if (!rc && resume && !ix->tpm2)
		tpm1_do_selftest(ix->chip);
	tpm_chip_stop(ix->chip);
	return rc;
}

static int tpmix_vmfork(struct notifier_block *nb, unsigned long event, void *data)
{
	struct tpmix_dev *ix = container_of(nb, struct tpmix_dev, vmfork);

	WRITE_ONCE(ix->generation, ix->generation + 1);
	return NOTIFY_DONE;
}

/* Without CONFIG_VMGENID nobody calls it: see README.md, "Limits". */
static int tpmix_register(struct tpmix_dev *ix)
{
	int rc;

	ix->vmfork.notifier_call = tpmix_vmfork;
	rc = register_random_vmfork_notifier(&ix->vmfork);
	if (rc)
		return rc;
	rc = tpm_chip_register(ix->chip);
	if (rc)
		unregister_random_vmfork_notifier(&ix->vmfork);
	else
		tpmix_hold_begin(ix);
	return rc;
}

static void tpmix_announce(struct tpmix_dev *ix)
{
	const char *family = ix->tpm2 ? "2.0" : "1.2";

	if (ix->door == TPMIX_DOOR_FIFO)
		dev_info(ix->dev, "standard FIFO interface, TPM %s\n", family);
	else
		dev_info(ix->dev, "replay-safe TPM interface %u.%u, %u-byte buffer, %s, TPM %s\n",
			 TPMIX_VERSION_MAJOR(ix->version), ix->version & 0xFFFF,
			 ix->bufsize,
			 ix->door == TPMIX_DOOR_WINDOW ? "in RAM" : "trapped",
			 family);
}

static int tpmix_probe(struct device *dev)
{
	struct tpm_chip *chip;
	struct tpmix_dev *ix;
	int rc;

	if (tpmix_taken(dev))
		return -EBUSY;
	ix = devm_kzalloc(dev, sizeof(*ix), GFP_KERNEL);
	if (!ix)
		return -ENOMEM;
	ix->dev = dev;
	rc = tpmix_map_pages(ix);
	if (rc)
		return rc;
	rc = tpmix_interface(ix);
	if (rc)
		return rc;
	rc = tpmix_choose_door(ix);
	if (rc)
		return rc;

	chip = tpmm_chip_alloc(dev, ix->door == TPMIX_DOOR_FIFO ?
				    &tpmix_fifo_ops : &tpmix_indexed_ops);
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	ix->chip = chip;
	dev_set_drvdata(&chip->dev, ix);
	chip->acpi_dev_handle = ACPI_HANDLE(dev);
	/* As the registers say: asking the TPM takes a command, which may fail. */
	if (ix->tpm2)
		chip->flags |= TPM_CHIP_FLAG_TPM2;
	chip->timeout_a = msecs_to_jiffies(TPMIX_TIMEOUT_A_MS);
	chip->timeout_b = msecs_to_jiffies(TPMIX_TIMEOUT_B_MS);
	chip->timeout_c = msecs_to_jiffies(TPMIX_TIMEOUT_C_MS);
	chip->timeout_d = msecs_to_jiffies(TPMIX_TIMEOUT_D_MS);

	tpmix_locality_init(ix);
	tpmix_wait_init(ix);
	if (ix->door != TPMIX_DOOR_FIFO) {
		chip->flags |= TPMIX_CHIP_FLAGS;
		tpmix_request_irq(ix);
	}
	rc = tpmix_start_chip(ix, false);
	if (rc)
		return rc;
	rc = tpmix_register(ix);
	if (!rc)
		tpmix_announce(ix);
	return rc;
}

/*
 * The locality is not kept any more before the chip begins to go away, as that is
 * without the mutex: see tpmix_driver.h.
 */
static void tpmix_remove(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	tpmix_hold_end(ix);
	unregister_random_vmfork_notifier(&ix->vmfork);
	tpm_chip_unregister(chip);
}

/*
 * After tpm_class_shutdown(), as the chip's device is the child of this one. The
 * kernel that follows by kexec is not to find the locality taken.
 */
static void tpmix_shutdown(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);

	tpmix_hold_end(dev_get_drvdata(&chip->dev));
}

static int tpmix_suspend(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	int rc;

	rc = tpm_pm_suspend(dev);
	if (!rc)
		tpmix_hold_end(dev_get_drvdata(&chip->dev));
	return rc;
}

/*
 * Firmware has used the TPM, or, after hibernation, it is another one: it may have
 * another buffer, and PTP's InterfaceSelector may have come into effect.
 */
static int tpmix_rediscover(struct tpmix_dev *ix)
{
	const struct tpmix_windows old = ix->ram;
	int rc;

	rc = tpmix_interface(ix);
	if (rc)
		return rc;
	if (ix->door == TPMIX_DOOR_FIFO)
		return ix->crb ? -ENODEV : 0;
	rc = tpmix_discover(ix);
	if (rc)
		return rc;
	if (!ix->edge)
		ix->irq = 0;
	WRITE_ONCE(ix->way, &tpmix_trapped);
	if (ix->door == TPMIX_DOOR_WINDOW &&
	    (ix->ram.size != old.size || ix->ram.cmd != old.cmd ||
	     ix->ram.rsp != old.rsp || ix->ram.header != old.header)) {
		dev_warn(ix->dev, "windows in RAM have moved, not used\n");
		ix->door = TPMIX_DOOR_INDEXED;
	}
	return 0;
}

static int tpmix_resume(struct device *dev)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);
	int rc;

	tpmix_lock(ix);
	rc = tpmix_rediscover(ix);
	if (!rc)
		rc = tpmix_start_chip(ix, true);
	tpmix_unlock(ix);
	if (rc)
		return rc;
	rc = tpm_pm_resume(dev);
	tpmix_hold_begin(ix);
	return rc;
}

static DEFINE_SIMPLE_DEV_PM_OPS(tpmix_pm, tpmix_suspend, tpmix_resume);

static ssize_t door_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct tpm_chip *chip = dev_get_drvdata(dev);
	struct tpmix_dev *ix = dev_get_drvdata(&chip->dev);

	return sysfs_emit(buf, "%s\n", tpmix_door_names[ix->door]);
}
static DEVICE_ATTR_RO(door);

static struct attribute *tpmix_attrs[] = {
	&dev_attr_door.attr,
	NULL
};
ATTRIBUTE_GROUPS(tpmix);

static int tpmix_platform_probe(struct platform_device *pdev)
{
	return tpmix_probe(&pdev->dev);
}

#ifdef TPMIX_REMOVE_INT
static int tpmix_platform_remove(struct platform_device *pdev)
{
	tpmix_remove(&pdev->dev);
	return 0;
}
#else
static void tpmix_platform_remove(struct platform_device *pdev)
{
	tpmix_remove(&pdev->dev);
}
#endif

static void tpmix_platform_shutdown(struct platform_device *pdev)
{
	tpmix_shutdown(&pdev->dev);
}

/* Synchronous: init looks at once whether the probe took the device. */
static struct platform_driver tpmix_platform_driver = {
	.probe = tpmix_platform_probe,
	.remove = tpmix_platform_remove,
	.shutdown = tpmix_platform_shutdown,
	.driver = {
		.name = "tpmix",
		.acpi_match_table = tpmix_acpi_ids,
		.of_match_table = tpmix_of_ids,
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
	return tpmix_probe(&pnp->dev);
}

static void tpmix_pnp_remove(struct pnp_dev *pnp)
{
	tpmix_remove(&pnp->dev);
}

static void tpmix_pnp_shutdown(struct pnp_dev *pnp)
{
	tpmix_shutdown(&pnp->dev);
}

static struct pnp_driver tpmix_pnp_driver = {
	.name = "tpmix",
	.id_table = tpmix_pnp_ids,
	.probe = tpmix_pnp_probe,
	.remove = tpmix_pnp_remove,
	.shutdown = tpmix_pnp_shutdown,
	.driver = {
		.dev_groups = tpmix_groups,
		.pm = pm_sleep_ptr(&tpmix_pm),
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static int __init tpmix_register_drivers(void)
{
	int rc = platform_driver_register(&tpmix_platform_driver);

	if (rc || !IS_ENABLED(CONFIG_PNP))
		return rc;
	rc = pnp_register_driver(&tpmix_pnp_driver);
	if (rc)
		platform_driver_unregister(&tpmix_platform_driver);
	return rc;
}

static int __init tpmix_init(void)
{
	int rc;

	if (match_string(tpmix_door_names, ARRAY_SIZE(tpmix_door_names), door) < 0) {
		pr_err("tpmix: door is auto, window, indexed or fifo\n");
		return -EINVAL;
	}
	rc = tpmix_takeover();
	if (rc)
		return rc;
	/* Registering probes the device, if nobody has it. */
	rc = tpmix_register_drivers();
	/* Where our probe failed; no effect on a device that is bound. */
	tpmix_hand_back();
	if (rc)
		tpmix_forget();
	return rc;
}

static void __exit tpmix_exit(void)
{
	if (IS_ENABLED(CONFIG_PNP))
		pnp_unregister_driver(&tpmix_pnp_driver);
	platform_driver_unregister(&tpmix_platform_driver);
	tpmix_hand_back();
	tpmix_forget();
}

module_init(tpmix_init);
module_exit(tpmix_exit);
MODULE_DESCRIPTION("TPM driver with replay-safe indexed access");
MODULE_AUTHOR("The QEMU replay-safe TPM project");
MODULE_SOFTDEP("pre: crc-ccitt");
MODULE_LICENSE("GPL");
