/* SPDX-License-Identifier: ISC */
/*
 * Sleeping: POSIX.1-2017 nanosleep, clock_nanosleep, sleep; usleep.  The
 * guest halts meanwhile.  All are cancellation points.
 */
#include <unistd.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/thread_libc.h"

/* 0, or -EINTR once a signal handler has run. */
static int
sleep_until(uint64_t deadline_ns)
{
	struct thread_libc *l = thread_libc_self();
	unsigned handled = l->sig_handled;

	for (;;) {
		if (thread_libc_wanted(l, true)) {
			thread_libc_interrupted(true);
			if (l->sig_handled != handled)
				return -EINTR;
		}
		if (clock_ns() >= deadline_ns)
			return 0;
		thread_sleep(deadline_ns);
	}
}

/* As sleep_until; `left`, unless NULL, is set on -EINTR. */
static int
sleep_for(const struct timespec *ts, struct timespec *left)
{
	uint64_t ns, now, deadline_ns;
	int err;

	if (clock_from_timespec(ts, &ns) != 0 || ts->tv_sec < 0)
		return -EINVAL;
	deadline_ns = clock_after(clock_ns(), ns);
	err = sleep_until(deadline_ns);
	if (err == -EINTR && left != NULL) {
		now = clock_ns();
		*left = clock_to_timespec(
		    deadline_ns > now ? deadline_ns - now : 0);
	}
	return err;
}

PUBLIC int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	return (int)posix_result(sleep_for(ts, left));
}

/* Returns the error number, unlike nanosleep. */
PUBLIC int
clock_nanosleep(
    clockid_t id, int flags, const struct timespec *ts, struct timespec *left)
{
	uint64_t deadline_ns;
	int err;

	if (id != CLOCK_REALTIME && !clock_is_monotonic(id))
		return id == CLOCK_PROCESS_CPUTIME_ID ? ENOTSUP : EINVAL;
	if ((flags & TIMER_ABSTIME) == 0)
		return -sleep_for(ts, left);
	err = clock_deadline(id, ts, &deadline_ns);
	return err != 0 ? -err : -sleep_until(deadline_ns);
}

PUBLIC unsigned
sleep(unsigned seconds)
{
	struct timespec ts = {(time_t)seconds, 0}, left;

	if (sleep_for(&ts, &left) == 0)
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec >= (long)NS_PER_S / 2);
}

PUBLIC int
usleep(useconds_t us)
{
	struct timespec ts = clock_to_timespec((uint64_t)us * 1000);

	return (int)posix_result(sleep_for(&ts, NULL));
}
