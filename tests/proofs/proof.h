/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every proof starts from: any device (doors, localities), any valid state,
 * buffers of any size and contents (model.h), any access, a backend that counts
 * and may answer at once.
 *
 * -DTWIN builds the twin, which must fail: the theorem without an assumption that
 * it needs, mostly the one that keeps DATA_FIFO out.
 */
#ifndef PROOF_H
#define PROOF_H

#include <assert.h>

#include "internal.h"

#define assume(x) __CPROVER_assume(x)
/*
 * Must be possible, or the proof says nothing. -DPOSSIBLE builds only the claims
 * that these are impossible, each of which ./run prove wants refuted.
 */
#ifdef POSSIBLE
#undef assert
#define assert(x) ((void)0)
#define possible(x) __CPROVER_assert(!(x), "impossible: " #x)
#else
#define possible(x) ((void)0)
#endif


/* A local that nobody sets has any value. */
#define ANY(type, name) static type name(void) { type x; return x; }
ANY(uint8_t, any_u8)
ANY(uint16_t, any_u16)
ANY(uint32_t, any_u32)
ANY(uint64_t, any_u64)

static bool any_bool(void)
{
	return any_u8() & 1;
}

static struct tpmix e;

#include "model.h"

/*
 * In place of engine/ram.c, which only writes what is not state. view_show proves
 * that file, view_write that it is called; they bring functions of their own.
 */
#ifndef OWN_SHOW
void tpmix_show(struct tpmix *m)
{
	(void)m;
}

void tpmix_show_all(struct tpmix *m)
{
	(void)m;
}
#endif

/* What the backend saw. */
static struct seen {
	unsigned int starts, cancels, resets;
	uint32_t ticket, len;
	unsigned int locality;
	/* Reported as changed: the bytes at k, the words at kw. */
	bool cmd, rsp, block, crb_regs, crb_buffer;
} seen;

/* The backend's answer, of any length and contents, for any ticket. */
static bool complete_any(void)
{
	any_bytes(&answer);
	answer_len = any_u32();
	return any_bool() ?
	       tpmix_complete(&e, any_u32(), &answer_mem, answer_len, any_bool()) :
	       tpmix_complete(&e, any_u32(), NULL, any_u32(), any_bool());
}

static void on_start(void *opaque, uint32_t ticket, unsigned int locality,
		     const uint8_t *bytes, uint32_t len)
{
	(void)opaque;
	assert(bytes == &run_mem && len <= e.s.bufsize);
	seen.starts++;
	seen.ticket = ticket;
	seen.locality = locality;
	seen.len = len;
#ifdef ANSWERS_AT_ONCE
	if (any_bool()) {
		complete_any();
	}
#endif
}

static void on_cancel(void *opaque)
{
	(void)opaque;
	seen.cancels++;
}

static void on_reset_established(void *opaque, unsigned int locality)
{
	(void)opaque;
	(void)locality;
	seen.resets++;
	tpmix_set_established(&e, false);
}

static void on_guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	(void)what;
	(void)addr;
}

static bool within(uint32_t at, uint32_t addr, uint32_t len)
{
	return addr <= at && at < addr + len;
}

static void on_changed(void *opaque, uint32_t addr, uint32_t len)
{
	(void)opaque;
	assert(tpmix_has_ram(&e));
	assert(addr < TPMIX_SPACE_SIZE && len <= TPMIX_SPACE_SIZE - addr);
	if (k < TPMIX_BUFFER_MAX) {
		seen.cmd |= within(TPMIX_CMD_WINDOW + k, addr, len);
		seen.rsp |= within(TPMIX_RSP_WINDOW + k, addr, len);
	}
	if (k < TPMIX_DATA_BUFFER_SIZE) {
		seen.crb_buffer |= within(TPM_REG_DATA_BUFFER + k, addr, len);
	}
	if (kw < TPMIX_BLOCK_SIZE / 4) {
		seen.block |= within(TPMIX_HEADER + TPMIX_BLOCK + kw * 4, addr, len);
	}
	if (kw < TPM_REG_DATA_BUFFER / 4) {
		seen.crb_regs |= within(kw * 4, addr, len);
	}
}

static const struct tpmix_backend backend = {
	on_start, on_cancel, on_reset_established, on_guest_error, on_changed,
};

/* Locality by locality: cbmc 6.6 takes no array within a nondeterministic struct. */
static void any_loc(struct tpmix_loc *l)
{
	*l = (struct tpmix_loc) {
		any_u8(), any_u8(), any_u8(), any_u8(), any_u8(), any_u32(),
		any_u32(), any_u32(),
	};
}

