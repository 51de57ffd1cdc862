/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the engine: buffers, a backend that records, short accessors.
 * The tests write offsets and values literally: they check the map.
 */
#ifndef BENCH_H
#define BENCH_H

#include <glib.h>
#include <string.h>

#include "tpmix.h"

#ifndef BENCH_CAPACITY
#define BENCH_CAPACITY 4096
#endif

struct bench {
	struct tpmix e;
	uint8_t cmd[BENCH_CAPACITY];
	uint8_t run[BENCH_CAPACITY];
	uint8_t rsp[BENCH_CAPACITY];
	/* what a guest could map */
	uint8_t ram_cmd[BENCH_CAPACITY];
	uint8_t ram_rsp[BENCH_CAPACITY];
	uint32_t block[TPMIX_BLOCK_SIZE / 4];
	uint32_t crb_regs[TPM_REG_DATA_BUFFER / 4];
	uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
	/* the same as a host has it that copies what is reported as changed */
	struct {
		uint8_t cmd[BENCH_CAPACITY];
		uint8_t rsp[BENCH_CAPACITY];
		uint8_t block[TPMIX_BLOCK_SIZE];
		uint8_t crb_regs[TPM_REG_DATA_BUFFER];
		uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
	} copy;
	/* what the backend saw */
	unsigned int starts;
	unsigned int cancels;
	unsigned int established_resets;
	unsigned int guest_errors;
	uint32_t guest_error_at;
	uint32_t ticket;
	unsigned int locality;
	uint8_t last_cmd[BENCH_CAPACITY];
	uint32_t last_len;
};

static void bench_start(void *opaque, uint32_t ticket, unsigned int locality,
			const uint8_t *cmd, uint32_t len)
{
	struct bench *b = opaque;

	g_assert_cmpuint(len, >=, 10);
	g_assert_cmpuint(len, <=, sizeof(b->last_cmd));
	b->starts++;
	b->ticket = ticket;
	b->locality = locality;
	memcpy(b->last_cmd, cmd, len);
	b->last_len = len;
}

static void bench_cancel(void *opaque)
{
	((struct bench *)opaque)->cancels++;
}

static void bench_reset_established(void *opaque, unsigned int locality)
{
	struct bench *b = opaque;

	g_assert_cmpuint(locality, >=, 3);
	b->established_resets++;
	tpmix_set_established(&b->e, false);
}

static void bench_guest_error(void *opaque, const char *what, uint32_t addr)
{
	struct bench *b = opaque;

	g_assert_nonnull(what);
	g_assert_cmphex(addr, <, 0x100000);
	b->guest_errors++;
	b->guest_error_at = addr;
}

/* The part of @mem (at @at, @size bytes) that lies in the changed range. */
static inline void bench_copy(uint8_t *copy, const void *mem, uint32_t at,
			      uint32_t size, uint32_t addr, uint32_t len)
{
	uint32_t begin = MAX(at, addr), end = MIN(at + size, addr + len);

	if (begin < end) {
		memcpy(copy + (begin - at), (const uint8_t *)mem + (begin - at),
		       end - begin);
	}
}

static void bench_changed(void *opaque, uint32_t addr, uint32_t len)
{
	struct bench *b = opaque;
	uint32_t capacity = b->e.cfg.capacity;

	g_assert_nonnull(b->e.cfg.ram.rsp);
	bench_copy(b->copy.cmd, b->ram_cmd, 0x10000, capacity, addr, len);
	bench_copy(b->copy.rsp, b->ram_rsp, 0x20000, capacity, addr, len);
	bench_copy(b->copy.block, b->block, 0x30F90, 0x70, addr, len);
	bench_copy(b->copy.crb_regs, b->crb_regs, 0, 0x80, addr, len);
	bench_copy(b->copy.crb_buffer, b->crb_buffer, 0x80, 0xF80, addr, len);
}

static const struct tpmix_backend bench_backend = {
	.start = bench_start,
	.cancel = bench_cancel,
	.reset_established = bench_reset_established,
	.guest_error = bench_guest_error,
	.changed = bench_changed,
};

static inline struct tpmix_config bench_config(struct bench *b)
{
	return (struct tpmix_config) {
		.backend = &bench_backend,
		.opaque = b,
		.ram = {
			.cmd = b->ram_cmd,
			.rsp = b->ram_rsp,
			.block = b->block,
			.crb_regs = b->crb_regs,
			.crb_buffer = b->crb_buffer,
		},
		.base = 0xFED40000,
		.cmd = b->cmd,
		.run = b->run,
		.rsp = b->rsp,
		.capacity = BENCH_CAPACITY,
		.locality4 = true,
		.fifo = true,
		.localities = 5,
		.int_vector = 5,
	};
}

/* The value whose little-endian bytes these are: what a driver writes for them. */
static inline uint64_t bench_value(const void *bytes, unsigned int size)
{
	uint64_t val = 0;

	memcpy(&val, bytes, size);
	return GUINT64_FROM_LE(val);
}

