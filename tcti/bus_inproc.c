/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM device in this process: a host of the engine, with libtpms behind it in a
 * thread of its own, as QEMU's device has its backend.
 */
#include "bus.h"
#include "tpm.h"
#include "tpmix.h"

#define CAPACITY 16384u

struct inproc {
	struct tpmix_bus bus;
	struct tpmix_tpm *tpm;
	GThread *thread;

	GMutex lock;            /* protects all below */
	GCond job_given;
	GCond changed;          /* a command completed */
	struct tpmix engine;
	struct {
		const uint8_t *cmd;
		uint32_t len;
		uint32_t ticket;
		unsigned int locality;
		bool given;
	} job;
	bool stop;
	/* The engine's buffers; what a guest would map is reached by registers. */
	uint8_t cmd[CAPACITY];
	uint8_t run[CAPACITY];
	uint8_t rsp[CAPACITY];
	uint8_t ram_cmd[CAPACITY];
	uint8_t ram_rsp[CAPACITY];
	uint32_t ram_block[TPMIX_BLOCK_SIZE / 4];
};

static void inproc_start(void *opaque, uint32_t ticket, unsigned int locality,
			 const uint8_t *cmd, uint32_t len)
{
	struct inproc *p = opaque;

	p->job.cmd = cmd;
	p->job.len = len;
	p->job.ticket = ticket;
	p->job.locality = locality;
	p->job.given = true;
	g_cond_signal(&p->job_given);
}

static void inproc_cancel(void *opaque)
{
	tpmix_tpm_cancel(((struct inproc *)opaque)->tpm);
}

static void inproc_reset_established(void *opaque, unsigned int locality)
{
	(void)locality;
	tpmix_set_established(&((struct inproc *)opaque)->engine, false);
}

static void inproc_guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	g_debug("0x%05x: %s", addr, what);
}

static const struct tpmix_backend backend = {
	.start = inproc_start,
	.cancel = inproc_cancel,
	.reset_established = inproc_reset_established,
	.guest_error = inproc_guest_error,
};

static gpointer tpm_thread(gpointer opaque)
{
	struct inproc *p = opaque;
	uint32_t len;
	uint8_t *rsp;

	g_mutex_lock(&p->lock);
	for (;;) {
		while (!p->job.given && !p->stop)
			g_cond_wait(&p->job_given, &p->lock);
		if (!p->job.given)
			break;
		p->job.given = false;
		/* The engine leaves the command alone until it is completed. */
		g_mutex_unlock(&p->lock);
		rsp = tpmix_tpm_process(p->tpm, p->job.locality, p->job.cmd,
					p->job.len, &len);
		g_mutex_lock(&p->lock);
		tpmix_complete(&p->engine, p->job.ticket, rsp, rsp ? len : 0, true);
		g_cond_broadcast(&p->changed);
		g_free(rsp);
	}
	g_mutex_unlock(&p->lock);
	return NULL;
}

static uint64_t inproc_read(struct tpmix_bus *bus, uint32_t off,
			    unsigned int size)
{
	struct inproc *p = (struct inproc *)bus;
	uint64_t val;

	g_mutex_lock(&p->lock);
	val = tpmix_mmio_read(&p->engine, off, size);
	g_mutex_unlock(&p->lock);
	return val;
}

static void inproc_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			 unsigned int size)
{
	struct inproc *p = (struct inproc *)bus;

	g_mutex_lock(&p->lock);
	tpmix_write(&p->engine, off, val, size);
	g_mutex_unlock(&p->lock);
}

static void inproc_wait(struct tpmix_bus *bus, unsigned int us)
{
	struct inproc *p = (struct inproc *)bus;
	gint64 end = g_get_monotonic_time() + us;
	bool idle;

	g_mutex_lock(&p->lock);
	idle = tpmix_completed(&p->engine) == p->engine.s.accepted;
	while (tpmix_completed(&p->engine) != p->engine.s.accepted)
		if (!g_cond_wait_until(&p->changed, &p->lock, end))
			break;
	g_mutex_unlock(&p->lock);
	if (idle)
		g_usleep(us);
}

static void inproc_close(struct tpmix_bus *bus)
{
	struct inproc *p = (struct inproc *)bus;

	g_mutex_lock(&p->lock);
	p->stop = true;
	g_cond_signal(&p->job_given);
	/* A command that nobody waits for any more: its end is what we wait for. */
	if (tpmix_completed(&p->engine) != p->engine.s.accepted)
		tpmix_tpm_cancel(p->tpm);
	g_mutex_unlock(&p->lock);
	g_thread_join(p->thread);
	tpmix_tpm_close(p->tpm);
	g_cond_clear(&p->job_given);
	g_cond_clear(&p->changed);
	g_mutex_clear(&p->lock);
	g_free(p);
}

static const struct tpmix_bus_ops inproc_ops = {
	.read = inproc_read,
	.write = inproc_write,
	.wait = inproc_wait,
	.close = inproc_close,
};

static void init_engine(struct inproc *p, bool crb)
{
	const struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = p,
		.ram = {
			.cmd = p->ram_cmd,
			.rsp = p->ram_rsp,
			.block = p->ram_block,
		},
		.cmd = p->cmd,
		.run = p->run,
		.rsp = p->rsp,
		.base = TPMIX_BASE,
		.capacity = CAPACITY,
		.locality4 = true,
		.fifo = true,
		.crb = crb,
		.interface = crb ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	tpmix_init(&p->engine, &cfg);
	tpmix_reset(&p->engine, TPMIX_FAMILY_2_0, tpmix_tpm_bufsize(p->tpm));
}

struct tpmix_bus *tpmix_inproc_open(const char *state, bool crb, GError **error)
{
	struct tpmix_tpm *tpm = tpmix_tpm_open(state, error);
	struct inproc *p;

	if (!tpm)
		return NULL;
	p = g_new0(struct inproc, 1);
	p->bus.ops = &inproc_ops;
	p->bus.base = TPMIX_BASE;
	p->tpm = tpm;
	g_mutex_init(&p->lock);
	g_cond_init(&p->job_given);
	g_cond_init(&p->changed);
	init_engine(p, crb);
	p->thread = g_thread_new("tpmix-tpm", tpm_thread, p);
	return &p->bus;
}
