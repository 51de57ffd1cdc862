/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write, as the doors get it from mmio.c: to one register or one word of a
 * buffer, of one locality, in a state with one active locality or none. Each of
 * these cases is looked at by itself: with constants in the place of what
 * indexes and selects, CBMC ends in seconds; all in one, it does not.
 * lift_write proves that a write of any width is a sequence of these and no more.
 */
#ifndef PLACE_H
#define PLACE_H

#include "proof.h"

enum door { FIFO, PUSH, CRB, BUFFER, INDEXED, WINDOW };

/* The registers that do something; dead_write: the others do nothing. */
#define PLACES(X) \
	X(0, FIFO, TPM_REG_ACCESS) \
	X(1, CRB, TPM_REG_LOC_CTRL) \
	X(2, FIFO, TPM_REG_STS) \
	X(3, CRB, TPM_REG_CTRL_REQ) \
	X(4, CRB, TPM_REG_CTRL_CANCEL) \
	X(5, CRB, TPM_REG_CTRL_START) \
	X(6, INDEXED, TPMIX_REG_CSUM_EXPECT) \
	X(7, INDEXED, TPMIX_REG_DOORBELL) \
	X(8, INDEXED, TPMIX_REG_CANCEL) \
	X(9, INDEXED, TPMIX_REG_INDEX) \
	X(10, INDEXED, TPMIX_REG_INT_ACK) \
	X(11, FIFO, TPM_REG_INT_ENABLE) \
	X(12, FIFO, TPM_REG_INT_STATUS) \
	X(13, FIFO, TPM_REG_INTERFACE_ID) \
	X(14, CRB, TPM_REG_CRB_INT_ENABLE) \
	X(15, CRB, TPM_REG_CRB_INT_STS) \
	X(16, CRB, TPM_REG_INTF_ID) \
	X(17, WINDOW, 0) \
	X(18, BUFFER, 0) \
	X(19, PUSH, 0)
#define NUM_PLACES 20

/* Where a write of up to 8 bytes reaches several registers: three words from here. */
#ifdef SEQUENCES
#undef PLACES
#undef NUM_PLACES
#define PLACES(X) \
	X(0, FIFO, TPM_REG_INT_ENABLE) \
	X(1, FIFO, TPM_REG_INT_STATUS) \
	X(2, CRB, TPM_REG_CTRL_REQ) \
	X(3, CRB, TPM_REG_CTRL_CANCEL) \
	X(4, CRB, TPM_REG_CTRL_START) \
	X(5, INDEXED, TPMIX_REG_INDEX) \
	X(6, INDEXED, TPMIX_REG_CANCEL) \
	X(7, INDEXED, TPMIX_REG_CSUM_EXPECT) \
	X(8, CRB, TPM_REG_CRB_INT_ENABLE)
#define NUM_PLACES 9
#define CHANGES_ACTIVE(place) false
#define NEEDS_ACTIVE(place) ((place) == 2 || ((place) >= 5 && (place) <= 7))
#endif
#ifdef EACH_DOOR
#define CHANGES_ACTIVE(place) true
#define NEEDS_ACTIVE(place) false
#elif !defined(SEQUENCES)
/* The first two change who is active, the next nine are for who is. */
#define CHANGES_ACTIVE(place) ((place) <= 1)
#ifdef INACTIVE
#define NEEDS_ACTIVE(place) false
#else
#define NEEDS_ACTIVE(place) (((place) > 1 && (place) <= 10) || (place) >= 17)
#endif
#endif

/* scripts/prove.py splits a proof further by these; a twin needs one place only. */
#ifndef TWIN_LOCALITY
#define TWIN_LOCALITY 1
#endif
#if defined(TWIN) && defined(TWIN_PLACE)
#define FIRST TWIN_PLACE
#define LAST TWIN_PLACE
#define LOCALITY TWIN_LOCALITY
#elif defined(POSSIBLE) && defined(CASES_PLACE)
#define FIRST CASES_PLACE
#define LAST CASES_PLACE
#define LOCALITY TWIN_LOCALITY
#endif
#ifndef FIRST
#define FIRST 0
#define LAST (NUM_PLACES - 1)
#endif
#ifdef LOCALITY
#define FIRST_LOCALITY LOCALITY
#define LAST_LOCALITY LOCALITY
#else
#define FIRST_LOCALITY 0
#define LAST_LOCALITY (TPMIX_NUM_LOCALITIES - 1)
#endif

struct write {
	enum door door;
	unsigned int locality;
	uint32_t off, val, mask;
	unsigned int size; /* of a buffer */
};

