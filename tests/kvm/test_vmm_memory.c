/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's memory in memory slots of a real VM: CRB page, header and response
 * window read-only, the command window not. What a vCPU finds there is what
 * tpmix_read() says, and it costs no exit; a command costs its doorbell.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend.h"
#include "tpmix.h"
#include "vmm.h"

#define CAPACITY        TPMIX_BUFFER_MAX
#define PAGE            0x1000u
#define COMMAND         0x7100u /* in RAM: the command, before it two words */
#define COMMAND_LEN     22u
#define RSP_LEN         387u
#define COMMANDS        100u
#define DELAY_US        200     /* the guest waits */

struct bench {
	struct tpmix e;
	uint8_t *space;         /* as from TPMIX_BASE; what is not in a slot is unused */
	uint8_t cmd[CAPACITY], run[CAPACITY], rsp[CAPACITY];
	struct vmm v;
	GMutex lock;            /* the engine's, while a thread completes */
	GThread *tpm;
	bool completes;         /* a thread does, else the test */
	uint32_t ticket;
	uint64_t reads;         /* that came as exits */
};

/* Every ticket has another one. */
static void make_response(uint8_t rsp[RSP_LEN], uint32_t ticket)
{
	uint32_t i;

	for (i = 0; i < RSP_LEN; i++) {
		rsp[i] = (uint8_t)(i * 7 + ticket);
	}
	memcpy(rsp, "\x80\x01\x00\x00\x01\x83\x00\x00\x00\x00", 10);
}

static void complete(struct bench *b)
{
	uint8_t rsp[RSP_LEN];

	make_response(rsp, b->ticket);
	g_mutex_lock(&b->lock);
	g_assert_true(tpmix_complete(&b->e, b->ticket, rsp, RSP_LEN, true));
	g_mutex_unlock(&b->lock);
}

static gpointer tpm_thread(gpointer data)
{
	g_usleep(DELAY_US);
	complete(data);
	return NULL;
}

static void join_tpm(struct bench *b)
{
	if (b->tpm) {
		g_thread_join(b->tpm);
		b->tpm = NULL;
	}
}

static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	struct bench *b = opaque;

	(void)cmd;
	g_assert_cmpuint(locality, ==, 0);
	g_assert_cmpuint(len, ==, COMMAND_LEN);
	join_tpm(b);
	b->ticket = ticket;
	if (b->completes) {
		b->tpm = g_thread_new("tpm", tpm_thread, b);
	}
}

static const struct tpmix_backend backend = BACKEND(start);

static void add_slots(struct bench *b, bool crb)
{
	static const struct {
		uint32_t at, size, flags;
	} slots[] = {
		{ TPMIX_HEADER, TPMIX_HEADER_PAGE_SIZE, KVM_MEM_READONLY },
		{ TPMIX_RSP_WINDOW, CAPACITY, KVM_MEM_READONLY },
		{ TPMIX_CMD_WINDOW, CAPACITY, 0 },
		{ 0, PAGE, KVM_MEM_READONLY },  /* CRB's: DATA_FIFO has to trap */
	};
	uint32_t i;

	for (i = 0; i < G_N_ELEMENTS(slots) - !crb; i++) {
		vmm_add_slot(&b->v, i + 1, TPMIX_BASE + slots[i].at,
			     b->space + slots[i].at, slots[i].size, slots[i].flags);
	}
}

