/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FIFO door: TIS 1.3 5.6, PTP 6.5.2, byte by byte as Linux' tpm_tis. Each byte
 * moves a pointer that is hidden in the device; an access that is repeated loses
 * one, and nothing here can tell. It is the compatible fallback and the control
 * group: no repair is tried.
 */
#include "door.h"
#include "tpmix.h"

#define READY_TIMEOUT_US        2000000u /* TIMEOUT_B */
#define BYTE_TIMEOUT_US         750000u  /* TIMEOUT_C, TIMEOUT_D */
/* A tpmGo that was not heard is not told; as long as Linux waits (TPM 2.0). */
#define RUN_TIMEOUT_US          300000000u

static uint32_t read_sts(struct tpmix_door *d)
{
	return (uint32_t)tpmix_bus_read(d->bus, tpmix_door_reg(d, TPM_REG_STS), 4);
}

static void write_sts(struct tpmix_door *d, uint8_t val)
{
	tpmix_bus_write(d->bus, tpmix_door_reg(d, TPM_REG_STS), val, 1);
}

static bool wait_sts(struct tpmix_door *d, uint32_t mask, uint32_t limit_us,
		     const char *what, GError **error)
{
	struct tpmix_pause p = { .limit_us = limit_us, .what = what };

	while ((read_sts(d) & mask) != mask)
		if (!tpmix_door_pause(d, &p, error))
			return false;
	return true;
}

static uint32_t wait_burst(struct tpmix_door *d, GError **error)
{
	struct tpmix_pause p = { .limit_us = BYTE_TIMEOUT_US,
				 .what = "burstCount stays 0" };
	uint32_t burst;

	while (!(burst = (read_sts(d) >> TPM_STS_BURST_COUNT_SHIFT) & 0xFFFF))
		if (!tpmix_door_pause(d, &p, error))
			return 0;
	return burst;
}

static bool fifo_open(struct tpmix_door *d, GError **error)
{
	if (d->interface != TPMIX_INTERFACE_FIFO) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "this TPM's interface is the CRB: use door=indexed or door=crb");
		return false;
	}
	/* The standard has no register for it; larger ones the device refuses. */
	d->bufsize = TPMIX_BUFFER_MAX;
	return true;
}

static bool write_bytes(struct tpmix_door *d, const uint8_t *from, uint32_t len,
			GError **error)
{
	uint32_t at = 0, burst;

	while (at < len) {
		burst = wait_burst(d, error);
		if (!burst)
			return false;
		while (burst-- && at < len)
			tpmix_bus_write(d->bus, tpmix_door_reg(d, TPM_REG_DATA_FIFO),
					from[at++], 1);
	}
	return true;
}

static bool read_bytes(struct tpmix_door *d, uint8_t *to, uint32_t len,
		       GError **error)
{
	uint32_t at = 0, burst;

	while (at < len) {
		if (!wait_sts(d, TPM_STS_DATA_AVAIL | TPM_STS_VALID, BYTE_TIMEOUT_US,
			      "the response ends before its size", error))
			return false;
		burst = wait_burst(d, error);
		if (!burst)
			return false;
		while (burst-- && at < len)
			to[at++] = (uint8_t)tpmix_bus_read(d->bus,
				tpmix_door_reg(d, TPM_REG_DATA_FIFO), 1);
	}
	return true;
}

static bool send_command(struct tpmix_door *d, const uint8_t *cmd, uint32_t len,
			 GError **error)
{
	write_sts(d, TPM_STS_COMMAND_READY);
	if (!wait_sts(d, TPM_STS_COMMAND_READY, READY_TIMEOUT_US,
		      "it does not become ready", error) ||
	    !write_bytes(d, cmd, len - 1, error) ||
	    !wait_sts(d, TPM_STS_VALID, BYTE_TIMEOUT_US, "stsValid stays 0", error))
		return false;
	/* The last byte is the one that ends Expect. */
	if (!(read_sts(d) & TPM_STS_EXPECT)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the TPM has the command before its last byte was written");
		return false;
	}
	if (!write_bytes(d, cmd + len - 1, 1, error) ||
	    !wait_sts(d, TPM_STS_VALID, BYTE_TIMEOUT_US, "stsValid stays 0", error))
		return false;
	if (read_sts(d) & TPM_STS_EXPECT) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the TPM expects more than the command");
		return false;
	}
	tpmix_door_sending(d);
	write_sts(d, TPM_STS_GO);
	return true;
}

static uint32_t receive_response(struct tpmix_door *d, uint8_t *rsp,
				 GError **error)
{
	uint32_t size;

	if (!read_bytes(d, rsp, TPMIX_HEADER_SIZE, error))
		return 0;
	size = tpmix_header_size(rsp);
	if (size < TPMIX_HEADER_SIZE || size > d->bufsize) {
		if (tpmix_door_ok(d, error))
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
				    "the response claims %u bytes", size);
		return 0;
	}
	if (!read_bytes(d, rsp + TPMIX_HEADER_SIZE, size - TPMIX_HEADER_SIZE, error) ||
	    !wait_sts(d, TPM_STS_VALID, BYTE_TIMEOUT_US, "stsValid stays 0", error))
		return 0;
	if (read_sts(d) & TPM_STS_DATA_AVAIL) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "bytes are left behind the response");
		return 0;
	}
	return size;
}

/* TIS 1.3 5.6.12: commandReady, where a command ran, says that it was aborted. */
static bool wait_response(struct tpmix_door *d, GError **error)
{
	const uint32_t done = TPM_STS_DATA_AVAIL | TPM_STS_VALID;
	struct tpmix_pause p = { .limit_us = RUN_TIMEOUT_US,
				 .what = "a command does not end" };
	uint32_t sts;

	while (((sts = read_sts(d)) & done) != done) {
		if (sts & TPM_STS_COMMAND_READY) {
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
				    "the command was aborted");
			return false;
		}
		if (!tpmix_door_pause(d, &p, error))
			return false;
	}
	return true;
}

static uint32_t fifo_transact(struct tpmix_door *d, const uint8_t *cmd,
			      uint32_t len, uint8_t *rsp, GError **error)
{
	uint32_t size = 0;

	if (send_command(d, cmd, len, error) && wait_response(d, error))
		size = receive_response(d, rsp, error);
	/* Back to Idle, whatever happened. */
	write_sts(d, TPM_STS_COMMAND_READY);
	return size;
}

static void fifo_cancel(struct tpmix_door *d)
{
	/* As 4 bytes: the bit is in the last one. */
	tpmix_bus_write(d->bus, tpmix_door_reg(d, TPM_REG_STS),
			TPM_STS_COMMAND_CANCEL, 4);
}

const struct tpmix_door_ops tpmix_fifo_ops = {
	.open = fifo_open,
	.transact = fifo_transact,
	.cancel = fifo_cancel,
};
