/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named checks of the page's sentences. Each runs on the engine with the model of the
 * page beside it (rig.h), so that a value asserted here holds of both.
 */
#ifndef PAGE_CHECKS_H
#define PAGE_CHECKS_H

#include "rig.h"

enum check_device {
	TIS, TIS_12, TIS_64K, TIS_BARE,    /* bare: localities=1, no RAM */
	CRB, CRB_FIFO, CRB_ONLY, CRB_BARE, /* only: fifo=off,localities=1; bare: no RAM */
};

/* @says: the beginning of the sentence that is checked, or a part that no other has. */
struct check {
	const char *name;
	const char *says;
	void (*run)(void);
};

extern const struct check checks_general[], checks_fifo[], checks_crb[], checks_indexed[],
	checks_transaction[];

/* The rig of the check that runs. */
extern struct rig rig;

void on(enum check_device device);       /* begins (again) with this device */
uint64_t rd(uint32_t addr, unsigned int size);
void wr(uint32_t addr, uint64_t val, unsigned int size);
void event(enum op_kind kind, unsigned int size, uint64_t val);
void answer(void);                       /* the running command completes */

/* Of model and engine; event() and on() look too. */
void memory_is_right(void);

/* The register at @off in the locality's page, or in the page of its indexed door. */
uint32_t at(unsigned int l, uint32_t off);
uint32_t door(unsigned int l, uint32_t off);
uint32_t reg(unsigned int l, uint32_t off); /* 4 bytes of the indexed door */

void take(unsigned int l);
void leave(unsigned int l);
void seize(unsigned int l);
/* Locality @l writes a command of @len bytes that holds @fill; returns its checksum. */
uint16_t put(unsigned int l, uint32_t len, uint8_t fill);
void ring(unsigned int l);               /* ACCEPTED + 1 */
void run(unsigned int l, uint8_t fill);  /* take, put, ring */
void fifo_put(unsigned int l, uint32_t len, uint8_t fill);
void fifo_run(unsigned int l, uint8_t fill);
void crb_put(unsigned int l, uint32_t len, uint8_t fill);
void crb_start(unsigned int l);
void crb_run(unsigned int l, uint8_t fill);

/* The command that the backend saw last holds @fill. */
bool ran(uint8_t fill);
/* The response code in the response of locality @l, which is active. */
uint32_t response_code(unsigned int l);
uint32_t refused(unsigned int l);
enum { STATE_IDLE, STATE_READY, STATE_RECEPTION, STATE_EXECUTION, STATE_COMPLETION };
uint32_t state(unsigned int l);

#define IS(got, want) g_assert_cmphex(got, ==, want)

#endif /* PAGE_CHECKS_H */
