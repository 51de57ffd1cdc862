/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences of "Indexed door" and "Windows in RAM". */
#include <string.h>

#include "checks.h"

static void reset_values(void)
{
	on(TIS);
	IS(reg(0, 0xF90), 0x58495054);
	IS(reg(0, 0xF94), 0x00010000);
	IS(reg(0, 0xF98), 0x0000001F);
	IS(reg(0, 0xF9C), 4096);
	IS(reg(0, 0xFA0), 0x0E000100);
	IS(reg(0, 0xFA4), 4096);
	IS(rd(at(0, 0xFA8), 8), 0xFED50000);
	IS(rd(at(0, 0xFB0), 8), 0xFED60000);
	IS(rd(at(0, 0xFB8), 8), 0xFED70000);
	IS(reg(0, 0xFC0), 0xFFFFFFFF);
	take(0);
	IS(rd(at(0, 0x100), 4), 0);
	IS(reg(0, 0xFC0), 0);
	IS(reg(0, 0xFC4), 0);
	IS(reg(0, 0xFC8), 0);
	IS(reg(0, 0xFD4), 0);
	IS(reg(0, 0xFDC), 0);
	IS(reg(0, 0xFE0), 0);
	IS(reg(0, 0xFE4), 0);
}

static void tickets_are_kept(void)
{
	on(TIS);
	run(0, 1);
	event(OP_RESET, 1, 4096);
	take(0);
	IS(reg(0, 0xFCC), 1);
	IS(reg(0, 0xFD0), 1);
	IS(reg(0, 0xFD8), 1);
	/* Delayed over the reset. */
	put(0, 12, 1);
	wr(at(0, 0xFCC), 1, 4);
	IS(rig.m->starts, 1);
}

static void bufsize(void)
{
	on(TIS);
	event(OP_RESET, 1, 1024);
	IS(reg(0, 0xF9C), 1024);
	IS(reg(0, 0xFA4), 4096);
	event(OP_MIGRATE, 0, 0);
	IS(reg(0, 0xF9C), 1024);
	event(OP_RESET, 1, 99999);
	IS(reg(0, 0xF9C), 4096);
	on(TIS_BARE);
	IS(reg(0, 0xF98), 7);
	IS(reg(0, 0xFA4), 0);
	IS(rd(at(0, 0xFA8), 8), 0);
	IS(rd(at(0, 0xFB0), 8), 0);
	IS(rd(at(0, 0xFB8), 8), 0);
}

static void found_by_magic(void)
{
	on(TIS);
	IS(rd(0xF90, 4), 0x58495054);
	on(CRB);
	IS(rd(0x6F90, 4), 0x58495054);
	on(CRB_FIFO);
	IS(rd(0xF90, 4), 0x58495054);
	IS(rd(0x6F90, 4), 0x58495054);
}

static void window(void)
{
	uint32_t i;

	on(TIS);
	run(0, 1);
	answer();
	for (i = 0; i < rig.p->rsp_len; i++) {
		wr(at(0, 0xFC0), i, 4);
		IS(rd(at(0, 0x100), 1), rig.p->rsp[i]);
		IS(rd(at(0, 0x100 + rig.p->rsp_len - i), 4), 0);
	}
	wr(at(0, 0xFC0), 100, 4);
	wr(at(0, 0x103), 0x55, 1);
	IS(rd(0x10000 + 103, 1), 0x55);
	wr(at(0, 0xFC0), 0xFFFFFFFF, 4);
	IS(reg(0, 0xFC0), 0xFFFFFFFF);
	IS(rd(at(0, 0x104), 4), 0);
}

static void window_beyond(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0xFC0), 4094, 4);
	wr(at(0, 0x100), 0x44332211, 4);
	IS(refused(0), 4);
	IS(rd(0x10000 + 4094, 2), 0x2211);
	wr(at(0, 0xFC0), 0xFFFFFFFE, 4);
	wr(at(0, 0x100), 0x99, 1);
	IS(rd(0x10002, 1), 0);
	/* The window in RAM: no REFUSED, never part of a command. */
	event(OP_RESET, 1, 1024);
	take(0);
	wr(0x10000 + 1030, 0x77, 1);
	IS(rd(0x10000 + 1030, 1), 0x77);
	IS(refused(0), 0);
}

static void command_stays(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	leave(0);
	take(0);
	ring(0);
	IS(rig.m->starts, 1);
	answer();
	leave(0);
	take(1);
	leave(1);
	take(0);
	ring(0);
	IS(rig.m->starts, 1);
	IS(response_code(0), 0x142);
}

