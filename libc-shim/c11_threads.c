/* SPDX-License-Identifier: ISC */
/*
 * C11 <threads.h> (7.26): POSIX threads by other names and result codes.
 */
#include <pthread.h>
#include <threads.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

static int
result(int err)
{
	switch (err) {
	case 0:
		return thrd_success;
	case ENOMEM:
	case EAGAIN:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	case EBUSY:
		return thrd_busy;
	default:
		return thrd_error;
	}
}

/* Carries a C11 function, which returns int, through pthread_create. */
struct call {
	thrd_start_t fn;
	void *arg;
};

static void *
call_begin(void *arg)
{
	struct call call = *(struct call *)arg;

	heap_free(arg, sizeof(call));
	return (void *)(intptr_t)call.fn(call.arg);
}

PUBLIC int
thrd_create(thrd_t *t, thrd_start_t fn, void *arg)
{
	struct call *call = heap_alloc(sizeof(*call));
	int err;

	if (call == NULL)
		return thrd_nomem;
	call->fn = fn;
	call->arg = arg;
	err = pthread_create(t, NULL, call_begin, call);
	if (err != 0)
		heap_free(call, sizeof(*call));
	return result(err);
}

PUBLIC thrd_t
thrd_current(void)
{
	return (thrd_t)thread_current();
}

PUBLIC int
thrd_detach(thrd_t t)
{
	return result(pthread_detach(t));
}

PUBLIC int
thrd_equal(thrd_t a, thrd_t b)
{
	return a == b;
}

PUBLIC void
thrd_exit(int status)
{
	pthread_end((void *)(intptr_t)status);
}

PUBLIC int
thrd_join(thrd_t t, int *status)
{
	void *value = NULL;
	int err = pthread_join(t, &value);

	if (err == 0 && status != NULL)
		*status = (int)(intptr_t)value;
	return result(err);
}

PUBLIC int
thrd_sleep(const struct timespec *ts, struct timespec *left)
{
	if (nanosleep(ts, left) == 0)
		return 0;
	return errno == EINTR ? -1 : -2;
}

PUBLIC void
thrd_yield(void)
{
	thread_yield();
}

PUBLIC void
call_once(once_flag *flag, void (*fn)(void))
{
	pthread_once(flag, fn);
}

PUBLIC int
mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t attr = {PTHREAD_MUTEX_NORMAL, 0};

	if (type & mtx_recursive)
		attr.__kind = PTHREAD_MUTEX_RECURSIVE;
	return result(pthread_mutex_init(m, &attr));
}

PUBLIC void
mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy(m);
}

PUBLIC int
mtx_lock(mtx_t *m)
{
	return result(mutex_lock(m, NS_NEVER));
}

PUBLIC int
mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict ts)
{
	return result(pthread_mutex_timedlock(m, ts));
}

PUBLIC int
mtx_trylock(mtx_t *m)
{
	return result(pthread_mutex_trylock(m));
}

PUBLIC int
mtx_unlock(mtx_t *m)
{
	return result(mutex_unlock(m));
}

PUBLIC int
cnd_init(cnd_t *c)
{
	return result(pthread_cond_init(c, NULL));
}

PUBLIC void
cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy(c);
}

PUBLIC int
cnd_signal(cnd_t *c)
{
	return result(pthread_cond_signal(c));
}

PUBLIC int
cnd_broadcast(cnd_t *c)
{
	return result(pthread_cond_broadcast(c));
}

PUBLIC int
cnd_wait(cnd_t *c, mtx_t *m)
{
	return result(pthread_cond_wait(c, m));
}

PUBLIC int
cnd_timedwait(
    cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict ts)
{
	return result(pthread_cond_timedwait(c, m, ts));
}

PUBLIC int
tss_create(tss_t *key, tss_dtor_t destructor)
{
	return result(pthread_key_create(key, destructor));
}

PUBLIC void
tss_delete(tss_t key)
{
	pthread_key_delete(key);
}

PUBLIC void *
tss_get(tss_t key)
{
	return pthread_getspecific(key);
}

PUBLIC int
tss_set(tss_t key, void *value)
{
	return result(pthread_setspecific(key, value));
}
