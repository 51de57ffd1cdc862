/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole TPM front-end over libtpmix: a device with its memory, a backend, and a
 * guest's driver that runs a command by the window and another one by CRB.
 *
 * Everything is plain memory of this process: a VMM has the guest's exits call
 * device_read() and device_write(), and maps `space` into the guest where it can.
 *
 *	cc frontend.c $(pkg-config --cflags --libs tpmix)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tpmix.h>

#define CAPACITY 16384u

/* [device] */
struct device {
	struct tpmix engine;
	uint8_t cmd[CAPACITY], run[CAPACITY], rsp[CAPACITY];
	/* What a guest finds from TPMIX_BASE on; the windows and two pages of it are used. */
	_Alignas(4096) uint8_t space[TPMIX_SPACE_SIZE];
	unsigned int level; /* of the interrupt line */
};

/* Called from tpmix_write(): a TPM that echoes the command's code, and is done at once. */
static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	struct device *d = opaque;
	uint8_t rsp[14] = { 0x80, 0x01, 0, 0, 0, sizeof(rsp), 0, 0, 0, 0 };

	memcpy(rsp + TPMIX_HEADER_SIZE, cmd + 6, 4);
	printf("  backend: ticket %u, locality %u, %u bytes\n", ticket, locality, len);
	tpmix_complete(&d->engine, ticket, rsp, sizeof(rsp), true);
}

static void cancel(void *opaque)
{
	(void)opaque; /* nothing runs for longer than start() */
}

static void reset_established(void *opaque, unsigned int locality)
{
	struct device *d = opaque;

	(void)locality;
	tpmix_set_established(&d->engine, false);
}

static void guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	fprintf(stderr, "guest error at 0x%05x: %s\n", addr, what);
}

static const struct tpmix_backend backend = {
	start, cancel, reset_established, guest_error, NULL,
};

static void device_power_on(struct device *d)
{
	struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = d,
		.ram = {
			.cmd = d->space + TPMIX_CMD_WINDOW,
			.rsp = d->space + TPMIX_RSP_WINDOW,
			.block = (uint32_t *)(void *)(d->space + TPMIX_HEADER + TPMIX_BLOCK),
			.crb_regs = (uint32_t *)(void *)d->space,
			.crb_buffer = d->space + TPM_REG_DATA_BUFFER,
		},
		.base = TPMIX_BASE,
		.cmd = d->cmd,
		.run = d->run,
		.rsp = d->rsp,
		.capacity = CAPACITY,
		.fifo = true,
		.crb = true,
		.interface = TPMIX_INTERFACE_CRB,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	tpmix_init(&d->engine, &cfg);
	tpmix_reset(&d->engine, TPMIX_FAMILY_2_0, CAPACITY);
}

static uint64_t device_read(struct device *d, uint32_t addr, unsigned int size)
{
	return tpmix_mmio_read(&d->engine, addr, size);
}

static void device_write(struct device *d, uint32_t addr, uint64_t val, unsigned int size)
{
	tpmix_write(&d->engine, addr, val, size);
	/* A VMM sets its line to it, and pulses the line where engine.edges has grown. */
	d->level = tpmix_irq(&d->engine);
}
/* [device end] */

/* [guest] */
/* TPM2_GetRandom, 8 bytes, and TPM2_SelfTest. */
static const uint8_t get_random[12] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };
static const uint8_t self_test[11] = { 0x80, 1, 0, 0, 0, 11, 0, 0, 1, 0x43, 1 };

static void show(const uint8_t *rsp, uint32_t len)
{
	uint32_t i;

	printf("  response:");
	for (i = 0; i < len; i++) {
		printf(" %02x", rsp[i]);
	}
	printf("\n");
}

/* Command and response are memory; only the doorbell reaches the device. */
static void run_by_window(struct device *d, const uint8_t *cmd, uint32_t len)
{
	const uint32_t *header = (const uint32_t *)(const void *)(d->space + TPMIX_HEADER);
	uint32_t ticket = header[TPMIX_REG_ACCEPTED / 4] + 1;

	memcpy(d->space + TPMIX_CMD_WINDOW, cmd, len);
	device_write(d, TPMIX_EXT + TPMIX_REG_DOORBELL, ticket, 4);
	/* Written again, as by a VMM that runs the exit twice: the same ticket, no command. */
	device_write(d, TPMIX_EXT + TPMIX_REG_DOORBELL, ticket, 4);
	if (header[TPMIX_REG_COMPLETED / 4] != ticket) {
		fprintf(stderr, "the command was not run\n");
		exit(1);
	}
	show(d->space + TPMIX_RSP_WINDOW, header[TPMIX_REG_RSP_SIZE / 4]);
}

/* The standard's registers: cmdReady, the buffer, START, until START reads 0. */
static void run_by_crb(struct device *d, const uint8_t *cmd, uint32_t len)
{
	uint64_t buffer = device_read(d, TPM_REG_CTRL_CMD_LADDR, 4) - TPMIX_BASE;
	uint64_t response = device_read(d, TPM_REG_CTRL_RSP_ADDR, 8) - TPMIX_BASE;

	device_write(d, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
	memcpy(d->space + buffer, cmd, len);
	device_write(d, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
	if (device_read(d, TPM_REG_CTRL_START, 4)) {
		fprintf(stderr, "the command still runs\n");
		exit(1);
	}
	show(d->space + response, d->space[response + 5]);
	device_write(d, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE, 4);
}

int main(void)
{
	static struct device device;

	device_power_on(&device);
	device_write(&device, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	printf("TPM2_GetRandom by the window\n");
	run_by_window(&device, get_random, sizeof(get_random));
	printf("TPM2_SelfTest by CRB\n");
	run_by_crb(&device, self_test, sizeof(self_test));
	device_write(&device, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH, 4);
	printf("commands run: %llu\n", (unsigned long long)device.engine.starts);
	return 0;
}
/* [guest end] */
