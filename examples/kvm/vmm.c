/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tpmix_regs.h"
#include "vmm.h"

#define PML4    0x1000u
#define PDPT    0x2000u
#define PD      0x3000u /* four of them: 4 GiB */

static int kvm_fd = -1;
static struct kvm_cpuid2 *cpuid;
static size_t run_size;
static GThreadPool *enders;

/* ioctl() that must succeed */
static int must(int fd, unsigned long request, const char *what, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0) {
		g_error("%s: %s", what, g_strerror(errno));
	}
	return r;
}
#define MUST(fd, request, arg) must(fd, request, #request, arg)

static void load_cpuid(void)
{
	const uint32_t n = 256;

	cpuid = g_malloc0(sizeof(*cpuid) + n * sizeof(cpuid->entries[0]));
	cpuid->nent = n;
	MUST(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
}

const char *vmm_missing(void)
{
	static char why[80];

	if (kvm_fd >= 0) {
		return NULL;
	}
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0) {
		g_snprintf(why, sizeof(why), "no /dev/kvm: %s", g_strerror(errno));
		return why;
	}
	if (!vmm_has(KVM_CAP_IMMEDIATE_EXIT)) {
		close(kvm_fd);
		kvm_fd = -1;
		return "no KVM_CAP_IMMEDIATE_EXIT";
	}
	run_size = (size_t)must(kvm_fd, KVM_GET_VCPU_MMAP_SIZE,
				"KVM_GET_VCPU_MMAP_SIZE", NULL);
	load_cpuid();
	return NULL;
}

bool vmm_has(int cap)
{
	return ioctl(kvm_fd, KVM_CHECK_EXTENSION, (long)cap) > 0;
}

