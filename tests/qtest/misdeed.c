/* SPDX-License-Identifier: BSD-2-Clause */
#include "misdeed.h"

#include <string.h>

#include "tpm_guest.h"
#include "tpmix.h"

#define BASE  TPM_GUEST_BASE
#define pick  hostile_pick
#define any32 hostile_any32

/* xorshift64* */
uint32_t pick(struct hostile *h, uint32_t n)
{
	h->random ^= h->random >> 12;
	h->random ^= h->random << 25;
	h->random ^= h->random >> 27;
	return (uint32_t)((h->random * 0x2545F4914F6CDD1Dull) >> 32) % n;
}

uint32_t any32(struct hostile *h)
{
	return pick(h, 0x10000) << 16 | pick(h, 0x10000);
}

static uint64_t any64(struct hostile *h)
{
	return (uint64_t)any32(h) << 32 | any32(h);
}

static unsigned int width(struct hostile *h)
{
	return 1u << pick(h, 4);
}

static uint32_t page(struct hostile *h)
{
	return BASE + (pick(h, 5) << 12);
}

static void put(struct hostile *h, uint32_t at, uint64_t val, unsigned int n)
{
	qtest_write_width(h->q, at, n < 8 ? val & ((1ull << n * 8) - 1) : val, n);
}

/* Commands: honest ones, some bytes of which are changed now and then. */
static uint32_t any_command(struct hostile *h, uint8_t *cmd, bool slow)
{
	static const struct tpm_command *const plain[] = {
		&tpm_startup, &tpm_get_random, &tpm_get_cap, &tpm_nv_read,
	};
	struct tpm_command c;
	uint32_t i;

	if (slow && pick(h, 2)) {
		c = pick(h, 2) ? tpm_flush(pick(h, 3)) :
		    tpm_create_rsa(pick(h, 2) ? 2048 : 3072, any32(h));
	} else {
		c = *plain[pick(h, G_N_ELEMENTS(plain))];
	}
	memcpy(cmd, c.bytes, c.size);
	for (i = pick(h, 8) ? 0 : pick(h, 4); i > 0; i--) {
		cmd[pick(h, c.size)] = (uint8_t)any32(h);
	}
	switch (pick(h, 12)) {
	case 0: /* a size that is none */
		cmd[2] = (uint8_t)any32(h);
		break;
	case 1:
		cmd[5] = (uint8_t)pick(h, 10);
		break;
	default:
		break;
	}
	return c.size;
}

static void send_fifo(struct hostile *h, uint32_t at, bool slow)
{
	uint8_t cmd[128];
	uint32_t n = any_command(h, cmd, slow), i;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	if (!pick(h, 4)) {
		n = pick(h, n); /* torn */
	}
	for (i = 0; i < n; i++) {
		put(h, at + TPM_REG_DATA_FIFO, cmd[i], 1);
	}
	put(h, at + TPM_REG_STS, TPM_STS_GO, 1);
}

static void send_indexed(struct hostile *h, uint32_t at, bool slow)
{
	uint8_t cmd[128] = { 0 };
	uint32_t n = any_command(h, cmd, slow), i, ticket;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + h->indexed + TPMIX_REG_INDEX, 0, 4);
	if (!pick(h, 8)) {
		n = pick(h, n);
	}
	for (i = 0; i < n; i += 8) {
		uint64_t val;

		memcpy(&val, cmd + i, 8);
		put(h, at + h->indexed + TPMIX_WINDOW + i, val, 8);
	}
	ticket = qtest_readl(h->q, at + h->indexed + TPMIX_REG_ACCEPTED) + 1;
	put(h, at + h->indexed + TPMIX_REG_CSUM_EXPECT, (uint64_t)ticket << 32 |
	    (pick(h, 4) ? 0 : TPMIX_CSUM_EXPECT_ON) | pick(h, 0x10000), 8);
}

void hostile_six_bytes(struct hostile *h, uint32_t at)
{
	static const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 6 };
	unsigned int i;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	for (i = 0; i < sizeof(cmd); i++) {
		put(h, at + TPM_REG_DATA_FIFO, cmd[i], 1);
	}
	put(h, at + TPM_REG_STS, TPM_STS_GO, 1);
}

