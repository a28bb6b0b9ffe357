/* SPDX-License-Identifier: ISC */
/* A thread, and what sched.c and thread.c know of each other. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "kernel/kernel.h"

struct thread {
	struct thread *self;          /* at FS:0, [ABI] */
	uintptr_t rsp;                /* while it does not run */
	struct thread *next;          /* on the run queue or a wait queue */
	struct waitq *queue;          /* that it sleeps on */
	struct thread *later, **link; /* sleepers by deadline */
	uint64_t deadline_ns;
	int wait_err;
	bool interrupted, dead, detached;
	unsigned id;
	void *(*fn)(void *);
	void *arg, *result;
	struct waitq done; /* joiners */
	char *pages;
	size_t npages;
	uintptr_t stack_lo, stack_hi;
	uint64_t run_ns;
	uint8_t libc[THREAD_LIBC_LEN] __attribute__((aligned(16)));
};

/* --- sched.c: the scheduler's lock guards every link between threads --- */
uint64_t sched_enter(void);
void sched_leave(uint64_t flags);
/* The following hold it. */
struct thread *waitq_pop(struct waitq *q);
/* Ends t's sleep, or begins its life: it may run.  wait_err is what its
 * sched_sleep returns. */
void sched_wake(struct thread *t, int wait_err);
/* As waitq_sleep with the scheduler's lock as the queue's. */
int sched_sleep(struct waitq *q, uint64_t deadline_ns);
void sched_begin(struct thread *first);
/* Leaves a dead thread for good; frees it, once off it, if it is detached. */
void sched_end(struct thread *dead) __attribute__((noreturn));

/* The timer's interrupt: wakes whom it concerns, sets it again. */
void thread_timer(void);
/* Time spent with no thread to run, ns. */
uint64_t thread_idle_ns(void);
uint64_t thread_run_ns(const struct thread *t);

/* --- thread.c --- */
void thread_free(struct thread *t);

/* --- trap.asm: saves the callee-saved state on the stack and its pointer in
 * *save_rsp, takes up the one at load_rsp. */
void thread_switch(uintptr_t *save_rsp, uintptr_t load_rsp);

#endif
