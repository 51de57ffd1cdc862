/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swtpm killed or stopped, while the TPM is idle, while it executes a command,
 * while QEMU saves its state. The guest gets a TPM error or, later, the right
 * response; QEMU answers QMP; nothing that the TPM acknowledged is lost.
 */
#include "fault_rig.h"
#include "tpmix.h"

#define BASE    TPM_GUEST_BASE
#define STOP_US 1200000

static const uint8_t data[] = { 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4 };

/* swtpm killed */

static void killed_idle(struct fixture *f, gconstpointer unused)
{
	unsigned int i;

	(void)unused;
	swtpm_kill(f->tpm);
	for (i = 0; i < 3; i++) {
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL),
				==, TPM_GUEST_FAILURE);
		fault_check_failure(f);
	}
	fault_pester(f);
	fault_check_alive(f);
}

static void killed_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 1);
	uint32_t ticket;

	(void)unused;
	ticket = tpm_guest_ring(f->q, &c);
	g_usleep(5000);
	swtpm_kill(f->tpm);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	fault_check_failure(f);
	fault_check_alive(f);
}

/* The guest resets its machine: QEMU goes on, the guest sees no TPM. */
static void killed_reset(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_kill(f->tpm);
	qtest_reset(f->q);
	/* LOC_STATE of CRB has the same bit there */
	g_assert_cmphex(qtest_readb(f->q, BASE) & TPM_ACCESS_REG_VALID_STS, ==, 0);
	fault_check_alive(f);
}

static void killed_migration(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_kill(f->tpm);
	fault_fails_to_save(f);
	/* the machine runs on, and its TPM fails as before */
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL), ==,
			TPM_GUEST_FAILURE);
	fault_check_alive(f);
}

static void killed_migration_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 2);
	uint32_t ticket;

	(void)unused;
	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &c);
	swtpm_kill(f->tpm);
	fault_fails_to_save(f);
	g_assert_true(tpm_guest_completes(f->q, ticket, 5000));
	fault_check_failure(f);
	fault_check_alive(f);
}

static void kills(struct fixture *f)
{
	swtpm_kill(f->tpm);
}

/* QEMU waits for a stopped TPM, for its state or its answer, until it dies. */
static void killed_in_migration(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_pause(f->tpm);
	fault_wait(f, fault_fails_to_save, kills);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_get_random, NULL), ==,
			TPM_GUEST_FAILURE);
	fault_check_alive(f);
}

static void killed_in_migration_executing(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &tpm_get_random);
	fault_wait(f, fault_fails_to_save, kills);
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	fault_check_failure(f);
	fault_check_alive(f);
}

/* swtpm is back on its state, and the machine is reset: the TPM is back, too. */
static void killed_recovery(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command write = tpm_nv_write(data);
	uint8_t rsp[TPM_GUEST_MAX];
	unsigned int i;

	(void)unused;
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f->q, &write, NULL), ==, 0);
	swtpm_kill(f->tpm);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, NULL), ==,
			TPM_GUEST_FAILURE);
	swtpm_run(f->tpm);
	g_usleep(300000); /* the chardev connects again every 50 ms */
	for (i = 0; i < 2; i++) {
		qtest_reset(f->q);
		tpm_guest_honest(f->q);
		g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, rsp), ==, 0);
		g_assert_cmpmem(rsp + 16, 8, data, 8);
	}
	fault_check_alive(f);
}

/* The same for a QEMU that does not reconnect: another one. */
static void killed_restart(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command write = tpm_nv_write(data);
	uint8_t rsp[TPM_GUEST_MAX];

	(void)unused;
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f->q, &write, NULL), ==, 0);
	swtpm_kill(f->tpm);
	fault_end_qemu(f);
	swtpm_run(f->tpm);
	fault_start_qemu(f, "", "");
	tpm_guest_honest(f->q);
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, rsp), ==, 0);
	g_assert_cmpmem(rsp + 16, 8, data, 8);
}

/* swtpm stopped by SIGSTOP */

static void stopped_idle(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_pause(f->tpm);
	fault_pester(f);
	tpm_guest_relinquish(f->q, 3);
	tpm_guest_request(f->q, 0);
	tpm_guest_ring(f->q, &tpm_get_cap);
	fault_pester(f);
	g_usleep(STOP_US);
	fault_check_alive(f);

	swtpm_continue(f->tpm);
	tpm_guest_honest(f->q);
	fault_check_alive(f);
}

/* A command that nobody cancels has its response when swtpm runs on. */
static void stopped_executing(struct fixture *f, gconstpointer unused)
{
	const struct tpm_command c = tpm_create_rsa(3072, 3);
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t ticket;

	(void)unused;
	ticket = tpm_guest_ring(f->q, &c);
	g_usleep(5000);
	swtpm_pause(f->tpm);
	g_assert_false(tpm_guest_completes(f->q, ticket, STOP_US / 1000));
	fault_check_alive(f);
	swtpm_continue(f->tpm);
	g_assert_true(tpm_guest_completes(f->q, ticket, 10000));
	g_assert_cmpuint(tpm_guest_response(f->q, rsp), >, 300);
	g_assert_cmpuint(rsp[8] << 8 | rsp[9], ==, 0);

	swtpm_pause(f->tpm);
	tpm_guest_ring(f->q, &tpm_get_cap);
	fault_pester(f);
	g_usleep(STOP_US);
	fault_check_alive(f);
	swtpm_continue(f->tpm);
	tpm_guest_honest(f->q);
}

/*
 * What the host itself asks of a TPM that it stopped waits for it: reset and
 * migration. Then they are done, and nothing is lost. The wait is said.
 */
static void continues(struct fixture *f)
{
	swtpm_continue(f->tpm);
}

static void resets(struct fixture *f)
{
	qtest_reset(f->q);
}

static void stopped_migration(struct fixture *f, gconstpointer unused)
{
	uint32_t ticket;

	(void)unused;
	swtpm_pause(f->tpm);
	fault_wait(f, fault_saves, continues);
	tpm_guest_honest(f->q);

	/* a command that runs meanwhile completes before the state is saved */
	swtpm_pause(f->tpm);
	ticket = tpm_guest_ring(f->q, &tpm_get_random);
	fault_wait(f, fault_saves, continues);
	g_assert_true(tpm_guest_completes(f->q, ticket, 0));
	tpm_guest_honest(f->q);
}

static void stopped_reset(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	swtpm_pause(f->tpm);
	fault_wait(f, resets, continues);
	tpm_guest_honest(f->q);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	SWTPM("killed/idle", NULL, killed_idle);
	SWTPM("killed/executing", NULL, killed_executing);
	SWTPM("killed/reset", NULL, killed_reset);
	SWTPM("killed/migration", NULL, killed_migration);
	SWTPM("killed/migration-executing", NULL, killed_migration_executing);
	SWTPM("killed/in-migration", NULL, killed_in_migration);
	SWTPM("killed/in-migration-executing", NULL, killed_in_migration_executing);
	SWTPM("killed/restart", NULL, killed_restart);
	SWTPM("killed/recovery", ",reconnect-ms=50", killed_recovery);
	SWTPM("stopped/idle", NULL, stopped_idle);
	SWTPM("stopped/executing", NULL, stopped_executing);
	SWTPM("stopped/migration", NULL, stopped_migration);
	SWTPM("stopped/reset", NULL, stopped_reset);
	return g_test_run();
}
