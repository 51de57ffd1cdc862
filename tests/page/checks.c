/* SPDX-License-Identifier: BSD-2-Clause */
/* See checks.h. */
#include <string.h>

#include "checks.h"

#define PC 0xFED40000u

static const struct rig_device devices[] = {
	[TIS] = { "tpm-tis-indexed",
		  { .fifo = true, .ram = true, .localities = 5, .irq = 5, .base = PC,
		    .buffer_size = 4096, .locality4 = true }, PAGE_TPM_2_0 },
	[TIS_12] = { "tpm-tis-indexed with TPM 1.2",
		     { .fifo = true, .ram = true, .localities = 5, .irq = 5, .base = PC,
		       .buffer_size = 4096 }, PAGE_TPM_1_2 },
	[TIS_64K] = { "tpm-tis-indexed,buffer-size=65536",
		      { .fifo = true, .ram = true, .localities = 5, .irq = 5, .base = PC,
			.buffer_size = 65536 }, PAGE_TPM_2_0 },
	[TIS_BARE] = { "tpm-tis-indexed,localities=1 without RAM",
		       { .fifo = true, .localities = 1, .base = PC, .buffer_size = 4096 },
		       PAGE_TPM_2_0 },
	[CRB] = { "tpm-crb-ext",
		  { .fifo = true, .crb = true, .starts_as_crb = true, .ram = true,
		    .localities = 5, .irq = 5, .base = PC, .buffer_size = 4096,
		    .locality4 = true }, PAGE_TPM_2_0 },
	[CRB_FIFO] = { "tpm-crb-ext as FIFO",
		       { .fifo = true, .crb = true, .ram = true, .localities = 5, .irq = 5,
			 .base = PC, .buffer_size = 4096 }, PAGE_TPM_2_0 },
	[CRB_ONLY] = { "tpm-crb-ext,fifo=off,localities=1",
		       { .crb = true, .starts_as_crb = true, .ram = true, .localities = 1,
			 .base = PC, .buffer_size = 4096 }, PAGE_TPM_2_0 },
	[CRB_BARE] = { "tpm-crb-ext without RAM",
		       { .fifo = true, .crb = true, .starts_as_crb = true, .localities = 5,
			 .base = PC, .buffer_size = 8192 }, PAGE_TPM_2_0 },
};

struct rig rig;

void on(enum check_device device)
{
	if (rig.m) {
		memory_is_right();
		rig_end(&rig);
	}
	rig_begin(&rig, &devices[device]);
}

static void act(const struct op *op)
{
	if (!rig_do(&rig, op)) {
		op_print(op);
		g_test_message("%s", rig.difference->str);
		g_test_fail();
	}
}

void memory_is_right(void)
{
	if (rig_memory_differs(&rig)) {
		g_test_message("%s", rig.difference->str);
		g_test_fail();
	}
}

uint64_t rd(uint32_t addr, unsigned int size)
{
	act(&(struct op) { OP_READ, addr, size, 0, false });
	return rig.value;
}

void wr(uint32_t addr, uint64_t val, unsigned int size)
{
	act(&(struct op) { OP_WRITE, addr, size, val, false });
}

void event(enum op_kind kind, unsigned int size, uint64_t val)
{
	memory_is_right();
	act(&(struct op) { kind, 0, size, val, false });
	memory_is_right();
}

void answer(void)
{
	g_assert_cmpuint(rig.m->e.s.running, <, 5);
	event(OP_COMPLETE, 0, 0);
}

uint32_t at(unsigned int l, uint32_t off)
{
	return l << 12 | off;
}

uint32_t door(unsigned int l, uint32_t off)
{
	return (rig.device->cfg.crb ? 0x6000 : 0) + (l << 12) + off;
}

uint32_t reg(unsigned int l, uint32_t off)
{
	return (uint32_t)rd(door(l, off), 4);
}

static bool is_crb(void)
{
	return rig.p->is_crb;
}

void take(unsigned int l)
{
	wr(at(l, is_crb() ? 8 : 0), is_crb() ? 1 : 2, 1);
}

void leave(unsigned int l)
{
	wr(at(l, is_crb() ? 8 : 0), is_crb() ? 2 : 0x20, 1);
}

void seize(unsigned int l)
{
	wr(at(l, is_crb() ? 8 : 0), is_crb() ? 4 : 8, 1);
}

static uint8_t *command(uint32_t len, uint8_t fill)
{
	static uint8_t cmd[70000];

	memset(cmd, fill, sizeof(cmd));
	memcpy(cmd, "\x80\x01\0\0\0\0\0\0\x01\x7B", 10);
	cmd[3] = (uint8_t)(len >> 16);
	cmd[4] = (uint8_t)(len >> 8);
	cmd[5] = (uint8_t)len;
	return cmd;
}

static void bytes(uint32_t addr, const uint8_t *b, uint32_t len, uint32_t step)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		wr(addr + i * step, b[i], 1);
	}
}

uint16_t put(unsigned int l, uint32_t len, uint8_t fill)
{
	wr(door(l, 0xFC0), 0, 4);
	bytes(door(l, 0x100), command(len, fill), len, 1);
	return page_crc(command(len, fill), len);
}

void ring(unsigned int l)
{
	wr(door(l, 0xFCC), rig.p->accepted + 1, 4);
}

void run(unsigned int l, uint8_t fill)
{
	take(l);
	put(l, 12, fill);
	ring(l);
}

void fifo_put(unsigned int l, uint32_t len, uint8_t fill)
{
	wr(at(l, 0x18), 0x40, 1);
	bytes(at(l, 0x24), command(len, fill), len, 0);
}

void fifo_run(unsigned int l, uint8_t fill)
{
	take(l);
	fifo_put(l, 12, fill);
	wr(at(l, 0x18), 0x20, 1);
}

void crb_put(unsigned int l, uint32_t len, uint8_t fill)
{
	bytes(at(l, 0x80), command(len, fill), len, 1);
}

void crb_start(unsigned int l)
{
	wr(at(l, 0x4C), 1, 4);
}

void crb_run(unsigned int l, uint8_t fill)
{
	take(l);
	crb_put(l, 12, fill);
	crb_start(l);
}

bool ran(uint8_t fill)
{
	return rig.m->command_len == 12 && rig.m->command[11] == fill;
}

uint32_t response_code(unsigned int l)
{
	wr(door(l, 0xFC0), 0, 4);
	return GUINT32_SWAP_LE_BE((uint32_t)rd(door(l, 0x106), 4));
}

uint32_t refused(unsigned int l)
{
	return reg(l, 0xFD4) >> 8 & 0xF;
}

uint32_t state(unsigned int l)
{
	return reg(l, 0xFD4) & 7;
}
