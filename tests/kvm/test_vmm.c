/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault of 2011 on a real vCPU, with the engine behind KVM_EXIT_MMIO.
 *
 * A guest reads a response. At every exit of it, in a run of its own, the VM is
 * stopped between KVM_EXIT_MMIO and the next KVM_RUN, its registers and memory go
 * into a new VM, the TPM stays: the instruction runs again. Control group: the
 * FIFO, which must lose bytes at every position; and a VMM that drains the exit
 * with immediate_exit first, under which nothing may be lost through any door.
 *
 * Counted as well, and left to KVM: a VMM that writes the registers back in the same
 * VM while the read is pending, which spoils the register that the read goes to.
 * No device can mend that; its checksum must show it.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"
#include "tpmix.h"
#include "vmm.h"

#define RSP_LEN         64u     /* as large as XDATA_FIFO, for rep movs */
#define RUNAWAY         100000u /* exits after which a guest hangs */

enum stop {
	STOP_NEVER,
	STOP_PENDING,
	STOP_DRAINED,
	STOP_WRITEBACK,         /* same VM, registers written back as they were read */
	STOP_COUNT
};

struct bench {
	struct tpmix e;
	uint8_t cmd[1024], run[1024], rsp[1024], ram_cmd[1024], ram_rsp[1024];
	uint32_t block[TPMIX_BLOCK_SIZE / 4];
	uint32_t ticket;
};

/* One way of reading through one door. */
struct reading {
	const struct guest_blob *blob;
	bool window;
	uint32_t skip;          /* bytes from alignment */
	bool checksum_right;    /* of the last run, where it read the whole response */
};

static void note_start(void *opaque, uint32_t ticket, unsigned int locality,
		       const uint8_t *cmd, uint32_t len)
{
	struct bench *b = opaque;

	(void)locality;
	(void)cmd;
	(void)len;
	b->ticket = ticket;
}

static const struct tpmix_backend backend = BACKEND(note_start);

/* No byte of it equals the next one or the FIFO's 0xFF: any shift shows. */
static void make_response(uint8_t rsp[RSP_LEN])
{
	uint32_t i;

	for (i = 0; i < RSP_LEN; i++) {
		rsp[i] = (uint8_t)(0x30 + i);
	}
	memcpy(rsp, "\x80\x01\x00\x00\x00\x40\x00\x00\x01\x02", 10);
}

/* A TPM whose locality 0 is in Completion, its response unread. */
static void bench_open(struct bench *b)
{
	static const uint8_t cmd[12] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 32 };
	struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = b,
		.ram = {
			.cmd = b->ram_cmd, .rsp = b->ram_rsp, .block = b->block,
		},
		.cmd = b->cmd,
		.run = b->run,
		.rsp = b->rsp,
		.base = TPMIX_BASE,
		.capacity = sizeof(b->cmd),
		.fifo = true,
		.localities = 5,
	};
	uint8_t rsp[RSP_LEN];
	uint32_t i;

	tpmix_init(&b->e, &cfg);
	tpmix_reset(&b->e, TPMIX_FAMILY_2_0, sizeof(b->cmd));
	tpmix_write(&b->e, 0x000, 0x02, 1);
	for (i = 0; i < sizeof(cmd); i++) {
		tpmix_write(&b->e, 0x100 + i, cmd[i], 1);
	}
	tpmix_write(&b->e, 0xFCC, 1, 4);
	make_response(rsp);
	g_assert_true(tpmix_complete(&b->e, b->ticket, rsp, RSP_LEN, true));
}

/* The device: what is outside the TPM is not there. */
static void answer(struct vmm *v, void *opaque)
{
	struct bench *b = opaque;
	uint32_t addr = (uint32_t)v->run->mmio.phys_addr - TPMIX_BASE;
	uint64_t val = 0;

	if (v->run->mmio.is_write) {
		memcpy(&val, v->run->mmio.data, v->run->mmio.len);
		tpmix_write(&b->e, addr, val, v->run->mmio.len);
	} else {
		val = tpmix_mmio_read(&b->e, addr, v->run->mmio.len);
		memcpy(v->run->mmio.data, &val, v->run->mmio.len);
	}
}

/* The VM moves house; the TPM does not. */
static void move(struct vmm *v)
{
	struct vmm old = *v;
	struct vmm_cpu cpu;

	vmm_save(&old, &cpu);
	vmm_create(v);
	memcpy(v->ram, old.ram, VMM_RAM_SIZE);
	vmm_restore(v, &cpu);
	v->user_exits = old.user_exits;
	v->mmio_exits = old.mmio_exits;
	vmm_destroy(&old);
}

