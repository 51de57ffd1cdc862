/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine costs its host: doorbell, completion and register accesses, by
 * size. Each round is timed by itself; the table has nanoseconds: the least, the
 * median and the 99th percentile of all rounds. scripts/bench.sh builds and runs it.
 *
 * Nothing here is a test: times depend on the machine, and on who else is on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tpmix.h"

#define CAPACITY   65536u
#define MAX_ROUNDS 100000u

struct machine {
	struct tpmix e;
	uint8_t cmd[CAPACITY], run[CAPACITY], rsp[CAPACITY];
	uint8_t ram_cmd[CAPACITY], ram_rsp[CAPACITY];
	uint32_t block[TPMIX_BLOCK_SIZE / 4];
	uint32_t crb_regs[TPM_REG_DATA_BUFFER / 4];
	uint8_t crb_buffer[TPMIX_DATA_BUFFER_SIZE];
};

static struct machine m;
static uint8_t response[CAPACITY];
static uint64_t took[MAX_ROUNDS];
static unsigned int rounds;

static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	(void)opaque;
	(void)ticket;
	(void)locality;
	(void)cmd;
	(void)len;
}

static void cancel(void *opaque)
{
	(void)opaque;
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

static void power_on(enum tpmix_interface interface)
{
	const struct tpmix_config cfg = {
		.backend = &backend,
		.ram = {
			.cmd = m.ram_cmd,
			.rsp = m.ram_rsp,
			.block = m.block,
			.crb_regs = m.crb_regs,
			.crb_buffer = m.crb_buffer,
		},
		.base = TPMIX_BASE,
		.cmd = m.cmd,
		.run = m.run,
		.rsp = m.rsp,
		.capacity = CAPACITY,
		.fifo = true,
		.crb = true,
		.interface = (uint8_t)interface,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	tpmix_init(&m.e, &cfg);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* @times operations were done in each round. */
static void report(const char *what, unsigned int size, unsigned int times)
{
	qsort(took, rounds, sizeof(took[0]), compare);
	printf("%-34s %6u %9.1f %9.1f %9.1f\n", what, size,
	       (double)took[0] / times, (double)took[rounds / 2] / times,
	       (double)took[rounds - 1 - rounds / 100] / times);
}

static void put_size(uint8_t *header, uint32_t size)
{
	header[0] = 0x80;
	header[1] = 0x01;
	header[2] = (uint8_t)(size >> 24);
	header[3] = (uint8_t)(size >> 16);
	header[4] = (uint8_t)(size >> 8);
	header[5] = (uint8_t)size;
}

/* Command and response of @size bytes, through RAM and the doorbell. */
static void transaction(uint32_t size)
{
	uint64_t both[MAX_ROUNDS / 100];
	uint64_t begin, rang, end;
	unsigned int i, n = rounds;

	if (rounds > MAX_ROUNDS / 100) {
		rounds = MAX_ROUNDS / 100;
	}
	power_on(TPMIX_INTERFACE_CRB);
	tpmix_write(&m.e, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	put_size(m.ram_cmd, size);
	put_size(response, size);
	for (i = 0; i < rounds; i++) {
		begin = now();
		tpmix_write(&m.e, TPMIX_EXT + TPMIX_REG_CSUM_EXPECT,
			    (uint64_t)(i + 1) << 32, 8);
		rang = now();
		tpmix_complete(&m.e, i + 1, response, size, false);
		end = now();
		took[i] = rang - begin;
		both[i] = end - begin;
	}
	report("doorbell", size, 1);
	memcpy(took, both, rounds * sizeof(took[0]));
	report("doorbell and completion", size, 1);
	rounds = n;
}

static void write_index(void)
{
	unsigned int i, k;
	uint64_t begin;

	power_on(TPMIX_INTERFACE_FIFO);
	tpmix_write(&m.e, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	for (i = 0; i < rounds; i++) {
		begin = now();
		for (k = 0; k < 100; k++) {
			tpmix_write(&m.e, TPMIX_REG_INDEX, k, 4);
		}
		took[i] = now() - begin;
	}
	report("write INDEX", 4, 100);
}

static void read_register(const char *what, uint32_t addr, unsigned int size)
{
	volatile uint64_t sink;
	unsigned int i, k;
	uint64_t begin;

	for (i = 0; i < rounds; i++) {
		begin = now();
		for (k = 0; k < 100; k++) {
			sink = tpmix_mmio_read(&m.e, addr, size);
		}
		took[i] = now() - begin;
	}
	(void)sink;
	report(what, size, 100);
}

/* A command of 62 bytes by the FIFO, byte by byte, as Linux' tpm_tis. */
static void push(void)
{
	unsigned int i, k;
	uint64_t begin;

	for (i = 0; i < rounds; i++) {
		tpmix_write(&m.e, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
		begin = now();
		for (k = 0; k < 62; k++) {
			tpmix_write(&m.e, TPM_REG_DATA_FIFO, k == 5 ? 62 : 0, 1);
		}
		took[i] = now() - begin;
	}
	report("write DATA_FIFO", 1, 62);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 12, 64, 512, 4096, 16384, 65536 };
	unsigned int i;

	rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10000;
	if (rounds < 100 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "bench_engine: 100 to %u rounds\n", MAX_ROUNDS);
		return 2;
	}
	printf("%-34s %6s %9s %9s %9s\n", "ns for one", "bytes", "min", "p50",
	       "p99");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		transaction(sizes[i]);
	}
	write_index();
	push();
	read_register("read STS", TPM_REG_STS, 4);
	read_register("read COMPLETED, RSP_SIZE", TPMIX_REG_COMPLETED, 8);
	read_register("read the trapped window", TPMIX_WINDOW, 8);
	power_on(TPMIX_INTERFACE_CRB);
	read_register("read CTRL_START", TPM_REG_CTRL_START, 4);
	return 0;
}