void vmm_create(struct vmm *v)
{
	*v = (struct vmm) { 0 };
	v->vm = must(kvm_fd, KVM_CREATE_VM, "KVM_CREATE_VM", NULL);
	/* VT-x wants three pages of its own, below the BIOS. */
	ioctl(v->vm, KVM_SET_TSS_ADDR, 0xFFFBD000ul);
	v->ram = mmap(NULL, VMM_RAM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert(v->ram != MAP_FAILED);
	vmm_add_slot(v, 0, 0, v->ram, VMM_RAM_SIZE, 0);
	v->vcpu = must(v->vm, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", NULL);
	MUST(v->vcpu, KVM_SET_CPUID2, cpuid);
	v->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->vcpu, 0);
	g_assert(v->run != MAP_FAILED);
}

/* A VM's end waits for grace periods of the host, some milliseconds long. */
static void end_vm(gpointer data, gpointer unused)
{
	struct vmm *v = data;

	(void)unused;
	munmap(v->run, run_size);
	close(v->vcpu);
	close(v->vm);
	munmap(v->ram, VMM_RAM_SIZE);
	g_free(v);
}

void vmm_destroy(struct vmm *v)
{
	if (!enders) {
		enders = g_thread_pool_new(end_vm, NULL, 8, FALSE, NULL);
	}
	g_thread_pool_push(enders, g_memdup2(v, sizeof(*v)), NULL);
}

void vmm_finish(void)
{
	if (enders) {
		g_thread_pool_free(enders, FALSE, TRUE);
	}
	g_free(cpuid);
	if (kvm_fd >= 0) {
		close(kvm_fd);
	}
}

void vmm_add_slot(struct vmm *v, uint32_t slot, uint64_t gpa, void *host,
		  size_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	MUST(v->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

int vmm_add_doorbell(struct vmm *v, uint64_t gpa)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct kvm_ioeventfd io = { .addr = gpa, .len = 4, .fd = fd };

	g_assert_cmpint(fd, >=, 0);
	MUST(v->vm, KVM_IOEVENTFD, &io);
	return fd;
}

const struct guest_blob *vmm_blob(uint32_t mode, const char *name)
{
	const struct guest_blob *blob;

	for (blob = guest_blobs; blob->code; blob++) {
		if (blob->mode == mode && !strcmp(blob->name, name)) {
			return blob;
		}
	}
	g_assert_not_reached();
}

static struct kvm_segment segment(uint32_t mode, bool code, uint64_t base)
{
	return (struct kvm_segment) {
		.base = base,
		.limit = mode == 16 ? 0xFFFF : 0xFFFFFFFF,
		.selector = code ? 8 : 16,
		.type = code ? 11 : 3,
		.present = 1,
		.s = 1,
		.db = mode == 32 || (mode == 64 && !code),
		.l = mode == 64 && code,
		.g = mode != 16,
	};
}

static void put64(struct vmm *v, uint32_t at, uint64_t val)
{
	memcpy(v->ram + at, &val, sizeof(val));
}

static void long_mode(struct vmm *v, struct kvm_sregs *s)
{
	uint64_t i;

	put64(v, PML4, PDPT | 3);
	for (i = 0; i < 4; i++) {
		put64(v, PDPT + (uint32_t)i * 8, (PD + i * 0x1000) | 3);
	}
	for (i = 0; i < 4 * 512; i++) {
		put64(v, PD + (uint32_t)i * 8, i << 21 | 0x83);
	}
	s->cr3 = PML4;
	s->cr4 |= 0x20;                 /* PAE */
	s->cr0 |= 0x80000000u;          /* PG */
	s->efer |= 0x500;               /* LME, LMA */
}

static void set_mode(struct vmm *v, uint32_t mode)
{
	struct kvm_sregs s;
	struct kvm_segment data = segment(mode, false, 0);

	MUST(v->vcpu, KVM_GET_SREGS, &s);
	s.cs = segment(mode, true, 0);
	s.ss = s.es = s.fs = s.gs = s.ds = data;
	s.cr0 = 0x22;                   /* NE, MP; EM off: SSE */
	s.cr4 |= 0x600;                 /* OSFXSR, OSXMMEXCPT */
	if (mode == 16) {
		s.cs.selector = s.ss.selector = s.es.selector = 0;
		s.fs.selector = s.gs.selector = s.ds.selector = 0;
		s.ds.base = TPMIX_BASE;
	} else {
		s.cr0 |= 1;             /* PE */
	}
	if (mode == 64) {
		long_mode(v, &s);
	}
	MUST(v->vcpu, KVM_SET_SREGS, &s);
}

void vmm_boot(struct vmm *v, const struct guest_blob *blob, uint32_t src,
	      uint32_t elements, uint32_t step)
{
	struct kvm_regs regs = {
		.rip = VMM_CODE,
		.rflags = 2,
		.rsp = VMM_STACK,
		.rsi = blob->mode == 16 ? src - TPMIX_BASE : src,
		.rdi = VMM_OUT,
		.rcx = elements,
		.rdx = step,
	};

	memcpy(v->ram + VMM_CODE, blob->code, (size_t)(blob->end - blob->code));
	set_mode(v, blob->mode);
	MUST(v->vcpu, KVM_SET_REGS, &regs);
}

static int enter(struct vmm *v)
{
	int r = ioctl(v->vcpu, KVM_RUN, 0) < 0 ? -errno : (int)v->run->exit_reason;

	if (r == KVM_EXIT_MMIO) {
		v->mmio_exits++;
	}
	return r;
}

int vmm_enter(struct vmm *v)
{
	v->user_exits++;
	return enter(v);
}

void vmm_drain(struct vmm *v, void (*mmio)(struct vmm *v, void *opaque), void *opaque)
{
	int r;

	v->run->immediate_exit = 1;
	while ((r = enter(v)) == KVM_EXIT_MMIO) {
		mmio(v, opaque);
	}
	g_assert_cmpint(r, ==, -EINTR);
	v->run->immediate_exit = 0;
}

void vmm_save(struct vmm *v, struct vmm_cpu *cpu)
{
	MUST(v->vcpu, KVM_GET_REGS, &cpu->regs);
	MUST(v->vcpu, KVM_GET_SREGS, &cpu->sregs);
	MUST(v->vcpu, KVM_GET_XSAVE, &cpu->xsave);
}

void vmm_restore(struct vmm *v, const struct vmm_cpu *cpu)
{
	MUST(v->vcpu, KVM_SET_SREGS, (void *)&cpu->sregs);
	MUST(v->vcpu, KVM_SET_XSAVE, (void *)&cpu->xsave);
	MUST(v->vcpu, KVM_SET_REGS, (void *)&cpu->regs);
}

/* linux/kvm.h, "binary stats": header, descriptors of name_size, values. */
static bool find_stat(int fd, const char *name, uint64_t *value)
{
	struct kvm_stats_header h;
	size_t size;
	uint32_t i;
	bool found = false;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h)) {
		return false;
	}
	size = sizeof(struct kvm_stats_desc) + h.name_size;
	struct kvm_stats_desc *d = g_malloc0(size);

	for (i = 0; i < h.num_desc && !found; i++) {
		if (pread(fd, d, size, (off_t)(h.desc_offset + i * size)) == (ssize_t)size &&
		    !strcmp(d->name, name)) {
			found = pread(fd, value, sizeof(*value),
				      (off_t)h.data_offset + d->offset) == sizeof(*value);
		}
	}
	g_free(d);
	return found;
}

bool vmm_stat(struct vmm *v, const char *name, uint64_t *value)
{
	int fd = ioctl(v->vcpu, KVM_GET_STATS_FD, NULL);
	bool found = fd >= 0 && find_stat(fd, name, value);

	if (fd >= 0) {
		close(fd);
	}
	return found;
}
