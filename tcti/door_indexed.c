/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The indexed door, its windows trapped or in RAM.
 *
 *  1. count the ticket;
 *  2. INDEX, absolutely, and the command;
 *  3. checksum and ticket in one access: heard once (R3);
 *  4. COMPLETED until it is our ticket (R1);
 *  5. CSUM: the ticket names our command;
 *  6. INDEX, and the response;
 *  7. its checksum; where it differs, 6 again (R4).
 *
 * The device may be driven by a machine that repeats any of these accesses or is
 * rolled back to any of them: that is what they are made for.
 */
#include "door.h"
#include "tpmix.h"

/* One for each reason to refuse a doorbell, and one more. */
#define SEND_TRIES      6
#define READ_TRIES      16
#define REGAIN_TRIES    8

#define ALL_ONES        UINT32_MAX

enum heard {
	HEARD,          /* it runs, or has run */
	AGAIN,          /* not heard: write and ring again */
	BROKEN,
};

enum progress {
	RUNNING,        /* or not heard */
	COMPLETED,
	LOST,           /* the registers show ones: the locality is not active */
};

static uint32_t read_block(struct tpmix_door *d, uint32_t reg)
{
	return (uint32_t)tpmix_bus_read(d->bus, d->block + reg, 4);
}

/*
 * What decides whether a command is sent again is believed when two reads agree:
 * one that was corrupted must not make the TPM run it twice.
 */
static uint64_t read_stable(struct tpmix_door *d, uint32_t reg)
{
	uint64_t last, val = tpmix_bus_read(d->bus, d->block + reg, 8);
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		last = val;
		val = tpmix_bus_read(d->bus, d->block + reg, 8);
		if (val == last)
			break;
	}
	return val;
}

static bool find_block(struct tpmix_door *d, GError **error)
{
	uint32_t page = d->locality << TPMIX_LOCALITY_SHIFT;
	uint32_t version;

	/* CRB has its page filled by the buffer; the block is in another one. */
	if (d->interface == TPMIX_INTERFACE_CRB)
		page += TPMIX_EXT;
	d->block = page;
	if (read_block(d, TPMIX_REG_MAGIC) != TPMIX_MAGIC) {
		d->block = 0;
		if (tpmix_door_ok(d, error))
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
				    "this TPM has no indexed door: use door=%s",
				    d->interface == TPMIX_INTERFACE_CRB ?
				    "crb" : "fifo");
		return false;
	}
	version = read_block(d, TPMIX_REG_VERSION);
	d->bufsize = read_block(d, TPMIX_REG_BUFSIZE);
	if (TPMIX_VERSION_MAJOR(version) != TPMIX_VERSION_MAJOR(TPMIX_VERSION_1_0) ||
	    d->bufsize < TPMIX_HEADER_SIZE || d->bufsize > TPMIX_BUFFER_MAX) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "indexed door of version 0x%x with a buffer of %u bytes: this driver knows version 1",
			    version, d->bufsize);
		return false;
	}
	return tpmix_door_ok(d, error);
}

static bool has(struct tpmix_door *d, uint32_t caps, GError **error)
{
	uint32_t cap = read_block(d, TPMIX_REG_CAP);

	if ((cap & caps) == caps)
		return true;
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
		    "the indexed door lacks capabilities 0x%x of 0x%x: use door=%s",
		    caps & ~cap, caps,
		    caps & TPMIX_CAP_RAM ? "indexed" : "fifo");
	return false;
}

static bool indexed_open(struct tpmix_door *d, GError **error)
{
	uint32_t window;

	if (!find_block(d, error) ||
	    !has(d, TPMIX_CAP_INDEX | TPMIX_CAP_TICKET | TPMIX_CAP_CSUM, error))
		return false;
	window = read_block(d, TPMIX_REG_WINDOW);
	d->status = d->block;
	d->command = d->response = d->block + (window & 0xFFFF);
	/* Whole 8-byte accesses, the registers behind it untouched. */
	d->step = (window >> 16) & ~7u;
	if (!d->step || (window & 7) ||
	    (window & 0xFFFF) + d->step > TPMIX_BLOCK) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "the indexed door's window 0x%x is unusable", window);
		return false;
	}
	return tpmix_door_ok(d, error);
}

/* Offset on the bus of a physical address that the device names. */
static bool ram_offset(struct tpmix_door *d, uint32_t reg, uint32_t *off)
{
	uint64_t at = tpmix_bus_read(d->bus, d->block + reg, 8) -
		      tpmix_bus_base(d->bus);

	*off = (uint32_t)at;
	return at < TPMIX_SPACE_SIZE;
}