static void write_back(struct vmm *v)
{
	struct vmm_cpu cpu;

	vmm_save(v, &cpu);
	vmm_restore(v, &cpu);
}

/*
 * Runs the guest to its HLT and answers its exits; at exit @at it is stopped as
 * @how says. Returns why it ended: KVM_EXIT_HLT, or what KVM refused.
 */
static int run_guest(struct vmm *v, struct bench *b, enum stop how, uint64_t at)
{
	uint64_t n = 0;
	int r;

	while ((r = vmm_enter(v)) == KVM_EXIT_MMIO && n < RUNAWAY) {
		answer(v, b);
		if (n++ != at || how == STOP_NEVER) {
			continue;
		}
		if (how == STOP_WRITEBACK) {
			write_back(v);
			continue;
		}
		if (how == STOP_DRAINED) {
			vmm_drain(v, answer, b);
		}
		move(v);
	}
	return r;
}

static uint32_t reading_len(const struct reading *r)
{
	return (RSP_LEN - r->skip) / r->blob->width * r->blob->width;
}

static void reading_boot(struct vmm *v, const struct reading *r)
{
	bool string = !strncmp(r->blob->name, "rep", 3);
	uint32_t door = r->window ? TPMIX_WINDOW :
			r->blob->width > 4 || string || r->skip ?
			TPM_REG_XDATA_FIFO : TPM_REG_DATA_FIFO;

	memset(v->ram + VMM_OUT, 0xEE, RSP_LEN);
	vmm_boot(v, r->blob, TPMIX_BASE + door + r->skip,
		 reading_len(r) / r->blob->width,
		 r->window ? r->blob->width : 0);
}

/*
 * One run in @v, which is at no exit and is so again afterwards, if another one.
 * False: the guest got wrong bytes.
 */
static bool reading_run(struct vmm *v, struct reading *r, enum stop how,
			uint64_t at, int *end)
{
	uint8_t rsp[RSP_LEN];
	struct bench b;

	bench_open(&b);
	make_response(rsp);
	reading_boot(v, r);
	*end = run_guest(v, &b, how, at);
	r->checksum_right = tpmix_crc16(v->ram + VMM_OUT, RSP_LEN) ==
			    tpmix_read(&b.e, TPMIX_REG_CSUM, 4) >> 16;
	return !memcmp(v->ram + VMM_OUT, rsp + (r->window ? r->skip : 0),
		       reading_len(r));
}

/* Opens @v and counts the exits of an undisturbed run. False: skipped. */
static bool first_run(struct vmm *v, struct reading *r, uint64_t *exits)
{
	int end;
	bool right;

	if (vmm_missing()) {
		g_test_skip(vmm_missing());
		return false;
	}
	vmm_create(v);
	right = reading_run(v, r, STOP_NEVER, 0, &end);
	if (end == KVM_EXIT_INTERNAL_ERROR) {
		g_test_skip("this KVM does not emulate the instruction for MMIO");
		vmm_destroy(v);
		return false;
	}
	g_assert_cmpint(end, ==, KVM_EXIT_HLT);
	g_assert_true(right);
	*exits = v->mmio_exits;
	g_assert_cmpuint(*exits, >, 0);
	return true;
}

static void test_reading(const void *data)
{
	struct reading r = *(const struct reading *)data;
	uint64_t exits, at, wrong[STOP_COUNT] = { 0 };
	bool whole = reading_len(&r) == RSP_LEN, right;
	struct vmm v;
	int how, end;

	if (!first_run(&v, &r, &exits)) {
		return;
	}
	for (how = STOP_PENDING; how < STOP_COUNT; how++) {
		for (at = 0; at < exits; at++) {
			right = reading_run(&v, &r, (enum stop)how, at, &end);
			wrong[how] += !right;
			g_assert_cmpint(end, ==, KVM_EXIT_HLT);
			/* R6: whatever went wrong, the guest can see it. */
			g_assert_true(!whole || r.checksum_right == right);
		}
	}
	vmm_destroy(&v);
	g_test_message("%" G_GUINT64_FORMAT " positions: wrong responses %"
		       G_GUINT64_FORMAT " stopped pending, %" G_GUINT64_FORMAT
		       " stopped drained, %" G_GUINT64_FORMAT " registers written back",
		       exits, wrong[STOP_PENDING], wrong[STOP_DRAINED],
		       wrong[STOP_WRITEBACK]);
	g_assert_cmpuint(wrong[STOP_PENDING], ==, r.window ? 0 : exits);
	g_assert_cmpuint(wrong[STOP_DRAINED], ==, 0);
}

