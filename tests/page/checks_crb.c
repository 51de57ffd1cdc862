/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences of "CRB door", and of what CRB cannot do. */
#include "checks.h"

static uint32_t crb(unsigned int l, uint32_t off)
{
	return (uint32_t)rd(at(l, off), 4);
}

static void ready(unsigned int l)
{
	wr(at(l, 0x40), 1, 4);
}

static void idle(unsigned int l)
{
	wr(at(l, 0x40), 2, 4);
}

static void reset_values(void)
{
	on(CRB);
	IS(crb(0, 0x00), 0x81);
	IS(crb(0, 0x08), 0);
	IS(crb(0, 0x0C), 0);
	IS(crb(0, 0x30), 0x00027911);
	IS(crb(0, 0x34), 0x00001014);
	IS(crb(0, 0x40), 0);
	IS(crb(0, 0x44), 2);
	IS(crb(0, 0x48), 0);
	IS(crb(0, 0x4C), 0);
	IS(crb(0, 0x50), 0);
	IS(crb(0, 0x54), 0);
	IS(crb(0, 0x60), 0);
	IS(crb(0, 0x6C), 0);
	IS(crb(0, 0x80), 0xFFFFFFFF);
}

static void loc_state(void)
{
	unsigned int l;

	on(CRB);
	take(3);
	for (l = 0; l < 5; l++) {
		IS(crb(l, 0x00), 0x8F);
	}
	event(OP_ESTABLISHED, 0, 1);
	IS(crb(0, 0x00), 0x8E);
	leave(3);
	IS(crb(0, 0x00), 0x80);
}

static void loc_ctrl(void)
{
	on(CRB);
	take(1);
	take(2);
	IS(crb(1, 0x0C), 1);
	IS(crb(2, 0x0C), 0);
	wr(at(3, 0x08), 7, 4);
	IS(crb(3, 0x0C), 1);
	IS(crb(1, 0x0C), 2);
	wr(at(3, 0x08), 0xB, 4);
	IS(crb(2, 0x0C), 1);
	IS(rig.m->resets_of_established, 0);
	/* requestAccess clears beenSeized, but not where relinquish counts. */
	wr(at(1, 0x08), 3, 4);
	IS(crb(1, 0x0C), 2);
	take(1);
	IS(crb(1, 0x0C), 0);
}

static void reset_establishment(void)
{
	on(CRB);
	event(OP_ESTABLISHED, 0, 1);
	wr(at(3, 0x08), 8, 4);
	take(3);
	IS(rig.m->resets_of_established, 0);
	wr(at(3, 0x08), 8, 4);
	IS(rig.m->resets_of_established, 1);
	leave(3);
	take(2);
	wr(at(2, 0x08), 8, 4);
	IS(rig.m->resets_of_established, 1);
}

static void intf_id(void)
{
	on(CRB);
	IS(crb(0, 0x30), 0x00027911);
	on(CRB_ONLY);
	IS(crb(0, 0x30), 0x00025811);
}

static void selector(void)
{
	on(CRB);
	wr(at(2, 0x30), 0, 4);
	IS(crb(0, 0x30), 0x00007911);
	event(OP_RESET, 1, 4096);
	IS(crb(0, 0x30), 0x00006100);
	wr(at(0, 0x30), 2 << 17, 4);
	IS(crb(0, 0x30), 0x00006100);
	wr(at(0, 0x30), 1 << 17, 4);
	wr(at(0, 0x30), 1 << 19, 4);
	IS(crb(0, 0x30), 0x000A6100);
	wr(at(0, 0x30), 0, 4);
	IS(crb(0, 0x30), 0x000A6100);
	event(OP_RESET, 1, 4096);
	IS(crb(0, 0x30), 0x00027911);
	/* Not there: ignored. */
	on(CRB_ONLY);
	wr(at(0, 0x30), 0, 4);
	IS(crb(0, 0x30), 0x00025811);
	on(TIS_12);
	IS(rd(at(0, 0x30), 4), 0xFFFFFFFF);
}

