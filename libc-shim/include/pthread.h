/* SPDX-License-Identifier: ISC */
/*
 * POSIX threads, POSIX.1-2017 <pthread.h>, with the usual _np extensions.
 * Functions return 0 or an error number and leave errno alone.  Absolute
 * times are of CLOCK_REALTIME unless a line says otherwise.
 *
 * LIMIT: one CPU runs, all threads have one priority, and every thread has
 * one guard page: scheduling and guard attributes are kept, not obeyed.
 * LIMIT: cancellation is deferred, also where asynchronous is asked for.
 */
#ifndef _PTHREAD_H
#define _PTHREAD_H

#include <sched.h>
#include <sys/cdefs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define PTHREAD_CREATE_JOINABLE	      0
#define PTHREAD_CREATE_DETACHED	      1
#define PTHREAD_SCOPE_SYSTEM	      0
#define PTHREAD_SCOPE_PROCESS	      1
#define PTHREAD_INHERIT_SCHED	      0
#define PTHREAD_EXPLICIT_SCHED	      1
#define PTHREAD_PROCESS_PRIVATE	      0
#define PTHREAD_PROCESS_SHARED	      1
#define PTHREAD_MUTEX_NORMAL	      0
#define PTHREAD_MUTEX_RECURSIVE	      1
#define PTHREAD_MUTEX_ERRORCHECK      2
#define PTHREAD_MUTEX_DEFAULT	      PTHREAD_MUTEX_NORMAL
#define PTHREAD_MUTEX_STALLED	      0
#define PTHREAD_MUTEX_ROBUST	      1
#define PTHREAD_PRIO_NONE	      0
#define PTHREAD_PRIO_INHERIT	      1
#define PTHREAD_PRIO_PROTECT	      2
#define PTHREAD_CANCEL_ENABLE	      0
#define PTHREAD_CANCEL_DISABLE	      1
#define PTHREAD_CANCEL_DEFERRED	      0
#define PTHREAD_CANCEL_ASYNCHRONOUS   1
#define PTHREAD_CANCELED	      ((void *)-1)
#define PTHREAD_BARRIER_SERIAL_THREAD (-1)

#ifndef PTHREAD_DESTRUCTOR_ITERATIONS
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#endif
#ifndef PTHREAD_KEYS_MAX
#define PTHREAD_KEYS_MAX 1048576
#endif
#ifndef PTHREAD_STACK_MIN
#define PTHREAD_STACK_MIN 16384
#endif

/* Zero throughout: such an object needs no pthread_..._init. */
#define PTHREAD_ONCE_INIT	  {0}
#define PTHREAD_MUTEX_INITIALIZER {0, 0, 0, 0, 0, {{0, 0, 0, 0}}}
#define PTHREAD_COND_INITIALIZER  {0, 0, {{0, 0, 0, 0}}}
#define PTHREAD_RWLOCK_INITIALIZER \
	{ 0, 0, 0, {{0, 0, 0, 0}}, {0, 0} }
#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP \
	{ 0, PTHREAD_MUTEX_RECURSIVE, 0, 0, 0, {{0, 0, 0, 0}} }
#define PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP \
	{ 0, PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0, {{0, 0, 0, 0}} }

__BEGIN_DECLS

/*
 * Threads.  pthread_create: EAGAIN without memory, EINVAL for a caller's own
 * stack (LIMIT: stacks are ours, with a guard page below).  pthread_join:
 * EDEADLK for oneself, EINVAL if detached; a cancellation point.  The _np
 * forms give up at an absolute time with ETIMEDOUT, or at once with EBUSY.
 */
int pthread_create(pthread_t *__restrict, const pthread_attr_t *__restrict,
    void *(*)(void *), void *__restrict);
int pthread_join(pthread_t, void **);
int pthread_timedjoin_np(pthread_t, void **, const struct timespec *);
int pthread_tryjoin_np(pthread_t, void **);
int pthread_detach(pthread_t);
void pthread_exit(void *) __attribute__((__noreturn__));
pthread_t pthread_self(void);
int pthread_equal(pthread_t, pthread_t);
/* Kept for programs that call it: nothing forks, so no handler ever runs. */
int pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
/* A clock for clock_gettime: nanoseconds that thread computed. */
int pthread_getcpuclockid(pthread_t, clockid_t *);
/* A name of at most 15 bytes, ERANGE if longer or if the buffer is short. */
int pthread_setname_np(pthread_t, const char *);
int pthread_getname_np(pthread_t, char *, size_t);
int pthread_setconcurrency(int);
int pthread_getconcurrency(void);
int pthread_yield(void);