static void index_of_each(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0xFC0), 0xFFFFFFF0, 4);
	leave(0);
	take(1);
	IS(reg(1, 0xFC0), 0);
	leave(1);
	take(0);
	IS(reg(0, 0xFC0), 0xFFFFFFF0);
}

static void doorbell(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	wr(at(0, 0xFCC), 0, 4);
	IS(refused(0), 0);
	wr(at(0, 0xFCC), 2, 4);
	IS(refused(0), 2);
	wr(at(0, 0xFCC), 1, 4);
	IS(refused(0), 0);
	IS(rig.m->starts, 1);
}

static void wrap(void)
{
	on(TIS);
	rig.p->accepted = rig.m->e.s.accepted = 0xFFFFFFFE;
	tpmix_refresh(&rig.m->e);
	run(0, 1);
	IS(reg(0, 0xFD0), 0xFFFFFFFF);
	answer();
	run(0, 2);
	IS(reg(0, 0xFD0), 0);
	IS(reg(0, 0xFD8), 0xFFFFFFFF);
	answer();
	IS(reg(0, 0xFD8), 0);
}

static void accepted_in(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	ring(0);
	answer();
	IS(state(0), STATE_COMPLETION);
	put(0, 12, 2);
	ring(0);
	answer();
	wr(at(0, 0x18), 0x40, 1);
	put(0, 12, 3);
	ring(0);
	answer();
	wr(at(0, 0x18), 0x40, 1);
	wr(at(0, 0x24), 0x80, 1);
	IS(state(0), STATE_RECEPTION);
	put(0, 12, 4);
	ring(0);
	IS(rig.m->starts, 4);
}

static void width(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	wr(at(0, 0xFCC), 1, 1);
	IS(refused(0), 5);
	IS(rig.m->starts, 0);
	wr(at(0, 0xFCA), 0x00010000, 4);
	IS(rig.m->starts, 0);
	/* The lower half of an 8-byte write at DOORBELL. */
	wr(at(0, 0xFCC), 1, 8);
	IS(rig.m->starts, 1);
	IS(refused(0), 0);
	wr(at(0, 0xFC4), 1, 2);
	IS(refused(0), 5);
	IS(rig.m->cancels, 0);
	answer();
	on(TIS);
	take(0);
	wr(at(0, 0xFE4), 0, 1);
	IS(refused(0), 5);
	/* Unaligned, but all of it covered. */
	wr(at(0, 0xFC8), 0, 4);
	put(0, 12, 1);
	wr(at(0, 0xFC9), 1ull << 24, 8);
	IS(rig.m->starts, 1);
}

static void order_of_checks(void)
{
	on(TIS);
	run(0, 1);
	put(0, 12, 2);
	wr(at(0, 0xFC8), 0x1DEAD, 4);
	wr(at(0, 0xFCC), 1, 4);
	IS(refused(0), 0);
	wr(at(0, 0xFCC), 7, 4);
	IS(refused(0), 2);
	wr(at(0, 0xFCC), 2, 4);
	IS(refused(0), 1);
	answer();
	wr(at(0, 0xFC0), 0, 4);
	wr(at(0, 0xFCC), 2, 4);
	IS(refused(0), 3);
}

static void csum_expect(void)
{
	uint16_t csum;

	on(TIS);
	take(0);
	wr(at(0, 0xFC8), 0xFFFFDEAD, 4);
	IS(reg(0, 0xFC8), 0x7DEAD);
	leave(0);
	take(1);
	IS(reg(1, 0xFC8), 0);
	run(1, 1);
	answer();
	leave(1);
	take(0);
	IS(reg(0, 0xFC8), 0x7DEAD);
	csum = put(0, 12, 2);
	ring(0);
	IS(refused(0), 3);
	wr(at(0, 0xFC8), 0xDEAD, 4);
	ring(0);
	IS(rig.m->starts, 2);
	IS(reg(0, 0xFE0) & 0xFFFF, csum);
}

static void one_exit(void)
{
	uint16_t csum;

	on(TIS);
	take(0);
	csum = put(0, 12, 1);
	wr(at(0, 0xFC8), 1ull << 32 | 0x10000 | csum, 8);
	IS(rig.m->starts, 1);
	IS(rd(at(0, 0xFD0), 8), 1 | (uint64_t)(8 | STATE_EXECUTION) << 32);
	answer();
	IS(rd(at(0, 0xFD8), 8), 1 | (uint64_t)rig.p->rsp_len << 32);
}

