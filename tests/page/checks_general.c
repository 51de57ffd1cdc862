/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences of "Properties" and "Addresses and widths". */
#include <string.h>

#include "checks.h"

static const enum check_device all[] = { TIS, TIS_12, TIS_64K, TIS_BARE, CRB, CRB_FIFO,
					 CRB_ONLY, CRB_BARE };

static void r1(void)
{
	unsigned int d;
	uint32_t addr;

	for (d = 0; d < G_N_ELEMENTS(all); d++) {
		on(all[d]);
		run(0, 1);
		answer();
		/* rig_do() compares the state before and after each read. */
		for (addr = 0; addr < 0xC000; addr += 3) {
			rd(addr, 1u << addr % 4);
		}
		IS(reg(0, 0xFDC), rig.p->rsp_len);
	}
}

static void r2(void)
{
	on(TIS);
	run(0, 1);
	/* Refused as busy, and the same after the completion. */
	wr(at(0, 0xFCC), 2, 4);
	IS(refused(0), 1);
	answer();
	wr(at(0, 0xFCC), 2, 4);
	IS(rig.m->starts, 1);
	/* "ring again after BUSY": */
	wr(at(0, 0xFC0), 0, 4);
	wr(at(0, 0xFCC), 2, 4);
	IS(rig.m->starts, 2);
}

static void r2_int_status(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x08), 0x80000087, 4);
	run(0, 1);
	wr(at(0, 0x10), 0xFF, 4);
	answer();
	IS(rd(at(0, 0x10), 4), 0x03);
	wr(at(0, 0x10), 0xFF, 4);
	IS(rd(at(0, 0x10), 4), 0x03);
	IS(tpmix_irq(&rig.m->e), 1);
	wr(at(0, 0x08), 0x80000087, 4);
	wr(at(0, 0x10), 0xFF, 4);
	IS(rd(at(0, 0x10), 4), 0);
}

static void r2_int_ack(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x08), 0x80000003, 4);
	run(0, 1);
	wr(at(0, 0xFE4), 0, 4);
	answer();
	wr(at(0, 0xFE4), 1, 4);
	IS(rd(at(0, 0x10), 4), 0);
	IS(tpmix_irq(&rig.m->e), 0);
}

static void r2_a_dropped_write_counts(void)
{
	on(TIS);
	run(0, 1);
	wr(at(0, 0xFCC), 2, 4);
	answer();
	wr(at(0, 0xF90), 0, 4);
	wr(at(0, 0xFCC), 2, 4);
	IS(rig.m->starts, 2);
}

static void r2_not_ram(void)
{
	on(TIS);
	run(0, 1);
	wr(at(0, 0xFCC), 2, 4);
	answer();
	wr(0x10000, 0x80, 1);
	wr(0x30000, 0, 4);
	wr(at(0, 0xFCC), 2, 4);
	IS(rig.m->starts, 1);
	/* DATA_FIFO: the same byte twice is two bytes. */
	on(TIS);
	fifo_run(1, 1);
	leave(1);
	take(0);
	wr(at(0, 0x18), 0x40, 1);
	wr(at(0, 0x24), 0x80, 1);
	wr(at(0, 0x24), 0x80, 1);
	IS(rd(at(0, 0x18), 4) >> 8 & 0xFFFF, 4094);
}

static void r2_reset(void)
{
	on(TIS);
	fifo_run(0, 1);
	take(0);
	event(OP_RESET, 1, 4096);
	take(0);
	IS(rd(at(0, 0), 1), 0xA1);
}

static void r3(void)
{
	unsigned int i;

	on(TIS);
	run(0, 1);
	answer();
	for (i = 0; i < 5; i++) {
		put(0, 12, 1);
		wr(at(0, 0xFCC), 1, 4);
	}
	IS(rig.m->starts, 1);
	put(0, 12, 2);
	ring(0);
	answer();
	wr(at(0, 0xFCC), 1, 4);
	IS(rig.m->starts, 2);
	IS(refused(0), 2);
}

static void r4(void)
{
	uint8_t rsp[64];
	uint32_t len, i, pass;

	on(CRB);
	run(0, 1);
	answer();
	len = rig.p->rsp_len;
	memcpy(rsp, rig.p->rsp, MIN(len, 64));
	for (pass = 0; pass < 6; pass++) {
		for (i = 0; i < MIN(len, 64); i++) {
			IS(rd(door(0, 0x100 + i), 1), rsp[i]);
			IS(rd(at(0, 0x80 + i), 1), rsp[i]);
			IS(rd(0x20000 + i, 1), rsp[i]);
		}
		IS(reg(0, 0xFDC), len);
		switch (pass) {
		case 0:
			wr(at(0, 0x40), 1, 4);
			break;
		case 1:
			wr(at(0, 0x40), 2, 4);
			break;
		case 2:
			event(OP_MIGRATE, 0, 0);
			break;
		case 3:
			leave(0);
			take(0);
			break;
		case 4:
			leave(0);
			take(2);
			leave(2);
			take(0);
		}
	}
}

