/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hostile guest's files share: its memory, its dice, its accesses. */
#ifndef TESTS_HOSTILE_ROM_H
#define TESTS_HOSTILE_ROM_H

#include <stdint.h>

#include "tpmix_regs.h"

#define MARGIN  16u     /* how far misdeeds go over the end of what is there */

struct memory {
	uint32_t mark;
	uint32_t random;
	uint32_t seconds;       /* passed */
	uint32_t last;          /* second of the RTC */
	uint32_t resets;
	uint32_t since_reset;   /* seconds */
	uint32_t ext;           /* of tpm-crb-ext: TPMIX_EXT, else 0 */
	uint32_t crb;           /* it has CRB, active or not */
};

static inline uint32_t any(struct memory *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random;
}

static inline uint32_t pick(struct memory *m, uint32_t n)
{
	return (any(m) >> 3) % n;
}

/*
 * Accesses of 1, 2, 4 and 8 bytes; the last by MMX, as one access. No emms:
 * nothing here uses the x87, and KVM's emulator does not know it.
 */
static inline void put(uint32_t at, uint32_t val, unsigned int width)
{
	uint32_t twice[2] = { val, ~val };

	switch (width) {
	case 1: *(volatile uint8_t *)at = (uint8_t)val; break;
	case 2: *(volatile uint16_t *)at = (uint16_t)val; break;
	case 4: *(volatile uint32_t *)at = val; break;
	default:
		__asm__ volatile ("movq %0, %%mm0\n\tmovq %%mm0, (%1)"
				  : : "m"(twice), "r"(at) : "memory");
		break;
	}
}

static inline uint32_t get(uint32_t at, unsigned int width)
{
	uint32_t twice[2];

	switch (width) {
	case 1: return *(volatile uint8_t *)at;
	case 2: return *(volatile uint16_t *)at;
	case 4: return *(volatile uint32_t *)at;
	default:
		__asm__ volatile ("movq (%1), %%mm0\n\tmovq %%mm0, %0"
				  : "=m"(twice) : "r"(at) : "memory");
		return twice[0];
	}
}

/* String instructions: one trap an element, or one for many under KVM. */
static inline void copy(uint32_t to, uint32_t from, uint32_t n)
{
	__asm__ volatile ("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : :
			  "memory");
}

/* rom.c: a command, whole and honest; returns its length */
uint32_t choose(struct memory *m, const uint8_t **cmd);

/* crb.c */
void crb_misdeed(struct memory *m, uint32_t at);
void ram_misdeed(struct memory *m);
/* At each start: which interface the next one finds, locked half the time. */
void crb_select(struct memory *m);
int crb_is_active(void);
/* GetCapability as tpm_crb sends it: NULL, or what went wrong. */
const char *crb_honest(const uint8_t *cmd, uint32_t len);

#endif /* TESTS_HOSTILE_ROM_H */
