/* SPDX-License-Identifier: ISC */
/*
 * Mutexes, POSIX.1-2017 pthread_mutex_*.  The state word is 0 free, 1 held,
 * 2 held and somebody may sleep on it; a free mutex is taken and one nobody
 * wants is dropped by one compare-and-exchange.  Otherwise the lock inside
 * guards the queue and the passage from 2 to 0, so that the unlocking thread
 * has let go of the object before a woken one may destroy it.
 */
#include <limits.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

static inline bool
try_change(pthread_mutex_t *m, unsigned from, unsigned to)
{
	return __atomic_compare_exchange_n(
	    &m->__state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Takes the state word, sleeping for it. */
static int
state_wait(pthread_mutex_t *m, uint64_t deadline_ns)
{
	struct sync *s = sync_of(&m->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = 0;

	while (__atomic_exchange_n(&m->__state, 2, __ATOMIC_ACQUIRE) != 0) {
		err = sync_sleep(s, &s->q, deadline_ns, false);
		if (err == -ETIMEDOUT)
			break;
		if (err == -EINTR)
			sync_interrupted(s, &flags, false);
		err = 0;
	}
	spin_unlock(&s->lock, flags);
	return -err;
}

static void
state_release(pthread_mutex_t *m)
{
	struct sync *s = sync_of(&m->__sync);
	uint64_t flags;

	if (try_change(m, 1, 0))
		return;
	flags = spin_lock(&s->lock);
	__atomic_store_n(&m->__state, 0, __ATOMIC_RELEASE);
	waitq_wake(&s->q, 1);
	spin_unlock(&s->lock, flags);
}

/* The holder's own attempt to lock again. */
static int
lock_again(pthread_mutex_t *m, int busy)
{
	if (m->__kind == PTHREAD_MUTEX_ERRORCHECK)
		return busy;
	if (m->__depth == UINT_MAX)
		return EAGAIN;
	m->__depth++;
	return 0;
}

/* Not inlined here or below: the public functions save no registers then. */
__attribute__((noinline)) int
mutex_lock(pthread_mutex_t *m, uint64_t deadline_ns)
{
	unsigned long self;
	int err = 0;

	if (m->__kind == PTHREAD_MUTEX_NORMAL)
		return try_change(m, 0, 1) ? 0 : state_wait(m, deadline_ns);
	self = (unsigned long)thread_current();
	if (m->__owner == self)
		return lock_again(m, EDEADLK);
	if (!try_change(m, 0, 1))
		err = state_wait(m, deadline_ns);
	if (err == 0)
		m->__owner = self;
	return err;
}

__attribute__((noinline)) int
mutex_unlock(pthread_mutex_t *m)
{
	if (m->__kind != PTHREAD_MUTEX_NORMAL) {
		if (m->__owner != (unsigned long)thread_current())
			return EPERM;
		if (m->__depth > 0) {
			m->__depth--;
			return 0;
		}
		m->__owner = 0;
	}
	state_release(m);
	return 0;
}

PUBLIC int
pthread_mutex_lock(pthread_mutex_t *m)
{
	if (m->__kind == PTHREAD_MUTEX_NORMAL && try_change(m, 0, 1))
		return 0;
	return mutex_lock(m, NS_NEVER);
}

PUBLIC int
pthread_mutex_trylock(pthread_mutex_t *m)
{
	unsigned long self;

	if (m->__kind == PTHREAD_MUTEX_NORMAL)
		return try_change(m, 0, 1) ? 0 : EBUSY;
	self = (unsigned long)thread_current();
	if (m->__owner == self)
		return lock_again(m, EBUSY);
	if (!try_change(m, 0, 1))
		return EBUSY;
	m->__owner = self;
	return 0;
}

PUBLIC int
pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (m->__kind == PTHREAD_MUTEX_NORMAL && try_change(m, 1, 0))
		return 0;
	return mutex_unlock(m);
}

/* A mutex that is free is taken whatever the time says. */
static int
lock_until(pthread_mutex_t *m, clockid_t clock, const struct timespec *abstime)
{
	uint64_t deadline_ns;
	int err = mutex_lock(m, 0);

	if (err != ETIMEDOUT)
		return err;
	if (clock_deadline(clock, abstime, &deadline_ns) != 0)
		return EINVAL;
	return mutex_lock(m, deadline_ns);
}

PUBLIC int
pthread_mutex_timedlock(
    pthread_mutex_t *restrict m, const struct timespec *restrict abstime)
{
	return lock_until(m, CLOCK_REALTIME, abstime);
}

PUBLIC int
pthread_mutex_clocklock(pthread_mutex_t *restrict m, clockid_t clock,
    const struct timespec *restrict abstime)
{
	return lock_until(m, clock, abstime);
}

PUBLIC int
pthread_mutex_init(
    pthread_mutex_t *restrict m, const pthread_mutexattr_t *restrict attr)
{
	memset(m, 0, sizeof(*m));
	if (attr != NULL)
		m->__kind = (unsigned)attr->__kind;
	return 0;
}

/* Waits for one who is just leaving mutex_unlock. */
PUBLIC int
pthread_mutex_destroy(pthread_mutex_t *m)
{
	struct sync *s = sync_of(&m->__sync);

	spin_unlock(&s->lock, spin_lock(&s->lock));
	return __atomic_load_n(&m->__state, __ATOMIC_RELAXED) ? EBUSY : 0;
}

PUBLIC int
pthread_mutex_consistent(pthread_mutex_t *m)
{
	(void)m;
	return EINVAL;
}
