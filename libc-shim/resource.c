/* SPDX-License-Identifier: ISC */
/*
 * Limits and use of resources: POSIX.1-2017 getrlimit, setrlimit, getrusage,
 * getpriority.  The machine's RAM is the only limit there is; what setrlimit
 * is told is told back.
 */
#include <string.h>
#include <sys/resource.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"

static struct rlimit limits[RLIM_NLIMITS];
static uint32_t set; /* bit N: limits[N] has been set */

static struct rlimit
limit_of(int what)
{
	struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
	uintptr_t lo, hi;

	if (set & (1U << what))
		return limits[what];
	if (what == RLIMIT_STACK) {
		thread_stack(thread_current(), &lo, &hi);
		l.rlim_cur = hi - lo;
	} else if (what == RLIMIT_NOFILE) {
		l.rlim_cur = 1024;
		l.rlim_max = 65536;
	} else if (what == RLIMIT_NPROC) {
		l.rlim_cur = l.rlim_max = 1;
	} else if (what == RLIMIT_CORE) {
		l.rlim_cur = 0;
	}
	return l;
}

PUBLIC int
getrlimit(int what, struct rlimit *l)
{
	if (what < 0 || what >= RLIM_NLIMITS)
		return (int)posix_result(-EINVAL);
	*l = limit_of(what);
	return 0;
}

PUBLIC int
setrlimit(int what, const struct rlimit *l)
{
	if (what < 0 || what >= RLIM_NLIMITS || l->rlim_cur > l->rlim_max)
		return (int)posix_result(-EINVAL);
	if (l->rlim_max > limit_of(what).rlim_max)
		return (int)posix_result(-EPERM);
	limits[what] = *l;
	set |= 1U << what;
	return 0;
}

PUBLIC int
getrusage(int who, struct rusage *r)
{
	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN &&
	    who != RUSAGE_THREAD)
		return (int)posix_result(-EINVAL);
	memset(r, 0, sizeof(*r));
	if (who == RUSAGE_CHILDREN)
		return 0;
	r->ru_utime = clock_to_timeval(
	    clock_cpu_ns(who == RUSAGE_THREAD ? thread_current() : NULL));
	r->ru_maxrss = (long)((page_total() - page_unused()) / 1024);
	return 0;
}

PUBLIC int
getpriority(int which, id_t who)
{
	(void)who;
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return (int)posix_result(-EINVAL);
	return 0;
}

PUBLIC int
setpriority(int which, id_t who, int priority)
{
	(void)priority;
	return getpriority(which, who);
}
