/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 <sched.h>: one policy, one priority, one processor. */
#include <sched.h>
#include <string.h>

#include "kernel/kernel.h"
#include "libc-shim/shim.h"

static bool
known(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_FIFO ||
	       policy == SCHED_RR;
}

PUBLIC int
sched_yield(void)
{
	thread_yield();
	return 0;
}

PUBLIC int
sched_get_priority_min(int policy)
{
	return (int)posix_result(known(policy) ? 0 : -EINVAL);
}

PUBLIC int
sched_get_priority_max(int policy)
{
	return (int)posix_result(known(policy) ? 0 : -EINVAL);
}

PUBLIC int
sched_getscheduler(pid_t pid)
{
	return (int)posix_result(pid <= 1 ? SCHED_OTHER : -ESRCH);
}

PUBLIC int
sched_getparam(pid_t pid, struct sched_param *param)
{
	memset(param, 0, sizeof(*param));
	return (int)posix_result(pid <= 1 ? 0 : -ESRCH);
}

PUBLIC int
sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
	if (pid > 1)
		return (int)posix_result(-ESRCH);
	if (!known(policy))
		return (int)posix_result(-EINVAL);
	if (policy != SCHED_OTHER || param->sched_priority != 0)
		return (int)posix_result(-EPERM);
	return SCHED_OTHER;
}

PUBLIC int
sched_setparam(pid_t pid, const struct sched_param *param)
{
	if (pid > 1)
		return (int)posix_result(-ESRCH);
	return (int)posix_result(param->sched_priority == 0 ? 0 : -EPERM);
}

PUBLIC int
sched_rr_get_interval(pid_t pid, struct timespec *ts)
{
	(void)pid;
	(void)ts;
	return (int)posix_result(-ENOSYS);
}

PUBLIC int
sched_getcpu(void)
{
	return 0;
}