static void r5(void)
{
	on(CRB);
	crb_run(0, 1);
	answer();
	crb_put(0, 64, 0xEE);
	IS(rd(at(0, 0x80), 4) & 0xFFFF, 0x0180);
	IS(rd(0x20000 + 5, 1), rig.p->rsp[5]);
	IS(rd(0x10000 + 20, 1), 0xEE);
}

static void r6(void)
{
	uint16_t csum;

	on(TIS);
	take(0);
	csum = put(0, 12, 1);
	wr(at(0, 0x108), 0x77, 1);
	wr(at(0, 0xFC8), 1ull << 32 | 0x10000 | csum, 8);
	IS(refused(0), 3);
	IS(reg(0, 0xFD0), 0);
	IS(rig.m->starts, 0);
	put(0, 12, 1);
	wr(at(0, 0xFC8), 1ull << 32 | 0x10000 | csum, 8);
	IS(rig.m->starts, 1);
	answer();
	IS(reg(0, 0xFE0) & 0xFFFF, csum);
	IS(reg(0, 0xFE0) >> 16, page_crc(rig.p->rsp, rig.p->rsp_len));
}

static void never_an_earlier_response(void)
{
	/* The smallest case of a guest that gave up: START; CANCEL, goIdle, relinquish... */
	on(CRB);
	crb_run(0, 1);
	wr(at(0, 0x48), 1, 4);
	wr(at(0, 0x40), 2, 4);
	leave(0);
	take(0);
	wr(at(0, 0x40), 1, 4);
	wr(at(0, 0x48), 0, 4);
	crb_put(0, 12, 2);
	crb_start(0);
	IS(rd(at(0, 0x4C), 4), 1);
	answer();
	IS(rd(at(0, 0x4C), 4), 0);
	IS(response_code(0), 0x922);
	IS(rig.m->starts, 1);
}

static void localities_1(void)
{
	uint32_t off;

	on(TIS_BARE);
	for (off = 0x1000; off < 0x5000; off += 0x3FC) {
		IS(rd(off, 4), 0xFFFFFFFF);
	}
	wr(0x1000, 2, 1);
	IS(rd(0x1000, 1), 0xFF);
	IS(rd(0, 1), 0x81);
	on(CRB_ONLY);
	IS(rd(0x1000, 4), 0xFFFFFFFF);
	IS(rd(0x6F90, 4), 0x58495054);
	IS(rd(0x7F90, 4), 0xFFFFFFFF);
}

static void not_there(void)
{
	on(TIS);
	IS(rd(0x6F90, 4), 0xFFFFFFFF);
	IS(rd(0xB000, 8), ~0ull);
	IS(rd(0xEFF8, 8), ~0ull);
	IS(rd(0x11000, 4), 0xFFFFFFFF);
	IS(rd(0x21000, 4), 0xFFFFFFFF);
	IS(rd(0x2FFF8, 8), ~0ull);
	wr(0x11000, 0, 4);
	IS(rd(0x11000, 4), 0xFFFFFFFF);
	on(TIS_BARE);
	IS(rd(0x0FF90, 4), 0xFFFFFFFF);
	IS(rd(0x10000, 4), 0xFFFFFFFF);
	IS(rd(0x20000, 4), 0xFFFFFFFF);
	IS(rd(0x00F98, 4), 0x7);
}

static void no_tpm(void)
{
	uint32_t addr;
	unsigned int d;

	for (d = 0; d < G_N_ELEMENTS(all); d++) {
		on(all[d]);
		run(0, 1);
		event(OP_RESET, 0, 4096);
		for (addr = 0; addr < 0x40000; addr += addr % 0x1000 ? 0x7F8 : 8) {
			IS(rd(addr, 8), 0);
		}
		take(0);
		IS(rd(0, 4), 0);
		IS(rd(0x6F90, 4), 0);
		IS(tpmix_irq(&rig.m->e), 0);
		event(OP_RESET, 1, 4096);
		IS(reg(0, 0xF90), 0x58495054);
	}
	on(TIS);
	event(OP_RESET, 0, 4096);
	wr(0x10000, 0x12345678, 4);
	IS(rd(0x10000, 4), 0x12345678);
}

