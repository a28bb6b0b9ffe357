/* SPDX-License-Identifier: ISC */
/*
 * Attributes of mutexes, conditions, rwlocks and barriers, POSIX.1-2017.
 * "Process-shared" is the same as private: there is one process.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"

/* The four functions every attribute type has. */
#define SHARED_ATTR(type)                                                      \
	PUBLIC int pthread_##type##_init(pthread_##type##_t *a)                \
	{                                                                      \
		memset(a, 0, sizeof(*a));                                      \
		return 0;                                                      \
	}                                                                      \
	PUBLIC int pthread_##type##_destroy(pthread_##type##_t *a)             \
	{                                                                      \
		(void)a;                                                       \
		return 0;                                                      \
	}                                                                      \
	PUBLIC int pthread_##type##_getpshared(                                \
	    const pthread_##type##_t *restrict a, int *restrict shared)        \
	{                                                                      \
		*shared = a->__shared;                                         \
		return 0;                                                      \
	}                                                                      \
	PUBLIC int pthread_##type##_setpshared(                                \
	    pthread_##type##_t *a, int shared)                                 \
	{                                                                      \
		if (shared != PTHREAD_PROCESS_PRIVATE &&                       \
		    shared != PTHREAD_PROCESS_SHARED)                          \
			return EINVAL;                                         \
		a->__shared = shared;                                          \
		return 0;                                                      \
	}

SHARED_ATTR(mutexattr)
SHARED_ATTR(condattr)
SHARED_ATTR(rwlockattr)
SHARED_ATTR(barrierattr)

PUBLIC int
pthread_mutexattr_gettype(
    const pthread_mutexattr_t *restrict a, int *restrict kind)
{
	*kind = a->__kind;
	return 0;
}

PUBLIC int
pthread_mutexattr_settype(pthread_mutexattr_t *a, int kind)
{
	if (kind < PTHREAD_MUTEX_NORMAL || kind > PTHREAD_MUTEX_ERRORCHECK)
		return EINVAL;
	a->__kind = kind;
	return 0;
}

PUBLIC int
pthread_mutexattr_getrobust(
    const pthread_mutexattr_t *restrict a, int *restrict robust)
{
	(void)a;
	*robust = PTHREAD_MUTEX_STALLED;
	return 0;
}

PUBLIC int
pthread_mutexattr_setrobust(pthread_mutexattr_t *a, int robust)
{
	(void)a;
	if (robust == PTHREAD_MUTEX_STALLED)
		return 0;
	return robust == PTHREAD_MUTEX_ROBUST ? ENOTSUP : EINVAL;
}

PUBLIC int
pthread_mutexattr_getprotocol(
    const pthread_mutexattr_t *restrict a, int *restrict protocol)
{
	(void)a;
	*protocol = PTHREAD_PRIO_NONE;
	return 0;
}

PUBLIC int
pthread_mutexattr_setprotocol(pthread_mutexattr_t *a, int protocol)
{
	(void)a;
	if (protocol == PTHREAD_PRIO_NONE)
		return 0;
	return protocol == PTHREAD_PRIO_INHERIT ||
		       protocol == PTHREAD_PRIO_PROTECT
		   ? ENOTSUP
		   : EINVAL;
}

PUBLIC int
pthread_condattr_getclock(
    const pthread_condattr_t *restrict a, clockid_t *restrict clock)
{
	*clock = a->__monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
	return 0;
}

PUBLIC int
pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	a->__monotonic = clock == CLOCK_MONOTONIC;
	return 0;
}
