/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for the tests of failing backends: a QEMU with one of the devices, its TPM
 * (swtpm or the stub), and a probe that watches how fast QMP is answered.
 */
#ifndef FAULT_RIG_H
#define FAULT_RIG_H

#include <sys/types.h>

#include "qmp_probe.h"
#include "qtest_client.h"
#include "swtpm.h"
#include "tpm_guest.h"
#include "tpm_stub.h"

/* A test is run on either device. */
struct variant {
	const char *device;
	gconstpointer data; /* of the test */
};

struct fixture {
	bool crb;
	const char *device;
	struct swtpm *tpm; /* with the stub: its directory alone */
	TpmStub *stub;     /* NULL: swtpm */
	QtestClient *q;
	struct qmp_probe *probe;
	unsigned int stall_ms; /* how long QMP may be silent; 0: as usual */
};

/*
 * Setups and teardown for g_test_add(), with a struct variant: swtpm, whose chardev
 * gets the options in its data (NULL: none), and which is started up; the stub.
 */
void fault_setup_swtpm(struct fixture *f, gconstpointer variant);
void fault_setup_stub(struct fixture *f, gconstpointer variant);
void fault_teardown(struct fixture *f, gconstpointer unused);

/* The first for any struct: swtpm with its state in @state, NULL: one of its own. */
void fault_begin_swtpm(struct fixture *f, const char *device, const char *state,
		       const char *chardev);
/* The second with a stub of the caller's, which is the fixture's then. */
void fault_begin_stub(struct fixture *f, const char *device, TpmStub *stub);

/*
 * Another QEMU on the same TPM. @chardev: options of swtpm's chardev; @extra:
 * appended to the command line. The old one is killed: where its TPM is gone QEMU
 * cannot end gracefully, and is not asked to.
 */
void fault_start_qemu(struct fixture *f, const char *chardev, const char *extra);
void fault_end_qemu(struct fixture *f);

/*
 * Asks for a migration to a file. True where the state was saved, false where QEMU
 * says that it could not; the machine runs on. fault_load() puts a QEMU in its
 * place that goes on from the saved state.
 */
bool fault_save(struct fixture *f);
void fault_load(struct fixture *f);

/* The same, and it is saved, or is not. */
void fault_saves(struct fixture *f);
void fault_fails_to_save(struct fixture *f);

/* A QEMU that was started with "-incoming defer" does not load the saved state. */
void fault_fails_to_come_in(struct fixture *f);

/* The thread by which QEMU's backend waits for the TPM, of the fixture's QEMU. */
pid_t fault_backend_thread(struct fixture *f);

/* Everything by which a guest makes QEMU talk to a TPM that does not listen. */
void fault_pester(struct fixture *f);

/*
 * The host asks QEMU for something (@act) for which it waits for the TPM; @later is
 * what another thread does about the TPM then. QEMU must have waited, and must
 * have gone on soon after.
 */
void fault_wait(struct fixture *f, void (*act)(struct fixture *f),
		void (*later)(struct fixture *f));

/*
 * QMP was answered all the time since the last call, or since the start; two late
 * answers may be the machine's.
 */
void fault_check_alive(struct fixture *f);

/* The response to the last ticket is TPM_RC_FAILURE. */
void fault_check_failure(struct fixture *f);

/* Adds a test for either device, by @add(path, variant, ...). */
#define BOTH(add, path, data, ...) do { \
		static const struct variant tis = { "tpm-tis-indexed", data }; \
		static const struct variant crb = { "tpm-crb-ext", data }; \
		add("/faults/tis/" path, &tis, __VA_ARGS__); \
		add("/faults/crb/" path, &crb, __VA_ARGS__); \
	} while (0)
#define FAULT_ADD(path, variant, setup, func) \
	g_test_add(path, struct fixture, variant, setup, func, fault_teardown)
#define SWTPM(path, chardev, func) \
	BOTH(FAULT_ADD, path, chardev, fault_setup_swtpm, func)
#define STUB(path, data, func) BOTH(FAULT_ADD, path, data, fault_setup_stub, func)

#endif /* FAULT_RIG_H */
