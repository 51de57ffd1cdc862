/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#define INT_VECTOR 5

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
	(void)opaque;
	if (!what || addr > 0x30000) {
		abort();
	}
}

static const struct tpmix_backend backend = {
	.start = start,
	.cancel = cancel,
	.reset_established = reset_established,
	.guest_error = guest_error,
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
		.rsp = h->ram_rsp,
		.block = h->block,
		.crb_regs = h->crb_traps ? NULL : h->crb_regs,
		.crb_buffer = h->crb_traps ? NULL : h->crb_buffer,
	};
}

static void allocate(struct host *h, uint32_t capacity)
{
	uint8_t **buf[] = { &h->cmd, &h->run, &h->rsp, &h->ram_cmd, &h->ram_rsp };
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
		.crb_traps = c->crb_traps,
		.scribbles = c->scribbles,
	};
	own_buffers(h);
	h->e.cfg.backend = &backend;
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
	own_buffers(to);
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
	       s->active == t->active && s->next == t->next &&
	       s->running == t->running && s->abort == t->abort &&
	       s->cmd_owner == t->cmd_owner && s->rsp_owner == t->rsp_owner &&
	       s->interface == t->interface && s->intf_sel == t->intf_sel &&
	       s->intf_sel_lock == t->intf_sel_lock &&
	       s->selftest_done == t->selftest_done &&
	       s->established == t->established && s->bufsize == t->bufsize &&
	       a->starts == b->starts &&
	       !memcmp(a->cmd, b->cmd, n) && !memcmp(a->rsp, b->rsp, n) &&
	       !memcmp(a->ram_cmd, b->ram_cmd, n) &&
	       !memcmp(a->ram_rsp, b->ram_rsp, n) &&
	       (s->running == TPMIX_NO_LOCALITY || !memcmp(a->run, b->run, n));
}

void host_migrate(struct host *to, const struct host *from)
{
	uint32_t n = from->e.cfg.capacity;

	tpmix_reset(&to->e, TPMIX_FAMILY_2_0, n);
	memset(to->run, 0xAA, n); /* does not migrate */
	memcpy(to->cmd, from->cmd, n);
	memcpy(to->rsp, from->rsp, n);
	memcpy(to->ram_cmd, from->ram_cmd, n);
	to->e.s = from->e.s;
	tpmix_refresh(&to->e);
	to->e.starts = from->e.starts;
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
		.rsp_len = h->e.s.rsp_len,
		.crb = h->e.s.interface == TPMIX_INTERFACE_CRB,
		.cmd = cmd,
		.cmd_len = size < h->e.s.bufsize ? size : h->e.s.bufsize,
	};
}
