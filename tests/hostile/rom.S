/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BIOS of 64 KiB that is a hostile guest: from the reset vector to flat 32-bit
 * protected mode, and then rom.c. Nothing of the chipset is set up; RAM below
 * 640 KiB is there without it.
 */
	.section .start, "ax"
	.code16
start16:
	cli
	lgdtl	%cs:(gdt_pointer - start16)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $start32

	.code32
start32:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x70000, %esp
	call	rom_main
1:	hlt
	jmp	1b

	.balign	8
gdt:
	.quad	0
	.quad	0x00CF9B000000FFFF	/* code: 4 GiB from 0 */
	.quad	0x00CF93000000FFFF	/* data: 4 GiB from 0 */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.section .reset, "ax"
	.code16
	jmp	start16
	.balign	16

	.section .note.GNU-stack, "", @progbits