/*
 * A read across two locality pages: KVM makes two fragments of it, and a stop in
 * the first or in the second repeats both.
 */
static void test_page_crossing(const void *data)
{
	const struct guest_blob *blob = data;
	uint64_t exits = 1, at;
	uint8_t want[16];
	uint32_t i;
	struct bench b;
	struct vmm v;
	int how;

	if (vmm_missing()) {
		g_test_skip(vmm_missing());
		return;
	}
	for (how = STOP_PENDING; how <= STOP_DRAINED; how++) {
		for (at = 0; at < exits; at++) {
			bench_open(&b);
			/* FF8-FFF of locality 0, ACCESS and on of locality 1 */
			for (i = 0; i < blob->width; i++) {
				want[i] = (uint8_t)tpmix_read(&b.e, 0x1000 - blob->width / 2 + i, 1);
			}
			vmm_create(&v);
			vmm_boot(&v, blob, TPMIX_BASE + 0x1000 - blob->width / 2, 1, 0);
			g_assert_cmpint(run_guest(&v, &b, (enum stop)how, at), ==, KVM_EXIT_HLT);
			g_assert_cmpint(memcmp(v.ram + VMM_OUT, want, blob->width), ==, 0);
			exits = at ? exits : 2;
			vmm_destroy(&v);
		}
	}
	/* Undisturbed it takes two exits, one for each page. */
	bench_open(&b);
	vmm_create(&v);
	vmm_boot(&v, blob, TPMIX_BASE + 0x1000 - blob->width / 2, 1, 0);
	g_assert_cmpint(run_guest(&v, &b, STOP_NEVER, 0), ==, KVM_EXIT_HLT);
	g_assert_cmpuint(v.mmio_exits, ==, 2);
	vmm_destroy(&v);
}

/*
 * What we count and what KVM counts. KVM's mmio_exits are instructions, or elements
 * of a string; of an element of 16 bytes we see two exits.
 */
static void test_stats(const void *data)
{
	struct reading r = { .blob = data, .window = true };
	uint64_t exits, mmio, elements = RSP_LEN / r.blob->width;
	struct bench b;
	struct vmm v;

	if (vmm_missing() || !vmm_has(KVM_CAP_BINARY_STATS_FD)) {
		g_test_skip(vmm_missing() ? vmm_missing() : "no KVM_CAP_BINARY_STATS_FD");
		return;
	}
	vmm_create(&v);
	if (!vmm_stat(&v, "exits", &exits) || !vmm_stat(&v, "mmio_exits", &mmio)) {
		g_test_skip("this KVM's statistics have no exits or mmio_exits");
		vmm_destroy(&v);
		return;
	}
	g_assert_cmpuint(exits + mmio, ==, 0);
	bench_open(&b);
	reading_boot(&v, &r);
	if (run_guest(&v, &b, STOP_NEVER, 0) == KVM_EXIT_INTERNAL_ERROR) {
		g_test_skip("this KVM does not emulate the instruction for MMIO");
		vmm_destroy(&v);
		return;
	}
	vmm_stat(&v, "exits", &exits);
	vmm_stat(&v, "mmio_exits", &mmio);
	g_test_message("%" G_GUINT64_FORMAT " elements: our KVM_EXIT_MMIO %" G_GUINT64_FORMAT
		       ", KVM's mmio_exits %" G_GUINT64_FORMAT ", its exits %" G_GUINT64_FORMAT,
		       elements, v.mmio_exits, mmio, exits);
	g_assert_cmpuint(v.mmio_exits, ==, r.blob->width > 8 ? 2 * elements : elements);
	g_assert_cmpuint(v.user_exits, ==, v.mmio_exits + 1); /* HLT */
	g_assert_cmpuint(mmio, ==, elements);
	g_assert_cmpuint(exits, >, 0);
	vmm_destroy(&v);
}

