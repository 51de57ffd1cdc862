/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register map of the replay-safe TPM interface.
 *
 * The only place where offsets and bits stand: the engine, the QEMU devices,
 * the Linux driver and the tests include this file. It holds names and numbers
 * of the specifications and nothing else, compiles as C11, as kernel code and
 * as C++, and includes nothing.
 *
 * TIS: TCG PC Client Specific TPM Interface Specification 1.3.
 * PTP: TCG PC Client Platform TPM Profile for TPM 2.0, 1.05.
 * IX:  the indexed door, docs/specification.md.
 *
 * RO: writes are ignored.  WO: reads as 0 unless said otherwise.
 * W1: writing 1 acts, writing 0 does nothing.  W1C: writing 1 clears.
 */
#ifndef TPMIX_REGS_H
#define TPMIX_REGS_H

/*
 * The address map, offsets from where the machine has the device; TPMIX_BASE is
 * where PC machines do. TIS 5.2, PTP 6.3: five localities of one page each. 0x5000
 * to 0x53FF is the PPI page of PC machines, not ours.
 */
#define TPMIX_BASE              0xFED40000u
#define TPMIX_NUM_LOCALITIES    5u
#define TPMIX_LOCALITY_SHIFT    12u
#define TPMIX_LOCALITY_SIZE     (1u << TPMIX_LOCALITY_SHIFT)
#define TPMIX_MMIO_SIZE         (TPMIX_NUM_LOCALITIES << TPMIX_LOCALITY_SHIFT)
/* CRB leaves no room beside its buffer: the indexed door in pages of its own. */
#define TPMIX_EXT               0x06000u
#define TPMIX_EXT_SIZE          TPMIX_MMIO_SIZE
/*
 * RAM, for locality 0: two windows of up to 64 KiB and a page. Each begins at a
 * multiple of 64 KiB, the largest page that a guest's or a host's kernel maps.
 */
#define TPMIX_RAM               0x10000u
#define TPMIX_CMD_WINDOW        0x10000u
#define TPMIX_RSP_WINDOW        0x20000u
#define TPMIX_RAM_WINDOW_MAX    0x10000u
#define TPMIX_HEADER            0x30000u
#define TPMIX_HEADER_PAGE_SIZE  0x10000u
#define TPMIX_SPACE_SIZE        0x40000u

/* Offsets in a locality's page: TIS 1.3 table 9, PTP table 16. */
enum tpmix_fifo_reg {
	TPM_REG_ACCESS          = 0x000, /* 1 byte */
	TPM_REG_INT_ENABLE      = 0x008,
	TPM_REG_INT_VECTOR      = 0x00C, /* 1 byte, RO */
	TPM_REG_INT_STATUS      = 0x010,
	TPM_REG_INTF_CAPABILITY = 0x014, /* RO */
	TPM_REG_STS             = 0x018,
	TPM_REG_DATA_FIFO       = 0x024, /* moves a hidden pointer, 1 to 4 bytes */
	TPM_REG_INTERFACE_ID    = 0x030,
	TPM_REG_XDATA_FIFO      = 0x080, /* moves a hidden pointer, to 0x0BF */
	TPM_REG_XDATA_FIFO_END  = 0x0C0,
	TPM_REG_DID_VID         = 0xF00, /* RO */
	TPM_REG_RID             = 0xF04, /* RO */
};

/* TPM_ACCESS: TIS 1.3 table 11 */
enum tpmix_access {
	TPM_ACCESS_ESTABLISHMENT   = 1 << 0, /* RO, 0 once a D-RTM was established */
	TPM_ACCESS_REQUEST_USE     = 1 << 1, /* W1 */
	TPM_ACCESS_PENDING_REQUEST = 1 << 2, /* RO, another locality requests */
	TPM_ACCESS_SEIZE           = 1 << 3, /* W1, reads as 0 */
	TPM_ACCESS_BEEN_SEIZED     = 1 << 4, /* W1C */
	TPM_ACCESS_ACTIVE_LOCALITY = 1 << 5, /* W1: relinquish */
	TPM_ACCESS_REG_VALID_STS   = 1 << 7, /* RO */
};

