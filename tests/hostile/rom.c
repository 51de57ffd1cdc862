/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile guest inside the machine: every misdeed at the speed of the vCPU,
 * for as many seconds of the RTC as the host asks for, with resets; then an
 * honest command. It speaks on the debug port: a line "storm", at the end
 * "honest" or "failed: why". Freestanding, 32 bits, no variables but a struct
 * in RAM that survives resets.
 */
#include <stddef.h>
#include <stdint.h>

#include "tpmix_regs.h"

/* What -device loader writes at each reset: seed, seconds, 1 for tpm-crb-ext. */
#define ORDERS  ((const volatile struct orders *)0x7000)
/* Kept over resets by RAM. */
#define MEMORY  ((struct memory *)0x8000)
#define MARK    0x454C4956u

struct orders {
	uint32_t seed;
	uint32_t seconds;
	uint32_t crb;
};

struct memory {
	uint32_t mark;
	uint32_t random;
	uint32_t seconds;       /* passed */
	uint32_t last;          /* second of the RTC */
	uint32_t resets;
	uint32_t since_reset;   /* seconds */
};

static void out8(uint16_t port, uint8_t val)
{
	__asm__ volatile ("outb %0, %1" : : "a"(val), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t val;

	__asm__ volatile ("inb %1, %0" : "=a"(val) : "Nd"(port));
	return val;
}

static void say(const char *text)
{
	while (*text) {
		out8(0xE9, (uint8_t)*text++);
	}
	out8(0xE9, '\n');
}

static void stop(void)
{
	for (;;) {
		__asm__ volatile ("hlt");
	}
}

static void fail(const char *why)
{
	say(why);
	stop();
}

static uint32_t any(struct memory *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random;
}

static uint32_t pick(struct memory *m, uint32_t n)
{
	return (any(m) >> 3) % n;
}

/*
 * Accesses of 1, 2, 4 and 8 bytes; the last by MMX, as one access. No emms:
 * nothing here uses the x87, and KVM's emulator does not know it.
 */
static void put(uint32_t at, uint32_t val, unsigned int width)
{
	uint32_t twice[2] = { val, ~val };

	switch (width) {
	case 1: *(volatile uint8_t *)at = (uint8_t)val; break;
	case 2: *(volatile uint16_t *)at = (uint16_t)val; break;
	case 4: *(volatile uint32_t *)at = val; break;
	default:
		__asm__ volatile ("movq %0, %%mm0\n\tmovq %%mm0, (%1)"
				  : : "m"(twice), "r"(at) : "memory");
		break;
	}
}

static uint32_t get(uint32_t at, unsigned int width)
{
	uint32_t twice[2];

	switch (width) {
	case 1: return *(volatile uint8_t *)at;
	case 2: return *(volatile uint16_t *)at;
	case 4: return *(volatile uint32_t *)at;
	default:
		__asm__ volatile ("movq (%1), %%mm0\n\tmovq %%mm0, %0"
				  : "=m"(twice) : "r"(at) : "memory");
		return twice[0];
	}
}

/* String instructions: one trap an element, or one for many under KVM. */
static void copy(uint32_t to, uint32_t from, uint32_t n)
{
	__asm__ volatile ("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : :
			  "memory");
}

static const uint8_t startup[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0,
};
static const uint8_t get_random[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7B, 0, 16,
};
static const uint8_t get_cap[] = {
	0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7A,
	0, 0, 0, 6, 0, 0, 1, 5, 0, 0, 0, 1,
};
static const uint8_t six[] = { 0x80, 0x01, 0, 0, 0, 6 };

static uint32_t choose(struct memory *m, const uint8_t **cmd)
{
	switch (pick(m, 4)) {
	case 0: *cmd = startup; return sizeof(startup);
	case 1: *cmd = get_random; return sizeof(get_random);
	case 2: *cmd = get_cap; return sizeof(get_cap);
	default: *cmd = six; return sizeof(six);
	}
}

/* The page of the indexed door that belongs to the locality at @at. */
static uint32_t page(uint32_t at)
{
	return at + (ORDERS->crb ? TPMIX_EXT : 0);
}

/* The active interface: a selector may have been written before the last reset. */
static int is_crb(void)
{
	return ORDERS->crb && (get(TPMIX_BASE + TPM_REG_INTF_ID, 1) &
			       TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB;
}

static void request(uint32_t at)
{
	if (is_crb()) {
		put(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	} else {
		put(at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	}
}

static void crb(struct memory *m, uint32_t at)
{
	const uint8_t *cmd;
	uint32_t n = choose(m, &cmd), i;

	request(at);
	put(at + TPM_REG_CTRL_REQ, pick(m, 8) ? TPM_CTRL_REQ_CMD_READY : any(m), 4);
	for (i = 0; i < n; i++) {
		put(at + TPM_REG_DATA_BUFFER + i, pick(m, 64) ? cmd[i] : any(m), 1);
	}
	put(at + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
}

static void crb_stop(struct memory *m, uint32_t at)
{
	static const uint32_t reg[] = {
		TPM_REG_LOC_CTRL, TPM_REG_CTRL_REQ, TPM_REG_CTRL_CANCEL,
		TPM_REG_CTRL_START, TPM_REG_CRB_INT_ENABLE, TPM_REG_CRB_INT_STS,
		TPM_REG_INTF_ID, TPM_REG_CTRL_CMD_LADDR, TPM_REG_CTRL_RSP_ADDR,
	};
	uint32_t i;

	for (i = pick(m, 20); i > 0; i--) {
		put(at + reg[pick(m, sizeof(reg) / sizeof(reg[0]))],
		    pick(m, 4) ? 1u << pick(m, 4) : any(m), 1u << pick(m, 4));
	}
}

/* RAM: written while commands run, and where it is not to be written. */
static void ram(struct memory *m)
{
	uint32_t i;

	for (i = pick(m, 100); i > 0; i--) {
		put(TPMIX_BASE + TPMIX_CMD_WINDOW + pick(m, 0x4000), any(m),
		    1u << pick(m, 4));
		put(TPMIX_BASE + TPMIX_RSP_WINDOW + pick(m, 0x4000), any(m),
		    1u << pick(m, 4));
		put(TPMIX_BASE + TPMIX_HEADER + pick(m, 0x1000), any(m),
		    1u << pick(m, 4));
	}
	copy(TPMIX_BASE + TPMIX_CMD_WINDOW, TPMIX_BASE + TPMIX_RSP_WINDOW,
	     pick(m, 0x4000));
}

static void fifo(struct memory *m, uint32_t at)
{
	const uint8_t *cmd;
	uint32_t n = choose(m, &cmd), i;

	put(at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	if (!pick(m, 8)) {
		n = pick(m, n);
	}
	for (i = 0; i < n; i++) {
		put(at + TPM_REG_DATA_FIFO, pick(m, 64) ? cmd[i] : any(m), 1);
	}
	put(at + TPM_REG_STS, TPM_STS_GO, 1);
}

static void indexed(struct memory *m, uint32_t at)
{
	const uint8_t *cmd;
	uint32_t n = choose(m, &cmd), i;

	request(at);
	at = page(at);
	put(at + TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < n; i++) {
		put(at + TPMIX_WINDOW + i, pick(m, 64) ? cmd[i] : any(m), 1);
	}
	put(at + TPMIX_REG_CSUM_EXPECT, pick(m, 8) ? 0 : any(m), 4);
	put(at + TPMIX_REG_DOORBELL, get(at + TPMIX_REG_ACCEPTED, 4) + 1, 4);
}

static void stop_command(struct memory *m, uint32_t at)
{
	switch (pick(m, 6)) {
	case 0: put(at + TPM_REG_STS, TPM_STS_COMMAND_CANCEL, 4); break;
	case 1: put(at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1); break;
	case 2: put(at + TPM_REG_STS, TPM_STS_RESPONSE_RETRY, 1); break;
	case 3: put(at + TPM_REG_STS, TPM_STS_RESET_ESTABLISHMENT, 4); break;
	case 4: put(at + TPM_REG_STS, any(m), 4); break;
	default:
		put(page(at) + TPMIX_REG_CANCEL,
		    get(page(at) + TPMIX_REG_ACCEPTED, 4), 4);
		break;
	}
}

static void window(struct memory *m, uint32_t at)
{
	uint32_t i;

	at = page(at);
	put(at + TPMIX_REG_INDEX, pick(m, 2) ? any(m) : pick(m, 5000), 4);
	for (i = pick(m, 32); i > 0; i--) {
		put(at + TPMIX_WINDOW + pick(m, TPMIX_WINDOW_SIZE), any(m),
		    1u << pick(m, 4));
	}
	copy(at + TPMIX_WINDOW + pick(m, 3000), 0x9000, pick(m, 200));
	copy(0x9000, at + pick(m, 3500), pick(m, 200));
}

static void misdeed(struct memory *m)
{
	static const uint8_t access[] = {
		TPM_ACCESS_REQUEST_USE, TPM_ACCESS_ACTIVE_LOCALITY,
		TPM_ACCESS_SEIZE, TPM_ACCESS_BEEN_SEIZED,
	};
	uint32_t at = TPMIX_BASE + (pick(m, TPMIX_NUM_LOCALITIES) << 12), i;

	switch (pick(m, 14)) {
	case 10: ram(m); break;
	case 11: crb(m, at); break;
	case 12:
	case 13: crb_stop(m, at); break;
	case 0: fifo(m, at); break;
	case 1: indexed(m, at); break;
	case 2:
	case 3: stop_command(m, at); break;
	case 4:
		for (i = pick(m, 20); i > 0; i--) {
			put(TPMIX_BASE + (pick(m, 5) << 12), access[pick(m, 4)], 1);
		}
		break;
	case 5: window(m, at); break;
	case 6:
		put(page(at) + TPMIX_REG_DOORBELL - pick(m, 8),
		    get(page(at) + TPMIX_REG_ACCEPTED, 4) + pick(m, 4) - 1,
		    1u << pick(m, 4));
		break;
	case 7:
		for (i = pick(m, 100); i > 0; i--) {
			put(at + TPM_REG_DATA_FIFO, any(m), 1u << pick(m, 3));
			get(at + TPM_REG_XDATA_FIFO, 1u << pick(m, 3));
		}
		break;
	case 8:
		put(at + TPM_REG_INTERFACE_ID, ~0u, 4);
		put(at + TPM_REG_INT_ENABLE, any(m) | TPM_INT_GLOBAL_ENABLE, 4);
		put(at + TPM_REG_INT_STATUS, any(m), 1);
		break;
	default:
		/* also over the end of a page, and of the last one */
		put(at + pick(m, 0x1000), any(m), 1u << pick(m, 4));
		get(at + pick(m, 0x1000), 1u << pick(m, 4));
		break;
	}
}

static uint32_t rtc_second(void)
{
	out8(0x70, 0);
	return in8(0x71);
}

static void storm(struct memory *m)
{
	unsigned int i;

	while (m->seconds < ORDERS->seconds) {
		uint32_t second = rtc_second();

		if (second != m->last) {
			m->last = second;
			m->seconds++;
			if (++m->since_reset == 2) {
				m->since_reset = 0;
				m->resets++;
				out8(0xCF9, 6);
				stop();
			}
		}
		for (i = 0; i < 100; i++) {
			misdeed(m);
		}
	}
}

/* Locality 0 by the indexed door; returns the response code. */
static uint32_t command(uint32_t at, const uint8_t *cmd, uint32_t len)
{
	uint32_t ticket = get(at + TPMIX_REG_ACCEPTED, 4) + 1, i;

	put(at + TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < len; i++) {
		put(at + TPMIX_WINDOW + i, cmd[i], 1);
	}
	put(at + TPMIX_REG_CSUM_EXPECT, 0, 4);
	put(at + TPMIX_REG_DOORBELL, ticket, 4);
	for (i = 0; get(at + TPMIX_REG_COMPLETED, 4) != ticket; i++) {
		if (i > 100000000) {
			fail("failed: the command does not complete");
		}
	}
	if (get(at + TPMIX_REG_RSP_SIZE, 4) < 10) {
		fail("failed: no response");
	}
	return get(at + TPMIX_WINDOW + 8, 1) << 8 | get(at + TPMIX_WINDOW + 9, 1);
}

static void relinquish(uint32_t at)
{
	if (is_crb()) {
		put(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH, 4);
	} else {
		put(at + TPM_REG_ACCESS, TPM_ACCESS_ACTIVE_LOCALITY, 1);
	}
}

static int active(void)
{
	return is_crb() ?
	       get(TPMIX_BASE + TPM_REG_LOC_STS, 4) & TPM_LOC_STS_GRANTED :
	       get(TPMIX_BASE + TPM_REG_ACCESS, 1) & TPM_ACCESS_ACTIVE_LOCALITY;
}

static void honest(void)
{
	uint32_t at = page(TPMIX_BASE), rc, tries = 0;
	unsigned int l;

	/* Another locality may wait for a command that still runs. */
	do {
		for (l = 0; l < 4; l++) {
			relinquish(TPMIX_BASE + (l << 12));
		}
		request(TPMIX_BASE);
		if (++tries > 1000000) {
			fail("failed: locality 0 is refused");
		}
	} while (!active() ||
		 (get(at + TPMIX_REG_STATUS, 4) & TPMIX_STATUS_BUSY));
	rc = command(at, startup, sizeof(startup));
	if (rc != 0 && rc != 0x100) {
		fail("failed: Startup");
	}
	if (command(at, get_cap, sizeof(get_cap)) != 0 ||
	    get(at + TPMIX_REG_RSP_SIZE, 4) != 27 ||
	    get(at + TPMIX_WINDOW + 23, 4) != 0x004D4249) {
		fail("failed: GetCapability");
	}
	say(is_crb() ? "as CRB" : "as FIFO");
	say("honest");
}

void rom_main(void);
void rom_main(void)
{
	struct memory *m = MEMORY;

	if (m->mark != MARK) {
		m->mark = MARK;
		m->random = ORDERS->seed | 1;
		m->seconds = 0;
		m->resets = 0;
		m->since_reset = 0;
		m->last = rtc_second();
		say("storm");
	} else {
		say("reset");
	}
	storm(m);
	honest();
	stop();
}