static void any_doorbell(struct hostile *h, uint32_t at)
{
	uint32_t ticket = qtest_readl(h->q, at + h->indexed + TPMIX_REG_ACCEPTED);

	switch (pick(h, 6)) {
	case 0: ticket += pick(h, 4) - 1; break;
	case 1: ticket = any32(h); break;
	case 2: ticket = 0; break;
	default: ticket++; break;
	}
	if (pick(h, 3)) {
		put(h, at + h->indexed + TPMIX_REG_DOORBELL, ticket, 4);
	} else {
		put(h, at + h->indexed + TPMIX_REG_DOORBELL - 7 + pick(h, 14), any64(h) << 32 |
		    ticket, width(h));
	}
}

static void any_access_write(struct hostile *h, uint32_t at)
{
	static const uint8_t bits[] = {
		TPM_ACCESS_REQUEST_USE, TPM_ACCESS_ACTIVE_LOCALITY,
		TPM_ACCESS_SEIZE, TPM_ACCESS_BEEN_SEIZED,
	};
	unsigned int i;

	/* a storm of them */
	for (i = 1 + pick(h, 20); i > 0; i--) {
		put(h, BASE + (pick(h, 5) << 12), pick(h, 8) ?
		    bits[pick(h, G_N_ELEMENTS(bits))] : any32(h), 1);
	}
	put(h, at, TPM_ACCESS_SEIZE, 1);
}

static void any_stop(struct hostile *h, uint32_t at)
{
	static const uint32_t bits[] = {
		TPM_STS_COMMAND_READY, TPM_STS_COMMAND_CANCEL,
		TPM_STS_RESPONSE_RETRY, TPM_STS_RESET_ESTABLISHMENT,
	};
	uint32_t val = pick(h, 8) ? bits[pick(h, G_N_ELEMENTS(bits))] : any32(h);

	if (pick(h, 4)) {
		put(h, at + TPM_REG_STS, val, 4);
	} else {
		put(h, at + h->indexed + TPMIX_REG_CANCEL,
		    qtest_readl(h->q, at + h->indexed + TPMIX_REG_ACCEPTED), 4);
	}
	h->cancels++;
}

static void any_window(struct hostile *h, uint32_t at)
{
	static const uint32_t index[] = {
		0, 10, 3583, 3584, 4087, 4095, 4096, 16383, 0x7FFFFFFF, ~0u,
	};
	uint8_t data[64];
	unsigned int i;

	put(h, at + h->indexed + TPMIX_REG_INDEX, pick(h, 4) ?
	    index[pick(h, G_N_ELEMENTS(index))] : any32(h), width(h));
	for (i = pick(h, 16); i > 0; i--) {
		put(h, at + h->indexed + TPMIX_WINDOW + pick(h, TPMIX_WINDOW_SIZE), any64(h),
		    width(h));
	}
	for (i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)any32(h);
	}
	qtest_write(h->q, at + h->indexed + TPMIX_WINDOW + pick(h, TPMIX_WINDOW_SIZE), data,
		    1 + pick(h, sizeof(data)));
	qtest_read(h->q, at + pick(h, 0x1000 - sizeof(data)), data,
		   1 + pick(h, sizeof(data)));
}

static void any_fifo(struct hostile *h, uint32_t at)
{
	uint32_t port = at + (pick(h, 2) ? TPM_REG_DATA_FIFO :
			      TPM_REG_XDATA_FIFO);
	unsigned int i;

	for (i = pick(h, 100); i > 0; i--) {
		if (pick(h, 2)) {
			put(h, port, any64(h), 1u << pick(h, 3));
		} else {
			qtest_read_width(h->q, port, 1u << pick(h, 3));
		}
	}
}

