; SPDX-License-Identifier: ISC
;
; One stub a vector, then C.  Every vector has a stack of its own (IST), so
; nothing is ever written below the interrupted code's stack pointer, where
; compilers keep a red zone.  When the interrupted thread is to give way, its
; frame moves to its own stack, below that zone, and the thread switches from
; there as from any other call.

extern trap_dispatch
extern thread_preempt
extern trap_fpu_len

global trap_stubs:data hidden
global thread_switch:function hidden

VECTORS		equ 96
FRAME_LEN	equ 22 * 8
FRAME_RSP	equ 20 * 8
RED_ZONE	equ 128

section .text.trap progbits alloc exec nowrite align=16
bits 64

; Each stub takes 16 bytes.
trap_stubs:
%assign v 0
%rep VECTORS
	align 16
%if !(v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)
	push	0			; no error code from the processor
%endif
	push	v
	jmp	trap_common
%assign v v+1
%endrep
	align 16

%macro save_regs 0
	push	rax
	push	rcx
	push	rdx
	push	rbx
	push	rbp
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	push	r13
	push	r14
	push	r15
%endmacro

trap_common:
	save_regs
	cld
	mov	rdi, rsp
	xor	ebp, ebp
	call	trap_dispatch
	test	al, al
	jnz	trap_give_way

trap_return:
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rbp
	pop	rbx
	pop	rdx
	pop	rcx
	pop	rax
	add	rsp, 16			; vector, error
	iretq

; Interrupts are off.  rsp: the frame, on the interrupt stack.
trap_give_way:
	mov	rdi, [rsp + FRAME_RSP]
	sub	rdi, RED_ZONE + FRAME_LEN
	and	rdi, -16
	mov	rsi, rsp
	mov	rsp, rdi
	mov	ecx, FRAME_LEN / 8
	rep movsq
	mov	rbx, rsp		; the frame's new place

	mov	ecx, [trap_fpu_len]
	mov	r12d, ecx
	and	ecx, -64
	sub	rsp, rcx
	and	rsp, -64
	mov	eax, -1
	mov	edx, eax
	test	r12b, 1
	jz	.fxsave
	xor	eax, eax		; XSAVE leaves most of its header alone
	lea	rdi, [rsp + 512]
	mov	ecx, 8
	rep stosq
	mov	eax, -1
	xsave64	[rsp]
	call	thread_preempt
	mov	eax, -1
	mov	edx, eax
	xrstor64 [rsp]
	jmp	.done
.fxsave:
	fxsave64 [rsp]
	call	thread_preempt
	fxrstor64 [rsp]
.done:	mov	rsp, rbx
	jmp	trap_return

; void thread_switch(uintptr_t *save_rsp, uintptr_t load_rsp)
; Interrupts off.  What a call must keep: six registers and the two control
; words ([ABI] 3.2.3); and the x87 unit's flags and tags, for a thread that was
; preempted may leave its registers full.
thread_switch:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	sub	rsp, 32
	stmxcsr	[rsp]
	fnstenv	[rsp + 4]		; masks all exceptions
	mov	[rdi], rsp
	mov	rsp, rsi
	ldmxcsr	[rsp]
	fldenv	[rsp + 4]
	add	rsp, 32
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	ret
