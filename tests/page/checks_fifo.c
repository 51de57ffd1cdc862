/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences of "FIFO door". */
#include "checks.h"

static uint32_t sts(unsigned int l)
{
	return (uint32_t)rd(at(l, 0x18), 4);
}

static uint32_t burst(unsigned int l)
{
	return sts(l) >> 8 & 0xFFFF;
}

static uint8_t access_of(unsigned int l)
{
	return (uint8_t)rd(at(l, 0), 1);
}

static void go(unsigned int l)
{
	wr(at(l, 0x18), 0x20, 1);
}

static void ready(unsigned int l)
{
	wr(at(l, 0x18), 0x40, 1);
}

static void reset_values(void)
{
	on(TIS);
	IS(rd(0x000, 1), 0x81);
	IS(rd(0x008, 4), 0x00000008);
	IS(rd(0x00C, 1), 5);
	IS(rd(0x010, 4), 0);
	IS(rd(0x014, 4), 0x30000697);
	IS(rd(0x030, 4), 0x00002100);
	IS(rd(0xF00, 4), 0x00011014);
	IS(rd(0xF04, 1), 0x01);
	IS(rd(0x018, 4), 0xFFFFFFFF);
	IS(rd(0x024, 4), 0xFFFFFFFF);
	IS(rd(0x080, 8), ~0ull);
	take(0);
	IS(rd(0x018, 4), 0x04000000 + (4096 << 8));
	IS(rd(0x024, 4), 0xFFFFFFFF);
	IS(rd(0x080, 8), ~0ull);
	on(TIS_12);
	IS(rd(0x014, 4), 0x20000697);
	IS(rd(0x030, 4), 0xFFFFFFFF);
	take(0);
	IS(rd(0x018, 4), 4096 << 8);
}

static void access_reads(void)
{
	on(TIS);
	take(0);
	take(1);
	IS(access_of(0), 0xA5);
	IS(access_of(1), 0x83);
	IS(access_of(2), 0x85);
	seize(2);
	IS(access_of(0), 0x95);
	event(OP_ESTABLISHED, 0, 1);
	IS(access_of(0), 0x94);
}

static void request(void)
{
	on(TIS);
	take(1);
	IS(access_of(1), 0xA1);
	take(3);
	IS(access_of(3), 0x83);
	IS(access_of(1), 0xA5);
}

static void relinquish(void)
{
	on(TIS);
	take(1);
	take(0);
	take(3);
	take(2);
	leave(1);
	IS(access_of(3), 0xA5);
	leave(3);
	leave(2);
	IS(access_of(0), 0xA1);
	leave(0);
	IS(rig.m->e.s.active, TPMIX_NO_LOCALITY);
}

static void withdraw(void)
{
	/* 3 runs a command; 1 requests; 3 relinquishes (1 is active); 1 relinquishes. */
	on(TIS);
	run(3, 1);
	take(1);
	leave(3);
	leave(1);
	answer();
	IS(rig.m->e.s.active, TPMIX_NO_LOCALITY);
	/* A request that was withdrawn is granted to nobody. */
	on(TIS);
	run(3, 1);
	take(1);
	leave(1);
	leave(3);
	answer();
	IS(rig.m->e.s.active, TPMIX_NO_LOCALITY);
	IS(access_of(1), 0x81);
}

static void highest_that_waits(void)
{
	/* 3 runs; 1 requests; 3 relinquishes; 2 requests; the command ends. */
	on(TIS);
	run(3, 1);
	take(1);
	leave(3);
	IS(access_of(1), 0xA1);
	take(2);
	answer();
	IS(access_of(1), 0xA5);
	IS(access_of(2), 0x83);
	leave(1);
	IS(access_of(2), 0xA1);
}

static void seizing(void)
{
	on(TIS);
	take(2);
	seize(1);
	IS(access_of(2), 0xA1);
	IS(access_of(1), 0x81);
	seize(2);
	IS(access_of(2), 0xA1);
	seize(3);
	IS(access_of(3), 0xA1);
	IS(access_of(2), 0x91);
	leave(3);
	seize(0);
	IS(access_of(0), 0xA1);
	wr(at(2, 0), 0x10, 1);
	IS(access_of(2), 0x81);
}

static void several_bits(void)
{
	on(TIS);
	take(1);
	wr(at(1, 0), 0x22, 1);
	IS(access_of(1), 0x81);
	take(1);
	wr(at(2, 0), 0x2A, 1);
	IS(access_of(2), 0xA1);
	/* Together with a relinquish too. */
	wr(at(1, 0), 0x30, 1);
	IS(access_of(1), 0x81);
}

