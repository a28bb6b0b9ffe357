/* SPDX-License-Identifier: ISC */
/*
 * POSIX threads in a guest, continued: keys, semaphores, cancellation, C11
 * threads, and the end of the last thread as the end of the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#include "check.h"

/* --- keys --- */

#define KEYS 200

static pthread_key_t keys[KEYS];
static atomic_uint destroyed;

static void
destructor(void *value)
{
	CHECK(value != NULL);
	destroyed++;
}

static void *
set_keys(void *arg)
{
	uintptr_t i;

	for (i = 0; i < KEYS; i++) {
		CHECK(pthread_getspecific(keys[i]) == NULL);
		CHECK(pthread_setspecific(keys[i], (void *)(i + 1)) == 0);
	}
	for (i = 0; i < KEYS; i++)
		CHECK(pthread_getspecific(keys[i]) == (void *)(i + 1));
	return arg;
}

static void
many_keys(void)
{
	pthread_key_t again;
	pthread_t t;
	unsigned i;

	for (i = 0; i < KEYS; i++)
		CHECK(pthread_key_create(&keys[i], destructor) == 0);
	CHECK(pthread_create(&t, NULL, set_keys, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(destroyed == KEYS);
	set_keys(NULL);
	/* the key's next life begins without the old value */
	CHECK(pthread_key_delete(keys[5]) == 0);
	CHECK(pthread_setspecific(keys[5], &t) == EINVAL);
	CHECK(pthread_key_create(&again, NULL) == 0);
	CHECK(again == keys[5]);
	CHECK(pthread_getspecific(again) == NULL);
	for (i = 0; i < KEYS; i++)
		CHECK(pthread_key_delete(keys[i]) == 0);
	CHECK(pthread_key_delete(keys[0]) == EINVAL);
}

static pthread_key_t stubborn;

static void
set_again(void *value)
{
	destroyed++;
	pthread_setspecific(stubborn, value);
}

static void *
set_stubborn(void *arg)
{
	pthread_setspecific(stubborn, arg);
	return NULL;
}

static void
destructor_rounds(void)
{
	pthread_t t;

	destroyed = 0;
	CHECK(pthread_key_create(&stubborn, set_again) == 0);
	CHECK(pthread_create(&t, NULL, set_stubborn, &stubborn) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(destroyed == PTHREAD_DESTRUCTOR_ITERATIONS);
}

/* --- semaphores --- */

static sem_t items, room;
static unsigned long moved;

static void *
put(void *arg)
{
	unsigned i;

	for (i = 0; i < 3000; i++) {
		while (sem_wait(&room) != 0)
			continue;
		sem_post(&items);
	}
	return arg;
}

static void *
get(void *arg)
{
	unsigned i;

	for (i = 0; i < 3000; i++) {
		while (sem_wait(&items) != 0)
			continue;
		__atomic_fetch_add(&moved, 1, __ATOMIC_RELAXED);
		sem_post(&room);
	}
	return arg;
}

static void
semaphores(void)
{
	struct timespec ts;
	pthread_t t[4];
	double from;
	int i, value;

	CHECK(sem_init(&items, 0, 0) == 0);
	CHECK(sem_init(&room, 0, 3) == 0);
	for (i = 0; i < 4; i++)
		CHECK(
		    pthread_create(&t[i], NULL, i % 2 ? put : get, NULL) == 0);
	for (i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(moved == 6000);
	CHECK(sem_getvalue(&room, &value) == 0 && value == 3);
	CHECK(sem_trywait(&items) == -1 && errno == EAGAIN);
	from = check_ms(CLOCK_MONOTONIC);
	ts = check_after_ms(CLOCK_REALTIME, 40);
	CHECK(sem_timedwait(&items, &ts) == -1 && errno == ETIMEDOUT);
	from = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(from >= 39 && from < 340);
	CHECK(sem_init(&items, 0, SEM_VALUE_MAX) == 0);
	CHECK(sem_post(&items) == -1 && errno == EOVERFLOW);
	CHECK(sem_init(&items, 0, SEM_VALUE_MAX + 1U) == -1 && errno == EINVAL);
}

static void
named_semaphores(void)
{
	sem_t *a, *b;

	CHECK(sem_open("/nobody", 0) == SEM_FAILED && errno == ENOENT);
	a = sem_open("/one", O_CREAT, 0600, 1);
	CHECK(a != SEM_FAILED);
	CHECK(sem_open("/one", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED &&
	      errno == EEXIST);
	b = sem_open("/one", 0);
	CHECK(a == b);
	CHECK(sem_trywait(b) == 0 && sem_trywait(a) == -1);
	CHECK(sem_unlink("/one") == 0);
	CHECK(sem_unlink("/one") == -1 && errno == ENOENT);
	b = sem_open("/one", O_CREAT, 0600, 5);
	CHECK(b != SEM_FAILED && b != a);
	CHECK(sem_close(a) == 0 && sem_close(b) == 0);
	CHECK(sem_unlink("/one") == 0);
	CHECK(sem_open("/a/b", O_CREAT, 0600, 1) == SEM_FAILED &&
	      errno == EINVAL);
}

/* --- cancellation --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static atomic_uint cleaned;

static void
clean(void *arg)
{
	cleaned += (unsigned)(uintptr_t)arg;
}

static void
unlock(void *m)
{
	pthread_mutex_unlock(m);
}

static void *
waits_for_cond(void *arg)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	pthread_cleanup_push(clean, (void *)1);
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return arg;
}

static void *
sleeps(void *arg)
{
	pthread_cleanup_push(clean, (void *)1);
	sleep(100);
	pthread_cleanup_pop(0);
	return arg;
}

static void *
computes(void *arg)
{
	for (;;) {
		pthread_testcancel();
		sched_yield();
	}
	return arg;
}

static void *
refuses(void *arg)
{
	int old;

	CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
	CHECK(old == PTHREAD_CANCEL_ENABLE);
	check_sleep_ms(50);
	cleaned++;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	pthread_testcancel();
	return arg;
}

static void *
waits_for_sem(void *sem)
{
	sem_wait(sem);
	return NULL;
}

static void
cancel_one(void *(*fn)(void *), void *arg)
{
	void *result = NULL;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, fn, arg) == 0);
	check_sleep_ms(10);
	CHECK(pthread_cancel(t) == 0);
	CHECK(pthread_join(t, &result) == 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void
cancellation(void)
{
	sem_t never;

	sem_init(&never, 0, 0);
	cancel_one(waits_for_cond, NULL);
	CHECK(cleaned == 1);
	CHECK(pthread_mutex_trylock(&mutex) == 0);
	pthread_mutex_unlock(&mutex);
	cancel_one(sleeps, NULL);
	CHECK(cleaned == 2);
	cancel_one(computes, NULL);
	cancel_one(refuses, NULL);
	CHECK(cleaned == 3);
	cancel_one(waits_for_sem, &never);
}

static void *
exits_deep(void *arg)
{
	pthread_cleanup_push(clean, (void *)10);
	pthread_cleanup_push(clean, (void *)100);
	pthread_cleanup_pop(1);
	pthread_exit(arg);
	pthread_cleanup_pop(0);
	return NULL;
}

static void
exit_cleans_up(void)
{
	void *result = NULL;
	pthread_t t;

	cleaned = 0;
	CHECK(pthread_create(&t, NULL, exits_deep, &cleaned) == 0);
	CHECK(pthread_join(t, &result) == 0);
	CHECK(result == &cleaned && cleaned == 110);
}

/* --- C11 --- */

static mtx_t c11_mutex;
static cnd_t c11_cond;
static int c11_turn;

static int
c11_body(void *arg)
{
	mtx_lock(&c11_mutex);
	while (c11_turn == 0)
		cnd_wait(&c11_cond, &c11_mutex);
	c11_turn = 2;
	cnd_signal(&c11_cond);
	mtx_unlock(&c11_mutex);
	return *(int *)arg + 1;
}

static void
c11_threads(void)
{
	struct timespec ts = check_after_ms(CLOCK_REALTIME, 5);
	int n = 41, result = 0;
	thrd_t t;

	CHECK(mtx_init(&c11_mutex, mtx_timed | mtx_recursive) == thrd_success);
	CHECK(cnd_init(&c11_cond) == thrd_success);
	CHECK(thrd_create(&t, c11_body, &n) == thrd_success);
	CHECK(mtx_lock(&c11_mutex) == thrd_success);
	CHECK(cnd_timedwait(&c11_cond, &c11_mutex, &ts) == thrd_timedout);
	c11_turn = 1;
	cnd_signal(&c11_cond);
	while (c11_turn != 2)
		cnd_wait(&c11_cond, &c11_mutex);
	mtx_unlock(&c11_mutex);
	CHECK(thrd_join(t, &result) == thrd_success);
	CHECK(result == 42);
}

/* --- the end --- */

/* The program's status is decided here, after main's thread is gone. */
static void *
outlives_main(void *main_thread)
{
	if (pthread_join(*(pthread_t *)main_thread, NULL) != 0)
		_exit(3);
	printf("ok outlives_main\n");
	fflush(stdout);
	if (check_failures != 0)
		_exit(1);
	return NULL; /* the last thread: exit(0) */
}

int
main(void)
{
	static pthread_t self;
	pthread_t t;

	CHECK_RUN(many_keys);
	CHECK_RUN(destructor_rounds);
	CHECK_RUN(semaphores);
	CHECK_RUN(named_semaphores);
	CHECK_RUN(cancellation);
	CHECK_RUN(exit_cleans_up);
	CHECK_RUN(c11_threads);
	self = pthread_self();
	if (pthread_create(&t, NULL, outlives_main, &self) != 0)
		return 2;
	pthread_detach(t);
	pthread_exit(NULL);
}
