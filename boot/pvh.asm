; SPDX-License-Identifier: ISC
;
; The PVH door: QEMU -kernel, Firecracker, Cloud Hypervisor, Xen PVH.
; The loader enters pvh_start in 32-bit protected mode, paging off, with the
; physical address of struct hvm_start_info in EBX ([PVH], x86/HVM direct boot
; ABI).  We reach 64-bit mode on a throw-away map of the image and hand that
; address to boot_pvh, which never returns.
;
; .bss needs no clearing here: every loader zeroes p_memsz beyond p_filesz, as
; the ELF specification tells it to.

extern boot_pvh
extern __image_end

global pvh_start

CODE64		equ 0x08
DATA		equ 0x10

CR0_PE		equ 1 << 0
CR0_MP		equ 1 << 1
CR0_ET		equ 1 << 4
CR0_NE		equ 1 << 5
CR0_WP		equ 1 << 16
CR0_PG		equ 1 << 31
CR4_PAE		equ 1 << 5
CR4_OSFXSR	equ 1 << 9
CR4_OSXMMEXCPT	equ 1 << 10
MSR_EFER	equ 0xc0000080
EFER_LME	equ 1 << 8
EFER_NXE	equ 1 << 11

PATTERN		equ 0x53707261
COM1		equ 0x3f8

PTE_P_W		equ 0x003
PDE_P_W_2M	equ 0x083

; "Xen" note 18, XEN_ELFNOTE_PHYS32_ENTRY: where to enter.
section .note.Xen note alloc noexec nowrite align=4
	dd 4, 4, 18
	db "Xen", 0
	dd pvh_start

section .bss nobits alloc write align=4096
boot_pml4:	resb 4096
boot_pdpt:	resb 4096
boot_pd:	resb 4096
boot_stack:	resb 8192
boot_stack_top:

section .rodata.boot progbits alloc noexec nowrite align=8
boot_gdt:
	dq 0
	dq 0x00af9b000000ffff		; 64-bit code
	dq 0x00cf93000000ffff		; data
boot_gdt_ptr:
	dw boot_gdt_ptr - boot_gdt - 1
	dd boot_gdt

section .text.boot progbits alloc exec nowrite align=16
; Here, at the image's beginning, it is likely to be in RAM.
no_memory_text:
	db "sprat: less memory than the image takes; give the guest more "
	db "(sprat info tells how much)", 10
no_memory_len	equ $ - no_memory_text

bits 32
pvh_start:
	cld
	mov	edi, __image_end - 4	; is the image's last word memory?
	mov	dword [edi], PATTERN
	cmp	dword [edi], PATTERN
	jne	.no_memory
	mov	dword [edi], 0
	mov	dword [boot_pml4], boot_pdpt + PTE_P_W
	mov	dword [boot_pdpt], boot_pd + PTE_P_W
	mov	eax, PDE_P_W_2M
	mov	edi, boot_pd
.map:	mov	[edi], eax
	add	edi, 8
	add	eax, 1 << 21
	cmp	eax, __image_end + (1 << 21)
	jb	.map

	mov	eax, boot_pml4
	mov	cr3, eax
	mov	eax, CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT
	mov	cr4, eax
	mov	ecx, MSR_EFER
	xor	edx, edx
	mov	eax, EFER_LME | EFER_NXE
	wrmsr
	mov	eax, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE
	mov	cr0, eax
	lgdt	[boot_gdt_ptr]
	jmp	CODE64:.long

.no_memory:
	mov	esi, no_memory_text
	mov	ecx, no_memory_len
	mov	edx, COM1
	rep outsb
	lidt	[boot_gdt]		; an empty table: the next trap resets
	int3

bits 64
.long:	mov	eax, DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	esp, boot_stack_top
	xor	ebp, ebp		; the end of every backtrace
	mov	edi, ebx
	call	boot_pvh
	ud2