static void no_hand_over_waits(void)
{
	on(TIS);
	run(0, 1);
	take(1);
	IS(access_of(1), 0x83);
	leave(0);
	IS(access_of(1), 0xA1);
	IS(rig.m->cancels, 1);
	seize(2);
	IS(rig.m->cancels, 2);
	IS(reg(2, 0xFD4) & 8, 8);
	leave(2);
	take(0);
	IS(rig.m->cancels, 2);
	IS(state(0), STATE_EXECUTION);
	answer();
	IS(reg(0, 0xFDC), rig.p->rsp_len);
}

static void orphan(void)
{
	on(TIS);
	run(0, 1);
	leave(0);
	take(1);
	answer();
	IS(reg(1, 0xFDC), 0);
	IS(access_of(1), 0xA1);
	leave(1);
	take(0);
	IS(reg(0, 0xFDC), rig.p->rsp_len);
	leave(0);
	run(1, 2);
	answer();
	leave(1);
	take(0);
	IS(reg(0, 0xFDC), 0);
	IS(state(0), STATE_IDLE);
}

static void line(void)
{
	on(TIS);
	wr(at(3, 0x08), 0x80000084, 4);
	take(3);
	IS(tpmix_irq(&rig.m->e), 1);
	IS(rd(at(3, 0x10), 4), 4);
	IS(rd(at(0, 0x10), 4), 0);
	wr(at(3, 0x10), 4, 4);
	IS(tpmix_irq(&rig.m->e), 0);
	/* Whatever typePolarity says. */
	wr(at(3, 0x08), 0x80000080 | 2 << 3, 4);
	ready(3);
	IS(rd(at(3, 0x10), 4), 0x80);
	IS(tpmix_irq(&rig.m->e), 1);
}

static void edge_while_high(void)
{
	on(TIS);
	wr(at(3, 0x08), 0x80000084, 4);
	take(3);
	IS(rd(at(3, 0x10), 4), 4);
	IS(rig.m->e.edges, 0);
	ready(3);
	IS(rd(at(3, 0x10), 4), 0x84);
	IS(rig.m->e.edges, 1);
}

static void int_enable(void)
{
	on(TIS);
	wr(at(0, 0x08), 0xFFFFFFFF, 4);
	IS(rd(at(0, 0x08), 4), 0x8000009F);
	wr(at(0, 0x08), 0x84, 4);
	take(0);
	IS(rd(at(0, 0x10), 4), 0);
	wr(at(0, 0x08), 0x80000000, 4);
	ready(0);
	IS(rd(at(0, 0x10), 4), 0);
}

static void int_completion(void)
{
	unsigned int i;

	on(TIS);
	take(0);
	wr(at(0, 0x08), 0x80000001, 4);
	fifo_run(0, 1);
	answer();
	IS(rd(at(0, 0x10), 4), 3);
	wr(at(0, 0x10), 3, 4);
	wr(at(0, 0x08), 0x80000002, 4);
	for (i = rig.p->rsp_len; i > 1; i--) {
		rd(at(0, 0x24), 1);
	}
	IS(rd(at(0, 0x10), 4), 0);
	rd(at(0, 0x24), 1);
	IS(rd(at(0, 0x10), 4), 2);
	/* The next command ends the response, and its interrupts. */
	fifo_put(0, 12, 2);
	go(0);
	IS(rd(at(0, 0x10), 4), 0);
}

static void int_abort(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x08), 0x80000083, 4);
	fifo_run(0, 1);
	wr(at(0, 0x10), 0xFF, 4);
	ready(0);
	answer();
	IS(rd(at(0, 0x10), 4), 0x80);
	IS(sts(0) & 0xF8, 0x40);
	IS(reg(0, 0xFDC), rig.p->rsp_len);
}

static void command_ready(void)
{
	on(TIS);
	take(0);
	ready(0);
	IS(sts(0) & 0xFF, 0x40);
	ready(0);
	IS(sts(0) & 0xFF, 0x40);
	wr(at(0, 0x24), 0x80, 1);
	IS(sts(0) & 0xFF, 0x88);
	ready(0);
	IS(sts(0) & 0xFF, 0x40);
	IS(burst(0), 4096);
	fifo_run(0, 1);
	answer();
	ready(0);
	IS(sts(0) & 0xFF & ~4u, 0x40);
	IS(rd(at(0, 0x100), 2), 0x0180);
	IS(rd(at(0, 0x24), 1), 0xFF);
}

