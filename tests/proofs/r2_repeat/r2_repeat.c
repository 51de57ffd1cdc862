/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2, for any width and address: a write that left a command running, or accepted one,
 * changes nothing when it is repeated, before and after the command completes. Any
 * other makes the same calls again, of which r2_twice and r2_several say that they
 * change nothing.
 * Twin: another write between.
 */
#include "lift.h"

void proof(void)
{
	struct access a;
	struct tpmix_state_all once;
	uint32_t accepted;
	bool busy;

	any_valid_machine();
	a = any_access_but_fifo();
	assume(a.addr + a.size <= TPMIX_RAM);
	kcall = any_u32();
	accepted = e.s.accepted;
	write(a);
	/* Or it was a repetition itself, and changed nothing. */
	assume(shows);
	busy = tpmix_busy(&e) || e.s.accepted != accepted;
	if (tpmix_busy(&e) && any_bool()) {
		/* The command completes: valid_complete. */
		uint8_t interface = e.s.interface, family = e.s.family;
		struct tpmix_last_write last = e.s.last;

		any_state();
		e.s.interface = interface;
		e.s.family = family;
		e.s.last = last;
	}
#ifdef TWIN
	e.s.last.size = 0;
#endif
	once = e.s;
	repeating = true;
	write(a);
	assert(same_state(&once, &e.s));
	assert(num_again == (busy ? 0 : num_calls));
	if (kcall < num_again) {
		assert(first.door == again.door && first.off == again.off &&
		       first.locality == again.locality &&
		       first.val == again.val && first.mask == again.mask &&
		       first.size == again.size);
	}
	possible(busy && !tpmix_busy(&e));
	possible(num_again == 3);
}