static void any_state(void)
{
	any_loc(&e.s.loc[0]);
	any_loc(&e.s.loc[1]);
	any_loc(&e.s.loc[2]);
	any_loc(&e.s.loc[3]);
	any_loc(&e.s.loc[4]);
	e.s.last.val = any_u64();
	e.s.last.addr = any_u32();
	e.s.last.size = any_u8();
	e.s.accepted = any_u32();
	e.s.fifo_len = any_u32();
	e.s.rsp_len = any_u32();
	e.s.rsp_pos = any_u32();
	e.s.cmd_csum = any_u16();
	e.s.rsp_csum = any_u16();
	e.s.family = any_u8();
	e.s.active = any_u8();
	e.s.running = any_u8();
	e.s.waiting = any_u8();
	e.s.abort = any_u8();
	e.s.notify = any_u8();
	e.s.cmd_owner = any_u8();
	e.s.rsp_owner = any_u8();
	e.s.interface = any_u8();
	e.s.intf_sel = any_u8();
	e.s.intf_sel_lock = any_u8();
	e.s.selftest_done = any_u8();
	e.s.established = any_u8();
	e.s.bufsize = any_u32();
}

static void any_machine(void)
{
	bool ram = any_bool();

	e.cfg = (struct tpmix_config) {
		.backend = &backend,
		.ram = { .cmd = &ram_cmd_mem,
			 .rsp = ram ? &ram_rsp_mem : NULL,
			 .block = ram ? &block_mem : NULL },
		.base = any_u64(),
		.cmd = &cmd_mem,
		.run = &run_mem,
		.rsp = &rsp_mem,
		.capacity = any_u32(),
		.locality4 = any_bool(),
		.fifo = any_bool(),
		.crb = any_bool(),
		.interface = any_u8(),
		.localities = any_u8(),
		.int_vector = any_u8(),
	};
	assume(e.cfg.base <= UINT64_MAX - TPMIX_SPACE_SIZE);
	any_state();
	e.starts = 0;
	e.shown_len = any_u32();
	e.shown_ticket = any_u32();
	e.shown_rest = any_u8();
	k = any_u32();
	kw = any_u32();
	any_bytes(&cmd);
	any_bytes(&ram_cmd);
	any_bytes(&run);
	any_bytes(&rsp);
}

static void any_valid_machine(void)
{
	any_machine();
	assume(tpmix_valid(&e));
}

struct access {
	uint32_t addr;
	uint64_t val;
	unsigned int size;
};

/*
 * Any access within an aligned word; -DWIDE: of any width, anywhere.
 */
static struct access any_access(void)
{
	struct access a = { any_u32(), any_u64(), any_u8() };

#ifndef WIDE
	assume(a.size <= 4 && (a.addr & 3) + a.size <= 4);
#endif
	return a;
}

/* R1 to R7 speak of every access but those of DATA_FIFO and XDATA_FIFO. */
static struct access any_access_but_fifo(void)
{
	struct access a = any_access();

#ifndef TWIN
	assume(!tpmix_is_fifo(&e, a.addr, a.size));
#endif
	return a;
}

static void write(struct access a)
{
	tpmix_write(&e, a.addr, a.val, a.size);
}

/* All of the machine that a guest can see, now or later. */
struct snapshot {
	struct tpmix_state_all s;
	uint8_t cmd_k, ram_cmd_k, rsp_k;
	unsigned int starts, cancels;
};

static struct snapshot snapshot(void)
{
	struct snapshot n = {
		e.s, cmd.at_k, ram_cmd.at_k, rsp.at_k, seen.starts, seen.cancels,
	};

	return n;
}

static bool same_loc(const struct tpmix_loc *a, const struct tpmix_loc *b)
{
	return a->state == b->state && a->access == b->access &&
	       a->refused == b->refused && a->int_status == b->int_status &&
	       a->int_enable == b->int_enable && a->index == b->index &&
	       a->csum_expect == b->csum_expect && a->armed == b->armed;
}

/* Field by field: padding is nobody's state. */
static bool same_state(const struct tpmix_state_all *a,
		       const struct tpmix_state_all *b)
{
	return same_loc(&a->loc[0], &b->loc[0]) &&
	       same_loc(&a->loc[1], &b->loc[1]) &&
	       same_loc(&a->loc[2], &b->loc[2]) &&
	       same_loc(&a->loc[3], &b->loc[3]) &&
	       same_loc(&a->loc[4], &b->loc[4]) &&
	       a->last.val == b->last.val && a->last.addr == b->last.addr &&
	       a->last.size == b->last.size && a->accepted == b->accepted &&
	       a->fifo_len == b->fifo_len && a->rsp_len == b->rsp_len &&
	       a->rsp_pos == b->rsp_pos && a->cmd_csum == b->cmd_csum &&
	       a->rsp_csum == b->rsp_csum && a->family == b->family &&
	       a->active == b->active && a->running == b->running &&
	       a->waiting == b->waiting && a->abort == b->abort &&
	       a->notify == b->notify &&
	       a->cmd_owner == b->cmd_owner && a->rsp_owner == b->rsp_owner &&
	       a->interface == b->interface && a->intf_sel == b->intf_sel &&
	       a->intf_sel_lock == b->intf_sel_lock &&
	       a->selftest_done == b->selftest_done &&
	       a->established == b->established && a->bufsize == b->bufsize;
}

static bool unchanged(const struct snapshot *before)
{
	return same_state(&before->s, &e.s) && before->cmd_k == cmd.at_k &&
	       before->ram_cmd_k == ram_cmd.at_k &&
	       before->rsp_k == rsp.at_k && before->starts == seen.starts &&
	       before->cancels == seen.cancels;
}

#endif /* PROOF_H */
