/* SPDX-License-Identifier: BSD-2-Clause */
/* See rig.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

uint8_t *rig_response(const uint8_t *cmd, uint32_t len, uint32_t bufsize,
		      unsigned int kind, uint32_t *rsp_len)
{
	static uint8_t rsp[PAGE_BUFFER + 16];
	const uint16_t crc = page_crc(cmd, len);
	uint32_t size = 10 + crc % 50, i;

	if (crc % 8 == 0) {
		size = 10 + crc % (bufsize - 9);
	}
	if (kind == 2) {
		size = bufsize + 1;
	} else if (kind == 3) {
		size = 9;
	}
	for (i = 0; i < size; i++) {
		rsp[i] = (uint8_t)(crc + i * (1 + (crc >> 8)));
	}
	rsp[0] = 0x80;
	rsp[1] = 0x01;
	rsp[2] = 0;
	rsp[3] = (uint8_t)(size >> 16);
	rsp[4] = (uint8_t)(size >> 8);
	rsp[5] = (uint8_t)size;
	*rsp_len = kind == 1 ? size + 1 : size;
	return kind == 4 ? NULL : rsp;
}

/* ---- the machine ---- */

static void on_start(void *opaque, uint32_t ticket, unsigned int locality,
		     const uint8_t *cmd, uint32_t len)
{
	struct machine *m = opaque;

	m->starts++;
	m->digest = m->digest * 31 + page_crc(cmd, len) + ticket * 7 + locality;
	memcpy(m->command, cmd, len);
	m->command_len = len;
	m->ticket = ticket;
	if (m->fast) {
		g_assert_true(machine_complete(m, 0));
	}
}

static void on_cancel(void *opaque)
{
	((struct machine *)opaque)->cancels++;
}

static void on_reset_established(void *opaque, unsigned int locality)
{
	struct machine *m = opaque;

	g_assert_cmpuint(locality, >=, 3);
	m->resets_of_established++;
	tpmix_set_established(&m->e, false);
}

static void on_guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)addr;
	g_assert_nonnull(what);
	((struct machine *)opaque)->guest_errors++;
}

static void on_changed(void *opaque, uint32_t addr, uint32_t len)
{
	struct machine *m = opaque;

	if (addr >= 0x10000 && addr < 0x20000) {
		memcpy(m->migrated + addr - 0x10000, m->ram_cmd + addr - 0x10000, len);
	}
}

static const struct tpmix_backend backend = {
	.start = on_start,
	.cancel = on_cancel,
	.reset_established = on_reset_established,
	.guest_error = on_guest_error,
	.changed = on_changed,
};

struct machine *machine_new(const struct page_config *cfg)
{
	struct machine *m = g_new0(struct machine, 1);
	struct tpmix_config as = {
		.backend = &backend, .opaque = m, .base = cfg->base,
		.capacity = cfg->buffer_size, .locality4 = cfg->locality4,
		.fifo = cfg->fifo, .crb = cfg->crb, .localities = cfg->localities,
		.interface = cfg->starts_as_crb, .int_vector = cfg->irq,
	};

	as.cmd = m->cmd = g_malloc0(cfg->buffer_size);
	as.run = m->run = g_malloc0(cfg->buffer_size);
	as.rsp = m->rsp = g_malloc0(cfg->buffer_size);
	as.ram.cmd = m->ram_cmd = g_malloc0(cfg->buffer_size);
	m->ram_rsp = g_malloc0(cfg->buffer_size);
	m->migrated = g_malloc0(cfg->buffer_size);
	if (cfg->ram) {
		as.ram.rsp = m->ram_rsp;
		as.ram.block = m->block;
		if (cfg->crb) {
			as.ram.crb_regs = m->crb_regs;
			as.ram.crb_buffer = m->crb_buffer;
		}
	}
	tpmix_init(&m->e, &as);
	return m;
}

void machine_free(struct machine *m)
{
	g_free(m->cmd);
	g_free(m->run);
	g_free(m->rsp);
	g_free(m->ram_cmd);
	g_free(m->ram_rsp);
	g_free(m->migrated);
	g_free(m);
}