static void end_of_the_crb_page(void)
{
	on(CRB);
	IS(rd(0xFFC, 8), 0x00000081FFFFFFFF);
	on(TIS);
	IS(rd(0xFFC, 8), 0x0000008100000000);
}

static void little_endian(void)
{
	on(TIS);
	IS(rd(0xF90, 1), 'T');
	IS(rd(0xF91, 1), 'P');
	IS(rd(0xF91, 2), 0x4950);
	IS(rd(0xF92, 4), 0x00005849);
	IS(rd(0xF93, 8), 0x00001F0001000058);
}

static void words_lowest_first(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	/* CSUM_EXPECT before DOORBELL: the wrong checksum counts. */
	wr(at(0, 0xFC8), 1ull << 32 | 0x1DEAD, 8);
	IS(refused(0), 3);
}

static void bytes_not_written(void)
{
	on(CRB);
	take(0);
	wr(door(0, 0xFC0), 0x11223344, 4);
	wr(door(0, 0xFC1), 0xAA, 1);
	IS(reg(0, 0xFC0), 0x1122AA44);
	wr(door(0, 0xFC8), 0x1ABCD, 4);
	wr(door(0, 0xFC9), 0x11, 1);
	IS(reg(0, 0xFC8), 0x111CD);
	wr(at(0, 0x50), 0x8000000B, 4);
	wr(at(0, 0x50), 0, 1);
	IS(rd(at(0, 0x50), 4), 0x80000000);
	/* Not covered: nothing is selected. */
	wr(at(0, 0x30), 0, 2);
	IS(rd(at(0, 0x30), 4) >> 17 & 3, 1);
	on(TIS);
	take(0);
	/* seize is not written: it is 0. */
	wr(at(0, 0x01), 0xFFFFFF, 2);
	IS(rd(at(0, 0x00), 1), 0xA1);
}

static void no_register(void)
{
	on(TIS);
	IS(rd(0x004, 4), 0xFFFFFFFF);
	IS(rd(0x034, 4), 0xFFFFFFFF);
	IS(rd(0xF10, 8), ~0ull);
	IS(rd(0xFE8, 8), 0);
	IS(rd(0x001, 1), 0);
	IS(rd(0x00D, 2), 0);
	IS(rd(0xF05, 1), 0);
	wr(0xFE8, ~0ull, 8);
	IS(rd(0xFE8, 8), 0);
	on(CRB);
	IS(rd(0x010, 8), 0);
	IS(rd(0x6000, 8), ~0ull);
	IS(rd(0x6F00, 8), ~0ull);
	IS(rd(0x6FE8, 8), 0);
}

static void guest_errors(void)
{
	on(TIS);
	rd(0x004, 4);
	IS(rig.m->guest_errors, 1);
	wr(0xFE8, 0, 4);
	IS(rig.m->guest_errors, 2);
	rd(0x000, 4);
	IS(rig.m->guest_errors, 2);
}

static void pages(void)
{
	unsigned int l;

	on(CRB);
	for (l = 0; l < 5; l++) {
		IS(rd(l << 12 | 0x30, 4), 0x00027911);
		IS(rd(0x6000 + (l << 12) + 0xF90, 4), 0x58495054);
	}
	on(CRB_FIFO);
	for (l = 0; l < 5; l++) {
		IS(rd(l << 12 | 0xF00, 4), 0x00011014);
		IS(rd(l << 12 | 0xF90, 4), 0x58495054);
		IS(rd(0x6000 + (l << 12) + 0xF90, 4), 0x58495054);
	}
	on(TIS);
	for (l = 0; l < 5; l++) {
		IS(rd(l << 12 | 0xF90, 4), 0x58495054);
	}
	IS(rd(0x30F90, 4), 0x58495054);
	take(0);
	wr(0x10FFF, 0x77, 1);
	IS(rd(0x10FFF, 1), 0x77);
	IS(rd(0x20FFF, 1), 0);
	on(TIS_64K);
	take(0);
	wr(0x1FFFF, 0x77, 1);
	IS(rd(0x1FFFF, 1), 0x77);
}

static void behind_the_response(void)
{
	on(CRB);
	IS(rd(at(0, 0x80), 4), 0xFFFFFFFF);
	IS(rd(0x20000, 4), 0xFFFFFFFF);
	take(0);
	IS(rd(at(0, 0x80), 4), 0);
	IS(rd(door(0, 0x100), 8), 0);
	IS(rd(0x20000, 4), 0);
	crb_put(0, 12, 1);
	crb_start(0);
	answer();
	IS(rd(at(0, 0x80 + rig.p->rsp_len), 1), 0);
	IS(rd(0x20000 + rig.p->rsp_len, 1), 0);
	leave(0);
	IS(rd(at(0, 0x80), 4), 0xFFFFFFFF);
	on(TIS);
	take(0);
	IS(rd(at(0, 0x24), 1), 0xFF);
}

