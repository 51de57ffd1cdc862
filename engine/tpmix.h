/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of the replay-safe TPM interface: public functions.
 *
 * Models a TPM 1.2 or 2.0 behind the TIS 1.3 / PTP 1.05 FIFO registers (FIFO
 * door), the PTP CRB registers (CRB door), and behind an explicit index, ticket
 * and checksum with windows in registers and in RAM (indexed door); one
 * transaction state machine serves all. Not modelled: HASH_START, HASH_DATA
 * and HASH_END (as QEMU's tpm-tis), legacy I/O port decoding.
 *
 * Pure C11: no allocation, no clock, no globals, no I/O. The host hands in
 * buffers and a backend, and calls from one thread at a time, or under one lock
 * that it also holds when it calls tpmix_complete().
 *
 * Functions are total: any address, width and value is answered. An access
 * that makes no sense changes nothing but, where docs/specification.md says so,
 * the REFUSED field of TPMIX_REG_STATUS.
 */
#ifndef TPMIX_H
#define TPMIX_H

#include <stdbool.h>
#include <stdint.h>

#include "tpmix_regs.h"

#ifdef __cplusplus
extern "C" {
#endif
/* What libtpmix.so exports; tpmix.map names it again, with its version. */
#ifdef TPMIX_SHARED
#pragma GCC visibility push(default)
#endif

#define TPMIX_NO_LOCALITY   0xFFu   /* where a locality is none */
#define TPMIX_HEADER_SIZE   10u     /* TPM 2.0 part 1, 18: tag, size, code */
#define TPMIX_BUFFER_MIN    1024u   /* bytes of cfg.capacity */
#define TPMIX_BUFFER_MAX    65536u  /* bytes of cfg.capacity */

/* Which TPM is behind the registers. */
enum tpmix_family {
	TPMIX_FAMILY_NONE = 0, /* no TPM: every register reads as 0 */
	TPMIX_FAMILY_1_2 = 1,
	TPMIX_FAMILY_2_0 = 2,
};

/*
 * What the engine does to the world. start, cancel and reset_established are
 * called from tpmix_write() only, each at most once per aligned word of the write;
 * guest_error and changed from any function but the const ones, any number of
 * times. None of them may call the engine, but for what is said with it.
 */
struct tpmix_backend {
	/*
	 * Run a command. It has passed the header check: 10 <= len, and len is
	 * its size field. @cmd stays as it is until tpmix_complete(@ticket),
	 * which may be called before start() returns.
	 */
	void (*start)(void *opaque, uint32_t ticket, unsigned int locality,
		      const uint8_t *cmd, uint32_t len);
	/* Ask for an early end of the running command; may have no effect. */
	void (*cancel)(void *opaque);
	/* PTP 6.5.2.4: then report the flag by tpmix_set_established(). */
	void (*reset_established)(void *opaque, unsigned int locality);
	/* A guest broke a rule. @what is a sentence without a full stop. */
	void (*guest_error)(void *opaque, const char *what, uint32_t addr);
	/*
	 * The engine wrote @len bytes of cfg.ram, which the guest finds at @addr,
	 * an offset from cfg.base. For a host that tracks dirty memory; others
	 * leave it NULL.
	 */
	void (*changed)(void *opaque, uint32_t addr, uint32_t len);
};

/*
 * Memory that a guest may map, and that it writes (@cmd) or reads (the others) at
 * any time, without the engine. What it finds in the last four is always what
 * tpmix_read() returns for their addresses; in the CRB page while CRB is the active
 * interface, where it is not the host has that page trap.
 *
 * A host that has no memory for the guest, as where the guest's is confidential,
 * leaves all but @cmd NULL; @cmd is then private, and the guest reaches it through
 * registers only.
 */
struct tpmix_ram {
	uint8_t *cmd;      /* TPMIX_CMD_WINDOW: capacity bytes */
	uint8_t *rsp;      /* TPMIX_RSP_WINDOW: capacity bytes */
	uint32_t *block;   /* TPMIX_HEADER + TPMIX_BLOCK: TPMIX_BLOCK_SIZE bytes */
	/* Locality 0's page in CRB, in two parts; NULL where it always traps. */
	uint32_t *crb_regs;  /* TPM_REG_DATA_BUFFER bytes */
	uint8_t *crb_buffer; /* TPMIX_DATA_BUFFER_SIZE bytes */
};

/* What the host hands in at power on, and does not change. */
struct tpmix_config {
	const struct tpmix_backend *backend; /* what runs the commands */
	void *opaque;   /* the first argument of the backend's functions */
	struct tpmix_ram ram; /* what the guest finds as memory */
	uint64_t base;  /* guest-physical address of offset 0, a multiple of 64 KiB */
	uint8_t *cmd;   /* command of localities 1 to 4, capacity bytes */
	uint8_t *run;   /* private copy of the last command accepted, capacity bytes */
	uint8_t *rsp;   /* response, capacity bytes */
	uint32_t capacity; /* TPMIX_BUFFER_MIN to _MAX, a multiple of 4 */
	bool locality4; /* software may use locality 4 (tpm-tis: no) */
	bool fifo;      /* the FIFO door is there */
	bool crb;       /* the CRB door is there; needs TPM 2.0 */
	uint8_t interface; /* enum tpmix_interface at power on: one that is there */
	uint8_t localities; /* 1 or TPMIX_NUM_LOCALITIES */
	uint8_t int_vector; /* TPM_INT_VECTOR: IRQ number, 0: no interrupts */
};

/* What a write of CTRL_START does: docs/specification.md, "CRB door". */
enum tpmix_armed {
	TPMIX_DISARMED    = 0, /* nothing: it is a repetition */
	TPMIX_ARMED       = 1, /* it starts a command */
	TPMIX_ARMED_EARLY = 2, /* armed while the locality's command ran */
};

/* Guest-visible and internal state of one locality; all of it migrates. */
struct tpmix_loc {
	uint8_t state;          /* enum tpmix_state */
	uint8_t access;         /* REQUEST_USE, BEEN_SEIZED as stored */
	uint8_t refused;        /* enum tpmix_refused */
	uint8_t int_status;     /* subset of TPM_INT_ALL */
	uint8_t armed;          /* enum tpmix_armed */
	uint32_t int_enable;    /* TPM_INT_ENABLE as stored */
	uint32_t index;         /* TPMIX_REG_INDEX, any value */
	uint32_t csum_expect;   /* TPMIX_REG_CSUM_EXPECT */
};

/*
 * The last write, if a command ran when it was done, or if it started one that was
 * over at once. Its repetition, as the next write, is the same write, also after the
 * command completed (property R2: INT_STATUS, BEEN_SEIZED, a doorbell refused as busy).
 */
struct tpmix_last_write {
	uint64_t val;           /* its low bytes */
	uint32_t addr;          /* offset from cfg.base */
	uint8_t size;           /* 1 to 8; 0: none */
};

/* Everything that migrates beside the contents of both cmd, of run and of rsp. */
struct tpmix_state_all {
	struct tpmix_loc loc[TPMIX_NUM_LOCALITIES]; /* each locality's own */
	struct tpmix_last_write last; /* the last write */
	uint32_t accepted;      /* last ticket accepted */
	uint32_t fifo_len;      /* bytes of cmd that came through the FIFO */
	uint32_t rsp_len;       /* bytes of rsp, 0: none */
	uint32_t rsp_pos;       /* the FIFO's hidden pointer into rsp */
	uint16_t cmd_csum;      /* of the last accepted command */
	uint16_t rsp_csum;      /* of the response */
	uint8_t family;         /* enum tpmix_family */
	uint8_t active;         /* active locality or TPMIX_NO_LOCALITY */
	uint8_t running;        /* locality whose command runs, or none */
	uint8_t waiting;        /* locality whose START waits for its end, or none */
	uint8_t abort;          /* 1: the running command ends in READY */
	uint8_t notify;         /* 1: its completion is to be an edge of the line */
	uint8_t cmd_owner;      /* locality that wrote cmd, or none */
	uint8_t rsp_owner;      /* locality that may read rsp, or none */
	uint8_t interface;      /* enum tpmix_interface, until TPM_INIT */
	uint8_t intf_sel;       /* the same, from the next TPM_INIT on */
	uint8_t intf_sel_lock;  /* IntfSelLock, 0 or 1 */
	uint8_t selftest_done;  /* TPM_STS.selfTestDone, 0 or 1 */
	uint8_t established;    /* D-RTM established, 0 or 1 */
	uint32_t bufsize;       /* negotiated size, bytes */
};

/* A TPM's front-end: configuration, state, and what can be made anew from them. */
struct tpmix {
	struct tpmix_config cfg; /* of tpmix_init() */
	struct tpmix_state_all s; /* what is saved, with the contents of the buffers */
	/* not saved */
	uint64_t starts;        /* commands handed to the backend */
	uint64_t edges;         /* of the interrupt line, beside tpmix_irq() */
	uint32_t shown_len;     /* bytes of rsp that cfg.ram shows */
	uint32_t shown_ticket;  /* and whose response they are */
	uint8_t shown_rest;     /* the byte that it shows behind them */
};

/*
 * Makes @e a TPM that was just powered on; to be followed by tpmix_reset().
 * Tickets start at 0. @cfg is copied, its buffers and backend must outlive @e.
 */
void tpmix_init(struct tpmix *e, const struct tpmix_config *cfg);

/*
 * TPM_INIT (TIS 1.3 5.6.1): all localities idle, no response, nothing running.
 * @bufsize is what the backend takes, in bytes; the negotiated size, s.bufsize
 * afterwards, is the smaller of it and the capacity. Tickets go on counting over a
 * reset, so that a doorbell delayed across it starts nothing. InterfaceSelector
 * takes effect (PTP table 24).
 *
 * TPMIX_FAMILY_NONE says that there is no TPM until the next reset: everything
 * reads as 0, writes are dropped.
 */
void tpmix_reset(struct tpmix *e, enum tpmix_family family, uint32_t bufsize);

/*
 * Brings cfg.ram, but for the command, in line with the state: after @e->s and the
 * buffers were loaded. The functions here otherwise do it themselves.
 */
void tpmix_refresh(struct tpmix *e);

/* TPM_ACCESS.tpmEstablishment is the inverse of @established. */
void tpmix_set_established(struct tpmix *e, bool established);

/*
 * Reads @size (1 to 8) bytes at @addr (offset from cfg.base) in little-endian
 * order, any alignment. Changes nothing (R1). DATA_FIFO and XDATA_FIFO read as
 * all ones here. What the locality may not see reads as all ones, and so does what
 * is not there, where docs/specification.md does not say 0.
 */
uint64_t tpmix_read(const struct tpmix *e, uint32_t addr, unsigned int size);

/*
 * As tpmix_read(), but bytes of DATA_FIFO and XDATA_FIFO are taken from the
 * response and move its hidden pointer (TIS 1.3 5.6.6): the one read that
 * changes something. A read of what is no register is a guest error. What a device's
 * read handler calls.
 */
uint64_t tpmix_mmio_read(struct tpmix *e, uint32_t addr, unsigned int size);

/* True where one of the @size bytes at @addr belongs to DATA_FIFO or XDATA_FIFO. */
bool tpmix_is_fifo(const struct tpmix *e, uint32_t addr, unsigned int size);

/*
 * Writes the low @size (1 to 8) bytes of @val at @addr, any alignment. Split at
 * 4-byte boundaries, lowest address first, so that an 8-byte write to
 * TPMIX_REG_CSUM_EXPECT sets the checksum and then rings the doorbell.
 */
void tpmix_write(struct tpmix *e, uint32_t addr, uint64_t val, unsigned int size);

/*
 * The backend's answer to start(@ticket): @len bytes at @rsp, copied. A response
 * whose size field is not @len, or that exceeds the negotiated size, is replaced
 * by a TPM error (TPM_RC_FAILURE, TPM_FAIL); so is a NULL @rsp, which says that
 * the backend failed. Returns false, and changes nothing, where @ticket is not
 * running (the TPM was reset meanwhile).
 */
bool tpmix_complete(struct tpmix *e, uint32_t ticket, const uint8_t *rsp,
		    uint32_t len, bool selftest_done);

/*
 * Level of the interrupt line (TIS 1.3 5.6.7), to be set after each call above. Where
 * e->edges has grown in that call the line is also to be pulsed, once.
 */
bool tpmix_irq(const struct tpmix *e);

/* Last ticket completed; equal to s.accepted where nothing runs. */
uint32_t tpmix_completed(const struct tpmix *e);

/*
 * The invariant: true for every state that the functions above can reach, and
 * what a state from outside (migration) has to satisfy. O(1).
 */
bool tpmix_valid(const struct tpmix *e);

/* CRC-16/KERMIT of @len bytes (PTP 6.5.3.13). */
uint16_t tpmix_crc16(const uint8_t *data, uint32_t len);

#ifdef TPMIX_SHARED
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif /* TPMIX_H */
