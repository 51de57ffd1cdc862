/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest without an operating system: TPM2_Startup, then TPM2_GetCapability
 * (TPM_PT_FIXED, 387 bytes) over and over through one door, each response compared
 * with the first. The doors are driven as Linux' tpm_tis, tpm_crb and
 * docs/specification.md ("Transaction") do; no wait is without an end.
 */
#include "rom.h"
#include "tpmix_regs.h"

#define BUFFER  4096u
#define POLLS   20000000u
#define POLLS_RAM 3000000000u /* of memory: some seconds */
#define HEADER  10u
#define TRIES   1000u

#define REPORT  ((volatile struct rom_report *)ROM_REPORT)
#define FIRST   ((uint8_t *)ROM_FIRST)
#define NOW     ((uint8_t *)0x120000)
#define CRC_TABLE ((uint16_t *)0x130000)

static const volatile uint8_t rom_options[4]
	__attribute__((section(".options"), used)) = { ROM_DOOR_FIFO };
#define DOOR     rom_options[0]
#define LOCALITY rom_options[1]  /* CRB door */

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

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A register of the indexed door: in the locality's page or its extension page. */
static uint32_t ix(uint32_t reg)
{
	return REPORT->ext + reg;
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

static int wait32(uint32_t off, uint32_t mask, uint32_t want)
{
	uint32_t i;

	for (i = 0; i < POLLS_RAM; i++) {
		if ((in32(off) & mask) == want) {
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

/* Elements of a string: what Linux' memcpy_fromio() and memcpy_toio() do. */
static void copy4(uint32_t to, uint32_t from, uint32_t n)
{
	__asm__ volatile ("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* Reads of 4 bytes, the rest in bytes; every fourth transaction all in bytes. */
static void read_bytes(uint8_t *rsp, uint32_t from, uint32_t size, uint32_t n)
{
	uint32_t i = 0, val;

	for (; (n & 3) && i + 4 <= size; i += 4) {
		val = in32(from + i);
		rsp[i] = (uint8_t)val;
		rsp[i + 1] = (uint8_t)(val >> 8);
		rsp[i + 2] = (uint8_t)(val >> 16);
		rsp[i + 3] = (uint8_t)(val >> 24);
	}
	for (; i < size; i++) {
		rsp[i] = in8(from + i);
	}
}

static void write_bytes(uint32_t to, const uint8_t *cmd, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		out8(to + i, cmd[i]);
	}
}

/* Step 5: 0 where the checksum says that a read went wrong. */
static uint32_t fetch(uint8_t *rsp, uint32_t n, uint32_t block, uint32_t window)
{
	uint32_t size = in32(block + TPMIX_REG_RSP_SIZE);

	if (size < HEADER || size > TPMIX_WINDOW_SIZE) {
		return 0;
	}
	read_bytes(rsp, window, size, n);
	return crc16(rsp, size) == in32(block + TPMIX_REG_CSUM) >> 16 &&
	       be32(rsp + 2) == size ? size : 0;
}

/*
 * Command and ticket in writes that name their place; @block: where to look for
 * completion, size and checksum.
 */
static uint32_t ring_and_fetch(uint32_t csum, uint8_t *rsp, uint32_t n,
			       uint32_t block, uint32_t window)
{
	uint32_t i, size = 0;

	out32(ix(TPMIX_REG_CSUM_EXPECT), TPMIX_CSUM_EXPECT_ON | csum);
	out32(ix(TPMIX_REG_DOORBELL), n);
	for (i = 0; i < TRIES && !size &&
		    wait32(block + TPMIX_REG_COMPLETED, ~0u, n); i++) {
		if (DOOR == ROM_DOOR_INDEXED) {
			out32(ix(TPMIX_REG_INDEX), 0);
		}
		size = fetch(rsp, n, block, window);
		REPORT->rereads += !size;
	}
	REPORT->timeouts += i == TRIES;
	return size;
}

/* Indexed door, trapped window */
static uint32_t run_indexed(const uint8_t *cmd, uint32_t len, uint8_t *rsp,
			    uint32_t n)
{
	out32(ix(TPMIX_REG_INDEX), 0);
	write_bytes(ix(TPMIX_WINDOW), cmd, len);
	return ring_and_fetch(crc16(cmd, len), rsp, n, ix(0), ix(TPMIX_WINDOW));
}

/* Indexed door, windows and header in RAM */
static uint32_t run_windows(const uint8_t *cmd, uint32_t len, uint8_t *rsp,
			    uint32_t n)
{
	write_bytes(REPORT->cmd, cmd, len);
	return ring_and_fetch(crc16(cmd, len), rsp, n, REPORT->header, REPORT->rsp);
}

/*
 * Eight bytes, then the rest, as Linux; the rest by each way of reading. What does not
 * arrive is not to look like the response before.
 */
static uint32_t crb_fetch(uint8_t *rsp, uint32_t n)
{
	uint32_t from = REPORT->rsp, size, at = 8, i;

	for (i = 0; i < REPORT->size; i++) {
		rsp[i] = 0xEE;
	}
	copy4((uint32_t)rsp, TPMIX_BASE + from, 2);
	size = sane_size(rsp);
	if (!size) {
		return 0;
	}
	if (n & 1) {
		copy4((uint32_t)rsp + at, TPMIX_BASE + from + at, (size - at) / 4);
		at = size & ~3u;
	}
	read_bytes(rsp + at, from + at, size - at, n >> 1);
	return size;
}

/* CRB door, as Linux' tpm_crb: locality, cmdReady, command, START, response, goIdle */
static uint32_t run_crb(const uint8_t *cmd, uint32_t len, uint8_t *rsp, uint32_t n)
{
	const uint32_t at = REPORT->page;
	uint32_t size = 0;

	out32(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	wait32(at + TPM_REG_LOC_STATE, TPM_LOC_STATE_ASSIGNED | TPM_LOC_STATE_VALID,
	       TPM_LOC_STATE_ASSIGNED | TPM_LOC_STATE_VALID);
	out32(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY);
	wait32(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 0);
	out32(at + TPM_REG_CTRL_CANCEL, 0);
	write_bytes(REPORT->cmd, cmd, len);
	out32(at + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	if (wait32(at + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 0)) {
		size = crb_fetch(rsp, n);
	}
	out32(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE);
	wait32(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE, 0);
	out32(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH);
	return size;
}

static uint32_t run(uint32_t *n, const uint8_t *cmd, uint32_t len, uint8_t *rsp)
{
	++*n;
	switch (DOOR) {
	case ROM_DOOR_INDEXED:
		return run_indexed(cmd, len, rsp, *n);
	case ROM_DOOR_WINDOWS:
		return run_windows(cmd, len, rsp, *n);
	case ROM_DOOR_CRB:
		return run_crb(cmd, len, rsp, *n);
	default:
		return run_fifo(cmd, len, rsp);
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

/* Where the buffers are; the indexed door holds locality 0 from now on. */
static uint32_t open_door(uint32_t locality)
{
	int crb = (in32(TPM_REG_INTF_ID) & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB;

	REPORT->ext = crb ? TPMIX_EXT : 0;
	REPORT->page = locality << TPMIX_LOCALITY_SHIFT;
	if (DOOR == ROM_DOOR_CRB) {
		REPORT->timeouts += !crb;
		REPORT->cmd = in32(REPORT->page + TPM_REG_CTRL_CMD_LADDR) - TPMIX_BASE;
		REPORT->rsp = in32(REPORT->page + TPM_REG_CTRL_RSP_ADDR) - TPMIX_BASE;
		return 0;
	}
	if (crb) {
		out32(TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
		wait32(TPM_REG_LOC_STS, TPM_LOC_STS_GRANTED, TPM_LOC_STS_GRANTED);
	} else {
		out8(TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE);
		wait8(TPM_REG_ACCESS, TPM_ACCESS_ACTIVE_LOCALITY,
		      TPM_ACCESS_ACTIVE_LOCALITY);
	}
	if (DOOR == ROM_DOOR_FIFO) {
		return 0;
	}
	REPORT->timeouts += in32(ix(TPMIX_REG_MAGIC)) != TPMIX_MAGIC;
	REPORT->cmd = in32(ix(TPMIX_REG_CMD_WINDOW)) - TPMIX_BASE;
	REPORT->rsp = in32(ix(TPMIX_REG_RSP_WINDOW)) - TPMIX_BASE;
	REPORT->header = in32(ix(TPMIX_REG_HEADER)) - TPMIX_BASE;
	return in32(ix(TPMIX_REG_ACCEPTED));
}

void rom_main(void);
void rom_main(void)
{
	uint32_t n;

	make_crc_table();
	REPORT->door = DOOR;
	/* TPM2_Startup is not for every locality. */
	n = open_door(0);
	run(&n, startup, sizeof(startup), FIRST);
	if (LOCALITY) {
		open_door(LOCALITY);
	}
	REPORT->size = run(&n, getcap, sizeof(getcap), FIRST);
	REPORT->magic = ROM_MAGIC;
	for (;;) {
		compare(run(&n, getcap, sizeof(getcap), NOW));
	}
}
