/* SPDX-License-Identifier: ISC */
/*
 * Reading clocks: POSIX.1-2017 clock_gettime, clock_getres, clock_settime,
 * gettimeofday, times, C11 clock and timespec_get.  The kernel has three:
 * monotonic, wall and CPU time; everything here is one of them in another unit.
 */
#include <sys/times.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "libc-shim/clock.h"
#include "libc-shim/shim.h"

/* Larger ids are threads, see pthread_getcpuclockid. */
#define CLOCK_IDS 16

uint64_t
clock_realtime_ns(void)
{
	uint64_t ns = clock_wall_ns();

	return ns != 0 ? ns : clock_ns();
}

bool
clock_is_monotonic(clockid_t id)
{
	return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW ||
	       id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME;
}

int
clock_read(clockid_t id, uint64_t *ns)
{
	if (id == CLOCK_REALTIME || id == 0) /* 0: CLOCK_REALTIME_COARSE */
		*ns = clock_realtime_ns();
	else if (clock_is_monotonic(id))
		*ns = clock_ns();
	else if (id == CLOCK_PROCESS_CPUTIME_ID)
		*ns = clock_cpu_ns(NULL);
	else if (id == CLOCK_THREAD_CPUTIME_ID)
		*ns = clock_cpu_ns(thread_current());
	else if (id >= CLOCK_IDS)
		*ns = clock_cpu_ns((const struct thread *)id);
	else
		return -EINVAL;
	return 0;
}

int
clock_deadline(
    clockid_t id, const struct timespec *abstime, uint64_t *deadline_ns)
{
	uint64_t then, now;

	if (clock_from_timespec(abstime, &then) != 0)
		return -EINVAL;
	if (clock_is_monotonic(id)) {
		*deadline_ns = then;
		return 0;
	}
	if (id != CLOCK_REALTIME && id != 0)
		return -EINVAL;
	now = clock_realtime_ns();
	*deadline_ns = clock_after(clock_ns(), then > now ? then - now : 0);
	return 0;
}

PUBLIC int
clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t ns;

	if (clock_read(id, &ns) != 0)
		return (int)posix_result(-EINVAL);
	*ts = clock_to_timespec(ns);
	return 0;
}

PUBLIC int
clock_getres(clockid_t id, struct timespec *ts)
{
	uint64_t ns;

	if (clock_read(id, &ns) != 0)
		return (int)posix_result(-EINVAL);
	if (ts != NULL)
		*ts = clock_to_timespec(1);
	return 0;
}

PUBLIC int
clock_settime(clockid_t id, const struct timespec *ts)
{
	(void)ts;
	return (int)posix_result(id < CLOCK_IDS ? -EPERM : -EINVAL);
}

PUBLIC int
clock_getcpuclockid(pid_t pid, clockid_t *id)
{
	if (pid != 0 && pid != 1)
		return ESRCH;
	*id = CLOCK_PROCESS_CPUTIME_ID;
	return 0;
}

PUBLIC int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	if (zone != NULL)
		*(struct timezone *)zone = (struct timezone){0, 0};
	*tv = clock_to_timeval(clock_realtime_ns());
	return 0;
}
LIBC_NAME(gettimeofday);

PUBLIC int
settimeofday(const struct timeval *tv, const struct timezone *zone)
{
	(void)tv;
	(void)zone;
	return (int)posix_result(-EPERM);
}

PUBLIC int
timespec_get(struct timespec *ts, int base)
{
	if (base != TIME_UTC)
		return 0;
	*ts = clock_to_timespec(clock_realtime_ns());
	return base;
}

PUBLIC clock_t
clock(void)
{
	return clock_cpu_ns(NULL) / (NS_PER_S / CLOCKS_PER_SEC);
}

/* In the unit that sysconf(_SC_CLK_TCK) and CLK_TCK tell. */
PUBLIC clock_t
times(struct tms *t)
{
	*t = (struct tms){0, 0, 0, 0};
	t->tms_utime = clock_cpu_ns(NULL) / (NS_PER_S / CLOCKS_PER_SEC);
	return clock_ns() / (NS_PER_S / CLOCKS_PER_SEC);
}
LIBC_NAME(times);
