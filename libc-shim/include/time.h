/* SPDX-License-Identifier: ISC */
/*
 * newlib's <time.h> and what it lacks of C11, POSIX.1-2017 and common use.
 * CLOCK_REALTIME counts from 1970; where the hypervisor tells no wall clock
 * it counts from there at boot.
 */
#include_next <time.h>

#ifndef SPRAT_TIME_H
#define SPRAT_TIME_H

#define TIME_UTC 1

/* newlib names these to GNU programs only.  All tell one monotonic time. */
#ifndef CLOCK_MONOTONIC_RAW
#define CLOCK_MONOTONIC_RAW    ((clockid_t)5)
#define CLOCK_MONOTONIC_COARSE ((clockid_t)6)
#define CLOCK_BOOTTIME         ((clockid_t)7)
#endif

__BEGIN_DECLS

/* The current time of base TIME_UTC; returns base, or 0 for another base. */
int timespec_get(struct timespec *, int);
/* Broken-down UTC to seconds since 1970, normalising its argument. */
time_t timegm(struct tm *);
time_t timelocal(struct tm *);
/* 0 and this process's CPU clock; ESRCH for another's. */
int clock_getcpuclockid(pid_t, clockid_t *);

__END_DECLS

#endif
