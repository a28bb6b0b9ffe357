/* SPDX-License-Identifier: ISC */
/*
 * Signals inside the shim: who gets one, and how its handler is called.
 * Sets are words with bit N for signal N; signal_lock guards all of it.
 */
#ifndef LIBC_SHIM_SIGNALS_H
#define LIBC_SHIM_SIGNALS_H

#include <signal.h>
#include <sys/ucontext.h>

#include "kernel/kernel.h"
#include "libc-shim/thread_libc.h"

_Static_assert(NSIG == THREAD_SIGNALS, "sets of signals are 32 bits");

#define SIGNAL_BIT(n) (1U << (n))
/* No mask holds these back. */
#define SIGNAL_NEVER_BLOCKED (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

static inline bool
signal_valid(int signo)
{
	return signo > 0 && signo < NSIG;
}

extern struct spinlock signal_lock;
extern struct sigaction signal_actions[NSIG];
/* Sent to the process while every thread blocks them. */
extern uint32_t signal_process_pending;
extern struct thread_signal_note signal_process_note[NSIG];

/* signal.c */

/* Runs what is pending and not blocked; as on_signal in thread_libc.h. */
bool signal_deliver(void);
/* The mask `how` is SIG_BLOCK, ...; delivers what it uncovers. */
int signal_mask(int how, const sigset_t *set, sigset_t *old);
/* Takes one pending signal of `set` away, or 0.  signal_lock is held. */
int signal_take(
    struct thread_libc *l, uint32_t set, struct thread_signal_note *note);

/* signal_default.c: the default action; returns if that is to ignore. */
void signal_default(int signo);
bool signal_default_ignores(int signo);
/* For abort: calls SIGABRT's handler.  sigaction sets it, as it sets the hook
 * for faults, so that only programs that catch signals link them. */
extern void (*signal_abort_hook)(void);

/* signal_send.c */

/* To the thread; NULL: to the process.  0 or -EINVAL. */
int signal_send(struct thread *t, int signo, struct thread_signal_note note);
/* To the process from a thread of the shim's own: that runs the handler
 * itself if nobody else has within 10 ms. */
void signal_send_timer(int signo, struct thread_signal_note note);
/* SIGWINCH to the process, from a thread of the kernel's. */
void signal_window(void);
/* SIGABRT to this thread even if it blocks it. */
void signal_abort(void);

/* signal_call.c */

/* Calls the handler with the mask and on the stack that act asks for. */
void signal_call(struct thread_libc *l, int signo,
    const struct thread_signal_note *note, const struct sigaction *act);
/* The same with info and uc given; the mask becomes uc's afterwards. */
void signal_call_with(struct thread_libc *l, const struct sigaction *act,
    siginfo_t *info, ucontext_t *uc);
/* The top of the alternate stack if it is set and not in use at `rsp`, else
 * 0. */
uintptr_t signal_stack_top(const struct thread_libc *l, uintptr_t rsp);

/* signal_fault.c */
extern bool (*signal_fault_hook)(struct trap_frame *f, int signo);
bool signal_fault(struct trap_frame *f, int signo);
struct signal_fault_frame;
void signal_fault_run(struct signal_fault_frame *ff, void *fpu_state);

/* signal.asm */

/* Where a fault resumes: saves the FPU, calls signal_fault_run and takes up
 * the registers that ff, in RDI and RSP, then holds. */
void signal_fault_entry(void);
/* handler(signo, info, uc) on another stack. */
void signal_call_on(int signo, siginfo_t *info, ucontext_t *uc,
    void (*handler)(int, siginfo_t *, void *), uintptr_t stack_top);

#endif
