/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-tis-indexed as a QEMU device: properties, errors, counters, widths, bad
 * input that must not stop QEMU, streams that lie.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tis.h"

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
	enum tis_door door;

	(void)data;
	for (door = TIS_FIFO; door <= TIS_INDEXED; door++) {
		struct tis t;

		tis_init(&t, f->q, door, 0x51);
		t.ticket = tpm_stub_executed(f->stub) + 1;
		g_assert_true(tis_transaction(&t));
		g_assert_true(tis_response_is(&t, t.ticket));
	}
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "commands"), ==, 2);
}

/*
 * The price of a command in trapped accesses, for the transaction of the
 * specification page: 30 bytes there, 38 back, locality requested and released.
 */
static void trapped_accesses(struct fixture *f, gconstpointer data)
{
	uint64_t reads, writes;
	struct tis t;

	(void)data;
	tis_init(&t, f->q, TIS_INDEXED, 0x12);
	g_assert_true(tis_transaction(&t));
	writes = qtest_qom_get_uint(f->q, "tpm", "mmio-writes");
	reads = qtest_qom_get_uint(f->q, "tpm", "mmio-reads");
	/* request, INDEX, 4 window, doorbell, INDEX, relinquish */
	g_assert_cmpuint(writes, ==, 9);
	/* ACCESS, 5 window, CSUM, and as many polls as the TPM took */
	g_assert_cmpuint(reads, >=, 8);

	tis_init(&t, f->q, TIS_FIFO, 0x12);
	g_assert_true(tis_transaction(&t));
	/* request, commandReady, the bytes, tpmGo, commandReady, relinquish */
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "mmio-writes") - writes,
			 ==, 2 + TIS_CMD_SIZE + 3);
	g_assert_cmpuint(qtest_qom_get_uint(f->q, "tpm", "mmio-reads") - reads,
			 >=, 1 + 1 + 2 + TIS_RSP_SIZE + 1);
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
	struct tis t;

	(void)data;
	tis_init(&t, f->q, TIS_INDEXED, 0x12);
	t.budget = 5;
	g_assert_false(tis_transaction(&t));
	g_assert_cmphex(qtest_readb(f->q, BASE), ==, 0xA1);
	qtest_reset(f->q);
	g_assert_cmphex(qtest_readb(f->q, BASE), ==, 0x81);
	tis_init(&t, f->q, TIS_INDEXED, 0x13);
	g_assert_true(tis_transaction(&t));
	qtest_reset(f->q);
	tis_init(&t, f->q, TIS_INDEXED, 0x14);
	t.ticket = 2;
	g_assert_true(tis_transaction(&t));
	g_assert_true(tis_response_is(&t, 2));
}

/* The PPI page is memory behind the five pages, and can be left out. */
static void ppi(gconstpointer data)
{
	bool on = GPOINTER_TO_UINT(data);
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 " DEVICE ",ppi=%s",
				     on ? "on" : "off");

	qtest_writel(q, BASE + 0x5010, 0x12345678);
	g_assert_cmphex(qtest_readl(q, BASE + 0x5010), ==, on ? 0x12345678 : 0);
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
	struct tis t;

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
	for (l = 0; l < 1000 && (qtest_readl(f->q, BASE + 0xFD4) & 8); l++) {
		g_usleep(1000);
	}
	ticket = qtest_readl(f->q, BASE + 0xFD0);
	qtest_writeb(f->q, BASE, 0x20);
	tis_init(&t, f->q, TIS_INDEXED, 0x14);
	t.ticket = ticket + 1;
	g_assert_true(tis_transaction(&t));
	g_assert_true(tis_response_is(&t, tpm_stub_executed(f->stub)));
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

static void save(TpmStub *stub, const char *file)
{
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 " DEVICE);
	struct tis t;

	tis_init(&t, q, TIS_INDEXED, 0x61);
	t.budget = 12;  /* a response half read */
	g_assert_false(tis_transaction(&t));
	qtest_save(q, file);
	qtest_stop(q);
}

static void load_fails(TpmStub *stub, const char *file, const char *want)
{
	g_autofree char *message = qtest_start_fails(tpm_stub_connect(stub),
		"-machine q35 " DEVICE " -incoming file:%s", file);

	g_test_message("%s", message);
	g_assert_nonnull(strstr(message, want));
}

static void smaller_backend(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = tis_temp_file();

	save(stub, file);
	tpm_stub_set_max_size(stub, 2048);
	load_fails(stub, file, "the source negotiated 4096 bytes");
	tpm_stub_free(stub);
	g_unlink(file);
}

