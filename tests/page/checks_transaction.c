/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sentences of "Transaction", "Access control", "Bad input", "Migration and reset". The
 * transaction's steps have a test of their own, test_page_driver.c.
 */
#include <string.h>

#include "checks.h"

static void one_in_execution(void)
{
	on(TIS);
	run(3, 1);
	leave(3);
	run(0, 2);
	IS(state(0), STATE_IDLE);
	IS(refused(0), 1);
	answer();
	wr(at(0, 0xFC0), 0, 4);
	ring(0);
	IS(state(0), STATE_EXECUTION);
}

static void response_ends(void)
{
	on(TIS);
	fifo_run(0, 1);
	answer();
	leave(0);
	run(1, 2);
	leave(1);
	take(0);
	IS(state(0), STATE_IDLE);
	IS(reg(0, 0xFDC), 0);
	IS(reg(0, 0xFE0), 0);
	IS(rd(at(0, 0x100), 4), 0);
}

static void not_yours(void)
{
	on(CRB);
	run(0, 0xEE);
	answer();
	seize(1);
	IS(reg(1, 0xFDC), 0);
	IS(reg(1, 0xFE0), 0);
	IS(rd(door(1, 0x100), 8), 0);
	IS(rd(at(1, 0x80), 4), 0);
	/* A locality that is not active: ones, and its writes are dropped. */
	IS(reg(0, 0xFC0), 0xFFFFFFFF);
	IS(reg(0, 0xFD4), 0xFFFFFFFF);
	IS(rd(0x20000, 8), ~0ull);
	put(0, 12, 2);
	wr(door(0, 0xFC0), 3, 4);
	wr(door(0, 0xFCC), 2, 4);
	IS(rig.m->starts, 1);
	IS(rd(0x1000B, 1), 0);
	leave(1);
	take(0);
	IS(reg(0, 0xFC0), 0);
	IS(reg(0, 0xFDC), rig.p->rsp_len);
}

static void ring_refused(unsigned int l)
{
	const uint32_t starts = rig.m->starts;
	const uint16_t csum = page_crc((const uint8_t *)"\x80\x01\0\0\0\x0C\0\0\x01\x7B\x02\x02", 12);

	wr(door(l, 0xFC8), (uint64_t)(rig.p->accepted + 1) << 32 | 0x10000 | csum, 8);
	IS(refused(l), 3);
	IS(rig.m->starts, starts);
}

static void write_command_to_ram(void)
{
	wr(0x10000, 0x00000180, 4);
	wr(0x10004, 0x00000C00, 4);
	wr(0x10008, 0x02027B01, 4);
}

/*
 * Isolation: what locality 0 finds in its window after another one's turn, over a
 * migration during which the command ends. @request: while 1's command runs.
 */
static void isolated(bool migrate)
{
	on(TIS);
	run(1, 1);
	take(0);
	write_command_to_ram();
	leave(1);
	if (migrate) {
		event(OP_MIGRATE, 0, 0);
	} else {
		answer();
	}
	IS(rd(at(0, 0), 1), 0xA1);
	IS(rd(0x10000, 8), 0);
	ring_refused(0);
	/* The other direction: 0's old command while 1 is active. */
	on(TIS);
	run(0, 1);
	take(1);
	leave(0);
	if (migrate) {
		event(OP_MIGRATE, 0, 0);
	} else {
		answer();
	}
	IS(rd(at(1, 0), 1), 0xA1);
	IS(rd(0x10000, 8), 0);
	write_command_to_ram();
	leave(1);
	take(0);
	IS(rd(0x10000, 8), 0);
	ring_refused(0);
}

static void isolation(void)
{
	isolated(false);
}

static void isolation_over_migration(void)
{
	isolated(true);
}

static void ram_while_nobody_is_active(void)
{
	on(TIS);
	take(0);
	leave(0);
	write_command_to_ram();
	IS(rd(0x10000, 4), 0x00000180);
	take(0);
	ring(0);
	IS(rig.m->starts, 1);
}

static void sizes(void)
{
	static const uint32_t bad[] = { 0, 6, 9, 4097, 0xFFFFFFFF };
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		on(TIS);
		take(0);
		put(0, 12, 1);
		wr(at(0, 0x102), GUINT32_SWAP_LE_BE(bad[i]), 4);
		ring(0);
		IS(reg(0, 0xFD0), 1);
		IS(reg(0, 0xFD8), 1);
		IS(response_code(0), 0x142);
		IS(rig.m->starts, 0);
	}
	on(TIS_12);
	take(0);
	ring(0);
	IS(response_code(0), 0x19);
	/* FIFO: the size field was changed behind the FIFO's back. */
	on(TIS);
	take(0);
	fifo_put(0, 12, 1);
	wr(0x10005, 11, 1);
	wr(at(0, 0x18), 0x20, 1);
	IS(response_code(0), 0x142);
	IS(rig.m->starts, 0);
}