/* A response window of two pages of RAM that the guest cannot write. */
static void test_readonly_window(const void *data)
{
	const struct guest_blob *blob = data;
	const uint32_t gpa = TPMIX_BASE + 0x6000, len = 0x2000;
	uint64_t mmio;
	uint32_t i;
	struct vmm v;
	uint8_t *window;

	if (vmm_missing() || !vmm_has(KVM_CAP_READONLY_MEM)) {
		g_test_skip(vmm_missing() ? vmm_missing() : "no KVM_CAP_READONLY_MEM");
		return;
	}
	window = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert(window != MAP_FAILED);
	for (i = 0; i < len; i++) {
		window[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	vmm_create(&v);
	vmm_add_slot(&v, 1, gpa, window, len, KVM_MEM_READONLY);

	/* From byte 1: the read in the middle crosses the pages. */
	vmm_boot(&v, blob, gpa + 1, (len - 1) / blob->width, blob->width);
	g_assert_cmpint(vmm_enter(&v), ==, KVM_EXIT_HLT);
	g_assert_cmpint(memcmp(v.ram + VMM_OUT, window + 1,
			       (len - 1) / blob->width * blob->width), ==, 0);
	g_assert_cmpuint(v.user_exits, ==, 1); /* HLT */

	if (blob->mode == 64) {
		vmm_boot(&v, vmm_blob(64, "ring"), gpa + 8, 1, 0);
		g_assert_cmpint(vmm_enter(&v), ==, KVM_EXIT_MMIO);
		g_assert_true(v.run->mmio.is_write);
		g_assert_cmpuint(v.run->mmio.phys_addr, ==, gpa + 8);
		g_assert_cmpint(vmm_enter(&v), ==, KVM_EXIT_HLT);
		g_assert_cmpuint(window[8], ==, 8 * 7);
	}
	if (vmm_stat(&v, "mmio_exits", &mmio)) {
		g_test_message("KVM's mmio_exits %" G_GUINT64_FORMAT, mmio);
		g_assert_cmpuint(mmio, ==, v.mmio_exits);
	}
	vmm_destroy(&v);
	munmap(window, len);
}

/* A doorbell that does not come back to us: 100 rings, one exit, the HLT. */
static void test_ioeventfd(void)
{
	uint64_t rings = 0, mmio;
	struct vmm v;
	int fd;

	if (vmm_missing() || !vmm_has(KVM_CAP_IOEVENTFD)) {
		g_test_skip(vmm_missing() ? vmm_missing() : "no KVM_CAP_IOEVENTFD");
		return;
	}
	vmm_create(&v);
	fd = vmm_add_doorbell(&v, TPMIX_BASE + 0xFCC);
	vmm_boot(&v, vmm_blob(64, "ring"), TPMIX_BASE + 0xFCC, 100, 0);
	g_assert_cmpint(vmm_enter(&v), ==, KVM_EXIT_HLT);
	g_assert_cmpuint(v.user_exits, ==, 1);
	g_assert_cmpint(read(fd, &rings, sizeof(rings)), ==, sizeof(rings));
	g_assert_cmpuint(rings, ==, 100);
	if (vmm_stat(&v, "mmio_exits", &mmio)) {
		g_assert_cmpuint(mmio, ==, 0);
	}
	close(fd);
	vmm_destroy(&v);
}

static void add_reading(const struct guest_blob *blob, bool window, uint32_t skip)
{
	struct reading *r = g_new(struct reading, 1);
	char *path = g_strdup_printf("/kvm/%s/%u-bit/%s%s",
				     window ? "window" : "fifo", blob->mode,
				     blob->name, skip ? " unaligned" : "");

	*r = (struct reading) { .blob = blob, .window = window, .skip = skip };
	g_test_add_data_func_full(path, r, test_reading, g_free);
	g_free(path);
}

static void add_for_blob(const char *what, const struct guest_blob *blob,
			 GTestDataFunc test)
{
	char *path = g_strdup_printf("/kvm/%s/%u-bit/%s", what, blob->mode, blob->name);

	g_test_add_data_func(path, blob, test);
	g_free(path);
}

static void add_blob(const struct guest_blob *blob)
{
	int window;

	if (!blob->width) {
		return;
	}
	for (window = 0; window <= 1; window++) {
		add_reading(blob, window, 0);
		if (blob->width > 1) {
			add_reading(blob, window, 3);
		}
	}
	if (blob->width > 1) {
		add_for_blob("page-crossing", blob, test_page_crossing);
	}
	add_for_blob("readonly-window", blob, test_readonly_window);
	add_for_blob("stats", blob, test_stats);
}

int main(int argc, char **argv)
{
	const struct guest_blob *blob;
	int rc;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kvm/ioeventfd", test_ioeventfd);
	for (blob = guest_blobs; blob->code; blob++) {
		add_blob(blob);
	}
	rc = g_test_run();
	vmm_finish();
	return rc;
}
