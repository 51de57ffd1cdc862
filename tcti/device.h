/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration string and what it opens: transport, trace, replay and door.
 * What the TCTI and the tool have in common.
 */
#ifndef TPMIX_DEVICE_H
#define TPMIX_DEVICE_H

#include "bus.h"
#include "door.h"
#include "replay.h"

enum tpmix_transport {
	TPMIX_TRANSPORT_INPROC,
	TPMIX_TRANSPORT_QTEST,
	TPMIX_TRANSPORT_MEM,
};

struct tpmix_options {
	enum tpmix_transport transport;
	char *path;             /* qtest: socket; mem: file */
	char *state;            /* inproc: directory */
	unsigned int wait_s;    /* inproc, qtest: for another process that has it */
	uint64_t address;       /* qtest, mem: of the TPM's registers */
	enum tpmix_door_kind door;
	unsigned int locality;
	bool has_replay;
	struct tpmix_replay_spec replay;
	char *trace;            /* NULL: none */
};

/* What tctildr shows: the keys and their values. */
extern const char tpmix_options_help[];

/*
 * "key=value,..."; NULL and "" are the defaults; ",," is a comma in a value. Keys
 * of mmio-replay after replay= belong to it. Free with tpmix_options_clear(), also
 * where it failed.
 */
bool tpmix_options_parse(struct tpmix_options *o, const char *config,
			 GError **error);
void tpmix_options_clear(struct tpmix_options *o);

struct tpmix_device {
	struct tpmix_bus *bus;          /* what drivers use: the top */
	struct tpmix_bus *replay;       /* NULL: none */
	struct tpmix_bus *trace;        /* NULL: none */
	struct tpmix_door door;         /* after tpmix_device_open() */
};

/* The bus alone, for who looks at registers. */
bool tpmix_device_open_bus(struct tpmix_device *dev, const struct tpmix_options *o,
			   GError **error);

/* The bus and the door. On failure nothing is open. */
bool tpmix_device_open(struct tpmix_device *dev, const struct tpmix_options *o,
		       GError **error);
void tpmix_device_close(struct tpmix_device *dev);

/* tpmix_door_transact(), with command and response in the trace. */
uint32_t tpmix_device_transact(struct tpmix_device *dev, const uint8_t *cmd,
			       uint32_t len, uint8_t *rsp,
			       enum tpmix_door_wish (*wish)(void *opaque),
			       void *opaque, GError **error);

#endif /* TPMIX_DEVICE_H */
