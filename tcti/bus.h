/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the registers of one TPM, wherever they are.
 *
 * A bus reads and writes 1 to 8 bytes at an offset from TPMIX_BASE, in
 * little-endian order. Transports (inproc, qtest, mem) are buses; replay and
 * trace are buses over another bus. A bus is used by one thread at a time.
 *
 * An error is kept: the first one stays in @error, reads return all ones from
 * then on and writes do nothing. So a driver looks once, where it gives up or
 * believes something, and not after each access.
 */
#ifndef TPMIX_BUS_H
#define TPMIX_BUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tpmix_regs.h"
#include "turn.h"

struct tpmix_bus;

struct tpmix_bus_ops {
	uint64_t (*read)(struct tpmix_bus *bus, uint32_t off, unsigned int size);
	void (*write)(struct tpmix_bus *bus, uint32_t off, uint64_t val,
		      unsigned int size);
	/* NULL: the one below, or g_usleep() */
	void (*wait)(struct tpmix_bus *bus, unsigned int us);
	/* Frees the bus itself; the one below is closed afterwards. */
	void (*close)(struct tpmix_bus *bus);
};

/* Embedded as the first member of each kind of bus. */
struct tpmix_bus {
	const struct tpmix_bus_ops *ops;
	struct tpmix_bus *below;        /* NULL for a transport */
	GError *error;                  /* the first one */
	uint64_t base;                  /* transport: physical address of offset 0 */
	struct tpmix_turn *turn;        /* transport: NULL: no other has its registers */
};

/* What the caller may do about an error; each has a TSS2 return code. */
enum tpmix_error {
	TPMIX_ERROR_CONFIG,     /* the configuration is wrong */
	TPMIX_ERROR_NO_DEVICE,  /* nothing there, or not what the door needs */
	TPMIX_ERROR_IO,         /* the way to the device broke */
	TPMIX_ERROR_BUSY,       /* another user has it */
	TPMIX_ERROR_DATA,       /* the device's answers make no sense */
	TPMIX_ERROR_STOPPED,    /* the caller asked to give up */
	TPMIX_ERROR_CANCELED,   /* the caller cancelled what was not sent yet */
	TPMIX_ERROR_SIZE,       /* larger than the device's buffer */
};
#define TPMIX_ERROR (tpmix_error_quark())
GQuark tpmix_error_quark(void);

/* Requires 1 <= size <= 8. */
uint64_t tpmix_bus_read(struct tpmix_bus *bus, uint32_t off, unsigned int size);
void tpmix_bus_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
		     unsigned int size);

/* The physical address of offset 0, as the device's own addresses count. */
uint64_t tpmix_bus_base(const struct tpmix_bus *bus);

/* Whose turn it is at these registers; NULL: nobody else in this process has them. */
struct tpmix_turn *tpmix_bus_turn(const struct tpmix_bus *bus);

/* Sleeps until the device may have changed, @us microseconds at most. */
void tpmix_bus_wait(struct tpmix_bus *bus, unsigned int us);

/* The first error of the bus or of one below it; NULL: none. */
const GError *tpmix_bus_error(const struct tpmix_bus *bus);

/* For buses: keeps the first error. printf-like. */
void tpmix_bus_fail(struct tpmix_bus *bus, enum tpmix_error code,
		    const char *format, ...) G_GNUC_PRINTF(3, 4);

/*
 * For transports whose accesses are aligned and of 1, 2, 4 or 8 bytes: the parts of
 * any other one, lowest address first.
 */
uint64_t tpmix_bus_split_read(struct tpmix_bus *bus, uint32_t off, unsigned int size,
			      uint64_t (*read)(struct tpmix_bus *, uint32_t,
					       unsigned int));
void tpmix_bus_split_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			   unsigned int size,
			   void (*write)(struct tpmix_bus *, uint32_t, uint64_t,
					 unsigned int));

/* Closes the bus and all below it. NULL is allowed. */
void tpmix_bus_close(struct tpmix_bus *bus);

/* The transports. NULL and @error where they cannot be opened. */

/*
 * A device inside QEMU, over the Unix socket of its -qtest chardev. @address is
 * where the device's first byte is in physical memory. QEMU talks to one client: all
 * of this process share the connection to one socket, and another process that has it
 * is waited for, @wait_s seconds.
 */
struct tpmix_bus *tpmix_qtest_open(const char *path, uint64_t address,
				   unsigned int wait_s, GError **error);

/*
 * Memory: /dev/mem, a UIO device (its first map; @address is not used) or a file.
 * @size bytes from @address on are mapped.
 */
struct tpmix_bus *tpmix_mem_open(const char *path, uint64_t address,
				 uint32_t size, GError **error);

/*
 * The engine and libtpms in this process; state in directory @state, which is
 * made where it is missing. The device is tpm-tis-indexed, or with @crb
 * tpm-crb-ext; software may use locality 4. Each has its own registers and
 * localities, and all of one process the TPM behind them (tpm_share.h). Where another
 * process has the directory it is waited for, @wait_s seconds.
 */
struct tpmix_bus *tpmix_inproc_open(const char *state, bool crb,
				    unsigned int wait_s, GError **error);

#endif /* TPMIX_BUS_H */
