/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, work, devices and the TPM core of the guest's kernel. The core's steps and
 * what it holds in each are those of drivers/char/tpm/tpm-interface.c and tpm-chip.c,
 * Linux 6.12; its own commands are numbers above 128.
 */
#include "guest.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <ucontext.h>

#include "machine.h"
#include "tpmix_driver.h"

#undef memcpy

enum { ASK_FAMILY = 200, SELF_TEST, SHUTDOWN };

static struct {
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
} g = { .kill_at_us = -1 };

int guest_rc;
uint32_t guest_cmd_len = 27, guest_room = 4096;
int (*shim_module_init)(void);
void (*shim_module_exit)(void);

/* snapshots: what is allocated, @g, and the stack that a transaction runs on */

#define STACK_SIZE 0x20000u

static struct { void *at; size_t size; void *saved; } objects[8];

static struct {
	uint8_t stack[STACK_SIZE], saved_stack[STACK_SIZE];
	ucontext_t host, guest, saved_guest;
	enum { RUN, SNAPSHOT, ROLL_BACK, DONE } wish;
	bool saved, came_back;
	void (*what)(void *data);
	void *data;
} run;

static void *allocate(size_t size)
{
	unsigned int i;

	for (i = 0; objects[i].at; i++)
		;
	g_assert_cmpuint(i, <, G_N_ELEMENTS(objects) - 1);
	objects[i].size = size;
	objects[i].at = g_malloc0(size);
	objects[i].saved = g_malloc0(size);
	return objects[i].at;
}

static void free_object(void *at)
{
	unsigned int i;

	for (i = 0; objects[i].at != at; i++)
		g_assert_cmpuint(i, <, G_N_ELEMENTS(objects) - 1);
	g_free(objects[i].at);
	g_free(objects[i].saved);
	objects[i].at = NULL;
}

static void to_host(int wish)
{
	run.wish = wish;
	swapcontext(&run.guest, &run.host);
}

bool guest_snapshot(void)
{
	to_host(SNAPSHOT);
	return run.came_back;
}

void guest_roll_back(void)
{
	to_host(ROLL_BACK);
}

static void run_guest(void)
{
	run.what(run.data);
	to_host(run.saved && !run.came_back ? ROLL_BACK : DONE);
}

static void save_or_restore(bool save);

void guest_run(void (*what)(void *data), void *data)
{
	run.what = what;
	run.data = data;
	run.saved = run.came_back = false;
	getcontext(&run.guest);
	run.guest.uc_stack.ss_sp = run.stack;
	run.guest.uc_stack.ss_size = STACK_SIZE;
	makecontext(&run.guest, run_guest, 0);
	do {
		run.wish = RUN;
		swapcontext(&run.host, &run.guest);
		if (run.wish == SNAPSHOT) {
			run.saved = true;
			save_or_restore(true);
		} else if (run.wish == ROLL_BACK) {
			run.came_back = true;
			save_or_restore(false);
		}
	} while (run.wish != DONE);
}

/* parameters */

static struct { const char *name; void *at; } params[8];

void shim_param(const char *name, void *at)
{
	unsigned int i;

	for (i = 0; params[i].name; i++)
		;
	g_assert_cmpuint(i, <, G_N_ELEMENTS(params) - 1);
	params[i].name = name;
	params[i].at = at;
}

static void *param(const char *name)
{
	unsigned int i;

	for (i = 0; params[i].name; i++)
		if (!strcmp(params[i].name, name))
			return params[i].at;
	g_error("the driver has no parameter %s", name);
}

static void copy(void *live, void *saved, size_t size, bool save)
{
	memcpy(save ? saved : live, save ? live : saved, size);
}

static void save_or_restore(bool save)
{
	static typeof(g) saved_g;
	unsigned int i;

	copy(&g, &saved_g, sizeof(g), save);
	copy(run.stack, run.saved_stack, STACK_SIZE, save);
	/* Its pointer to the state of the FPU is to itself, so only in place. */
	copy(&run.guest, &run.saved_guest, sizeof(run.guest), save);
	for (i = 0; i < G_N_ELEMENTS(objects); i++)
		if (objects[i].at)
			copy(objects[i].at, objects[i].saved, objects[i].size, save);
}

/* logging and tracing */

void shim_log(const char *level, const char *format, ...)
{
	va_list args;

	if (!g.log)
		return;
	g_string_append_printf(g.log, "%s: ", level);
	va_start(args, format);
	g_string_append_vprintf(g.log, format, args);
	va_end(args);
}

const char *guest_logged(const char *text)
{
	return g.log ? strstr(g.log->str, text) : NULL;
}