static inline void check_mirror(const struct tpmix *e, uint32_t addr,
				const void *mem, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i += 8) {
		g_assert_cmphex(bench_value((const uint8_t *)mem + i, 8), ==,
				tpmix_read(e, addr + i, 8));
	}
}

/*
 * What a guest finds in memory is what tpmix_read() answers; of the CRB page while
 * CRB is the interface. Called after each access, so that every test checks it.
 */
static inline void check_ram(const struct bench *b)
{
	const struct tpmix_ram *ram = &b->e.cfg.ram;

	if (!ram->rsp) {
		return;
	}
	g_assert_cmpmem(b->copy.rsp, b->e.cfg.capacity, ram->rsp,
			b->e.cfg.capacity);
	g_assert_cmpmem(b->copy.block, 0x70, ram->block, 0x70);
	if (ram->crb_regs) {
		g_assert_cmpmem(b->copy.crb_regs, 0x80, ram->crb_regs, 0x80);
		g_assert_cmpmem(b->copy.crb_buffer, 0xF80, ram->crb_buffer, 0xF80);
	}
	check_mirror(&b->e, 0x30F90, ram->block, 0x70);
	check_mirror(&b->e, 0x20000, ram->rsp, b->e.cfg.capacity);
	if (ram->crb_regs && b->e.s.interface == TPMIX_INTERFACE_CRB) {
		check_mirror(&b->e, 0x00000, ram->crb_regs, 0x80);
		check_mirror(&b->e, 0x00080, ram->crb_buffer, 0xF80);
	}
}

/* After every call of the engine: its promises. */
static inline void check(const struct bench *b)
{
	g_assert_true(tpmix_valid(&b->e));
	check_ram(b);
}

/* A machine with the doors of @cfg, that of bench_config() or near it. */
static inline void bench_init_as(struct bench *b, const struct tpmix_config *cfg,
				 enum tpmix_family family, uint32_t bufsize)
{
	const struct tpmix_config as = *cfg;

	memset(b, 0, sizeof(*b));
	tpmix_init(&b->e, &as);
	check(b);
	tpmix_reset(&b->e, family, bufsize);
	check(b);
}

/* tpm-tis-indexed */
static inline void bench_init(struct bench *b, enum tpmix_family family,
			      uint32_t bufsize)
{
	struct tpmix_config cfg = bench_config(b);

	bench_init_as(b, &cfg, family, bufsize);
}

/* tpm-crb-ext, as it starts by default */
static inline void bench_init_crb(struct bench *b, uint32_t bufsize)
{
	struct tpmix_config cfg = bench_config(b);

	cfg.crb = true;
	cfg.interface = TPMIX_INTERFACE_CRB;
	bench_init_as(b, &cfg, TPMIX_FAMILY_2_0, bufsize);
}

/* @to becomes a second machine in the state of @from. */
static inline void bench_clone(struct bench *to, const struct bench *from)
{
	struct tpmix_config own = bench_config(to);

	*to = *from;
	to->e.cfg.opaque = to;
	to->e.cfg.ram = own.ram;
	to->e.cfg.cmd = own.cmd;
	to->e.cfg.run = own.run;
	to->e.cfg.rsp = own.rsp;
}

/* Then, and only then, it matters what is in cfg.run while nothing runs. */
static inline bool bench_armed_early(const struct bench *b)
{
	unsigned int l;

	for (l = 0; l < 5; l++) {
		if (b->e.s.loc[l].armed == TPMIX_ARMED_EARLY) {
			return true;
		}
	}
	return false;
}

/* Same state, same commands, same response, the same in memory. */
static inline bool bench_same(const struct bench *a, const struct bench *b)
{
	return memcmp(&a->e.s, &b->e.s, sizeof(a->e.s)) == 0 &&
	       memcmp(a->cmd, b->cmd, sizeof(a->cmd)) == 0 &&
	       memcmp(a->ram_cmd, b->ram_cmd, sizeof(a->ram_cmd)) == 0 &&
	       (!bench_armed_early(a) ||
		memcmp(a->run, b->run, sizeof(a->run)) == 0) &&
	       memcmp(a->rsp, b->rsp, sizeof(a->rsp)) == 0 &&
	       memcmp(a->ram_rsp, b->ram_rsp, sizeof(a->ram_rsp)) == 0 &&
	       memcmp(a->block, b->block, sizeof(a->block)) == 0 &&
	       memcmp(a->crb_regs, b->crb_regs, sizeof(a->crb_regs)) == 0 &&
	       memcmp(a->crb_buffer, b->crb_buffer, sizeof(a->crb_buffer)) == 0 &&
	       a->starts == b->starts && a->e.edges == b->e.edges;
}

/* What the engine wrote into the command window it has reported. */
static inline void check_reported(const struct bench *b)
{
	if (b->e.cfg.ram.rsp) {
		g_assert_cmpmem(b->copy.cmd, BENCH_CAPACITY, b->ram_cmd,
				BENCH_CAPACITY);
	}
}

