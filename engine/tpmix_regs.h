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

/* TIS 5.2, PTP 6.3: five localities of one page each. */
#define TPMIX_BASE              0xFED40000u
#define TPMIX_NUM_LOCALITIES    5u
#define TPMIX_LOCALITY_SHIFT    12u
#define TPMIX_LOCALITY_SIZE     (1u << TPMIX_LOCALITY_SHIFT)
#define TPMIX_MMIO_SIZE         (TPMIX_NUM_LOCALITIES << TPMIX_LOCALITY_SHIFT)

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

/* TPM_INTERFACE_ID, as QEMU's tpm-tis: PTP table 18 */
#define TPM_INTERFACE_ID_TPM12      0xFFFFFFFFu
#define TPM_INTERFACE_ID_TPM20      0x00002100u
#define TPM_INTERFACE_ID_SEL_LOCK   0x00080000u /* IntfSelLock */

/* TPM_DID_VID and TPM_RID, as QEMU's tpm-tis */
#define TPM_DID_VID_QEMU            0x00011014u
#define TPM_RID_QEMU                0x00000001u

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
};

/* The trapped window: reads the response, writes the command, at INDEX + off. */
#define TPMIX_WINDOW            0x100u
#define TPMIX_WINDOW_SIZE       0xE00u

/*
 * Checksums are those of PTP's TPM_DATA_CSUM: CRC-16/KERMIT (CCITT polynomial
 * 0x1021 reflected, start 0), as Linux' crc_ccitt(0, data, len).
 */
enum tpmix_csum_expect {
	TPMIX_CSUM_EXPECT_MASK = 0xFFFF,
	TPMIX_CSUM_EXPECT_ON   = 1 << 16, /* refuse a doorbell where it differs */
};

enum tpmix_status {
	TPMIX_STATUS_STATE_MASK    = 0x7,    /* enum tpmix_state, of this locality */
	TPMIX_STATUS_BUSY          = 1 << 3, /* a command runs, of any locality */
	TPMIX_STATUS_RSP_VALID     = 1 << 4, /* this locality has a response */
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