static void accepted_and_completed(void)
{
	on(TIS);
	run(0, 1);
	IS(reg(0, 0xFD0), 1);
	IS(reg(0, 0xFD8), 0);
	IS(reg(1, 0xFD8), 0xFFFFFFFF);
	IS(reg(1, 0xFD0), 0xFFFFFFFF);
	answer();
	IS(reg(0, 0xFD8), 1);
}

static void status(void)
{
	on(TIS);
	run(3, 1);
	IS(reg(3, 0xFD4), 8 | STATE_EXECUTION);
	leave(3);
	take(0);
	IS(reg(0, 0xFD4), 8);
	answer();
	IS(reg(0, 0xFD4), 0);
	leave(0);
	take(3);
	IS(reg(3, 0xFD4), 16 | STATE_COMPLETION);
	take(1);
	IS(reg(3, 0xFD4), 0x30 | STATE_COMPLETION);
	leave(1);
	wr(at(3, 0xFCC), 9, 4);
	IS(reg(3, 0xFD4), 0x210 | STATE_COMPLETION);
	/* Another locality's command does not clear it. */
	leave(3);
	run(0, 1);
	answer();
	leave(0);
	take(3);
	IS(refused(3), 2);
}

static void csum(void)
{
	uint16_t c;

	on(TIS);
	take(0);
	IS(reg(0, 0xFE0), 0);
	c = put(0, 12, 1);
	ring(0);
	IS(reg(0, 0xFE0), c);
	answer();
	IS(reg(0, 0xFE0), c | (uint32_t)page_crc(rig.p->rsp, rig.p->rsp_len) << 16);
	seize(1);
	IS(reg(1, 0xFE0), 0);
	/* CRC-16/KERMIT's check value. */
	IS(page_crc((const uint8_t *)"123456789", 9), 0x2189);
	IS(tpmix_crc16((const uint8_t *)"123456789", 9), 0x2189);
	take(1);
	wr(at(1, 0xFC0), 0, 4);
	wr(at(1, 0x100), 0xFF000180, 4);
	ring(1);
	IS(reg(1, 0xFE0) & 0xFFFF, 0);
	IS(reg(1, 0xFD0), 2);
}

static void cancel(void)
{
	on(TIS);
	run(1, 1);
	wr(at(1, 0xFC4), 2, 4);
	IS(rig.m->cancels, 0);
	wr(at(1, 0xFC4), 1, 4);
	IS(rig.m->cancels, 1);
	seize(2);
	IS(rig.m->cancels, 2);
	wr(at(2, 0xFC4), 1, 4);
	IS(rig.m->cancels, 2);
	leave(2);
	take(1);
	answer();
	wr(at(1, 0xFC4), 1, 4);
	IS(rig.m->cancels, 2);
}

static void int_ack(void)
{
	on(TIS);
	take(0);
	wr(at(0, 0x08), 0x80000003, 4);
	run(0, 1);
	answer();
	wr(at(0, 0xFE4), 0, 4);
	IS(rd(at(0, 0x10), 4), 3);
	wr(at(0, 0xFE4), 1, 4);
	IS(rd(at(0, 0x10), 4), 0);
	on(CRB);
	take(0);
	wr(at(0, 0x50), 0x80000001, 4);
	crb_run(0, 1);
	answer();
	IS(rd(at(0, 0x54), 4), 1);
	wr(door(0, 0xFE4), 1, 4);
	IS(rd(at(0, 0x54), 4), 0);
}

/* CSUM_EXPECT with @bits and a doorbell @ahead of ACCEPTED, in one write. */
static void ring_with(uint32_t bits, uint32_t ahead)
{
	wr(at(0, 0xFC8), (uint64_t)(rig.p->accepted + ahead) << 32 | bits, 8);
}

static void edges(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	ring_with(1 << 17, 1);
	IS(rig.m->e.edges, 0);
	answer();
	IS(rig.m->e.edges, 1);
	IS(tpmix_irq(&rig.m->e), 0);
	IS(rd(at(0, 0x10), 4), 0);
	on(TIS_BARE);
	take(0);
	put(0, 12, 1);
	ring_with(1 << 17, 1);
	answer();
	IS(rig.m->e.edges, 0);
}

