/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CRB door: PTP 1.05 6.5.3. Command and response are where the registers say,
 * in the locality's page or in the windows in RAM.
 */
#include "door.h"
#include "tpmix.h"

#define LOCALITY_TRIES          4
#define READY_TIMEOUT_US        750000u /* TIMEOUT_C, the greater one */

static uint32_t read_reg(struct tpmix_door *d, uint32_t reg)
{
	return (uint32_t)tpmix_bus_read(d->bus, tpmix_door_reg(d, reg), 4);
}

static void write_reg(struct tpmix_door *d, uint32_t reg, uint32_t val)
{
	tpmix_bus_write(d->bus, tpmix_door_reg(d, reg), val, 4);
}

static bool crb_open(struct tpmix_door *d, GError **error)
{
	uint64_t base = tpmix_bus_base(d->bus), cmd, rsp;

	if (d->interface != TPMIX_INTERFACE_CRB) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "this TPM's interface is the FIFO: use door=indexed or door=fifo");
		return false;
	}
	cmd = read_reg(d, TPM_REG_CTRL_CMD_LADDR) |
	      (uint64_t)read_reg(d, TPM_REG_CTRL_CMD_HADDR) << 32;
	rsp = tpmix_bus_read(d->bus, tpmix_door_reg(d, TPM_REG_CTRL_RSP_ADDR), 8);
	d->bufsize = MIN(read_reg(d, TPM_REG_CTRL_CMD_SIZE),
			 read_reg(d, TPM_REG_CTRL_RSP_SIZE));
	if (!tpmix_door_ok(d, error))
		return false;
	if (d->bufsize < TPMIX_HEADER_SIZE || d->bufsize > TPMIX_BUFFER_MAX ||
	    cmd - base >= TPMIX_SPACE_SIZE || rsp - base >= TPMIX_SPACE_SIZE) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "the CRB's buffers (%u bytes at 0x%" G_GINT64_MODIFIER "x, 0x%" G_GINT64_MODIFIER "x) are not where this bus reaches: try door=indexed",
			    d->bufsize, cmd, rsp);
		return false;
	}
	d->command = (uint32_t)(cmd - base);
	d->response = (uint32_t)(rsp - base);
	return true;
}

/*
 * START is 0: nothing runs. A command that a program left behind when it was killed
 * does not end with it, and a START that meets it is not heard, or heard as that
 * command's: what is read when START has become 0 is the response to the other.
 * False and @error where the wait is over; true, too, where the locality is gone.
 */
static bool wait_idle(struct tpmix_door *d, GError **error)
{
	struct tpmix_pause p = { .limit_us = TPMIX_BUSY_LIMIT_US, .busy = true,
				 .what = "another program's command runs" };

	while (read_reg(d, TPM_REG_CTRL_START) & TPM_CTRL_START_INVOKE &&
	       tpmix_door_is_active(d))
		if (!tpmix_door_pause(d, &p, error))
			return false;
	return tpmix_door_ok(d, error);
}

/*
 * The command is in the buffer, nothing runs, and the locality was ours while it was
 * written. A locality that is taken away takes all writes with it unseen.
 */
static bool write_command(struct tpmix_door *d, const uint8_t *cmd, uint32_t len,
			  GError **error)
{
	struct tpmix_pause ready = { .limit_us = READY_TIMEOUT_US,
				     .what = "it does not become ready" };
	int i;

	for (i = 0; i < LOCALITY_TRIES; i++) {
		if (i && !tpmix_door_request(d, error))
			return false;
		if (!wait_idle(d, error))
			return false;
		/* What cancelled a former command must not meet this one. */
		if (read_reg(d, TPM_REG_CTRL_CANCEL) & TPM_CTRL_CANCEL_INVOKE)
			write_reg(d, TPM_REG_CTRL_CANCEL, 0);
		write_reg(d, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
		while (read_reg(d, TPM_REG_CTRL_REQ) & TPM_CTRL_REQ_CMD_READY ||
		       read_reg(d, TPM_REG_CTRL_STS) & TPM_CTRL_STS_TPM_IDLE) {
			if (!tpmix_door_is_active(d))
				break;
			if (!tpmix_door_pause(d, &ready, error))
				return false;
		}
		tpmix_door_put(d, d->command, cmd, len);
		if (tpmix_door_is_active(d) &&
		    !(read_reg(d, TPM_REG_CTRL_START) & TPM_CTRL_START_INVOKE))
			return tpmix_door_ok(d, error);
		d->repairs++;
	}
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
		    "locality %u was taken away %d times, or another program uses it too",
		    d->locality, LOCALITY_TRIES);
	return false;
}

/* The response, which stays while the locality is ours, and comes back with it. */
static uint32_t read_response(struct tpmix_door *d, uint8_t *rsp, GError **error)
{
	uint32_t size = 0;
	int i;

	for (i = 0; i < LOCALITY_TRIES; i++) {
		if (i && !tpmix_door_request(d, error))
			return 0;
		tpmix_door_get(d, d->response, rsp, TPMIX_HEADER_SIZE);
		size = tpmix_header_size(rsp);
		if (size >= TPMIX_HEADER_SIZE && size <= d->bufsize)
			tpmix_door_get(d, d->response, rsp, size);
		if (tpmix_door_is_active(d))
			break;
		d->repairs++;
	}
	if (!tpmix_door_ok(d, error))
		return 0;
	if (size < TPMIX_HEADER_SIZE || size > d->bufsize) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the response claims %u bytes", size);
		return 0;
	}
	return size;
}

static uint32_t crb_transact(struct tpmix_door *d, const uint8_t *cmd,
			     uint32_t len, uint8_t *rsp, GError **error)
{
	struct tpmix_pause run = { .what = "a command runs" };
	uint32_t size;

	if (!write_command(d, cmd, len, error))
		return 0;
	tpmix_door_sending(d);
	write_reg(d, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	/* Without it START may not have been heard, and the response be an old one. */
	if (!tpmix_door_is_active(d)) {
		if (tpmix_door_ok(d, error))
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
				    "locality %u was taken away: whether the command ran is not known",
				    d->locality);
		return 0;
	}
	while (read_reg(d, TPM_REG_CTRL_START) & TPM_CTRL_START_INVOKE)
		if (!tpmix_door_pause(d, &run, error))
			return 0;
	if (read_reg(d, TPM_REG_CTRL_STS) & TPM_CTRL_STS_TPM_STS) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the TPM reports a fatal error (CTRL_STS.tpmSts)");
		return 0;
	}
	size = read_response(d, rsp, error);
	write_reg(d, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE);
	return size;
}

static void crb_cancel(struct tpmix_door *d)
{
	write_reg(d, TPM_REG_CTRL_CANCEL, TPM_CTRL_CANCEL_INVOKE);
}

const struct tpmix_door_ops tpmix_crb_ops = {
	.open = crb_open,
	.transact = crb_transact,
	.cancel = crb_cancel,
};
