/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#define INT_VECTOR 3

void host_scribble(uint8_t *window)
{
	unsigned int i;

	for (i = 1; i < 40; i++) {
		window[i] = (uint8_t)(window[i] + i);
	}
}

static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	struct host *h = opaque;

	h->starts++;
	h->ticket = ticket;
	h->locality = locality;
	h->len = len;
	if (cmd != h->run || len < 10 || len > h->e.s.bufsize) {
		abort();
	}
	if (h->scribbles) {
		host_scribble(h->ram_cmd);
		host_scribble(h->copy.cmd);
	}
	if (h->answer_len && !tpmix_complete(&h->e, ticket, h->answer,
					     h->answer_len, false)) {
		abort();
	}
}

static void cancel(void *opaque)
{
	((struct host *)opaque)->cancels++;
}

static void reset_established(void *opaque, unsigned int locality)
{
	struct host *h = opaque;

	if (locality < 3) {
		abort();
	}
	h->established_resets++;
	tpmix_set_established(&h->e, false);
}

static void guest_error(void *opaque, const char *what, uint32_t addr)
{
	((struct host *)opaque)->guest_errors++;
	if (!what || addr >= TPMIX_SPACE_SIZE + 8) {
		abort();
	}
}

/* Copies what of [@addr, @addr + @len) is in the @size bytes of @memory at @at. */
static uint32_t take(uint8_t *copy, const void *memory, uint32_t at, uint32_t size,
		     uint32_t addr, uint32_t len)
{
	uint32_t begin = addr > at ? addr : at;
	uint32_t end = addr + len < at + size ? addr + len : at + size;

	if (begin >= end) {
		return 0;
	}
	memcpy(copy + (begin - at), (const uint8_t *)memory + (begin - at),
	       end - begin);
	return end - begin;
}

static void changed(void *opaque, uint32_t addr, uint32_t len)
{
	struct host *h = opaque;
	uint32_t n = h->capacity, taken;

	if (h->no_ram || !len) {
		abort();
	}
	taken = take(h->copy.cmd, h->ram_cmd, TPMIX_CMD_WINDOW, n, addr, len) +
		take(h->copy.rsp, h->ram_rsp, TPMIX_RSP_WINDOW, n, addr, len) +
		take(h->copy.block, h->block, TPMIX_HEADER + TPMIX_BLOCK,
		     TPMIX_BLOCK_SIZE, addr, len);
	if (!h->crb_traps) {
		taken += take(h->copy.crb_regs, h->crb_regs, 0,
			      TPM_REG_DATA_BUFFER, addr, len) +
			 take(h->copy.crb_buffer, h->crb_buffer,
			      TPM_REG_DATA_BUFFER, TPMIX_DATA_BUFFER_SIZE, addr,
			      len);
	}
	if (taken != len) {
		abort(); /* nothing is there that could change */
	}
}

const char *host_unreported(const struct host *h)
{
	uint32_t n = h->capacity;

	if (h->no_ram) {
		return NULL;
	}
	return memcmp(h->copy.cmd, h->ram_cmd, n) ? "the command window" :
	       memcmp(h->copy.rsp, h->ram_rsp, n) ? "the response window" :
	       memcmp(h->copy.block, h->block, sizeof(h->block)) ?
	       "the header page" :
	       h->crb_traps ? NULL :
	       memcmp(h->copy.crb_regs, h->crb_regs, sizeof(h->crb_regs)) ?
	       "the CRB registers" :
	       memcmp(h->copy.crb_buffer, h->crb_buffer, sizeof(h->crb_buffer)) ?
	       "the CRB buffer" : NULL;
}

void host_poke(struct host *h, uint32_t at, uint8_t byte)
{
	h->ram_cmd[at] = byte;
	h->copy.cmd[at] = byte;
}

static const struct tpmix_backend backend = {
	.start = start,
	.cancel = cancel,
	.reset_established = reset_established,
	.guest_error = guest_error,
	.changed = changed,
};

/* Where @h has its buffers, whatever it was copied from. */
static void own_buffers(struct host *h)
{
	h->e.cfg.opaque = h;
	h->e.cfg.cmd = h->cmd;
	h->e.cfg.run = h->run;
	h->e.cfg.rsp = h->rsp;
	h->e.cfg.ram = (struct tpmix_ram) {
		.cmd = h->ram_cmd,
		.rsp = h->no_ram ? NULL : h->ram_rsp,
		.block = h->no_ram ? NULL : h->block,
		.crb_regs = h->crb_traps || h->no_ram ? NULL : h->crb_regs,
		.crb_buffer = h->crb_traps || h->no_ram ? NULL : h->crb_buffer,
	};
}

