/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LD_PRELOAD for QEMU: takes back what QEMU does since 2011 before it stops a
 * vCPU, for MMIO reads of the TPM only.
 *
 * QEMU answers a KVM_EXIT_MMIO and, if it is to stop, enters KVM_RUN once more with
 * immediate_exit set: KVM then completes the read and returns -EINTR. That KVM_RUN
 * is the one this file is about. Two ways, TPMIX_SHIM:
 *
 *   drop    It does not reach the kernel, -EINTR comes from here. The read stays
 *           pending in this vCPU (and completes when it goes on); registers that
 *           are read now, as migration does, are those before the read.
 *   rewind  It reaches the kernel, then the general registers are set to what they
 *           were before it: the vCPU has nothing pending and runs the read again,
 *           as one would that was restored elsewhere from a stop without a drain.
 *
 * TPMIX_SHIM_COUNTERS names a file that gets struct shim_counters.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define TPM_BASE        0xFED40000u
#define TPM_SIZE        0x40000u
#define DATA_FIFO       0x024u
#define BUFFER          0x080u
#define BUFFER_END      0xF00u

/* The same layout stands in test_qemu_kvm.py (COUNTERS). */
struct shim_counters {
	uint32_t runs;          /* KVM_RUN */
	uint32_t pending;       /* immediate_exit with a TPM read pending */
	uint32_t pending_fifo;  /* of them DATA_FIFO */
	uint32_t pending_buffer; /* of them the trapped window, or CRB's buffer */
	uint32_t set_pending;   /* registers written while a dropped read is pending */
};

static struct {
	int (*real)(int fd, unsigned long request, ...);
	bool rewind, drop;
	struct shim_counters *counters, scratch;
	/* one vCPU: its thread alone comes here once it runs */
	int vcpu;
	struct kvm_run *run;
	bool mmio_read;         /* the last KVM_RUN ended with a read of the TPM */
	bool dropped;           /* and the drain of it did not reach the kernel */
} shim = { .vcpu = -1 };

static void open_counters(void)
{
	const char *path = getenv("TPMIX_SHIM_COUNTERS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *map = MAP_FAILED;

	shim.counters = &shim.scratch;
	if (fd >= 0 && ftruncate(fd, 4096) == 0) {
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (map != MAP_FAILED) {
		shim.counters = map;
	}
}

__attribute__((constructor)) static void shim_init(void)
{
	const char *how = getenv("TPMIX_SHIM");

	*(void **)&shim.real = dlsym(RTLD_NEXT, "ioctl");
	shim.drop = how && !strcmp(how, "drop");
	shim.rewind = how && !strcmp(how, "rewind");
	open_counters();
}

/* The page that QEMU maps as well. */
static void adopt_vcpu(int kvm_vcpu)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, kvm_vcpu, 0);

	if (map != MAP_FAILED) {
		shim.vcpu = kvm_vcpu;
		shim.run = map;
	}
}

static bool is_tpm_read(void)
{
	return shim.run->exit_reason == KVM_EXIT_MMIO && !shim.run->mmio.is_write &&
	       shim.run->mmio.phys_addr >= TPM_BASE &&
	       shim.run->mmio.phys_addr - TPM_BASE < TPM_SIZE;
}

static void count_pending(void)
{
	uint32_t off = (uint32_t)shim.run->mmio.phys_addr & 0xFFF;

	shim.counters->pending++;
	shim.counters->pending_fifo += off >= DATA_FIFO && off < DATA_FIFO + 4;
	shim.counters->pending_buffer += off >= BUFFER && off < BUFFER_END;
}

static int run_and_note(void *arg)
{
	int r = shim.real(shim.vcpu, KVM_RUN, arg);

	shim.mmio_read = r == 0 && is_tpm_read();
	shim.dropped = false;
	return r;
}

static int rewind_run(void *arg)
{
	struct kvm_regs regs;
	int r;

	if (shim.real(shim.vcpu, KVM_GET_REGS, &regs) < 0) {
		abort();
	}
	r = run_and_note(arg);
	/* Another fragment of the same instruction: not done yet, QEMU comes again. */
	if (r < 0 && errno == EINTR && shim.real(shim.vcpu, KVM_SET_REGS, &regs) < 0) {
		abort();
	}
	if (r < 0) {
		errno = EINTR;
	}
	return r;
}

static int kvm_run(void *arg)
{
	shim.counters->runs++;
	if (!shim.mmio_read || !shim.run->immediate_exit) {
		return run_and_note(arg);
	}
	if (!shim.dropped) {
		count_pending();
	}
	if (shim.rewind) {
		return rewind_run(arg);
	}
	if (shim.drop) {
		shim.dropped = true;
		errno = EINTR;
		return -1;
	}
	return run_and_note(arg);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	if (request == KVM_RUN && fd == shim.vcpu) {
		return kvm_run(arg);
	}
	if (request == KVM_SET_REGS && fd == shim.vcpu && shim.dropped) {
		shim.counters->set_pending++;
	}
	r = shim.real(fd, request, arg);
	if (request == KVM_CREATE_VCPU && r >= 0) {
		adopt_vcpu(r);
	}
	return r;
}
