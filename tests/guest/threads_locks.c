/* SPDX-License-Identifier: ISC */
/*
 * POSIX threads in a guest: read-write locks, barriers, once, spin locks,
 * under contention, with floating point in use and threads preempted.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "check.h"
#include "crowd.h"

static double expected[WORKERS];
static unsigned counter;

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int readers, writers;
static atomic_uint most_readers;
static volatile unsigned long pair[2];

static void *
read_and_write(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg, i;

	for (i = 0; i < 500; i++) {
		if ((i + n) % 5 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			CHECK(writers++ == 0 && readers == 0);
			pair[0]++;
			if (i % 16 == 0)
				sched_yield();
			pair[1]++;
			writers--;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			if ((unsigned)++readers > most_readers)
				most_readers = (unsigned)readers;
			CHECK(writers == 0);
			CHECK(series(n, 100) == expected[n]);
			if (i % 16 == 0)
				sched_yield();
			CHECK(pair[0] == pair[1]);
			readers--;
		}
		CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	}
	return NULL;
}

static void
rwlock_stress(void)
{
	pthread_t t[WORKERS];
	unsigned i;

	for (i = 0; i < WORKERS; i++)
		expected[i] = series(i, 100);
	spawn(t, WORKERS, read_and_write);
	join_all(t, WORKERS);
	CHECK(pair[0] == WORKERS * 100 && pair[1] == pair[0]);
	CHECK(most_readers > 1);
	CHECK(pthread_rwlock_unlock(&rwlock) == EPERM);
}

static void *
write_later(void *arg)
{
	pthread_rwlock_wrlock(&rwlock);
	pair[0] = 1000000;
	pthread_rwlock_unlock(&rwlock);
	return arg;
}

static void *
read_try(void *arg)
{
	(void)arg;
	return (void *)(uintptr_t)pthread_rwlock_tryrdlock(&rwlock);
}

static void
rwlock_order(void)
{
	struct timespec ts = check_after_ms(CLOCK_REALTIME, 20);
	pthread_t writer, reader;
	void *result = NULL;

	CHECK(pthread_rwlock_rdlock(&rwlock) == 0);
	CHECK(pthread_rwlock_trywrlock(&rwlock) == EBUSY);
	CHECK(pthread_rwlock_timedwrlock(&rwlock, &ts) == ETIMEDOUT);
	spawn(&writer, 1, write_later);
	check_sleep_ms(10);
	/* the writer waits: no new reader, but we may read again */
	spawn(&reader, 1, read_try);
	CHECK(pthread_join(reader, &result) == 0);
	CHECK(result == (void *)EBUSY);
	CHECK(pthread_rwlock_rdlock(&rwlock) == 0);
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	CHECK(pair[0] != 1000000);
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	join_all(&writer, 1);
	CHECK(pair[0] == 1000000);
	CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
	CHECK(pthread_rwlock_rdlock(&rwlock) == EDEADLK);
	CHECK(pthread_rwlock_wrlock(&rwlock) == EDEADLK);
	CHECK(pthread_rwlock_destroy(&rwlock) == EBUSY);
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	CHECK(pthread_rwlock_destroy(&rwlock) == 0);
}

static pthread_barrier_t barrier;
static atomic_uint arrived, serial;

static void *
rounds(void *arg)
{
	unsigned i, r;

	for (i = 1; i <= 200; i++) {
		arrived++;
		r = (unsigned)pthread_barrier_wait(&barrier);
		CHECK(arrived >= i * WORKERS);
		if ((int)r == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

static void
barrier_rounds(void)
{
	pthread_t t[WORKERS];

	CHECK(pthread_barrier_init(&barrier, NULL, 0) == EINVAL);
	CHECK(pthread_barrier_init(&barrier, NULL, WORKERS) == 0);
	spawn(t, WORKERS, rounds);
	join_all(t, WORKERS);
	CHECK(arrived == 200 * WORKERS && serial == 200);
	CHECK(pthread_barrier_destroy(&barrier) == 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint once_runs;

static void
once_routine(void)
{
	check_sleep_ms(10);
	once_runs++;
}

static void *
once_body(void *arg)
{
	CHECK(pthread_once(&once, once_routine) == 0);
	CHECK(once_runs == 1);
	return arg;
}

static void
once_only(void)
{
	pthread_t t[WORKERS];

	spawn(t, WORKERS, once_body);
	join_all(t, WORKERS);
	CHECK(once_runs == 1);
}

static pthread_spinlock_t spin;

static void *
spinning(void *arg)
{
	unsigned i;

	for (i = 0; i < 5000; i++) {
		pthread_spin_lock(&spin);
		counter++;
		pthread_spin_unlock(&spin);
	}
	return arg;
}

static void
spin_locks(void)
{
	pthread_t t[WORKERS];

	counter = 0;
	CHECK(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0);
	spawn(t, WORKERS, spinning);
	join_all(t, WORKERS);
	CHECK(counter == WORKERS * 5000);
	CHECK(pthread_spin_lock(&spin) == 0);
	CHECK(pthread_spin_trylock(&spin) == EBUSY);
}

int
main(void)
{
	CHECK_RUN(rwlock_stress);
	CHECK_RUN(rwlock_order);
	CHECK_RUN(barrier_rounds);
	CHECK_RUN(once_only);
	CHECK_RUN(spin_locks);
	return check_failures != 0;
}
