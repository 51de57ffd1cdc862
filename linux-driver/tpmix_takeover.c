// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the device over from the stock driver that has it, and handing it back.
 *
 * By its _CID, MSFT0101 or PNP0C31, the device is the stock drivers' too: tpm_tis,
 * of the platform or PNP device, and tpm_crb, which is a driver of the ACPI device
 * itself. The TPM2 table's start method says which of the two it is for.
 */
#include <linux/acpi.h>
#include <linux/device.h>
#include <linux/string.h>

#include "tpmix_driver.h"

/* Both with a reference, or both NULL. */
static struct acpi_device *tpmix_adev;
static struct device *tpmix_phys; /* its platform or PNP device */

static bool tpmix_give;	/* tpmix_hand_back() is wanted */

static void find_device(const char *hid)
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

/* True if that driver had the device, and has let go of it. */
static bool release_stock(struct device *dev, const char *name)
{
	bool stock;

	device_lock(dev);
	stock = dev->driver && !strcmp(dev->driver->name, name);
	device_unlock(dev);
	if (stock)
		device_release_driver(dev);
	return stock;
}

void tpmix_takeover(bool takeover)
{
	find_device(TPMIX_HID_TIS);
	if (!tpmix_phys)
		find_device(TPMIX_HID_CRB);
	if (!tpmix_phys || !takeover)
		return;
	release_stock(tpmix_phys, "tpm_tis");
	release_stock(&tpmix_adev->dev, "tpm_crb");
	tpmix_give = true;
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
	if (!tpmix_give || bound(tpmix_phys) || bound(&tpmix_adev->dev))
		return;
	/* tpm_tis declines what is for tpm_crb, and the other way round. */
	if (device_attach(tpmix_phys) > 0)
		return;
	if (device_attach(&tpmix_adev->dev) < 0)
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

	return adev && bound(&adev->dev);
}
