/* SPDX-License-Identifier: ISC */
/*
 * A lock and a queue of sleepers inside each POSIX object, and sleeping on it.
 * Applications see the same bytes as struct __sprat_sync.
 */
#ifndef LIBC_SHIM_SYNC_H
#define LIBC_SHIM_SYNC_H

#include <pthread.h>

#include "kernel/kernel.h"
#include "libc-shim/thread_libc.h"

struct sync {
	struct spinlock lock;
	struct waitq q;
};

_Static_assert(sizeof(struct sync) == sizeof(struct __sprat_sync),
    "sys/_pthreadtypes.h keeps other bytes than the kernel's types take");

static inline struct sync *
sync_of(struct __sprat_sync *s)
{
	return (struct sync *)(void *)s;
}

/*
 * Sleeps on q, whose lock is s->lock and held: 0 if woken, -ETIMEDOUT, or
 * -EINTR when a signal or (at a cancellation point) a cancellation waits.
 */
static inline int
sync_sleep(
    struct sync *s, struct waitq *q, uint64_t deadline_ns, bool cancel_point)
{
	if (thread_libc_wanted(thread_libc_self(), cancel_point))
		return -EINTR;
	return waitq_sleep(q, &s->lock, deadline_ns);
}

/* Drops the lock, runs handlers, takes it again.  As thread_libc_eintr. */
static inline bool
sync_interrupted(struct sync *s, uint64_t *flags, bool cancel_point)
{
	bool again;

	spin_unlock(&s->lock, *flags);
	again = thread_libc_interrupted(cancel_point);
	*flags = spin_lock(&s->lock);
	return again;
}

/* pthread_mutex.c; positive error numbers, as all below */
int mutex_lock(pthread_mutex_t *m, uint64_t deadline_ns);
int mutex_unlock(pthread_mutex_t *m);

/* pthread.c.  Enlisting makes the calling thread one that signals may go to
 * and whose end may be the end of the program. */
void pthread_enlist_self(void);
/* pthread_create by a thread that is none of the application's. */
int pthread_spawn(pthread_t *thread, const pthread_attr_t *attr,
    void *(*fn)(void *), void *arg);
/* Runs the cleanup handlers and ends the calling thread. */
void pthread_end(void *result) __attribute__((noreturn));
static inline struct thread *
pthread_thread(pthread_t p)
{
	return (struct thread *)p;
}
extern struct spinlock pthread_list_lock;
extern struct thread_libc *pthread_list; /* oldest first; under its lock */

#endif