/* TPM_INT_ENABLE and TPM_INT_STATUS: TIS 1.3 tables 14 and 16 */
enum tpmix_int {
	TPM_INT_DATA_AVAIL      = 1 << 0,
	TPM_INT_STS_VALID       = 1 << 1,
	TPM_INT_LOCALITY_CHANGE = 1 << 2,
	TPM_INT_POLARITY_LOW    = 1 << 3, /* typePolarity 01: low level */
	TPM_INT_POLARITY_MASK   = 3 << 3,
	TPM_INT_COMMAND_READY   = 1 << 7,
	TPM_INT_ALL             = 0x87,
};
#define TPM_INT_GLOBAL_ENABLE   0x80000000u

/* TPM_STS: TIS 1.3 table 19, PTP table 22 */
enum tpmix_sts {
	TPM_STS_RESPONSE_RETRY      = 1 << 1,  /* W1 */
	TPM_STS_SELFTEST_DONE       = 1 << 2,  /* RO */
	TPM_STS_EXPECT              = 1 << 3,  /* RO */
	TPM_STS_DATA_AVAIL          = 1 << 4,  /* RO */
	TPM_STS_GO                  = 1 << 5,  /* W1 */
	TPM_STS_COMMAND_READY       = 1 << 6,  /* W1 */
	TPM_STS_VALID               = 1 << 7,  /* RO */
	TPM_STS_BURST_COUNT_SHIFT   = 8,       /* 16 bits, RO */
	TPM_STS_COMMAND_CANCEL      = 1 << 24, /* W1, TPM 2.0 */
	TPM_STS_RESET_ESTABLISHMENT = 1 << 25, /* W1, TPM 2.0, locality 3 and 4 */
	TPM_STS_FAMILY_TPM2         = 1 << 26, /* RO */
};

/* TPM_INTF_CAPABILITY, as QEMU's tpm-tis: TIS 1.3 table 17, PTP table 20 */
#define TPM_INTF_CAPABILITY_TPM12   0x20000697u
#define TPM_INTF_CAPABILITY_TPM20   0x30000697u

/* TPM_INTERFACE_ID and TPM_CRB_INTF_ID: one register, PTP tables 18 and 24 */
#define TPM_INTERFACE_ID_TPM12      0xFFFFFFFFu
enum tpmix_intf_id {
	TPM_INTF_ID_TYPE_MASK    = 0xF,     /* enum tpmix_interface */
	TPM_INTF_ID_VERSION_CRB  = 1 << 4,  /* InterfaceVersion, of CRB only */
	TPM_INTF_ID_CAP_LOCALITY = 1 << 8,  /* five localities, else one */
	TPM_INTF_ID_CAP_XFER_64  = 3 << 11, /* CapDataXferSizeSupport, CRB */
	TPM_INTF_ID_CAP_FIFO     = 1 << 13,
	TPM_INTF_ID_CAP_CRB      = 1 << 14,
	TPM_INTF_ID_SEL_SHIFT    = 17,      /* InterfaceSelector, 2 bits, RW */
	TPM_INTF_ID_SEL_MASK     = 3 << 17,
	TPM_INTF_ID_SEL_LOCK     = 1 << 19, /* IntfSelLock, W1 until TPM_INIT */
};

/* InterfaceType and InterfaceSelector have the same values. */
enum tpmix_interface {
	TPMIX_INTERFACE_FIFO = 0,
	TPMIX_INTERFACE_CRB  = 1,
};

/* TPM_DID_VID and TPM_RID, as QEMU's tpm-tis */
#define TPM_DID_VID_QEMU            0x00011014u
#define TPM_RID_QEMU                0x00000001u

/* Offsets in a locality's page in CRB: PTP table 24 */
enum tpmix_crb_reg {
	TPM_REG_LOC_STATE       = 0x00, /* RO */
	TPM_REG_LOC_CTRL        = 0x08, /* WO */
	TPM_REG_LOC_STS         = 0x0C, /* RO */
	TPM_REG_INTF_ID         = 0x30, /* as TPM_REG_INTERFACE_ID */
	TPM_REG_INTF_ID2        = 0x34, /* RO, VID in 15:0, DID in 31:16 */
	TPM_REG_CTRL_REQ        = 0x40, /* WO */
	TPM_REG_CTRL_STS        = 0x44, /* RO */
	TPM_REG_CTRL_CANCEL     = 0x48, /* WO */
	TPM_REG_CTRL_START      = 0x4C, /* RW */
	TPM_REG_CRB_INT_ENABLE  = 0x50,
	TPM_REG_CRB_INT_STS     = 0x54, /* W1C */
	TPM_REG_CTRL_CMD_SIZE   = 0x58, /* RO */
	TPM_REG_CTRL_CMD_LADDR  = 0x5C, /* RO */
	TPM_REG_CTRL_CMD_HADDR  = 0x60, /* RO */
	TPM_REG_CTRL_RSP_SIZE   = 0x64, /* RO */
	TPM_REG_CTRL_RSP_ADDR   = 0x68, /* RO, 8 bytes */
	TPM_REG_CTRL_RSP_HADDR  = 0x6C, /* its upper half */
	TPM_REG_DATA_BUFFER     = 0x80, /* reads the response, writes the command */
};
#define TPMIX_DATA_BUFFER_SIZE  (TPMIX_LOCALITY_SIZE - TPM_REG_DATA_BUFFER)

