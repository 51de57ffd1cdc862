/* SPDX-License-Identifier: BSD-2-Clause */
/* The register maps: highest bit first, as the specifications' tables. */
#include "fields_map.h"

#include "tpmix_regs.h"

#define BIT(name, at)                   { name, at, 1, false, NULL }
#define BITS(name, at, n)               { name, at, n, false, NULL }
#define HEX(name, at, n)                { name, at, n, true, NULL }
#define NAMED(name, at, n, ...) \
	{ name, at, n, false, (const char *const[]){ __VA_ARGS__, NULL } }
#define FIELDS(...) ((const struct field[]){ __VA_ARGS__, { NULL, 0, 0, false, NULL } })
#define REG(name, off, size, who, fields)  { name, off, size, FIELDS_##who, fields }
#define END                             { NULL, 0, 0, FIELDS_ANY, NULL }

/* PTP tables 18 and 24: one register of both interfaces. */
#define INTF_ID_FIELDS \
	FIELDS(BIT("IntfSelLock", 19), \
	       NAMED("InterfaceSelector", 17, 2, "FIFO", "CRB"), \
	       BIT("CapCRB", 14), BIT("CapFIFO", 13), \
	       NAMED("CapDataXferSizeSupport", 11, 2, "4 bytes", "8 bytes", \
		     "32 bytes", "64 bytes"), \
	       BIT("CapCRBIdleBypass", 9), BIT("CapLocality", 8), \
	       BITS("InterfaceVersion", 4, 4), \
	       NAMED("InterfaceType", 0, 4, "FIFO", "CRB"))

static const struct fields_reg fifo[] = {
	/* TIS 1.3 table 11 */
	REG("ACCESS", TPM_REG_ACCESS, 1, ANY,
	    FIELDS(BIT("tpmRegValidSts", 7), BIT("activeLocality", 5),
		   BIT("beenSeized", 4), BIT("Seize", 3), BIT("pendingRequest", 2),
		   BIT("requestUse", 1), BIT("tpmEstablishment", 0))),
	/* TIS 1.3 tables 14 to 17 */
	REG("INT_ENABLE", TPM_REG_INT_ENABLE, 4, ANY,
	    FIELDS(BIT("globalIntEnable", 31), BIT("commandReadyEnable", 7),
		   NAMED("typePolarity", 3, 2, "high level", "low level",
			 "rising edge", "falling edge"),
		   BIT("localityChangeIntEnable", 2), BIT("stsValidIntEnable", 1),
		   BIT("dataAvailIntEnable", 0))),
	REG("INT_VECTOR", TPM_REG_INT_VECTOR, 1, ANY, FIELDS(BITS("sirqVec", 0, 4))),
	REG("INT_STATUS", TPM_REG_INT_STATUS, 4, ANY,
	    FIELDS(BIT("commandReadyIntOccured", 7),
		   BIT("localityChangeIntOccured", 2),
		   BIT("stsValidIntOccured", 1), BIT("dataAvailIntOccured", 0))),
	REG("INTF_CAPABILITY", TPM_REG_INTF_CAPABILITY, 4, ANY,
	    FIELDS(NAMED("InterfaceVersion", 28, 3, "TIS 1.21", "1", "TIS 1.3",
			 "PTP for TPM 2.0"),
		   NAMED("DataTransferSizeSupport", 9, 2, "legacy", "8 bytes",
			 "32 bytes", "64 bytes"),
		   BIT("BurstCountStatic", 8), BIT("CommandReadyIntSupport", 7),
		   BIT("InterruptEdgeFalling", 6), BIT("InterruptEdgeRising", 5),
		   BIT("InterruptLevelLow", 4), BIT("InterruptLevelHigh", 3),
		   BIT("LocalityChangeIntSupport", 2), BIT("stsValidIntSupport", 1),
		   BIT("dataAvailIntSupport", 0))),
	/* TIS 1.3 table 19, PTP table 22 */
	REG("STS", TPM_REG_STS, 4, ACTIVE,
	    FIELDS(NAMED("tpmFamily", 26, 2, "TPM 1.2", "TPM 2.0"),
		   BIT("resetEstablishmentBit", 25), BIT("commandCancel", 24),
		   BITS("burstCount", 8, 16), BIT("stsValid", 7),
		   BIT("commandReady", 6), BIT("tpmGo", 5), BIT("dataAvail", 4),
		   BIT("Expect", 3), BIT("selfTestDone", 2),
		   BIT("responseRetry", 1))),
	REG("INTERFACE_ID", TPM_REG_INTERFACE_ID, 4, ANY, INTF_ID_FIELDS),
	REG("DID_VID", TPM_REG_DID_VID, 4, ANY,
	    FIELDS(HEX("DID", 16, 16), HEX("VID", 0, 16))),
	REG("RID", TPM_REG_RID, 1, ANY, FIELDS(BITS("RID", 0, 8))),
	END
};

