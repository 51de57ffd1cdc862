/* SPDX-License-Identifier: BSD-2-Clause */
#include "regname.h"

#include <stddef.h>

struct name {
	uint32_t off, size;
	const char *name;
};

static const struct name fifo[] = {
	{ TPM_REG_ACCESS, 1, "ACCESS" },
	{ TPM_REG_INT_ENABLE, 4, "INT_ENABLE" },
	{ TPM_REG_INT_VECTOR, 1, "INT_VECTOR" },
	{ TPM_REG_INT_STATUS, 4, "INT_STATUS" },
	{ TPM_REG_INTF_CAPABILITY, 4, "INTF_CAPABILITY" },
	{ TPM_REG_STS, 4, "STS" },
	{ TPM_REG_DATA_FIFO, 4, "DATA_FIFO" },
	{ TPM_REG_INTERFACE_ID, 4, "INTERFACE_ID" },
	{ TPM_REG_XDATA_FIFO, TPM_REG_XDATA_FIFO_END - TPM_REG_XDATA_FIFO,
	  "XDATA_FIFO" },
	{ TPM_REG_DID_VID, 4, "DID_VID" },
	{ TPM_REG_RID, 1, "RID" },
	{ 0, 0, NULL }
};

static const struct name crb[] = {
	{ TPM_REG_LOC_STATE, 4, "LOC_STATE" },
	{ TPM_REG_LOC_CTRL, 4, "LOC_CTRL" },
	{ TPM_REG_LOC_STS, 4, "LOC_STS" },
	{ TPM_REG_INTF_ID, 4, "INTF_ID" },
	{ TPM_REG_INTF_ID2, 4, "INTF_ID2" },
	{ TPM_REG_CTRL_REQ, 4, "CTRL_REQ" },
	{ TPM_REG_CTRL_STS, 4, "CTRL_STS" },
	{ TPM_REG_CTRL_CANCEL, 4, "CTRL_CANCEL" },
	{ TPM_REG_CTRL_START, 4, "CTRL_START" },
	{ TPM_REG_CRB_INT_ENABLE, 4, "CRB_INT_ENABLE" },
	{ TPM_REG_CRB_INT_STS, 4, "CRB_INT_STS" },
	{ TPM_REG_CTRL_CMD_SIZE, 4, "CTRL_CMD_SIZE" },
	{ TPM_REG_CTRL_CMD_LADDR, 4, "CTRL_CMD_LADDR" },
	{ TPM_REG_CTRL_CMD_HADDR, 4, "CTRL_CMD_HADDR" },
	{ TPM_REG_CTRL_RSP_SIZE, 4, "CTRL_RSP_SIZE" },
	{ TPM_REG_CTRL_RSP_ADDR, 8, "CTRL_RSP_ADDR" },
	{ TPM_REG_DATA_BUFFER, TPMIX_DATA_BUFFER_SIZE, "DATA_BUFFER" },
	{ 0, 0, NULL }
};

static const struct name indexed[] = {
	{ TPMIX_WINDOW, TPMIX_WINDOW_SIZE, "window" },
	{ TPMIX_REG_MAGIC, 4, "MAGIC" },
	{ TPMIX_REG_VERSION, 4, "VERSION" },
	{ TPMIX_REG_CAP, 4, "CAP" },
	{ TPMIX_REG_BUFSIZE, 4, "BUFSIZE" },
	{ TPMIX_REG_WINDOW, 4, "WINDOW" },
	{ TPMIX_REG_RAM_SIZE, 4, "RAM_SIZE" },
	{ TPMIX_REG_CMD_WINDOW, 8, "CMD_WINDOW" },
	{ TPMIX_REG_RSP_WINDOW, 8, "RSP_WINDOW" },
	{ TPMIX_REG_HEADER, 8, "HEADER" },
	{ TPMIX_REG_INDEX, 4, "INDEX" },
	{ TPMIX_REG_CANCEL, 4, "CANCEL" },
	{ TPMIX_REG_CSUM_EXPECT, 4, "CSUM_EXPECT" },
	{ TPMIX_REG_DOORBELL, 4, "DOORBELL" },
	{ TPMIX_REG_ACCEPTED, 4, "ACCEPTED" },
	{ TPMIX_REG_STATUS, 4, "STATUS" },
	{ TPMIX_REG_COMPLETED, 4, "COMPLETED" },
	{ TPMIX_REG_RSP_SIZE, 4, "RSP_SIZE" },
	{ TPMIX_REG_CSUM, 4, "CSUM" },
	{ TPMIX_REG_INT_ACK, 4, "INT_ACK" },
	{ 0, 0, NULL }
};

static const struct name ram[] = {
	{ TPMIX_CMD_WINDOW, TPMIX_RAM_WINDOW_MAX, "command window" },
	{ TPMIX_RSP_WINDOW, TPMIX_RAM_WINDOW_MAX, "response window" },
	{ 0, 0, NULL }
};

static const char *find(const struct name *names, uint32_t off, uint32_t base,
			uint32_t *first)
{
	for (; names->name; names++) {
		if (off >= names->off && off - names->off < names->size) {
			*first = base + names->off;
			return names->name;
		}
	}
	return NULL;
}

const char *tpmix_reg_name(uint32_t off, enum tpmix_interface interface,
			   uint32_t *first, unsigned int *locality)
{
	int ext = off >= TPMIX_EXT && off - TPMIX_EXT < TPMIX_EXT_SIZE;
	uint32_t at = ext ? off - TPMIX_EXT : off;
	uint32_t reg = at % TPMIX_LOCALITY_SIZE, base = off - reg;
	const char *name = NULL;

	*first = off;
	*locality = 0;
	if (off >= TPMIX_RAM) {
		name = find(ram, off, 0, first);
		if (!name && off - TPMIX_HEADER < TPMIX_LOCALITY_SIZE)
			name = find(indexed, reg, base, first);
	} else if (ext || off < TPMIX_MMIO_SIZE) {
		*locality = at >> TPMIX_LOCALITY_SHIFT;
		if (!ext)
			name = find(interface == TPMIX_INTERFACE_CRB ? crb : fifo,
				    reg, base, first);
		if (!name)
			name = find(indexed, reg, base, first);
	}
	return name ? name : "?";
}
