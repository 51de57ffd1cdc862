/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM with a TPM: KVM, libtpmix, libtpms. Its guest runs commands by the windows.
 *
 * The windows and the header page are memory slots, of which no access makes an exit;
 * the registers are not mapped, so that they come as KVM_EXIT_MMIO. The TPM has a thread
 * of its own: a vCPU that rings the doorbell goes on at once, and polls the header page.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_nvfilename.h>
#include <tpmix.h>

#include "vmm.h"

#define CAPACITY        16384u
#define COMMAND         0x7100u /* in the guest's RAM; before it two words */
#define SKIPPED         77      /* exit status: there is no KVM here */

/* [state] */
struct machine {
	struct vmm v;
	GMutex lock;            /* the engine's: vCPU and TPM thread both call it */
	struct tpmix e;
	uint8_t *space;         /* from TPMIX_BASE on; what is in no slot is unused */
	uint8_t cmd[CAPACITY], run[CAPACITY], rsp[CAPACITY];
	GAsyncQueue *commands;  /* to the TPM thread; one at most */
};

struct command {
	uint32_t ticket, len;
	const uint8_t *bytes;   /* NULL: the thread ends */
};
/* [state end] */

/* [backend] */
static gpointer tpm_thread(gpointer data)
{
	struct machine *m = data;
	unsigned char *rsp = NULL;
	uint32_t len, room = 0;
	struct command *c;

	while ((c = g_async_queue_pop(m->commands))->bytes) {
		bool ok = TPMLIB_Process(&rsp, &len, &room, (uint8_t *)c->bytes,
					 c->len) == TPM_SUCCESS;

		g_mutex_lock(&m->lock);
		/* NULL becomes a TPM error; a ticket that a reset ended changes nothing. */
		tpmix_complete(&m->e, c->ticket, ok ? rsp : NULL, len, true);
		g_mutex_unlock(&m->lock);
		g_free(c);
	}
	g_free(c);
	free(rsp);
	return NULL;
}

/* Called from tpmix_write(), and so with the lock held: it must not wait for the TPM. */
static void start(void *opaque, uint32_t ticket, unsigned int locality,
		  const uint8_t *cmd, uint32_t len)
{
	struct machine *m = opaque;
	struct command c = { ticket, len, cmd };

	(void)locality;
	g_async_queue_push(m->commands, g_memdup2(&c, sizeof(c)));
}

static void cancel(void *opaque)
{
	(void)opaque;
	TPMLIB_CancelCommand();
}

static void reset_established(void *opaque, unsigned int locality)
{
	struct machine *m = opaque;

	(void)locality;
	tpmix_set_established(&m->e, false);
}

static void guest_error(void *opaque, const char *what, uint32_t addr)
{
	(void)opaque;
	fprintf(stderr, "guest error at 0x%05x: %s\n", addr, what);
}

static const struct tpmix_backend backend = {
	start, cancel, reset_established, guest_error, NULL,
};
/* [backend end] */

/* A TPM that forgets: its state is a VMM's to keep. */
static TPM_RESULT nv_init(void)
{
	return TPM_SUCCESS;
}

static TPM_RESULT nv_load(unsigned char **data, uint32_t *len, uint32_t number, const char *name)
{
	(void)data;
	(void)len;
	(void)number;
	(void)name;
	return TPM_RETRY;       /* there is none yet */
}

static TPM_RESULT nv_store(const unsigned char *data, uint32_t len, uint32_t number,
			   const char *name)
{
	(void)data;
	(void)len;
	(void)number;
	(void)name;
	return TPM_SUCCESS;
}

static TPM_RESULT nv_delete(uint32_t number, const char *name, TPM_BOOL must)
{
	(void)number;
	(void)name;
	return must ? TPM_FAIL : TPM_SUCCESS;
}

static void tpm_power_on(void)
{
	static struct libtpms_callbacks callbacks = {
		.sizeOfStruct = sizeof(callbacks),
		.tpm_nvram_init = nv_init,
		.tpm_nvram_loaddata = nv_load,
		.tpm_nvram_storedata = nv_store,
		.tpm_nvram_deletename = nv_delete,
	};

	if (TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_2) != TPM_SUCCESS ||
	    TPMLIB_RegisterCallbacks(&callbacks) != TPM_SUCCESS ||
	    TPMLIB_MainInit() != TPM_SUCCESS) {
		fprintf(stderr, "libtpms does not start\n");
		exit(1);
	}
}

/* [slots] */
static void machine_map(struct machine *m)
{
	/* Registers trap. Beside them only the command window can be written. */
	vmm_add_slot(&m->v, 1, TPMIX_BASE + TPMIX_HEADER, m->space + TPMIX_HEADER,
		     TPMIX_HEADER_PAGE_SIZE, KVM_MEM_READONLY);
	vmm_add_slot(&m->v, 2, TPMIX_BASE + TPMIX_RSP_WINDOW, m->space + TPMIX_RSP_WINDOW,
		     CAPACITY, KVM_MEM_READONLY);
	vmm_add_slot(&m->v, 3, TPMIX_BASE + TPMIX_CMD_WINDOW, m->space + TPMIX_CMD_WINDOW,
		     CAPACITY, 0);
}
/* [slots end] */

