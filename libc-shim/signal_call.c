/* SPDX-License-Identifier: ISC */
/*
 * Calling a handler: its mask, its arguments, its stack; POSIX.1-2017
 * sigaltstack.  The mask before the call is in uc_sigmask, where a handler
 * may change what will be restored.
 */
#include <string.h>

#include "libc-shim/process.h"
#include "libc-shim/shim.h"
#include "libc-shim/signals.h"

static bool
on_signal_stack(const struct thread_libc *l, uintptr_t rsp)
{
	return rsp - (uintptr_t)l->sig_stack <= l->sig_stack_len;
}

uintptr_t
signal_stack_top(const struct thread_libc *l, uintptr_t rsp)
{
	if (l->sig_stack_len == 0 || on_signal_stack(l, rsp))
		return 0;
	return ALIGN_DOWN((uintptr_t)l->sig_stack + l->sig_stack_len, 16UL);
}

void
signal_call_with(struct thread_libc *l, const struct sigaction *act,
    siginfo_t *info, ucontext_t *uc)
{
	uint32_t mask = l->sig_blocked | (uint32_t)act->sa_mask;
	int signo = info->si_signo;
	uintptr_t top = 0;

	if (!(act->sa_flags & SA_NODEFER))
		mask |= SIGNAL_BIT(signo);
	uc->uc_sigmask = l->sig_blocked;
	l->sig_blocked = mask & ~SIGNAL_NEVER_BLOCKED;
	l->sig_handled++;
	if (act->sa_flags & SA_ONSTACK)
		top =
		    signal_stack_top(l, (uintptr_t)__builtin_frame_address(0));
	/* A handler of one argument does not mind two more. */
	if (top != 0)
		signal_call_on(signo, info, uc, act->sa_sigaction, top);
	else
		act->sa_sigaction(signo, info, uc);
	l->sig_blocked = (uint32_t)uc->uc_sigmask & ~SIGNAL_NEVER_BLOCKED;
}

void
signal_call(struct thread_libc *l, int signo,
    const struct thread_signal_note *note, const struct sigaction *act)
{
	siginfo_t info;
	ucontext_t uc;

	memset(&info, 0, sizeof(info));
	memset(&uc, 0, sizeof(uc));
	info.si_signo = signo;
	info.si_code = note->code;
	info.si_pid = PROCESS_PID;
	info.si_value.sival_ptr = note->value;
	signal_call_with(l, act, &info, &uc);
}

PUBLIC int
sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
	struct thread_libc *l = thread_libc_self();
	bool used = l->sig_stack_len != 0 &&
		    on_signal_stack(l, (uintptr_t)__builtin_frame_address(0));

	if (old != NULL) {
		old->ss_sp = l->sig_stack;
		old->ss_size = l->sig_stack_len;
		old->ss_flags = l->sig_stack_len == 0 ? SS_DISABLE
				: used                ? SS_ONSTACK
						      : 0;
	}
	if (stack == NULL)
		return 0;
	if (used)
		return (int)posix_result(-EPERM);
	if ((stack->ss_flags & ~(SS_DISABLE | SS_ONSTACK)) != 0)
		return (int)posix_result(-EINVAL);
	if (stack->ss_flags & SS_DISABLE) {
		l->sig_stack_len = 0;
		return 0;
	}
	if (stack->ss_size < MINSIGSTKSZ)
		return (int)posix_result(-ENOMEM);
	l->sig_stack = stack->ss_sp;
	l->sig_stack_len = stack->ss_size;
	return 0;
}
