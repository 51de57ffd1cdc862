/* SPDX-License-Identifier: BSD-2-Clause */
/* See driver.h; each rule quotes the page. */
#include <string.h>

#include "driver.h"
#include "page_model.h"

enum { WINDOW = 3584 };

void driver_begin(struct driver *d, const uint8_t *cmd, uint32_t len)
{
	memcpy(d->cmd, cmd, len);
	d->cmd_len = len;
	d->at = 0;
	d->unexpected = false;
	d->step = STEP_1_REQUEST;
}

/* As many bytes as fit into one access, and do not leave the window. */
static unsigned int chunk(const struct driver *d, uint32_t len)
{
	uint32_t left = len - d->at;

	return left >= 8 ? 8 : left >= 4 ? 4 : 1;
}

/* "The door is found by MAGIC: of `tpm-tis-indexed` in locality 0's page" */
static uint32_t door(const struct driver *d, uint32_t off)
{
	return (d->crb ? 0x6000 : 0) + off;
}

/* "A guest polls COMPLETED here without an exit", where it has the windows. */
static uint32_t polled(const struct driver *d, uint32_t off)
{
	return d->ram ? 0x30000 + off : door(d, off);
}

static struct driver_access read_of(uint32_t addr, unsigned int size)
{
	return (struct driver_access) { false, addr, size, 0 };
}

static struct driver_access write_of(uint32_t addr, unsigned int size, uint64_t val)
{
	return (struct driver_access) { true, addr, size, val };
}

struct driver_access driver_next(const struct driver *d)
{
	uint64_t val = 0;
	unsigned int n;

	switch (d->step) {
	case STEP_1_REQUEST:
		return write_of(d->crb ? 0x08 : 0x00, 1, d->crb ? 1 : 2);
	case STEP_1_GRANTED:
		return read_of(d->crb ? 0x0C : 0x00, 1);
	case STEP_2_INDEX:
	case STEP_5_INDEX:
		return write_of(door(d, 0xFC0), 4, d->at);
	case STEP_4_BUSY:
		return write_of(door(d, 0xFC0), 4, 0);
	case STEP_2_COMMAND:
		n = chunk(d, d->cmd_len);
		memcpy(&val, d->cmd + d->at, n);
		return write_of(d->ram ? 0x10000 + d->at : door(d, 0x100 + d->at % WINDOW),
				n, val);
	case STEP_3_RING:
		return write_of(door(d, 0xFC8), 8, page_crc(d->cmd, d->cmd_len) | 1 << 16 |
				(uint64_t)(d->n + 1) << 32);
	case STEP_4_POLL:
		return read_of(polled(d, 0xFD8), 8);
	case STEP_4_WHY:
	case STEP_5_BELIEVE:
		return read_of(door(d, 0xFD0), 8);
	case STEP_5_RESPONSE:
		n = chunk(d, d->rsp_len);
		return read_of(d->ram ? 0x20000 + d->at : door(d, 0x100 + d->at % WINDOW), n);
	case STEP_5_CSUM:
		return read_of(door(d, 0xFE0), 4);
	default:
		return write_of(d->crb ? 0x08 : 0x00, 1, d->crb ? 2 : 0x20);
	}
}

static void write_command(struct driver *d)
{
	d->at = 0;
	/* "Or the command into the command window." */
	d->step = d->ram ? STEP_2_COMMAND : STEP_2_INDEX;
}

/* "What is not as expected, here and in step 5, is believed where it reads so twice" */
static bool believed(struct driver *d, uint64_t val)
{
	bool twice = d->unexpected && d->why == val;

	d->unexpected = !twice;
	d->why = val;
	return twice;
}

static void response(struct driver *d, uint32_t size)
{
	d->rsp_len = size;
	d->at = 0;
	if (size == 0 || size > DRIVER_MAX) {
		d->rsp_len = 0;
		d->step = STEP_5_CSUM;
	} else {
		d->step = d->ram ? STEP_5_RESPONSE : STEP_5_INDEX;
	}
}

