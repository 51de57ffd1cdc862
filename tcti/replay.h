/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus that repeats accesses, as QEMU's test device mmio-replay does: same
 * properties, same meaning, same choice for the same seed (hw/misc/mmio_replay.c).
 *
 * Differences: "addr" and "size" are by default all that the bus has, RAM windows
 * included; an access is one of the driver's, also where the transport splits it.
 */
#ifndef TPMIX_REPLAY_H
#define TPMIX_REPLAY_H

#include "bus.h"

enum tpmix_replay_when {
	TPMIX_REPLAY_NOW,       /* the driver gets the second value of a read */
	TPMIX_REPLAY_LATE,      /* after the next "delay" accesses */
	TPMIX_REPLAY_COMPLETED, /* once the command has completed */
};

struct tpmix_replay_spec {
	uint64_t addr, size;    /* physical; the range that is selected from */
	bool enabled, reads, writes;
	uint64_t min_offset, max_offset; /* from addr */
	uint64_t nth;           /* this selected access, from 1; 0: none */
	uint32_t rate;          /* so many of a million, at random */
	uint64_t seed;
	enum tpmix_replay_when when;
	uint32_t delay;
	uint64_t done_addr;     /* the done condition, from addr */
	uint32_t done_mask, done_value;
};

struct tpmix_replay_counts {
	uint64_t accesses, selected, replayed_reads, replayed_writes, pending;
};

/* Called before (@begin) and after each repetition. */
typedef void (*tpmix_replay_mark)(void *opaque, bool begin);

/* @crb: the done condition is CTRL_START's, not STS's. */
void tpmix_replay_defaults(struct tpmix_replay_spec *spec, bool crb);

/* True where @key is a property of mmio-replay that can be set here. */
bool tpmix_replay_is_key(const char *key);

/* Sets one property. False and @error where it is none or the value is wrong. */
bool tpmix_replay_set(struct tpmix_replay_spec *spec, const char *key,
		      const char *value, GError **error);

/* False and @error where the properties do not go together. */
bool tpmix_replay_check(const struct tpmix_replay_spec *spec, GError **error);

/* Takes over @below. @mark may be NULL. Requires a spec that passed the check. */
struct tpmix_bus *tpmix_replay_new(struct tpmix_bus *below,
				   const struct tpmix_replay_spec *spec,
				   tpmix_replay_mark mark, void *opaque);

void tpmix_replay_get_counts(const struct tpmix_bus *bus,
			     struct tpmix_replay_counts *counts);

/* Counts from 0, the random numbers from the seed; pending repeats are dropped. */
void tpmix_replay_reset(struct tpmix_bus *bus, const struct tpmix_replay_spec *spec);

#endif /* TPMIX_REPLAY_H */
