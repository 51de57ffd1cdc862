/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the guest's kernel share: guest.c, guest_bus.c, guest_core.c.
 * Tests see guest.h only, and the driver shim/shim.h.
 */
#ifndef GUEST_KERNEL_H
#define GUEST_KERNEL_H

#include "guest.h"

#include <glib.h>
#include <setjmp.h>

#include "tpmix_driver.h"

#undef memcpy

/* Rolled back with the memory. */
struct guest_kernel {
	int64_t now_us, kill_at_us;
	unsigned int clock_reads, sleeps;
	bool wants_cpu;
	unsigned int cpus;
	/* the interrupt */
	irqreturn_t (*handler)(int irq, void *data);
	void *handler_data;
	bool in_irq;
	unsigned int interrupts;
	/* work: one is enough */
	struct work_struct *work;
	bool in_work;
	jmp_buf blocked;
	struct lock *work_has[4];
	unsigned int work_locks;
	/* devices */
	struct platform_driver *driver;
	struct platform_device device;
	struct device_node node;
	int probe_rc;
	struct tpm_chip *chip;
	bool registered;
	struct notifier_block *vmfork;
	GString *log;
	GHashTable *traced;
};
extern struct guest_kernel g;

/* Memory that is rolled back. */
void *guest_allocate(size_t size);
void guest_free(void *at);

/* Where a parameter of the driver's module is. */
void *guest_param(const char *name);

#endif /* GUEST_KERNEL_H */