/* Thread attributes; EINVAL for a value out of range; sizes in bytes. */
int pthread_attr_init(pthread_attr_t *);
int pthread_attr_destroy(pthread_attr_t *);
int pthread_attr_getdetachstate(const pthread_attr_t *, int *);
int pthread_attr_setdetachstate(pthread_attr_t *, int);
int pthread_attr_getstacksize(const pthread_attr_t *__restrict,
    size_t *__restrict);
int pthread_attr_setstacksize(pthread_attr_t *, size_t);
int pthread_attr_getstack(const pthread_attr_t *__restrict,
    void **__restrict, size_t *__restrict);
int pthread_attr_setstack(pthread_attr_t *, void *, size_t); /* ENOTSUP */
int pthread_attr_getguardsize(const pthread_attr_t *__restrict,
    size_t *__restrict);
int pthread_attr_setguardsize(pthread_attr_t *, size_t);
int pthread_attr_getscope(const pthread_attr_t *__restrict, int *__restrict);
int pthread_attr_setscope(pthread_attr_t *, int); /* ENOTSUP: process */
int pthread_attr_getinheritsched(const pthread_attr_t *__restrict,
    int *__restrict);
int pthread_attr_setinheritsched(pthread_attr_t *, int);
int pthread_attr_getschedpolicy(const pthread_attr_t *__restrict,
    int *__restrict);
int pthread_attr_setschedpolicy(pthread_attr_t *, int);
int pthread_attr_getschedparam(const pthread_attr_t *__restrict,
    struct sched_param *__restrict);
int pthread_attr_setschedparam(pthread_attr_t *__restrict,
    const struct sched_param *__restrict);
/* A living thread's attributes: where its stack is, among others. */
int pthread_getattr_np(pthread_t, pthread_attr_t *);

/* One policy, SCHED_OTHER, and one priority, 0; ENOTSUP for others. */
int pthread_getschedparam(pthread_t, int *__restrict,
    struct sched_param *__restrict);
int pthread_setschedparam(pthread_t, int, const struct sched_param *);
int pthread_setschedprio(pthread_t, int);

/*
 * Mutexes.  lock: EDEADLK for an ERRORCHECK mutex one holds, EAGAIN when a
 * recursive one is held too often; trylock: EBUSY; timedlock: ETIMEDOUT;
 * unlock: EPERM if not the holder (not NORMAL); destroy: EBUSY if held.
 */
int pthread_mutex_init(pthread_mutex_t *__restrict,
    const pthread_mutexattr_t *__restrict);
int pthread_mutex_destroy(pthread_mutex_t *);
int pthread_mutex_lock(pthread_mutex_t *);
int pthread_mutex_trylock(pthread_mutex_t *);
int pthread_mutex_timedlock(pthread_mutex_t *__restrict,
    const struct timespec *__restrict);
int pthread_mutex_clocklock(pthread_mutex_t *__restrict, clockid_t,
    const struct timespec *__restrict);
int pthread_mutex_unlock(pthread_mutex_t *);
int pthread_mutex_consistent(pthread_mutex_t *); /* EINVAL: none is robust */
int pthread_mutexattr_init(pthread_mutexattr_t *);
int pthread_mutexattr_destroy(pthread_mutexattr_t *);
int pthread_mutexattr_gettype(const pthread_mutexattr_t *__restrict,
    int *__restrict);
int pthread_mutexattr_settype(pthread_mutexattr_t *, int);
int pthread_mutexattr_getpshared(const pthread_mutexattr_t *__restrict,
    int *__restrict);
int pthread_mutexattr_setpshared(pthread_mutexattr_t *, int);
int pthread_mutexattr_getrobust(const pthread_mutexattr_t *__restrict,
    int *__restrict);
int pthread_mutexattr_setrobust(pthread_mutexattr_t *, int); /* ENOTSUP */
int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *__restrict,
    int *__restrict);
int pthread_mutexattr_setprotocol(pthread_mutexattr_t *, int); /* ENOTSUP */

/*
 * Condition variables.  The waits are cancellation points and may return 0
 * without a signal; ETIMEDOUT at an absolute time of the attribute's clock,
 * CLOCK_REALTIME or CLOCK_MONOTONIC.
 */
int pthread_cond_init(pthread_cond_t *__restrict,
    const pthread_condattr_t *__restrict);
int pthread_cond_destroy(pthread_cond_t *);
int pthread_cond_wait(pthread_cond_t *__restrict,
    pthread_mutex_t *__restrict);