static enum door place_door(unsigned int place)
{
#ifdef EACH_DOOR
	return place == 0 ? FIFO : place == 1 ? CRB : INDEXED;
#endif
	switch (place) {
#define X(n, door, off) case n: return door;
	PLACES(X)
#undef X
	default: return PUSH;
	}
}

static uint32_t place_off(unsigned int place)
{
	switch (place) {
#define X(n, door, off) case n: return off;
	PLACES(X)
#undef X
	default: return 0;
	}
}

/* Any value and any bytes of the register; of a buffer up to a word. */
static struct write any_write(enum door door, unsigned int locality, uint32_t off)
{
	struct write w = { door, locality, off, any_u32(), any_u32() };

	assume(!(w.val & ~w.mask));
	if (door == WINDOW || door == BUFFER) {
		w.off = any_u32();
		assume(w.off < (door == WINDOW ? TPMIX_WINDOW_SIZE :
						 TPMIX_DATA_BUFFER_SIZE));
		w.size = any_u8();
		assume(w.size >= 1 && (w.off & 3) + w.size <= 4);
	}
	return w;
}

static void do_write(struct write w)
{
	switch (w.door) {
	case FIFO:
		tpmix_fifo_write32(&e, w.locality, w.off, w.val, w.mask);
		break;
	case PUSH:
		tpmix_fifo_push(&e, w.locality, (uint8_t)w.val);
		break;
	case CRB:
		tpmix_crb_write32(&e, w.locality, w.off, w.val, w.mask);
		break;
	case BUFFER:
		tpmix_crb_buffer_write(&e, w.locality, w.off, w.val, w.size);
		break;
	case INDEXED:
		tpmix_indexed_write32(&e, w.locality, w.off, w.val, w.mask);
		break;
	default:
		tpmix_window_write(&e, w.locality, w.off, w.val, w.size);
		break;
	}
}

/* The active locality as a constant, and what the invariant says with it. */
static void pin_active(uint8_t active)
{
	assume(e.s.active == active);
	e.s.active = active;
	if (active < TPMIX_NUM_LOCALITIES) {
		assume(e.s.cmd_owner == active);
		e.s.cmd_owner = active;
	}
}

/* Whatever locality is active, as a constant in each case. */
#define EACH_ACTIVE(call) \
	switch (e.s.active) { \
	case 0: pin_active(0); call; break; \
	case 1: pin_active(1); call; break; \
	case 2: pin_active(2); call; break; \
	case 3: pin_active(3); call; break; \
	case 4: pin_active(4); call; break; \
	default: pin_active(TPMIX_NO_LOCALITY); call; break; \
	}

/* The theorem, of a state and a write; a harness with places has this one. */
static void theorem(struct write w);

static void any_place_machine(enum door door, unsigned int locality)
{
#ifdef ANY_BITS
	any_machine();
#else
	any_valid_machine();
	/* lift_write: without a TPM no door is called. */
	assume(e.s.family != TPMIX_FAMILY_NONE);
	assume(locality < e.cfg.localities);
	if (door == FIFO || door == PUSH) {
		assume(e.s.interface == TPMIX_INTERFACE_FIFO);
		e.s.interface = TPMIX_INTERFACE_FIFO;
	}
	if (door == CRB || door == BUFFER) {
		assume(e.s.interface == TPMIX_INTERFACE_CRB);
		e.s.interface = TPMIX_INTERFACE_CRB;
	}
#endif
}

/*
 * Cases of the active locality: each; or none, where that does not matter; or the
 * one that writes, where the writes of others do nothing, as access_write proves.
 */
static unsigned int active_cases(unsigned int place)
{
	return CHANGES_ACTIVE(place) ? TPMIX_NUM_LOCALITIES + 1 : 1;
}

static void active_case(unsigned int n, unsigned int place, unsigned int locality)
{
	if (CHANGES_ACTIVE(place)) {
		pin_active(n < TPMIX_NUM_LOCALITIES ? n : TPMIX_NO_LOCALITY);
	} else if (NEEDS_ACTIVE(place)) {
		pin_active(locality);
	}
}

void proof(void)
{
	unsigned int place, locality, n, i = 0, which = any_u32();

	for (place = FIRST; place <= LAST; place++) {
		enum door door = place_door(place);

		for (locality = FIRST_LOCALITY; locality <= LAST_LOCALITY; locality++) {
			for (n = 0; n < active_cases(place); n++) {
				if (which != i++) {
					continue;
				}
				any_place_machine(door, locality);
				active_case(n, place, locality);
				theorem(any_write(door, locality,
						  place_off(place)));
				/* No merging of what nobody looks at. */
				assume(0);
			}
		}
	}
}

#endif /* PLACE_H */
