/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests of test_vmm: each reads @cx elements from @si to es:@di, then halts.
 * Loops move @si on by edx after each element: 0 stays on a FIFO register.
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
	BLOB	64, "ring", 4
1:	movl	%eax, (%rsi)
	dec	%ecx
	jnz	1b
	hlt
	END

	.pushsection .data.rel.ro.guest_table, "aw"
	.quad	0, 0, 0, 0
	.popsection

	.section .note.GNU-stack, "", @progbits
