/* SPDX-License-Identifier: ISC */
/*
 * Sending: POSIX.1-2017 raise, kill, killpg, sigqueue, pthread_kill.  A
 * signal to the process goes to a thread that waits for it, else to the
 * sender, else to the oldest thread that does not block it, else it stays
 * with the process until somebody unblocks it.
 */
#include <pthread.h>
#include <unistd.h>

#include "libc-shim/process.h"
#include "libc-shim/shim.h"
#include "libc-shim/signals.h"
#include "libc-shim/sync.h"

#define TAKE_OVER_NS 10000000ULL

/* signal_lock is held in these. */

static bool
has_handler(int signo)
{
	_sig_func_ptr handler = signal_actions[signo].sa_handler;

	return handler != SIG_IGN && handler != SIG_DFL;
}

/* Kept for later: sigwait, or unblocking, will take it. */
static bool
holds(const struct thread_libc *l, int signo)
{
	return ((l->sig_blocked | l->sig_awaited) & SIGNAL_BIT(signo)) != 0;
}

static bool
accepts(const struct thread_libc *l, int signo)
{
	return ((~l->sig_blocked | l->sig_awaited) & SIGNAL_BIT(signo)) != 0;
}

/* pthread_list_lock is held, too. */
static struct thread_libc *
choose(struct thread_libc *self, int signo)
{
	struct thread_libc *l;

	for (l = pthread_list; l != NULL; l = l->next) {
		if (l->sig_awaited & SIGNAL_BIT(signo))
			return l;
	}
	if (self != NULL && accepts(self, signo))
		return self;
	for (l = pthread_list; l != NULL; l = l->next) {
		if (accepts(l, signo))
			return l;
	}
	return NULL;
}

/* Makes it pending in l (NULL: in the process), or returns false: its action
 * needs no thread and is the default one, or to ignore it. */
static bool
post(struct thread_libc *l, int signo, struct thread_signal_note note)
{
	if (l == NULL) {
		signal_process_note[signo] = note;
		signal_process_pending |= SIGNAL_BIT(signo);
		return true;
	}
	if (!has_handler(signo) && !holds(l, signo))
		return false;
	l->sig_note[signo] = note;
	l->sig_pending |= SIGNAL_BIT(signo);
	l->on_signal = signal_deliver;
	if (l->thread != thread_current())
		thread_interrupt(l->thread);
	return true;
}

/* The thread that has it now, or NULL. */
static struct thread_libc *
place(struct thread *t, struct thread_libc *self, int signo,
    struct thread_signal_note note)
{
	struct thread_libc *l;
	uint64_t flags = spin_lock(&pthread_list_lock);
	bool by_default;

	spin_lock(&signal_lock);
	if (t != NULL) {
		l = thread_libc(t);
		l->thread = t;
	} else {
		l = choose(self, signo);
	}
	by_default = !post(l, signo, note) &&
		     signal_actions[signo].sa_handler == SIG_DFL;
	spin_unlock(&signal_lock, 0);
	spin_unlock(&pthread_list_lock, flags);
	if (by_default)
		signal_default(signo);
	return l;
}

int
signal_send(struct thread *t, int signo, struct thread_signal_note note)
{
	struct thread_libc *self = thread_libc_self();

	if (signo == 0)
		return 0;
	if (!signal_valid(signo))
		return -EINVAL;
	self->thread = thread_current();
	if (place(t, self, signo, note) == self)
		signal_deliver();
	return 0;
}

/* Takes the signal back from l, unless l took it or is no more. */
static bool
take_back(struct thread_libc *l, int signo, struct sigaction *act)
{
	struct thread_libc *p;
	uint64_t flags = spin_lock(&pthread_list_lock);
	bool taken = false;

	spin_lock(&signal_lock);
	for (p = pthread_list; p != NULL && p != l;)
		p = p->next;
	if (p != NULL && (l->sig_pending & SIGNAL_BIT(signo)) != 0 &&
	    !holds(l, signo)) {
		l->sig_pending &= ~SIGNAL_BIT(signo);
		*act = signal_actions[signo];
		taken = true;
	}
	spin_unlock(&signal_lock, 0);
	spin_unlock(&pthread_list_lock, flags);
	return taken;
}

void
signal_send_timer(int signo, struct thread_signal_note note)
{
	struct thread_libc *l = place(NULL, NULL, signo, note);
	struct sigaction act;

	if (l == NULL || !(l->sig_pending & SIGNAL_BIT(signo)))
		return;
	thread_sleep(clock_ns() + TAKE_OVER_NS);
	if (take_back(l, signo, &act) && act.sa_handler != SIG_IGN &&
	    act.sa_handler != SIG_DFL)
		signal_call(thread_libc_self(), signo, &note, &act);
}

/* A thread that computes learns of it at its next call that may wait. */
void
signal_window(void)
{
	place(NULL, NULL, SIGWINCH,
	    (struct thread_signal_note){NULL, SI_KERNEL});
}

void
signal_abort(void)
{
	struct thread_signal_note note = {NULL, SI_TKILL};

	thread_libc_self()->sig_blocked &= ~SIGNAL_BIT(SIGABRT);
	if (has_handler(SIGABRT))
		signal_send(thread_current(), SIGABRT, note);
}

PUBLIC int
raise(int signo)
{
	struct thread_signal_note note = {NULL, SI_TKILL};

	return (int)posix_result(signal_send(thread_current(), signo, note));
}

/* ESRCH only for what was never listed or has ended: POSIX leaves it open. */
PUBLIC int
pthread_kill(pthread_t p, int signo)
{
	struct thread_signal_note note = {NULL, SI_TKILL};
	struct thread *t = pthread_thread(p);
	struct thread_libc *l;
	uint64_t flags;

	if (t != thread_current()) {
		flags = spin_lock(&pthread_list_lock);
		for (l = pthread_list; l != NULL && l->thread != t;)
			l = l->next;
		spin_unlock(&pthread_list_lock, flags);
		if (l == NULL)
			return ESRCH;
	}
	return -signal_send(t, signo, note);
}

static int
kill_process(pid_t pid, int signo, struct thread_signal_note note)
{
	if (pid != 0 && pid != -1 && pid != PROCESS_PID && pid != -PROCESS_PID)
		return -ESRCH;
	return signal_send(NULL, signo, note);
}

PUBLIC int
kill(pid_t pid, int signo)
{
	struct thread_signal_note note = {NULL, SI_USER};

	return (int)posix_result(kill_process(pid, signo, note));
}
LIBC_NAME(kill);

PUBLIC int
killpg(pid_t group, int signo)
{
	struct thread_signal_note note = {NULL, SI_USER};

	return (int)posix_result(kill_process(group, signo, note));
}

PUBLIC int
sigqueue(pid_t pid, int signo, union sigval value)
{
	struct thread_signal_note note = {value.sival_ptr, SI_QUEUE};

	return (int)posix_result(kill_process(pid, signo, note));
}
