/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest without an operating system: TPM2_Startup, then TPM2_GetCapability
 * (TPM_PT_FIXED, 387 bytes) over and over through one door, each response compared
 * with the first. The doors are driven as Linux' tpm_tis and docs/specification.md
 * ("Transaction") do; no wait is without an end.
 */
#include "rom.h"
#include "tpmix_regs.h"

#define BUFFER  4096u
#define POLLS   20000000u
#define HEADER  10u
#define TRIES   1000u

#define REPORT  ((volatile struct rom_report *)ROM_REPORT)
#define FIRST   ((uint8_t *)ROM_FIRST)
#define NOW     ((uint8_t *)0x120000)
#define CRC_TABLE ((uint16_t *)0x130000)

static const volatile uint8_t rom_options[4]
	__attribute__((section(".options"), used)) = { ROM_DOOR_FIFO, 0 };

static const uint8_t startup[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0,
};
/* capability 6 (properties) from 0x100 (TPM_PT_FIXED), 127 of them */
static const uint8_t getcap[] = {
	0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7A,
	0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 0, 127,
};

static uint8_t in8(uint32_t off)
{
	return *(volatile uint8_t *)(TPMIX_BASE + off);
}

static uint32_t in32(uint32_t off)
{
	return *(volatile uint32_t *)(TPMIX_BASE + off);
}

static void out8(uint32_t off, uint8_t val)
{
	*(volatile uint8_t *)(TPMIX_BASE + off) = val;
}

static void out32(uint32_t off, uint32_t val)
{
	*(volatile uint32_t *)(TPMIX_BASE + off) = val;
}

/* The indexed door's page: that of locality 0, or with CRB its extension page. */
static uint32_t page(uint32_t off)
{
	return (rom_options[1] ? TPMIX_EXT : 0) + off;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Waits until (register & mask) == want. */
static int wait8(uint32_t off, uint8_t mask, uint8_t want)
{
	uint32_t i;

	for (i = 0; i < POLLS; i++) {
		if ((in8(off) & mask) == want) {
			return 1;
		}
	}
	REPORT->timeouts++;
	return 0;
}

/* A response's size as its header says, 0 where no response can have it. */
static uint32_t sane_size(const uint8_t *rsp)
{
	uint32_t size = be32(rsp + 2);

	return size >= HEADER && size <= BUFFER ? size : 0;
}

/* FIFO door: byte by byte. Returns the response's size, 0: none. */
static uint32_t run_fifo(const uint8_t *cmd, uint32_t len, uint8_t *rsp)
{
	uint32_t i, size = 0;

	out8(TPM_REG_STS, TPM_STS_COMMAND_READY);
	if (!wait8(TPM_REG_STS, TPM_STS_COMMAND_READY, TPM_STS_COMMAND_READY)) {
		return 0;
	}
	for (i = 0; i < len; i++) {
		out8(TPM_REG_DATA_FIFO, cmd[i]);
	}
	out8(TPM_REG_STS, TPM_STS_GO);
	if (wait8(TPM_REG_STS, TPM_STS_VALID | TPM_STS_DATA_AVAIL,
		  TPM_STS_VALID | TPM_STS_DATA_AVAIL)) {
		for (i = 0; i < HEADER; i++) {
			rsp[i] = in8(TPM_REG_DATA_FIFO);
		}
		size = sane_size(rsp);
		for (; i < size; i++) {
			rsp[i] = in8(TPM_REG_DATA_FIFO);
		}
	}
	out8(TPM_REG_STS, TPM_STS_COMMAND_READY);
	return size;
}

static void make_crc_table(void)
{
	uint32_t i, crc;
	int bit;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (bit = 0; bit < 8; bit++) {
			crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
		}
		CRC_TABLE[i] = (uint16_t)crc;
	}
}

static uint16_t crc16(const uint8_t *data, uint32_t len)
{
	uint32_t crc = 0, i;

	for (i = 0; i < len; i++) {
		crc = crc >> 8 ^ CRC_TABLE[(crc ^ data[i]) & 0xFF];
	}
	return (uint16_t)crc;
}

/* Reads of 4 bytes, the rest in bytes; every fourth transaction all in bytes. */
static void read_window(uint8_t *rsp, uint32_t size, uint32_t n)
{
	uint32_t i = 0, val;

	out32(page(TPMIX_REG_INDEX), 0);
	for (; (n & 3) && i + 4 <= size; i += 4) {
		val = in32(page(TPMIX_WINDOW + i));
		rsp[i] = (uint8_t)val;
		rsp[i + 1] = (uint8_t)(val >> 8);
		rsp[i + 2] = (uint8_t)(val >> 16);
		rsp[i + 3] = (uint8_t)(val >> 24);
	}
	for (; i < size; i++) {
		rsp[i] = in8(page(TPMIX_WINDOW + i));
	}
}

static void copy(uint8_t *to, const volatile uint8_t *from, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		to[i] = from[i];
	}
}

