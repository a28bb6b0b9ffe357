; SPDX-License-Identifier: ISC
;
; The smallest guest that speaks the console protocol (kernel/mux.h): it
; tests `sprat run` against a real QEMU without any of the kernel.  It writes
; its command line to standard error, copies standard input to standard
; output, names the address of `start`, and exits with status 7.  32-bit code
; all the way: [PVH] enters in protected mode.

ESC	equ 0x10
COM1	equ 0x3f8

section .note.Xen note alloc noexec nowrite align=4
	dd 4, 4, 18
	db "Xen", 0
	dd start

section .text exec align=16
bits 32
global start:function (start.end - start)
start:
	mov	esp, stack_top
	mov	edx, COM1 + 2		; FIFOs on, 14 bytes before an interrupt
	mov	al, 0xc1
	out	dx, al
	mov	ecx, hello
	call	puts
	mov	ecx, [ebx + 24]		; hvm_start_info.cmdline_paddr
	call	puts
	mov	ecx, to_output
	call	puts
.copy:	call	getc
	cmp	al, ESC
	jne	.echo
	call	getc
	cmp	al, 'e'			; MUX_EOF
	je	.bye
	push	eax			; a doubled ESC stays doubled
	call	putc
	pop	eax
.echo:	call	putc
	jmp	.copy
.bye:	mov	ecx, last
	call	puts
	lidt	[no_idt]		; a triple fault ends QEMU -no-reboot
	int3
.end:

puts:	mov	al, [ecx]
	inc	ecx
	test	al, al
	jz	.done
	call	putc
	jmp	puts
.done:	ret

; AL; uses EDX, AH
putc:	mov	ah, al
	mov	edx, COM1 + 5
.wait:	in	al, dx
	test	al, 0x20
	jz	.wait
	mov	al, ah
	mov	edx, COM1
	out	dx, al
	ret

; -> AL; uses EDX
getc:	mov	edx, COM1 + 5
.wait:	pause
	in	al, dx
	test	al, 1
	jz	.wait
	mov	edx, COM1
	in	al, dx
	ret

section .rodata
hello:	db ESC, 'S', ESC, '2', 0
to_output:
	db ESC, '1', 0
last:	db ESC, '2', ESC, 'a', "0000000000100000", 10, ESC, 'x', "07", 0
no_idt:	times 6 db 0

section .bss
	resb 4096
stack_top:
