/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel: its memory, which can be rolled back, what it logs, its locks,
 * its work and its time.
 */
#include "guest_kernel.h"

#include <stdarg.h>
#include <ucontext.h>

#include "machine.h"

struct guest_kernel g = { .kill_at_us = -1 };

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

void *guest_allocate(size_t size)
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

void guest_free(void *at)
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

void *guest_param(const char *name)
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
