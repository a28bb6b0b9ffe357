/* SPDX-License-Identifier: ISC */
/*
 * Actions, masks and delivery: POSIX.1-2017 sigaction, signal,
 * pthread_sigmask, sigprocmask, sigpending.  Delivery is synchronous: a
 * thread runs handlers when it raises, unblocks, or leaves a sleep.
 */
#include <string.h>

#include "kernel/console.h"
#include "libc-shim/shim.h"
#include "libc-shim/signals.h"

struct spinlock signal_lock = SPINLOCK("signals");
struct sigaction signal_actions[NSIG];
uint32_t signal_process_pending;
struct thread_signal_note signal_process_note[NSIG];
static uint32_t interrupting; /* handlers without SA_RESTART, siginterrupt */

int
signal_take(
    struct thread_libc *l, uint32_t set, struct thread_signal_note *note)
{
	uint32_t own = l->sig_pending & set;
	uint32_t all = own | (signal_process_pending & set);
	int signo;

	if (all == 0)
		return 0;
	signo = __builtin_ctz(all);
	if (own & SIGNAL_BIT(signo)) {
		l->sig_pending &= ~SIGNAL_BIT(signo);
		*note = l->sig_note[signo];
	} else {
		signal_process_pending &= ~SIGNAL_BIT(signo);
		*note = signal_process_note[signo];
	}
	return signo;
}

/* The action to follow now; a one-shot handler is used up. */
static struct sigaction
action_take(int signo)
{
	struct sigaction act = signal_actions[signo];

	if (act.sa_flags & SA_RESETHAND)
		signal_actions[signo].sa_handler = SIG_DFL;
	return act;
}

bool
signal_deliver(void)
{
	struct thread_libc *l = thread_libc_self();
	struct thread_signal_note note;
	struct sigaction act;
	uint64_t flags;
	bool again = true;
	int signo;

	for (;;) {
		flags = spin_lock(&signal_lock);
		signo = signal_take(l, ~l->sig_blocked, &note);
		if (signo != 0)
			act = action_take(signo);
		spin_unlock(&signal_lock, flags);
		if (signo == 0)
			return again;
		if (act.sa_handler == SIG_DFL) {
			signal_default(signo);
		} else if (act.sa_handler != SIG_IGN) {
			again = again && (act.sa_flags & SA_RESTART);
			signal_call(l, signo, &note, &act);
		}
	}
}

int
signal_mask(int how, const sigset_t *set, sigset_t *old)
{
	struct thread_libc *l = thread_libc_self();
	uint32_t was = l->sig_blocked, now = was;

	if (set != NULL && how == SIG_BLOCK)
		now = was | (uint32_t)*set;
	else if (set != NULL && how == SIG_UNBLOCK)
		now = was & ~(uint32_t)*set;
	else if (set != NULL && how == SIG_SETMASK)
		now = (uint32_t)*set;
	else if (set != NULL)
		return -EINVAL;
	if (old != NULL)
		*old = was;
	l->sig_blocked = now & ~SIGNAL_NEVER_BLOCKED;
	if ((was & ~now) != 0)
		signal_deliver();
	return 0;
}

PUBLIC int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return -signal_mask(how, set, old);
}

PUBLIC int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return (int)posix_result(signal_mask(how, set, old));
}

PUBLIC int
sigpending(sigset_t *set)
{
	struct thread_libc *l = thread_libc_self();

	*set = (l->sig_pending | signal_process_pending) & l->sig_blocked;
	return 0;
}

/* Signal bits that a handler or SIG_IGN may be set for. */
static bool
may_set(int signo)
{
	return signal_valid(signo) &&
	       (SIGNAL_BIT(signo) & SIGNAL_NEVER_BLOCKED) == 0;
}

static int
action_set(int signo, const struct sigaction *act, struct sigaction *old)
{
	uint64_t flags;

	if (!signal_valid(signo) || (act != NULL && !may_set(signo)))
		return -EINVAL;
	flags = spin_lock(&signal_lock);
	if (old != NULL)
		*old = signal_actions[signo];
	if (act != NULL) {
		signal_actions[signo] = *act;
		signal_fault_hook = signal_fault;
		signal_abort_hook = signal_abort;
		console_resize_hook = signal_window;
	}
	spin_unlock(&signal_lock, flags);
	return 0;
}

PUBLIC int
sigaction(int signo, const struct sigaction *restrict act,
    struct sigaction *restrict old)
{
	struct sigaction copy;

	if (act == NULL)
		return (int)posix_result(action_set(signo, NULL, old));
	copy = *act;
	return (int)posix_result(action_set(signo, &copy, old));
}

PUBLIC _sig_func_ptr
signal(int signo, _sig_func_ptr handler)
{
	struct sigaction act, old;

	memset(&act, 0, sizeof(act));
	act.sa_handler = handler;
	if (signal_valid(signo) && !(interrupting & SIGNAL_BIT(signo)))
		act.sa_flags = SA_RESTART;
	if (handler == SIG_ERR ||
	    posix_result(action_set(signo, &act, &old)) < 0) {
		errno = EINVAL;
		return SIG_ERR;
	}
	return old.sa_handler;
}

PUBLIC int
siginterrupt(int signo, int flag)
{
	if (!may_set(signo))
		return (int)posix_result(-EINVAL);
	if (flag) {
		interrupting |= SIGNAL_BIT(signo);
		signal_actions[signo].sa_flags &= ~SA_RESTART;
	} else {
		interrupting &= ~SIGNAL_BIT(signo);
		signal_actions[signo].sa_flags |= SA_RESTART;
	}
	return 0;
}
