/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ACPI says of the devices, as firmware gets it from fw_cfg, and what guests
 * make of it: for each that treats memory resources in its own way a model of just
 * that, over the AML and the registers that there really are.
 */
#include <string.h>

#include "txn.h"

#define BASE       0xFED40000u
#define SPACE_SIZE 0x40000u
#define DID_VID    0x00011014u

/* QEMU's docs/specs/fw_cfg.rst */
#define FW_CFG_DMA      0x518 /* lower half of the address, big endian; starts */
#define FW_CFG_FILE_DIR 0x19u
#define FW_CFG_READ     0x02u
#define FW_CFG_SELECT   0x08u
#define SCRATCH         0x100000u /* of the guest's RAM */

struct range {
	uint64_t start, size;
};

struct description {
	char hid[16];
	struct range ranges[8];
	unsigned int num;
	uint16_t irqs; /* a bit for each ISA line */
	/* TPM2 table */
	uint64_t control_area;
	uint32_t start_method;
};

struct fixture {
	TpmStub *stub;
	QtestClient *q;
};

static void fw_cfg_read(QtestClient *q, uint32_t item, void *data, uint32_t size)
{
	struct {
		uint32_t control, length;
		uint64_t address;
	} dma = {
		.control = GUINT32_TO_BE(item << 16 | FW_CFG_SELECT | FW_CFG_READ),
		.length = GUINT32_TO_BE(size),
		.address = GUINT64_TO_BE((uint64_t)SCRATCH + sizeof(dma)),
	};

	qtest_write(q, SCRATCH, &dma, sizeof(dma));
	qtest_out(q, FW_CFG_DMA, GUINT32_TO_BE(SCRATCH), 4);
	g_assert_cmphex(qtest_readl(q, SCRATCH), ==, 0);
	qtest_read(q, SCRATCH + sizeof(dma), data, size);
}

/* All ACPI tables in one piece, g_byte_array_unref(). */
static GByteArray *read_tables(QtestClient *q)
{
	struct {
		uint32_t size;
		uint16_t select, reserved;
		char name[56];
	} files[64];
	GByteArray *tables = g_byte_array_new();
	uint32_t num, i;
	uint8_t *dir;

	fw_cfg_read(q, FW_CFG_FILE_DIR, &num, sizeof(num));
	num = GUINT32_FROM_BE(num);
	g_assert_cmpuint(num, <=, G_N_ELEMENTS(files));
	dir = g_malloc(4 + sizeof(files));
	fw_cfg_read(q, FW_CFG_FILE_DIR, dir, 4 + num * (uint32_t)sizeof(files[0]));
	memcpy(files, dir + 4, num * sizeof(files[0]));
	g_free(dir);
	for (i = 0; i < num; i++) {
		if (!strcmp(files[i].name, "etc/acpi/tables")) {
			g_byte_array_set_size(tables,
					      GUINT32_FROM_BE(files[i].size));
			fw_cfg_read(q, GUINT16_FROM_BE(files[i].select),
				    tables->data, tables->len);
			return tables;
		}
	}
	g_error("fw_cfg has no ACPI tables");
}

static uint32_t le32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

/* The table of that signature, or NULL. They follow each other, then zeros. */
static const uint8_t *find_table(const GByteArray *tables, const char *signature)
{
	uint32_t at = 0, length;

	while (at + 8 <= tables->len && (length = le32(tables->data + at + 4))) {
		g_assert_cmpuint(length, <=, tables->len - at);
		if (!memcmp(tables->data + at, signature, 4)) {
			return tables->data + at;
		}
		at += length;
	}
	return NULL;
}

/* ACPI 20.2.4: PkgLength; moves on behind it. */
static uint32_t package_length(const uint8_t **at)
{
	unsigned int more = **at >> 6, i;
	uint32_t length = **at & (more ? 0x0F : 0x3F);

	for (i = 1; i <= more; i++) {
		length |= (uint32_t)(*at)[i] << (8 * i - 4);
	}
	*at += more + 1;
	return length;
}

