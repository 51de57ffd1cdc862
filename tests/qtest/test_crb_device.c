/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-crb-ext as a QEMU device: properties and their errors, the memory map, which
 * interface is there, active and selected; windows of tpm-tis-indexed, too.
 */
#include <string.h>

#include "txn.h"

#define BASE    0xFED40000u
#define DEVICE  "-device tpm-crb-ext,id=tpm,tpmdev=tpm0"
#define TIS     "-device tpm-tis-indexed,id=tpm,tpmdev=tpm0"
#define STOCK   "-device tpm-crb,id=tpm,tpmdev=tpm0"

struct fixture {
	TpmStub *stub;
	QtestClient *q;
};

static void setup(struct fixture *f, gconstpointer device)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub), "-machine q35 %s",
			   device ? (const char *)device : DEVICE);
}

static void teardown(struct fixture *f, gconstpointer device)
{
	(void)device;
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

/* Properties that realize refuses */

struct refusal {
	const char *name;
	const char *args;
	const char *message;
	bool tpm12;
};

#define SIZE_MESSAGE "'buffer-size' must be a power of 2 from 4K to 64K, not "

static const struct refusal refusals[] = {
	{ "buffer-size-0", DEVICE ",buffer-size=0", SIZE_MESSAGE "0", false },
	{ "buffer-size-2k", DEVICE ",buffer-size=2K", SIZE_MESSAGE "2048", false },
	{ "buffer-size-5000", DEVICE ",buffer-size=5000", SIZE_MESSAGE "5000",
	  false },
	{ "buffer-size-12k", DEVICE ",buffer-size=12K", SIZE_MESSAGE "12288",
	  false },
	{ "buffer-size-128k", DEVICE ",buffer-size=128K", SIZE_MESSAGE "131072",
	  false },
	{ "buffer-size-4g", DEVICE ",buffer-size=4G", "buffer-size", false },
	{ "tis-buffer-size-6k", TIS ",buffer-size=6K", SIZE_MESSAGE "6144", false },
	{ "interface-x", DEVICE ",interface=x",
	  "'interface' must be 'crb' or 'fifo', not 'x'", false },
	{ "interface-empty", DEVICE ",interface=",
	  "'interface' must be 'crb' or 'fifo', not ''", false },
	{ "interface-fifo-off", DEVICE ",interface=fifo,fifo=off",
	  "'interface=fifo' needs 'fifo=on'", false },
	{ "localities-0", DEVICE ",localities=0",
	  "'localities' must be 1 or 5, not 0", false },
	{ "localities-3", DEVICE ",localities=3",
	  "'localities' must be 1 or 5, not 3", false },
	{ "localities-256", DEVICE ",localities=256", "localities", false },
	{ "irq-16", DEVICE ",irq=16",
	  "IRQ 16 is outside valid range of 0 to 15", false },
	{ "tpm12", DEVICE, "CRB is for TPM 2.0, and the backend is not one", true },
	{ "tpm12-fifo", DEVICE ",interface=fifo",
	  "CRB is for TPM 2.0, and the backend is not one", true },
	{ "two", DEVICE " -device tpm-crb-ext,tpmdev=tpm0",
	  "TPM backend 'tpm0' is already initialized", false },
	{ "second", DEVICE " -device tpm-crb-ext",
	  "at most one TPM device is permitted", false },
	{ "second-indexed", DEVICE " -device tpm-tis-indexed",
	  "at most one TPM device is permitted", false },
	{ "second-stock", DEVICE " -device tpm-crb",
	  "at most one TPM device is permitted", false },
	{ "no-tpmdev", "-device tpm-crb-ext", "'tpmdev' property is required",
	  false },
	{ "unknown-tpmdev", "-device tpm-crb-ext,tpmdev=nix",
	  "Property 'tpm-crb-ext.tpmdev' can't find value 'nix'", false },
	/* what the other model does not have */
	{ "tis-interface", TIS ",interface=fifo", "interface", false },
	{ "tis-localities", TIS ",localities=1", "localities", false },
};

static void refused(gconstpointer data)
{
	const struct refusal *r = data;
	TpmStub *stub = tpm_stub_new(r->tpm12 ? TPM_STUB_1_2 : TPM_STUB_2_0);
	g_autofree char *message = qtest_start_fails(tpm_stub_connect(stub),
						     "-machine q35 %s", r->args);

	g_test_message("%s", message);
	if (!strstr(message, r->message)) {
		g_error("no \"%s\" in: %s", r->message, message);
	}
	tpm_stub_free(stub);
}

static void models(struct fixture *f, gconstpointer device)
{
	static const char *const queries[] = { "query-tpm-models", "query-tpm" };
	unsigned int i;

	(void)device;
	for (i = 0; i < G_N_ELEMENTS(queries); i++) {
		JsonNode *reply = qtest_qmp(f->q, queries[i], NULL);
		g_autofree char *text = json_to_string(reply, FALSE);

		json_node_unref(reply);
		g_assert_nonnull(strstr(text, "\"tpm-crb-ext\""));
	}
}

/* The memory map */

/* "START-END type" of a region, of each part, as "info mtree -f" has it; or "". */
static char *mapped(QtestClient *q, const char *region)
{
	JsonNode *reply = qtest_qmp(q, "human-monitor-command",
				    "{\"command-line\":\"info mtree -f\"}");
	g_auto(GStrv) lines = g_strsplit(json_node_get_string(reply), "\n", -1);
	g_autofree char *suffix = g_strdup_printf(": %s", region);
	GString *found = g_string_new(NULL);
	unsigned int i;

	for (i = 0; lines[i]; i++) {
		g_auto(GStrv) w = NULL;
		char *end = strstr(lines[i], suffix);

		if (found->len && g_str_has_prefix(lines[i], "FlatView")) {
			break;
		}
		if (!end || g_ascii_isgraph(end[strlen(suffix)])) {
			continue;
		}
		*end = '\0';
		/* "  0...fed50000-0...fed53fff (prio 0, ram)" */
		w = g_strsplit_set(g_strchug(lines[i]), " -", -1);
		g_assert_cmpuint(g_strv_length(w), >=, 5);
		w[4][strlen(w[4]) - 1] = '\0'; /* the bracket */
		g_string_append_printf(found, "%s%s-%s %s", found->len ? ", " : "",
				       w[0] + 8, w[1] + 8, w[4]);
	}
	json_node_unref(reply);
	return g_string_free(found, FALSE);
}

static void assert_mapped(QtestClient *q, const char *region, const char *want)
{
	g_autofree char *is = mapped(q, region);

	if (strcmp(is, want)) {
		g_error("%s is '%s', not '%s'", region, is, want);
	}
}

struct map {
	const char *name;
	const char *device;
	/* "" is not there */
	const char *page, *mmio, *header, *cmd, *rsp, *ppi;
};

#define HEADER "fed70000-fed7ffff rom"
#define PPI "fed45000-fed45fff ram"

/* Where no memory is, all of the space traps, also what is not there. */
static const struct map maps[] = {
	{ "crb", DEVICE, "fed40000-fed40fff romd",
	  "fed41000-fed44fff i/o, fed46000-fed4ffff i/o, "
	  "fed54000-fed5ffff i/o, fed64000-fed6ffff i/o", HEADER,
	  "fed50000-fed53fff ram", "fed60000-fed63fff rom", PPI },
	{ "crb-4k", DEVICE ",buffer-size=4K", "fed40000-fed40fff romd",
	  "fed41000-fed44fff i/o, fed46000-fed4ffff i/o, "
	  "fed51000-fed5ffff i/o, fed61000-fed6ffff i/o", HEADER,
	  "fed50000-fed50fff ram", "fed60000-fed60fff rom", PPI },
	{ "crb-64k", DEVICE ",buffer-size=64K,ppi=off", "fed40000-fed40fff romd",
	  "fed41000-fed4ffff i/o", HEADER,
	  "fed50000-fed5ffff ram", "fed60000-fed6ffff rom", "" },
	{ "crb-one-locality", DEVICE ",localities=1,buffer-size=64K",
	  "fed40000-fed40fff romd",
	  "fed41000-fed44fff i/o, fed46000-fed4ffff i/o", HEADER,
	  "fed50000-fed5ffff ram", "fed60000-fed6ffff rom", PPI },
	/* DATA_FIFO has to trap */
	{ "crb-fifo", DEVICE ",interface=fifo,buffer-size=64K",
	  "fed40000-fed40fff i/o",
	  "fed41000-fed44fff i/o, fed46000-fed4ffff i/o", HEADER,
	  "fed50000-fed5ffff ram", "fed60000-fed6ffff rom", PPI },
	{ "tis", TIS, "",
	  "fed40000-fed44fff i/o, fed46000-fed4ffff i/o, "
	  "fed54000-fed5ffff i/o, fed64000-fed6ffff i/o", HEADER,
	  "fed50000-fed53fff ram", "fed60000-fed63fff rom", PPI },
	{ "tis-32k", TIS ",buffer-size=32K,ram=on,ppi=off", "",
	  "fed40000-fed4ffff i/o, fed58000-fed5ffff i/o, "
	  "fed68000-fed6ffff i/o", HEADER,
	  "fed50000-fed57fff ram", "fed60000-fed67fff rom", "" },
	/* as where the machine's memory is confidential */
	{ "tis-ram-off", TIS ",ram=off", "", "fed40000-fed7ffff i/o", "", "", "",
	  "" },
	{ "crb-ram-off", DEVICE ",ram=off", "", "fed40000-fed7ffff i/o", "", "",
	  "", "" },
};

static void memory_map(gconstpointer data)
{
	const struct map *m = data;
	uint32_t page, size;
	struct fixture f;
	bool ram;

	setup(&f, m->device);
	assert_mapped(f.q, "tpmix-crb", m->page);
	assert_mapped(f.q, "tpmix-mmio", m->mmio);
	assert_mapped(f.q, "tpmix-header", m->header);
	assert_mapped(f.q, "tpmix-cmd", m->cmd);
	assert_mapped(f.q, "tpmix-rsp", m->rsp);
	assert_mapped(f.q, "tpmix-ppi", m->ppi);

	/* and a guest is told the same */
	page = strstr(m->device, "crb") ? BASE + 0x6000 : BASE;
	ram = m->cmd[0];
	size = ram ? (uint32_t)(g_ascii_strtoull(m->cmd + 9, NULL, 16) + 1 -
				0xFED50000) : 0;
	g_assert_cmphex(qtest_readl(f.q, page + 0xF98) & 8, ==, ram ? 8 : 0);
	g_assert_cmphex(qtest_readl(f.q, page + 0xFA4), ==, size);
	g_assert_cmphex(qtest_readq(f.q, page + 0xFA8), ==, ram ? 0xFED50000 : 0);
	g_assert_cmphex(qtest_readq(f.q, page + 0xFB0), ==, ram ? 0xFED60000 : 0);
	g_assert_cmphex(qtest_readq(f.q, page + 0xFB8), ==, ram ? 0xFED70000 : 0);
	if (!ram) {
		size = 0x4000;
	}
	/* negotiated: the backend takes 4096 */
	g_assert_cmphex(qtest_readl(f.q, page + 0xF9C), ==, MIN(size, 4096));
	teardown(&f, NULL);
}

/* Interfaces: PTP 1.05 tables 18 and 24 */

struct intf {
	const char *name;
	const char *device;
	uint32_t id;
};

static const struct intf intfs[] = {
	{ "default", DEVICE, 0x00027911 },
	{ "fifo-off", DEVICE ",fifo=off", 0x00025911 },
	{ "one-locality", DEVICE ",localities=1", 0x00027811 },
	{ "as-stock", DEVICE ",fifo=off,localities=1", 0x00025811 },
	{ "interface-fifo", DEVICE ",interface=fifo", 0x00006100 },
	{ "interface-fifo-one", DEVICE ",interface=fifo,localities=1", 0x00006000 },
	{ "interface-crb", DEVICE ",interface=crb", 0x00027911 },
	{ "stock", STOCK, 0x00025811 },
};

static void intf_id(gconstpointer data)
{
	const struct intf *i = data;
	struct fixture f;

	setup(&f, i->device);
	g_assert_cmphex(qtest_readl(f.q, BASE + 0x30), ==, i->id);
	g_assert_cmphex(qtest_readw(f.q, BASE + 0x32), ==, i->id >> 16);
	g_assert_cmphex(qtest_readb(f.q, BASE + 0x31), ==, (i->id >> 8) & 0xFF);
	if (i->id & 1) {
		g_assert_cmphex(qtest_readl(f.q, BASE + 0x34), ==, 0x00001014);
	}
	teardown(&f, NULL);
}

static void assert_active(struct fixture *f, const char *interface, uint32_t id)
{
	JsonNode *name = qtest_qmp(f->q, "qom-get", "{\"path\":\"/machine/peripheral/"
				   "tpm\",\"property\":\"active-interface\"}");

	g_assert_cmpstr(json_node_get_string(name), ==, interface);
	json_node_unref(name);
	g_assert_cmphex(qtest_readl(f->q, BASE + 0x30), ==, id);
	assert_mapped(f->q, "tpmix-crb", strcmp(interface, "crb") ?
		      "fed40000-fed40fff i/o" : "fed40000-fed40fff romd");
}

static void command(struct fixture *f, const struct txn_kind *kind)
{
	unsigned int nth = tpm_stub_executed(f->stub) + 1;
	struct txn t;

	txn_init(&t, f->q, kind, (uint8_t)nth);
	t.ticket = nth;
	g_assert_true(txn_run(&t));
	g_assert_true(txn_response_is(&t, nth));
}

/* InterfaceSelector counts from the next TPM_INIT on, and back. */
static void selector(struct fixture *f, gconstpointer device)
{
	(void)device;
	assert_active(f, "crb", 0x00027911);
	command(f, &txn_crb);
	qtest_writel(f->q, BASE + 0x30, 0);
	assert_active(f, "crb", 0x00007911);
	command(f, &txn_crb);
	qtest_reset(f->q);
	assert_active(f, "fifo", 0x00006100);
	command(f, &txn_crb_fifo);
	command(f, &txn_crb_fifo_indexed);
	/* the upper half alone, from another locality */
	qtest_writew(f->q, BASE + 0x3032, 0x0002);
	assert_active(f, "fifo", 0x00026100);
	command(f, &txn_crb_fifo);
	qtest_reset(f->q);
	assert_active(f, "crb", 0x00027911);
	command(f, &txn_crb_linux);
	command(f, &txn_crb_ram);
}

/* Writes that select nothing. */
static void selector_ignored(struct fixture *f, gconstpointer device)
{
	static const struct { uint32_t off, val; unsigned int width; } w[] = {
		{ 0x30, 0x00040000, 4 }, /* reserved selectors */
		{ 0x30, 0x00060000, 4 },
		{ 0x30, 0x00000000, 1 }, /* the selector is not written */
		{ 0x30, 0x00000000, 2 },
		{ 0x33, 0x00000000, 1 },
		{ 0x4030, 0x00000000, 4 }, /* locality 4 */
	};
	unsigned int i;

	(void)device;
	for (i = 0; i < G_N_ELEMENTS(w); i++) {
		qtest_write_width(f->q, BASE + w[i].off, w[i].val, w[i].width);
		assert_active(f, "crb", 0x00027911);
	}
}

/* SeaBIOS selects, then locks with selector bits 0. Until TPM_INIT. */
static void selector_lock(struct fixture *f, gconstpointer device)
{
	(void)device;
	qtest_writel(f->q, BASE + 0x30, 0x00020000);
	qtest_writel(f->q, BASE + 0x30, 0x00080000);
	assert_active(f, "crb", 0x000A7911);
	qtest_writel(f->q, BASE + 0x30, 0);
	qtest_writew(f->q, BASE + 0x32, 0);
	assert_active(f, "crb", 0x000A7911);
	qtest_reset(f->q);
	assert_active(f, "crb", 0x00027911);
	qtest_writel(f->q, BASE + 0x30, 0);
	assert_active(f, "crb", 0x00007911);
}

/* An interface that is not there is not selected. */
static void selector_absent(struct fixture *f, gconstpointer device)
{
	(void)device;
	qtest_writel(f->q, BASE + 0x30, 0);
	assert_active(f, "crb", 0x00025911);
	qtest_reset(f->q);
	assert_active(f, "crb", 0x00025911);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
#define ADD_ALL(prefix, table, func) \
	for (i = 0; i < G_N_ELEMENTS(table); i++) { \
		g_autofree char *path = g_strdup_printf("/crb/" prefix "/%s", \
							table[i].name); \
		g_test_add_data_func(path, &table[i], func); \
	}
#define ADD(path, device, func) \
	g_test_add("/crb/" path, struct fixture, device, setup, func, teardown)
	ADD_ALL("error", refusals, refused);
	ADD("models", NULL, models);
	ADD_ALL("map", maps, memory_map);
	ADD_ALL("intf-id", intfs, intf_id);
	ADD("selector/switches", NULL, selector);
	ADD("selector/ignored", NULL, selector_ignored);
	ADD("selector/lock", NULL, selector_lock);
	ADD("selector/absent", DEVICE ",fifo=off", selector_absent);
	return g_test_run();
}
