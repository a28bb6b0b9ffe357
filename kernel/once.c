/* SPDX-License-Identifier: ISC */
/* Set-up at first use: see once.h. */
#include "kernel/once.h"

bool
once_enter(struct once *o)
{
	bool interrupted = false, mine;
	uint64_t flags;

	if (__atomic_load_n(&o->done, __ATOMIC_ACQUIRE))
		return false;
	flags = spin_lock(&o->lock);
	while (o->busy)
		interrupted |=
		    waitq_sleep(&o->waiters, &o->lock, NS_NEVER) == -EINTR;
	mine = !o->done;
	o->busy = mine;
	spin_unlock(&o->lock, flags);
	if (interrupted)
		thread_interrupt(thread_current());
	return mine;
}

void
once_leave(struct once *o, bool done)
{
	uint64_t flags = spin_lock(&o->lock);

	__atomic_store_n(&o->done, done, __ATOMIC_RELEASE);
	o->busy = false;
	waitq_wake(&o->waiters, done ? -1U : 1);
	spin_unlock(&o->lock, flags);
}
