/* SPDX-License-Identifier: ISC */
/*
 * The small meeting points: POSIX.1-2017 pthread_barrier_*, pthread_once and
 * pthread_spin_*.
 */
#include <limits.h>
#include <string.h>

#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

PUBLIC int
pthread_barrier_init(pthread_barrier_t *restrict b,
    const pthread_barrierattr_t *restrict attr, unsigned count)
{
	(void)attr;
	if (count == 0)
		return EINVAL;
	memset(b, 0, sizeof(*b));
	b->__count = count;
	return 0;
}

/* Waits for those who are just leaving pthread_barrier_wait. */
PUBLIC int
pthread_barrier_destroy(pthread_barrier_t *b)
{
	struct sync *s = sync_of(&b->__sync);
	uint64_t flags = spin_lock(&s->lock);
	bool busy = b->__arrived != 0;

	spin_unlock(&s->lock, flags);
	return busy ? EBUSY : 0;
}

/*
 * The last thread of a round wakes the others, and that is all they wait
 * for: once woken they do not look at the barrier again.
 */
PUBLIC int
pthread_barrier_wait(pthread_barrier_t *b)
{
	struct sync *s = sync_of(&b->__sync);
	uint64_t flags = spin_lock(&s->lock);
	unsigned round = b->__round;
	int result = 0;

	if (++b->__arrived == b->__count) {
		b->__arrived = 0;
		b->__round++;
		waitq_wake(&s->q, UINT_MAX);
		result = PTHREAD_BARRIER_SERIAL_THREAD;
	}
	while (result == 0 && b->__round == round) {
		if (sync_sleep(s, &s->q, NS_NEVER, false) == 0)
			break;
		sync_interrupted(s, &flags, false);
	}
	spin_unlock(&s->lock, flags);
	return result;
}

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

/* One queue for all: first uses rarely meet. */
static struct sync once_sync = {SPINLOCK("once"), {NULL, NULL}};

static void
once_set(pthread_once_t *once, unsigned state)
{
	uint64_t flags = spin_lock(&once_sync.lock);

	__atomic_store_n(&once->__state, state, __ATOMIC_RELEASE);
	waitq_wake(&once_sync.q, UINT_MAX);
	spin_unlock(&once_sync.lock, flags);
}

/* The routine's thread was cancelled: somebody else may run it. */
static void
once_cancelled(void *once)
{
	once_set(once, ONCE_NEW);
}

/* True: the caller is to run the routine; false: it has been run. */
static bool
once_claim(pthread_once_t *once)
{
	uint64_t flags = spin_lock(&once_sync.lock);
	bool claimed = false;

	while (once->__state == ONCE_RUNNING) {
		if (sync_sleep(&once_sync, &once_sync.q, NS_NEVER, false) < 0)
			sync_interrupted(&once_sync, &flags, false);
	}
	if (once->__state == ONCE_NEW) {
		once->__state = ONCE_RUNNING;
		claimed = true;
	}
	spin_unlock(&once_sync.lock, flags);
	return claimed;
}

PUBLIC int
pthread_once(pthread_once_t *once, void (*routine)(void))
{
	struct thread_libc *l = thread_libc_self();
	struct pthread_cleanup undo = {once_cancelled, once, l->cleanup};

	if (__atomic_load_n(&once->__state, __ATOMIC_ACQUIRE) == ONCE_DONE)
		return 0;
	if (!once_claim(once))
		return 0;
	l->cleanup = &undo;
	routine();
	l->cleanup = undo.__outer;
	once_set(once, ONCE_DONE);
	return 0;
}

PUBLIC int
pthread_spin_init(pthread_spinlock_t *l, int shared)
{
	(void)shared;
	*l = 0;
	return 0;
}

PUBLIC int
pthread_spin_destroy(pthread_spinlock_t *l)
{
	(void)l;
	return 0;
}

PUBLIC int
pthread_spin_trylock(pthread_spinlock_t *l)
{
	return __atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) ? EBUSY : 0;
}

PUBLIC int
pthread_spin_lock(pthread_spinlock_t *l)
{
	while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
		thread_yield();
	return 0;
}

PUBLIC int
pthread_spin_unlock(pthread_spinlock_t *l)
{
	__atomic_store_n(l, 0, __ATOMIC_RELEASE);
	return 0;
}