static void ctrl_req(void)
{
	on(CRB);
	take(0);
	IS(crb(0, 0x44), 2);
	ready(0);
	IS(crb(0, 0x44), 0);
	idle(0);
	IS(crb(0, 0x44), 2);
	wr(at(0, 0x40), 3, 4);
	IS(crb(0, 0x44), 2);
	crb_run(0, 1);
	ready(0);
	idle(0);
	IS(state(0), STATE_EXECUTION);
	answer();
	idle(0);
	IS(crb(0, 0x80) & 0xFFFF, 0x0180);
	ready(0);
	IS(crb(0, 0x80) & 0xFFFF, 0x0180);
	leave(0);
	IS(crb(0, 0x44), 2);
}

static void start_reads(void)
{
	on(CRB);
	crb_run(3, 1);
	IS(crb(3, 0x4C), 1);
	IS(crb(0, 0x4C), 1);
	IS(reg(3, 0xFD0), 1);
	answer();
	IS(crb(0, 0x4C), 0);
}

/* Runs a command, so that START is disarmed, then @arm; does the next START start? */
static void arms(void (*arm)(void), bool want)
{
	on(CRB);
	crb_run(0, 1);
	answer();
	arm();
	crb_start(0);
	IS(rig.m->starts, want ? 2 : 1);
}

static void nothing(void)
{
}

static void arm_by_ready(void)
{
	ready(0);
}

static void arm_by_idle(void)
{
	idle(0);
}

static void arm_by_request(void)
{
	take(0);
}

static void arm_by_waiting_request(void)
{
	seize(1);
	take(0);
	leave(1);
	wr(0x10000, 0x00000180, 4);
	wr(0x10004, 0x01000A00, 4);
	wr(0x10004, 0x00000C00, 4);
	wr(0x10008, 0x00007B01, 4);
}

static void arm_by_cancel_0(void)
{
	wr(at(0, 0x48), 0, 4);
}

static void not_by_cancel_byte_1(void)
{
	wr(at(0, 0x49), 0, 1);
}

static void arm_by_buffer(void)
{
	wr(at(0, 0xFFF), 0, 1);
}

static void arm_by_window(void)
{
	wr(door(0, 0x100), 0x80, 1);
	wr(0x10000, 0x80, 1);
}

static void arming(void)
{
	arms(nothing, false);
	arms(arm_by_ready, true);
	arms(arm_by_request, true);
	arms(arm_by_waiting_request, true);
	arms(arm_by_cancel_0, true);
	arms(not_by_cancel_byte_1, false);
	arms(arm_by_buffer, true);
}

static void not_arming(void)
{
	arms(arm_by_idle, false);
	arms(arm_by_window, false);
	/* A late START of a command that is over. */
	on(CRB);
	crb_run(0, 1);
	crb_start(0);
	answer();
	crb_start(0);
	idle(0);
	crb_start(0);
	IS(rig.m->starts, 1);
}

static void stays_armed(void)
{
	on(CRB);
	take(0);
	ready(0);
	seize(1);
	crb_run(1, 1);
	answer();
	leave(1);
	take(0);
	crb_put(0, 12, 2);
	crb_start(0);
	IS(rig.m->starts, 2);
	/* Armed before, and the command came by a doorbell: disarmed. */
	on(CRB);
	take(0);
	put(0, 12, 1);
	ring(0);
	answer();
	crb_start(0);
	IS(rig.m->starts, 1);
}

