/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <glib.h>
#include <string.h>

#include "guest.h"

static struct machine the_machine;
struct machine *const machine = &the_machine;

/* Offset from TPMIX_BASE of a register; memory has its page's. */
#define RAM(off)        ((off) >= TPMIX_RAM)

enum { HEADER = 10 };

uint32_t machine_command(uint32_t serial, uint8_t *cmd, uint32_t len)
{
	const uint8_t head[] = { 0x80, 0x01, 0, 0, (uint8_t)(len >> 8), (uint8_t)len,
				 0x00, 0x00, 0x01, 0x36, /* NV_Increment's code */
				 (uint8_t)serial };
	uint32_t i;

	for (i = 0; i < len; i++)
		cmd[i] = i < sizeof(head) ? head[i] : (uint8_t)(i * 7 + serial * 13);
	return len;
}

uint32_t machine_response(uint32_t serial, uint32_t nth, uint8_t *rsp)
{
	uint32_t i, len = machine->rsp_len;

	for (i = 0; i < len; i++)
		rsp[i] = (uint8_t)(i * 3 + nth * 101 + serial * 29);
	memcpy(rsp, "\x80\x01\0\0", 4);
	rsp[4] = (uint8_t)(len >> 8);
	rsp[5] = (uint8_t)len;
	return len;
}

bool machine_busy(void)
{
	return tpmix_completed(&machine->engine) != machine->engine.s.accepted;
}

void machine_complete(void)
{
	static uint8_t rsp[CAPACITY];
	uint32_t serial = machine->run[HEADER];
	uint32_t len = machine_response(serial, machine->runs[serial], rsp);

	g_assert_true(tpmix_complete(&machine->engine, machine->run_ticket, rsp, len,
				     true));
}

static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	(void)opaque;
	(void)locality;
	g_assert_cmpuint(len, >, HEADER);
	machine->runs[cmd[HEADER]]++;
	machine->run_ticket = ticket;
	machine->run_len = len;
	machine->left = machine->setup.takes_us ? FOREVER : machine->setup.takes;
	machine->ends_us = guest_now_us() + machine->setup.takes_us;
}

static void cancel(void *opaque)
{
	(void)opaque;
	machine->cancels++;
	if (machine->setup.cancels) {
		machine->left = 1;
		machine->ends_us = 0;
	}
}

static void reset_established(void *opaque, unsigned int locality)
{
	(void)opaque;
	(void)locality;
}

static void guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	(void)what;
	(void)addr;
}

static const struct tpmix_backend backend = {
	.start = start,
	.cancel = cancel,
	.reset_established = reset_established,
	.guest_error = guest_error,
};

void machine_init(const struct setup *setup)
{
	struct tpmix_config cfg = {
		.backend = &backend,
		.base = TPMIX_BASE,
		.capacity = CAPACITY,
		.fifo = !setup->crb,
		.crb = setup->crb,
		.interface = setup->crb ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO,
		.localities = TPMIX_NUM_LOCALITIES,
		.int_vector = setup->irq ? IRQ : 0,
	};

	memset(machine, 0, sizeof(*machine));
	cfg.cmd = machine->cmd;
	cfg.run = machine->run;
	cfg.rsp = machine->rsp;
	cfg.ram.cmd = machine->ram_cmd;
	cfg.ram.rsp = machine->ram_rsp;
	cfg.ram.block = machine->ram_page + TPMIX_BLOCK / 4;
	machine->setup = *setup;
	machine->rsp_len = 31;
	tpmix_init(&machine->engine, &cfg);
	tpmix_reset(&machine->engine, TPMIX_FAMILY_2_0, CAPACITY);
}

void machine_fault(const struct fault *fault)
{
	machine->fault = fault ? *fault : (struct fault) { .kind = FAULT_NONE };
	machine->hit = false;
	machine->due = 0;
	machine->accesses = 0;
	machine->trapped = 0;
}

bool machine_fault_over(void)
{
	return machine->hit && !machine->due;
}

/* Memory of the guest that the device shares, or NULL. */
static uint8_t *ram(uint32_t off, unsigned int size)
{
	if (off >= TPMIX_HEADER && off - TPMIX_HEADER + size <= 4096)
		return (uint8_t *)machine->ram_page + (off - TPMIX_HEADER);
	if (off >= TPMIX_RSP_WINDOW && off - TPMIX_RSP_WINDOW + size <= CAPACITY)
		return machine->ram_rsp + (off - TPMIX_RSP_WINDOW);
	if (off >= TPMIX_CMD_WINDOW && off - TPMIX_CMD_WINDOW + size <= CAPACITY)
		return machine->ram_cmd + (off - TPMIX_CMD_WINDOW);
	return NULL;
}