static void any_register(struct hostile *h, uint32_t at)
{
	static const uint16_t regs[] = {
		TPM_REG_INTERFACE_ID, TPM_REG_INT_ENABLE, TPM_REG_INT_STATUS,
		TPM_REG_INT_VECTOR, TPM_REG_INTF_CAPABILITY, TPM_REG_DID_VID,
		TPMIX_REG_INT_ACK, TPMIX_REG_CSUM_EXPECT, TPMIX_REG_CANCEL,
		TPMIX_REG_MAGIC, TPMIX_REG_BUFSIZE,
	};
	uint32_t off = pick(h, 3) ? regs[pick(h, G_N_ELEMENTS(regs))] :
				    pick(h, 0x1000);

	at += pick(h, 2) ? h->indexed : 0;
	put(h, at + off, pick(h, 3) ? any64(h) : ~0ull, width(h));
	qtest_read_width(h->q, at + pick(h, 0x1000 - 8), width(h));
}

/* CRB registers, one after the other or in any order; the buffer is the command's. */
static void send_crb(struct hostile *h, uint32_t at, bool slow)
{
	uint8_t cmd[128] = { 0 };
	uint32_t n = any_command(h, cmd, slow);

	put(h, at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	put(h, at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
	if (!pick(h, 8)) {
		n = 1 + pick(h, n); /* torn */
	}
	qtest_write(h->q, at == BASE && pick(h, 2) ? BASE + TPMIX_CMD_WINDOW :
		    at + TPM_REG_DATA_BUFFER, cmd, n);
	put(h, at + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
}

static void any_crb(struct hostile *h, uint32_t at)
{
	static const uint8_t regs[] = {
		TPM_REG_LOC_CTRL, TPM_REG_CTRL_REQ, TPM_REG_CTRL_CANCEL,
		TPM_REG_CTRL_START, TPM_REG_CRB_INT_ENABLE, TPM_REG_CRB_INT_STS,
		TPM_REG_INTF_ID, TPM_REG_CTRL_CMD_SIZE, TPM_REG_DATA_BUFFER,
	};
	unsigned int i;

	for (i = 1 + pick(h, 10); i > 0; i--) {
		put(h, at + regs[pick(h, sizeof(regs))],
		    pick(h, 4) ? 1u << pick(h, 4) : any32(h), 4);
	}
}

/* Everywhere in the windows, whatever runs; also where nothing may be written. */
static void any_ram(struct hostile *h)
{
	static const uint32_t windows[] = {
		TPMIX_CMD_WINDOW, TPMIX_CMD_WINDOW, TPMIX_RSP_WINDOW, TPMIX_HEADER,
	};
	uint8_t data[64];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)any32(h);
	}
	for (i = 1 + pick(h, 8); i > 0; i--) {
		uint32_t at = BASE + windows[pick(h, G_N_ELEMENTS(windows))] +
			      (pick(h, 2) ? pick(h, 16) : pick(h, 0x1000 - 64));

		qtest_write(h->q, at, data, 1 + pick(h, sizeof(data)));
		qtest_read(h->q, at, data, 1 + pick(h, sizeof(data)));
	}
}

/* A command runs, and the guest changes it: the copy is what the TPM has. */
static void scribble(struct hostile *h, bool slow)
{
	if (h->crb && pick(h, 2)) {
		send_crb(h, BASE, slow);
	} else {
		send_indexed(h, BASE, slow);
	}
	any_ram(h);
	any_ram(h);
}

static void misdeed_crb(struct hostile *h, uint32_t at, bool slow)
{
	switch (pick(h, 4)) {
	case 0:
	case 1: send_crb(h, at, slow); break;
	default: any_crb(h, at); break;
	}
}

void hostile_misdeed(struct hostile *h, bool slow)
{
	uint32_t at = page(h);

	if (h->crb && pick(h, 2)) {
		misdeed_crb(h, at, slow);
		return;
	}
	switch (pick(h, 14)) {
	case 0: send_fifo(h, at, slow); break;
	case 1:
	case 2: send_indexed(h, at, slow); break;
	case 3: hostile_six_bytes(h, at); break;
	case 4: any_doorbell(h, at); break;
	case 5: any_access_write(h, at); break;
	case 6:
	case 7: any_stop(h, at); break;
	case 8: any_window(h, at); break;
	case 9: any_fifo(h, at); break;
	case 10:
	case 11:
		if (h->ram) {
			scribble(h, slow);
			break;
		}
		/* fall through */
	default: any_register(h, at); break;
	}
}
