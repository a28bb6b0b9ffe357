/* SPDX-License-Identifier: ISC */
/*
 * The process's one real-time interval timer, which sends SIGALRM:
 * POSIX.1-2017 alarm, setitimer, getitimer; ualarm.
 * LIMIT: ITIMER_VIRTUAL and ITIMER_PROF are not offered (EINVAL).
 */
#include <sys/time.h>
#include <unistd.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/timer.h"

static struct timer real_timer = {
    .event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM}};

/* 0 stops it.  Returns what was left, ns; 0 also if it cannot be set. */
static uint64_t
arm(uint64_t ns, uint64_t interval_ns)
{
	uint64_t left_ns, old_interval_ns;

	if (timer_set(&real_timer,
		ns != 0 ? clock_after(clock_ns(), ns) : NS_NEVER, interval_ns,
		&left_ns, &old_interval_ns) != 0)
		return 0;
	return left_ns;
}

PUBLIC unsigned
alarm(unsigned seconds)
{
	uint64_t left_ns = arm(seconds * NS_PER_S, 0);

	return (unsigned)((left_ns + NS_PER_S - 1) / NS_PER_S);
}

PUBLIC useconds_t
ualarm(useconds_t us, useconds_t interval_us)
{
	return arm((uint64_t)us * 1000, (uint64_t)interval_us * 1000) / 1000;
}

static int
ns_of(const struct timeval *tv, uint64_t *ns)
{
	struct timespec ts = {tv->tv_sec, tv->tv_usec * 1000};

	return tv->tv_sec < 0 ? -EINVAL : clock_from_timespec(&ts, ns);
}

PUBLIC int
getitimer(int which, struct itimerval *value)
{
	uint64_t left_ns, interval_ns;

	if (which != ITIMER_REAL)
		return (int)posix_result(-EINVAL);
	timer_get(&real_timer, &left_ns, &interval_ns);
	value->it_value = clock_to_timeval(left_ns);
	value->it_interval = clock_to_timeval(interval_ns);
	return 0;
}

PUBLIC int
setitimer(int which, const struct itimerval *restrict value,
    struct itimerval *restrict old)
{
	uint64_t ns, interval_ns, left_ns, old_interval_ns;
	int err;

	if (which != ITIMER_REAL || ns_of(&value->it_value, &ns) != 0 ||
	    ns_of(&value->it_interval, &interval_ns) != 0)
		return (int)posix_result(-EINVAL);
	err = timer_set(&real_timer,
	    ns != 0 ? clock_after(clock_ns(), ns) : NS_NEVER, interval_ns,
	    &left_ns, &old_interval_ns);
	if (err == 0 && old != NULL) {
		old->it_value = clock_to_timeval(left_ns);
		old->it_interval = clock_to_timeval(old_interval_ns);
	}
	return (int)posix_result(err);
}
