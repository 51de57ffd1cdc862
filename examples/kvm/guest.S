/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests of tests/kvm and tpm_vm.c: each reads @cx elements from @si to es:@di,
 * then halts.
 * Loops move @si on by edx after each element: 0 stays on a FIFO register.
 *
 * Those of width 0 do something else, as they say.
 *
 * guest_blobs[] names them, see vmm.h. Position-independent: the VMM copies them.
 */

	.macro BLOB mode, name, width
	.pushsection .rodata.guest_name, "a"
771:	.asciz "\name"
	.popsection
	.pushsection .data.rel.ro.guest_table, "aw"
	.quad 772f, 773f, 771b
	.long \mode, \width
	.popsection
772:
	.endm

	.macro END
773:
	.endm

	/* A table entry's labels: 772 begins a blob, 773 ends it. */
	.macro READER mode, name, width, load, store, si, di
	BLOB \mode, "\name", \width
1:	\load
	\store
	add	$\width, %\di
	add	%edx, %esi
	dec	%ecx
	jnz	1b
	hlt
	END
	.endm

	.macro STRING mode, name, width, insn
	BLOB \mode, "\name", \width
	cld
	rep \insn
	hlt
	END
	.endm

	.macro BLOBS mode, si, di
	READER \mode, "mov 1", 1, "movb (%\si), %al", "movb %al, %es:(%\di)", \si, \di
	READER \mode, "mov 2", 2, "movw (%\si), %ax", "movw %ax, %es:(%\di)", \si, \di
	READER \mode, "mov 4", 4, "movl (%\si), %eax", "movl %eax, %es:(%\di)", \si, \di
	READER \mode, "movdqu", 16, "movdqu (%\si), %xmm0", "movdqu %xmm0, %es:(%\di)", \si, \di
	STRING \mode, "rep movsb", 1, movsb
	STRING \mode, "rep movsd", 4, movsl
	.endm

	.pushsection .data.rel.ro.guest_table, "aw"
	.balign 8
	.globl	guest_blobs
guest_blobs:
	.popsection

	.section .rodata.guest, "a"
	.code16
	BLOBS	16, esi, edi
	.code32
	BLOBS	32, esi, edi
	.code64
	BLOBS	64, rsi, rdi
	READER	64, "mov 8", 8, "movq (%rsi), %rax", "movq %rax, %es:(%rdi)", rsi, rdi

	/* Doorbell: writes eax to (si) cx times. */
	BLOB	64, "ring", 0
1:	movl	%eax, (%rsi)
	dec	%ecx
	jnz	1b
	hlt
	END

	/*
	 * Commands of cx bytes at si by the windows in RAM, the locality held: for each
	 * the response and CSUM go to es:di. edx is CSUM_EXPECT; before the command
	 * stand where that register is and how many commands.
	 */
	BLOB	64, "windows", 0
	movl	$0xFED70000, %r8d
	movl	-8(%rsi), %r9d
	movq	%rsi, %r10
	movl	%ecx, %r11d
	movq	%rdi, %r12
	movl	0xFD0(%r8), %ebx		/* ACCEPTED */
1:	movq	%r10, %rsi
	movl	$0xFED50000, %edi
	movl	%r11d, %ecx
	rep movsb
	incl	%ebx
	movq	%rbx, %rax
	shlq	$32, %rax
	orq	%rdx, %rax
	movq	%rax, (%r9)			/* CSUM_EXPECT and DOORBELL */
2:	cmpl	%ebx, 0xFD8(%r8)		/* COMPLETED */
	jne	2b
	movl	$0xFED60000, %esi
	movq	%r12, %rdi
	movl	0xFDC(%r8), %ecx		/* RSP_SIZE */
	rep movsb
	movl	0xFE0(%r8), %eax		/* CSUM */
	stosl
	movq	%rdi, %r12
	decl	-4(%r10)
	jnz	1b
	hlt
	END

	/* The same as tpm_crb does it, without a CSUM. */
	BLOB	64, "crb", 0
	movl	$0xFED40000, %r8d
	movq	%rsi, %r10
	movl	%ecx, %r11d
	movq	%rdi, %r12
1:	movl	$1, 0x08(%r8)			/* requestAccess */
2:	testl	$2, 0x00(%r8)			/* locAssigned */
	jz	2b
	movl	$1, 0x40(%r8)			/* cmdReady */
2:	testl	$2, 0x44(%r8)			/* tpmIdle */
	jnz	2b
	movl	$0, 0x48(%r8)			/* CTRL_CANCEL */
	movq	%r10, %rsi
	movl	0x5C(%r8), %edi
	movl	%r11d, %ecx
	rep movsb
	movl	$1, 0x4C(%r8)			/* CTRL_START */
2:	testl	$1, 0x4C(%r8)
	jnz	2b
	movq	0x68(%r8), %rsi
	movl	2(%rsi), %ecx
	bswapl	%ecx
	movq	%r12, %rdi
	rep movsb
	movq	%rdi, %r12
	movl	$2, 0x40(%r8)			/* goIdle */
	movl	$2, 0x08(%r8)			/* relinquish */
	decl	-4(%r10)
	jnz	1b
	hlt
	END

	.pushsection .data.rel.ro.guest_table, "aw"
	.quad	0, 0, 0, 0
	.popsection

	.section .note.GNU-stack, "", @progbits