/* ACPI 6.4: the resources of a template. */
static void read_resources(struct description *d, const uint8_t *at, const uint8_t *end)
{
	while (*at != 0x79) { /* End Tag */
		if (*at == 0x22) { /* IRQ Descriptor: without flags, so edges */
			d->irqs = (uint16_t)(at[1] | at[2] << 8);
			at += 3;
			continue;
		}
		g_assert_cmphex(*at, ==, 0x86); /* Memory32Fixed */
		g_assert_cmpuint(at[1] | at[2] << 8, ==, 9);
		g_assert_cmpuint(d->num, <, G_N_ELEMENTS(d->ranges));
		d->ranges[d->num].start = le32(at + 4);
		d->ranges[d->num++].size = le32(at + 8);
		at += 12;
		g_assert_true(at < end);
	}
}

/* False where there is no device TPM. */
static bool read_device(struct description *d, const uint8_t *dsdt)
{
	static const uint8_t name[] = { 'T', 'P', 'M', '_' };
	const uint8_t *end = dsdt + le32(dsdt + 4), *at = dsdt, *from, *field;
	uint32_t length;

	do {
		at = memmem(at, (gsize)(end - at), "\x5B\x82", 2); /* DeviceOp */
		if (!at) {
			return false;
		}
		at += 2;
		from = at;
		length = package_length(&from);
	} while (memcmp(from, name, sizeof(name)));
	end = at + length;

	field = memmem(from, (gsize)(end - from), "\x08_HID\x0D", 6);
	g_assert_nonnull(field);
	g_strlcpy(d->hid, (const char *)field + 6, sizeof(d->hid));
	field = memmem(from, (gsize)(end - from), "\x08_CRS\x11", 6);
	g_assert_nonnull(field);
	field += 6;
	package_length(&field);
	g_assert_cmphex(*field, ==, 0x0A); /* BytePrefix: the buffer's size */
	read_resources(d, field + 2, end);
	return true;
}

static bool read_description(QtestClient *q, struct description *d)
{
	GByteArray *tables = read_tables(q);
	const uint8_t *dsdt = find_table(tables, "DSDT");
	const uint8_t *tpm2 = find_table(tables, "TPM2");
	bool found;

	*d = (struct description) { 0 };
	g_assert_nonnull(dsdt);
	found = read_device(d, dsdt);
	if (tpm2) {
		d->control_area = le32(tpm2 + 40) | (uint64_t)le32(tpm2 + 44) << 32;
		d->start_method = le32(tpm2 + 48);
	}
	g_byte_array_unref(tables);
	return found;
}

static bool within(const struct range *r, uint64_t start, uint64_t size)
{
	return start >= r->start && size <= r->size &&
	       start - r->start <= r->size - size;
}

static uint64_t cmd_address(QtestClient *q, uint64_t regs)
{
	return qtest_readl(q, regs + 0x5C) |
	       (uint64_t)qtest_readl(q, regs + 0x60) << 32;
}

/* Guests; @first and @last of the resources are all that some of them look at. */

/* Linux' tpm_tis since it looks at all of them, Windows: the first. */
static void tis_first(QtestClient *q, const struct description *d)
{
	g_assert_cmpuint(d->ranges[0].size, >=, 0x5000);
	g_assert_cmphex(qtest_readl(q, d->ranges[0].start + 0xF00), ==, DID_VID);
}

/* Before that its callback was called for each, and what it kept is the last. */
static void tis_last(QtestClient *q, const struct description *d)
{
	const struct range *last = &d->ranges[d->num - 1];

	g_assert_cmpuint(last->size, >=, 0x5000);
	g_assert_cmphex(qtest_readl(q, last->start + 0xF00), ==, DID_VID);
}

/*
 * Linux' tpm_crb up to 5.4: the last resource, whose head is to be right before the
 * control area of the TPM2 table; the buffers are mapped as part of it, or apart.
 */
