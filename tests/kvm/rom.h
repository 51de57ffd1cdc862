/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test ROM tells the host: counters at ROM_REPORT in RAM. The same
 * layout stands in test_qemu_kvm.py (REPORT). The host patches the option bytes
 * at ROM_OPTIONS of the file: door, locality.
 */
#ifndef TESTS_KVM_ROM_H
#define TESTS_KVM_ROM_H

#include <stdint.h>

#define ROM_REPORT      0x100000u
#define ROM_FIRST       0x110000u
#define ROM_WRONG       0x140000u
#define ROM_MAGIC       0x524D5054u     /* "TPMR" */

enum rom_door {
	ROM_DOOR_FIFO    = 0,
	ROM_DOOR_INDEXED = 1,   /* trapped window */
	ROM_DOOR_CRB     = 2,   /* in the locality that the second option byte says */
	ROM_DOOR_WINDOWS = 3,   /* windows and header in RAM */
};

struct rom_report {
	uint32_t magic;         /* set last, when the first response is there */
	uint32_t door;
	uint32_t loops;         /* responses compared with the first */
	uint32_t mismatches;    /* of them accepted as they came, and wrong */
	uint32_t rereads;       /* indexed door: read again for the checksum's sake */
	uint32_t timeouts;      /* polls and readings again without an end; no MAGIC */
	uint32_t size;          /* of the first response */
	/* of the last wrong response, which is kept at ROM_WRONG; the first at ROM_FIRST */
	uint32_t wrong_at;      /* index of its first wrong byte */
	uint32_t wrong_size;    /* 0: the guest gave up */
	/* from TPMIX_BASE */
	uint32_t ext;           /* the indexed door's pages */
	uint32_t page;          /* CRB: the locality's */
	uint32_t cmd, rsp, header; /* where the door's buffers are */
};

#endif /* TESTS_KVM_ROM_H */