static void tpm_go(void)
{
	on(TIS);
	take(0);
	go(0);
	ready(0);
	go(0);
	IS(rig.m->starts, 0);
	fifo_put(0, 11, 1);
	go(0);
	IS(rig.m->starts, 1);
	IS(reg(0, 0xFD0), 1);
	answer();
	go(0);
	IS(rig.m->starts, 1);
	/* Expect is 1: ignored. */
	ready(0);
	wr(at(0, 0x24), 0x80, 1);
	go(0);
	IS(rig.m->starts, 1);
	IS(sts(0) & 0x88, 0x88);
}

static void tpm_go_waits(void)
{
	on(TIS);
	run(3, 1);
	leave(3);
	fifo_run(0, 2);
	IS(state(0), STATE_RECEPTION);
	IS(reg(0, 0xFD0), 1);
	answer();
	IS(state(0), STATE_COMPLETION);
	IS(reg(0, 0xFD0), 2);
	IS(response_code(0), 0x922);
	IS(rig.m->starts, 1);
	leave(0);
	take(3);
	IS(reg(3, 0xFDC), 0);
	on(TIS_12);
	run(3, 1);
	leave(3);
	fifo_run(0, 2);
	answer();
	IS(response_code(0), 0x800);
	/* Withdrawn by commandReady. */
	on(TIS);
	run(3, 1);
	leave(3);
	fifo_run(0, 2);
	ready(0);
	answer();
	IS(reg(0, 0xFD0), 1);
	IS(state(0), STATE_READY);
}

static void response_retry(void)
{
	on(TIS);
	fifo_run(0, 1);
	answer();
	IS(rd(at(0, 0x24), 2), 0x0180);
	wr(at(0, 0x18), 2, 1);
	IS(rd(at(0, 0x24), 2), 0x0180);
}

static void cancel_and_establishment(void)
{
	on(TIS);
	fifo_run(3, 1);
	wr(at(3, 0x18), 1 << 24, 4);
	IS(rig.m->cancels, 1);
	wr(at(3, 0x18), 1 << 24 | 0x40, 4);
	IS(rig.m->cancels, 2);
	event(OP_ESTABLISHED, 0, 1);
	wr(at(3, 0x18), 1 << 25, 4);
	IS(rig.m->resets_of_established, 1);
	IS(access_of(3), 0xA1);
	leave(3);
	take(2);
	wr(at(2, 0x18), 1 << 24 | 1 << 25, 4);
	IS(rig.m->resets_of_established, 1);
	on(TIS_12);
	fifo_run(3, 1);
	wr(at(3, 0x18), 3 << 24, 4);
	IS(rig.m->cancels, 0);
	IS(rig.m->resets_of_established, 0);
}

static void several_goals(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x18), 0x60, 1);
	IS(state(0), STATE_IDLE);
	fifo_put(0, 12, 1);
	wr(at(0, 0x18), 0x22, 1);
	wr(at(0, 0x18), 0x60, 1);
	IS(state(0), STATE_RECEPTION);
}

static void states(void)
{
	unsigned int i;

	on(TIS);
	take(0);
	IS(sts(0) & 0xFF, 0);
	IS(burst(0), 4096);
	ready(0);
	IS(sts(0) & 0xFF, 0x40);
	IS(burst(0), 4096);
	fifo_put(0, 12, 1);
	IS(sts(0) & 0xFF, 0x80);
	IS(burst(0), 4084);
	go(0);
	IS(sts(0) & 0xFF, 0x80);
	IS(burst(0), 4084);
	answer();
	IS(sts(0) & 0xF8, 0x90);
	IS(burst(0), rig.p->rsp_len);
	for (i = rig.p->rsp_len; i > 0; i--) {
		rd(at(0, 0x24), 1);
	}
	IS(sts(0) & 0xF8, 0x80);
	IS(burst(0), 4096 - rig.p->rsp_len);
}

static void selftest_done(void)
{
	uint8_t fill;

	on(TIS);
	for (fill = 0; !rig.p->selftest_done; fill++) {
		run(0, fill);
		IS(sts(0) & 4, 0);
		answer();
	}
	IS(sts(0) & 4, 4);
	event(OP_RESET, 1, 4096);
	take(0);
	IS(sts(0) & 4, 0);
}

static void burst_count(void)
{
	on(TIS_64K);
	take(0);
	IS(burst(0), 0xFFFF);
	IS(rd(at(0, 0x19), 1), 0xFF);
	IS(rd(at(0, 0x1A), 1), 0);
	IS(rd(at(0, 0x19), 2), 0xFFFF);
	on(TIS);
	run(0, 1);
	IS(burst(0), 4096);
	answer();
	/* Data, not room: as it is. */
	IS(rd(at(0, 0x19), 1), rig.p->rsp_len & 0xFF);
	/* Another locality's turn wipes the command, and its bytes are not counted. */
	on(TIS);
	fifo_run(0, 1);
	IS(burst(0), 4084);
	seize(1);
	leave(1);
	take(0);
	IS(burst(0), 4096);
}