/* Where a guest finds the byte at @addr in memory; NULL where reading it traps. */
static const uint8_t *memory(const struct machine *m, uint32_t addr)
{
	static const uint8_t zero;
	const struct tpmix_config *cfg = &m->e.cfg;

	if (!cfg->ram.rsp) {
		return NULL;
	}
	if (addr < 0x1000 && cfg->ram.crb_regs &&
	    m->e.s.interface == TPMIX_INTERFACE_CRB) {
		return addr < 0x80 ? (const uint8_t *)m->crb_regs + addr :
				     m->crb_buffer + addr - 0x80;
	}
	if (addr >= 0x10000 && addr < 0x10000 + cfg->capacity) {
		return m->ram_cmd + addr - 0x10000;
	}
	if (addr >= 0x20000 && addr < 0x20000 + cfg->capacity) {
		return m->ram_rsp + addr - 0x20000;
	}
	if (addr >= 0x30F90 && addr < 0x31000) {
		return (const uint8_t *)m->block + addr - 0x30F90;
	}
	if (addr >= 0x30000 && addr < 0x40000) {
		return &zero;
	}
	return NULL;
}

/* Bytes of an access at @addr before memory begins or ends. */
static unsigned int part(const struct machine *m, uint32_t addr, unsigned int size)
{
	unsigned int n;

	for (n = 1; n < size; n++) {
		if ((addr + n) % 0x1000 == 0 && (memory(m, addr) || memory(m, addr + n))) {
			break;
		}
	}
	return n;
}

uint64_t machine_read(struct machine *m, uint32_t addr, unsigned int size)
{
	const unsigned int n = part(m, addr, size);
	uint64_t val = 0;
	unsigned int i;

	if (n < size) {
		val = machine_read(m, addr, n);
		return val | machine_read(m, addr + n, size - n) << n * 8;
	}
	if (!memory(m, addr)) {
		return tpmix_mmio_read(&m->e, addr, size);
	}
	for (i = 0; i < size; i++) {
		val |= (uint64_t)*memory(m, addr + i) << i * 8;
	}
	return val;
}

void machine_write(struct machine *m, uint32_t addr, uint64_t val, unsigned int size)
{
	const unsigned int n = part(m, addr, size);
	unsigned int i;

	if (n < size) {
		machine_write(m, addr, val, n);
		machine_write(m, addr + n, val >> n * 8, size - n);
	} else if (!memory(m, addr) || addr < 0x1000) {
		tpmix_write(&m->e, addr, val, size);
	} else if (addr >= 0x10000 && addr < 0x20000) {
		for (i = 0; i < size; i++) {
			m->ram_cmd[addr - 0x10000 + i] = (uint8_t)(val >> i * 8);
			m->migrated[addr - 0x10000 + i] = (uint8_t)(val >> i * 8);
		}
	}
}

bool machine_complete(struct machine *m, unsigned int kind)
{
	uint32_t len;
	const uint8_t *rsp = rig_response(m->command, m->command_len, m->e.s.bufsize,
					  kind, &len);

	return tpmix_complete(&m->e, m->ticket, rsp, len, kind == 0 && len % 2);
}

struct machine *machine_migrate(struct machine *m, const struct page_config *cfg)
{
	struct machine *to = machine_new(cfg);

