/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors of txn.h: FIFO as Linux' tpm_tis, CRB as edk2 and as Linux' tpm_crb,
 * the indexed door by the transaction of docs/specification.md.
 */
#include <string.h>

#include "txn.h"
#include "tpmix.h"

#define STOCK_TIS "-machine q35 -device tpm-tis,id=tpm,tpmdev=tpm0 "
#define STOCK_CRB "-machine q35 -device tpm-crb,id=tpm,tpmdev=tpm0 "
#define INDEXED   "-machine q35 -device tpm-tis-indexed,id=tpm,tpmdev=tpm0 "
#define CRB_EXT   "-machine q35 -device tpm-crb-ext,id=tpm,tpmdev=tpm0 "
#define CRB_FIFO  "-machine q35 -device tpm-crb-ext,id=tpm,tpmdev=tpm0," \
		  "interface=fifo "

/* The command at @off, in accesses of the kind's width. */
static void put_command(struct txn *t, uint32_t off)
{
	uint32_t i;

	for (i = 0; i < TXN_CMD_SIZE; i += t->kind->width) {
		uint64_t val = 0;

		memcpy(&val, t->cmd + i, t->kind->width);
		txn_out(t, off + i, val, t->kind->width);
	}
}

/* Bytes @i to @end - 1 of the response at @off; returns where it stands then. */
static uint32_t get_response(struct txn *t, uint32_t off, uint32_t i, uint32_t end)
{
	for (; i < end; i += t->kind->width) {
		uint64_t val = txn_in(t, off + i, t->kind->width);

		memcpy(t->rsp + i, &val, t->kind->width);
	}
	return i;
}

static bool size_ok(const struct txn *t)
{
	return !t->stopped && t->rsp_size >= 10 &&
	       t->rsp_size <= sizeof(t->rsp) - 8;
}

/* Indexed door */

static bool ring(struct txn *t, uint32_t completed)
{
	uint64_t val;

	txn_starts(t);
	txn_out(t, t->kind->indexed + TPMIX_REG_CSUM_EXPECT,
		(uint64_t)t->ticket << 32 | TPMIX_CSUM_EXPECT_ON |
		tpmix_crc16(t->cmd, TXN_CMD_SIZE), 8);
	val = txn_wait_done(t, completed, 8, G_MAXUINT32, t->ticket, 0);
	t->rsp_size = (uint32_t)(val >> 32);
	return txn_is(t, val, G_MAXUINT32, t->ticket) && size_ok(t);
}

static bool csum_ok(struct txn *t, uint32_t csum)
{
	return txn_is(t, txn_in(t, csum, 4) >> 16, 0xFFFF,
		      tpmix_crc16(t->rsp, t->rsp_size));
}

static bool indexed_send(struct txn *t)
{
	const uint32_t page = t->kind->indexed;

	txn_out(t, page + TPMIX_REG_INDEX, 0, 4);
	put_command(t, page + TPMIX_WINDOW);
	return ring(t, page + TPMIX_REG_COMPLETED);
}

static bool indexed_receive(struct txn *t)
{
	const uint32_t page = t->kind->indexed;

	txn_out(t, page + TPMIX_REG_INDEX, 0, 4);
	get_response(t, page + TPMIX_WINDOW, 0, t->rsp_size);
	return csum_ok(t, page + TPMIX_REG_CSUM);
}

/* The doorbell is the only access that traps. */
static bool ram_send(struct txn *t)
{
	put_command(t, TPMIX_CMD_WINDOW);
	return ring(t, TPMIX_HEADER + TPMIX_REG_COMPLETED);
}

static bool ram_receive(struct txn *t)
{
	get_response(t, TPMIX_RSP_WINDOW, 0, t->rsp_size);
	return csum_ok(t, TPMIX_HEADER + TPMIX_REG_CSUM);
}

/* FIFO */

