/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the ESYS programs that the tests start end on a failure: one line on stderr,
 * status 1.
 */
#ifndef ESYS_CHECK_H
#define ESYS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include <tss2/tss2_rc.h>

#define TRY(call) check(call, #call, __LINE__)

static inline void check(TSS2_RC rc, const char *what, int line)
{
	if (rc == TSS2_RC_SUCCESS)
		return;
	fprintf(stderr, "line %d: %.60s: %s\n", line, what, Tss2_RC_Decode(rc));
	exit(1);
}

static inline void demand(int truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

#endif /* ESYS_CHECK_H */
