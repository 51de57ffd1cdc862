/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device of ours beside the stock one, register by register, as data: what every
 * aligned word of locality 0's page reads in each state of a transaction, and what a
 * write of every single bit of a register does to all that can be read. The tests
 * (test_stock_compare.c, test_crb_stock.c) demand; this counts.
 *
 *   compare tis|crb|crb-as-stock OFFSET:WIDTH... >JSON
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "txn.h"
#include "tpmix_regs.h"

#define BASE   0xFED40000u
#define PAGE   0x1000u
#define MOST   64u
#define SELECT_CRB (1u << 17)

enum { STOCK, OURS };

struct pair {
	const char *name, *device[2];
	bool crb;
	TpmStub *stub[2];
	QtestClient *q[2];
};

/* A register of the interface, and what was found of it. */
struct reg {
	uint32_t off;
	unsigned int width;
	unsigned int reads, read_differs, writes, write_differs;
	/* the first of each */
	unsigned int state, wrote_in;
	uint64_t read[2], wrote, then[2];
	uint32_t seen_at;       /* the register that told of the write */
	bool ran;               /* or that one TPM ran a command more */
};

/* How far a transaction is. */
static const char *const states[] = {
	"after reset", "locality active", "Ready", "command written", "Completion",
};

static struct reg regs[MOST];
static unsigned int num;

static bool is_data(const struct pair *p, uint32_t off)
{
	return p->crb ? off >= TPM_REG_DATA_BUFFER :
	       (off & ~3u) == TPM_REG_DATA_FIFO ||
	       (off >= TPM_REG_XDATA_FIFO && off < TPM_REG_XDATA_FIFO_END);
}

static void put(struct pair *p, uint32_t off, uint64_t val, unsigned int width)
{
	qtest_write_width(p->q[STOCK], BASE + off, val, width);
	qtest_write_width(p->q[OURS], BASE + off, val, width);
}

static const uint8_t command[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };

static void put_command(struct pair *p)
{
	unsigned int i, k;

	if (p->crb) {
		for (k = 0; k < 2; k++) {
			qtest_write(p->q[k], qtest_readl(p->q[k], BASE + TPM_REG_CTRL_CMD_LADDR),
				    command, sizeof(command));
		}
		return;
	}
	for (i = 0; i < sizeof(command); i++) {
		put(p, TPM_REG_DATA_FIFO, command[i], 1);
	}
}

/* Until both have what the TPM answered. */
static void run_command(struct pair *p)
{
	unsigned int k;

	if (p->crb) {
		put(p, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE, 4);
	} else {
		put(p, TPM_REG_STS, TPM_STS_GO, 1);
	}
	for (k = 0; k < 2; k++) {
		if (p->crb) {
			qtest_await(p->q[k], BASE + TPM_REG_CTRL_START, 4, G_MAXUINT32, 0);
		} else {
			qtest_await(p->q[k], BASE + TPM_REG_STS, 4, TPM_STS_DATA_AVAIL,
				    TPM_STS_DATA_AVAIL);
		}
	}
}

static void enter(struct pair *p, unsigned int state)
{
	/* What was written to InterfaceSelector counts from the reset on. */
	if (p->crb) {
		qtest_writel(p->q[OURS], BASE + TPM_REG_INTF_ID, SELECT_CRB);
	}
	qtest_reset(p->q[STOCK]);
	qtest_reset(p->q[OURS]);
	if (state >= 1) {
		if (p->crb) {
			put(p, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS, 4);
		} else {
			put(p, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
		}
	}
	if (state >= 2) {
		if (p->crb) {
			put(p, TPM_REG_CTRL_REQ, TPM_CTRL_REQ_CMD_READY, 4);
		} else {
			put(p, TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
		}
	}
	if (state >= 3) {
		put_command(p);
	}
	if (state >= 4) {
		run_command(p);
	}
}

/* The word, or less where that would be a read of the FIFO. */
static void look(struct pair *p, uint64_t val[2][MOST])
{
	unsigned int i, k;

	for (i = 0; i < num; i++) {
		for (k = 0; k < 2; k++) {
			val[k][i] = is_data(p, regs[i].off) ? 0 :
				qtest_read_width(p->q[k], BASE + regs[i].off,
						 MIN(regs[i].width, 4u));
		}
	}
}

static void reads_of(struct pair *p, unsigned int state)
{
	unsigned int i, width;

	for (i = 0; i < num; i++) {
		struct reg *r = &regs[i];

		for (width = 1; width <= MIN(r->width, 4u); width *= 2) {
			uint64_t a = qtest_read_width(p->q[STOCK], BASE + r->off, width);
			uint64_t b = qtest_read_width(p->q[OURS], BASE + r->off, width);

			r->reads++;
			if (a != b && !r->read_differs++) {
				r->state = state;
				r->read[STOCK] = a;
				r->read[OURS] = b;
			}
		}
	}
}

static bool is_register(uint32_t off)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (off < regs[i].off + regs[i].width && regs[i].off < off + 4) {
			return true;
		}
	}
	return false;
}

/* Words of the page that are no register: as ranges. */
static void rest_of(struct pair *p, unsigned int state, bool *first)
{
	uint32_t off, begin = 0, end = 0, words = 0, differ = 0;

	for (off = 0; off < PAGE; off += 4) {
		if (is_register(off) || is_data(p, off)) {
			continue;
		}
		words++;
		if (qtest_readl(p->q[STOCK], BASE + off) ==
		    qtest_readl(p->q[OURS], BASE + off)) {
			continue;
		}
		begin = differ++ ? begin : off;
		end = off + 4;
	}
	printf("%s\n{\"state\": \"%s\", \"words\": %u, \"differ\": %u, \"from\": %u, \"to\": %u}",
	       *first ? "" : ",", states[state], words, differ, begin, end);
	*first = false;
}