static inline uint64_t rd(struct bench *b, unsigned int locality, uint32_t off,
			  unsigned int size)
{
	uint64_t val;

	memcpy(b->copy.cmd, b->ram_cmd, sizeof(b->ram_cmd));
	val = tpmix_mmio_read(&b->e, locality * 0x1000 + off, size);
	check_reported(b);
	check(b);
	return val;
}

static inline void wr(struct bench *b, unsigned int locality, uint32_t off,
		      uint64_t val, unsigned int size)
{
	/* A guest may have written there meanwhile, but not during this. */
	memcpy(b->copy.cmd, b->ram_cmd, sizeof(b->ram_cmd));
	tpmix_write(&b->e, locality * 0x1000 + off, val, size);
	check_reported(b);
	check(b);
}

static inline void request(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x000, 0x02, 1);
}

static inline void relinquish(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x000, 0x20, 1);
}

static inline void command_ready(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x018, 0x40, 1);
}

static inline void go(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x018, 0x20, 1);
}

/* CRB: LOC_CTRL, CTRL_REQ, CTRL_START */

static inline void crb_request(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x008, 0x01, 4);
}

static inline void crb_relinquish(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x008, 0x02, 4);
}

static inline void crb_seize(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x008, 0x04, 4);
}

static inline void crb_ready(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x040, 0x01, 4);
}

static inline void crb_idle(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x040, 0x02, 4);
}

static inline void crb_go(struct bench *b, unsigned int locality)
{
	wr(b, locality, 0x04C, 0x01, 4);
}

/* The locality's block and window in its extension page. */
static inline uint32_t ext(struct bench *b, unsigned int locality, uint32_t off)
{
	return (uint32_t)rd(b, 6 + locality, off, 4);
}

/* A command: header with @size, filled with a pattern to @len bytes. */
static inline void make_command(uint8_t *cmd, uint32_t size, uint32_t len,
				uint8_t fill)
{
	static const uint8_t head[] = { 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0x01, 0x7B };

	memset(cmd, fill, len);
	memcpy(cmd, head, MIN(len, sizeof(head)));
	cmd[2] = (uint8_t)(size >> 24);
	cmd[3] = (uint8_t)(size >> 16);
	cmd[4] = (uint8_t)(size >> 8);
	cmd[5] = (uint8_t)size;
}

static inline void fifo_send(struct bench *b, unsigned int locality,
			     const uint8_t *cmd, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		wr(b, locality, 0x024, cmd[i], 1);
	}
}

static inline void window_send(struct bench *b, unsigned int locality,
			       const uint8_t *cmd, uint32_t len)
{
	uint32_t i;

	wr(b, locality, 0xFC0, 0, 4);
	for (i = 0; i < len; i++) {
		wr(b, locality, 0x100 + i, cmd[i], 1);
	}
}

/* A response of @len bytes; byte i is (i + fill), header set. */
static inline void make_response(uint8_t *rsp, uint32_t len, uint8_t fill)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		rsp[i] = (uint8_t)(i + fill);
	}
	rsp[0] = 0x80;
	rsp[1] = 0x01;
	rsp[2] = (uint8_t)(len >> 24);
	rsp[3] = (uint8_t)(len >> 16);
	rsp[4] = (uint8_t)(len >> 8);
	rsp[5] = (uint8_t)len;
}

static inline void complete(struct bench *b, uint32_t len, uint8_t fill)
{
	static uint8_t rsp[BENCH_CAPACITY * 2];

	make_response(rsp, len, fill);
	memcpy(b->copy.cmd, b->ram_cmd, sizeof(b->ram_cmd));
	g_assert_true(tpmix_complete(&b->e, b->e.s.accepted, rsp, len, false));
	check_reported(b);
	check(b);
}

/* Locality 0 active, a 12-byte command sent by the doorbell, running. */
static inline void start_indexed(struct bench *b, unsigned int locality)
{
	uint8_t cmd[12];

	make_command(cmd, sizeof(cmd), sizeof(cmd), 0x5A);
	request(b, locality);
	window_send(b, locality, cmd, sizeof(cmd));
	wr(b, locality, 0xFCC, b->e.s.accepted + 1, 4);
}

/* The same by the CRB registers and the buffer at +0x80. */
static inline void start_crb(struct bench *b, unsigned int locality)
{
	uint8_t cmd[12];
	uint32_t i;

	make_command(cmd, sizeof(cmd), sizeof(cmd), 0x3C);
	crb_request(b, locality);
	for (i = 0; i < sizeof(cmd); i++) {
		wr(b, locality, 0x080 + i, cmd[i], 1);
	}
	crb_go(b, locality);
}

/* The same by the FIFO. */
static inline void start_fifo(struct bench *b, unsigned int locality)
{
	uint8_t cmd[12];

	make_command(cmd, sizeof(cmd), sizeof(cmd), 0xA5);
	request(b, locality);
	command_ready(b, locality);
	fifo_send(b, locality, cmd, sizeof(cmd));
	go(b, locality);
}

#endif /* BENCH_H */