/* "If ACCEPTED is another, ACCEPTED and STATUS (8 bytes at 0xFD0) say why:" */
static void why(struct driver *d, uint64_t val)
{
	const uint32_t accepted = (uint32_t)val, status = (uint32_t)(val >> 32);
	const unsigned int refused = status >> 8 & 0xF;

	if (accepted == d->n + 1 && status != 0xFFFFFFFF) {
		d->unexpected = false;
		d->step = STEP_4_POLL;
		return;
	}
	if (!believed(d, val)) {
		d->step = STEP_4_WHY;
		return;
	}
	if (status == 0xFFFFFFFF) {
		/* "ones: the locality is lost; from step 1 again, with the same ticket" */
		d->seen |= 1u << 31;
		d->step = STEP_1_REQUEST;
		return;
	}
	d->seen |= 1u << refused;
	if (accepted == d->n && refused == 1) {
		/* "INDEX is written first, then step 3 again" */
		d->step = STEP_4_BUSY;
	} else if (accepted == d->n) {
		/* "refused for its checksum (CSUM), or the doorbell was lost" */
		write_command(d);
	} else {
		/* "An error for the caller; n is read anew." */
		d->n = accepted;
		d->step = DRIVER_ERROR;
	}
}

static void believe(struct driver *d, uint64_t val)
{
	if ((uint32_t)val != d->n + 1 || val >> 32 == 0xFFFFFFFF) {
		why(d, val);
	} else if ((d->csum & 0xFFFF) != page_crc(d->cmd, d->cmd_len)) {
		/* "CSUM's lower half is not this command's" */
		if (believed(d, d->csum)) {
			d->n = (uint32_t)val;
			write_command(d);
		} else {
			d->step = STEP_4_POLL;
		}
	} else if (!d->rsp_len || d->csum >> 16 != page_crc(d->rsp, d->rsp_len)) {
		/* "On a difference again from step 4, which reads the size anew." */
		d->step = STEP_4_POLL;
	} else {
		d->step = STEP_6_RELINQUISH;
	}
}

void driver_made(struct driver *d, uint64_t val)
{
	switch (d->step) {
	case STEP_1_REQUEST:
		d->step = STEP_1_GRANTED;
		break;
	case STEP_1_GRANTED:
		/* "ACCESS has activeLocality, LOC_STS Granted." */
		if (val == 0xFF || !(val & (d->crb ? 1 : 0x20))) {
			d->step = STEP_1_REQUEST;
		} else {
			write_command(d);
		}
		break;
	case STEP_2_INDEX:
		d->step = STEP_2_COMMAND;
		break;
	case STEP_2_COMMAND:
		d->at += chunk(d, d->cmd_len);
		if (d->at >= d->cmd_len) {
			d->step = STEP_3_RING;
		} else if (!d->ram && d->at % WINDOW == 0) {
			/* "beyond 3584 bytes INDEX = 3584 and on" */
			d->step = STEP_2_INDEX;
		}
		break;
	case STEP_3_RING:
		d->step = STEP_4_POLL;
		break;
	case STEP_4_BUSY:
		d->step = STEP_3_RING;
		break;
	case STEP_4_POLL:
		/* "until COMPLETED is n + 1" */
		if ((uint32_t)val == d->n + 1) {
			response(d, (uint32_t)(val >> 32));
		} else {
			d->step = STEP_4_WHY;
		}
		break;
	case STEP_4_WHY:
		why(d, val);
		break;
	case STEP_5_INDEX:
		d->step = STEP_5_RESPONSE;
		break;
	case STEP_5_RESPONSE:
		memcpy(d->rsp + d->at, &val, chunk(d, d->rsp_len));
		d->at += chunk(d, d->rsp_len);
		if (d->at >= d->rsp_len) {
			d->step = STEP_5_CSUM;
		} else if (!d->ram && d->at % WINDOW == 0) {
			d->step = STEP_5_INDEX;
		}
		break;
	case STEP_5_CSUM:
		d->csum = (uint32_t)val;
		d->step = STEP_5_BELIEVE;
		break;
	case STEP_5_BELIEVE:
		believe(d, val);
		break;
	default:
		d->n++;
		d->step = DRIVER_DONE;
	}
}
