/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real TPM as a process: swtpm with its state in a directory of the test,
 * and a QEMU on it that has a second QMP socket for a qmp_probe.
 */
#ifndef SWTPM_H
#define SWTPM_H

#include "qtest_client.h"

struct swtpm {
	char *dir;    /* sockets; removed by swtpm_free() */
	char *state;  /* swtpm's state */
	GPid pid;     /* 0: none runs */
};

/* @state NULL: a directory of its own. Nothing is started yet. */
struct swtpm *swtpm_new(const char *state);

/* Starts the process and waits for its socket; also a second time. */
void swtpm_run(struct swtpm *s);

/* SIGKILL, and waits for the end; a stopped process dies, too. */
void swtpm_kill(struct swtpm *s);

/* SIGSTOP, and waits until all of it stopped; SIGCONT. */
void swtpm_pause(struct swtpm *s);
void swtpm_continue(struct swtpm *s);

void swtpm_free(struct swtpm *s);

/* Path of the QMP socket of swtpm_qemu(); g_free(). */
char *swtpm_qmp_path(const struct swtpm *s);

/*
 * QEMU with @device on this TPM, or on @tpm_fd where that is not -1 (a stub's).
 * @chardev is appended to the options of swtpm's chardev, @extra to the command
 * line.
 */
QtestClient *swtpm_qemu(const struct swtpm *s, int tpm_fd, const char *device,
			const char *chardev, const char *extra);

/* Bytes of a process that are in memory. */
size_t process_rss(GPid pid);

#endif /* SWTPM_H */
