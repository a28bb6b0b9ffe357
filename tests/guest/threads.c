/* SPDX-License-Identifier: ISC */
/*
 * POSIX threads in a guest: each kind of object, under contention, with
 * floating point in use and threads preempted.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "crowd.h"

/* --- birth and death --- */

static void *
twice(void *arg)
{
	return (void *)((uintptr_t)arg * 2);
}

static void
create_join(void)
{
	pthread_t t;
	void *result = NULL;

	CHECK(pthread_create(&t, NULL, twice, (void *)21) == 0);
	CHECK(pthread_join(t, &result) == 0);
	CHECK(result == (void *)42);
	CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);
}

static void
thousand_threads(void)
{
	pthread_t t;
	void *result;
	uintptr_t i;

	for (i = 0; i < 1000; i++) {
		CHECK(pthread_create(&t, NULL, twice, (void *)i) == 0);
		result = NULL;
		CHECK(pthread_join(t, &result) == 0);
		CHECK(result == (void *)(i * 2));
	}
}

static atomic_uint detached_done;

static void *
detached_body(void *arg)
{
	detached_done++;
	return arg;
}

static void
thousand_detached(void)
{
	pthread_attr_t attr;
	pthread_t t;
	unsigned i;

	pthread_attr_init(&attr);
	CHECK(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
	for (i = 0; i < 1000; i++) {
		CHECK(pthread_create(&t, &attr, detached_body, NULL) == 0);
		if (i % 8 == 0)
			sched_yield();
	}
	for (i = 0; i < 1000 && detached_done < 1000; i++)
		check_sleep_ms(5);
	CHECK(detached_done == 1000);
}

static void *
deep(void *arg)
{
	volatile char room[200 * 1024];
	pthread_attr_t attr;
	void *stack;
	size_t len;

	CHECK(pthread_getattr_np(pthread_self(), &attr) == 0);
	CHECK(pthread_attr_getstack(&attr, &stack, &len) == 0);
	CHECK(len >= 256 * 1024);
	CHECK((char *)stack < &room[0] &&
	      &room[sizeof(room)] <= (char *)stack + len);
	room[0] = 1;
	room[sizeof(room) - 1] = 2;
	(void)arg;
	return (void *)(uintptr_t)(room[0] + room[sizeof(room) - 1]);
}

static void
stack_size(void)
{
	pthread_attr_t attr;
	void *result = NULL;
	pthread_t t;

	pthread_attr_init(&attr);
	CHECK(pthread_attr_setstacksize(&attr, 100) == EINVAL);
	CHECK(pthread_attr_setstacksize(&attr, 256 * 1024) == 0);
	CHECK(pthread_create(&t, &attr, deep, NULL) == 0);
	CHECK(pthread_join(t, &result) == 0);
	CHECK(result == (void *)3);
}

static void
names(void)
{
	char name[16];

	CHECK(pthread_setname_np(pthread_self(), "main thread") == 0);
	CHECK(pthread_getname_np(pthread_self(), name, sizeof(name)) == 0);
	CHECK(strcmp(name, "main thread") == 0);
	CHECK(pthread_setname_np(pthread_self(), "far too long a name") ==
	      ERANGE);
}

static void *
sleeper(void *arg)
{
	check_sleep_ms(50);
	return arg;
}

static void
timed_join(void)
{
	struct timespec ts = check_after_ms(CLOCK_REALTIME, 10);
	pthread_t t;

	CHECK(pthread_create(&t, NULL, sleeper, NULL) == 0);
	CHECK(pthread_tryjoin_np(t, NULL) == EBUSY);
	CHECK(pthread_timedjoin_np(t, NULL, &ts) == ETIMEDOUT);
	CHECK(pthread_join(t, NULL) == 0);
}

static __thread int tls_zero, tls_seven = 7;

static void *
tls_body(void *arg)
{
	int i;

	CHECK(tls_zero == 0 && tls_seven == 7);
	for (i = 0; i < 1000; i++) {
		tls_zero++;
		tls_seven++;
		if (i % 100 == 0)
			sched_yield();
	}
	CHECK(tls_zero == 1000 && tls_seven == 1007);
	errno = (int)(uintptr_t)arg + 1;
	sched_yield();
	CHECK(errno == (int)(uintptr_t)arg + 1);
	return NULL;
}

static void
thread_local_data(void)
{
	pthread_t t[WORKERS];

	spawn(t, WORKERS, tls_body);
	join_all(t, WORKERS);
	CHECK(tls_zero == 0 && tls_seven == 7);
}

/* --- mutexes and floating point --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned counter;
static double expected[WORKERS];

static void *
counting(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg, i, seen;

	for (i = 0; i < 300; i++) {
		CHECK(series(n, 1000) == expected[n]);
		pthread_mutex_lock(&mutex);
		seen = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = seen + 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void
mutex_and_fpu(void)
{
	pthread_t t[WORKERS];
	unsigned i;

	for (i = 0; i < WORKERS; i++)
		expected[i] = series(i, 1000);
	spawn(t, WORKERS, counting);
	join_all(t, WORKERS);
	CHECK(counter == WORKERS * 300);
}

static void *
try_it(void *m)
{
	return (void *)(uintptr_t)pthread_mutex_trylock(m);
}

/* What another thread gets from trylock. */
static int
tried(pthread_mutex_t *m)
{
	void *result = NULL;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, try_it, m) == 0);
	CHECK(pthread_join(t, &result) == 0);
	return (int)(uintptr_t)result;
}