static void data_fifo(void)
{
	uint32_t i;

	on(TIS);
	take(0);
	wr(at(0, 0x24), 0x80, 1);
	IS(state(0), STATE_IDLE);
	fifo_put(0, 12, 1);
	IS(sts(0) & 0x08, 0);
	wr(at(0, 0x24), 0xFFFFFFFF, 4);
	IS(burst(0), 4084);
	go(0);
	g_assert_true(ran(1));
	answer();
	for (i = 0; i < rig.p->rsp_len; i++) {
		IS(rd(at(0, i % 2 ? 0x24 : 0xBF), 1), rig.p->rsp[i]);
	}
	IS(rd(at(0, 0x24), 1), 0xFF);
	IS(rd(at(0, 0xC0), 1), 0xFF);
}

static void unfinished(void)
{
	on(TIS);
	take(0);
	ready(0);
	wr(at(0, 0x24), 0x80, 1);
	seize(1);
	leave(1);
	take(0);
	IS(state(0), STATE_IDLE);
	ready(0);
	seize(1);
	leave(1);
	take(0);
	IS(state(0), STATE_READY);
}

static void buffer_full(void)
{
	uint32_t i;

	on(TIS);
	take(0);
	ready(0);
	for (i = 0; i < 1024; i++) {
		wr(at(0, 0x24), i ? 0 : 0xFF000180, 4);
	}
	IS(sts(0) & 0x08, 0);
	IS(burst(0), 0);
	go(0);
	IS(response_code(0), 0x142);
	IS(rig.m->starts, 0);
}

static void interface_id(void)
{
	on(TIS);
	IS(rd(at(0, 0x30), 4), 0x00002100);
	on(CRB_FIFO);
	IS(rd(at(0, 0x30), 4), 0x00006100);
}

static void hash(void)
{
	on(TIS);
	take(4);
	IS(rd(at(4, 0x28), 4), 0xFFFFFFFF);
	wr(at(4, 0x28), 1, 4);
	IS(rd(at(4, 0x20), 4), 0xFFFFFFFF);
}

static void without_command_ready(void)
{
	on(TIS);
	fifo_run(0, 1);
	answer();
	wr(at(0, 0x24), 0x80, 1);
	go(0);
	IS(rig.m->starts, 1);
	IS(rd(at(0, 0x24), 2), 0x0180);
}