static void crb_last(QtestClient *q, const struct description *d)
{
	const struct range *last = &d->ranges[d->num - 1];

	g_assert_cmphex(d->control_area, ==, last->start + 0x40);
	g_assert_true(within(last, cmd_address(q, last->start),
			     qtest_readl(q, last->start + 0x58)));
	g_assert_true(within(last, qtest_readq(q, last->start + 0x68),
			     qtest_readl(q, last->start + 0x64)));
}

/* Linux' tpm_crb since: a buffer is part of the resource that has all of it. */
static void crb_any(QtestClient *q, const struct description *d)
{
	uint64_t cmd = cmd_address(q, d->control_area - 0x40);
	unsigned int i;

	for (i = 0; i < d->num; i++) {
		if (within(&d->ranges[i], cmd,
			   qtest_readl(q, d->control_area + 0x18))) {
			return;
		}
	}
	g_assert_not_reached();
}

/*
 * FreeBSD's tpmcrb: the first resource is what it maps; the buffers' addresses
 * become offsets in the range that has them, and are used as offsets in the first.
 */
static void crb_offsets(QtestClient *q, const struct description *d)
{
	static const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0 };
	uint64_t first = d->ranges[0].start;
	uint64_t to = cmd_address(q, first), from = qtest_readq(q, first + 0x68);
	uint8_t rsp[10];
	unsigned int i;

	for (i = 0; i < d->num; i++) {
		const struct range *r = &d->ranges[i];

		to -= to > r->start && within(r, to, 1) ? r->start : 0;
		from -= from > r->start && within(r, from, 1) ? r->start : 0;
	}
	g_assert_cmphex(to, <, d->ranges[0].size);
	g_assert_cmphex(from, <, d->ranges[0].size);
	qtest_writel(q, first + 0x08, 1);
	qtest_writel(q, first + 0x40, 1);
	qtest_write(q, first + to, cmd, sizeof(cmd));
	qtest_writel(q, first + 0x4C, 1);
	qtest_await(q, first + 0x4C, 4, 1, 0);
	qtest_read(q, first + from, rsp, sizeof(rsp));
	g_assert_cmpmem(rsp, 2, "\x80\x01", 2);
	g_assert_cmpmem(rsp + 6, 4, "\0\0\0\0", 4);
}

typedef void (*Guest)(QtestClient *q, const struct description *d);

struct device {
	const char *name, *args, *hid;
	uint32_t start_method; /* TCG ACPI 3.1: 6 MMIO, 7 CRB */
	Guest guests[4];
};

static const struct device devices[] = {
	{ "tis", "tpm-tis-indexed", "QEMU0021", 6, { tis_first, tis_last } },
	{ "tis-ram-off", "tpm-tis-indexed,ram=off", "QEMU0021", 6,
	  { tis_first, tis_last } },
	{ "tis-64k", "tpm-tis-indexed,buffer-size=64K", "QEMU0021", 6,
	  { tis_first, tis_last } },
	{ "crb", "tpm-crb-ext", "QEMU0022", 7, { crb_last, crb_any, crb_offsets } },
	{ "crb-ram-off", "tpm-crb-ext,ram=off", "QEMU0022", 7,
	  { crb_last, crb_any, crb_offsets } },
	{ "crb-one", "tpm-crb-ext,fifo=off,localities=1", "QEMU0022", 7,
	  { crb_last, crb_any, crb_offsets } },
	{ "crb-64k", "tpm-crb-ext,buffer-size=64K", "QEMU0022", 7,
	  { crb_last, crb_any, crb_offsets } },
	{ "crb-fifo", "tpm-crb-ext,interface=fifo", "QEMU0022", 6,
	  { tis_first, tis_last } },
};

static void setup(struct fixture *f, const char *args)
{
	f->stub = tpm_stub_new(TPM_STUB_2_0);
	f->q = qtest_start(tpm_stub_connect(f->stub),
			   "-machine q35 -device %s,tpmdev=tpm0", args);
}

static void teardown(struct fixture *f)
{
	qtest_stop(f->q);
	tpm_stub_free(f->stub);
}

