/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver as the steps of the page's "Transaction" have it, one access at a time, so
 * that each access can be repeated, delayed, lost, and the driver rolled back to it: all
 * that it knows is in this struct.
 */
#ifndef PAGE_DRIVER_H
#define PAGE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

enum { DRIVER_MAX = 4096 };

enum driver_step {
	STEP_1_REQUEST, STEP_1_GRANTED, STEP_2_INDEX, STEP_2_COMMAND, STEP_3_RING,
	STEP_4_POLL, STEP_4_WHY, STEP_4_BUSY, STEP_5_INDEX, STEP_5_RESPONSE, STEP_5_CSUM,
	STEP_5_BELIEVE, STEP_6_RELINQUISH, DRIVER_DONE, DRIVER_ERROR,
};

struct driver {
	/* the device, and the way: windows in RAM, or the trapped one */
	bool crb, ram;
	enum driver_step step;
	uint32_t n;              /* the last ticket */
	uint32_t at;             /* byte of the command or response */
	uint8_t cmd[DRIVER_MAX], rsp[DRIVER_MAX];
	uint32_t cmd_len, rsp_len;
	uint32_t csum;
	uint64_t why;            /* the last unexpected value, believed if read twice */
	bool unexpected;
	uint32_t seen;           /* REFUSED that was seen, a bit each */
};

struct driver_access {
	bool write;
	uint32_t addr;
	unsigned int size;
	uint64_t val;
};

void driver_begin(struct driver *d, const uint8_t *cmd, uint32_t len);
struct driver_access driver_next(const struct driver *d);
/* The access was made; @val is what a read returned. */
void driver_made(struct driver *d, uint64_t val);

#endif /* PAGE_DRIVER_H */
