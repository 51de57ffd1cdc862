/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One TPM command through one of the interface's doors, over any bus: the driver.
 *
 *   indexed  index, trapped window, ticket and checksums
 *   window   the same with command, response and polling in RAM; locality 0 only
 *   fifo     the standard's FIFO (TIS 1.3, PTP): no checksum, loses bytes when a
 *            read is repeated
 *   crb      the standard's CRB (PTP): an access may be repeated, but one of the
 *            command before, in the middle of this one, is not told from it
 *
 * A transaction asks for the locality and gives it back at its end; of several users
 * of one device in this process it is one's turn meanwhile. docs/specification.md,
 * "Transaction"; R1 to R7 are the interface's properties.
 */
#ifndef TPMIX_DOOR_H
#define TPMIX_DOOR_H

#include "bus.h"

enum tpmix_door_kind {
	TPMIX_DOOR_INDEXED,
	TPMIX_DOOR_WINDOW,
	TPMIX_DOOR_FIFO,
	TPMIX_DOOR_CRB,
	TPMIX_NUM_DOORS,
};

/* What the caller wants of a transaction that runs; asked between polls. */
enum tpmix_door_wish {
	TPMIX_GO_ON,
	TPMIX_CANCEL,   /* ask the TPM to cancel, and wait for its response */
	TPMIX_STOP,     /* cancel, and give up soon */
};

struct tpmix_door_ops;

/* Set by tpmix_door_open(); for callers to read. */
struct tpmix_door {
	const struct tpmix_door_ops *ops;
	struct tpmix_bus *bus;
	enum tpmix_door_kind kind;
	unsigned int locality;
	/* the device, at open */
	enum tpmix_interface interface;
	uint32_t bufsize;       /* largest command and response, bytes */
	/* the indexed door: offsets on the bus */
	uint32_t block;         /* page with window and vendor block */
	uint32_t status;        /* page whose block is polled: block, or RAM */
	uint32_t command;       /* where the command is written, INDEX 0 */
	uint32_t response;
	uint32_t step;          /* bytes that fit before INDEX has to move */
	uint32_t ticket;        /* last one used; counted here, see R7 */
	uint64_t repairs;       /* transfers that were done again */
	/* the transaction */
	enum tpmix_door_wish (*wish)(void *opaque);
	void *opaque;
	bool sent;              /* the device was told to run it */
	bool cancelled;         /* and then to cancel it */
	int regained;           /* how often the locality was lost and asked for */
	gint64 stop_at;         /* monotonic time; 0: not asked to stop */
};

const char *tpmix_door_name(enum tpmix_door_kind kind);
/* False where there is no door of this name. */
bool tpmix_door_parse(const char *name, enum tpmix_door_kind *kind);

/*
 * Finds out what the device has; changes nothing but the active locality, for a
 * moment. Requires locality <= 4. The bus stays the caller's. False and @error
 * where the door is not there.
 */
bool tpmix_door_open(struct tpmix_door *d, struct tpmix_bus *bus,
		     enum tpmix_door_kind kind, unsigned int locality,
		     GError **error);

/* The same with another locality; on failure the door stays as it was. */
bool tpmix_door_set_locality(struct tpmix_door *d, unsigned int locality,
			     GError **error);

/*
 * One command, 10 <= len <= bufsize and its size field. Returns the response's
 * size, or 0 and @error; @rsp has room for d->bufsize bytes. @wish may be NULL. A
 * command that is cancelled while it waits for others to end is not sent: its
 * response is TPM_RC_CANCELED.
 */
uint32_t tpmix_door_transact(struct tpmix_door *d, const uint8_t *cmd,
			     uint32_t len, uint8_t *rsp,
			     enum tpmix_door_wish (*wish)(void *opaque),
			     void *opaque, GError **error);

/* For the doors */

struct tpmix_door_ops {
	/* Discovery; the locality is not asked for yet. */
	bool (*open)(struct tpmix_door *d, GError **error);
	/* The transaction between request and relinquish. */
	uint32_t (*transact)(struct tpmix_door *d, const uint8_t *cmd,
			     uint32_t len, uint8_t *rsp, GError **error);
	void (*cancel)(struct tpmix_door *d);
};

extern const struct tpmix_door_ops tpmix_indexed_ops;
extern const struct tpmix_door_ops tpmix_window_ops;
extern const struct tpmix_door_ops tpmix_fifo_ops;
extern const struct tpmix_door_ops tpmix_crb_ops;

/* Offset of register @reg in the locality's page. */
static inline uint32_t tpmix_door_reg(const struct tpmix_door *d, uint32_t reg)
{
	return d->locality << TPMIX_LOCALITY_SHIFT | reg;
}

bool tpmix_door_is_active(struct tpmix_door *d);

/*
 * The locality, also where it was lost in the middle of a transaction. False and
 * @error where it is not to be had.
 */
bool tpmix_door_request(struct tpmix_door *d, GError **error);

/* A wait: how long it has lasted and may last. */
struct tpmix_pause {
	uint64_t waited_us;
	uint64_t limit_us;      /* 0: none, until the caller stops */
	const char *what;       /* that did not happen: end of a sentence */
	bool busy;              /* it is another user that is waited for */
};

/* How long others' commands are waited for: as long as TPM commands take. */
#define TPMIX_BUSY_LIMIT_US     120000000u

/* Before each access that has the device run the command: it may be cancelled now. */
void tpmix_door_sending(struct tpmix_door *d);

/*
 * Waits a little, longer each time; hands the caller's cancel on. False and @error
 * where the bus broke, the caller stopped, or the limit is over; before the command
 * was sent where the caller cancelled, too.
 */
bool tpmix_door_pause(struct tpmix_door *d, struct tpmix_pause *p,
		      GError **error);

/* Moves bytes in 8-byte accesses, then smaller ones; reads may go past the end. */
void tpmix_door_put(struct tpmix_door *d, uint32_t off, const uint8_t *from,
		    uint32_t len);
void tpmix_door_get(struct tpmix_door *d, uint32_t off, uint8_t *to, uint32_t len);

/* The size that a header claims. */
uint32_t tpmix_header_size(const uint8_t *header);

/* False and @error where the bus broke. */
bool tpmix_door_ok(const struct tpmix_door *d, GError **error);

#endif /* TPMIX_DOOR_H */