static void six_bytes(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x18), 0x40, 1);
	wr(at(0, 0x24), 0x00000180, 4);
	wr(at(0, 0x24), 0x0600, 2);
	wr(at(0, 0x18), 0x20, 1);
	IS(response_code(0), 0x142);
	wr(at(0, 0x18), 0x40, 1);
	IS(rig.m->cancels, 0);
	IS(state(0), STATE_READY);
}

static void ignored(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0xF90), 0, 4);
	wr(at(0, 0xFD0), 9, 4);
	wr(at(0, 0xFDC), 9, 4);
	wr(at(0, 0x40), ~0ull, 8);
	wr(at(1, 0x18), 0x40, 1);
	IS(reg(0, 0xF90), 0x58495054);
	IS(reg(0, 0xFD0), 0);
	IS(reg(0, 0xFDC), 0);
	on(CRB);
	take(0);
	crb_start(1);
	IS(reg(0, 0xFD0), 0);
}

static void wrong_answers(void)
{
	unsigned int kind;

	for (kind = 1; kind <= 4; kind++) {
		on(TIS);
		run(0, 1);
		event(OP_COMPLETE, 0, kind);
		IS(response_code(0), 0x101);
		on(TIS_12);
		run(0, 1);
		event(OP_COMPLETE, 0, kind);
		IS(response_code(0), 9);
	}
}

static void migration(void)
{
	uint16_t csum;

	on(CRB);
	take(0);
	csum = put(0, 12, 1);
	wr(door(0, 0xFC0), 5, 4);
	wr(at(0, 0x50), 0x80000001, 4);
	ring(0);
	event(OP_MIGRATE, 0, 0);
	IS(reg(0, 0xFD8), 1);
	IS(reg(0, 0xFC0), 5);
	IS(reg(0, 0xFE0) & 0xFFFF, csum);
	IS(rd(0x20000, 2), 0x0180);
	IS(tpmix_irq(&rig.m->e), 1);
	/* The last write migrates: its repetition is no second write. */
	wr(door(0, 0xFCC), 1, 4);
	IS(rig.m->starts, 1);
	/* The command stays. */
	ring(0);
	g_assert_true(ran(1));
}

static void completion_during_migration(void)
{
	uint8_t before[4096];

	on(TIS);
	run(0, 1);
	leave(0);
	take(1);
	write_command_to_ram();
	memcpy(before, rig.m->ram_cmd, sizeof(before));
	answer();
	g_assert_cmpmem(before, sizeof(before), rig.m->ram_cmd, sizeof(before));
}

static void invalid_stream(void)
{
	on(TIS);
	run(0, 1);
	rig.m->e.s.rsp_owner = 7;
	g_assert_false(tpmix_valid(&rig.m->e));
	rig.m->e.s.rsp_owner = TPMIX_NO_LOCALITY;
	rig.m->e.s.bufsize = 5000;
	g_assert_false(tpmix_valid(&rig.m->e));
	rig.m->e.s.bufsize = 4096;
	g_assert_true(tpmix_valid(&rig.m->e));
}

static void tpm_init(void)
{
	on(CRB);
	wr(at(0, 0x50), 0x8000000B, 4);
	crb_run(0, 1);
	answer();
	take(1);
	wr(at(0, 0x30), 1 << 19, 4);
	event(OP_RESET, 1, 4096);
	IS(rd(at(0, 0x00), 4), 0x81);
	IS(rd(at(0, 0x54), 4), 0);
	IS(rd(at(0, 0x50), 4), 0);
	IS(rd(at(0, 0x30), 4), 0x00027911);
	IS(tpmix_irq(&rig.m->e), 0);
	take(0);
	IS(reg(0, 0xFD4), 0);
	IS(reg(0, 0xFDC), 0);
	IS(reg(0, 0xFD0), 1);
}

static void response_stays(void)
{
	on(TIS);
	fifo_run(0, 1);
	answer();
	rd(at(0, 0x24), 4);
	wr(at(0, 0x18), 2, 1);
	wr(at(0, 0x18), 0x40, 1);
	leave(0);
	take(0);
	IS(rd(at(0, 0x100), 2), 0x0180);
	IS(reg(0, 0xFDC), rig.p->rsp_len);
}

