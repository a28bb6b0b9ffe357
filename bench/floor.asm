; SPDX-License-Identifier: ISC
;
; The least that a PVH kernel can be: it prints a line on COM1 and ends in a
; triple fault.  What the same QEMU needs for this is the floor that boot.py
; measures hello against.

section .note.Xen note alloc noexec nowrite align=4
	dd 4, 4, 18			; XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd start

section .text progbits alloc exec nowrite align=16
bits 32
global start
start:	mov	esi, line
	mov	ecx, line_end - line
	mov	edx, 0x3f8
	rep outsb
	lidt	[no_idt]
	int3

line:	db "hello", 10
line_end:
no_idt:	times 10 db 0