static void armed_early(void)
{
	on(CRB);
	crb_run(0, 1);
	/* Of this very command, repeated late: */
	wr(at(0, 0x8B), 1, 1);
	crb_start(0);
	answer();
	crb_start(0);
	IS(rig.m->starts, 1);
	/* Armed while it ran; another command in the buffer after it. */
	on(CRB);
	crb_run(0, 1);
	wr(at(0, 0x48), 0, 4);
	answer();
	wr(0x1000B, 2, 1);
	crb_start(0);
	IS(rig.m->starts, 2);
	/* The same bytes are its repetition, */
	on(CRB);
	crb_run(0, 1);
	wr(at(0, 0x48), 0, 4);
	answer();
	crb_start(0);
	IS(rig.m->starts, 1);
	/* unless something arms START after the completion. */
	wr(at(0, 0x48), 0, 4);
	crb_start(0);
	IS(rig.m->starts, 2);
}

static void early_until_refused(void)
{
	on(CRB);
	crb_run(0, 1);
	wr(at(0, 0x48), 0, 4);
	answer();
	wr(door(0, 0xFC8), 2ull << 32 | 0x1DEAD, 8);
	IS(refused(0), 3);
	crb_start(0);
	IS(rig.m->starts, 2);
}

static void start_waits(void)
{
	on(CRB);
	crb_run(0, 1);
	crb_put(0, 12, 2);
	crb_start(0);
	IS(crb(0, 0x4C), 1);
	IS(reg(0, 0xFD0), 1);
	answer();
	IS(crb(0, 0x4C), 0);
	IS(reg(0, 0xFD0), 2);
	IS(reg(0, 0xFD8), 2);
	IS(response_code(0), 0x922);
	IS(reg(0, 0xFE0) & 0xFFFF, 0);
	/* Sent again it runs. */
	ready(0);
	crb_start(0);
	g_assert_true(ran(2));
}

static void the_last_waits(void)
{
	on(CRB);
	crb_run(3, 1);
	leave(3);
	crb_run(0, 2);
	seize(1);
	crb_run(1, 3);
	leave(1);
	answer();
	take(0);
	IS(reg(0, 0xFDC), 0);
	leave(0);
	take(1);
	IS(response_code(1), 0x922);
	leave(1);
	take(3);
	IS(reg(3, 0xFDC), 0);
	IS(rig.m->starts, 1);
}

static void none_takes_its_place(void)
{
	on(CRB);
	crb_run(0, 1);
	crb_put(0, 12, 2);
	crb_start(0);
	seize(1);
	crb_run(1, 3);
	leave(1);
	answer();
	take(0);
	IS(response_code(0), 0x922);
	leave(0);
	take(1);
	IS(reg(1, 0xFDC), 0);
	IS(rig.m->starts, 1);
}

static void waits_over_hand_overs(void)
{
	on(CRB);
	crb_run(3, 1);
	leave(3);
	crb_run(0, 2);
	leave(0);
	take(1);
	answer();
	IS(reg(1, 0xFDC), 0);
	leave(1);
	take(0);
	IS(response_code(0), 0x922);
	/* cmdReady and goIdle withdraw it. */
	on(CRB);
	crb_run(3, 1);
	leave(3);
	crb_run(0, 2);
	idle(0);
	answer();
	IS(reg(0, 0xFD0), 1);
	IS(reg(0, 0xFDC), 0);
	/* While the locality's own command runs they are ignored. */
	on(CRB);
	crb_run(0, 1);
	crb_put(0, 12, 2);
	crb_start(0);
	ready(0);
	answer();
	IS(response_code(0), 0x922);
}

static void doorbell_is_refused(void)
{
	on(CRB);
	crb_run(0, 1);
	put(0, 12, 2);
	ring(0);
	IS(refused(0), 1);
}

static void cancel(void)
{
	on(CRB);
	take(0);
	wr(at(0, 0x48), 1, 4);
	IS(rig.m->cancels, 0);
	crb_run(0, 1);
	wr(at(0, 0x48), 1, 4);
	IS(rig.m->cancels, 1);
	IS(crb(0, 0x48), 0);
}