/* Waits until (register & mask) == want. */
static int wait32(uint32_t off, uint32_t mask, uint32_t want)
{
	uint32_t i;

	for (i = 0; i < POLLS; i++) {
		if ((in32(off) & mask) == want) {
			return 1;
		}
	}
	REPORT->timeouts++;
	return 0;
}

/*
 * Step 5: 0 where the checksum says that a read went wrong. @block is the vendor
 * block, in the page or in the header page in RAM.
 */
static uint32_t fetch(uint32_t block, uint8_t *rsp, uint32_t n)
{
	uint32_t size = in32(block + TPMIX_REG_RSP_SIZE);

	if (size < HEADER || size > TPMIX_WINDOW_SIZE) {
		return 0;
	}
	if (rom_options[0] == ROM_DOOR_RAM) {
		copy(rsp, (uint8_t *)(TPMIX_BASE + TPMIX_RSP_WINDOW), size);
	} else {
		read_window(rsp, size, n);
	}
	return crc16(rsp, size) == in32(block + TPMIX_REG_CSUM) >> 16 &&
	       be32(rsp + 2) == size ? size : 0;
}

/* Indexed door: command and ticket in writes that name their place. */
static uint32_t run_indexed(const uint8_t *cmd, uint32_t len, uint8_t *rsp,
			    uint32_t n)
{
	int ram = rom_options[0] == ROM_DOOR_RAM;
	uint32_t block = ram ? TPMIX_HEADER : page(0);
	uint32_t i, size = 0;

	if (ram) {
		copy((uint8_t *)(TPMIX_BASE + TPMIX_CMD_WINDOW), cmd, len);
	} else {
		out32(page(TPMIX_REG_INDEX), 0);
		for (i = 0; i < len; i++) {
			out8(page(TPMIX_WINDOW + i), cmd[i]);
		}
	}
	out32(page(TPMIX_REG_CSUM_EXPECT), TPMIX_CSUM_EXPECT_ON | crc16(cmd, len));
	out32(page(TPMIX_REG_DOORBELL), n);
	for (i = 0; i < TRIES && !size &&
	     wait32(block + TPMIX_REG_COMPLETED, ~0u, n); i++) {
		size = fetch(block, rsp, n);
		REPORT->rereads += !size;
	}
	REPORT->timeouts += i == TRIES;
	return size;
}

/* CRB door, as Linux' tpm_crb; the response by its own header. */
static uint32_t run_crb(const uint8_t *cmd, uint32_t len, uint8_t *rsp)
{
	const uint8_t *from = (const uint8_t *)in32(TPM_REG_CTRL_RSP_ADDR);
	uint32_t size = 0;

	out32(TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	copy((uint8_t *)in32(TPM_REG_CTRL_CMD_LADDR), cmd, len);
	out32(TPM_REG_CTRL_CANCEL, 0);
	out32(TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	if (wait32(TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 0)) {
		copy(rsp, from, HEADER);
		size = sane_size(rsp);
		copy(rsp, from, size);
	}
	out32(TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE);
	return size;
}

static uint32_t run(uint32_t *n, const uint8_t *cmd, uint32_t len, uint8_t *rsp)
{
	switch (rom_options[0]) {
	case ROM_DOOR_FIFO:
		return run_fifo(cmd, len, rsp);
	case ROM_DOOR_CRB:
		return run_crb(cmd, len, rsp);
	default:
		return run_indexed(cmd, len, rsp, ++*n);
	}
}

static void request_locality(void)
{
	if (rom_options[1]) {
		out32(TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
		wait32(TPM_REG_LOC_STS, TPM_LOC_STS_GRANTED, TPM_LOC_STS_GRANTED);
	} else {
		out8(TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE);
		wait8(TPM_REG_ACCESS, TPM_ACCESS_ACTIVE_LOCALITY,
		      TPM_ACCESS_ACTIVE_LOCALITY);
	}
}

static void note_wrong(uint32_t at, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < REPORT->size; i++) {
		((uint8_t *)ROM_WRONG)[i] = NOW[i];
	}
	REPORT->wrong_at = at;
	REPORT->wrong_size = size;
	REPORT->mismatches++;
}

static void compare(uint32_t size)
{
	uint32_t i, n = size == REPORT->size ? size : HEADER;

	for (i = 0; i < n && NOW[i] == FIRST[i]; i++) {
	}
	if (i < n || size != REPORT->size) {
		note_wrong(i, size);
	}
	REPORT->loops++;
}

void rom_main(void);
void rom_main(void)
{
	uint32_t n = 0;

	make_crc_table();
	REPORT->door = rom_options[0];
	request_locality();
	if (rom_options[0] == ROM_DOOR_INDEXED || rom_options[0] == ROM_DOOR_RAM) {
		if (in32(page(TPMIX_REG_MAGIC)) != TPMIX_MAGIC) {
			REPORT->timeouts++;
		}
		n = in32(page(TPMIX_REG_ACCEPTED));
	}
	run(&n, startup, sizeof(startup), FIRST);
	REPORT->size = run(&n, getcap, sizeof(getcap), FIRST);
	REPORT->magic = ROM_MAGIC;
	for (;;) {
		compare(run(&n, getcap, sizeof(getcap), NOW));
	}
}
