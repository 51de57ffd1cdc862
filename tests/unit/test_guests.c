/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transactions of the guests that are there, access by access, on the CRB door:
 * each access repeated at once, after the next k, before and after the completion.
 * The response that the guest has read is right, and its command ran once.
 */
#include "crb_guests.h"

static void play(struct bench *b, const struct op *o, uint8_t *got)
{
	uint64_t val;

	switch (o->kind) {
	case WRITE:
		tpmix_write(&b->e, o->addr, o->val, o->size);
		break;
	case READ:
		tpmix_mmio_read(&b->e, o->addr, o->size);
		break;
	case READ_RESPONSE:
		val = tpmix_mmio_read(&b->e, o->addr, o->size);
		val = bench_value(&val, 8);
		memcpy(got + o->at, &val, o->size);
		break;
	case RAM_WRITE:
		if (o->size <= 8) {
			val = bench_value(&o->val, 8);
			memcpy(b->ram_cmd + o->at, &val, o->size);
		} else {
			make_command(b->ram_cmd, COMMAND, COMMAND, 0x6B);
		}
		break;
	case RAM_READ:
		memcpy(got + o->at, b->ram_rsp + o->at, o->size);
		break;
	case POLL:
		if (b->e.s.running != 0xFF) {
			complete(b, RESPONSE, (uint8_t)(0x40 + b->e.s.accepted));
		}
		g_assert_cmphex(tpmix_read(&b->e, o->addr, o->size), ==, o->val);
		break;
	}
}

/* Access @i comes once more after the @k that follow it. */
static void replay(const struct bench *fresh, const struct guest *g,
		   unsigned int i, unsigned int k, bool completes_first)
{
	unsigned int n, starts = 2, last = i + k;
	bool armed = false, active = true;
	uint8_t got[RESPONSE + 8], late[RESPONSE + 8];
	struct bench b;

	bench_clone(&b, fresh);
	for (n = 0; n < g->n; n++) {
		play(&b, &g->op[n], got);
		if (n > i && n <= last) {
			armed |= g->op[n].kind == WRITE && (g->op[n].flags & ARMS);
			active &= !(g->op[n].flags & LEAVES);
		}
		if (n != last) {
			continue;
		}
		if (completes_first && b.e.s.running != 0xFF) {
			complete(&b, RESPONSE, 0x42);
		}
		if (g->op[i].kind != POLL) {
			/* at once: the second read is what the guest gets */
			play(&b, &g->op[i], k == 0 ? got : late);
			check(&b);
		}
	}
	/* START names no ticket: what armed it since then was for the next one. */
	if ((g->op[i].flags & STARTS) && armed && active) {
		starts++;
	}
	g_assert_cmpuint(b.starts, ==, starts);
	g_assert_cmpmem(b.last_cmd, b.last_len, g->cmd, COMMAND);
	g_assert_cmphex(got[0] << 8 | got[1], ==, 0x8001);
	g_assert_cmphex(got[5], ==, RESPONSE);
	for (n = 6; n < RESPONSE; n++) {
		g_assert_cmphex(got[n], ==, n + 0x42);
	}
	check(&b);
}

struct who {
	const char *name;
	void (*script)(struct guest *g);
	unsigned int locality;
};

static const struct who whos[] = {
	{ "/guests/linux", linux_crb, 0 },
	{ "/guests/seabios", seabios, 0 },
	{ "/guests/edk2", edk2, 0 },
	{ "/guests/edk2/3", edk2, 3 },
	{ "/guests/qtest", qtest, 0 },
	{ "/guests/from-idle", from_idle, 0 },
	{ "/guests/driver-ram", driver_ram, 0 },
	{ "/guests/driver-window/0", driver_window, 0 },
	{ "/guests/driver-window/4", driver_window, 4 },
};

static void guest(gconstpointer data)
{
	const struct who *w = data;
	struct guest g = { .locality = w->locality };
	struct bench fresh;
	unsigned int i, k;

	/* a transaction before this one: there is something old to be found */
	bench_init_crb(&fresh, 4096);
	start_crb(&fresh, g.locality);
	complete(&fresh, 99, 1);
	crb_relinquish(&fresh, g.locality);

	make_command(g.cmd, COMMAND, COMMAND, 0x6B);
	w->script(&g);
	for (i = 0; i < g.n; i++) {
		for (k = 0; i + k < g.n; k++) {
			g_test_message("access %u, after %u more", i, k);
			replay(&fresh, &g, i, k, false);
			replay(&fresh, &g, i, k, true);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(whos); i++) {
		g_test_add_data_func(whos[i].name, &whos[i], guest);
	}
	return g_test_run();
}
