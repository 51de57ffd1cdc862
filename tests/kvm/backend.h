/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine asks of its backend beside start(): nothing that these tests'
 * guests bring about.
 */
#ifndef TESTS_KVM_BACKEND_H
#define TESTS_KVM_BACKEND_H

#include <glib.h>

#include "tpmix.h"

static inline void no_cancel(void *opaque)
{
	(void)opaque;
	g_assert_not_reached();
}

static inline void no_reset(void *opaque, unsigned int locality)
{
	(void)opaque;
	(void)locality;
	g_assert_not_reached();
}

static inline void no_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	/* A read over the end of a page meets the reserved offsets there. */
	if (!g_str_has_prefix(what, "read where")) {
		g_error("a guest of these tests is never wrong: %s at 0x%05x",
			what, addr);
	}
}

#define BACKEND(start) { (start), no_cancel, no_reset, no_error, NULL }

#endif /* TESTS_KVM_BACKEND_H */
