/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-tis-indexed as a QEMU device: properties, errors, counters, widths, bad
 * input that must not stop QEMU.
 */
#include <string.h>

#include "txn.h"

#define BASE    0xFED40000u
#define DEVICE  "-device tpm-tis-indexed,id=tpm,tpmdev=tpm0"

struct fixture {
	TpmStub *stub;
	QtestClient *q;
};

static void setup(struct fixture *f, gconstpointer machine)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), "-machine %s " DEVICE,
			   machine ? (const char *)machine : "q35");
}

static void teardown(struct fixture *f, gconstpointer data)
{
	(void)data;
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

static void transaction(struct fixture *f, gconstpointer data)
{
	static const struct txn_kind *const doors[] = {
		&txn_fifo, &txn_indexed, &txn_ram,
	};
	unsigned int i;

	(void)data;
	for (i = 0; i < G_N_ELEMENTS(doors); i++) {
		struct txn t;

		txn_init(&t, f->q, doors[i], 0x51);
		t.ticket = tpm_stub_executed(f->stub) + 1;
		g_assert_true(txn_run(&t));
		g_assert_true(txn_response_is(&t, t.ticket));
	}
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "commands"), ==, 3);
}

/*
 * The price of a command in trapped accesses, for the transaction of the
 * specification page: 30 bytes there, 38 back, locality requested and released.
 */
static void trapped_accesses(struct fixture *f, gconstpointer data)
{
	uint64_t reads, writes;
	struct txn t;

	(void)data;
	txn_init(&t, f->q, &txn_indexed, 0x12);
	g_assert_true(txn_run(&t));
	writes = qtest_qom_get_uint(f->q, "tpm", "mmio-writes");
	reads = qtest_qom_get_uint(f->q, "tpm", "mmio-reads");
	/* request, INDEX, 4 window, doorbell, INDEX, relinquish */
	g_assert_cmpuint(writes, ==, 9);
	/* ACCESS, 5 window, CSUM, and as many polls as the TPM took */
	g_assert_cmpuint(reads, >=, 8);

	txn_init(&t, f->q, &txn_fifo, 0x12);
	g_assert_true(txn_run(&t));
	/* request, commandReady, the bytes, tpmGo, commandReady, relinquish */
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "mmio-writes") - writes,
			 ==, 2 + TXN_CMD_SIZE + 3);
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "mmio-reads") - reads,
			 >=, 1 + 1 + 2 + TXN_RSP_SIZE + 1);
}

/* Widths and alignments reach the engine as they are: one access each. */
static void widths(struct fixture *f, gconstpointer data)
{
	uint64_t before = qtest_qom_get_uint(f->q, "tpm", "mmio-reads");

	(void)data;
	g_assert_cmphex(qtest_readq(f->q, BASE + 0xF90), ==,
			0x0001000058495054ull);
	g_assert_cmphex(qtest_readl(f->q, BASE + 0xF92), ==, 0x00005849);
	g_assert_cmphex(qtest_readw(f->q, BASE + 0x1F91), ==, 0x4950);
	g_assert_cmphex(qtest_readb(f->q, BASE + 0x4F93), ==, 0x58);
	g_assert_cmphex(qtest_readq(f->q, BASE + 0x030), ==,
			0xFFFFFFFF00002100ull);
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "mmio-reads") - before,
			 ==, 5);
}

static void models(struct fixture *f, gconstpointer data)
{
	g_autofree char *text = NULL;
	JsonNode *reply = qtest_qmp(f->q, "query-tpm-models", NULL);

	(void)data;
	text = json_to_string(reply, FALSE);
	json_node_unref(reply);
	g_assert_nonnull(strstr(text, "\"tpm-tis-indexed\""));
	reply = qtest_qmp(f->q, "query-tpm", NULL);
	g_free(text);
	text = json_to_string(reply, FALSE);
	json_node_unref(reply);
	g_assert_nonnull(strstr(text, "\"tpm-tis-indexed\""));
}

static void reset(struct fixture *f, gconstpointer data)
{
	struct txn t;

	(void)data;
	txn_init(&t, f->q, &txn_indexed, 0x12);
	t.budget = 5;
	g_assert_false(txn_run(&t));
	g_assert_cmphex(qtest_readb(f->q, BASE), ==, 0xA1);
	qtest_reset(f->q);
	g_assert_cmphex(qtest_readb(f->q, BASE), ==, 0x81);
	txn_init(&t, f->q, &txn_indexed, 0x13);
	g_assert_true(txn_run(&t));
	qtest_reset(f->q);
	txn_init(&t, f->q, &txn_indexed, 0x14);
	t.ticket = 2;
	g_assert_true(txn_run(&t));
	g_assert_true(txn_response_is(&t, 2));
}

