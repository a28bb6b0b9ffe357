/* SPDX-License-Identifier: ISC */
/* Sleeping locks; see sleeplock.h. */
#include "libc-shim/sleeplock.h"

static void
take_slowly(struct sleeplock *l)
{
	bool interrupted = false;
	uint64_t flags = spin_lock(&l->spin);

	while (__atomic_exchange_n(&l->state, 2, __ATOMIC_ACQUIRE) != 0)
		if (waitq_sleep(&l->wanting, &l->spin, NS_NEVER) == -EINTR)
			interrupted = true;
	spin_unlock(&l->spin, flags);
	/* The interruption was meant for the sleep that comes next. */
	if (interrupted)
		thread_interrupt(thread_current());
}

bool
sleeplock_try(struct sleeplock *l)
{
	uint32_t expected = 0;

	return __atomic_compare_exchange_n(
	    &l->state, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void
sleeplock_take(struct sleeplock *l)
{
	if (!sleeplock_try(l))
		take_slowly(l);
}

void
sleeplock_give(struct sleeplock *l)
{
	if (__atomic_exchange_n(&l->state, 0, __ATOMIC_RELEASE) == 2)
		sleeplock_wake(l, &l->wanting, 1);
}

int
sleeplock_wait(struct sleeplock *l, struct waitq *q, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&l->spin);
	int err;

	if (__atomic_exchange_n(&l->state, 0, __ATOMIC_RELEASE) == 2)
		waitq_wake(&l->wanting, 1);
	err = waitq_sleep(q, &l->spin, deadline_ns);
	spin_unlock(&l->spin, flags);
	sleeplock_take(l);
	return err;
}

void
sleeplock_wake(struct sleeplock *l, struct waitq *q, unsigned n)
{
	uint64_t flags = spin_lock(&l->spin);

	waitq_wake(q, n);
	spin_unlock(&l->spin, flags);
}