/* PTP 1.05 table 24 */
static const struct fields_reg crb[] = {
	REG("LOC_STATE", TPM_REG_LOC_STATE, 4, ANY,
	    FIELDS(BIT("tpmRegValidSts", 7), BITS("activeLocality", 2, 3),
		   BIT("locAssigned", 1), BIT("tpmEstablished", 0))),
	REG("LOC_CTRL", TPM_REG_LOC_CTRL, 4, ANY,
	    FIELDS(BIT("resetEstablishmentBit", 3), BIT("Seize", 2),
		   BIT("relinquish", 1), BIT("requestAccess", 0))),
	REG("LOC_STS", TPM_REG_LOC_STS, 4, ANY,
	    FIELDS(BIT("beenSeized", 1), BIT("Granted", 0))),
	REG("INTF_ID", TPM_REG_INTF_ID, 4, ANY, INTF_ID_FIELDS),
	REG("INTF_ID2", TPM_REG_INTF_ID2, 4, ANY,
	    FIELDS(HEX("DID", 16, 16), HEX("VID", 0, 16))),
	REG("CTRL_REQ", TPM_REG_CTRL_REQ, 4, ANY,
	    FIELDS(BIT("goIdle", 1), BIT("cmdReady", 0))),
	REG("CTRL_STS", TPM_REG_CTRL_STS, 4, ANY,
	    FIELDS(BIT("tpmIdle", 1), BIT("tpmSts", 0))),
	REG("CTRL_CANCEL", TPM_REG_CTRL_CANCEL, 4, ANY, FIELDS(BIT("Cancel", 0))),
	REG("CTRL_START", TPM_REG_CTRL_START, 4, ANY, FIELDS(BIT("Start", 0))),
	REG("CRB_INT_ENABLE", TPM_REG_CRB_INT_ENABLE, 4, ANY,
	    FIELDS(BIT("globalInterruptEnable", 31), BIT("localityChange", 3),
		   BIT("cmdReady", 1), BIT("start", 0))),
	REG("CRB_INT_STS", TPM_REG_CRB_INT_STS, 4, ANY,
	    FIELDS(BIT("localityChange", 3), BIT("cmdReady", 1), BIT("start", 0))),
	REG("CTRL_CMD_SIZE", TPM_REG_CTRL_CMD_SIZE, 4, ANY, FIELDS(BITS("bytes", 0, 32))),
	REG("CTRL_CMD_LADDR", TPM_REG_CTRL_CMD_LADDR, 4, ANY, NULL),
	REG("CTRL_CMD_HADDR", TPM_REG_CTRL_CMD_HADDR, 4, ANY, NULL),
	REG("CTRL_RSP_SIZE", TPM_REG_CTRL_RSP_SIZE, 4, ANY, FIELDS(BITS("bytes", 0, 32))),
	REG("CTRL_RSP_ADDR", TPM_REG_CTRL_RSP_ADDR, 8, ANY, NULL),
	REG("CTRL_RSP_HADDR", TPM_REG_CTRL_RSP_HADDR, 4, ANY, NULL),
	END
};

/* docs/specification.md, "Indexed door" */
static const struct fields_reg indexed[] = {
	REG("MAGIC", TPMIX_REG_MAGIC, 4, ANY, NULL),
	REG("VERSION", TPMIX_REG_VERSION, 4, ANY,
	    FIELDS(BITS("major", 16, 16), BITS("minor", 0, 16))),
	REG("CAP", TPMIX_REG_CAP, 4, ANY,
	    FIELDS(BIT("INT", 4), BIT("RAM", 3), BIT("CSUM", 2), BIT("TICKET", 1),
		   BIT("INDEX", 0))),
	REG("BUFSIZE", TPMIX_REG_BUFSIZE, 4, ANY, FIELDS(BITS("bytes", 0, 32))),
	REG("WINDOW", TPMIX_REG_WINDOW, 4, ANY,
	    FIELDS(BITS("size", 16, 16), BITS("offset", 0, 16))),
	REG("RAM_SIZE", TPMIX_REG_RAM_SIZE, 4, ANY, FIELDS(BITS("bytes", 0, 32))),
	REG("CMD_WINDOW", TPMIX_REG_CMD_WINDOW, 8, ANY, NULL),
	REG("RSP_WINDOW", TPMIX_REG_RSP_WINDOW, 8, ANY, NULL),
	REG("HEADER", TPMIX_REG_HEADER, 8, ANY, NULL),
	REG("INDEX", TPMIX_REG_INDEX, 4, ACTIVE, FIELDS(BITS("byte", 0, 32))),
	REG("CANCEL", TPMIX_REG_CANCEL, 4, ACTIVE, FIELDS(BITS("ticket", 0, 32))),
	REG("CSUM_EXPECT", TPMIX_REG_CSUM_EXPECT, 4, ACTIVE,
	    FIELDS(BIT("INT_REQUEST", 18), BIT("INT_COMPLETED", 17), BIT("ON", 16),
		   HEX("checksum", 0, 16))),
	REG("DOORBELL", TPMIX_REG_DOORBELL, 4, ACTIVE, FIELDS(BITS("ticket", 0, 32))),
	REG("ACCEPTED", TPMIX_REG_ACCEPTED, 4, ACTIVE, FIELDS(BITS("ticket", 0, 32))),
	REG("STATUS", TPMIX_REG_STATUS, 4, ACTIVE,
	    FIELDS(NAMED("REFUSED", 8, 4, "NONE", "BUSY", "TICKET", "CSUM", "INDEX",
			 "WIDTH"),
		   BIT("PENDING_REQUEST", 5), BIT("RSP_VALID", 4), BIT("BUSY", 3),
		   NAMED("state", 0, 3, "Idle", "Ready", "Reception", "Execution",
			 "Completion"))),
	REG("COMPLETED", TPMIX_REG_COMPLETED, 4, ACTIVE, FIELDS(BITS("ticket", 0, 32))),
	REG("RSP_SIZE", TPMIX_REG_RSP_SIZE, 4, ACTIVE, FIELDS(BITS("bytes", 0, 32))),
	REG("CSUM", TPMIX_REG_CSUM, 4, ACTIVE,
	    FIELDS(HEX("response", 16, 16), HEX("command", 0, 16))),
	REG("INT_ACK", TPMIX_REG_INT_ACK, 4, ACTIVE, FIELDS(BITS("ticket", 0, 32))),
	END
};

const struct fields_reg *const fields_map[FIELDS_GROUPS] = {
	[FIELDS_FIFO] = fifo,
	[FIELDS_CRB] = crb,
	[FIELDS_INDEXED] = indexed,
};
