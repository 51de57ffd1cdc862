/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile guest inside the machine: every misdeed at the speed of the vCPU,
 * for as many seconds of the RTC as the host asks for, with resets; or one command
 * rung again and again, which has QEMU wait for the TPM all the time; then an
 * honest command. It speaks on the debug port: a line "storm", at each start the
 * interface, at the end "honest" or "failed: why". Freestanding, 32 bits, no
 * variables but a struct in RAM that survives resets.
 */
#include <stddef.h>

#include "rom.h"

/* What -device loader writes at each reset: seed, seconds, whether to ring. */
#define ORDERS  ((const volatile struct orders *)0x7000)
/* Kept over resets by RAM. */
#define MEMORY  ((struct memory *)0x8000)
#define MARK    0x454C4956u

struct orders {
	uint32_t seed;
	uint32_t seconds;
	uint32_t ring;
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
/* EC_Ephemeral on P-256: no key, no authorization, and some 100 us of arithmetic */
static const uint8_t ec_ephemeral[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x8E, 0, 3,
};
static const uint8_t six[] = { 0x80, 0x01, 0, 0, 0, 6 };

uint32_t choose(struct memory *m, const uint8_t **cmd)
{
	switch (pick(m, 4)) {
	case 0: *cmd = startup; return sizeof(startup);
	case 1: *cmd = get_random; return sizeof(get_random);
	case 2: *cmd = get_cap; return sizeof(get_cap);
	default: *cmd = six; return sizeof(six);
	}
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

static void request(const struct memory *m, uint32_t at)
{
	if (m->crb && crb_is_active()) {
		put(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	} else {
		put(at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	}
}

static void indexed(struct memory *m, uint32_t at)
{
	const uint8_t *cmd;
	uint32_t n = choose(m, &cmd), i;

	request(m, at);
	at += m->ext;
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
		at += m->ext;
		put(at + TPMIX_REG_CANCEL, get(at + TPMIX_REG_ACCEPTED, 4), 4);
		break;
	}
}

static void window(struct memory *m, uint32_t at)
{
	uint32_t i;

	at += m->ext;
	put(at + TPMIX_REG_INDEX, pick(m, 2) ? any(m) : pick(m, 5000), 4);
	for (i = pick(m, 32); i > 0; i--) {
		put(at + TPMIX_WINDOW + pick(m, TPMIX_WINDOW_SIZE), any(m),
		    1u << pick(m, 4));
	}
	copy(at + TPMIX_WINDOW + pick(m, 3000), 0x9000, pick(m, 50));
	copy(0x9000, at + pick(m, 3500), pick(m, 50));
}

/*
 * The page of any locality, or of the active one: an exit is slow, and what others do
 * is mostly dropped, so that under KVM hardly a command would run.
 */
static uint32_t target(struct memory *m)
{
	uint32_t l = pick(m, TPMIX_NUM_LOCALITIES), i, state;

	if (!pick(m, 3)) {
		return TPMIX_BASE + (l << 12);
	}
	if (m->crb && crb_is_active()) {
		state = get(TPMIX_BASE + TPM_REG_LOC_STATE, 4);
		if (state & TPM_LOC_STATE_ASSIGNED) {
			l = state >> TPM_LOC_STATE_ACTIVE_SHIFT & 7;
		}
		return TPMIX_BASE + (l << 12);
	}
	for (i = 0; i < TPMIX_NUM_LOCALITIES; i++) {
		if (get(TPMIX_BASE + (i << 12), 1) & TPM_ACCESS_ACTIVE_LOCALITY) {
			l = i;
		}
	}
	return TPMIX_BASE + (l << 12);
}

static void misdeed(struct memory *m)
{
	static const uint8_t access[] = {
		TPM_ACCESS_REQUEST_USE, TPM_ACCESS_ACTIVE_LOCALITY,
		TPM_ACCESS_SEIZE, TPM_ACCESS_BEEN_SEIZED,
	};
	uint32_t at = target(m), i;

	if (m->crb && pick(m, 2)) {
		crb_misdeed(m, at);
		return;
	}
	switch (pick(m, 11)) {
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
		at += m->ext;
		put(at + TPMIX_REG_DOORBELL - pick(m, 8),
		    get(at + TPMIX_REG_ACCEPTED, 4) + pick(m, 4) - 1,
		    1u << pick(m, 4));
		break;
	case 7:
		for (i = pick(m, 30); i > 0; i--) {
			put(at + TPM_REG_DATA_FIFO, any(m), 1u << pick(m, 3));
			get(at + TPM_REG_XDATA_FIFO, 1u << pick(m, 3));
		}
		break;
	case 8:
		put(at + TPM_REG_INTERFACE_ID, ~0u, 4);
		put(at + TPM_REG_INT_ENABLE, any(m) | TPM_INT_GLOBAL_ENABLE, 4);
		put(at + TPM_REG_INT_STATUS, any(m), 1);
		break;
	case 9: ram_misdeed(m); break;
	default:
		at += pick(m, 2) ? m->ext : 0;
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

/* Locality 0 by the indexed door in page @ix; returns the response code. */
static uint32_t command(uint32_t ix, const uint8_t *cmd, uint32_t len)
{
	uint32_t ticket = get(ix + TPMIX_REG_ACCEPTED, 4) + 1, i;

	put(ix + TPMIX_REG_INDEX, 0, 4);
	for (i = 0; i < len; i++) {
		put(ix + TPMIX_WINDOW + i, cmd[i], 1);
	}
	put(ix + TPMIX_REG_CSUM_EXPECT, 0, 4);
	put(ix + TPMIX_REG_DOORBELL, ticket, 4);
	for (i = 0; get(ix + TPMIX_REG_COMPLETED, 4) != ticket; i++) {
		if (i > 100000000) {
			fail("failed: the command does not complete");
		}
	}
	if (get(ix + TPMIX_REG_RSP_SIZE, 4) < 10) {
		fail("failed: no response");
	}
	return get(ix + TPMIX_WINDOW + 8, 1) << 8 | get(ix + TPMIX_WINDOW + 9, 1);
}

/* Everyone lets go, locality 0 asks: true if it has it. */
static int take_locality(const struct memory *m)
{
	int crb = m->crb && crb_is_active();
	unsigned int l;

	for (l = 0; l < 4; l++) {
		if (crb) {
			put(TPMIX_BASE + (l << 12) + TPM_REG_LOC_CTRL,
			    TPM_LOC_CTRL_RELINQUISH, 4);
		} else {
			put(TPMIX_BASE + (l << 12), TPM_ACCESS_ACTIVE_LOCALITY, 1);
		}
	}
	request(m, TPMIX_BASE);
	return crb ? get(TPMIX_BASE + TPM_REG_LOC_STS, 4) & TPM_LOC_STS_GRANTED :
		     get(TPMIX_BASE, 1) & TPM_ACCESS_ACTIVE_LOCALITY;
}

static void honest(const struct memory *m, uint32_t ix)
{
	const char *why = NULL;
	uint32_t rc, tries = 0;

	/* Another locality may wait for a command that still runs. */
	while (!take_locality(m) ||
	       (get(ix + TPMIX_REG_STATUS, 4) & TPMIX_STATUS_BUSY)) {
		if (++tries > 1000000) {
			fail("failed: locality 0 is refused");
		}
	}
	rc = command(ix, startup, sizeof(startup));
	if (rc != 0 && rc != 0x100) {
		fail("failed: Startup");
	}
	if (command(ix, get_cap, sizeof(get_cap)) != 0 ||
	    get(ix + TPMIX_REG_RSP_SIZE, 4) != 27 ||
	    get(ix + TPMIX_WINDOW + 23, 4) != 0x004D4249) {
		fail("failed: GetCapability");
	}
	if (crb_is_active()) {
		why = crb_honest(get_cap, sizeof(get_cap));
	}
	if (why) {
		fail(why);
	}
	say("honest");
}

/* Doorbells for the command in the window, each as soon as the one before allows. */
static void ring(struct memory *m, uint32_t ix)
{
	uint32_t ticket, i;

	take_locality(m);
	command(ix, startup, sizeof(startup));
	if (command(ix, ec_ephemeral, sizeof(ec_ephemeral))) {
		fail("failed: EC_Ephemeral");
	}
	while (m->seconds < ORDERS->seconds) {
		uint32_t second = rtc_second();

		m->seconds += second != m->last;
		m->last = second;
		ticket = get(ix + TPMIX_REG_ACCEPTED, 4);
		for (i = 0; i < 100; i++) {
			/* one that was refused would not be heard twice in a row */
			put(ix + TPMIX_REG_INDEX, 0, 4);
			put(ix + TPMIX_REG_DOORBELL, ticket + 1, 4);
			ticket += get(ix + TPMIX_REG_ACCEPTED, 4) != ticket;
		}
	}
}

void rom_main(void);
void rom_main(void)
{
	struct memory *m = MEMORY;

	if (m->mark != MARK) {
		m->mark = MARK;
		m->ext = get(TPMIX_BASE + TPMIX_EXT + TPMIX_REG_MAGIC, 4) == TPMIX_MAGIC ?
			 TPMIX_EXT : 0;
		m->crb = crb_is_active();
		m->random = ORDERS->seed | 1;
		m->seconds = 0;
		m->resets = 0;
		m->since_reset = 0;
		m->last = rtc_second();
		say("storm");
	} else {
		say("reset");
	}
	say(crb_is_active() ? "crb" : "fifo");
	if (m->ext) {
		crb_select(m);
	}
	if (ORDERS->ring) {
		ring(m, TPMIX_BASE + m->ext);
	} else {
		storm(m);
	}
	honest(m, TPMIX_BASE + m->ext);
	stop();
}