static void go_not_in_reception(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x18), 0x20, 1);
	wr(at(0, 0x18), 0x40, 1);
	wr(at(0, 0x18), 0x20, 1);
	wr(at(0, 0x24), 0x80, 1);
	wr(at(0, 0x18), 0x20, 1);
	IS(reg(0, 0xFD0), 0);
	IS(state(0), STATE_RECEPTION);
}

static void go_while_one_runs(void)
{
	uint32_t errors;

	on(CRB);
	crb_run(0, 1);
	crb_put(0, 12, 2);
	errors = rig.m->guest_errors;
	crb_start(0);
	IS(rig.m->guest_errors, errors + 1);
	answer();
	IS(response_code(0), 0x922);
}

static void wrong_doorbells(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	wr(at(0, 0xFCC), 5, 4);
	IS(refused(0), 2);
	wr(at(0, 0xFCC), 1, 2);
	IS(refused(0), 5);
	ring(0);
	wr(at(0, 0xFCC), 2, 4);
	IS(refused(0), 1);
	IS(rig.m->starts, 1);
}

static void index_beyond(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0xFC0), 4096, 4);
	IS(rd(at(0, 0x100), 8), 0);
	wr(at(0, 0x100), 1, 4);
	IS(refused(0), 4);
}

static uint32_t code_in(const uint8_t *rsp)
{
	return (uint32_t)rsp[6] << 24 | (uint32_t)rsp[7] << 16 | (uint32_t)rsp[8] << 8 | rsp[9];
}

static void the_copy_counts(void)
{
	on(TIS);
	run(0, 1);
	wr(0x10004, 0xFF, 1);
	wr(0x1000B, 9, 1);
	g_assert_cmphex(rig.m->e.cfg.run[11], ==, 1);
	IS(reg(0, 0xFE0) & 0xFFFF, page_crc(rig.m->command, 12));
	answer();
	IS(response_code(0), code_in(rig.p->rsp));
}

const struct check checks_transaction[] = {
	{ "transaction/one-in-execution", "at most one locality is in Execution.", one_in_execution },
	{ "transaction/response-ends", "At acceptance, and only there, the previous response ends", response_ends },
	{ "transaction/response-stays", "Completion stores the response, which from then on", response_stays },
	{ "bad-input/go", "| tpmGo while Expect is 1, or in another state than Reception |", go_not_in_reception },
	{ "bad-input/go-while-one-runs", "| tpmGo or a new CTRL_START while a command runs |", go_while_one_runs },
	{ "bad-input/doorbell", "| doorbell with a wrong ticket, in part, while a command runs |", wrong_doorbells },
	{ "bad-input/index", "| INDEX beyond the buffer | reads 0, writes dropped", index_beyond },
	{ "bad-input/copy", "| command bytes changed while the command runs", the_copy_counts },
	{ "access/not-active", "Command, response, status, tickets and checksums are for the active", not_yours },
	{ "access/response", "The response belongs to the locality that sent the command", not_yours },
	{ "access/wiped", "When a locality becomes active, command bytes of another are wiped", isolation },
	{ "access/nobody-active", "In RAM locality 0's command can be read and written while no", ram_while_nobody_is_active },
	{ "bad-input/size", "| command size below 10 or above BUFSIZE |", sizes },
	{ "bad-input/fifo-size", "| FIFO: size field differs from the bytes written |", sizes },
	{ "bad-input/six-bytes", "| `80 01 00 00 00 06`, then tpmGo and abort or cancel |", six_bytes },
	{ "bad-input/ignored", "| writes by an inactive locality, to RO and reserved offsets | dropped |", ignored },
	{ "bad-input/start-ignored", "| CTRL_START again, or of a locality that is not active | ignored |", ignored },
	{ "bad-input/response-size", "| response size differs from its bytes", wrong_answers },
	{ "bad-input/backend-gone", "| backend gone, or gone in the middle of a command |", wrong_answers },
	{ "migration/everything", "Everything migrates: state, command, the copy of it", migration },
	{ "migration/isolation", "A command that runs when the state is saved completes first", isolation_over_migration },
	{ "migration/completion", "a completion changes no memory but what a load writes anew, which is all but the command window", completion_during_migration },
	{ "migration/invalid", "A stream that violates the invariant", invalid_stream },
	{ "reset/init", "TPM_INIT: the selected interface becomes the active one", tpm_init },
	{ "reset/tickets", "Tickets go on counting, so that a doorbell that was delayed", tpm_init },
	{ NULL, NULL, NULL },
};
