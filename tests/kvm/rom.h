/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test ROM tells the host: counters at ROM_REPORT in RAM. The same
 * layout stands in test_qemu_kvm.py (REPORT). The host patches the option bytes at
 * ROM_OPTIONS of the file: the door, and 1 where the device is tpm-crb-ext.
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
	ROM_DOOR_RAM     = 2,   /* windows and header page in RAM, doorbell */
	ROM_DOOR_CRB     = 3,   /* buffers where CMD_LADDR and RSP_ADDR say */
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
};

#endif /* TESTS_KVM_ROM_H */