static void interrupts(void)
{
	on(CRB);
	wr(at(0, 0x50), 0xFFFFFFFF, 4);
	IS(crb(0, 0x50), 0x8000000B);
	take(0);
	IS(crb(0, 0x54), 8);
	ready(0);
	IS(crb(0, 0x54), 0xA);
	wr(at(0, 0x54), 0xA, 4);
	crb_put(0, 12, 1);
	crb_start(0);
	IS(crb(0, 0x54), 0);
	answer();
	IS(crb(0, 0x54), 1);
	IS(tpmix_irq(&rig.m->e), 1);
	ready(0);
	crb_start(0);
	IS(crb(0, 0x54), 2);
	wr(at(0, 0x50), 0xB, 4);
	wr(at(0, 0x54), 2, 4);
	answer();
	IS(crb(0, 0x54), 0);
}

static void addresses(void)
{
	on(CRB);
	IS(crb(0, 0x58), 4096);
	IS(crb(0, 0x5C), 0xFED50000);
	IS(crb(0, 0x64), 4096);
	IS(rd(at(0, 0x68), 8), 0xFED60000);
	IS(crb(2, 0x58), 3968);
	IS(crb(2, 0x5C), 0xFED42080);
	IS(rd(at(2, 0x68), 8), 0xFED42080);
	wr(at(0, 0x5C), 0, 4);
	IS(crb(0, 0x5C), 0xFED50000);
	event(OP_RESET, 1, 1024);
	IS(crb(0, 0x58), 1024);
	IS(crb(2, 0x64), 1024);
	on(CRB_BARE);
	IS(crb(0, 0x58), 3968);
	IS(crb(0, 0x5C), 0xFED40080);
	IS(crb(0, 0x68), 0xFED40080);
}

static void data_buffer(void)
{
	uint32_t i;

	on(CRB);
	take(0);
	crb_put(0, 12, 7);
	IS(rd(0x1000B, 1), 7);
	IS(crb(0, 0x88), 0);
	crb_start(0);
	answer();
	for (i = 0; i < rig.p->rsp_len; i++) {
		IS(rd(at(0, 0x80 + i), 1), rig.p->rsp[i]);
	}
	/* Beyond BUFSIZE the bytes are dropped; no REFUSED; they arm. */
	event(OP_RESET, 1, 1024);
	take(0);
	ready(0);
	crb_start(0);
	IS(reg(0, 0xFD0), 2);
	wr(at(0, 0x80 + 1022), 0x44332211, 4);
	IS(refused(0), 0);
	IS(rd(0x10000 + 1022, 4), 0x2211);
	crb_start(0);
	IS(reg(0, 0xFD0), 3);
}

static void in_memory(void)
{
	uint32_t off;

	on(CRB);
	crb_run(0, 1);
	answer();
	for (off = 0; off < 0x1000; off += 4) {
		IS(crb(0, off), tpmix_read(&rig.m->e, off, 4));
	}
	on(CRB_BARE);
	g_assert_null(rig.m->e.cfg.ram.crb_regs);
}

static void delayed_start(void)
{
	on(CRB);
	crb_run(0, 1);
	answer();
	ready(0);
	/* Late, behind the cmdReady of the next: once more, as the page says. */
	crb_start(0);
	IS(rig.m->starts, 2);
}

static void no_other_trap(void)
{
	on(CRB);
	crb_run(0, 1);
	answer();
	wr(0x1000B, 2, 1);
	wr(at(0, 0x5C), 0, 4);
	crb_start(0);
	IS(rig.m->starts, 1);
	wr(at(0, 0x48), 0, 4);
	crb_start(0);
	g_assert_true(ran(2));
}

static void tpm_sts(void)
{
	on(CRB);
	crb_run(0, 1);
	event(OP_COMPLETE, 0, 4);
	IS(crb(0, 0x44) & 1, 0);
	IS(response_code(0), 0x101);
}

static void empty_buffer(void)
{
	on(CRB);
	take(0);
	ready(0);
	crb_start(0);
	IS(response_code(0), 0x142);
	IS(rig.m->starts, 0);
	IS(reg(0, 0xFD0), 1);
}

static void forced_without_acpi(void)
{
	on(CRB);
	g_assert_cmphex(rd(at(0, 0x14), 4), !=, 0x30000697);
}

