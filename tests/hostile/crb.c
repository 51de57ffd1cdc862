/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Misdeeds through the CRB door and in the windows in RAM. They are done whatever
 * interface is active.
 */
#include <stddef.h>

#include "rom.h"

#define WINDOW_CMD  (TPMIX_BASE + TPMIX_CMD_WINDOW)
#define WINDOW_RSP  (TPMIX_BASE + TPMIX_RSP_WINDOW)
#define HEADER      (TPMIX_BASE + TPMIX_HEADER)

static void start(uint32_t at)
{
	put(at + TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
}

/* Torn, spoilt, by the buffer or the window; and changed while it runs. */
static void command(struct memory *m, uint32_t at)
{
	const uint8_t *cmd;
	uint32_t n = choose(m, &cmd), i;
	uint32_t to = pick(m, 2) ? at + TPM_REG_DATA_BUFFER : WINDOW_CMD;

	put(at + TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	put(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
	if (!pick(m, 8)) {
		n = pick(m, n);
	}
	put(at + TPM_REG_CTRL_CANCEL, 0, 4);
	for (i = 0; i < n; i++) {
		put(to + i, pick(m, 64) ? cmd[i] : any(m), 1);
	}
	start(at);
	for (i = pick(m, 16); i > 0; i--) {
		put(to + pick(m, 16), any(m), 1u << pick(m, 4));
	}
	if (pick(m, 2)) {
		start(at);
	}
}

static void control(struct memory *m, uint32_t at)
{
	switch (pick(m, 6)) {
	case 0: put(at + TPM_REG_CTRL_CANCEL, TPM_CTRL_CANCEL_INVOKE, 4); break;
	case 1: put(at + TPM_REG_CTRL_REQ, any(m), 1u << pick(m, 4)); break;
	case 2: put(at + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE, 4); break;
	case 3: put(at + TPM_REG_CTRL_START, any(m), 1u << pick(m, 4)); break;
	case 4: put(at + TPM_REG_CRB_INT_ENABLE, any(m), 8); break;
	default:
		/* addresses and sizes, as edk2, and worse */
		put(at + TPM_REG_CTRL_CMD_SIZE + pick(m, 0x18), any(m),
		    1u << pick(m, 4));
		break;
	}
}

static void buffer(struct memory *m, uint32_t at)
{
	uint32_t i;

	for (i = pick(m, 32); i > 0; i--) {
		put(at + TPM_REG_DATA_BUFFER + pick(m, TPMIX_DATA_BUFFER_SIZE), any(m),
		    1u << pick(m, 4));
		get(at + pick(m, TPMIX_LOCALITY_SIZE), 1u << pick(m, 4));
	}
	copy(at + TPM_REG_DATA_BUFFER + pick(m, 3500), 0x9000, pick(m, 50));
	copy(0x9000, at + TPM_REG_DATA_BUFFER + pick(m, 3500), pick(m, 50));
}

static void arbitrate(struct memory *m)
{
	uint32_t i;

	for (i = pick(m, 20); i > 0; i--) {
		put(TPMIX_BASE + (pick(m, TPMIX_NUM_LOCALITIES) << 12) + TPM_REG_LOC_CTRL,
		    pick(m, 8) ? 1u << pick(m, 4) : any(m), 4);
	}
}

/* One of the places where memory of one kind ends and another begins. */
static uint32_t border(struct memory *m)
{
	static const uint32_t borders[] = {
		TPMIX_LOCALITY_SIZE, TPMIX_MMIO_SIZE, TPMIX_EXT,
		TPMIX_EXT + TPMIX_EXT_SIZE, TPMIX_HEADER, TPMIX_CMD_WINDOW,
		TPMIX_RSP_WINDOW, TPMIX_SPACE_SIZE,
	};
	const uint32_t n = sizeof(borders) / sizeof(borders[0]);

	return TPMIX_BASE + borders[pick(m, n)] - pick(m, MARGIN);
}

void ram_misdeed(struct memory *m)
{
	uint32_t i;

	for (i = pick(m, 32); i > 0; i--) {
		put(WINDOW_CMD + pick(m, TPMIX_RAM_WINDOW_MAX), any(m), 1u << pick(m, 4));
		put(WINDOW_CMD + pick(m, MARGIN), any(m), 1u << pick(m, 4));
	}
	switch (pick(m, 5)) {
	case 0: copy(WINDOW_RSP + pick(m, 0x1000), WINDOW_CMD, pick(m, 50)); break;
	case 1: copy(WINDOW_CMD, WINDOW_RSP, pick(m, 4096)); break;
	case 2: copy(WINDOW_CMD, HEADER + pick(m, 4096), pick(m, 4096)); break;
	case 3:
		put(HEADER + pick(m, 0x1000), any(m), 1u << pick(m, 4));
		put(HEADER + TPMIX_REG_DOORBELL, get(HEADER + TPMIX_REG_ACCEPTED, 4) + 1, 4);
		break;
	default:
		put(border(m), any(m), 1u << pick(m, 4));
		get(border(m), 1u << pick(m, 4));
		break;
	}
}

static void write_selector(uint32_t interface, uint32_t lock)
{
	put(TPMIX_BASE + TPM_REG_INTF_ID, interface << TPM_INTF_ID_SEL_SHIFT, 4);
	put(TPMIX_BASE + TPM_REG_INTF_ID, lock ? TPM_INTF_ID_SEL_LOCK : 0, 4);
}

static void selector(struct memory *m, uint32_t at)
{
	put(at + TPM_REG_INTF_ID, pick(m, 2) ? any(m) : pick(m, 4) << TPM_INTF_ID_SEL_SHIFT,
	    1u << pick(m, 4));
}

void crb_misdeed(struct memory *m, uint32_t at)
{
	switch (pick(m, 10)) {
	case 0:
	case 1:
	case 2: command(m, at); break;
	case 3:
	case 4: control(m, at); break;
	case 5: buffer(m, at); break;
	case 6: arbitrate(m); break;
	case 7: selector(m, at); break;
	default: ram_misdeed(m); break;
	}
}

int crb_is_active(void)
{
	uint32_t id = get(TPMIX_BASE + TPM_REG_INTF_ID, 4);

	return (id & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB;
}

void crb_select(struct memory *m)
{
	write_selector(crb_is_active() ? TPMIX_INTERFACE_FIFO : TPMIX_INTERFACE_CRB,
		       pick(m, 2));
}

/* The manufacturer, at the response's end, is libtpms's. */
const char *crb_honest(const uint8_t *cmd, uint32_t len)
{
	const uint32_t to = get(TPMIX_BASE + TPM_REG_CTRL_CMD_LADDR, 4);
	const uint32_t from = get(TPMIX_BASE + TPM_REG_CTRL_RSP_ADDR, 4);
	uint32_t i;

	put(TPMIX_BASE + TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
	put(TPMIX_BASE + TPM_REG_CTRL_CANCEL, 0, 4);
	copy(to, (uint32_t)cmd, len);
	start(TPMIX_BASE);
	for (i = 0; get(TPMIX_BASE + TPM_REG_CTRL_START, 4); i++) {
		/* from memory, so that it takes seconds */
		if (i > 4000000000u) {
			return "failed: CTRL_START stays";
		}
	}
	if (to != WINDOW_CMD || from != WINDOW_RSP ||
	    get(HEADER + TPMIX_REG_RSP_SIZE, 4) != 27 || get(from + 6, 4) != 0 ||
	    get(from + 23, 4) != 0x004D4249) {
		return "failed: GetCapability by CRB";
	}
	return NULL;
}