static void
mutex_kinds(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &attr);
	CHECK(pthread_mutex_lock(&m) == 0);
	CHECK(pthread_mutex_lock(&m) == 0);
	CHECK(pthread_mutex_trylock(&m) == 0);
	CHECK(tried(&m) == EBUSY);
	CHECK(pthread_mutex_unlock(&m) == 0);
	CHECK(pthread_mutex_unlock(&m) == 0);
	CHECK(tried(&m) == EBUSY);
	CHECK(pthread_mutex_destroy(&m) == EBUSY);
	CHECK(pthread_mutex_unlock(&m) == 0);
	CHECK(pthread_mutex_unlock(&m) == EPERM);
	CHECK(pthread_mutex_destroy(&m) == 0);

	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &attr);
	CHECK(pthread_mutex_unlock(&m) == EPERM);
	CHECK(pthread_mutex_lock(&m) == 0);
	CHECK(pthread_mutex_lock(&m) == EDEADLK);
	CHECK(pthread_mutex_trylock(&m) == EBUSY);
	CHECK(pthread_mutex_unlock(&m) == 0);
	CHECK(pthread_mutexattr_settype(&attr, 77) == EINVAL);
}

static void *
timed_lock(void *m)
{
	struct timespec ts = check_after_ms(CLOCK_REALTIME, 30);
	double from = check_ms(CLOCK_MONOTONIC), took;

	CHECK(pthread_mutex_timedlock(m, &ts) == ETIMEDOUT);
	took = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(took >= 29 && took < 330);
	return NULL;
}

static void
mutex_timeout(void)
{
	struct timespec bad = {0, 2000000000};
	pthread_t t;

	pthread_mutex_lock(&mutex);
	spawn(&t, 1, tls_body);
	join_all(&t, 1);
	CHECK(pthread_create(&t, NULL, timed_lock, &mutex) == 0);
	join_all(&t, 1);
	CHECK(pthread_mutex_timedlock(&mutex, &bad) == EINVAL);
	pthread_mutex_unlock(&mutex);
	CHECK(pthread_mutex_timedlock(&mutex, &bad) == 0);
	pthread_mutex_unlock(&mutex);
}

/* --- conditions --- */

#define RING  4
#define ITEMS 2000

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static unsigned ring[RING], ring_in, ring_out;
static unsigned long consumed;