/* A whole page of memory behind the five pages; left out, nothing is there. */
static void ppi(gconstpointer data)
{
	bool on = GPOINTER_TO_UINT(data);
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 " DEVICE ",ppi=%s",
				     on ? "on" : "off");

	qtest_writel(q, BASE + 0x5010, 0x12345678);
	qtest_writel(q, BASE + 0x5FFC, 0x9ABCDEF0);
	g_assert_cmphex(qtest_readl(q, BASE + 0x5010), ==,
			on ? 0x12345678 : 0xFFFFFFFF);
	g_assert_cmphex(qtest_readl(q, BASE + 0x5FFC), ==,
			on ? 0x9ABCDEF0 : 0xFFFFFFFF);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/*
 * Without content until the firmware or the guest writes it, and not with what
 * QEMU's heap had there: bit 0 of movv would have the machine's memory wiped.
 */
static void ppi_clear(gconstpointer model)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	static const uint8_t clear[0x400];
	uint8_t page[sizeof(clear)];
	QtestClient *q;

	g_setenv("MALLOC_PERTURB_", "85", TRUE); /* glibc's: heap not as new */
	q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device %s,tpmdev=tpm0",
			(const char *)model);
	g_unsetenv("MALLOC_PERTURB_");
	qtest_read(q, BASE + 0x5000, page, sizeof(page));
	g_assert_cmpmem(page, sizeof(page), clear, sizeof(clear));
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* Every width at every offset from every locality: QEMU answers QMP, and an
 * honest command works afterwards. */
static void every_access(struct fixture *f, gconstpointer data)
{
	uint32_t off, ticket;
	unsigned int l, width;
	JsonNode *reply;
	struct txn t;

	(void)data;
	for (l = 0; l < 5; l++) {
		for (off = 0; off < 0x1000; off++) {
			if (off == 0x108) {
				off = 0xEF8; /* the window is like itself */
			}
			for (width = 1; width <= 8; width <<= 1) {
				uint64_t at = BASE + l * 0x1000 + off;

				qtest_read_width(f->q, at, width);
				qtest_write_width(f->q, at, off * 0x0101010101ull,
						  width);
				qtest_write_width(f->q, at, G_MAXUINT64, width);
			}
		}
	}
	reply = qtest_qmp(f->q, "query-status", NULL);
	json_node_unref(reply);
	for (l = 0; l < 5; l++) {
		qtest_writeb(f->q, BASE + l * 0x1000, 0x20);
	}
	for (l = 0; l < 5; l++) {
		qtest_writeb(f->q, BASE + l * 0x1000, 0x20);
	}
	qtest_writeb(f->q, BASE, 0x02);
	qtest_await(f->q, BASE + 0xFD4, 4, 8, 0);
	ticket = qtest_readl(f->q, BASE + 0xFD0);
	qtest_writeb(f->q, BASE, 0x20);
	txn_init(&t, f->q, &txn_indexed, 0x14);
	t.ticket = ticket + 1;
	g_assert_true(txn_run(&t));
	g_assert_true(txn_response_is(&t, tpm_stub_executed(f->stub)));
	g_assert_cmpuint(tpm_stub_malformed(f->stub), ==, 0);
}

struct refusal {
	const char *name;
	bool tpm;
	const char *args;
	const char *message;
};

static const struct refusal refusals[] = {
	{ "/device/error/no-tpmdev", false, "-device tpm-tis-indexed",
	  "'tpmdev' property is required" },
	{ "/device/error/unknown-tpmdev", false,
	  "-device tpm-tis-indexed,tpmdev=nix",
	  "Property 'tpm-tis-indexed.tpmdev' can't find value 'nix'" },
	{ "/device/error/second", true,
	  DEVICE " -device tpm-tis-indexed",
	  "at most one TPM device is permitted" },
	{ "/device/error/second-stock", true, DEVICE " -device tpm-tis",
	  "at most one TPM device is permitted" },
	{ "/device/error/tpmdev-twice", true,
	  DEVICE " -device tpm-tis-indexed,tpmdev=tpm0",
	  "TPM backend 'tpm0' is already initialized" },
	{ "/device/error/irq-16", true, DEVICE ",irq=16",
	  "IRQ 16 is outside valid range of 0 to 15" },
	{ "/device/error/irq-max", true, DEVICE ",irq=4294967295",
	  "IRQ 4294967295 is outside valid range of 0 to 15" },
	{ "/device/error/compat", true, DEVICE ",compat=perhaps", "compat" },
};

