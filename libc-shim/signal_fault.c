/* SPDX-License-Identifier: ISC */
/*
 * A fault becomes a signal: the interrupted thread is made to resume in
 * signal_fault_entry, on its own stack below the red zone or on its signal
 * stack, with all its registers in a ucontext there.  When the handler
 * returns, the registers it left in that ucontext are taken up.
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/trap.h"
#include "libc-shim/process.h"
#include "libc-shim/signals.h"

#define RED_ZONE 128 /* [ABI] 3.2.2 */
/* What entry, signal_fault_run and a modest handler need besides. */
#define STACK_SLACK 1024

#define RFLAGS_TF (1UL << 8)
#define RFLAGS_DF (1UL << 10)

#define VECTOR_DIVIDE      0
#define PAGE_FAULT_PRESENT 1 /* error code: not a missing page */

/* signal.asm knows that gregs is at 40. */
struct signal_fault_frame {
	ucontext_t uc;
	siginfo_t info;
	struct sigaction act;
} __attribute__((aligned(16)));

_Static_assert(offsetof(struct signal_fault_frame, uc.uc_mcontext.gregs) == 40,
    "signal.asm has another offset of gregs");

bool (*signal_fault_hook)(struct trap_frame *f, int signo);

bool
libc_fault(struct trap_frame *f, int signo)
{
	return signal_fault_hook != NULL && signal_fault_hook(f, signo);
}

/* Where the frame goes, or 0 if it does not fit there. */
static uintptr_t
frame_place(const struct thread_libc *l, uintptr_t rsp, int sa_flags)
{
	uintptr_t need =
	    sizeof(struct signal_fault_frame) + trap_fpu_len + STACK_SLACK;
	uintptr_t lo, hi, at = rsp - RED_ZONE, top = 0;

	if (sa_flags & SA_ONSTACK)
		top = signal_stack_top(l, rsp);
	if (top != 0 && l->sig_stack_len < need)
		return 0;
	thread_stack(thread_current(), &lo, &hi);
	if (top != 0)
		at = top;
	else if (rsp >= lo - 2 * PAGE_SIZE && rsp <= hi && at < lo + need)
		return 0;
	return ALIGN_DOWN(at - sizeof(struct signal_fault_frame), 16UL);
}

static void
registers_save(greg_t *g, const struct trap_frame *f)
{
	g[REG_R8] = (greg_t)f->r8;
	g[REG_R9] = (greg_t)f->r9;
	g[REG_R10] = (greg_t)f->r10;
	g[REG_R11] = (greg_t)f->r11;
	g[REG_R12] = (greg_t)f->r12;
	g[REG_R13] = (greg_t)f->r13;
	g[REG_R14] = (greg_t)f->r14;
	g[REG_R15] = (greg_t)f->r15;
	g[REG_RDI] = (greg_t)f->rdi;
	g[REG_RSI] = (greg_t)f->rsi;
	g[REG_RBP] = (greg_t)f->rbp;
	g[REG_RBX] = (greg_t)f->rbx;
	g[REG_RDX] = (greg_t)f->rdx;
	g[REG_RAX] = (greg_t)f->rax;
	g[REG_RCX] = (greg_t)f->rcx;
	g[REG_RSP] = (greg_t)f->rsp;
	g[REG_RIP] = (greg_t)f->rip;
	g[REG_EFL] = (greg_t)f->rflags;
	g[REG_CSGSFS] = (greg_t)f->cs;
	g[REG_ERR] = (greg_t)f->error;
	g[REG_TRAPNO] = (greg_t)f->vector;
	g[REG_CR2] = (greg_t)cpu_cr2();
}

static void
info_fill(siginfo_t *info, const struct trap_frame *f, int signo)
{
	info->si_signo = signo;
	info->si_pid = PROCESS_PID;
	info->si_addr = (void *)f->rip;
	info->si_code = SI_KERNEL;
	if (f->vector == TRAP_PAGE_FAULT) {
		info->si_addr = (void *)cpu_cr2();
		info->si_code =
		    f->error & PAGE_FAULT_PRESENT ? SEGV_ACCERR : SEGV_MAPERR;
	} else if (signo == SIGFPE) {
		info->si_code =
		    f->vector == VECTOR_DIVIDE ? FPE_INTDIV : FPE_FLTINV;
	} else if (signo == SIGILL) {
		info->si_code = ILL_ILLOPC;
	} else if (signo == SIGTRAP) {
		info->si_code = TRAP_BRKPT;
	}
}

/* With interrupts off it is the kernel's own fault, and nobody's to handle;
 * so is one whose signal the thread blocks. */
bool
signal_fault(struct trap_frame *f, int signo)
{
	struct thread_libc *l = thread_libc_self();
	struct sigaction *act = &signal_actions[signo];
	struct signal_fault_frame *ff;

	if (act->sa_handler == SIG_DFL || act->sa_handler == SIG_IGN ||
	    (l->sig_blocked & SIGNAL_BIT(signo)) || !(f->rflags & RFLAGS_IF))
		return false;
	ff = (void *)frame_place(l, f->rsp, act->sa_flags);
	if (ff == NULL)
		return false;
	memset(ff, 0, sizeof(*ff));
	ff->act = *act;
	ff->act.sa_flags &= ~SA_ONSTACK; /* we are there already */
	if (act->sa_flags & SA_RESETHAND)
		act->sa_handler = SIG_DFL;
	info_fill(&ff->info, f, signo);
	registers_save(ff->uc.uc_mcontext.gregs, f);
	f->rip = (uint64_t)signal_fault_entry;
	f->rsp = f->rdi = (uint64_t)ff;
	f->rflags &= ~(RFLAGS_TF | RFLAGS_DF);
	return true;
}

void
signal_fault_run(struct signal_fault_frame *ff, void *fpu_state)
{
	ff->uc.uc_mcontext.fpregs = fpu_state;
	signal_call_with(thread_libc_self(), &ff->act, &ff->info, &ff->uc);
	signal_deliver();
}
