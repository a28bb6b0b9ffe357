/* SPDX-License-Identifier: ISC */
/*
 * Cancellation, POSIX.1-2017 pthread_cancel and kin, deferred: the request is
 * noted, the target's sleep is cut short, and the target ends itself where it
 * may (thread_libc_interrupted at a cancellation point).
 */
#include <pthread.h>

#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

/* on_cancel of a thread that somebody cancelled */
static void
cancel_take(void)
{
	struct thread_libc *l = thread_libc_self();

	if (l->cancel_wanted && !l->cancel_off)
		pthread_end(PTHREAD_CANCELED);
}

PUBLIC int
pthread_cancel(pthread_t p)
{
	struct thread *t = pthread_thread(p);
	struct thread_libc *l = thread_libc(t);

	l->on_cancel = cancel_take;
	l->cancel_wanted = true;
	if (t == thread_current() && l->cancel_async)
		cancel_take();
	else
		thread_interrupt(t);
	return 0;
}

PUBLIC void
pthread_testcancel(void)
{
	struct thread_libc *l = thread_libc_self();

	if (l->on_cancel != NULL)
		l->on_cancel();
}

PUBLIC int
pthread_setcancelstate(int state, int *old)
{
	struct thread_libc *l = thread_libc_self();

	if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
		return EINVAL;
	if (old != NULL)
		*old = l->cancel_off ? PTHREAD_CANCEL_DISABLE
				     : PTHREAD_CANCEL_ENABLE;
	l->cancel_off = state == PTHREAD_CANCEL_DISABLE;
	return 0;
}

PUBLIC int
pthread_setcanceltype(int type, int *old)
{
	struct thread_libc *l = thread_libc_self();

	if (type != PTHREAD_CANCEL_DEFERRED &&
	    type != PTHREAD_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	if (old != NULL)
		*old = l->cancel_async ? PTHREAD_CANCEL_ASYNCHRONOUS
				       : PTHREAD_CANCEL_DEFERRED;
	l->cancel_async = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	if (l->cancel_async)
		pthread_testcancel();
	return 0;
}
