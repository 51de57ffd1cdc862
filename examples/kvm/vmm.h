/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small VMM over /dev/kvm, for tpm_vm.c and for tests/kvm: one vCPU, 256 KiB of
 * RAM at 0, no interrupt controller. In the tests it is stopped at an exit: what was
 * saved there goes into a new VM. Every KVM_EXIT_MMIO is the caller's.
 *
 * Real mode has DS at TPMIX_BASE (a base that the VMM sets; 0 is its other
 * segments'), 32- and 64-bit mode are flat, 64-bit with 2 MiB identity pages.
 *
 * Functions that can fail end the program; what KVM may lack is asked before.
 */
#ifndef EXAMPLES_KVM_VMM_H
#define EXAMPLES_KVM_VMM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_RAM_SIZE    0x40000u
#define VMM_CODE        0x8000u /* the blob */
#define VMM_OUT         0x9000u /* what it read */
#define VMM_STACK       0x7000u

/* As guest.S lays it out; the last one's code is NULL. */
struct guest_blob {
	const uint8_t *code, *end;
	const char *name;
	uint32_t mode;          /* 16, 32, 64 */
	uint32_t width;         /* bytes of an element; 0: it reads none */
};
extern const struct guest_blob guest_blobs[];

struct vmm {
	int vm, vcpu;
	struct kvm_run *run;
	uint8_t *ram;
	uint64_t user_exits;    /* returns of KVM_RUN to us, but those of vmm_drain() */
	uint64_t mmio_exits;    /* KVM_EXIT_MMIO, drained ones as well */
};

/* What a snapshot holds of a vCPU. */
struct vmm_cpu {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	/* Not kvm_fpu: KVM_SET_FPU in a new vCPU was seen to lose XMM0. */
	struct kvm_xsave xsave;
};

/* NULL, or why there is no KVM here. Opens /dev/kvm once. */
const char *vmm_missing(void);
/* KVM_CHECK_EXTENSION */
bool vmm_has(int cap);

void vmm_create(struct vmm *v);
/* Ends in the background; vmm_finish() waits for all of them. */
void vmm_destroy(struct vmm *v);
void vmm_finish(void);
const struct guest_blob *vmm_blob(uint32_t mode, const char *name);
/*
 * Loads @blob and makes the vCPU ready for its first instruction. @src is a
 * physical address; in real mode above TPMIX_BASE, where DS begins.
 */
void vmm_boot(struct vmm *v, const struct guest_blob *blob, uint32_t src,
	      uint32_t elements, uint32_t step);

/* Enters the guest: returns run->exit_reason, or -errno (-EINTR). */
int vmm_enter(struct vmm *v);
/*
 * Completes the pending MMIO read without running the guest on: immediate_exit.
 * An instruction of several fragments exits again for each: @mmio answers them.
 */
void vmm_drain(struct vmm *v, void (*mmio)(struct vmm *v, void *opaque), void *opaque);

void vmm_save(struct vmm *v, struct vmm_cpu *cpu);
void vmm_restore(struct vmm *v, const struct vmm_cpu *cpu);

/* A memory slot beside RAM; @flags KVM_MEM_READONLY or 0. */
void vmm_add_slot(struct vmm *v, uint32_t slot, uint64_t gpa, void *host,
		  size_t size, uint32_t flags);
/* An eventfd that writes of 4 bytes to @gpa signal instead of exiting. */
int vmm_add_doorbell(struct vmm *v, uint64_t gpa);
/* A vCPU's counter from KVM_GET_STATS_FD; false where KVM has none of that name. */
bool vmm_stat(struct vmm *v, const char *name, uint64_t *value);

#endif /* EXAMPLES_KVM_VMM_H */