static void locality_4(void)
{
	on(TIS_64K);
	take(4);
	IS(rd(at(4, 0), 1), 0x81);
	on(CRB_FIFO);
	take(0);
	wr(0xA000 + 0xFC0, 1, 4);
	wr(at(4, 0), 2, 1);
	IS(rd(at(4, 0), 1), 0x81);
}

const struct check checks_general[] = {
	{ "properties/read", "**R1** A read changes nothing.", r1 },
	{ "properties/read-rule", "No read changes anything, except of DATA_FIFO", r1 },
	{ "properties/write-twice", "**R2** A write made twice in a row is the write made once", r2 },
	{ "properties/ticket", "**R3** A doorbell carries a ticket.", r3 },
	{ "properties/at-most-once", "Ticket n starts command n at most once", r3 },
	{ "properties/lost-doorbell", "A lost doorbell may be sent again.", r6 },
	{ "properties/response-stays", "**R4** From its completion until the next command is", r4 },
	{ "properties/storage", "**R5** Command and response share no storage", r5 },
	{ "properties/corrupted", "**R6** The guest can detect a lost or corrupted transfer", r6 },
	{ "properties/no-earlier-response", "a guest that wrote tpmGo, START or a doorbell for a command never",
	  never_an_earlier_response },
	{ "addresses/localities-1", "With `localities=1` only the first page", localities_1 },
	{ "addresses/not-there", "What is not there reads as ones and ignores writes", not_there },
	{ "addresses/no-tpm", "Where there is no TPM, as after a reset", no_tpm },
	{ "addresses/no-tpm-after-reset", "A machine reset that finds the backend gone", no_tpm },
	{ "addresses/end-of-page", "An access over the end of locality 0's CRB page", end_of_the_crb_page },
	{ "addresses/little-endian", "All registers are little-endian.", little_endian },
	{ "addresses/any-width", "Reads and writes of 1, 2, 4 and 8 bytes at any offset", words_lowest_first },
	{ "addresses/bytes-not-written", "Bytes that are not written count as 0", bytes_not_written },
	{ "addresses/locality-pages", "| 0x00000 | 0x5000 | five locality pages of 4 KiB", pages },
	{ "addresses/extension-pages", "| 0x06000 | 0x5000 | `tpm-crb-ext`: extension pages", pages },
	{ "addresses/header-page", "| 0x30000 | 64 KiB | header page, RAM, read-only", pages },
	{ "addresses/command-window", "| 0x10000 | 64 KiB | command window, RAM", pages },
	{ "addresses/response-window", "| 0x20000 | 64 KiB | response window, RAM", pages },
	{ "addresses/tis", "| `tpm-tis-indexed` | FIFO and indexed door | none | yes |", pages },
	{ "addresses/crb", "| `tpm-crb-ext` as CRB | CRB door | indexed door | yes |", pages },
	{ "addresses/crb-as-fifo", "| `tpm-crb-ext` as FIFO | FIFO and indexed door | indexed door | yes |", pages },
	{ "addresses/logged", "both are logged as guest errors", guest_errors },
	{ "addresses/no-register", "Offsets without a register read as all ones", no_register },
	{ "addresses/one-byte-registers", "The other bytes of a 1-byte register's word", no_register },
	{ "addresses/crb-page", "In a CRB page offsets without a register read as 0", no_register },
	{ "addresses/behind-the-response", "Bytes of a buffer or window behind the response", behind_the_response },
	{ "addresses/not-active", "To a locality that is not active they read as ones", behind_the_response },
	{ "addresses/locality-4", "The QEMU devices drop the guest's writes to it", locality_4 },
	{ "write-rule/every-write", "**The write rule (R2).** Every write may be repeated.", r2 },
	{ "write-rule/repetition", "the device keeps the last write that started a command", r2 },
	{ "write-rule/on-purpose", "A guest that wants to do the same thing twice on purpose", r2_a_dropped_write_counts },
	{ "write-rule/int-status", "And of INT_STATUS: a handler that wrote a value", r2_int_status },
	{ "write-rule/int-ack", "A handler acknowledges by INT_ACK", r2_int_ack },
	{ "write-rule/outside", "DATA_FIFO and XDATA_FIFO are outside this rule", r2_not_ram },
	{ "write-rule/reset", "TPM_INIT forgets the last write.", r2_reset },
	{ NULL, NULL, NULL },
};
