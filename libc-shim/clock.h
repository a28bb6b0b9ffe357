/* SPDX-License-Identifier: ISC */
/* Between POSIX times and the kernel's nanoseconds. */
#ifndef LIBC_SHIM_CLOCK_H
#define LIBC_SHIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include "kernel/kernel.h"

/* CLOCK_REALTIME in ns: since 1970, or since boot if nobody knows the date. */
uint64_t clock_realtime_ns(void);
/* The clock's value in ns; -EINVAL for an unknown one. */
int clock_read(clockid_t id, uint64_t *ns);
/* A deadline in clock_ns time from an absolute time of clock `id`, which is
 * CLOCK_REALTIME or a monotonic one; -EINVAL for a bad time or clock. */
int clock_deadline(
    clockid_t id, const struct timespec *abstime, uint64_t *deadline_ns);
/* Monotonic by any of its names. */
bool clock_is_monotonic(clockid_t id);

/* Nanoseconds, at most NS_NEVER - 1; -EINVAL if ts is no valid time. */
static inline int
clock_from_timespec(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_nsec < 0 || ts->tv_nsec >= (long)NS_PER_S)
		return -EINVAL;
	if (ts->tv_sec < 0)
		*ns = 0;
	else if ((uint64_t)ts->tv_sec >= NS_NEVER / NS_PER_S)
		*ns = NS_NEVER - 1;
	else
		*ns = (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
	return 0;
}

static inline struct timespec
clock_to_timespec(uint64_t ns)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(ns / NS_PER_S);
	ts.tv_nsec = (long)(ns % NS_PER_S);
	return ts;
}

static inline struct timeval
clock_to_timeval(uint64_t ns)
{
	struct timeval tv;

	tv.tv_sec = (time_t)(ns / NS_PER_S);
	tv.tv_usec = (suseconds_t)(ns % NS_PER_S / 1000);
	return tv;
}

/* now + ns, or NS_NEVER where that does not fit. */
static inline uint64_t
clock_after(uint64_t now, uint64_t ns)
{
	return ns < NS_NEVER - now ? now + ns : NS_NEVER;
}

#endif
