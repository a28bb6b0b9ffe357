/* SPDX-License-Identifier: ISC */
/*
 * Condition variables, POSIX.1-2017 pthread_cond_*.  A waiter joins the queue
 * under the condition's own lock before it drops the mutex, so a signal sent
 * by whoever takes the mutex next finds it there.
 */
#include <limits.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

static int
cond_sleep(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline_ns)
{
	struct sync *s = sync_of(&c->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = mutex_unlock(m);

	if (err != 0) {
		spin_unlock(&s->lock, flags);
		return -err;
	}
	err = sync_sleep(s, &s->q, deadline_ns, true);
	spin_unlock(&s->lock, flags);
	return err;
}

/* A cancelled or interrupted wait holds the mutex before handlers run; a
 * handler's end looks like a wake-up without a signal, as POSIX allows. */
static int
cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline_ns)
{
	int err = cond_sleep(c, m, deadline_ns);

	if (err == -EPERM)
		return EPERM;
	mutex_lock(m, NS_NEVER);
	if (err != -EINTR)
		return -err;
	thread_libc_interrupted(true);
	return 0;
}

PUBLIC int
pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
	return cond_wait(c, m, NS_NEVER);
}

PUBLIC int
pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
    clockid_t clock, const struct timespec *restrict abstime)
{
	uint64_t deadline_ns;

	if (clock_deadline(clock, abstime, &deadline_ns) != 0)
		return EINVAL;
	return cond_wait(c, m, deadline_ns);
}

PUBLIC int
pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
    const struct timespec *restrict abstime)
{
	uint64_t deadline_ns;
	clockid_t clock = c->__monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;

	if (clock_deadline(clock, abstime, &deadline_ns) != 0)
		return EINVAL;
	return cond_wait(c, m, deadline_ns);
}

static int
cond_wake(pthread_cond_t *c, unsigned n)
{
	struct sync *s = sync_of(&c->__sync);
	uint64_t flags = spin_lock(&s->lock);

	waitq_wake(&s->q, n);
	spin_unlock(&s->lock, flags);
	return 0;
}

PUBLIC int
pthread_cond_signal(pthread_cond_t *c)
{
	return cond_wake(c, 1);
}

PUBLIC int
pthread_cond_broadcast(pthread_cond_t *c)
{
	return cond_wake(c, UINT_MAX);
}

PUBLIC int
pthread_cond_init(
    pthread_cond_t *restrict c, const pthread_condattr_t *restrict attr)
{
	memset(c, 0, sizeof(*c));
	if (attr != NULL)
		c->__monotonic = attr->__monotonic;
	return 0;
}

PUBLIC int
pthread_cond_destroy(pthread_cond_t *c)
{
	struct sync *s = sync_of(&c->__sync);
	uint64_t flags = spin_lock(&s->lock);
	bool busy = s->q.first != NULL;

	spin_unlock(&s->lock, flags);
	return busy ? EBUSY : 0;
}