	/* The last pass over memory comes before the device's state. */
	if (cfg->ram) {
		memcpy(to->ram_cmd, m->migrated, cfg->buffer_size);
	}
	machine_complete(m, 0);
	if (!cfg->ram) {
		memcpy(to->ram_cmd, m->ram_cmd, cfg->buffer_size);
	}
	memcpy(to->migrated, to->ram_cmd, cfg->buffer_size);
	memset(to->ram_rsp, 0xA5, cfg->buffer_size);
	memset(to->block, 0xA5, sizeof(to->block));
	memset(to->crb_regs, 0xA5, sizeof(to->crb_regs));
	memset(to->crb_buffer, 0xA5, sizeof(to->crb_buffer));
	to->e.s = m->e.s;
	memcpy(to->cmd, m->cmd, cfg->buffer_size);
	memcpy(to->run, m->run, cfg->buffer_size);
	memcpy(to->rsp, m->rsp, cfg->buffer_size);
	to->fast = m->fast;
	to->e.edges = m->e.edges;
	to->starts = m->starts;
	to->cancels = m->cancels;
	to->resets_of_established = m->resets_of_established;
	to->digest = m->digest;
	memcpy(to->command, m->command, m->command_len);
	to->command_len = m->command_len;
	to->ticket = m->ticket;
	machine_free(m);
	g_assert_true(tpmix_valid(&to->e));
	tpmix_refresh(&to->e);
	return to;
}

/* ---- both ---- */

static void model_start(struct page *p, void *opaque)
{
	struct rig *r = opaque;
	uint32_t len;
	uint8_t *rsp;

	r->digest = r->digest * 31 + page_crc(p->run.bytes, p->run.len) +
		    p->run.ticket * 7 + p->run.locality;
	if (r->fast) {
		rsp = rig_response(p->run.bytes, p->run.len, p->bufsize, 0, &len);
		page_complete(p, rsp, len, len % 2);
	}
}

void rig_begin(struct rig *r, const struct rig_device *device)
{
	memset(r, 0, sizeof(*r));
	r->device = device;
	r->difference = g_string_new(NULL);
	r->m = machine_new(&device->cfg);
	r->p = g_new(struct page, 1);
	page_init(r->p, &device->cfg);
	r->p->start = model_start;
	r->p->opaque = r;
	tpmix_reset(&r->m->e, (enum tpmix_family)device->tpm, device->cfg.buffer_size);
	page_reset(r->p, device->tpm, device->cfg.buffer_size);
}

void rig_end(struct rig *r)
{
	machine_free(r->m);
	g_free(r->p);
	g_string_free(r->difference, TRUE);
}

static bool differ(struct rig *r, const char *what, uint64_t page, uint64_t engine)
{
	if (page == engine) {
		return false;
	}
	g_string_printf(r->difference, "%s: the page says 0x%" PRIx64 ", the engine 0x%"
			PRIx64, what, page, engine);
	return true;
}

bool rig_memory_differs(struct rig *r)
{
	uint64_t engine;
	char what[32];
	uint32_t addr;

	for (addr = 0; addr < RIG_SPACE; addr += 8) {
		if (!page_is_ram(r->p, addr, false)) {
			addr |= 0xFF8;
			continue;
		}
		snprintf(what, sizeof(what), "memory at 0x%05X", addr);
		engine = machine_read(r->m, addr, 8);
		if (differ(r, what, page_read(r->p, addr, 8), engine)) {
			return true;
		}
		/* "What it finds in the last four is always what tpmix_read() returns" */
		if ((addr < 0x10000 || addr >= 0x20000) &&
		    differ(r, "tpmix_read() of memory", tpmix_read(&r->m->e, addr, 8),
			   engine)) {
			return true;
		}
	}
	return false;
}

static uint64_t value_of(const struct rig *r, const struct op *op)
{
	const uint32_t last = r->p->accepted;
	const unsigned int l = op->addr >> 12;

	switch (op->kind) {
	case OP_TICKET:
		return last + (uint32_t)op->val;
	case OP_RING:
		return page_command_csum(r->p, l < 5 ? l : l - 6) | 1u << 16 |
		       (op->val >> 2 & 3u) << 17 |
		       (uint64_t)(last + (op->val & 3u)) << 32;
	default:
		return op->val;
	}
}

/* As the processor splits it at the border of memory. */
static uint64_t model_read(struct rig *r, uint32_t addr, unsigned int size)
{
	const unsigned int n = part(r->m, addr, size);
	uint64_t val = page_read(r->p, addr, n);

	return n < size ? val | model_read(r, addr + n, size - n) << n * 8 : val;
}