static void *
producer(void *arg)
{
	unsigned i;

	for (i = 1; i <= ITEMS; i++) {
		pthread_mutex_lock(&mutex);
		while (ring_in - ring_out == RING)
			pthread_cond_wait(&not_full, &mutex);
		ring[ring_in++ % RING] = i;
		pthread_cond_signal(&not_empty);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void *
consumer(void *arg)
{
	unsigned i;

	for (i = 1; i <= ITEMS; i++) {
		pthread_mutex_lock(&mutex);
		while (ring_in == ring_out)
			pthread_cond_wait(&not_empty, &mutex);
		consumed += ring[ring_out++ % RING];
		pthread_cond_signal(&not_full);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void
cond_queue(void)
{
	pthread_t in[4], out[4];

	spawn(in, 4, producer);
	spawn(out, 4, consumer);
	join_all(in, 4);
	join_all(out, 4);
	CHECK(consumed == 4UL * ITEMS * (ITEMS + 1) / 2);
}

static bool gate_open;
static unsigned passed;

static void *
at_gate(void *arg)
{
	pthread_mutex_lock(&mutex);
	while (!gate_open)
		pthread_cond_wait(&not_empty, &mutex);
	passed++;
	pthread_mutex_unlock(&mutex);
	return arg;
}

static void
cond_broadcast(void)
{
	pthread_t t[WORKERS];

	spawn(t, WORKERS, at_gate);
	check_sleep_ms(10);
	CHECK(pthread_cond_destroy(&not_empty) == EBUSY);
	pthread_mutex_lock(&mutex);
	CHECK(passed == 0);
	gate_open = true;
	pthread_cond_broadcast(&not_empty);
	pthread_mutex_unlock(&mutex);
	join_all(t, WORKERS);
	CHECK(passed == WORKERS);
}

static void
cond_timeout_of(clockid_t clock)
{
	pthread_condattr_t attr;
	pthread_cond_t cond;
	struct timespec ts;
	double from, cpu;
	int err;

	pthread_condattr_init(&attr);
	CHECK(pthread_condattr_setclock(&attr, clock) == 0);
	pthread_cond_init(&cond, &attr);
	pthread_mutex_lock(&mutex);
	ts = check_after_ms(clock, 100);
	from = check_ms(CLOCK_MONOTONIC);
	cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID);
	do {
		err = pthread_cond_timedwait(&cond, &mutex, &ts);
	} while (err == 0);
	from = check_ms(CLOCK_MONOTONIC) - from;
	cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	CHECK(err == ETIMEDOUT);
	CHECK(from >= 99 && from < 400);
	CHECK(cpu < 50);
	pthread_mutex_unlock(&mutex);
}

static void
cond_timeout(void)
{
	pthread_condattr_t attr;

	cond_timeout_of(CLOCK_REALTIME);
	cond_timeout_of(CLOCK_MONOTONIC);
	pthread_condattr_init(&attr);
	CHECK(pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID) ==
	      EINVAL);
}

/* --- the processor's time and state --- */

static atomic_bool slices_over;
static atomic_ulong counted[2];

static void *
count_body(void *i)
{
	while (!slices_over)
		counted[(uintptr_t)i]++;
	return NULL;
}

/* Who only computes gets as much time as any other. */
static void
equal_slices(void)
{
	struct timespec ts = {0, 500000000};
	pthread_t t[2];

	spawn(t, 2, count_body);
	nanosleep(&ts, NULL);
	slices_over = true;
	join_all(t, 2);
	CHECK(counted[0] < 3 * counted[1]);
	CHECK(counted[1] < 3 * counted[0]);
}

static atomic_bool x87_over;

/* Preempted most likely with all eight registers full and a flag set. */
static void *
x87_body(void *arg)
{
	while (!x87_over)
		__asm__ volatile(
		    "fldz; fld1; fdiv %%st(1), %%st; fldz; fldz; fldz; fldz;"
		    "fldz; fldz; movl $200000, %%ecx; 1: decl %%ecx; jnz 1b;"
		    "fninit"
		    :
		    :
		    : "ecx", "cc");
	return arg;
}

static void
x87_is_a_threads_own(void)
{
	struct timespec ts = {0, 3000000};
	struct {
		uint32_t control, status, tags, rest[4];
	} env;
	pthread_t t;
	int i;

	spawn(&t, 1, x87_body);
	for (i = 0; i < 50; i++) {
		nanosleep(&ts, NULL);
		__asm__ volatile("fnstenv %0; fldenv %0" : "+m"(env));
		CHECK((env.tags & 0xffff) == 0xffff);
		CHECK((env.status & 0x3f) == 0);
		CHECK((env.control & 0xffff) == 0x37f);
	}
	x87_over = true;
	join_all(&t, 1);
}

int
main(void)
{
	CHECK_RUN(create_join);
	CHECK_RUN(thousand_threads);
	CHECK_RUN(thousand_detached);
	CHECK_RUN(stack_size);
	CHECK_RUN(names);
	CHECK_RUN(timed_join);
	CHECK_RUN(thread_local_data);
	CHECK_RUN(mutex_and_fpu);
	CHECK_RUN(mutex_kinds);
	CHECK_RUN(mutex_timeout);
	CHECK_RUN(cond_queue);
	CHECK_RUN(cond_broadcast);
	CHECK_RUN(equal_slices);
	CHECK_RUN(x87_is_a_threads_own);
	CHECK_RUN(cond_timeout);
	return check_failures != 0;
}