static struct bench *bench_open(bool crb)
{
	struct bench *b = g_new0(struct bench, 1);
	struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = b,
		.cmd = b->cmd,
		.run = b->run,
		.rsp = b->rsp,
		.base = TPMIX_BASE,
		.capacity = CAPACITY,
		.fifo = true,
		.crb = crb,
		.interface = crb ? TPMIX_INTERFACE_CRB : TPMIX_INTERFACE_FIFO,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	g_mutex_init(&b->lock);
	b->space = mmap(NULL, TPMIX_SPACE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert(b->space != MAP_FAILED);
	cfg.ram = (struct tpmix_ram) {
		.cmd = b->space + TPMIX_CMD_WINDOW,
		.rsp = b->space + TPMIX_RSP_WINDOW,
		.block = (uint32_t *)(void *)(b->space + TPMIX_HEADER + TPMIX_BLOCK),
		.crb_regs = crb ? (uint32_t *)(void *)b->space : NULL,
		.crb_buffer = crb ? b->space + TPM_REG_DATA_BUFFER : NULL,
	};
	tpmix_init(&b->e, &cfg);
	tpmix_reset(&b->e, TPMIX_FAMILY_2_0, CAPACITY);
	vmm_create(&b->v);
	add_slots(b, crb);
	return b;
}

static void bench_close(struct bench *b)
{
	join_tpm(b);
	vmm_destroy(&b->v);
	/* The VM may live on in its thread, but it does not run. */
	munmap(b->space, TPMIX_SPACE_SIZE);
	g_mutex_clear(&b->lock);
	g_free(b);
}

static const char *missing(void)
{
	return vmm_missing() ? vmm_missing() :
	       !vmm_has(KVM_CAP_READONLY_MEM) ? "no KVM_CAP_READONLY_MEM" : NULL;
}

static void write32(struct bench *b, uint32_t addr, uint32_t val)
{
	tpmix_write(&b->e, addr, val, 4);
}

static void answer(struct bench *b)
{
	uint32_t addr = (uint32_t)b->v.run->mmio.phys_addr - TPMIX_BASE;
	uint64_t val = 0;

	if (b->v.run->mmio.is_write) {
		memcpy(&val, b->v.run->mmio.data, b->v.run->mmio.len);
		g_mutex_lock(&b->lock);
		tpmix_write(&b->e, addr, val, b->v.run->mmio.len);
		g_mutex_unlock(&b->lock);
	} else {
		b->reads++;
		val = tpmix_mmio_read(&b->e, addr, b->v.run->mmio.len);
		memcpy(b->v.run->mmio.data, &val, b->v.run->mmio.len);
	}
}

static void run_to_hlt(struct bench *b)
{
	int r;

	while ((r = vmm_enter(&b->v)) == KVM_EXIT_MMIO) {
		answer(b);
	}
	g_assert_cmpint(r, ==, KVM_EXIT_HLT);
}

/* Exits since the VM began: @mmio of them, and @hlt; KVM says the same. */
static void check_exits(struct bench *b, uint64_t mmio, uint64_t hlt)
{
	uint64_t stat;

	g_assert_cmpuint(b->v.mmio_exits, ==, mmio);
	g_assert_cmpuint(b->v.user_exits, ==, mmio + hlt);
	g_assert_cmpuint(b->reads, ==, 0);
	if (vmm_stat(&b->v, "mmio_exits", &stat)) {
		g_assert_cmpuint(stat, ==, mmio);
	} else {
		g_test_message("this KVM's statistics have no mmio_exits");
	}
}

/* A page as the guest reads it is as the engine reads it. */
static void check_page(struct bench *b, const struct guest_blob *blob, uint32_t at)
{
	uint32_t i;

	/* Real mode's DS ends before the response window. */
	if (blob->mode == 16 && at + PAGE > 0x10000) {
		return;
	}
	memset(b->v.ram + VMM_OUT, 0xEE, PAGE);
	vmm_boot(&b->v, blob, TPMIX_BASE + at, PAGE / blob->width, blob->width);
	run_to_hlt(b);
	for (i = 0; i < PAGE; i++) {
		g_assert_cmphex(b->v.ram[VMM_OUT + i], ==,
				tpmix_read(&b->e, at + i, 1));
	}
}

static uint64_t check_pages(struct bench *b, const struct guest_blob *blob)
{
	check_page(b, blob, 0);
	check_page(b, blob, TPMIX_HEADER);
	check_page(b, blob, TPMIX_RSP_WINDOW);
	return blob->mode == 16 ? 2 : 3;
}

/* A byte that the guest must not change; the write comes to us, or goes nowhere. */
static void check_write(struct bench *b, uint32_t at)
{
	uint8_t before = b->space[at];

	vmm_boot(&b->v, vmm_blob(64, "ring"), TPMIX_BASE + at, 1, 0);
	g_assert_cmpint(vmm_enter(&b->v), ==, KVM_EXIT_MMIO);
	g_assert_true(b->v.run->mmio.is_write);
	answer(b);
	run_to_hlt(b);
	g_assert_cmphex(b->space[at], ==, before);
}

/*
 * The pages in every state of a transaction, and with another locality in it: the
 * slots are never touched, only what lies in them.
 */
static void test_pages(const void *data)
{
	const struct guest_blob *blob = data;
	struct bench *b;
	uint64_t hlt = 0, mmio = 0;

	if (missing()) {
		g_test_skip(missing());
		return;
	}
	b = bench_open(true);
	hlt += check_pages(b, blob);            /* no locality */
	write32(b, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	hlt += check_pages(b, blob);            /* Idle */
	memcpy(b->space + TPMIX_CMD_WINDOW, "\x80\x01\x00\x00\x00\x16", 6);
	write32(b, TPM_REG_CTRL_START, TPM_CTRL_START_INVOKE);
	g_assert_cmpuint(b->space[TPM_REG_CTRL_START], ==, TPM_CTRL_START_INVOKE);
	hlt += check_pages(b, blob);            /* Execution */
	complete(b);
	g_assert_cmpuint(b->space[TPMIX_RSP_WINDOW + RSP_LEN - 1], !=, 0xFF);
	hlt += check_pages(b, blob);            /* Completion */
	write32(b, 0x1000 | TPM_REG_LOC_CTRL, TPM_LOC_CTRL_SEIZE);
	g_assert_cmpuint(b->space[TPMIX_RSP_WINDOW], ==, 0xFF);
	hlt += check_pages(b, blob);            /* blank */
	write32(b, 0x1000 | TPM_REG_LOC_CTRL, TPM_LOC_CTRL_RELINQUISH);
	write32(b, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	hlt += check_pages(b, blob);            /* there again (R4) */
	check_exits(b, 0, hlt);
	if (blob->mode == 64 && blob->width == 4) {
		check_write(b, TPM_REG_LOC_STATE);
		check_write(b, TPMIX_HEADER + TPMIX_REG_COMPLETED);
		check_write(b, TPMIX_RSP_WINDOW + 8);
		mmio = 3;
		hlt += check_pages(b, blob) + mmio;
		check_exits(b, mmio, hlt);
	}
	bench_close(b);
}

/* Runs COMMANDS commands in the guest; @csum: it keeps CSUM behind each response. */
static void run_commands(struct bench *b, const char *name, uint32_t doorbell, bool csum)
{
	static const uint8_t cmd[COMMAND_LEN] = {
		0x80, 1, 0, 0, 0, COMMAND_LEN, 0, 0, 1, 0x7A,
		0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 0, 127,
	};
	const uint16_t cmd_csum = tpmix_crc16(cmd, COMMAND_LEN);
	const uint32_t args[2] = { TPMIX_BASE + doorbell, COMMANDS };
	const uint8_t *got = b->v.ram + VMM_OUT;
	uint8_t want[RSP_LEN];
	uint32_t i, sums;

	b->completes = true;
	memcpy(b->v.ram + COMMAND - sizeof(args), args, sizeof(args));
	memcpy(b->v.ram + COMMAND, cmd, COMMAND_LEN);
	vmm_boot(&b->v, vmm_blob(64, name), COMMAND, COMMAND_LEN,
		 TPMIX_CSUM_EXPECT_ON | cmd_csum);
	run_to_hlt(b);
	g_assert_cmpuint(b->e.starts, ==, COMMANDS);
	for (i = 1; i <= COMMANDS; i++) {
		make_response(want, i);
		g_assert_cmpint(memcmp(got, want, RSP_LEN), ==, 0);
		got += RSP_LEN;
		if (csum) {
			memcpy(&sums, got, sizeof(sums));
			g_assert_cmphex(sums, ==, (uint32_t)tpmix_crc16(want, RSP_LEN) << 16 |
						  cmd_csum);
			got += sizeof(sums);
		}
	}
}

/* Whole commands, polling included, by one exit each: the doorbell. */
static void test_windows(const void *data)
{
	bool crb = data != NULL;
	struct bench *b;

	if (missing()) {
		g_test_skip(missing());
		return;
	}
	b = bench_open(crb);
	if (crb) {
		write32(b, TPM_REG_LOC_CTRL, TPM_LOC_CTRL_REQUEST_ACCESS);
	} else {
		tpmix_write(&b->e, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	}
	run_commands(b, "windows", (crb ? TPMIX_EXT : 0) + TPMIX_REG_CSUM_EXPECT, true);
	check_exits(b, COMMANDS, 1);
	bench_close(b);
}

/* As tpm_crb: requestAccess, cmdReady, CTRL_CANCEL, START, goIdle, relinquish. */
static void test_crb(void)
{
	struct bench *b;

	if (missing()) {
		g_test_skip(missing());
		return;
	}
	b = bench_open(true);
	run_commands(b, "crb", 0, false);
	check_exits(b, 6 * COMMANDS, 1);
	bench_close(b);
}

int main(int argc, char **argv)
{
	const struct guest_blob *blob;
	int rc;

	g_test_init(&argc, &argv, NULL);
	for (blob = guest_blobs; blob->code; blob++) {
		if (blob->width) {
			char *path = g_strdup_printf("/kvm/pages/%u-bit/%s", blob->mode,
						     blob->name);

			g_test_add_data_func(path, blob, test_pages);
			g_free(path);
		}
	}
	g_test_add_data_func("/kvm/command/windows", NULL, test_windows);
	g_test_add_data_func("/kvm/command/windows of tpm-crb-ext", "", test_windows);
	g_test_add_func("/kvm/command/crb", test_crb);
	rc = g_test_run();
	vmm_finish();
	return rc;
}