const struct check checks_fifo[] = {
	{ "fifo/active", "\"Any\" in the last column: the register answers every locality", reset_values },
	{ "fifo/access-reset", "| 0x000 | TPM_REG_ACCESS | 1 | RW | 0x81 | any |", reset_values },
	{ "fifo/int-enable-reset", "| 0x008 | TPM_REG_INT_ENABLE | 4 | RW | 0x00000008 | any |", reset_values },
	{ "fifo/int-vector-reset", "| 0x00C | TPM_REG_INT_VECTOR | 1 | RO | property irq | any |", reset_values },
	{ "fifo/int-status-reset", "| 0x010 | TPM_REG_INT_STATUS | 4 | W1C | 0 | any |", reset_values },
	{ "fifo/capability-reset", "| 0x014 | TPM_REG_INTF_CAPABILITY | 4 | RO | 0x30000697 (0x20000697) | any |", reset_values },
	{ "fifo/sts-reset", "| 0x018 | TPM_REG_STS | 4 | RW | 0x04000000 + burstCount (0 + burstCount) | active |", reset_values },
	{ "fifo/data-reset", "| 0x024 | TPM_REG_DATA_FIFO | 1-4 | RW | all ones | active |", reset_values },
	{ "fifo/interface-id-reset", "| 0x030 | TPM_REG_INTERFACE_ID | 4 | RW | 0x00002100 (0xFFFFFFFF) | any |", reset_values },
	{ "fifo/xdata-reset", "| 0x080 | TPM_REG_XDATA_FIFO | 1-8, to 0x0BF | RW | all ones | active |", reset_values },
	{ "fifo/did-vid-reset", "| 0xF00 | TPM_REG_DID_VID | 4 | RO | 0x00011014 | any |", reset_values },
	{ "fifo/rid-reset", "| 0xF04 | TPM_REG_RID | 1 | RO | 0x01 | any |", reset_values },
	{ "fifo/access-reads", "**ACCESS** reads tpmEstablishment", access_reads },
	{ "fifo/request", "Written, requestUse: active at once if no locality is", request },
	{ "fifo/relinquish", "activeLocality (bit 5): relinquish; the highest pending", relinquish },
	{ "fifo/withdraw", "A locality that is not active withdraws its request by it.", withdraw },
	{ "fifo/highest-that-waits", "the highest pending locality is active, or none", highest_that_waits },
	{ "fifo/seize", "seize (bit 3): active at once, from a lower locality", seizing },
	{ "fifo/been-seized", "beenSeized (bit 4): W1C.", seizing },
	{ "fifo/several-bits", "Of several bits in one write seize goes before relinquish before requestUse", several_bits },
	{ "fifo/no-hand-over-waits", "No hand-over waits for a command", no_hand_over_waits },
	{ "fifo/cancel-at-hand-over", "The command of a locality that left runs on", no_hand_over_waits },
	{ "fifo/orphan-response", "Its response is for the locality that sent it", orphan },
	{ "fifo/relinquish-and-request", "(1) \"relinquish and request\" in one write relinquishes", several_bits },
	{ "fifo/seize-acts-at-once", "(2) tpm-tis hands over to a locality that waits only", no_hand_over_waits },
	{ "fifo/line", "dataAvail, stsValid, localityChange, commandReady; one line", line },
	{ "fifo/polarity", "The line is high whatever typePolarity says", line },
	{ "fifo/edges", "What sets a bit while the line is high makes an edge too", edge_while_high },
	{ "fifo/enabled", "What happens sets the bit of the locality that it happens to", int_enable },
	{ "fifo/int-completion", "A completion sets dataAvail and stsValid together", int_completion },
	{ "fifo/int-ends", "acceptance of a command clears dataAvail and stsValid", int_completion },
	{ "fifo/int-abort", "a command that was aborted by commandReady raises", int_abort },
	{ "fifo/command-ready", "commandReady names a goal: READY.", command_ready },
	{ "fifo/command-ready-abort", "In Idle, Reception and Completion the FIFO is ready", int_abort },
	{ "fifo/response-stays", "The response stays readable through the indexed door.", command_ready },
	{ "fifo/go", "tpmGo starts the command in Reception once Expect is 0", tpm_go },
	{ "fifo/go-waits", "While another locality's command runs it waits", tpm_go_waits },
	{ "fifo/response-retry", "responseRetry: the response from its first byte.", response_retry },
	{ "fifo/cancel", "commandCancel (TPM 2.0): asks the backend", cancel_and_establishment },
	{ "fifo/establishment", "resetEstablishmentBit (TPM 2.0, localities 3 and 4).", cancel_and_establishment },
	{ "fifo/several-goals", "Of commandReady, tpmGo and responseRetry one a write", several_goals },
	{ "fifo/selftest-done", "selfTestDone (bit 2) is 1 once the backend said so.", selftest_done },
	{ "fifo/idle", "| Idle | 0 | 0 | 0 | 0 | BUFSIZE |", states },
	{ "fifo/ready", "| Ready | 0 | 1 | 0 | 0 | BUFSIZE |", states },
	{ "fifo/reception", "| Reception | 1 | 0 | 1 until the last byte |", states },
	{ "fifo/execution", "| Execution | 1 | 0 | 0 | 0 | BUFSIZE - bytes written |", states },
	{ "fifo/completion", "| Completion | 1 | 0 | 0 | 1 until the last byte |", states },
	{ "fifo/burst-16-bits", "burstCount has 16 bits", burst_count },
	{ "fifo/burst-one-byte", "To a read of one byte (STS + 1, STS + 2) it says", burst_count },
	{ "fifo/burst-counts-not", "It counts no bytes of a command that came by a doorbell", burst_count },
	{ "fifo/data", "every byte read or written moves a pointer", data_fifo },
	{ "fifo/data-taken", "Bytes are taken in Ready and Reception", data_fifo },
	{ "fifo/unfinished", "Deviations from tpm-tis: that device takes up to three bytes", unfinished },
	{ "fifo/buffer-full", "Expect drops with the last byte, or when the buffer is full.", buffer_full },
	{ "fifo/interface-id", "`tpm-tis-indexed` has tpm-tis's value to the bit", interface_id },
	{ "fifo/hash", "HASH_START, HASH_DATA and HASH_END are not there", hash },
	{ "fifo/without-command-ready", "A guest that writes bytes and tpmGo without it", without_command_ready },
	{ NULL, NULL, NULL },
};