/* One write to both, from the same state; what is different after it and was not before. */
static void write_of(struct pair *p, struct reg *r, unsigned int state, uint64_t val)
{
	uint64_t before[2][MOST], after[2][MOST];
	unsigned int i, ran[2];

	enter(p, state);
	look(p, before);
	ran[STOCK] = tpm_stub_executed(p->stub[STOCK]);
	ran[OURS] = tpm_stub_executed(p->stub[OURS]);
	put(p, r->off, val, MIN(r->width, 4u));
	/* A command that this starts is answered at once. */
	if (r->off == (p->crb ? TPM_REG_CTRL_START : TPM_REG_STS)) {
		g_usleep(3000);
	}
	look(p, after);
	ran[STOCK] = tpm_stub_executed(p->stub[STOCK]) - ran[STOCK];
	ran[OURS] = tpm_stub_executed(p->stub[OURS]) - ran[OURS];
	r->writes++;
	for (i = 0; i < num; i++) {
		if (after[STOCK][i] != after[OURS][i] && before[STOCK][i] == before[OURS][i]) {
			break;
		}
	}
	if ((i == num && ran[STOCK] == ran[OURS]) || r->write_differs++) {
		return;
	}
	r->wrote_in = state;
	r->wrote = val;
	r->ran = ran[STOCK] != ran[OURS];
	if (r->ran) {
		r->then[STOCK] = ran[STOCK];
		r->then[OURS] = ran[OURS];
	} else {
		r->seen_at = regs[i].off;
		r->then[STOCK] = after[STOCK][i];
		r->then[OURS] = after[OURS][i];
	}
}

static void writes_of(struct pair *p, struct reg *r)
{
	const unsigned int bits = 8 * MIN(r->width, 4u);
	unsigned int state, bit;

	/* Inactive, Ready and Completion: each takes a reset. */
	for (state = 0; state < G_N_ELEMENTS(states); state += 2) {
		write_of(p, r, state, 0);
		write_of(p, r, state, (1ull << bits) - 1);
		for (bit = 0; bit < bits; bit++) {
			write_of(p, r, state, 1ull << bit);
		}
	}
}

static void print_reg(const struct reg *r)
{
	printf("{\"offset\": %u, \"reads\": %u, \"read_differs\": %u, \"writes\": %u, "
	       "\"write_differs\": %u", r->off, r->reads, r->read_differs, r->writes,
	       r->write_differs);
	if (r->read_differs) {
		printf(", \"read\": {\"state\": \"%s\", \"stock\": %" G_GUINT64_FORMAT
		       ", \"ours\": %" G_GUINT64_FORMAT "}", states[r->state],
		       r->read[STOCK], r->read[OURS]);
	}
	if (r->write_differs) {
		printf(", \"write\": {\"state\": \"%s\", \"value\": %" G_GUINT64_FORMAT
		       ", \"ran\": %s, \"at\": %u, \"stock\": %" G_GUINT64_FORMAT
		       ", \"ours\": %" G_GUINT64_FORMAT "}", states[r->wrote_in], r->wrote,
		       r->ran ? "true" : "false", r->seen_at, r->then[STOCK], r->then[OURS]);
	}
	printf("}");
}

int main(int argc, char **argv)
{
	static struct pair pairs[] = {
		{ "tis", { "tpm-tis", "tpm-tis-indexed" }, false, { 0 }, { 0 } },
		{ "crb", { "tpm-crb", "tpm-crb-ext" }, true, { 0 }, { 0 } },
		{ "crb-as-stock", { "tpm-crb", "tpm-crb-ext,fifo=off,localities=1" }, true,
		  { 0 }, { 0 } },
	};
	struct pair *p = NULL;
	unsigned int i, state;
	bool first = true;

	for (i = 0; argc > 1 && i < G_N_ELEMENTS(pairs); i++) {
		p = strcmp(argv[1], pairs[i].name) ? p : &pairs[i];
	}
	if (!p || argc < 3 || (unsigned int)argc - 2 > MOST) {
		g_printerr("usage: compare tis|crb|crb-as-stock OFFSET:WIDTH...\n");
		return 2;
	}
	for (; num < (unsigned int)argc - 2; num++) {
		char *end;

		regs[num].off = (uint32_t)strtoul(argv[num + 2], &end, 0);
		regs[num].width = *end == ':' ? (unsigned int)strtoul(end + 1, NULL, 0) : 4;
	}
	for (i = 0; i < 2; i++) {
		p->stub[i] = tpm_stub_new(TPM_STUB_2_0);
		p->q[i] = qtest_start(tpm_stub_connect(p->stub[i]),
				      "-machine q35 -device %s,id=tpm,tpmdev=tpm0",
				      p->device[i]);
	}
	printf("{\"stock\": \"%s\", \"ours\": \"%s\", \"rest\": [", p->device[STOCK],
	       p->device[OURS]);
	for (state = 0; state < G_N_ELEMENTS(states); state++) {
		enter(p, state);
		rest_of(p, state, &first);
		enter(p, state);
		reads_of(p, state);
	}
	printf("], \"registers\": [");
	for (i = 0; i < num; i++) {
		writes_of(p, &regs[i]);
		printf("%s\n", i ? "," : "");
		print_reg(&regs[i]);
	}
	printf("]}\n");
	for (i = 0; i < 2; i++) {
		qtest_stop(p->q[i]);
		tpm_stub_free(p->stub[i]);
	}
	return 0;
}
