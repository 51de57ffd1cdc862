/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform bus of the guest's kernel: one device with its resources, the driver
 * that binds it, and what is undone when it lets go.
 */
#include "guest_kernel.h"
#include "machine.h"

static struct resource resources[] = {
	{ TPMIX_BASE, TPMIX_BASE + TPMIX_MMIO_SIZE - 1 },
	{ TPMIX_BASE + TPMIX_EXT, TPMIX_BASE + TPMIX_EXT + TPMIX_EXT_SIZE - 1 },
	{ TPMIX_BASE + TPMIX_RAM, TPMIX_BASE + TPMIX_SPACE_SIZE - 1 },
};
static struct resource whole = { TPMIX_BASE, TPMIX_BASE + TPMIX_SPACE_SIZE - 1 };

struct resource *platform_get_resource(struct platform_device *pdev,
				       unsigned int type, unsigned int n)
{
	(void)pdev;
	g_assert_cmpuint(type, ==, IORESOURCE_MEM);
	if (machine->setup.one_range)
		return n ? NULL : &whole;
	if (n && !machine->setup.crb)
		n++;
	return n < G_N_ELEMENTS(resources) ? &resources[n] : NULL;
}

const struct acpi_device_id *acpi_match_device(const struct acpi_device_id *ids,
					       const struct device *dev)
{
	if (dev->of_node)
		return NULL;
	while (ids->id[0] && strcmp(ids->id, machine->setup.crb ? TPMIX_HID_CRB :
				    TPMIX_HID_TIS))
		ids++;
	return ids->id[0] ? ids : NULL;
}

const struct of_device_id *of_match_node(const struct of_device_id *ids,
					 const struct device_node *node)
{
	while (node && ids->compatible && strcmp(ids->compatible, node->compatible))
		ids++;
	return node && ids->compatible ? ids : NULL;
}

int devm_add_action_or_reset(struct device *dev, void (*action)(void *), void *data)
{
	struct devres *r = g_new(struct devres, 1);

	*r = (struct devres) { dev->devres, action, data };
	dev->devres = r;
	return 0;
}

void *devm_kzalloc(struct device *dev, size_t size, int flags)
{
	void *p = guest_allocate(size);

	(void)flags;
	devm_add_action_or_reset(dev, guest_free, p);
	return p;
}

static void release_devres(struct device *dev)
{
	while (dev->devres) {
		struct devres *r = dev->devres;

		dev->devres = r->next;
		r->action(r->data);
		g_free(r);
	}
}

void *devm_ioremap(struct device *dev, u64 start, u64 size)
{
	(void)dev;
	(void)size;
	return (void *)(uintptr_t)start;
}

void *devm_ioremap_resource(struct device *dev, const struct resource *res)
{
	return devm_ioremap(dev, res->start, resource_size(res));
}

void *devm_request_mem_region(struct device *dev, u64 start, u64 size, const char *name)
{
	(void)start;
	(void)size;
	(void)name;
	return dev;
}

void *devm_memremap(struct device *dev, u64 start, size_t size, unsigned long flags)
{
	(void)dev;
	(void)size;
	(void)flags;
	return machine_ram(start);
}

int platform_get_irq_optional(struct platform_device *pdev, unsigned int n)
{
	(void)pdev;
	return machine->setup.irq && !n ? IRQ : -ENXIO;
}

static void free_irq(void *data)
{
	g_assert_true(data == g.handler_data);
	g.handler = NULL;
}

int devm_request_irq(struct device *dev, int irq, irqreturn_t (*handler)(int, void *),
		     unsigned long flags, const char *name, void *data)
{
	(void)flags;
	(void)name;
	g_assert_cmpint(irq, ==, IRQ);
	g.handler = handler;
	g.handler_data = data;
	return devm_add_action_or_reset(dev, free_irq, data);
}

int platform_driver_register(struct platform_driver *driver)
{
	g.driver = driver;
	g.device.dev.driver = &driver->driver;
	g.probe_rc = driver->probe(&g.device);
	if (g.probe_rc) {
		g.device.dev.driver = NULL;
		release_devres(&g.device.dev);
	}
	return 0;
}

void platform_driver_unregister(struct platform_driver *driver)
{
	if (g.device.dev.driver) {
		if (driver->remove)
			driver->remove(&g.device);
		release_devres(&g.device.dev);
		g.device.dev.driver = NULL;
	}
	g_assert_false(g.registered);
}

int register_random_vmfork_notifier(struct notifier_block *nb)
{
	g_assert_null(g.vmfork);
	g.vmfork = nb;
	return 0;
}

int unregister_random_vmfork_notifier(struct notifier_block *nb)
{
	g_assert_true(g.vmfork == nb);
	g.vmfork = NULL;
	return 0;
}

void guest_new_generation(void)
{
	if (g.vmfork)
		g.vmfork->notifier_call(g.vmfork, 0, NULL);
}