static void other_family(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	TpmStub *tpm12 = tpm_stub_new(TPM_STUB_1_2);
	g_autofree char *file = tis_temp_file();

	save(stub, file);
	load_fails(tpm12, file, "differ in their TPM version");
	tpm_stub_free(tpm12);
	tpm_stub_free(stub);
	g_unlink(file);
}

/* Where the device's fields begin: after its name and the capacity, 16 KiB. */
static gsize find_state(const char *data, gsize len)
{
	static const char name[] = "tpm-tis-indexed", capacity[] = "\0\0\x40";
	const char *section = memmem(data, len, name, strlen(name));
	const char *field;

	g_assert_nonnull(section);
	field = memmem(section, 64, capacity, sizeof(capacity));
	g_assert_nonnull(field);
	return (gsize)(field - data) + sizeof(capacity);
}

/* A stream with a field out of its range is refused; the right one is not. */
static void lying_streams(void)
{
	static const struct { unsigned int at; uint8_t val; } lies[] = {
		{ 0, 9 },       /* loc[0].state */
		{ 0, 3 },       /* Execution, but nothing runs */
		{ 1, 1 },       /* access: no such stored bit */
		{ 2, 6 },       /* refused */
		{ 3, 0x08 },    /* int_status */
		{ 4, 0x01 },    /* int_enable, bit 24 */
		{ 16, 4 },      /* loc[1]: Completion without a response */
		{ 80 + 12, 9 }, /* last.size */
		{ 80 + 13 + 4, 0x10 },  /* fifo_len */
		{ 80 + 13 + 8, 0x10 },  /* rsp_len */
		{ 80 + 13 + 12, 0x10 }, /* rsp_pos */
		{ 80 + 13 + 20, 7 },    /* family */
		{ 80 + 13 + 21, 5 },    /* active */
		{ 80 + 13 + 22, 1 },    /* next */
		{ 80 + 13 + 23, 0 },    /* running */
		{ 80 + 13 + 24, 1 },    /* abort */
		{ 80 + 13 + 25, 3 },    /* cmd_owner */
		{ 80 + 13 + 26, 0xFF }, /* rsp_owner */
		{ 80 + 13 + 30, 0xFF }, /* bufsize */
	};
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = tis_temp_file();
	g_autofree char *data = NULL;
	QtestClient *q;
	gsize len, at;
	unsigned int i;

	save(stub, file);
	q = qtest_start(tpm_stub_connect(stub),
			"-machine q35 " DEVICE " -incoming file:%s", file);
	qtest_wait_running(q);
	qtest_stop(q);
	g_assert_true(g_file_get_contents(file, &data, &len, NULL));
	at = find_state(data, len);
	for (i = 0; i < G_N_ELEMENTS(lies); i++) {
		char was = data[at + lies[i].at];

		g_test_message("byte %u = %u (was %u)", lies[i].at, lies[i].val,
			       (uint8_t)was);
		g_assert_cmphex((uint8_t)was, !=, lies[i].val);
		data[at + lies[i].at] = (char)lies[i].val;
		g_assert_true(g_file_set_contents(file, data, (gssize)len, NULL));
		load_fails(stub, file, "holds no valid TPM state");
		data[at + lies[i].at] = was;
	}
	tpm_stub_free(stub);
	g_unlink(file);
}

static void die_while_running(struct fixture *f, gconstpointer data)
{
	static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1 };
	struct tis t;

	(void)data;
	tpm_stub_hold(f->stub);
	tis_init(&t, f->q, TIS_INDEXED, 0x77);
	t.budget = 8;
	g_assert_false(tis_transaction(&t));
	tpm_stub_wait_held(f->stub);
	tpm_stub_die(f->stub);
	g_assert_true(tis_resume(&t, f->q));
	g_assert_cmpmem(t.rsp, t.rsp_size, failure, sizeof(failure));
	/* and again, with the backend gone */
	tis_init(&t, f->q, TIS_FIFO, 0x78);
	g_assert_true(tis_transaction(&t));
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
	struct tis t;

	tpm_stub_set_answer(stub, lying_answer, (void *)data);
	tis_init(&t, q, TIS_INDEXED, 0x70);
	g_assert_true(tis_transaction(&t));
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
	for (i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_test_add_data_func(refusals[i].name, &refusals[i], refused);
	}
	g_test_add_func("/device/load/smaller-backend", smaller_backend);
	g_test_add_func("/device/load/other-family", other_family);
	g_test_add_func("/device/load/lies", lying_streams);
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
