/* SPDX-License-Identifier: ISC */
/*
 * Read-write locks, POSIX.1-2017 pthread_rwlock_*.  Whoever lets go hands the
 * lock over: a woken sleeper holds it already.  When a writer leaves, all the
 * readers that waited for it go; when the last reader leaves, one writer
 * goes; so neither side starves.  A new reader waits behind a waiting writer
 * unless it holds some read lock already, which would be a deadlock.
 */
#include <limits.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

_Static_assert(sizeof(struct waitq) == 2 * sizeof(void *),
    "pthread_rwlock_t keeps other bytes than a queue takes");

static struct waitq *
readers_of(pthread_rwlock_t *rw)
{
	return (struct waitq *)(void *)rw->__readers;
}

/* The lock inside is held in all of these. */

static bool
may_read(const pthread_rwlock_t *rw, const struct sync *s)
{
	return rw->__holders == 0 ||
	       (rw->__holders > 0 &&
		   (s->q.first == NULL || thread_libc_self()->read_locks > 0));
}

static void
hand_to_readers(pthread_rwlock_t *rw)
{
	rw->__holders += (int)waitq_wake(readers_of(rw), UINT_MAX);
}

static void
hand_to_writer(pthread_rwlock_t *rw, struct sync *s)
{
	if (waitq_wake(&s->q, 1) == 1)
		rw->__holders = -1;
}

/* A writer gave up waiting: readers that waited behind it may go. */
static void
writer_gone(pthread_rwlock_t *rw, struct sync *s)
{
	if (s->q.first == NULL && rw->__holders >= 0)
		hand_to_readers(rw);
}

/* Sleeps until handed the lock, on q. */
static int
wait_turn(
    struct sync *s, struct waitq *q, uint64_t deadline_ns, uint64_t *flags)
{
	int err = sync_sleep(s, q, deadline_ns, false);

	if (err == -EINTR)
		sync_interrupted(s, flags, false);
	return err;
}

static int
read_lock(pthread_rwlock_t *rw, uint64_t deadline_ns)
{
	struct sync *s = sync_of(&rw->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = -EINTR;

	if (rw->__holders < 0 &&
	    rw->__writer == (unsigned long)thread_current())
		err = -EDEADLK;
	while (err == -EINTR) {
		if (may_read(rw, s)) {
			rw->__holders++;
			err = 0;
		} else {
			err = wait_turn(s, readers_of(rw), deadline_ns, &flags);
		}
	}
	if (err == 0)
		thread_libc_self()->read_locks++;
	spin_unlock(&s->lock, flags);
	return -err;
}

static int
write_lock(pthread_rwlock_t *rw, uint64_t deadline_ns)
{
	struct sync *s = sync_of(&rw->__sync);
	uint64_t flags = spin_lock(&s->lock);
	unsigned long self = (unsigned long)thread_current();
	int err = -EINTR;

	if (rw->__holders < 0 && rw->__writer == self)
		err = -EDEADLK;
	while (err == -EINTR) {
		if (rw->__holders == 0) {
			rw->__holders = -1;
			err = 0;
		} else {
			err = wait_turn(s, &s->q, deadline_ns, &flags);
		}
	}
	if (err == 0)
		rw->__writer = self;
	else if (err == -ETIMEDOUT)
		writer_gone(rw, s);
	spin_unlock(&s->lock, flags);
	return -err;
}

static int
try_result(int err)
{
	return err == 0 ? 0 : EBUSY;
}

PUBLIC int
pthread_rwlock_rdlock(pthread_rwlock_t *rw)
{
	return read_lock(rw, NS_NEVER);
}

PUBLIC int
pthread_rwlock_tryrdlock(pthread_rwlock_t *rw)
{
	return try_result(read_lock(rw, 0));
}

PUBLIC int
pthread_rwlock_wrlock(pthread_rwlock_t *rw)
{
	return write_lock(rw, NS_NEVER);
}

PUBLIC int
pthread_rwlock_trywrlock(pthread_rwlock_t *rw)
{
	return try_result(write_lock(rw, 0));
}

/* A lock that is free is taken whatever the time says. */
static int
lock_until(pthread_rwlock_t *rw, const struct timespec *abstime,
    int (*lock)(pthread_rwlock_t *, uint64_t))
{
	uint64_t deadline_ns;
	int err = lock(rw, 0);

	if (err != ETIMEDOUT)
		return err;
	if (clock_deadline(CLOCK_REALTIME, abstime, &deadline_ns) != 0)
		return EINVAL;
	return lock(rw, deadline_ns);
}

PUBLIC int
pthread_rwlock_timedrdlock(
    pthread_rwlock_t *restrict rw, const struct timespec *restrict abstime)
{
	return lock_until(rw, abstime, read_lock);
}

PUBLIC int
pthread_rwlock_timedwrlock(
    pthread_rwlock_t *restrict rw, const struct timespec *restrict abstime)
{
	return lock_until(rw, abstime, write_lock);
}

/* The lock inside is held. */
static int
release(pthread_rwlock_t *rw, struct sync *s)
{
	if (rw->__holders == 0)
		return EPERM;
	if (rw->__holders > 0) {
		thread_libc_self()->read_locks--;
		if (--rw->__holders == 0)
			hand_to_writer(rw, s);
		return 0;
	}
	rw->__holders = 0;
	rw->__writer = 0;
	hand_to_readers(rw);
	if (rw->__holders == 0)
		hand_to_writer(rw, s);
	return 0;
}

PUBLIC int
pthread_rwlock_unlock(pthread_rwlock_t *rw)
{
	struct sync *s = sync_of(&rw->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = release(rw, s);

	spin_unlock(&s->lock, flags);
	return err;
}

PUBLIC int
pthread_rwlock_init(
    pthread_rwlock_t *restrict rw, const pthread_rwlockattr_t *restrict attr)
{
	(void)attr;
	memset(rw, 0, sizeof(*rw));
	return 0;
}

PUBLIC int
pthread_rwlock_destroy(pthread_rwlock_t *rw)
{
	struct sync *s = sync_of(&rw->__sync);
	uint64_t flags = spin_lock(&s->lock);
	bool busy = rw->__holders != 0;

	spin_unlock(&s->lock, flags);
	return busy ? EBUSY : 0;
}
