/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel around the driver: its devices, time, work and TPM core, as
 * much of them as tests of the driver need. shim/shim.h is what the driver sees of it.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stdint.h>

enum outcome {
	RIGHT,
	WRONG,          /* a response was believed that is not the TPM's to this command */
	FAILED,         /* the driver said so */
};

/* How the guest does its things; before guest_boot(). */
struct guest_options {
	const char *door;
	unsigned int cpus;      /* with one the driver does not spin */
};

/* Loads the driver, which binds the device; what its probe returned. */
int guest_boot(const struct guest_options *options);

/* Unbinds and unloads it. */
void guest_end(void);
void guest_shutdown(void);
int guest_suspend(void);
int guest_resume(void);

/* The file "door" of the device; the error where it is not bound. */
const char *guest_door(void);

/* The command of that number, by the TPM core; @nth is its execution that is meant. */
enum outcome guest_transmit(uint32_t serial, uint32_t nth);
extern int guest_rc;            /* of the last one */
extern uint32_t guest_cmd_len;  /* of commands */
extern uint32_t guest_room;     /* for the response */

/*
 * Runs @what so that the guest can be rolled back in it: its memory, of which the
 * stack is a part, but not the machine's. At the end of @what at the latest, where
 * a snapshot was made and not come back to.
 */
void guest_run(void (*what)(void *data), void *data);

/* False; after guest_roll_back() it returns once more, true. */
bool guest_snapshot(void);
void guest_roll_back(void);

/* Microseconds since boot, and what passes of them. */
int64_t guest_now_us(void);
void guest_time_passes(int64_t us);

/* Interrupts that the driver had, how often it asked what time it is, and slept. */
unsigned int guest_interrupts(void);
unsigned int guest_clock_reads(void);
unsigned int guest_sleeps(void);

/* A fatal signal that comes in so many microseconds; -1: none. */
void guest_kill_in(int64_t us);
void guest_wants_cpu(bool wants);

/* The machine was restored or forked, and says so. */
void guest_new_generation(void);

/* The last line that the driver logged with a text in it, or NULL. */
const char *guest_logged(const char *text);

/* How often a tracepoint was passed since guest_boot(). */
unsigned int guest_traced(const char *name);

#endif /* GUEST_H */
