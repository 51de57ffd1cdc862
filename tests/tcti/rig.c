/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <string.h>

static void complete(struct rig *r)
{
	static uint8_t rsp[RIG_CAPACITY];
	uint32_t len = rig_response(r, r->run, r->run_len, r->runs, rsp);

	g_assert_true(tpmix_complete(&r->engine, r->run_ticket, rsp, len, true));
}

static void rig_start(void *opaque, uint32_t ticket, unsigned int locality,
		      const uint8_t *cmd, uint32_t len)
{
	struct rig *r = opaque;

	(void)cmd;
	r->runs++;
	r->run_ticket = ticket;
	r->run_len = len;
	r->locality = locality;
	r->left = r->delay;
}

static void rig_cancel(void *opaque)
{
	struct rig *r = opaque;

	r->cancels++;
	r->hold = false;
	r->left = 1;
}

static void rig_reset_established(void *opaque, unsigned int locality)
{
	(void)opaque;
	(void)locality;
}

static void rig_guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	(void)what;
	(void)addr;
}

static const struct tpmix_backend backend = {
	.start = rig_start,
	.cancel = rig_cancel,
	.reset_established = rig_reset_established,
	.guest_error = rig_guest_error,
};

static void step(struct rig *r)
{
	bool busy = tpmix_completed(&r->engine) != r->engine.s.accepted;

	if (busy && !r->hold && (r->left == 0 || --r->left == 0))
		complete(r);
	g_assert_true(tpmix_valid(&r->engine));
}

static bool damaged_now(struct rig *r)
{
	bool now = ++r->accesses == r->damage;

	r->damaged |= now;
	return now;
}

static uint64_t rig_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	struct rig *r = (struct rig *)bus;
	bool bad = damaged_now(r);
	uint64_t val;

	step(r);
	val = tpmix_mmio_read(&r->engine, off, size);
	/* A read that is dropped brings the register's old contents: anything. */
	if (bad)
		val = r->how == RIG_FLIP ? val ^ 0x10 : 0x5A5A5A5A5A5A5A5A;
	return val;
}

static void rig_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
		      unsigned int size)
{
	struct rig *r = (struct rig *)bus;
	bool bad = damaged_now(r);

	step(r);
	if (bad && r->how == RIG_DROP)
		return;
	tpmix_write(&r->engine, off, bad ? val ^ 0x10 : val, size);
}

static void rig_wait(struct tpmix_bus *bus, unsigned int us)
{
	(void)us;
	step((struct rig *)bus);
}

static void rig_close(struct tpmix_bus *bus)
{
	(void)bus; /* the test's own */
}

static const struct tpmix_bus_ops rig_ops = {
	.read = rig_read,
	.write = rig_write,
	.wait = rig_wait,
	.close = rig_close,
};

void rig_init(struct rig *r, bool crb)
{
	const struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = r,
		.ram = { .cmd = r->ram_cmd, .rsp = r->ram_rsp,
			 .block = r->ram_block },
		.cmd = r->cmd,
		.run = r->run,
		.rsp = r->rsp,
		.base = TPMIX_BASE,
		.capacity = RIG_CAPACITY,
		.locality4 = true,
		.fifo = !crb,
		.crb = crb,
		.interface = crb ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	memset(r, 0, sizeof(*r));
	r->bus.ops = &rig_ops;
	r->bus.base = TPMIX_BASE;
	r->rsp_len = 62;
	tpmix_init(&r->engine, &cfg);
	tpmix_reset(&r->engine, TPMIX_FAMILY_2_0, RIG_CAPACITY);
}

static void header(uint8_t *to, uint32_t len)
{
	const uint8_t head[6] = { 0x80, 0x01, 0, 0, (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(to, head, sizeof(head));
}

void rig_command(uint8_t *cmd, uint32_t len, uint8_t fill)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		cmd[i] = (uint8_t)(i * 7 + fill);
	header(cmd, len);
}

uint32_t rig_response(const struct rig *r, const uint8_t *cmd, uint32_t len,
		      unsigned int nth, uint8_t *rsp)
{
	uint32_t i;

	for (i = 0; i < r->rsp_len; i++)
		rsp[i] = (uint8_t)(i * 3 + nth + tpmix_crc16(cmd, len));
	header(rsp, r->rsp_len);
	return r->rsp_len;
}

void rig_add_test(const char *group, const char *name,
		  const struct rig_shape *shape, void (*test)(gconstpointer))
{
	g_autofree char *path = g_strdup_printf("%s/%s/%s%s-%u", group, name,
		tpmix_door_name(shape->kind), shape->crb ? "-on-crb" : "",
		shape->locality);

	g_test_add_data_func(path, shape, test);
}
