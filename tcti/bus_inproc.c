/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM device in this process: a host of the engine, with libtpms behind it in a
 * thread, as QEMU's device has its backend. Each has its own registers, and so its own
 * locality, ticket and cancelling; the TPM is shared.
 */
#include "bus.h"
#include "tpm_share.h"
#include "tpmix.h"

#define CAPACITY 16384u

struct inproc {
	struct tpmix_bus bus;
	struct tpmix_share *share;

	/* Protected by the share's lock: */
	struct tpmix engine;
	struct tpmix_job job;
	uint32_t ticket;        /* of the job */
	bool canceled;          /* in this write */
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

	p->ticket = ticket;
	p->job.cmd = cmd;
	p->job.len = len;
	p->job.locality = locality;
	tpmix_share_give(p->share, &p->job);
}

static void inproc_cancel(void *opaque)
{
	struct inproc *p = opaque;

	p->canceled = true;
	tpmix_share_cancel(p->share, &p->job);
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

static void inproc_done(void *opaque, const uint8_t *rsp, uint32_t len)
{
	struct inproc *p = opaque;

	tpmix_complete(&p->engine, p->ticket, rsp, len, true);
}

/* A command that waits for another user's to end need not wait to be cancelled. */
static void end_canceled(struct inproc *p)
{
	static const uint8_t canceled[TPMIX_HEADER_SIZE] = {
		0x80, 0x01, 0, 0, 0, TPMIX_HEADER_SIZE, 0, 0, 0x09, 0x09,
	};

	p->canceled = false;
	if (tpmix_share_take_back(p->share, &p->job))
		inproc_done(p, canceled, sizeof(canceled));
}

static uint64_t inproc_read(struct tpmix_bus *bus, uint32_t off,
			    unsigned int size)
{
	struct inproc *p = (struct inproc *)bus;
	uint64_t val;

	tpmix_share_lock(p->share);
	val = tpmix_mmio_read(&p->engine, off, size);
	tpmix_share_unlock(p->share);
	return val;
}

static void inproc_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			 unsigned int size)
{
	struct inproc *p = (struct inproc *)bus;

	tpmix_share_lock(p->share);
	tpmix_write(&p->engine, off, val, size);
	if (p->canceled)
		end_canceled(p);
	tpmix_share_unlock(p->share);
}

static bool is_busy(const struct inproc *p)
{
	return tpmix_completed(&p->engine) != p->engine.s.accepted;
}

static void inproc_wait(struct tpmix_bus *bus, unsigned int us)
{
	struct inproc *p = (struct inproc *)bus;
	gint64 end = g_get_monotonic_time() + us;
	bool idle;

	tpmix_share_lock(p->share);
	idle = !is_busy(p);
	while (is_busy(p) && tpmix_share_wait_until(p->share, end))
		;
	tpmix_share_unlock(p->share);
	if (idle)
		g_usleep(us);
}

static void inproc_close(struct tpmix_bus *bus)
{
	struct inproc *p = (struct inproc *)bus;

	tpmix_share_lock(p->share);
	/* A command that nobody waits for any more: its end is what we wait for. */
	tpmix_share_end(p->share, &p->job);
	tpmix_share_unlock(p->share);
	tpmix_share_close(p->share);
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
	tpmix_reset(&p->engine, TPMIX_FAMILY_2_0, tpmix_share_bufsize(p->share));
}

struct tpmix_bus *tpmix_inproc_open(const char *state, bool crb,
				    unsigned int wait_s, GError **error)
{
	struct tpmix_share *share = tpmix_share_open(state, wait_s, error);
	struct inproc *p;

	if (!share)
		return NULL;
	p = g_new0(struct inproc, 1);
	p->bus.ops = &inproc_ops;
	p->bus.base = TPMIX_BASE;
	p->share = share;
	p->job.done = inproc_done;
	p->job.opaque = p;
	init_engine(p, crb);
	return &p->bus;
}
