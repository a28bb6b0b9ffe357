/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 timer_create, timer_settime and kin.  A timer_t is the address
 * of a struct timer. */
#include <time.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/signals.h"
#include "libc-shim/timer.h"

PUBLIC int
timer_create(
    clockid_t clock, struct sigevent *restrict event, timer_t *restrict id)
{
	struct timer *t;

	if (clock != CLOCK_REALTIME && !clock_is_monotonic(clock))
		return (int)posix_result(
		    clock == CLOCK_PROCESS_CPUTIME_ID ? -ENOTSUP : -EINVAL);
	if (event != NULL && event->sigev_notify == SIGEV_SIGNAL &&
	    !signal_valid(event->sigev_signo))
		return (int)posix_result(-EINVAL);
	t = heap_alloc(sizeof(*t));
	if (t == NULL)
		return (int)posix_result(-EAGAIN);
	if (event != NULL) {
		t->event = *event;
	} else {
		t->event.sigev_notify = SIGEV_SIGNAL;
		t->event.sigev_signo = SIGALRM;
		t->event.sigev_value.sival_ptr = t;
	}
	t->clock = clock;
	*id = (timer_t)t;
	return 0;
}

PUBLIC int
timer_delete(timer_t id)
{
	struct timer *t = (struct timer *)id;
	uint64_t left_ns, interval_ns;

	timer_set(t, NS_NEVER, 0, &left_ns, &interval_ns);
	heap_free(t, sizeof(*t));
	return 0;
}

static void
tell(struct itimerspec *to, uint64_t left_ns, uint64_t interval_ns)
{
	if (to == NULL)
		return;
	to->it_value = clock_to_timespec(left_ns);
	to->it_interval = clock_to_timespec(interval_ns);
}

/* When a timer set to `value` first expires; a value of 0 stops it. */
static int
first_deadline(const struct timer *t, int flags, const struct timespec *value,
    uint64_t *deadline_ns)
{
	uint64_t ns;

	if (value->tv_sec < 0 || clock_from_timespec(value, &ns) != 0)
		return -EINVAL;
	if (ns == 0)
		*deadline_ns = NS_NEVER;
	else if (flags & TIMER_ABSTIME)
		return clock_deadline(t->clock, value, deadline_ns);
	else
		*deadline_ns = clock_after(clock_ns(), ns);
	return 0;
}

PUBLIC int
timer_settime(timer_t id, int flags, const struct itimerspec *restrict value,
    struct itimerspec *restrict old)
{
	struct timer *t = (struct timer *)id;
	uint64_t deadline_ns, interval_ns, left_ns, old_interval_ns;
	int err = first_deadline(t, flags, &value->it_value, &deadline_ns);

	if (err == 0)
		err = clock_from_timespec(&value->it_interval, &interval_ns);
	if (err == 0)
		err = timer_set(
		    t, deadline_ns, interval_ns, &left_ns, &old_interval_ns);
	if (err == 0)
		tell(old, left_ns, old_interval_ns);
	return (int)posix_result(err);
}

PUBLIC int
timer_gettime(timer_t id, struct itimerspec *value)
{
	uint64_t left_ns, interval_ns;

	timer_get((struct timer *)id, &left_ns, &interval_ns);
	tell(value, left_ns, interval_ns);
	return 0;
}

PUBLIC int
timer_getoverrun(timer_t id)
{
	return (int)((struct timer *)id)->overrun;
}
