// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the device over from the stock driver that has it, and handing it back.
 *
 * By its _CID, MSFT0101 or PNP0C31, the device is the stock drivers' too: tpm_tis and,
 * since Linux 7, tpm_crb_acpi are drivers of the platform or PNP device; tpm_crb, as it
 * was before, is a driver of the ACPI device itself. The TPM2 table's start method says
 * which of them it is for. In a device tree it is tpm_tis' by "tcg,tpm-tis-mmio".
 *
 * IMA keeps the TPM that it found at boot, by the stock driver, for ever: without that
 * driver it goes on listing what it measures, but extends no PCR. So the device is taken
 * only where somebody asks for it, and not from IMA unless forced.
 */
#include <linux/acpi.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/tpm.h>

#include "tpmix_driver.h"

#ifndef CONFIG_IMA_MEASURE_PCR_IDX
#define CONFIG_IMA_MEASURE_PCR_IDX 10
#endif

static char *takeover = "0";
module_param(takeover, charp, 0444);
MODULE_PARM_DESC(takeover, "Take the device from a stock driver, and hand it back on unload: 0, 1, or force, also from IMA");

enum tpmix_take {
	TPMIX_TAKE_NEVER,
	TPMIX_TAKE_UNUSED,	/* not where IMA has measured into the TPM */
	TPMIX_TAKE_ALWAYS,
};

/* With a reference, or NULL; the first also where a device tree has the device. */
static struct acpi_device *tpmix_adev;
static struct device *tpmix_phys; /* its platform or PNP device */

static bool tpmix_give;	/* tpmix_hand_back() is wanted */

static void find_acpi_device(const char *hid)
{
	struct acpi_device *adev;
	struct device *phys;

	adev = acpi_dev_get_first_match_dev(hid, NULL, -1);
	if (!adev)
		return;
	phys = get_device(acpi_get_first_physical_node(adev));
	if (!phys) {
		acpi_dev_put(adev);
		return;
	}
	tpmix_adev = adev;
	tpmix_phys = phys;
}

static void find_of_device(const char *compatible)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, compatible);
	struct platform_device *pdev = node ? of_find_device_by_node(node) : NULL;

	of_node_put(node);
	if (pdev)
		tpmix_phys = &pdev->dev;
}

static void find_device(void)
{
	find_acpi_device(TPMIX_HID_TIS);
	if (!tpmix_phys)
		find_acpi_device(TPMIX_HID_CRB);
	if (!tpmix_phys)
		find_of_device(TPMIX_OF_TIS);
	if (!tpmix_phys)
		find_of_device(TPMIX_OF_CRB);
}

/* The stock driver that has this device, or NULL. Requires its lock. */
static const char *stock_driver(struct device *dev)
{
	static const char * const names[] = { "tpm_tis", "tpm_crb_acpi", "tpm_crb" };
	int i;

	i = dev->driver ? match_string(names, ARRAY_SIZE(names), dev->driver->name) : -1;
	return i < 0 ? NULL : names[i];
}

/*
 * Whether IMA has measured into this TPM: its PCR is zero until then, and the first
 * measurement is made at boot. A TPM that does not answer is taken for one where it has.
 */
static bool ima_measures(struct tpm_chip *chip)
{
	struct tpm_digest pcr = {};

	if (!IS_ENABLED(CONFIG_IMA) || !chip)
		return false;
	if (chip->nr_allocated_banks)
		pcr.alg_id = chip->allocated_banks[0].alg_id;
	if (tpm_pcr_read(chip, CONFIG_IMA_MEASURE_PCR_IDX, &pcr))
		return true;
	return memchr_inv(pcr.digest, 0, sizeof(pcr.digest));
}

/* Takes the device from a stock driver, or says why not. */
static int take_over(struct device *dev, enum tpmix_take how)
{
	const char *stock;
	int rc = 0;

	device_lock(dev);
	stock = stock_driver(dev);
	if (stock && how == TPMIX_TAKE_NEVER) {
		dev_info(dev, "%s has this TPM and keeps it: load tpmix with takeover=1 to take it\n",
			 stock);
	} else if (stock && how == TPMIX_TAKE_UNUSED && ima_measures(dev_get_drvdata(dev))) {
		dev_err(dev, "%s keeps this TPM, as IMA measures into it and could not go on: leave it there, or load tpmix with takeover=force\n",
			stock);
		rc = -EBUSY;
	}
	device_unlock(dev);
	if (stock && !rc && how != TPMIX_TAKE_NEVER) {
		device_release_driver(dev);
		tpmix_give = true;
	}
	return rc;
}

static int wanted(enum tpmix_take *how)
{
	bool yes;

	*how = TPMIX_TAKE_ALWAYS;
	if (!strcmp(takeover, "force"))
		return 0;
	if (kstrtobool(takeover, &yes)) {
		pr_err("tpmix: takeover is 0, 1 or force\n");
		return -EINVAL;
	}
	*how = yes ? TPMIX_TAKE_UNUSED : TPMIX_TAKE_NEVER;
	return 0;
}

int tpmix_takeover(void)
{
	enum tpmix_take how;
	int rc;

	rc = wanted(&how);
	if (rc)
		return rc;
	find_device();
	if (!tpmix_phys)
		return 0;
	rc = take_over(tpmix_phys, how);
	/* Whether tpm_crb has it tpmix_taken() asks, and says. */
	if (!rc && tpmix_adev && how != TPMIX_TAKE_NEVER)
		rc = take_over(&tpmix_adev->dev, how);
	if (rc)
		tpmix_forget();
	return rc;
}

static bool bound(struct device *dev)
{
	bool ret;

	device_lock(dev);
	ret = dev->driver;
	device_unlock(dev);
	return ret;
}

/* Drivers are asked in the order of their registration: the stock ones first. */
void tpmix_hand_back(void)
{
	if (!tpmix_give || bound(tpmix_phys) ||
	    (tpmix_adev && bound(&tpmix_adev->dev)))
		return;
	/* tpm_tis declines what is for tpm_crb, and the other way round. */
	if (device_attach(tpmix_phys) > 0)
		return;
	if (!tpmix_adev || device_attach(&tpmix_adev->dev) < 0)
		dev_warn(tpmix_phys, "no driver took the device back\n");
}

void tpmix_forget(void)
{
	put_device(tpmix_phys);
	acpi_dev_put(tpmix_adev);
	tpmix_phys = NULL;
	tpmix_adev = NULL;
	tpmix_give = false;
}

bool tpmix_taken(struct device *dev)
{
	struct acpi_device *adev = ACPI_COMPANION(dev);

	if (!adev || !bound(&adev->dev))
		return false;
	take_over(&adev->dev, TPMIX_TAKE_NEVER);
	return true;
}