/* One access of the guest as the device sees it. */
static uint64_t device(bool write, uint32_t off, uint64_t val, unsigned int size)
{
	if (RAM(off)) {
		uint8_t *p = ram(off, size);

		g_assert_nonnull(p);
		if (!write)
			memcpy(&val, p, size);
		else if (off >= TPMIX_CMD_WINDOW && off < TPMIX_RSP_WINDOW)
			memcpy(p, &val, size);
		return val;
	}
	if (!write)
		return tpmix_mmio_read(&machine->engine, off, size);
	tpmix_write(&machine->engine, off, val, size);
	return 0;
}

/* What a locality asks for, by the interface that there is. */
static void ask(unsigned int locality, uint32_t access, uint32_t loc_ctrl)
{
	uint32_t page = locality << TPMIX_LOCALITY_SHIFT;

	if (machine->setup.crb)
		tpmix_write(&machine->engine, page | TPM_REG_LOC_CTRL, loc_ctrl, 4);
	else
		tpmix_write(&machine->engine, page | TPM_REG_ACCESS, access, 1);
}

static void request(unsigned int locality)
{
	ask(locality, TPM_ACCESS_REQUEST_USE, TPM_LOC_CTRL_REQUEST_ACCESS);
}

static void relinquish(unsigned int locality)
{
	ask(locality, TPM_ACCESS_ACTIVE_LOCALITY, TPM_LOC_CTRL_RELINQUISH);
}

static void ring_other(unsigned int locality, uint32_t serial)
{
	uint32_t block = locality << TPMIX_LOCALITY_SHIFT, i, len;
	uint8_t cmd[16];

	if (machine->setup.crb)
		block += TPMIX_EXT;
	len = machine_command(serial, cmd, sizeof(cmd));
	tpmix_write(&machine->engine, block | TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < len; i++)
		tpmix_write(&machine->engine, block | (TPMIX_WINDOW + i), cmd[i], 1);
	tpmix_write(&machine->engine, block | TPMIX_REG_CSUM_EXPECT, 0, 4);
	tpmix_write(&machine->engine, block | TPMIX_REG_DOORBELL,
		    machine->engine.s.accepted + 1, 4);
}

void machine_ask_in(int64_t us)
{
	machine->asks_us = guest_now_us() + us + 1;
}

void machine_time(int64_t now_us)
{
	if (machine->setup.takes_us && machine_busy() && now_us >= machine->ends_us)
		machine_complete();
	if (machine->asks_us && now_us >= machine->asks_us) {
		machine->asks_us = 0;
		request(1);
	}
}

bool machine_take_edge(void)
{
	bool edge = machine->engine.edges != machine->edges_taken;

	machine->edges_taken = machine->engine.edges;
	return edge;
}

void machine_other_command(unsigned int locality, uint32_t serial)
{
	request(locality);
	ring_other(locality, serial);
}

/* The guest goes on, and is then again what it is now. */
static void roll_back(void)
{
	uint32_t due = machine->accesses + machine->fault.delay;

	machine->due = guest_snapshot() ? 0 : due;
}

static void fault_begins(bool write, uint32_t off, uint64_t val, unsigned int size)
{
	struct machine *m = machine;

	m->hit = true;
	switch (m->fault.kind) {
	case FAULT_REPEATED_LATE:
	case FAULT_LATE:
		m->due = m->accesses + m->fault.delay;
		m->addr = off;
		m->val = val;
		/* A read that is repeated changes nothing, but where it does. */
		m->size = size | (write ? 0x100 : 0);
		break;
	case FAULT_CORRUPTED_TWICE:
		m->due = m->accesses + m->fault.delay;
		break;
	case FAULT_RELINQUISHED:
		relinquish(0);
		break;
	case FAULT_SEIZED:
	case FAULT_SEIZED_COMMAND:
		ask(1, TPM_ACCESS_SEIZE, TPM_LOC_CTRL_SEIZE);
		if (m->fault.kind == FAULT_SEIZED_COMMAND)
			ring_other(1, SERIALS - 1);
		if (m->fault.delay)
			m->due = m->accesses + m->fault.delay;
		else
			relinquish(1);
		break;
	case FAULT_ROLLED_BACK:
		roll_back();
		break;
	default:
		break;
	}
}