enum tpmix_loc_state {
	TPM_LOC_STATE_ESTABLISHED  = 1 << 0, /* 0 once a D-RTM was established */
	TPM_LOC_STATE_ASSIGNED     = 1 << 1, /* locAssigned */
	TPM_LOC_STATE_ACTIVE_SHIFT = 2,      /* activeLocality, 3 bits */
	TPM_LOC_STATE_VALID        = 1 << 7, /* tpmRegValidSts */
};

enum tpmix_loc_ctrl { /* W1 */
	TPM_LOC_CTRL_REQUEST_ACCESS      = 1 << 0,
	TPM_LOC_CTRL_RELINQUISH          = 1 << 1,
	TPM_LOC_CTRL_SEIZE               = 1 << 2,
	TPM_LOC_CTRL_RESET_ESTABLISHMENT = 1 << 3, /* localities 3 and 4 */
};

enum tpmix_loc_sts {
	TPM_LOC_STS_GRANTED     = 1 << 0,
	TPM_LOC_STS_BEEN_SEIZED = 1 << 1, /* until the next requestAccess */
};

enum tpmix_ctrl { /* CTRL_REQ, CTRL_STS, CTRL_CANCEL, CTRL_START */
	TPM_CTRL_REQ_CMD_READY = 1 << 0, /* W1 */
	TPM_CTRL_REQ_GO_IDLE   = 1 << 1, /* W1 */
	TPM_CTRL_STS_TPM_STS   = 1 << 0, /* fatal error */
	TPM_CTRL_STS_TPM_IDLE  = 1 << 1,
	TPM_CTRL_CANCEL_INVOKE = 1 << 0,
	TPM_CTRL_START_INVOKE  = 1 << 0,
};

enum tpmix_crb_int {
	TPM_CRB_INT_START           = 1 << 0, /* START went from 1 to 0 */
	TPM_CRB_INT_CMD_READY       = 1 << 1,
	TPM_CRB_INT_LOCALITY_CHANGE = 1 << 3,
};

/* TPM_CRB_INTF_ID, upper half, as QEMU's tpm-crb */
#define TPM_INTF_ID2_QEMU       0x00001014u

/*
 * The indexed door: TIS 1.3 table 9 gives 0xF90-0xFFF to the vendor that
 * TPM_DID_VID names, and leaves 0x100-0xEFF reserved.
 */
enum tpmix_indexed_reg {
	/* discovery: constant, and the same in every locality, active or not */
	TPMIX_REG_MAGIC       = 0xF90, /* RO */
	TPMIX_REG_VERSION     = 0xF94, /* RO, major in 31:16, minor in 15:0 */
	TPMIX_REG_CAP         = 0xF98, /* RO, enum tpmix_cap */
	TPMIX_REG_BUFSIZE     = 0xF9C, /* RO, negotiated size in bytes */
	TPMIX_REG_WINDOW      = 0xFA0, /* RO, offset in 15:0, size in 31:16 */
	TPMIX_REG_RAM_SIZE    = 0xFA4, /* RO, bytes of each RAM window */
	TPMIX_REG_CMD_WINDOW  = 0xFA8, /* RO, 8 bytes, physical address */
	TPMIX_REG_RSP_WINDOW  = 0xFB0, /* RO, 8 bytes, physical address */
	TPMIX_REG_HEADER      = 0xFB8, /* RO, 8 bytes, physical address */
	/* transaction: for the active locality, any other reads all ones */
	TPMIX_REG_INDEX       = 0xFC0, /* RW, byte index of the window */
	TPMIX_REG_CANCEL      = 0xFC4, /* WO, ticket of the command to cancel */
	TPMIX_REG_CSUM_EXPECT = 0xFC8, /* RW, enum tpmix_csum_expect */
	TPMIX_REG_DOORBELL    = 0xFCC, /* WO, ticket; reads as ACCEPTED */
	TPMIX_REG_ACCEPTED    = 0xFD0, /* RO, last ticket accepted */
	TPMIX_REG_STATUS      = 0xFD4, /* RO, enum tpmix_status */
	TPMIX_REG_COMPLETED   = 0xFD8, /* RO, last ticket completed */
	TPMIX_REG_RSP_SIZE    = 0xFDC, /* RO, bytes; 0: no response to be read */
	TPMIX_REG_CSUM        = 0xFE0, /* RO, command in 15:0, response in 31:16 */
	TPMIX_REG_INT_ACK     = 0xFE4, /* WO, ticket whose completion was seen */
};