static bool fifo_send(struct txn *t)
{
	uint32_t i;
	uint64_t val;

	txn_out(t, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	val = txn_wait(t, TPM_REG_STS, 1, TPM_STS_COMMAND_READY,
		       TPM_STS_COMMAND_READY);
	if (!txn_is(t, val, TPM_STS_COMMAND_READY, TPM_STS_COMMAND_READY)) {
		return false;
	}
	for (i = 0; i < TXN_CMD_SIZE; i++) {
		if (i == TXN_CMD_SIZE - 1 &&
		    !txn_is(t, txn_in(t, TPM_REG_STS, 1), TPM_STS_EXPECT,
			    TPM_STS_EXPECT)) {
			return false;
		}
		txn_out(t, TPM_REG_DATA_FIFO, t->cmd[i], 1);
	}
	if (!txn_is(t, txn_in(t, TPM_REG_STS, 1), TPM_STS_EXPECT, 0)) {
		return false;
	}
	txn_starts(t);
	txn_out(t, TPM_REG_STS, TPM_STS_GO, 1);
	val = txn_wait_done(t, TPM_REG_STS, 1, TPM_STS_DATA_AVAIL | TPM_STS_GO,
			    TPM_STS_DATA_AVAIL, TPM_STS_COMMAND_READY);
	return txn_is(t, val, TPM_STS_DATA_AVAIL, TPM_STS_DATA_AVAIL);
}

static bool fifo_receive(struct txn *t)
{
	uint32_t i;

	t->rsp_size = 10;
	for (i = 0; i < t->rsp_size && !t->stopped; i++) {
		t->rsp[i] = (uint8_t)txn_in(t, TPM_REG_DATA_FIFO, 1);
		if (i == 5) {
			t->rsp_size = (uint32_t)t->rsp[4] << 8 | t->rsp[5];
		}
		if (t->rsp_size < 10 || t->rsp_size > TXN_RSP_SIZE + 10) {
			return false;
		}
	}
	if (!txn_is(t, txn_in(t, TPM_REG_STS, 1), TPM_STS_DATA_AVAIL, 0)) {
		return false;
	}
	txn_out(t, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	return true;
}

/* CRB: PTP 1.05 6.5.3.4; the buffers where edk2 has them, or where it is said */

static bool crb_ready(struct txn *t)
{
	txn_out(t, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
	txn_wait(t, TPM_REG_CTRL_REQ, 4, TPM_CTRL_REQ_CMD_READY, 0);
	return txn_is(t, txn_in(t, TPM_REG_CTRL_STS, 4),
		      TPM_CTRL_STS_TPM_IDLE | TPM_CTRL_STS_TPM_STS, 0);
}

static bool crb_start(struct txn *t)
{
	uint64_t val;

	txn_starts(t);
	txn_out(t, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
	val = txn_wait_done(t, TPM_REG_CTRL_START, 4, TPM_CTRL_START_INVOKE, 0, 0);
	return txn_is(t, val, TPM_CTRL_START_INVOKE, 0);
}

static bool crb_receive_at(struct txn *t, uint32_t off)
{
	uint32_t i = get_response(t, off, 0, 8);

	t->rsp_size = (uint32_t)t->rsp[4] << 8 | t->rsp[5];
	if (!size_ok(t)) {
		return false;
	}
	get_response(t, off, i, t->rsp_size);
	txn_out(t, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_GO_IDLE, 4);
	return !t->stopped;
}

static bool crb_send(struct txn *t)
{
	if (!crb_ready(t)) {
		return false;
	}
	put_command(t, TPM_REG_DATA_BUFFER);
	return crb_start(t);
}

static bool crb_receive(struct txn *t)
{
	return crb_receive_at(t, TPM_REG_DATA_BUFFER);
}

static bool linux_send(struct txn *t)
{
	uint32_t at;

	if (!crb_ready(t)) {
		return false;
	}
	at = (uint32_t)txn_in(t, TPM_REG_CTRL_CMD_LADDR, 4) - TXN_BASE;
	txn_out(t, TPM_REG_CTRL_CANCEL, 0, 4);
	put_command(t, at);
	return crb_start(t);
}

static bool linux_receive(struct txn *t)
{
	return crb_receive_at(t, (uint32_t)txn_in(t, TPM_REG_CTRL_RSP_ADDR, 4) -
				 TXN_BASE);
}

#define FIFO_DOOR    .send = fifo_send, .receive = fifo_receive, .width = 1
#define INDEXED_DOOR .send = indexed_send, .receive = indexed_receive, .width = 8
#define RAM_DOOR     .send = ram_send, .receive = ram_receive, .width = 8
#define CRB_DOOR     .send = crb_send, .receive = crb_receive, .width = 1, \
		     .crb = true
#define LINUX_DOOR   .send = linux_send, .receive = linux_receive, .width = 8, \
		     .crb = true

const struct txn_kind txn_stock_fifo = {
	"stock", STOCK_TIS, FIFO_DOOR, .stock = true, .ram = TPMIX_MMIO_SIZE,
};
const struct txn_kind txn_stock_crb = {
	"stock-crb", STOCK_CRB, CRB_DOOR, .stock = true,
	.ram = TPM_REG_DATA_BUFFER,
};
const struct txn_kind txn_stock_linux = {
	"stock-crb-linux", STOCK_CRB, LINUX_DOOR, .stock = true,
	.ram = TPM_REG_DATA_BUFFER,
};
const struct txn_kind txn_fifo = {
	"fifo", INDEXED, FIFO_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_indexed = {
	"indexed", INDEXED, INDEXED_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_ram = {
	"ram", INDEXED, RAM_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_crb = {
	"crb", CRB_EXT, CRB_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_crb_linux = {
	"crb-linux", CRB_EXT, LINUX_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_crb_indexed = {
	"crb-indexed", CRB_EXT, INDEXED_DOOR, .crb = true, .indexed = TPMIX_EXT,
	.ram = TPMIX_RAM,
};
const struct txn_kind txn_crb_ram = {
	"crb-ram", CRB_EXT, RAM_DOOR, .crb = true, .indexed = TPMIX_EXT,
	.ram = TPMIX_RAM,
};
const struct txn_kind txn_crb_fifo = {
	"crb-fifo", CRB_FIFO, FIFO_DOOR, .ram = TPMIX_RAM,
};
const struct txn_kind txn_crb_fifo_indexed = {
	"crb-fifo-indexed", CRB_FIFO, INDEXED_DOOR, .indexed = TPMIX_EXT,
	.ram = TPMIX_RAM,
};
