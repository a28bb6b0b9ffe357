/* SPDX-License-Identifier: ISC */
/*
 * Waiting for signals: POSIX.1-2017 sigwait, sigwaitinfo, sigtimedwait,
 * sigsuspend, pause, sigpause.  All are cancellation points.
 */
#include <string.h>
#include <unistd.h>

#include "libc-shim/clock.h"
#include "libc-shim/process.h"
#include "libc-shim/shim.h"
#include "libc-shim/signals.h"
#include "libc-shim/sync.h"

/* Nobody is woken here; signals interrupt. */
static struct waitq sleepers;

/* The number of a signal of `set`, taken; or -EAGAIN, -EINTR. */
static int
wait_one(uint32_t set, struct thread_signal_note *note, uint64_t deadline_ns)
{
	struct thread_libc *l = thread_libc_self();
	unsigned handled = l->sig_handled;
	uint64_t flags;
	int signo, err = 0;

	pthread_enlist_self();
	flags = spin_lock(&signal_lock);
	l->sig_awaited = set;
	while ((signo = signal_take(l, set, note)) == 0) {
		if (err == -ETIMEDOUT || l->sig_handled != handled)
			break;
		err = thread_libc_wanted(l, true)
			  ? -EINTR
			  : waitq_sleep(&sleepers, &signal_lock, deadline_ns);
		if (err == -EINTR && (l->sig_pending & set) == 0) {
			l->sig_awaited = 0;
			spin_unlock(&signal_lock, flags);
			thread_libc_interrupted(true);
			flags = spin_lock(&signal_lock);
			l->sig_awaited = set;
		}
	}
	l->sig_awaited = 0;
	spin_unlock(&signal_lock, flags);
	if (signo != 0)
		return signo;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int
wait_info(const sigset_t *set, siginfo_t *info, uint64_t deadline_ns)
{
	struct thread_signal_note note;
	int signo = wait_one((uint32_t)*set, &note, deadline_ns);

	if (signo > 0 && info != NULL) {
		memset(info, 0, sizeof(*info));
		info->si_signo = signo;
		info->si_code = note.code;
		info->si_pid = PROCESS_PID;
		info->si_value.sival_ptr = note.value;
	}
	return signo;
}

/* Returns the error number; a handler does not end it. */
PUBLIC int
sigwait(const sigset_t *restrict set, int *restrict signo)
{
	int r;

	do {
		r = wait_info(set, NULL, NS_NEVER);
	} while (r == -EINTR);
	*signo = r;
	return 0;
}

PUBLIC int
sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
	return (int)posix_result(wait_info(set, info, NS_NEVER));
}

PUBLIC int
sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
    const struct timespec *restrict timeout)
{
	uint64_t ns = 0, deadline_ns = NS_NEVER;

	if (timeout != NULL) {
		if (clock_from_timespec(timeout, &ns) != 0)
			return (int)posix_result(-EINVAL);
		deadline_ns = clock_after(clock_ns(), ns);
	}
	return (int)posix_result(wait_info(set, info, deadline_ns));
}

/* Sleeps with this mask until a handler has run. */
static int
suspend(uint32_t mask)
{
	struct thread_libc *l = thread_libc_self();
	unsigned handled = l->sig_handled;
	uint32_t was = l->sig_blocked;
	uint64_t flags;

	pthread_enlist_self();
	l->sig_blocked = mask & ~SIGNAL_NEVER_BLOCKED;
	signal_deliver();
	while (l->sig_handled == handled) {
		flags = spin_lock(&signal_lock);
		if (!thread_libc_wanted(l, true))
			waitq_sleep(&sleepers, &signal_lock, NS_NEVER);
		spin_unlock(&signal_lock, flags);
		thread_libc_interrupted(true);
	}
	l->sig_blocked = was;
	signal_deliver();
	return (int)posix_result(-EINTR);
}

PUBLIC int
sigsuspend(const sigset_t *mask)
{
	return suspend((uint32_t)*mask);
}

PUBLIC int
pause(void)
{
	return suspend(thread_libc_self()->sig_blocked);
}

PUBLIC int
sigpause(int signo)
{
	if (!signal_valid(signo))
		return (int)posix_result(-EINVAL);
	return suspend(thread_libc_self()->sig_blocked & ~SIGNAL_BIT(signo));
}