static void edge_of_its_ticket(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	ring_with(0, 1);
	ring_with(1 << 17, 0);
	answer();
	IS(rig.m->e.edges, 1);
	/* Late: completed, or another one accepted. */
	ring_with(1 << 17, 0);
	ring_with(0, 1);
	ring_with(1 << 17, (uint32_t)-1);
	answer();
	IS(rig.m->e.edges, 1);
	/* Over before the write returns. */
	event(OP_FAST, 0, 1);
	ring_with(1 << 17, 1);
	IS(rig.m->e.edges, 1);
	event(OP_FAST, 0, 0);
}

static void edge_of_a_request(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	ring_with(0, 1);
	answer();
	take(1);
	IS(rig.m->e.edges, 0);
	leave(1);
	ring_with(1 << 18, 1);
	answer();
	take(1);
	IS(rig.m->e.edges, 1);
	IS(reg(0, 0xFD4), 0x30 | STATE_COMPLETION);
	IS(rd(0x30FD4, 4), 0x30 | STATE_COMPLETION);
	take(1);
	IS(rig.m->e.edges, 1);
}

static void command_window(void)
{
	on(TIS);
	take(0);
	put(0, 12, 1);
	IS(rd(0x1000B, 1), 1);
	wr(0x1000B, 2, 1);
	ring(0);
	g_assert_true(ran(2));
	wr(0x1000B, 3, 1);
	answer();
	IS(reg(0, 0xFE0) & 0xFFFF, page_crc(rig.m->command, 12));
}

static void wiped(void)
{
	on(TIS);
	/* At TPM_INIT, and where the first locality after it becomes active. */
	wr(0x10000, 0x11, 1);
	take(0);
	IS(rd(0x10000, 1), 0);
	wr(0x10000, 0x22, 1);
	leave(0);
	take(0);
	IS(rd(0x10000, 1), 0x22);
	seize(1);
	IS(rd(0x10000, 1), 0);
	wr(0x10000, 0x33, 1);
	leave(1);
	take(1);
	IS(rd(0x10000, 1), 0x33);
	leave(1);
	take(0);
	IS(rd(0x10000, 1), 0);
	wr(0x10000, 0x44, 1);
	event(OP_RESET, 1, 4096);
	IS(rd(0x10000, 1), 0);
	/* Never by a completion. */
	run(0, 1);
	wr(0x10000, 0x55, 1);
	answer();
	IS(rd(0x10000, 1), 0x55);
}

static void response_window(void)
{
	uint32_t i;

	on(TIS);
	IS(rd(0x20000, 4), 0xFFFFFFFF);
	run(0, 1);
	IS(rd(0x20000, 4), 0);
	answer();
	for (i = 0; i < rig.p->rsp_len; i++) {
		IS(rd(0x20000 + i, 1), rig.p->rsp[i]);
	}
	wr(0x20000, 0, 4);
	IS(rd(0x20000, 2), 0x0180);
	seize(1);
	IS(rd(0x20000, 4), 0xFFFFFFFF);
	run(1, 2);
	answer();
	leave(1);
	take(0);
	IS(rd(0x20000, 4), 0);
}

static void header_page(void)
{
	uint32_t off;

	on(CRB);
	IS(rd(0x30000, 4), 0);
	IS(rd(0x30F8C, 4), 0);
	crb_run(0, 1);
	answer();
	for (off = 0xF90; off < 0x1000; off += 4) {
		IS(rd(0x30000 + off, 4), reg(0, off));
	}
	IS(rd(0x30FD8, 8), 1 | (uint64_t)rig.p->rsp_len << 32);
	wr(0x30FD8, 7, 4);
	IS(rd(0x30FD8, 4), 1);
	seize(1);
	IS(rd(0x30FD8, 4), 0xFFFFFFFF);
}

/* Every burst of up to 16 bits in a command changes its checksum. */
static void bursts(void)
{
	uint8_t cmd[40] = { 0x80, 0x01 }, other[40];
	unsigned int at, burst, bit;

	for (at = 0; at + 16 <= sizeof(cmd) * 8; at += 3) {
		for (burst = 1; burst < 0x10000; burst += 1 + burst / 16) {
			memcpy(other, cmd, sizeof(cmd));
			for (bit = 0; bit < 16; bit++) {
				other[(at + bit) / 8] ^= (uint8_t)((burst >> bit & 1) <<
								   (at + bit) % 8);
			}
			g_assert_cmphex(tpmix_crc16(cmd, 40), !=, tpmix_crc16(other, 40));
		}
	}
	on(TIS);
}

