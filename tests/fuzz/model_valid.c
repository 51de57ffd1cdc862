/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second opinion on tpmix_valid(): what a state from outside has to satisfy, as
 * the page's "Transaction", "Access control" and "Migration and reset" have it.
 */
#include "game.h"

enum { DISARMED, ARMED, ARMED_EARLY };

static bool nobody(uint8_t who)
{
	return who == 0xFF;
}

static bool there(const struct tpmix_config *c, uint8_t interface)
{
	return (interface == 0 && c->fifo) || (interface == 1 && c->crb);
}

/* What its registers can hold. */
static bool registers_ok(const struct tpmix_loc *l)
{
	return l->state <= COMPLETION && l->refused <= 5 &&
	       l->armed <= ARMED_EARLY && !(l->access & ~0x12) &&
	       !(l->int_status & ~0x87) && !(l->int_enable & ~0x8000009F) &&
	       l->csum_expect <= 0x7FFFF;
}

/* How locality @p stands to the one command, the one response and the one buffer. */
static bool transaction_ok(const struct tpmix_state_all *s, uint8_t p)
{
	const struct tpmix_loc *l = &s->loc[p];
	bool runs = s->running == p, answered = s->rsp_owner == p;

	switch (l->state) {
	case EXECUTION:
		if (!runs) {
			return false;
		}
		break;
	case COMPLETION:
		if (runs || !answered) {
			return false;
		}
		break;
	case RECEPTION:
		if (runs || s->cmd_owner != p) {
			return false;
		}
		break;
	default:
		if (runs) {
			return false;
		}
	}
	/* The interrupts of a response end with it. */
	if ((l->int_status & 3) && !answered) {
		return false;
	}
	/* Early is while a command runs; a later one makes it forgotten. */
	if (l->armed == ARMED_EARLY) {
		return runs || answered;
	}
	return !(runs && l->armed == ARMED);
}

static bool locality_ok(const struct tpmix_config *c,
			const struct tpmix_state_all *s, uint8_t p)
{
	const struct tpmix_loc *l = &s->loc[p];

	if (p >= c->localities && (l->access || l->int_status)) {
		return false;
	}
	/* Who requests is not active, and somebody is. */
	if ((l->access & 2) && (nobody(s->active) || s->active == p)) {
		return false;
	}
	return registers_ok(l) && transaction_ok(s, p);
}

static bool names_ok(const struct tpmix_config *c, const struct tpmix_state_all *s)
{
	const uint8_t who[] = {
		s->active, s->running, s->waiting, s->cmd_owner, s->rsp_owner,
	};
	unsigned int i;

	for (i = 0; i < sizeof(who); i++) {
		if (!nobody(who[i]) && who[i] >= c->localities) {
			return false;
		}
	}
	return there(c, s->interface) && there(c, s->intf_sel) &&
	       s->intf_sel_lock <= 1 && s->selftest_done <= 1 &&
	       s->established <= 1 && s->abort <= 1 && s->notify <= 1;
}

static bool sizes_ok(const struct tpmix_config *c, const struct tpmix_state_all *s)
{
	uint32_t rsp_min = nobody(s->rsp_owner) ? 0 : 10;
	uint32_t rsp_max = nobody(s->rsp_owner) ? 0 : s->bufsize;

	return s->bufsize >= 10 && s->bufsize <= c->capacity &&
	       s->fifo_len <= s->bufsize && s->rsp_len >= rsp_min &&
	       s->rsp_len <= rsp_max && s->rsp_pos <= s->rsp_len;
}

static bool last_write_ok(const struct tpmix_last_write *last)
{
	unsigned int i;

	for (i = last->size; last->size && i < 8; i++) {
		if (last->val >> i * 8 & 0xFF) {
			return false;
		}
	}
	return last->size <= 8;
}

bool model_valid(const struct tpmix_config *c, const struct tpmix_state_all *s)
{
	uint8_t p;

	if (!names_ok(c, s) || !sizes_ok(c, s) || !last_write_ok(&s->last)) {
		return false;
	}
	for (p = 0; p < 5; p++) {
		if (!locality_ok(c, s, p)) {
			return false;
		}
	}
	/* Without a TPM nobody uses one, and none has answered. */
	if (s->family == 0 && !(nobody(s->active) && nobody(s->running) &&
				nobody(s->rsp_owner))) {
		return false;
	}
	/* A response ends at acceptance; what waits, waits for a command. */
	if (nobody(s->running) ? s->abort || s->notify || !nobody(s->waiting) :
				 !nobody(s->rsp_owner)) {
		return false;
	}
	return s->family <= 2 && (nobody(s->active) || s->cmd_owner == s->active);
}
