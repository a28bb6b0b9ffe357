/* SPDX-License-Identifier: ISC */
/*
 * Thread attributes and names: POSIX.1-2017 pthread_attr_*, scheduling
 * parameters (one policy, one priority), pthread_getattr_np, names, clocks.
 */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

PUBLIC int
pthread_attr_init(pthread_attr_t *a)
{
	memset(a, 0, sizeof(*a));
	a->__guard_len = PAGE_SIZE;
	return 0;
}

PUBLIC int
pthread_attr_destroy(pthread_attr_t *a)
{
	(void)a;
	return 0;
}

PUBLIC int
pthread_attr_getdetachstate(const pthread_attr_t *a, int *state)
{
	*state = a->__detached;
	return 0;
}

PUBLIC int
pthread_attr_setdetachstate(pthread_attr_t *a, int state)
{
	if (state != PTHREAD_CREATE_JOINABLE &&
	    state != PTHREAD_CREATE_DETACHED)
		return EINVAL;
	a->__detached = state;
	return 0;
}

PUBLIC int
pthread_attr_getstacksize(
    const pthread_attr_t *restrict a, size_t *restrict len)
{
	*len = a->__stack_len != 0 ? a->__stack_len : thread_stack_default();
	return 0;
}

PUBLIC int
pthread_attr_setstacksize(pthread_attr_t *a, size_t len)
{
	if (len < PTHREAD_STACK_MIN || len > SIZE_MAX / 4)
		return EINVAL;
	a->__stack_len = len;
	return 0;
}

PUBLIC int
pthread_attr_getstack(const pthread_attr_t *restrict a, void **restrict stack,
    size_t *restrict len)
{
	*stack = a->__stack;
	return pthread_attr_getstacksize(a, len);
}

PUBLIC int
pthread_attr_setstack(pthread_attr_t *a, void *stack, size_t len)
{
	(void)a;
	(void)stack;
	(void)len;
	return ENOTSUP;
}

PUBLIC int
pthread_attr_getguardsize(
    const pthread_attr_t *restrict a, size_t *restrict len)
{
	*len = a->__guard_len;
	return 0;
}

PUBLIC int
pthread_attr_setguardsize(pthread_attr_t *a, size_t len)
{
	a->__guard_len = len;
	return 0;
}

PUBLIC int
pthread_attr_getscope(const pthread_attr_t *restrict a, int *restrict scope)
{
	*scope = a->__scope;
	return 0;
}

PUBLIC int
pthread_attr_setscope(pthread_attr_t *a, int scope)
{
	if (scope == PTHREAD_SCOPE_PROCESS)
		return ENOTSUP;
	if (scope != PTHREAD_SCOPE_SYSTEM)
		return EINVAL;
	a->__scope = scope;
	return 0;
}

PUBLIC int
pthread_attr_getinheritsched(
    const pthread_attr_t *restrict a, int *restrict inherit)
{
	*inherit = a->__inherit;
	return 0;
}

PUBLIC int
pthread_attr_setinheritsched(pthread_attr_t *a, int inherit)
{
	if (inherit != PTHREAD_INHERIT_SCHED &&
	    inherit != PTHREAD_EXPLICIT_SCHED)
		return EINVAL;
	a->__inherit = inherit;
	return 0;
}

PUBLIC int
pthread_attr_getschedpolicy(
    const pthread_attr_t *restrict a, int *restrict policy)
{
	*policy = a->__policy;
	return 0;
}

PUBLIC int
pthread_attr_setschedpolicy(pthread_attr_t *a, int policy)
{
	if (policy != SCHED_OTHER)
		return policy == SCHED_FIFO || policy == SCHED_RR ? ENOTSUP
								  : EINVAL;
	a->__policy = policy;
	return 0;
}

PUBLIC int
pthread_attr_getschedparam(
    const pthread_attr_t *restrict a, struct sched_param *restrict param)
{
	*param = a->__param;
	return 0;
}

PUBLIC int
pthread_attr_setschedparam(
    pthread_attr_t *restrict a, const struct sched_param *restrict param)
{
	if (param->sched_priority != 0)
		return ENOTSUP;
	a->__param = *param;
	return 0;
}

PUBLIC int
pthread_getattr_np(pthread_t p, pthread_attr_t *a)
{
	struct thread *t = pthread_thread(p);
	uintptr_t lo, hi;

	memset(a, 0, sizeof(*a));
	thread_stack(t, &lo, &hi);
	a->__stack = (void *)lo;
	a->__stack_len = hi - lo;
	a->__guard_len = PAGE_SIZE;
	a->__detached = ((struct thread_libc *)thread_libc(t))->detached;
	return 0;
}

PUBLIC int
pthread_getschedparam(
    pthread_t p, int *restrict policy, struct sched_param *restrict param)
{
	(void)p;
	*policy = SCHED_OTHER;
	memset(param, 0, sizeof(*param));
	return 0;
}

PUBLIC int
pthread_setschedparam(pthread_t p, int policy, const struct sched_param *param)
{
	(void)p;
	if (policy != SCHED_OTHER || param->sched_priority != 0)
		return ENOTSUP;
	return 0;
}

PUBLIC int
pthread_setschedprio(pthread_t p, int priority)
{
	(void)p;
	return priority != 0 ? ENOTSUP : 0;
}

PUBLIC int
pthread_setname_np(pthread_t p, const char *name)
{
	struct thread_libc *l = thread_libc(pthread_thread(p));
	size_t len = strlen(name);

	if (len >= sizeof(l->name))
		return ERANGE;
	memcpy(l->name, name, len + 1);
	return 0;
}

PUBLIC int
pthread_getname_np(pthread_t p, char *name, size_t len)
{
	struct thread_libc *l = thread_libc(pthread_thread(p));
	size_t need = strlen(l->name) + 1;

	if (len < need)
		return ERANGE;
	memcpy(name, l->name, need);
	return 0;
}

PUBLIC int
pthread_getcpuclockid(pthread_t p, clockid_t *id)
{
	*id = (clockid_t)p;
	return 0;
}

PUBLIC int
pthread_setconcurrency(int level)
{
	return level < 0 ? EINVAL : 0;
}

PUBLIC int
pthread_getconcurrency(void)
{
	return 0;
}

PUBLIC int
pthread_yield(void)
{
	thread_yield();
	return 0;
}

PUBLIC int
pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare;
	(void)parent;
	(void)child;
	return 0;
}
