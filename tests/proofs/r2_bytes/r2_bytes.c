/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2 for a write that reaches several words of the window or of CRB's buffer: two of
 * them, in either order, do the same; each done twice is done once (r2_twice). So are
 * three. Twin: the same word twice.
 */
#define STEADY
#define TWIN_PLACE 17
#define CASES_PLACE 18
#include "place.h"

static void theorem(struct write a)
{
	struct tpmix_state_all before = e.s;
	struct bytes cmd_before = cmd, ram_before = ram_cmd;
	struct snapshot ab;
	struct write b = any_write(a.door, a.locality, 0);

#ifdef TWIN
	assume(a.off == b.off && a.size == b.size);
#else
	assume(a.off / 4 != b.off / 4);
#endif
	do_write(a);
	do_write(b);
	ab = snapshot();
	e.s = before;
	cmd = cmd_before;
	ram_cmd = ram_before;
	do_write(b);
	do_write(a);
	assert(unchanged(&ab));
	possible(cmd.at_k == (uint8_t)a.val && a.off == k);
}
