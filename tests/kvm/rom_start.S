/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First and last instructions of the test ROM, 64 KiB below 4 GiB: from the reset
 * vector in real mode to rom_main() in flat 32-bit protected mode, stack in RAM.
 */
	.section .reset, "ax"		/* at 0xFFFFFF80, see rom.ld */
	.code16
start16:
	cli
	lgdtl	%cs:(gdt_pointer - start16 + 0xFF80)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $start32

	.balign	8
gdt:
	.quad	0
	.quad	0x00CF9B000000FFFF	/* 8: code, 4 GiB */
	.quad	0x00CF93000000FFFF	/* 16: data, 4 GiB */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	0x70			/* 0xFFFFFFF0: here it begins */
rom_reset:
	jmp	start16
	.balign	16, 0xF4

	.section .start, "ax"
	.code32
start32:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	$0x80000, %esp
	call	rom_main
1:	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
