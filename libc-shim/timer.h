/* SPDX-License-Identifier: ISC */
/* Timers inside the shim; see timer.c. */
#ifndef LIBC_SHIM_TIMER_H
#define LIBC_SHIM_TIMER_H

#include <signal.h>

#include "kernel/kernel.h"

struct timer {
	struct timer *next; /* armed ones */
	bool armed;
	uint64_t deadline_ns;
	uint64_t interval_ns; /* 0: once */
	unsigned overrun;     /* expirations the last notice stood for, - 1 */
	clockid_t clock;      /* of absolute times */
	struct sigevent event;
};

/* Stops t, then starts it unless deadline_ns is NS_NEVER; tells what was left
 * of it in *left_ns (0: it was stopped) and its old interval.  0 or -EAGAIN,
 * without memory for the timer thread. */
int timer_set(struct timer *t, uint64_t deadline_ns, uint64_t interval_ns,
    uint64_t *left_ns, uint64_t *old_interval_ns);
void timer_get(struct timer *t, uint64_t *left_ns, uint64_t *interval_ns);

#endif