void shim_trace(const char *name)
{
	unsigned int n = guest_traced(name) + 1;

	if (g.traced)
		g_hash_table_insert(g.traced, (void *)name, GUINT_TO_POINTER(n));
}

unsigned int guest_traced(const char *name)
{
	return g.traced ? GPOINTER_TO_UINT(g_hash_table_lookup(g.traced, name)) : 0;
}

/* locks: with one thread each is free or held by it, or by the work */

static bool is_work_lock(const struct lock *l)
{
	unsigned int i;

	for (i = 0; i < g.work_locks; i++)
		if (g.work_has[i] == l)
			return true;
	return false;
}

void shim_lock(struct lock *l)
{
	if (g.in_work) {
		/* It waits until the one who holds it is done: tried again then. */
		if (l->held)
			longjmp(g.blocked, 1);
		g.work_has[g.work_locks++] = l;
	}
	g_assert_cmpint(l->held, ==, 0);
	l->held = 1;
}

void shim_unlock(struct lock *l)
{
	g_assert_cmpint(l->held, ==, 1);
	l->held = 0;
	if (g.in_work) {
		g_assert_true(is_work_lock(l));
		g.work_locks--;
	}
}

void shim_assert_held(const struct lock *l)
{
	g_assert_cmpint(l->held, ==, 1);
}

bool schedule_work(struct work_struct *w)
{
	if (w->pending)
		return false;
	g.work = w;
	w->pending = true;
	return true;
}

static void run_work(void)
{
	struct work_struct *w = g.work;

	g.in_work = true;
	g.work_locks = 0;
	w->pending = false;
	g.work = NULL;
	if (setjmp(g.blocked)) {
		while (g.work_locks)
			g.work_has[--g.work_locks]->held = 0;
		w->pending = true;
		g.work = w;
	} else {
		w->func(w);
	}
	g.in_work = false;
}

bool cancel_work_sync(struct work_struct *w)
{
	bool pending = w->pending;

	/* It may be running, and waits for what its caller holds. */
	g_assert_false(g.chip && (g.chip->ops_sem.held || g.chip->tpm_mutex.held));
	w->pending = false;
	g.work = NULL;
	return pending;
}

/* time */

/* In the middle of whatever the CPU does, but for the interrupt itself. */
static void interrupt(void)
{
	g.in_irq = true;
	g.interrupts++;
	g_assert_cmpint(g.handler(IRQ, g.handler_data), ==, IRQ_HANDLED);
	g.in_irq = false;
}

void guest_time_passes(int64_t us)
{
	g.now_us += us;
	machine_time(g.now_us);
	if (g.in_irq)
		return;
	if (g.handler && machine_take_edge())
		interrupt();
	if (g.work && !g.in_work)
		run_work();
}

unsigned int guest_interrupts(void)
{
	return g.interrupts;
}

unsigned int shim_cpus(void)
{
	return g.cpus;
}

int64_t guest_now_us(void)
{
	return g.now_us;
}

s64 shim_now_us(void)
{
	return g.now_us;
}

ktime_t shim_ktime(void)
{
	g.clock_reads++;
	return shim_now_us() * 1000;
}

unsigned int guest_clock_reads(void)
{
	return g.clock_reads;
}

void shim_wait_us(s64 us)
{
	guest_time_passes(us);
}

void shim_sleep_us(s64 us)
{
	g.sleeps++;
	shim_wait_us(us);
}

unsigned int guest_sleeps(void)
{
	return g.sleeps;
}

void guest_kill_in(int64_t us)
{
	g.kill_at_us = us < 0 ? -1 : g.now_us + us;
}

bool shim_fatal_signal(void)
{
	return g.kill_at_us >= 0 && g.now_us >= g.kill_at_us;
}

void guest_wants_cpu(bool wants)
{
	g.wants_cpu = wants;
}

bool shim_need_resched(void)
{
	return g.wants_cpu;
}

u16 crc_ccitt(u16 crc, const u8 *buf, size_t len)
{
	g_assert_cmpuint(crc, ==, 0);
	return tpmix_crc16(buf, (uint32_t)len);
}

/* devices */

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
	void *p = allocate(size);

	(void)flags;
	devm_add_action_or_reset(dev, free_object, p);
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

/* the TPM core */

static void free_chip(void *chip)
{
	g.chip = NULL;
	free_object(chip);
}

struct tpm_chip *tpmm_chip_alloc(struct device *dev, const struct tpm_class_ops *ops)
{
	g.chip = allocate(sizeof(struct tpm_chip));
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
	*(char **)param("door") = (char *)options->door;
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