static void allocate(struct host *h, uint32_t capacity)
{
	uint8_t **buf[] = { &h->cmd, &h->run, &h->rsp, &h->ram_cmd, &h->ram_rsp,
			    &h->copy.cmd, &h->copy.rsp };
	unsigned int i;

	for (i = 0; i < sizeof(buf) / sizeof(buf[0]); i++) {
		free(*buf[i]);
		*buf[i] = malloc(capacity);
		if (!*buf[i]) {
			abort();
		}
	}
	h->capacity = capacity;
}

/* What a guest could read is not what is there, nor what a copy of it has. */
static void spoil_ram(struct host *h)
{
	memcpy(h->copy.cmd, h->ram_cmd, h->capacity);
	if (h->no_ram) {
		return;
	}
	memset(h->ram_rsp, 0x22, h->capacity);
	memset(h->block, 0x22, sizeof(h->block));
	memset(h->crb_regs, 0x22, sizeof(h->crb_regs));
	memset(h->crb_buffer, 0x22, sizeof(h->crb_buffer));
	memset(h->copy.rsp, 0x33, h->capacity);
	memset(h->copy.block, 0x33, sizeof(h->copy.block));
	memset(h->copy.crb_regs, 0x33, sizeof(h->copy.crb_regs));
	memset(h->copy.crb_buffer, 0x33, sizeof(h->copy.crb_buffer));
}

void host_new(struct host *h, const struct actions_config *c)
{
	struct tpmix_config cfg;

	if (h->capacity != c->capacity) {
		allocate(h, c->capacity);
	}
	*h = (struct host) {
		.capacity = c->capacity,
		.cmd = h->cmd, .run = h->run, .rsp = h->rsp,
		.ram_cmd = h->ram_cmd, .ram_rsp = h->ram_rsp,
		.copy.cmd = h->copy.cmd, .copy.rsp = h->copy.rsp,
		.crb_traps = c->crb_traps,
		.no_ram = c->no_ram,
		.scribbles = c->scribbles,
	};
	memset(h->ram_cmd, 0x22, h->capacity);
	memset(h->ram_rsp, 0x22, h->capacity);
	spoil_ram(h);
	memset(h->copy.cmd, 0x33, h->capacity);
	own_buffers(h);
	h->e.cfg.backend = &backend;
	h->e.cfg.base = c->base;
	h->e.cfg.capacity = c->capacity;
	h->e.cfg.locality4 = c->locality4;
	h->e.cfg.fifo = c->fifo;
	h->e.cfg.crb = c->crb;
	h->e.cfg.interface = c->interface;
	h->e.cfg.localities = c->localities;
	h->e.cfg.int_vector = INT_VECTOR;
	cfg = h->e.cfg;
	tpmix_init(&h->e, &cfg);
}

void host_copy(struct host *to, const struct host *from)
{
	uint32_t n = from->e.cfg.capacity;
	struct host old = *to;

	*to = *from;
	to->cmd = old.cmd;
	to->run = old.run;
	to->rsp = old.rsp;
	to->ram_cmd = old.ram_cmd;
	to->ram_rsp = old.ram_rsp;
	to->copy.cmd = old.copy.cmd;
	to->copy.rsp = old.copy.rsp;
	own_buffers(to);
	memcpy(to->copy.cmd, from->copy.cmd, n);
	memcpy(to->copy.rsp, from->copy.rsp, n);
	memcpy(to->cmd, from->cmd, n);
	memcpy(to->run, from->run, n);
	memcpy(to->rsp, from->rsp, n);
	memcpy(to->ram_cmd, from->ram_cmd, n);
	memcpy(to->ram_rsp, from->ram_rsp, n);
}

static bool same_loc(const struct tpmix_loc *a, const struct tpmix_loc *b)
{
	return a->state == b->state && a->access == b->access &&
	       a->refused == b->refused && a->int_status == b->int_status &&
	       a->int_enable == b->int_enable && a->index == b->index &&
	       a->csum_expect == b->csum_expect && a->armed == b->armed;
}

