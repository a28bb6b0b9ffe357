; SPDX-License-Identifier: ISC
;
; The parts of signal handling that C cannot say: resuming from a fault by way
; of a handler, and calling a handler on another stack.

extern signal_fault_run
extern trap_fpu_len

global signal_fault_entry:function hidden
global signal_call_on:function hidden

GREGS	equ 40			; offset in struct signal_fault_frame
%define GREG(n) [rsp + GREGS + 8 * (n)]

section .text.signal_fault_entry progbits alloc exec nowrite align=16
bits 64

; rdi, rsp: struct signal_fault_frame, 16-aligned, with room below it.
; trap_fpu_len: bytes of FPU state; bit 0: XSAVE keeps it, else FXSAVE.
signal_fault_entry:
	mov	rbx, rdi
	push	qword [rbx + GREGS + 8 * 16]	; rip, rbp: as if the faulting
	push	qword [rbx + GREGS + 8 * 10]	; function had called us, for
	mov	rbp, rsp			; the handler's backtrace
	mov	ecx, [trap_fpu_len]
	mov	r12d, ecx
	and	ecx, -64
	sub	rsp, rcx
	and	rsp, -64
	mov	rdi, rbx
	mov	rsi, rsp
	test	r12b, 1
	jnz	.xsave
	fxsave64 [rsp]
	call	signal_fault_run
	fxrstor64 [rsp]
	jmp	.resume

.xsave:	xor	eax, eax		; XSAVE leaves most of its header alone
	lea	rdi, [rsp + 512]
	mov	ecx, 8
	rep stosq
	mov	rdi, rbx
	mov	eax, -1
	mov	edx, eax
	xsave64	[rsp]
	call	signal_fault_run
	mov	eax, -1
	mov	edx, eax
	xrstor64 [rsp]

; The order of registers is that of <sys/ucontext.h>.  The return frame goes
; just below ours: nothing lives there any more.
.resume:
	mov	rsp, rbx
	mov	eax, ss
	mov	[rsp - 8], rax
	mov	rax, GREG(15)
	mov	[rsp - 16], rax		; rsp
	mov	rax, GREG(17)
	mov	[rsp - 24], rax		; rflags
	mov	eax, cs
	mov	[rsp - 32], rax
	mov	rax, GREG(16)
	mov	[rsp - 40], rax		; rip
	mov	r8, GREG(0)
	mov	r9, GREG(1)
	mov	r10, GREG(2)
	mov	r11, GREG(3)
	mov	r12, GREG(4)
	mov	r13, GREG(5)
	mov	r14, GREG(6)
	mov	r15, GREG(7)
	mov	rdi, GREG(8)
	mov	rsi, GREG(9)
	mov	rbp, GREG(10)
	mov	rbx, GREG(11)
	mov	rdx, GREG(12)
	mov	rax, GREG(13)
	mov	rcx, GREG(14)
	lea	rsp, [rsp - 40]
	iretq

section .text.signal_call_on progbits alloc exec nowrite align=16

; void signal_call_on(int signo, siginfo_t *info, ucontext_t *uc,
;     handler, uintptr_t stack_top)
signal_call_on:
	push	rbp
	mov	rbp, rsp
	mov	rsp, r8			; 16-aligned
	call	rcx
	mov	rsp, rbp
	pop	rbp
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
