/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus that writes down what passes: FILE, a line for each access, and FILE.pcap
 * for the commands and responses (pcap.h).
 *
 *   # tpmix trace 1, ...
 *   0.000123 R 0x00fd8 8 0x0000001c00000007 0 COMPLETED
 *   0.000150 w 0x00fcc 4 0x00000008 0 DOORBELL
 *   0.000160 > 80010000000c0000017b0010
 *   0.000200 < 80010000001c...
 *   # ...
 *
 * Columns: seconds; R read, W write, small where it is a repetition (replay); the
 * offset from TPMIX_BASE; width; value; locality; register, with "+n" where the
 * access begins behind its first byte. ">" is a command, "<" a response, "!" an
 * error, as the driver saw them.
 */
#ifndef TPMIX_TRACE_H
#define TPMIX_TRACE_H

#include "bus.h"

/*
 * Takes over @below. NULL and @error where the file cannot be written; @below
 * stays the caller's then.
 */
struct tpmix_bus *tpmix_trace_new(struct tpmix_bus *below, const char *path,
				  GError **error);

/* Decides the names of registers; FIFO until it is called. */
void tpmix_trace_interface(struct tpmix_bus *bus, enum tpmix_interface interface);

/* For tpmix_replay_new(). */
void tpmix_trace_mark(void *bus, bool begin);

void tpmix_trace_command(struct tpmix_bus *bus, unsigned int locality,
			 const uint8_t *cmd, uint32_t len);
void tpmix_trace_response(struct tpmix_bus *bus, unsigned int locality,
			  const uint8_t *rsp, uint32_t len);

/* A line of the caller's, after "# " or with '!' as its kind. */
void tpmix_trace_note(struct tpmix_bus *bus, char kind, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif /* TPMIX_TRACE_H */
