/* SPDX-License-Identifier: ISC */
/*
 * Timers: one thread, started by the first of them, sleeps until the earliest
 * is due and sends its signal or starts its function.
 *
 * LIMIT: while the thread that is to get a signal computes without sleeping,
 * the timer thread runs the handler 10 ms later, and such handlers follow
 * each other no faster than that.
 */
#include "libc-shim/timer.h"

#include <pthread.h>

#include "libc-shim/clock.h"
#include "libc-shim/signals.h"
#include "libc-shim/sync.h"

static struct spinlock timer_lock = SPINLOCK("timers");
static struct waitq timer_waitq; /* the timer thread */
static struct timer *armed;      /* in no order: there are few */
static bool started;

/* timer_lock is held in these. */

static struct timer *
earliest(void)
{
	struct timer *t, *first = armed;

	for (t = armed; t != NULL; t = t->next) {
		if (t->deadline_ns < first->deadline_ns)
			first = t;
	}
	return first;
}

static void
disarm(struct timer *t)
{
	struct timer **p = &armed;

	if (!t->armed)
		return;
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->armed = false;
}

/* A periodic timer goes on from when it should have expired. */
static void
expire(struct timer *t, uint64_t now)
{
	uint64_t missed;

	if (t->interval_ns == 0) {
		t->overrun = 0;
		disarm(t);
		return;
	}
	missed = (now - t->deadline_ns) / t->interval_ns;
	t->overrun = (unsigned)missed;
	t->deadline_ns += (missed + 1) * t->interval_ns;
}

static uint64_t
left(const struct timer *t)
{
	uint64_t now = clock_ns();

	if (!t->armed)
		return 0;
	return t->deadline_ns > now ? t->deadline_ns - now : 1;
}

/* Carries a SIGEV_THREAD function into its thread. */
struct call {
	void (*fn)(union sigval);
	union sigval value;
};

static void *
call_begin(void *arg)
{
	struct call call = *(struct call *)arg;

	heap_free(arg, sizeof(call));
	call.fn(call.value);
	return NULL;
}

static void
start_function(const struct sigevent *ev)
{
	pthread_attr_t attr = {0};
	struct call *call = heap_alloc(sizeof(*call));
	pthread_t t;

	if (call == NULL)
		return;
	call->fn = ev->sigev_notify_function;
	call->value = ev->sigev_value;
	if (ev->sigev_notify_attributes != NULL)
		attr = *ev->sigev_notify_attributes;
	attr.__detached = PTHREAD_CREATE_DETACHED;
	if (pthread_spawn(&t, &attr, call_begin, call) != 0)
		heap_free(call, sizeof(*call));
}

static void
notify(const struct sigevent *ev)
{
	struct thread_signal_note note = {ev->sigev_value.sival_ptr, SI_TIMER};

	if (ev->sigev_notify == SIGEV_THREAD)
		start_function(ev);
	else if (ev->sigev_notify == SIGEV_SIGNAL)
		signal_send_timer(ev->sigev_signo, note);
}

static void *
timer_loop(void *arg)
{
	uint64_t flags, now;
	struct sigevent ev;
	struct timer *t;

	thread_libc_self()->sig_blocked = ~SIGNAL_NEVER_BLOCKED;
	flags = spin_lock(&timer_lock);
	for (;;) {
		t = earliest();
		now = clock_ns();
		if (t == NULL || t->deadline_ns > now) {
			waitq_sleep(&timer_waitq, &timer_lock,
			    t == NULL ? NS_NEVER : t->deadline_ns);
			continue;
		}
		expire(t, now);
		ev = t->event;
		spin_unlock(&timer_lock, flags);
		notify(&ev);
		flags = spin_lock(&timer_lock);
	}
	return arg;
}

static int
start_thread(void)
{
	struct thread *t;

	if (__atomic_exchange_n(&started, true, __ATOMIC_ACQ_REL))
		return 0;
	pthread_enlist_self();
	t = thread_create(timer_loop, NULL, 0);
	if (t == NULL) {
		started = false;
		return -EAGAIN;
	}
	thread_detach(t);
	return 0;
}

int
timer_set(struct timer *t, uint64_t deadline_ns, uint64_t interval_ns,
    uint64_t *left_ns, uint64_t *old_interval_ns)
{
	uint64_t flags;
	int err = deadline_ns != NS_NEVER ? start_thread() : 0;

	if (err != 0)
		return err;
	flags = spin_lock(&timer_lock);
	*left_ns = left(t);
	*old_interval_ns = t->interval_ns;
	disarm(t);
	t->interval_ns = interval_ns;
	t->deadline_ns = deadline_ns;
	if (deadline_ns != NS_NEVER) {
		t->next = armed;
		t->armed = true;
		armed = t;
		waitq_wake(&timer_waitq, 1);
	}
	spin_unlock(&timer_lock, flags);
	return 0;
}

void
timer_get(struct timer *t, uint64_t *left_ns, uint64_t *interval_ns)
{
	uint64_t flags = spin_lock(&timer_lock);

	*left_ns = left(t);
	*interval_ns = t->interval_ns;
	spin_unlock(&timer_lock, flags);
}