static void arms_nothing(void)
{
	on(CRB);
	crb_run(0, 1);
	answer();
	wr(0x1000B, 2, 1);
	crb_start(0);
	IS(rig.m->starts, 1);
}

const struct check checks_indexed[] = {
	{ "indexed/window-reset", "| 0x100 | TPMIX_WINDOW |", reset_values },
	{ "indexed/magic-reset", "| 0xF90 | TPMIX_REG_MAGIC | 4 | RO | 0x58495054 | any |", reset_values },
	{ "indexed/version-reset", "| 0xF94 | TPMIX_REG_VERSION | 4 | RO | 0x00010000 | any |", reset_values },
	{ "indexed/cap-reset", "| 0xF98 | TPMIX_REG_CAP | 4 | RO | 0x0000001F | any |", reset_values },
	{ "indexed/bufsize-reset", "| 0xF9C | TPMIX_REG_BUFSIZE | 4 | RO | negotiated | any |", reset_values },
	{ "indexed/window-register", "| 0xFA0 | TPMIX_REG_WINDOW | 4 | RO | 0x0E000100 | any |", reset_values },
	{ "indexed/ram-size-reset", "| 0xFA4 | TPMIX_REG_RAM_SIZE | 4 | RO | property buffer-size | any |", reset_values },
	{ "indexed/cmd-window-reset", "| 0xFA8 | TPMIX_REG_CMD_WINDOW | 8 | RO | 0xFED50000 | any |", reset_values },
	{ "indexed/rsp-window-reset", "| 0xFB0 | TPMIX_REG_RSP_WINDOW | 8 | RO | 0xFED60000 | any |", reset_values },
	{ "indexed/header-reset", "| 0xFB8 | TPMIX_REG_HEADER | 8 | RO | 0xFED70000 | any |", reset_values },
	{ "indexed/index-reset", "| 0xFC0 | TPMIX_REG_INDEX | 4 | RW | 0 | active |", reset_values },
	{ "indexed/cancel-reset", "| 0xFC4 | TPMIX_REG_CANCEL | 4 | WO | 0 | active |", reset_values },
	{ "indexed/csum-expect-reset", "| 0xFC8 | TPMIX_REG_CSUM_EXPECT | 4 | RW | 0 | active |", reset_values },
	{ "indexed/doorbell-kept", "| 0xFCC | TPMIX_REG_DOORBELL |", tickets_are_kept },
	{ "indexed/accepted-kept", "| 0xFD0 | TPMIX_REG_ACCEPTED |", tickets_are_kept },
	{ "indexed/status-reset", "| 0xFD4 | TPMIX_REG_STATUS | 4 | RO | 0 | active |", reset_values },
	{ "indexed/completed-kept", "| 0xFD8 | TPMIX_REG_COMPLETED |", tickets_are_kept },
	{ "indexed/rsp-size-reset", "| 0xFDC | TPMIX_REG_RSP_SIZE | 4 | RO | 0 | active |", reset_values },
	{ "indexed/csum-reset", "| 0xFE0 | TPMIX_REG_CSUM | 4 | RO | 0 | active |", reset_values },
	{ "indexed/int-ack-reset", "| 0xFE4 | TPMIX_REG_INT_ACK | 4 | WO | 0 | active |", reset_values },
	{ "indexed/magic", "**MAGIC** the bytes \"TPIX\".", found_by_magic },
	{ "indexed/version", "**VERSION** major in 31:16", reset_values },
	{ "indexed/cap", "**CAP** bit 0 INDEX and the window", bufsize },
	{ "indexed/bufsize", "**BUFSIZE** the smaller of the device's buffer and", bufsize },
	{ "indexed/window-size", "**WINDOW** offset of the trapped window in 15:0", reset_values },
	{ "indexed/ram-size", "**RAM_SIZE** size of each of the two windows in RAM", bufsize },
	{ "indexed/addresses", "**CMD_WINDOW**, **RSP_WINDOW**, **HEADER** their and", reset_values },
	{ "indexed/no-ram", "Where CAP has no bit 3 these four are 0.", bufsize },
	{ "indexed/found", "The door is found by MAGIC: of `tpm-tis-indexed`", found_by_magic },
	{ "indexed/window", "A read at 0x100 + off returns response[INDEX + off]", window },
	{ "indexed/window-rest", "A read beyond the response returns 0.", window },
	{ "indexed/window-beyond", "Of a write bytes at BUFSIZE and beyond are dropped, the others", window_beyond },
	{ "indexed/beyond-without-refusal", "DATA_BUFFER drops such bytes without that", window_beyond },
	{ "indexed/storage", "Command and response have separate storage (R5).", window },
	{ "indexed/command-stays", "A locality's own command bytes stay until another", command_stays },
	{ "indexed/index", "**INDEX** one for each locality, any value", index_of_each },
	{ "indexed/doorbell", "**DOORBELL** with n the last accepted ticket", doorbell },
	{ "indexed/wrap", "Tickets are 32 bits and wrap.", wrap },
	{ "indexed/accepted-in", "Accepted in Idle, Ready, Reception and Completion", accepted_in },
	{ "indexed/width", "A ticket must be written as four aligned bytes", width },
	{ "indexed/order", "Checks come in this order: n, wrong ticket", order_of_checks },
	{ "indexed/csum-expect", "**CSUM_EXPECT** of each locality its own", csum_expect },
	{ "indexed/csum-of", "The checksum is of as many bytes as the command's header says", csum },
	{ "indexed/one-write", "One 8-byte write to 0xFC8 sets the checksum and rings", one_exit },
	{ "indexed/accepted", "**ACCEPTED, COMPLETED** the last ticket accepted", accepted_and_completed },
	{ "indexed/ones-are-a-ticket", "To a locality that is not active they read as ones, which is a ticket", accepted_and_completed },
	{ "indexed/one-read", "One 8-byte read at 0xFD8 tells completion", one_exit },
	{ "indexed/status", "**STATUS** bits 2:0 this locality's state", status },
	{ "indexed/refused-none", "| 0 | TPMIX_REFUSED_NONE |", doorbell },
	{ "indexed/refused-busy", "| 1 | TPMIX_REFUSED_BUSY | a command was running |", order_of_checks },
	{ "indexed/refused-ticket", "| 2 | TPMIX_REFUSED_TICKET | neither ACCEPTED nor", order_of_checks },
	{ "indexed/refused-csum", "| 3 | TPMIX_REFUSED_CSUM |", order_of_checks },
	{ "indexed/refused-index", "| 4 | TPMIX_REFUSED_INDEX |", window_beyond },
	{ "indexed/refused-width", "| 5 | TPMIX_REFUSED_WIDTH |", width },
	{ "indexed/rsp-size", "**RSP_SIZE** bytes of the response, 0 where this locality has none.", status },
	{ "indexed/csum", "**CSUM** in 15:0 the accepted command's", csum },
	{ "indexed/bursts", "It detects every burst error of up to 16 bits", bursts },
	{ "indexed/csum-0", "0 for a locality that neither runs a command nor", csum },
	{ "indexed/cancel", "**CANCEL** the ticket of the command to cancel", cancel },
	{ "indexed/int-ack", "**INT_ACK** the ticket whose completion was seen", int_ack },
	{ "indexed/csum-expect-bits", "Bits 17 and 18 ask for [interrupts]", csum_expect },
	{ "interrupts/edges", "Where CAP has bit 4 the indexed door has interrupts of its own.", edges },
	{ "interrupts/nothing-else", "Each is an edge of the line: whatever INT_ENABLE says", edges },
	{ "interrupts/ticket", "CSUM_EXPECT bit 17 goes with a doorbell", edge_of_its_ticket },
	{ "interrupts/one-write", "It takes the same 8-byte write.", edges },
	{ "interrupts/late", "A doorbell that is late, or comes twice, finds", edge_of_its_ticket },
	{ "interrupts/over-at-once", "So does one whose command is over before the write returns", edge_of_its_ticket },
	{ "interrupts/request", "CSUM_EXPECT bit 18 of the locality that is active", edge_of_a_request },
	{ "interrupts/shown", "STATUS bit 5 says that one does, and what an edge tells", edge_of_a_request },
	{ "windows/command", "**Command window** (read, write): command[i]", command_window },
	{ "windows/private-copy", "The guest may write it at any time; what runs is a private", command_window },
	{ "windows/arms-nothing", "It arms nothing.", arms_nothing },
	{ "windows/wiped", "The window is wiped at TPM_INIT, where the first", wiped },
	{ "windows/response", "**Response window** (read-only): response[i]", response_window },
	{ "windows/header", "**Header page** (read-only): at 0xF90-0xFFF what", header_page },
	{ "windows/header-poll", "A guest polls COMPLETED here without an exit", header_page },
	{ "windows/read-only", "Writes to the read-only pages are dropped.", header_page },
	{ NULL, NULL, NULL },
};
