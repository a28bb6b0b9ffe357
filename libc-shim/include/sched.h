/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 <sched.h>.  One policy, SCHED_OTHER, one priority, 0: threads
 * take turns while more than one can run.
 */
#ifndef _SCHED_H_
#define _SCHED_H_

#include <sys/cdefs.h>
#include <sys/sched.h>
#include <sys/types.h>

__BEGIN_DECLS

int sched_yield(void);
/* 0, or -1 with EINVAL for an unknown policy. */
int sched_get_priority_min(int);
int sched_get_priority_max(int);
int sched_getscheduler(pid_t);
int sched_getparam(pid_t, struct sched_param *);
/* EPERM for anything but what already is. */
int sched_setscheduler(pid_t, int, const struct sched_param *);
int sched_setparam(pid_t, const struct sched_param *);
int sched_rr_get_interval(pid_t, struct timespec *); /* ENOSYS */
int sched_getcpu(void);

__END_DECLS

#endif