static bool window_open(struct tpmix_door *d, GError **error)
{
	if (d->locality != 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "door=window is for locality 0: use door=indexed");
		return false;
	}
	if (!find_block(d, error) ||
	    !has(d, TPMIX_CAP_TICKET | TPMIX_CAP_CSUM | TPMIX_CAP_RAM, error))
		return false;
	d->step = read_block(d, TPMIX_REG_RAM_SIZE);
	if (!ram_offset(d, TPMIX_REG_CMD_WINDOW, &d->command) ||
	    !ram_offset(d, TPMIX_REG_RSP_WINDOW, &d->response) ||
	    !ram_offset(d, TPMIX_REG_HEADER, &d->status) ||
	    d->step < d->bufsize) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "the windows in RAM are not where this bus reaches: use door=indexed");
		return false;
	}
	return tpmix_door_ok(d, error);
}

static void set_index(struct tpmix_door *d, uint32_t at)
{
	tpmix_bus_write(d->bus, d->block + TPMIX_REG_INDEX, at, 4);
}

/*
 * Step 2. INDEX is written even where it should be right, and on another try with a
 * window in RAM too: two doorbells without a write between them are one (R2).
 */
static void write_command(struct tpmix_door *d, const uint8_t *cmd, uint32_t len,
			  bool again)
{
	uint32_t at, n;

	for (at = 0; at < len; at += n) {
		n = MIN(len - at, d->step);
		if (again || d->status == d->block)
			set_index(d, at);
		tpmix_door_put(d, d->command, cmd + at, n);
	}
}

static void ring(struct tpmix_door *d, uint16_t csum)
{
	uint64_t expect = TPMIX_CSUM_EXPECT_ON | csum;

	G_STATIC_ASSERT(TPMIX_REG_DOORBELL == TPMIX_REG_CSUM_EXPECT + 4);
	tpmix_bus_write(d->bus, d->block + TPMIX_REG_CSUM_EXPECT,
			(uint64_t)d->ticket << 32 | expect, 8);
}

/*
 * The registers show ones: someone seized the locality, or relinquishing it was
 * repeated late. Command and response belong to it and come back with it.
 */
static bool regain(struct tpmix_door *d, GError **error)
{
	if (d->regained++ < REGAIN_TRIES)
		return tpmix_door_request(d, error);
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
		    "locality %u was taken away %d times: whether the command ran is not known",
		    d->locality, d->regained);
	return false;
}

/*
 * Not completed yet: was the doorbell heard? Where it was not, the ticket is what
 * the next try has to ring.
 */
static enum heard check_heard(struct tpmix_door *d, GError **error)
{
	struct tpmix_pause p = { .limit_us = TPMIX_BUSY_LIMIT_US, .busy = true,
				 .what = "another program's command runs" };
	uint32_t accepted, status, refused;
	uint64_t val;

	G_STATIC_ASSERT(TPMIX_REG_STATUS == TPMIX_REG_ACCEPTED + 4);
	while ((val = read_stable(d, TPMIX_REG_ACCEPTED)) == UINT64_MAX)
		if (!tpmix_door_ok(d, error) || !regain(d, error))
			return BROKEN;
	accepted = (uint32_t)val;
	status = (uint32_t)(val >> 32);
	refused = (status & TPMIX_STATUS_REFUSED_MASK) >> TPMIX_STATUS_REFUSED_SHIFT;
	if (accepted == d->ticket)
		return HEARD;
	if (accepted + 1 == d->ticket) {
		if (refused != TPMIX_REFUSED_BUSY)
			return AGAIN;
		/* Not heard: what is cancelled now is not sent again. */
		d->sent = false;
		while (read_block(d, TPMIX_REG_STATUS) & TPMIX_STATUS_BUSY) {
			if (!tpmix_door_pause(d, &p, error)) {
				d->ticket = accepted;
				return BROKEN;
			}
		}
		return AGAIN;
	}
	if (refused == TPMIX_REFUSED_TICKET) {
		/* The TPM has another user: follow its count. */
		d->ticket = accepted + 1;
		return AGAIN;
	}
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
		    "another user's command followed: the response is lost");
	d->ticket = accepted;
	return BROKEN;
}

/* Step 4: COMPLETED first, then what it says is in place. */
static enum progress read_progress(struct tpmix_door *d, uint32_t *rsp_size)
{
	uint32_t done;
	uint64_t val;

