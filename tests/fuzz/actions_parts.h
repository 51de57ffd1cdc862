/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the decoder share. */
#ifndef TPMIX_FUZZ_ACTIONS_PARTS_H
#define TPMIX_FUZZ_ACTIONS_PARTS_H

#include "actions.h"

/* actions.c */
uint8_t action_byte(struct actions *s);
uint32_t action_size(struct actions *s, uint32_t limit);
/* Slow: only where an action wants it. */
uint16_t action_crc(const struct action_hints *h);

/* actions_run.c */
void action_begin_run(struct actions *s, enum run_kind run, uint32_t page,
		      const struct action_hints *h);
/* The run's next action; false where it is over. */
bool action_run_next(struct actions *s, const struct action_hints *h,
		     struct action *a);
void action_write(struct action *a, uint32_t addr, uint64_t val, unsigned int size);

#endif /* TPMIX_FUZZ_ACTIONS_PARTS_H */