static void model_write(struct rig *r, uint32_t addr, uint64_t val, unsigned int size)
{
	const unsigned int n = part(r->m, addr, size);

	page_write(r->p, addr, val, n);
	if (n < size) {
		model_write(r, addr + n, val >> n * 8, size - n);
	}
}

static void write_both(struct rig *r, const struct op *op, uint64_t val)
{
	model_write(r, op->addr, val, op->size);
	machine_write(r->m, op->addr, val, op->size);
}

static bool do_write(struct rig *r, const struct op *op)
{
	const uint64_t val = value_of(r, op);

	write_both(r, op, val);
	if (op->repeat) {
		struct tpmix_state_all once = r->m->e.s;

		write_both(r, op, val);
		if (!tpmix_is_fifo(&r->m->e, op->addr, op->size) &&
		    differ(r, "R2: a write made twice in a row", 0,
			   memcmp(&once, &r->m->e.s, sizeof(once)) != 0)) {
			return false;
		}
	}
	return true;
}

static bool do_read(struct rig *r, const struct op *op)
{
	struct tpmix_state_all before = r->m->e.s;

	r->value = model_read(r, op->addr, op->size);
	if (differ(r, "read", r->value, machine_read(r->m, op->addr, op->size))) {
		return false;
	}
	return tpmix_is_fifo(&r->m->e, op->addr, op->size) ||
	       !differ(r, "R1: a read changes nothing", 0,
		       memcmp(&before, &r->m->e.s, sizeof(before)) != 0);
}

static bool do_event(struct rig *r, const struct op *op)
{
	uint32_t len;
	uint8_t *rsp;

	switch (op->kind) {
	case OP_COMPLETE:
	case OP_MIGRATE:
		rsp = rig_response(r->p->run.bytes, r->p->run.len, r->p->bufsize,
				   (unsigned int)op->val, &len);
		if (page_complete(r->p, rsp, len, op->val == 0 && len % 2) !=
		    (r->m->e.s.running != TPMIX_NO_LOCALITY)) {
			return !differ(r, "a command runs", 0, 1);
		}
		if (op->kind == OP_MIGRATE) {
			r->m = machine_migrate(r->m, &r->device->cfg);
		} else {
			machine_complete(r->m, (unsigned int)op->val);
		}
		return true;
	case OP_FAST:
		r->fast = r->m->fast = op->val;
		return true;
	case OP_RESET:
		page_reset(r->p, op->size ? r->device->tpm : PAGE_NO_TPM, (uint32_t)op->val);
		tpmix_reset(&r->m->e, op->size ? (enum tpmix_family)r->device->tpm :
						 TPMIX_FAMILY_NONE, (uint32_t)op->val);
		return true;
	default:
		r->p->established = op->val;
		tpmix_set_established(&r->m->e, op->val);
		return true;
	}
}

bool rig_do(struct rig *r, const struct op *op)
{
	bool same = op->kind == OP_READ ? do_read(r, op) :
		    op->kind <= OP_RING ? do_write(r, op) : do_event(r, op);

	if (!same || differ(r, "tpmix_valid()", 1, tpmix_valid(&r->m->e)) ||
	    differ(r, "the interrupt line", page_line(r->p), tpmix_irq(&r->m->e)) ||
	    differ(r, "edges of the line", r->p->edges, r->m->e.edges) ||
	    differ(r, "commands that the backend saw", r->p->starts, r->m->starts) ||
	    differ(r, "a digest of these commands", r->digest, r->m->digest) ||
	    differ(r, "cancels", r->p->cancels, r->m->cancels) ||
	    differ(r, "resets of the flag", r->p->resets_of_established,
		   r->m->resets_of_established)) {
		return false;
	}
	return (!r->thorough && ++r->ops % 64) || !rig_memory_differs(r);
}

void op_print(const struct op *op)
{
	static const char *const names[] = { "read", "write", "ticket", "ring", "complete",
					     "fast", "reset", "migrate", "established" };

	g_test_message("%s 0x%05X size %u value 0x%" PRIx64 "%s", names[op->kind], op->addr,
		       op->size, op->val, op->repeat ? " twice" : "");
}
