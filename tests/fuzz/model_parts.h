/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the model share. */
#ifndef TPMIX_FUZZ_MODEL_PARTS_H
#define TPMIX_FUZZ_MODEL_PARTS_H

#include "model.h"

#define ONES 0xFFFFFFFFu

enum model_event { COMPLETED, LAST_BYTE, LOCALITY_CHANGE, COMMAND_READY };
enum { R_BUSY = 1, R_TICKET, R_CSUM, R_INDEX, R_WIDTH };

/* model.c */
uint32_t size_field(const uint8_t *header);
void interrupt(struct model *m, int p, enum model_event event);
/* "dataAvail and stsValid", in CRB "start" */
void interrupt_end(struct model *m, int p);
void request_use(struct model *m, int p);
void relinquish(struct model *m, int p);
void seize(struct model *m, int p);
bool others_request(const struct model *m, int p);
/* The command of @p as it stands. */
uint8_t *command_bytes(const struct model *m, int p);
bool runs(const struct model *m, int p);
bool has_response(const struct model *m, int p);
uint8_t response_byte(const struct model *m, int p, uint64_t at);
void accept_command(struct model *m, int p, bool by_fifo);
void be_ready(struct model *m, int p);
void be_idle(struct model *m, int p);
/* No locality armed START while the command ran that was looked at last. */
void another_command(struct model *m);
void reset_established(struct model *m);

/* model_wait.c */
void ask(struct model *m, int p);
void wait_for_end(struct model *m, int p);
void withdraw(struct model *m, int p);

/* The doors: one byte read, one 32-bit word written, of which @mask was. */
uint32_t intf_id_value(const struct model *m);
void intf_id_write(struct model *m, uint32_t val, uint32_t mask);
bool in_fifo(const struct model *m, uint32_t off);
void fifo_byte_in(struct model *m, int p, uint8_t byte);
bool fifo_register(uint32_t off);
uint8_t fifo_read(struct model *m, int p, uint32_t off, unsigned int width, bool take);
void fifo_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask);
bool crb_register(uint32_t off);
uint8_t crb_read(const struct model *m, int p, uint32_t off);
void crb_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask);
void crb_buffer_set(struct model *m, int p, uint32_t at, uint8_t byte);
uint16_t kermit(const uint8_t *data, uint32_t len);
uint8_t window_byte(const struct model *m, int p, uint32_t off);
void window_set(struct model *m, int p, uint32_t off, uint8_t byte);
uint8_t block_read(const struct model *m, int p, uint32_t off);
void block_write(struct model *m, int p, uint32_t off, uint32_t val, uint32_t mask);
uint32_t keep(uint32_t old, uint32_t val, uint32_t mask, uint32_t bits);

#endif /* TPMIX_FUZZ_MODEL_PARTS_H */