const struct check checks_crb[] = {
	{ "crb/loc-state-reset", "| 0x00 | TPM_REG_LOC_STATE | 4 | RO | 0x81 | any |", reset_values },
	{ "crb/loc-ctrl-reset", "| 0x08 | TPM_REG_LOC_CTRL | 4 | W1, reads 0 | 0 | any |", reset_values },
	{ "crb/loc-sts-reset", "| 0x0C | TPM_REG_LOC_STS | 4 | RO | 0 | any |", reset_values },
	{ "crb/intf-id-reset", "| 0x30 | TPM_REG_INTF_ID | 4 | RW | 0x00027911 | any |", reset_values },
	{ "crb/intf-id2-reset", "| 0x34 | TPM_REG_INTF_ID2 | 4 | RO | 0x00001014 | any |", reset_values },
	{ "crb/ctrl-req-reset", "| 0x40 | TPM_REG_CTRL_REQ | 4 | W1, reads 0 | 0 |", reset_values },
	{ "crb/ctrl-sts-reset", "| 0x44 | TPM_REG_CTRL_STS | 4 | RO | 0x2 | any |", reset_values },
	{ "crb/ctrl-cancel-reset", "| 0x48 | TPM_REG_CTRL_CANCEL | 4 | WO, reads 0 | 0 |", reset_values },
	{ "crb/ctrl-start-reset", "| 0x4C | TPM_REG_CTRL_START | 4 | RW | 0 |", reset_values },
	{ "crb/int-enable-reset", "| 0x50 | TPM_REG_CRB_INT_ENABLE | 4 | RW | 0 | any |", reset_values },
	{ "crb/int-sts-reset", "| 0x54 | TPM_REG_CRB_INT_STS | 4 | W1C | 0 | any |", reset_values },
	{ "crb/cmd-haddr-reset", "| 0x60 | TPM_REG_CTRL_CMD_HADDR | 4 | RO | 0 | any |", reset_values },
	{ "crb/cmd-size", "| 0x58 | TPM_REG_CTRL_CMD_SIZE |", addresses },
	{ "crb/cmd-laddr", "| 0x5C | TPM_REG_CTRL_CMD_LADDR |", addresses },
	{ "crb/rsp-size", "| 0x64 | TPM_REG_CTRL_RSP_SIZE |", addresses },
	{ "crb/rsp-addr", "| 0x68 | TPM_REG_CTRL_RSP_ADDR |", addresses },
	{ "crb/rsp-haddr", "| 0x6C | TPM_REG_CTRL_RSP_HADDR |", addresses },
	{ "crb/data-buffer-reset", "| 0x80 | TPM_REG_DATA_BUFFER |", reset_values },
	{ "crb/loc-state", "**LOC_STATE** bit 0 tpmEstablished", loc_state },
	{ "crb/loc-state-same", "The same in every locality.", loc_state },
	{ "crb/loc-ctrl", "**LOC_CTRL** requestAccess (bit 0), relinquish (1)", loc_ctrl },
	{ "crb/been-seized", "requestAccess also clears beenSeized", loc_ctrl },
	{ "crb/reset-establishment", "resetEstablishmentBit (3): the active locality", reset_establishment },
	{ "crb/loc-sts", "**LOC_STS** Granted (bit 0), beenSeized (bit 1).", loc_ctrl },
	{ "crb/intf-id", "**INTF_ID** InterfaceType in 3:0", intf_id },
	{ "crb/selected", "InterfaceSelector reads as selected.", selector },
	{ "crb/select", "Writing it selects FIFO (0) or CRB (1)", selector },
	{ "crb/lock", "Writing 1 to IntfSelLock locks the selector", selector },
	{ "crb/tpm-1.2", "TPM 1.2: reads ones.", selector },
	{ "crb/as-tpm-crb", "With `fifo=off,localities=1` it is tpm-crb's", intf_id },
	{ "crb/ctrl-req", "**CTRL_REQ** cmdReady (bit 0): the goal is READY", ctrl_req },
	{ "crb/ctrl-req-running", "Ignored, and arms nothing, while a command of this locality", ctrl_req },
	{ "crb/ctrl-req-response", "The response stays readable (R4).", ctrl_req },
	{ "crb/ctrl-sts", "**CTRL_STS** tpmIdle (bit 1): 1 in Idle", ctrl_req },
	{ "crb/start-reads", "**CTRL_START** reads as 1 while a command runs", start_reads },
	{ "crb/start-takes-a-ticket", "A START takes a ticket like a doorbell.", start_reads },
	{ "crb/arming", "Writing 1 starts the command in the buffer if START is *armed*", arming },
	{ "crb/idle-arms-not", "goIdle does not arm.", not_arming },
	{ "crb/repeated-start", "A START that is not armed is the repetition", not_arming },
	{ "crb/stays-armed", "Each locality has its own; it stays armed", stays_armed },
	{ "crb/disarms", "Acceptance of a command of this locality, through any door, disarms", stays_armed },
	{ "crb/armed-early", "Where START was armed *while a command of this locality ran*", armed_early },
	{ "crb/early-until-refused", "or refused for its checksum, or something arms it", early_until_refused },
	{ "crb/start-waits", "A new START that finds a command running", start_waits },
	{ "crb/waiting-is-answered", "When that command ends, the START that waits gets", start_waits },
	{ "crb/the-last-waits", "Of several that wait the last one is answered, but for", the_last_waits },
	{ "crb/none-takes-its-place", "but for a START of the locality whose command runs", none_takes_its_place },
	{ "crb/waits-over-hand-overs", "It waits over hand-overs too", waits_over_hand_overs },
	{ "crb/doorbell-is-refused", "tpmGo waits and is answered the same way", doorbell_is_refused },
	{ "crb/cancel", "**CTRL_CANCEL** writing 1 to bit 0 asks the backend", cancel },
	{ "crb/cancel-0", "Writing 0 to it (its byte) prepares the next command", arming },
	{ "crb/interrupts", "**CRB_INT_ENABLE, CRB_INT_STS** bit 0 start", interrupts },
	{ "crb/int-ends", "Acceptance clears start of the response that it ends.", interrupts },
	{ "crb/addresses", "**CMD and RSP size and address** of locality 0", addresses },
	{ "crb/addresses-of-others", "Of the others, and of locality 0 where CAP says", addresses },
	{ "crb/edk2", "Writes are ignored (edk2 writes them).", addresses },
	{ "crb/data-buffer", "**DATA_BUFFER** 3968 bytes: a write at 0x80 + i", data_buffer },
	{ "crb/not-read-back", "Command bytes are not read back here (R5)", data_buffer },
	{ "crb/beyond-bufsize", "Of writes at BUFSIZE and beyond the bytes are dropped; they arm.", data_buffer },
	{ "crb/in-memory", "The device keeps locality 0's CRB page in memory too", in_memory },
	{ "crb/in-memory-always", "It shows at every moment what the registers read.", in_memory },
	{ "crb/start-names-no-ticket", "**START names no ticket.** A START that is delayed", delayed_start },
	{ "crb/start-repeated", "A START repeated at once, late, after the completion", not_arming },
	{ "crb/identical-bytes", "**Identical bytes are one command** where the first still ran", armed_early },
	{ "crb/no-other-trap", "**A START without anything before it that traps**", no_other_trap },
	{ "crb/tpm-sts", "**tpmSts** (CTRL_STS bit 0) is always 0", tpm_sts },
	{ "crb/empty-buffer", "| CTRL_START with nothing in the buffer | TPM_RC_COMMAND_SIZE |", empty_buffer },
	{ "crb/forced-without-acpi", "looks for a FIFO and finds none on `tpm-crb-ext`", forced_without_acpi },
	{ NULL, NULL, NULL },
};