/* Fields, not memory: padding is nobody's state. */
bool host_same(const struct host *a, const struct host *b)
{
	const struct tpmix_state_all *s = &a->e.s, *t = &b->e.s;
	uint32_t n = a->e.cfg.capacity;
	unsigned int l;

	for (l = 0; l < TPMIX_NUM_LOCALITIES; l++) {
		if (!same_loc(&s->loc[l], &t->loc[l])) {
			return false;
		}
	}
	return s->last.val == t->last.val && s->last.addr == t->last.addr &&
	       s->last.size == t->last.size && s->accepted == t->accepted &&
	       s->fifo_len == t->fifo_len && s->rsp_len == t->rsp_len &&
	       s->rsp_pos == t->rsp_pos && s->cmd_csum == t->cmd_csum &&
	       s->rsp_csum == t->rsp_csum && s->family == t->family &&
	       s->active == t->active && s->running == t->running &&
	       s->waiting == t->waiting && s->abort == t->abort &&
	       s->notify == t->notify &&
	       s->cmd_owner == t->cmd_owner && s->rsp_owner == t->rsp_owner &&
	       s->interface == t->interface && s->intf_sel == t->intf_sel &&
	       s->intf_sel_lock == t->intf_sel_lock &&
	       s->selftest_done == t->selftest_done &&
	       s->established == t->established && s->bufsize == t->bufsize &&
	       a->starts == b->starts && a->e.edges == b->e.edges &&
	       !memcmp(a->cmd, b->cmd, n) && !memcmp(a->rsp, b->rsp, n) &&
	       !memcmp(a->ram_cmd, b->ram_cmd, n) &&
	       !memcmp(a->ram_rsp, b->ram_rsp, n) &&
	       !memcmp(a->run, b->run, n);
}

void host_migrate(struct host *to, const struct host *from)
{
	uint32_t n = from->e.cfg.capacity;

	tpmix_reset(&to->e, TPMIX_FAMILY_2_0, n);
	memcpy(to->cmd, from->cmd, n);
	memcpy(to->run, from->run, n);
	memcpy(to->rsp, from->rsp, n);
	memcpy(to->ram_cmd, from->ram_cmd, n);
	spoil_ram(to);
	to->e.s = from->e.s;
	tpmix_refresh(&to->e);
	to->e.starts = from->e.starts;
	to->e.edges = from->e.edges;
	to->starts = from->starts;
	to->cancels = from->cancels;
	to->established_resets = from->established_resets;
	to->ticket = from->ticket;
	to->locality = from->locality;
	to->len = from->len;
}

uint32_t answer_bytes(const struct action *a, uint32_t capacity,
		      const uint8_t **rsp)
{
	static uint8_t bytes[65536 + 16];
	uint32_t len = a->len < capacity + 16 ? a->len : capacity + 16;
	uint32_t size = a->answer == ANSWER_SIZE_LIES ? len + 1 : len;
	uint32_t i;

	for (i = 0; i < len; i++) {
		bytes[i] = (uint8_t)(a->fill + i * 7);
	}
	for (i = 2; i < 6 && i < len; i++) {
		bytes[i] = (uint8_t)(size >> (5 - i) * 8);
	}
	*rsp = a->answer == ANSWER_NONE ? NULL : bytes;
	return len;
}

bool host_complete(struct host *h, const struct action *a)
{
	const uint8_t *rsp;
	uint32_t len = answer_bytes(a, h->e.cfg.capacity, &rsp);

	return tpmix_complete(&h->e, h->e.s.accepted +
			      (a->answer == ANSWER_STALE ? 1 : 0),
			      rsp, len, a->selftest_done);
}

struct action_hints host_hints(const struct host *h)
{
	const uint8_t *cmd = h->e.s.active == 0 ? h->ram_cmd : h->cmd;
	uint32_t size = (uint32_t)cmd[2] << 24 | (uint32_t)cmd[3] << 16 |
			(uint32_t)cmd[4] << 8 | cmd[5];

	return (struct action_hints) {
		.accepted = h->e.s.accepted,
		.bufsize = h->e.s.bufsize,
		.active = h->e.s.active < TPMIX_NUM_LOCALITIES ? h->e.s.active : 0,
		.rsp_len = h->e.s.rsp_len,
		.crb = h->e.s.interface == TPMIX_INTERFACE_CRB,
		.cmd = cmd,
		.cmd_len = size < h->e.s.bufsize ? size : h->e.s.bufsize,
	};
}
