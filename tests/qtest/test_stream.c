/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration streams that lie, or that come from another machine: QEMU refuses
 * them with a message that says why.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "txn.h"

#define TIS "tpm-tis-indexed"
#define CRB "tpm-crb-ext"

static void save(TpmStub *stub, const struct txn_kind *kind, const char *options,
		 const char *file)
{
	QtestClient *q = qtest_start(tpm_stub_connect(stub), "-machine q35 "
				     "-device %s,id=tpm,tpmdev=tpm0%s",
				     kind->crb ? CRB : TIS, options);
	struct txn t;

	txn_init(&t, q, kind, 0x61);
	t.budget = 12; /* a response half read */
	g_assert_false(txn_run(&t));
	g_assert_cmpuint(t.start, >, 0);
	g_assert_cmpuint(t.start, <, 12);
	qtest_save(q, file);
	qtest_stop(q);
}

static void load_fails(TpmStub *stub, const char *device, const char *file,
		       const char *want)
{
	g_autofree char *message = qtest_start_fails(tpm_stub_connect(stub),
		"-machine q35 -device %s,id=tpm,tpmdev=tpm0 -incoming file:%s",
		device, file);

	g_test_message("%s", message);
	if (!strstr(message, want)) {
		g_error("%s: no \"%s\" in: %s", device, want, message);
	}
}

static void load(TpmStub *stub, const char *device, const char *file)
{
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
		"-machine q35 -device %s,id=tpm,tpmdev=tpm0 -incoming file:%s",
		device, file);

	qtest_wait_running(q);
	qtest_stop(q);
}

static const struct txn_kind *const sources[] = { &txn_indexed, &txn_crb_indexed };

static const char *device_of(const struct txn_kind *kind)
{
	return kind->crb ? CRB : TIS;
}

static void smaller_backend(gconstpointer kind)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = txn_temp_file();

	save(stub, kind, "", file);
	tpm_stub_set_max_size(stub, 2048);
	load_fails(stub, device_of(kind), file, "the source negotiated 4096 bytes");
	tpm_stub_free(stub);
	g_unlink(file);
}

/* The device of the destination has another window, whatever was negotiated. */
static void other_capacity(gconstpointer kind)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = txn_temp_file();
	static const char *const sizes[] = { "4K", "32K" };
	unsigned int i;

	save(stub, kind, "", file);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *device = g_strdup_printf(
			"%s,buffer-size=%s", device_of(kind), sizes[i]);

		/* RAM blocks come first in a stream: that they differ is said */
		load_fails(stub, device, file, "Size mismatch");
	}
	tpm_stub_free(stub);
	g_unlink(file);
}

/* Windows in RAM here, none there. */
static void other_ram(gconstpointer kind)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = txn_temp_file();
	g_autofree char *off = g_strdup_printf("%s,ram=off", device_of(kind));
	g_autofree char *bare = g_strdup_printf("%s,ppi=off", device_of(kind));

	save(stub, kind, "", file);
	load_fails(stub, off, file, "Unknown ramblock");
	save(stub, kind, ",ram=off", file);
	load(stub, off, file);
	load_fails(stub, bare, file, "the TPM's property 'ram' differs");
	tpm_stub_free(stub);
	g_unlink(file);
}

static void other_family(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	TpmStub *tpm12 = tpm_stub_new(TPM_STUB_1_2);
	g_autofree char *file = txn_temp_file();

	save(stub, &txn_indexed, "", file);
	load_fails(tpm12, TIS, file, "differ in their TPM version");
	tpm_stub_free(tpm12);
	tpm_stub_free(stub);
	g_unlink(file);
}

/* What the destination does not have: FIFO, localities; the other device. */
static void other_device(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = txn_temp_file();
	const char *invalid = "holds no valid TPM state";
	QtestClient *q;

	/* selected, and so active after the next reset */
	save(stub, &txn_crb_indexed, "", file);
	load(stub, CRB, file);
	load_fails(stub, TIS, file, "Unknown ramblock \"tpmix-crb\"");

	q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device " CRB
			",id=tpm,tpmdev=tpm0");
	qtest_writel(q, TXN_BASE + 0x30, 0); /* InterfaceSelector = FIFO */
	qtest_save(q, file);
	qtest_stop(q);
	load(stub, CRB, file);
	load_fails(stub, CRB ",fifo=off", file, invalid);

	q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device " CRB
			",id=tpm,tpmdev=tpm0,interface=fifo");
	qtest_save(q, file);
	qtest_stop(q);
	load(stub, CRB, file);
	load_fails(stub, CRB ",fifo=off", file, invalid);

	q = qtest_start(tpm_stub_connect(stub), "-machine q35 -device " CRB
			",id=tpm,tpmdev=tpm0");
	qtest_writel(q, TXN_BASE + 0x2008, 1); /* locality 2 is active */
	qtest_save(q, file);
	qtest_stop(q);
	load(stub, CRB, file);
	load_fails(stub, CRB ",localities=1", file, invalid);
	tpm_stub_free(stub);
	g_unlink(file);
}