/* One memory resource, of all that the device has, and each guest finds it. */
static void described(gconstpointer data)
{
	const struct device *device = data;
	struct description d;
	struct fixture f;
	unsigned int i;

	setup(&f, device->args);
	g_assert_true(read_description(f.q, &d));
	g_assert_cmpstr(d.hid, ==, device->hid);
	g_assert_cmpuint(d.start_method, ==, device->start_method);
	for (i = 0; i < G_N_ELEMENTS(device->guests) && device->guests[i]; i++) {
		device->guests[i](f.q, &d);
	}
	/* None for a TIS driver that is not ours. */
	g_assert_cmphex(d.irqs, ==, device->start_method == 7 ? 1 << 3 : 0);
	g_assert_cmpuint(d.num, ==, 1);
	g_assert_cmphex(d.ranges[0].start, ==, BASE);
	g_assert_cmphex(d.ranges[0].size, ==, SPACE_SIZE);
	teardown(&f);
}

/* A line is offered where it is nobody else's. */
static const struct {
	const char *name, *args;
	uint16_t irqs;
} lines[] = {
	{ "default", "-machine q35", 1 << 3 },
	{ "pc", "-machine pc", 1 << 3 },
	{ "serial", "-machine q35 -device isa-serial,index=1", 0 },
	{ "first-serial", "-machine q35 -device isa-serial,index=0", 1 << 3 },
	{ "4", "-machine q35 -global tpm-tis-indexed.irq=4", 1 << 4 },
	{ "4-serial", "-machine q35 -global tpm-tis-indexed.irq=4 -device isa-serial", 0 },
	{ "7", "-machine q35 -global tpm-tis-indexed.irq=7", 0 },
	{ "pci-link", "-machine q35 -global tpm-tis-indexed.irq=5", 0 },
	{ "sci", "-machine q35 -global tpm-tis-indexed.irq=9", 0 },
	{ "none", "-machine q35 -global tpm-tis-indexed.irq=0", 0 },
};

static void line(gconstpointer data)
{
	const unsigned int i = GPOINTER_TO_UINT(data);
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "%s -device tpm-tis-indexed,compat=off,tpmdev=tpm0",
				     lines[i].args);
	struct description d;

	g_assert_true(read_description(q, &d));
	g_assert_cmphex(d.irqs, ==, lines[i].irqs);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* A TPM that did not start after a reset: no registers, no memory, no AML. */
static void absent(gconstpointer data)
{
	const struct device *device = data;
	struct description d;
	struct fixture f;
	uint32_t off;

	setup(&f, device->args);
	qtest_writel(f.q, BASE + (strstr(device->args, "crb") ? 8 : 0), 0x01);
	tpm_stub_die(f.stub);
	qtest_reset(f.q);
	for (off = 0; off < SPACE_SIZE; off += 4) {
		if (off == 0x400) {
			off = 0xF00; /* the rest of a page is like this */
		}
		qtest_writel(f.q, BASE + off, 0xFFFFFFFF);
		/* the command window and the PPI page are plain memory */
		if (off < 0x5000 || (off >= 0x6000 && off < 0x10000) ||
		    off >= 0x20000) {
			g_assert_cmphex(qtest_readl(f.q, BASE + off), ==, 0);
		}
		if (off >= 0x1000) {
			off += 0xFC; /* and then some */
		}
	}
	g_assert_false(read_description(f.q, &d));
	g_assert_cmpuint(d.start_method, ==, 0);
	teardown(&f);
}

int main(int argc, char **argv)
{
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	for (i = 0; i < G_N_ELEMENTS(devices); i++) {
#define ADD(test, func) do { \
		g_autofree char *path = g_strdup_printf("/acpi/%s/%s", test, \
							devices[i].name); \
		g_test_add_data_func(path, &devices[i], func); \
	} while (0)
		ADD("described", described);
		ADD("absent", absent);
	}
	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autofree char *path = g_strdup_printf("/acpi/line/%s", lines[i].name);

		g_test_add_data_func(path, GUINT_TO_POINTER(i), line);
	}
	return g_test_run();
}
