/* SPDX-License-Identifier: BSD-2-Clause */
#include "actions.h"

#include <inttypes.h>
#include <stdio.h>

void action_print(unsigned int nth, const struct action *a)
{
	unsigned int i;

	fprintf(stderr, "%3u ", nth);
	switch (a->kind) {
	case ACTION_READ:
		fprintf(stderr, "read  0x%05x %u\n", a->addr, a->size);
		break;
	case ACTION_WRITE:
		fprintf(stderr, "write 0x%05x %u 0x%" PRIx64 "\n", a->addr,
			a->size, a->val);
		break;
	case ACTION_POKE:
		fprintf(stderr, "poke  0x%05x %u 0x%" PRIx64 "\n", a->addr,
			a->size, a->val);
		break;
	case ACTION_COMPLETE:
		fprintf(stderr, "complete len %u fill 0x%02x answer %d selftest %d\n",
			a->len, a->fill, a->answer, a->selftest_done);
		break;
	case ACTION_RESET:
		fprintf(stderr, "reset %s bufsize %u established %d\n",
			a->none ? "no tpm" : a->tpm2 ? "tpm2" : "tpm1.2", a->len,
			a->established);
		break;
	case ACTION_RELOAD:
		fprintf(stderr, "save and load\n");
		break;
	case ACTION_HOSTILE_LOAD:
		fprintf(stderr, "load patched:");
		for (i = 0; i < a->num_patches; i++) {
			fprintf(stderr, " %u=0x%02x", a->patch[i].at,
				a->patch[i].byte);
		}
		fprintf(stderr, "\n");
		break;
	}
}