int pthread_cond_timedwait(pthread_cond_t *__restrict,
    pthread_mutex_t *__restrict, const struct timespec *__restrict);
int pthread_cond_clockwait(pthread_cond_t *__restrict,
    pthread_mutex_t *__restrict, clockid_t, const struct timespec *__restrict);
int pthread_cond_signal(pthread_cond_t *);
int pthread_cond_broadcast(pthread_cond_t *);
int pthread_condattr_init(pthread_condattr_t *);
int pthread_condattr_destroy(pthread_condattr_t *);
int pthread_condattr_getclock(const pthread_condattr_t *__restrict,
    clockid_t *__restrict);
int pthread_condattr_setclock(pthread_condattr_t *, clockid_t);
int pthread_condattr_getpshared(const pthread_condattr_t *__restrict,
    int *__restrict);
int pthread_condattr_setpshared(pthread_condattr_t *, int);

/*
 * Read-write locks.  A waiting writer goes before new readers, except before
 * a thread that already reads; readers that waited while a writer held the
 * lock go next.  EDEADLK: the caller holds it for writing; EBUSY, ETIMEDOUT.
 */
int pthread_rwlock_init(pthread_rwlock_t *__restrict,
    const pthread_rwlockattr_t *__restrict);
int pthread_rwlock_destroy(pthread_rwlock_t *);
int pthread_rwlock_rdlock(pthread_rwlock_t *);
int pthread_rwlock_tryrdlock(pthread_rwlock_t *);
int pthread_rwlock_timedrdlock(pthread_rwlock_t *__restrict,
    const struct timespec *__restrict);
int pthread_rwlock_wrlock(pthread_rwlock_t *);
int pthread_rwlock_trywrlock(pthread_rwlock_t *);
int pthread_rwlock_timedwrlock(pthread_rwlock_t *__restrict,
    const struct timespec *__restrict);
int pthread_rwlock_unlock(pthread_rwlock_t *); /* EPERM: nobody holds it */
int pthread_rwlockattr_init(pthread_rwlockattr_t *);
int pthread_rwlockattr_destroy(pthread_rwlockattr_t *);
int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *__restrict,
    int *__restrict);
int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *, int);

/* Barriers: one waiter in each round gets PTHREAD_BARRIER_SERIAL_THREAD. */
int pthread_barrier_init(pthread_barrier_t *__restrict,
    const pthread_barrierattr_t *__restrict, unsigned);
int pthread_barrier_destroy(pthread_barrier_t *);
int pthread_barrier_wait(pthread_barrier_t *);
int pthread_barrierattr_init(pthread_barrierattr_t *);
int pthread_barrierattr_destroy(pthread_barrierattr_t *);
int pthread_barrierattr_getpshared(const pthread_barrierattr_t *__restrict,
    int *__restrict);
int pthread_barrierattr_setpshared(pthread_barrierattr_t *, int);

/* Spin locks yield the CPU to the holder instead of burning it. */
int pthread_spin_init(pthread_spinlock_t *, int);
int pthread_spin_destroy(pthread_spinlock_t *);
int pthread_spin_lock(pthread_spinlock_t *);
int pthread_spin_trylock(pthread_spinlock_t *);
int pthread_spin_unlock(pthread_spinlock_t *);

int pthread_once(pthread_once_t *, void (*)(void));

/* Thread-specific data.  EAGAIN: PTHREAD_KEYS_MAX keys, ENOMEM. */
int pthread_key_create(pthread_key_t *, void (*)(void *));
int pthread_key_delete(pthread_key_t);
int pthread_setspecific(pthread_key_t, const void *);
void *pthread_getspecific(pthread_key_t);

/*
 * Cancellation, deferred: it takes effect in pthread_testcancel, in waits for
 * conditions, semaphores, threads, signals, time, and in reads that block.
 */
int pthread_cancel(pthread_t);
int pthread_setcancelstate(int, int *);
int pthread_setcanceltype(int, int *);
void pthread_testcancel(void);

struct pthread_cleanup {
	void (*__run)(void *);
	void *__arg;
	struct pthread_cleanup *__outer;
};
void __pthread_cleanup_push(struct pthread_cleanup *);
void __pthread_cleanup_pop(struct pthread_cleanup *, int);

#define pthread_cleanup_push(run, arg)                             \
	do {                                                       \
		struct pthread_cleanup __cleanup = {run, arg, 0}; \
		__pthread_cleanup_push(&__cleanup)
#define pthread_cleanup_pop(execute)                          \
	__pthread_cleanup_pop(&__cleanup, execute); \
	}                                                     \
	while (0)

__END_DECLS

#endif
