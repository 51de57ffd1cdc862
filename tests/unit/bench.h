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

static const struct tpmix_backend bench_backend = {
	.start = bench_start,
	.cancel = bench_cancel,
	.reset_established = bench_reset_established,
	.guest_error = bench_guest_error,
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

static inline void check_mirror(const struct tpmix *e, uint32_t addr,
				const void *mem, uint32_t len)
{
	uint64_t val;
	uint32_t i;

	for (i = 0; i < len; i += 8) {
		memcpy(&val, (const uint8_t *)mem + i, 8);
		g_assert_cmphex(val, ==, tpmix_read(e, addr + i, 8));
	}
}

/*
 * What a guest finds in memory is what tpmix_read() answers; of the CRB page while
 * CRB is the interface. Called after each access, so that every test checks it.
 */
static inline void check_ram(const struct bench *b)
{
	const struct tpmix_ram *ram = &b->e.cfg.ram;

	check_mirror(&b->e, 0xFF90, ram->block, 0x70);
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

/* Same state, same commands, same response, the same in memory. */
static inline bool bench_same(const struct bench *a, const struct bench *b)
{
	return memcmp(&a->e.s, &b->e.s, sizeof(a->e.s)) == 0 &&
	       memcmp(a->cmd, b->cmd, sizeof(a->cmd)) == 0 &&
	       memcmp(a->ram_cmd, b->ram_cmd, sizeof(a->ram_cmd)) == 0 &&
	       memcmp(a->rsp, b->rsp, sizeof(a->rsp)) == 0 &&
	       memcmp(a->ram_rsp, b->ram_rsp, sizeof(a->ram_rsp)) == 0 &&
	       memcmp(a->block, b->block, sizeof(a->block)) == 0 &&
	       memcmp(a->crb_regs, b->crb_regs, sizeof(a->crb_regs)) == 0 &&
	       memcmp(a->crb_buffer, b->crb_buffer, sizeof(a->crb_buffer)) == 0 &&
	       a->starts == b->starts;
}

static inline uint64_t rd(struct bench *b, unsigned int locality, uint32_t off,
			  unsigned int size)
{
	uint64_t val = tpmix_mmio_read(&b->e, locality * 0x1000 + off, size);

	check(b);
	return val;
}

static inline void wr(struct bench *b, unsigned int locality, uint32_t off,
		      uint64_t val, unsigned int size)
{
	tpmix_write(&b->e, locality * 0x1000 + off, val, size);
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

/* Completes with a response of @len bytes; byte i is (i + fill), header set. */
static inline void complete(struct bench *b, uint32_t len, uint8_t fill)
{
	static uint8_t rsp[BENCH_CAPACITY * 2];
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
	g_assert_true(tpmix_complete(&b->e, b->e.s.accepted, rsp, len, false));
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