static void refused(gconstpointer data)
{
	const struct refusal *r = data;
	TpmStub *stub = r->tpm ? tpm_stub_new(TPM_STUB_2_0) : NULL;
	g_autofree char *message = qtest_start_fails(
		stub ? tpm_stub_connect(stub) : -1, "-machine q35 %s", r->args);

	g_test_message("%s", message);
	g_assert_nonnull(strstr(message, r->message));
	if (stub) {
		tpm_stub_free(stub);
	}
}

static void die_while_running(struct fixture *f, gconstpointer data)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	struct txn t;

	(void)data;
	tpm_stub_hold(f->stub);
	txn_init(&t, f->q, &txn_indexed, 0x77);
	t.budget = 8;
	g_assert_false(txn_run(&t));
	tpm_stub_wait_held(f->stub);
	tpm_stub_die(f->stub);
	g_assert_true(txn_resume(&t, f->q));
	g_assert_cmpmem(t.rsp, t.rsp_size, failure, sizeof(failure));
	/* and again, with the backend gone */
	txn_init(&t, f->q, &txn_fifo, 0x78);
	g_assert_true(txn_run(&t));
	g_assert_cmpmem(t.rsp, t.rsp_size, failure, sizeof(failure));
}

/* More than was negotiated, less than a header, another size than sent. */
static size_t lying_answer(void *opaque, const uint8_t *command, size_t size,
			   unsigned int nth, uint8_t *response, size_t max)
{
	uint32_t says = GPOINTER_TO_UINT(opaque);

	(void)command;
	(void)size;
	(void)nth;
	memset(response, 0xEE, max);
	response[0] = 0x80;
	response[1] = 0x01;
	response[2] = (uint8_t)(says >> 24);
	response[3] = (uint8_t)(says >> 16);
	response[4] = (uint8_t)(says >> 8);
	response[5] = (uint8_t)says;
	return MIN(says > 10 ? says : 10, max);
}

static void lying_backend(gconstpointer data)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 " DEVICE);
	struct txn t;

	tpm_stub_set_answer(stub, lying_answer, (void *)data);
	txn_init(&t, q, &txn_indexed, 0x70);
	g_assert_true(txn_run(&t));
	g_assert_cmpmem(t.rsp, t.rsp_size, failure, sizeof(failure));
	qtest_stop(q);
	tpm_stub_free(stub);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
#define ADD(path, machine, func) \
	g_test_add(path, struct fixture, machine, setup, func, teardown)
	ADD("/device/transaction/q35", "q35", transaction);
	ADD("/device/transaction/pc", "pc", transaction);
	ADD("/device/trapped-accesses", NULL, trapped_accesses);
	ADD("/device/widths", NULL, widths);
	ADD("/device/models", NULL, models);
	ADD("/device/reset", NULL, reset);
	ADD("/device/every-access", NULL, every_access);
	ADD("/device/backend-dies", NULL, die_while_running);
	g_test_add_data_func("/device/ppi/on", GUINT_TO_POINTER(1), ppi);
	g_test_add_data_func("/device/ppi/off", GUINT_TO_POINTER(0), ppi);
	g_test_add_data_func("/device/ppi/clear/tpm-tis-indexed", "tpm-tis-indexed",
			     ppi_clear);
	g_test_add_data_func("/device/ppi/clear/tpm-crb-ext", "tpm-crb-ext", ppi_clear);
	g_test_add_data_func("/device/ppi/clear-stock/tpm-tis", "tpm-tis", ppi_clear);
	g_test_add_data_func("/device/ppi/clear-stock/tpm-crb", "tpm-crb", ppi_clear);
	for (i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_test_add_data_func(refusals[i].name, &refusals[i], refused);
	}
	g_test_add_data_func("/device/backend-lies/0", GUINT_TO_POINTER(0),
			     lying_backend);
	g_test_add_data_func("/device/backend-lies/9", GUINT_TO_POINTER(9),
			     lying_backend);
	g_test_add_data_func("/device/backend-lies/4097",
			     GUINT_TO_POINTER(4097), lying_backend);
	g_test_add_data_func("/device/backend-lies/max",
			     GUINT_TO_POINTER(0xFFFFFFFF), lying_backend);
	return g_test_run();
}
