/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU under test: a client of its qtest and QMP protocols.
 *
 * Models docs/devel/testing/qtest.rst and docs/interop/qmp-spec.rst of QEMU 10,
 * as far as tests of MMIO devices need it. Interrupt interception
 * and QMP out-of-band execution are left out.
 *
 * QEMU's path is in the environment variable QEMU (default: qemu-system-x86_64
 * of PATH), the directory of its firmware in QEMU_FIRMWARE (default: Debian's
 * /usr/share/seabios).
 *
 * Every function but qtest_start_fails() and qtest_qmp_reply() ends the test
 * where QEMU dies, answers with an error or does not answer within a minute.
 * A QtestClient is used by the thread that started it, and that thread must
 * live on: the kernel kills QEMU when it ends, however it ends.
 */
#ifndef QTEST_CLIENT_H
#define QTEST_CLIENT_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct QtestClient QtestClient;

/*
 * Start QEMU with -accel qtest -nodefaults -display none and the arguments of
 * the format, split as a shell would. Where tpm_fd is not -1 it is one end of a
 * socket to a TPM emulator (tpm_stub_connect()), which becomes -tpmdev
 * emulator,id=tpm0; the client closes it here. Free with qtest_stop().
 */
QtestClient *qtest_start(int tpm_fd, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same for arguments that QEMU must refuse: its messages, free with g_free(). */
char *qtest_start_fails(int tpm_fd, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* QMP quit; QEMU must end with 0. It waits for a TPM command: release it first. */
void qtest_stop(QtestClient *q);

/* SIGKILL. */
void qtest_kill(QtestClient *q);

GPid qtest_pid(const QtestClient *q);

/* Physical addresses; the value is little endian on the bus, as x86 does it. */
uint8_t qtest_readb(QtestClient *q, uint64_t addr);
uint16_t qtest_readw(QtestClient *q, uint64_t addr);
uint32_t qtest_readl(QtestClient *q, uint64_t addr);
uint64_t qtest_readq(QtestClient *q, uint64_t addr);
void qtest_writeb(QtestClient *q, uint64_t addr, uint8_t value);
void qtest_writew(QtestClient *q, uint64_t addr, uint16_t value);
void qtest_writel(QtestClient *q, uint64_t addr, uint32_t value);
void qtest_writeq(QtestClient *q, uint64_t addr, uint64_t value);

/* The width in bytes is an argument: 1, 2, 4 or 8. */
uint64_t qtest_read_width(QtestClient *q, uint64_t addr, unsigned width);
void qtest_write_width(QtestClient *q, uint64_t addr, uint64_t value, unsigned width);

/* I/O ports; 1, 2 or 4 bytes, little endian. */
uint32_t qtest_in(QtestClient *q, uint16_t port, unsigned width);
void qtest_out(QtestClient *q, uint16_t port, uint32_t value, unsigned width);

/* Read until (value & mask) == want, for a minute at most; returns the last value. */
uint64_t qtest_await(QtestClient *q, uint64_t addr, unsigned width, uint64_t mask,
		     uint64_t want);

/* size > 0 bytes in one go, as a DMA does; MMIO is split by the device's rules. */
void qtest_read(QtestClient *q, uint64_t addr, void *data, size_t size);
void qtest_write(QtestClient *q, uint64_t addr, const void *data, size_t size);

/* Advance the virtual clock; returns the new time in ns. */
int64_t qtest_clock_step(QtestClient *q, int64_t ns);

/*
 * Execute a QMP command, its arguments a JSON object in the format, or NULL.
 * Returns what stands under "return"; free with json_node_unref().
 */
JsonNode *qtest_qmp(QtestClient *q, const char *command, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* The whole reply, "return" or "error"; never ends the test for the latter. */
JsonNode *qtest_qmp_reply(QtestClient *q, const char *command, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* The command must fail: the error's text, free with g_free(). */
char *qtest_qmp_fails(QtestClient *q, const char *command, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Wait until an event of this name came, and forget those up to it. */
void qtest_wait_event(QtestClient *q, const char *name);

/* QMP system_reset, and wait until it is done. */
void qtest_reset(QtestClient *q);

/* A path is an absolute QOM path, or the id of a -device. */
uint64_t qtest_qom_get_uint(QtestClient *q, const char *path, const char *property);
bool qtest_qom_get_bool(QtestClient *q, const char *path, const char *property);
void qtest_qom_set_uint(QtestClient *q, const char *path, const char *property, uint64_t value);
void qtest_qom_set_bool(QtestClient *q, const char *path, const char *property, bool value);
void qtest_qom_set_str(QtestClient *q, const char *path, const char *property, const char *value);

/*
 * Save the machine's state to a file by migration. The machine is stopped then
 * (QMP cont lets it run on). The other side is qtest_start() with
 * "-incoming file:PATH" and qtest_wait_running(), or qtest_start_fails().
 */
void qtest_save(QtestClient *q, const char *file);
void qtest_wait_running(QtestClient *q);

#endif /* QTEST_CLIENT_H */