static void fault_ends(void)
{
	struct machine *m = machine;

	m->due = 0;
	switch (m->fault.kind) {
	case FAULT_REPEATED_LATE:
	case FAULT_LATE:
		device(m->size & 0x100, m->addr, m->val, m->size & 0xFF);
		break;
	case FAULT_SEIZED_COMMAND:
		if (machine_busy() && m->engine.s.running == 1)
			machine_complete();
		/* fall through */
	case FAULT_SEIZED:
		relinquish(1);
		break;
	case FAULT_ROLLED_BACK:
		guest_roll_back();
		break;
	default:
		break;
	}
}

/* What passes with every access beside it. */
static void step(void)
{
	if (machine_busy() && machine->left != FOREVER &&
	    (machine->left == 0 || --machine->left == 0))
		machine_complete();
	guest_time_passes(1);
	g_assert_true(tpmix_valid(&machine->engine));
}

static uint64_t bits(unsigned int size)
{
	return size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

static uint64_t corrupted(bool write, uint32_t off, uint64_t val, unsigned int size,
			  uint64_t mask)
{
	mask &= bits(size);
	return write ? device(write, off, val ^ mask, size) :
		       device(write, off, val, size) ^ mask;
}

static uint64_t access_device(bool write, uint32_t off, uint64_t val,
			      unsigned int size)
{
	struct machine *m = machine;
	bool now = ++m->accesses == m->fault.at && m->fault.kind;
	bool again = m->accesses == m->due && m->fault.kind == FAULT_CORRUPTED_TWICE;

	m->trapped += !RAM(off);
	if (m->due && m->accesses >= m->due)
		fault_ends();
	step();
	if (now)
		fault_begins(write, off, val, size);
	if (again)
		return corrupted(write, off, val, size,
				 m->fault.mask << 1 | m->fault.mask >> 63);
	if (!now)
		return device(write, off, val, size);

	switch (m->fault.kind) {
	case FAULT_REPEATED:
		device(write, off, val, size);
		break;
	case FAULT_LATE:
		if (write)
			return 0;
		break;
	case FAULT_LOST:
		return write ? 0 : m->fault.mask & bits(size);
	case FAULT_CORRUPTED:
	case FAULT_CORRUPTED_TWICE:
		return corrupted(write, off, val, size, m->fault.mask);
	default:
		break;
	}
	return device(write, off, val, size);
}

/* The kernel's accessors, shim/shim.h. */

uint64_t shim_readl(uintptr_t addr, unsigned int size)
{
	return access_device(false, (uint32_t)(addr - TPMIX_BASE), 0, size);
}

void shim_writel(uint64_t val, uintptr_t addr, unsigned int size)
{
	access_device(true, (uint32_t)(addr - TPMIX_BASE), val, size);
}

/* Offset of what @p points to in the device's memory; 0: elsewhere. */
static uint32_t ram_offset(const volatile void *p)
{
	uintptr_t at = (uintptr_t)p;

	if (at - (uintptr_t)machine->ram_page < sizeof(machine->ram_page))
		return TPMIX_HEADER + (uint32_t)(at - (uintptr_t)machine->ram_page);
	if (at - (uintptr_t)machine->ram_cmd < CAPACITY)
		return TPMIX_CMD_WINDOW + (uint32_t)(at - (uintptr_t)machine->ram_cmd);
	if (at - (uintptr_t)machine->ram_rsp < CAPACITY)
		return TPMIX_RSP_WINDOW + (uint32_t)(at - (uintptr_t)machine->ram_rsp);
	return 0;
}

uint64_t shim_load(const volatile void *p, unsigned int size)
{
	uint32_t off = ram_offset(p);
	uint64_t val = 0;

	if (off)
		return access_device(false, off, 0, size);
	memcpy(&val, (const void *)p, size);
	return val;
}

void *shim_memcpy(void *to, const void *from, size_t n)
{
	uint32_t to_ram = ram_offset(to), from_ram = ram_offset(from), at, step;
	uint64_t val;

	if (!to_ram && !from_ram)
		return memcpy(to, from, n);
	for (at = 0; at < n; at += step) {
		step = n - at < 8 ? 1 : 8;
		val = 0;
		if (from_ram)
			val = access_device(false, from_ram + at, 0, step);
		else
			memcpy(&val, (const uint8_t *)from + at, step);
		if (to_ram)
			access_device(true, to_ram + at, val, step);
		else
			memcpy((uint8_t *)to + at, &val, step);
	}
	return to;
}

void *machine_ram(uint64_t addr)
{
	return ram((uint32_t)(addr - TPMIX_BASE), 1);
}