	G_STATIC_ASSERT(TPMIX_REG_RSP_SIZE == TPMIX_REG_COMPLETED + 4);
	if (d->status == d->block) {
		val = tpmix_bus_read(d->bus, d->block + TPMIX_REG_COMPLETED, 8);
		done = (uint32_t)val;
		*rsp_size = (uint32_t)(val >> 32);
	} else {
		/* In RAM two registers do not change together. */
		done = (uint32_t)tpmix_bus_read(d->bus,
						d->status + TPMIX_REG_COMPLETED, 4);
		*rsp_size = done == d->ticket || done == ALL_ONES ?
			(uint32_t)tpmix_bus_read(d->bus,
						 d->status + TPMIX_REG_RSP_SIZE, 4) : 0;
	}
	if (*rsp_size == ALL_ONES)
		return LOST;
	return done == d->ticket ? COMPLETED : RUNNING;
}

/* Steps 3 and 4. Returns the response's size where @heard is HEARD. */
static uint32_t run_command(struct tpmix_door *d, uint16_t csum, enum heard *heard,
			    GError **error)
{
	struct tpmix_pause p = { .what = "a command runs" };
	enum progress progress;
	uint32_t size;

	*heard = AGAIN;
	tpmix_door_sending(d);
	ring(d, csum);
	while ((progress = read_progress(d, &size)) != COMPLETED) {
		/* A command that was heard once runs, unless the locality is gone. */
		if (*heard != HEARD || progress == LOST) {
			*heard = check_heard(d, error);
			if (*heard != HEARD)
				return 0;
		}
		if (!tpmix_door_pause(d, &p, error)) {
			*heard = BROKEN;
			return 0;
		}
	}
	*heard = HEARD;
	return size;
}

/*
 * Step 5: HEARD where the ticket's command is ours, AGAIN where it is another's, to
 * be followed by the next ticket.
 */
static enum heard check_command(struct tpmix_door *d, uint16_t csum, GError **error)
{
	uint32_t val;
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		val = read_block(d, TPMIX_REG_CSUM);
		if ((val & 0xFFFF) == csum && val != ALL_ONES)
			return HEARD;
		if (val == ALL_ONES &&
		    read_stable(d, TPMIX_REG_ACCEPTED) == UINT64_MAX &&
		    !regain(d, error))
			return BROKEN;
	}
	d->ticket++;
	return AGAIN;
}

/* Steps 6 and 7. */
static uint32_t read_response(struct tpmix_door *d, uint32_t size, uint8_t *rsp,
			      GError **error)
{
	enum progress progress;
	uint32_t at, n, csum;
	int i;

	for (i = 0; i < READ_TRIES && tpmix_door_ok(d, error); i++) {
		if (i) {
			/* Size and checksum may be what was read wrongly. */
			d->repairs++;
			progress = read_progress(d, &size);
			if (progress == LOST && !regain(d, error))
				break;
			if (progress != COMPLETED)
				continue;
		}
		csum = read_block(d, TPMIX_REG_CSUM) >> 16;
		if (size < TPMIX_HEADER_SIZE || size > d->bufsize)
			continue;
		for (at = 0; at < size; at += n) {
			n = MIN(size - at, d->step);
			if (d->status == d->block)
				set_index(d, at);
			tpmix_door_get(d, d->response, rsp + at, n);
		}
		if (tpmix_crc16(rsp, size) == csum && tpmix_header_size(rsp) == size)
			return size;
	}
	if (error && !*error)
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the response differs from its checksum each of %d times",
			    READ_TRIES);
	return 0;
}

static uint32_t indexed_transact(struct tpmix_door *d, const uint8_t *cmd,
				 uint32_t len, uint8_t *rsp, GError **error)
{
	uint16_t csum = tpmix_crc16(cmd, len);
	enum heard heard;
	uint32_t size;
	int i;

	d->ticket++;
	for (i = 0; i < SEND_TRIES; i++) {
		/* All of it: what was lost of it is not known. */
		write_command(d, cmd, len, i > 0);
		size = run_command(d, csum, &heard, error);
		if (heard == HEARD)
			heard = check_command(d, csum, error);
		if (heard == BROKEN)
			return 0;
		if (heard == HEARD)
			return read_response(d, size, rsp, error);
		d->repairs++;
	}
	d->ticket--;
	if (tpmix_door_ok(d, error))
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "the TPM refused the command %d times (STATUS 0x%x)",
			    SEND_TRIES, read_block(d, TPMIX_REG_STATUS));
	return 0;
}

/* Names the command: late or twice it finds another or none. */
static void indexed_cancel(struct tpmix_door *d)
{
	tpmix_bus_write(d->bus, d->block + TPMIX_REG_CANCEL, d->ticket, 4);
}

const struct tpmix_door_ops tpmix_indexed_ops = {
	.open = indexed_open,
	.transact = indexed_transact,
	.cancel = indexed_cancel,
};

const struct tpmix_door_ops tpmix_window_ops = {
	.open = window_open,
	.transact = indexed_transact,
	.cancel = indexed_cancel,
};
