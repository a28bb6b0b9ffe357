/* SPDX-License-Identifier: ISC */
/* The processor's state when a trap or an interrupt came, as trap.asm saves
 * it: lowest address first.  [SDM] 3, 6.14 for the last five. */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#define TRAP_PAGE_FAULT   14
#define TRAP_DOUBLE_FAULT 8
#define TRAP_NMI          2

#define VECTOR_IRQ      32 /* the first that is not an exception */
#define VECTOR_TIMER    32
#define VECTOR_SPURIOUS 95 /* low four bits set, as old APICs ask */
#define VECTORS         96 /* trap.asm has a stub for each */

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* trap.asm -> trap.c.  True: the interrupted thread has used its time. */
bool trap_dispatch(struct trap_frame *f);

/* Opens the gate of an interrupt vector. */
void trap_gate_irq(unsigned vector);

/* trap.asm -> irq.c, thread.c */
void irq_dispatch(unsigned vector);
bool thread_preempt_wanted(void);
void thread_preempt(void);

/* Bytes to save the floating-point state; thread.c sets it, trap.asm uses it.
 * Bit 0 tells whether XSAVE or FXSAVE does it. */
extern uint32_t trap_fpu_len;

#endif