/* Where the state begins: after the device's name, the capacity, 16 KiB, and irq. */
static gsize find_state(const char *data, gsize len, const char *name)
{
	static const char capacity[] = "\0\0\x40";
	const char *at = data, *field;

	/* RAM blocks have it in their names, too */
	for (;;) {
		at = memmem(at, len - (gsize)(at - data), name, strlen(name));
		g_assert_nonnull(at);
		field = memmem(at, 64, capacity, sizeof(capacity));
		if (field) {
			return (gsize)(field - data) + sizeof(capacity) + 4;
		}
		at++;
	}
}

struct lie {
	unsigned int at;
	uint8_t val;
	const char *message; /* NULL: the usual one */
};

#define LOC(n)   (17 * (n))
#define LAST     LOC(5)
#define REST     (LAST + 13)
#define CAPACITY ((unsigned int)-6) /* 16 KiB: 00 00 40 00 */
#define IRQ      ((unsigned int)-1) /* 00 00 00 03 */

/* Fields out of their range, or against each other. */
static const struct lie lies[] = {
	{ LOC(0), 9, NULL }, /* state */
	{ LOC(0), 3, NULL }, /* Execution, but nothing runs */
	{ LOC(0) + 1, 1, NULL }, /* access: no such stored bit */
	{ LOC(0) + 2, 6, NULL }, /* refused */
	{ LOC(0) + 3, 0x08, NULL }, /* int_status */
	{ LOC(0) + 4, 3, NULL }, /* armed */
	{ LOC(0) + 5, 0x01, NULL }, /* int_enable, bit 24 */
	{ LOC(0) + 13, 0x01, NULL }, /* csum_expect, bit 24 */
	{ LOC(1), 4, NULL }, /* Completion without a response */
	{ LOC(3) + 4, 0xFF, NULL }, /* armed */
	{ LAST + 12, 9, NULL }, /* size */
	{ REST + 4, 0x10, NULL }, /* fifo_len */
	{ REST + 8, 0x10, NULL }, /* rsp_len */
	{ REST + 12, 0x10, NULL }, /* rsp_pos */
	{ REST + 20, 7, NULL }, /* family */
	{ REST + 21, 5, NULL }, /* active */
	{ REST + 22, 0, NULL }, /* running */
	{ REST + 23, 1, NULL }, /* waiting */
	{ REST + 24, 1, NULL }, /* abort */
	{ REST + 25, 1, NULL }, /* notify */
	{ REST + 26, 3, NULL }, /* cmd_owner */
	{ REST + 27, 0xFF, NULL }, /* rsp_owner */
	{ REST + 28, 2, NULL }, /* interface */
	{ REST + 29, 2, NULL }, /* intf_sel */
	{ REST + 30, 2, NULL }, /* intf_sel_lock */
	{ REST + 31, 2, NULL }, /* selftest_done */
	{ REST + 32, 2, NULL }, /* established */
	{ REST + 33, 0xFF, NULL }, /* bufsize */
	{ CAPACITY, 0x80, "the TPM buffer sizes differ" },
	{ IRQ, 4, "the TPM's property 'irq' differs" },
};

/* A device without CRB. */
static const struct lie tis_lies[] = {
	{ REST + 28, 1, NULL }, /* interface */
	{ REST + 29, 1, NULL }, /* intf_sel */
};

/* The stream with one byte changed is refused. */
static void lie_about(TpmStub *stub, const char *device, const char *file,
		      const char *stream, gsize len, const struct lie *l)
{
	g_autofree char *data = g_memdup2(stream, len);
	gsize at = find_state(data, len, device) + (gsize)(int)l->at;

	g_test_message("byte %u = %u (was %u)", l->at, l->val, (uint8_t)data[at]);
	g_assert_cmphex((uint8_t)data[at], !=, l->val);
	data[at] = (char)l->val;
	g_assert_true(g_file_set_contents(file, data, (gssize)len, NULL));
	load_fails(stub, device, file, l->message ? l->message :
		   "holds no valid TPM state");
}

static void lying(gconstpointer kind)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	g_autofree char *file = txn_temp_file();
	const char *device = device_of(kind);
	g_autofree char *stream = NULL;
	unsigned int i;
	gsize len;

	save(stub, kind, "", file);
	load(stub, device, file);
	g_assert_true(g_file_get_contents(file, &stream, &len, NULL));
	for (i = 0; i < G_N_ELEMENTS(lies); i++) {
		lie_about(stub, device, file, stream, len, &lies[i]);
	}
	for (i = 0; kind == &txn_indexed && i < G_N_ELEMENTS(tis_lies); i++) {
		lie_about(stub, device, file, stream, len, &tis_lies[i]);
	}
	tpm_stub_free(stub);
	g_unlink(file);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(sources); i++) {
#define ADD(test, func) do { \
		g_autofree char *path = g_strdup_printf("/stream/%s/%s", test, \
							device_of(sources[i])); \
		g_test_add_data_func(path, sources[i], func); \
	} while (0)
		ADD("smaller-backend", smaller_backend);
		ADD("other-capacity", other_capacity);
		ADD("other-ram", other_ram);
		ADD("lies", lying);
	}
	g_test_add_func("/stream/other-family", other_family);
	g_test_add_func("/stream/other-device", other_device);
	return g_test_run();
}