static void machine_power_on(struct machine *m)
{
	struct tpmix_config cfg = {
		.backend = &backend,
		.opaque = m,
		.base = TPMIX_BASE,
		.cmd = m->cmd,
		.run = m->run,
		.rsp = m->rsp,
		.capacity = CAPACITY,
		.fifo = true,
		.localities = TPMIX_NUM_LOCALITIES,
	};

	g_mutex_init(&m->lock);
	m->commands = g_async_queue_new();
	m->space = mmap(NULL, TPMIX_SPACE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert(m->space != MAP_FAILED);
	cfg.ram.cmd = m->space + TPMIX_CMD_WINDOW;
	cfg.ram.rsp = m->space + TPMIX_RSP_WINDOW;
	cfg.ram.block = (uint32_t *)(void *)(m->space + TPMIX_HEADER + TPMIX_BLOCK);
	tpmix_init(&m->e, &cfg);
	tpmix_reset(&m->e, TPMIX_FAMILY_2_0, CAPACITY);
	vmm_create(&m->v);
	machine_map(m);
}

/* [exits] */
static void answer(struct machine *m)
{
	struct kvm_run *run = m->v.run;
	uint64_t addr = run->mmio.phys_addr - TPMIX_BASE, val = 0;

	g_mutex_lock(&m->lock);
	if (run->mmio.is_write) {
		memcpy(&val, run->mmio.data, run->mmio.len);
		tpmix_write(&m->e, (uint32_t)addr, val, run->mmio.len);
	} else {
		val = tpmix_mmio_read(&m->e, (uint32_t)addr, run->mmio.len);
		memcpy(run->mmio.data, &val, run->mmio.len);
	}
	/*
	 * A VMM with an interrupt controller sets its line to tpmix_irq() here, and
	 * pulses it where m->e.edges has grown.
	 */
	g_mutex_unlock(&m->lock);
}

static void run_to_hlt(struct machine *m)
{
	int r;

	while ((r = vmm_enter(&m->v)) == KVM_EXIT_MMIO) {
		answer(m);
	}
	if (r != KVM_EXIT_HLT) {
		fprintf(stderr, "KVM_RUN ended with %d\n", r);
		exit(1);
	}
}
/* [exits end] */

/* The guest runs @cmd @times times; what it read is at VMM_OUT of its RAM. */
static void run_guest(struct machine *m, const char *name, const uint8_t *cmd, uint32_t len,
		      uint32_t times)
{
	const uint32_t args[2] = { TPMIX_BASE + TPMIX_REG_CSUM_EXPECT, times };
	uint64_t before = m->v.mmio_exits;
	uint32_t i;

	memcpy(m->v.ram + COMMAND - sizeof(args), args, sizeof(args));
	memcpy(m->v.ram + COMMAND, cmd, len);
	vmm_boot(&m->v, vmm_blob(64, "windows"), COMMAND, len,
		 TPMIX_CSUM_EXPECT_ON | tpmix_crc16(cmd, len));
	run_to_hlt(m);
	printf("%s x %u: %u exits; first response:", name, times,
	       (unsigned int)(m->v.mmio_exits - before));
	for (i = 0; i < m->v.ram[VMM_OUT + 5]; i++) {
		printf(" %02x", m->v.ram[VMM_OUT + i]);
	}
	printf("\n");
}

int main(void)
{
	static const uint8_t startup[] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0 };
	static const uint8_t get_random[] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };
	static struct machine machine;
	struct machine *m = &machine;
	const char *missing = vmm_missing();
	GThread *tpm;

	if (!missing && !vmm_has(KVM_CAP_READONLY_MEM)) {
		missing = "no KVM_CAP_READONLY_MEM";
	}
	if (missing) {
		fprintf(stderr, "tpm_vm: skipped: %s\n", missing);
		return SKIPPED;
	}
	tpm_power_on();
	machine_power_on(m);
	tpm = g_thread_new("tpm", tpm_thread, m);
	/* In place of a guest's driver. */
	tpmix_write(&m->e, TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	run_guest(m, "TPM2_Startup", startup, sizeof(startup), 1);
	run_guest(m, "TPM2_GetRandom", get_random, sizeof(get_random), 100);
	g_async_queue_push(m->commands, g_new0(struct command, 1));
	g_thread_join(tpm);
	TPMLIB_Terminate();
	vmm_destroy(&m->v);
	vmm_finish();
	g_async_queue_unref(m->commands);
	return 0;
}
