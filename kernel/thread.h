/* SPDX-License-Identifier: ISC */
/* What time.c, irq.c and trap.asm know of the scheduler. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdint.h>

/* After every interrupt: the woken go first. */
void thread_interrupted(void);
/* The timer's interrupt: wakes whom it concerns, sets it again. */
void thread_timer(void);
/* Time spent with no thread to run, ns. */
uint64_t thread_idle_ns(void);
uint64_t thread_run_ns(const struct thread *t);

/* trap.asm: saves the callee-saved state on the stack and its pointer in
 * *save_rsp, takes up the one at load_rsp. */
void thread_switch(uintptr_t *save_rsp, uintptr_t load_rsp);

#endif
