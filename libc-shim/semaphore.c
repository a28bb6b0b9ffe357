/* SPDX-License-Identifier: ISC */
/*
 * Semaphores, POSIX.1-2017 sem_*.  A post that finds a sleeper hands over
 * without touching the value.
 */
#include <semaphore.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

PUBLIC int
sem_init(sem_t *sem, int shared, unsigned value)
{
	(void)shared;
	if (value > SEM_VALUE_MAX)
		return (int)posix_result(-EINVAL);
	memset(sem, 0, sizeof(*sem));
	sem->__value = value;
	return 0;
}

PUBLIC int
sem_destroy(sem_t *sem)
{
	struct sync *s = sync_of(&sem->__sync);
	uint64_t flags = spin_lock(&s->lock);
	bool busy = s->q.first != NULL;

	spin_unlock(&s->lock, flags);
	return (int)posix_result(busy ? -EBUSY : 0);
}

static int
sem_take(sem_t *sem, uint64_t deadline_ns)
{
	struct sync *s = sync_of(&sem->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = -EINTR;

	while (err == -EINTR) {
		if (sem->__value > 0) {
			sem->__value--;
			err = 0;
			break;
		}
		err = sync_sleep(s, &s->q, deadline_ns, true);
		if (err == -EINTR && !sync_interrupted(s, &flags, true))
			break;
	}
	spin_unlock(&s->lock, flags);
	return err;
}

PUBLIC int
sem_wait(sem_t *sem)
{
	return (int)posix_result(sem_take(sem, NS_NEVER));
}

PUBLIC int
sem_trywait(sem_t *sem)
{
	struct sync *s = sync_of(&sem->__sync);
	uint64_t flags = spin_lock(&s->lock);
	bool taken = sem->__value > 0;

	if (taken)
		sem->__value--;
	spin_unlock(&s->lock, flags);
	return (int)posix_result(taken ? 0 : -EAGAIN);
}

PUBLIC int
sem_clockwait(sem_t *restrict sem, clockid_t clock,
    const struct timespec *restrict abstime)
{
	uint64_t deadline_ns;
	int err = sem_take(sem, 0);

	if (err == -ETIMEDOUT) {
		err = clock_deadline(clock, abstime, &deadline_ns);
		if (err == 0)
			err = sem_take(sem, deadline_ns);
	}
	return (int)posix_result(err);
}

PUBLIC int
sem_timedwait(sem_t *restrict sem, const struct timespec *restrict abstime)
{
	return sem_clockwait(sem, CLOCK_REALTIME, abstime);
}

PUBLIC int
sem_post(sem_t *sem)
{
	struct sync *s = sync_of(&sem->__sync);
	uint64_t flags = spin_lock(&s->lock);
	int err = 0;

	if (waitq_wake(&s->q, 1) == 0) {
		if (sem->__value == SEM_VALUE_MAX)
			err = -EOVERFLOW;
		else
			sem->__value++;
	}
	spin_unlock(&s->lock, flags);
	return (int)posix_result(err);
}

PUBLIC int
sem_getvalue(sem_t *restrict sem, int *restrict value)
{
	*value = (int)__atomic_load_n(&sem->__value, __ATOMIC_RELAXED);
	return 0;
}