#define TPMIX_MAGIC             0x58495054u /* the bytes "TPIX" */
#define TPMIX_VERSION_1_0       0x00010000u
#define TPMIX_VERSION_MAJOR(v)  ((v) >> 16)

enum tpmix_cap {
	TPMIX_CAP_INDEX  = 1 << 0, /* INDEX and the trapped window */
	TPMIX_CAP_TICKET = 1 << 1, /* DOORBELL, ACCEPTED, COMPLETED, CANCEL */
	TPMIX_CAP_CSUM   = 1 << 2, /* CSUM and CSUM_EXPECT */
	TPMIX_CAP_RAM    = 1 << 3, /* windows and header in RAM, for locality 0 */
	TPMIX_CAP_INT    = 1 << 4, /* interrupts that CSUM_EXPECT asks for */
};

/*
 * The header page in RAM repeats locality 0's block at the same offsets, as that
 * locality reads it: header + TPMIX_REG_COMPLETED is read without an exit. All
 * else of it is 0.
 */
#define TPMIX_BLOCK             TPMIX_REG_MAGIC
#define TPMIX_BLOCK_SIZE        (TPMIX_LOCALITY_SIZE - TPMIX_BLOCK)

/* The trapped window: reads the response, writes the command, at INDEX + off. */
#define TPMIX_WINDOW            0x100u
#define TPMIX_WINDOW_SIZE       0xE00u

/*
 * Checksums are those of PTP's TPM_DATA_CSUM: CRC-16/KERMIT (CCITT polynomial
 * 0x1021 reflected, start 0), as Linux' crc_ccitt(0, data, len). The interrupts are
 * edges of the line, and nothing is to be acknowledged.
 */
enum tpmix_csum_expect {
	TPMIX_CSUM_EXPECT_MASK = 0xFFFF,
	TPMIX_CSUM_EXPECT_ON   = 1 << 16, /* refuse a doorbell where it differs */
	/* interrupts: when the doorbell's command completes, when another locality
	 * requests while this one is active
	 */
	TPMIX_CSUM_EXPECT_INT_COMPLETED = 1 << 17,
	TPMIX_CSUM_EXPECT_INT_REQUEST   = 1 << 18,
};

enum tpmix_status {
	TPMIX_STATUS_STATE_MASK    = 0x7,    /* enum tpmix_state, of this locality */
	TPMIX_STATUS_BUSY          = 1 << 3, /* a command runs, of any locality */
	TPMIX_STATUS_RSP_VALID     = 1 << 4, /* this locality has a response */
	TPMIX_STATUS_PENDING_REQUEST = 1 << 5, /* another locality requests */
	TPMIX_STATUS_REFUSED_SHIFT = 8,      /* enum tpmix_refused, 4 bits */
	TPMIX_STATUS_REFUSED_MASK  = 0xF00,
};

/* TIS 1.3 5.6.12: the states of a locality's transaction */
enum tpmix_state {
	TPMIX_IDLE       = 0,
	TPMIX_READY      = 1,
	TPMIX_RECEPTION  = 2,
	TPMIX_EXECUTION  = 3,
	TPMIX_COMPLETION = 4,
};

/* Why the last doorbell or window write had no effect; cleared by acceptance. */
enum tpmix_refused {
	TPMIX_REFUSED_NONE   = 0,
	TPMIX_REFUSED_BUSY   = 1, /* a command was running */
	TPMIX_REFUSED_TICKET = 2, /* neither ACCEPTED nor ACCEPTED + 1 */
	TPMIX_REFUSED_CSUM   = 3, /* the command's checksum is not CSUM_EXPECT */
	TPMIX_REFUSED_INDEX  = 4, /* INDEX + off is outside the command buffer */
	TPMIX_REFUSED_WIDTH  = 5, /* a ticket not written as 4 aligned bytes */
};

#endif /* TPMIX_REGS_H */
