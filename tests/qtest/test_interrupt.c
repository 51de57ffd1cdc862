/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt line of the devices, seen at the PC's interrupt controller: raised
 * and lowered by the TPM's own interrupts, and otherwise another device's.
 */
#include <string.h>

#include "txn.h"

#define BASE 0xFED40000u

/* i8259, and the edge/level register of the chipset */
#define PIC       0x20
#define PIC_IRR   0x0A /* OCW3: the next read is that of the request register */
#define ELCR      0x4D0
/* 16550 */
#define UART      0x3F8
#define UART_IER_THRI 0x02 /* at once, as nothing is to be sent */

struct device {
	const char *name;
	const char *device;
	bool crb;
};

static const struct device devices[] = {
	{ "tis", "-device tpm-tis-indexed,tpmdev=tpm0", false },
	{ "crb", "-device tpm-crb-ext,tpmdev=tpm0", true },
	{ "crb-fifo", "-device tpm-crb-ext,tpmdev=tpm0,interface=fifo", false },
};

struct fixture {
	TpmStub *stub;
	QtestClient *q;
};

static void setup(struct fixture *f, const struct device *d, unsigned int irq,
		  const char *more)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), "-machine q35 %s,irq=%u %s",
			   d->device, irq, more);
}

static void teardown(struct fixture *f)
{
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

/* Level-triggered: a request ends with the line. */
static void level_triggered(QtestClient *q, unsigned int irq)
{
	qtest_out(q, ELCR, 1u << irq, 1);
}

static bool requested(QtestClient *q, unsigned int irq)
{
	qtest_out(q, PIC, PIC_IRR, 1);
	return qtest_in(q, PIC, 1) >> irq & 1;
}

/* Locality change is what both interfaces can interrupt for at once. */
static void enable_interrupts(QtestClient *q, const struct device *d)
{
	if (d->crb) {
		qtest_writel(q, BASE + 0x50, 0x80000008);
	} else {
		qtest_writel(q, BASE + 0x08, 0x80000004);
	}
}

static void request(QtestClient *q, const struct device *d, unsigned int locality)
{
	uint64_t page = BASE + locality * 0x1000;

	if (d->crb) {
		qtest_writel(q, page + 0x08, 1);
	} else {
		qtest_writeb(q, page, 0x02);
	}
}

static void request_locality(QtestClient *q, const struct device *d)
{
	request(q, d, 0);
}

static void relinquish(QtestClient *q, const struct device *d)
{
	if (d->crb) {
		qtest_writel(q, BASE + 0x08, 2);
	} else {
		qtest_writeb(q, BASE, 0x20);
	}
}

static void acknowledge(QtestClient *q, const struct device *d)
{
	if (d->crb) {
		qtest_writel(q, BASE + 0x54, 8);
	} else {
		qtest_writel(q, BASE + 0x10, 4);
	}
}

static void own(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;

	setup(&f, d, 5, "");
	level_triggered(f.q, 5);
	g_assert_false(requested(f.q, 5));
	request_locality(f.q, d);
	enable_interrupts(f.q, d);
	g_assert_false(requested(f.q, 5));
	relinquish(f.q, d);
	request_locality(f.q, d);
	g_assert_true(requested(f.q, 5));
	acknowledge(f.q, d);
	g_assert_false(requested(f.q, 5));
	teardown(&f);
}

/* A reset takes the line down with the interrupt. */
static void reset(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;

	setup(&f, d, 5, "");
	request_locality(f.q, d);
	enable_interrupts(f.q, d);
	relinquish(f.q, d);
	request_locality(f.q, d);
	qtest_reset(f.q);
	level_triggered(f.q, 5);
	g_assert_false(requested(f.q, 5));
	teardown(&f);
}

/* A guest that never enabled the TPM's interrupts uses it beside a serial port. */
static void shared(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;

	setup(&f, d, 4, "-chardev null,id=nul -device isa-serial,chardev=nul");
	level_triggered(f.q, 4);
	g_assert_false(requested(f.q, 4));
	qtest_out(f.q, UART + 1, UART_IER_THRI, 1);
	g_assert_true(requested(f.q, 4));
	request_locality(f.q, d);
	g_assert_true(requested(f.q, 4));
	qtest_readl(f.q, BASE + 0x14);
	qtest_readl(f.q, BASE + 0x24);
	g_assert_true(requested(f.q, 4));
	relinquish(f.q, d);
	g_assert_true(requested(f.q, 4));
	qtest_out(f.q, UART + 1, 0, 1);
	g_assert_false(requested(f.q, 4));
	teardown(&f);
}

/* Line 0 is the timer's: a TPM with irq=0 has none. */
static void none(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;
	bool before;

	setup(&f, d, 0, "");
	before = requested(f.q, 0);
	if (!d->crb) {
		g_assert_cmphex(qtest_readb(f.q, BASE + 0x0C), ==, 0);
	}
	request_locality(f.q, d);
	enable_interrupts(f.q, d);
	relinquish(f.q, d);
	request_locality(f.q, d);
	g_assert_cmpint(requested(f.q, 0), ==, before);
	g_assert_false(before);
	teardown(&f);
}

/* TPM2_GetRandom by the indexed door, with @bits of CSUM_EXPECT in the same write. */
static void ring(QtestClient *q, const struct device *d, uint32_t bits)
{
	static const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };
	uint64_t page = BASE + (d->crb ? 0x6000 : 0);
	uint32_t ticket = qtest_readl(q, page + 0xFD0) + 1;

	qtest_writel(q, page + 0xFC0, 0);
	qtest_write(q, page + 0x100, cmd, sizeof(cmd));
	qtest_writeq(q, page + 0xFC8, (uint64_t)ticket << 32 | bits);
	qtest_await(q, page + 0xFD8, 4, UINT32_MAX, ticket);
}

/* What the controller keeps is the edge. */
static void edge_of_a_completion(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;
	unsigned int i;

	setup(&f, d, 3, "");
	request_locality(f.q, d);
	ring(f.q, d, 0);
	g_assert_false(requested(f.q, 3));
	ring(f.q, d, 1 << 17);
	/* The line is set in the main loop. */
	for (i = 0; i < 1000 && !requested(f.q, 3); i++) {
		g_usleep(1000);
	}
	g_assert_true(requested(f.q, 3));
	teardown(&f);
}

static void edge_of_a_request(gconstpointer data)
{
	const struct device *d = data;
	struct fixture f;

	setup(&f, d, 3, "");
	request_locality(f.q, d);
	ring(f.q, d, 1 << 18);
	g_assert_false(requested(f.q, 3));
	request(f.q, d, 1);
	g_assert_true(requested(f.q, 3));
	teardown(&f);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(devices); i++) {
#define ADD(test, func) do { \
		g_autofree char *path = g_strdup_printf("/interrupt/%s/%s", test, \
							devices[i].name); \
		g_test_add_data_func(path, &devices[i], func); \
	} while (0)
		ADD("own", own);
		ADD("reset", reset);
		ADD("shared", shared);
		ADD("none", none);
		ADD("edge-completion", edge_of_a_completion);
		ADD("edge-request", edge_of_a_request);
	}
	return g_test_run();
}
