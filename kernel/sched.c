/* SPDX-License-Identifier: ISC */
/*
 * The scheduler: a round-robin run queue, sleeping with deadlines, and the
 * switch.  A thread is preempted only while another is runnable; with none
 * runnable the last one to sleep halts the processor on its own stack.
 */
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/panic.h"
#include "kernel/platform.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

#define SLICE_NS 5000000ULL

/* What each processor has; cpu_self is the only way to it. */
struct cpu {
	struct thread *current;
	uint64_t since_ns, since_tsc; /* when `current` began to run */
	uint64_t halted_tsc;          /* of that, counts in thread_halt */
	uint64_t idle_ns;
	uint64_t slice_end_ns;
	bool idle;
	bool resched; /* give way when an interrupt next comes */
};

static struct cpu cpu0;

static struct cpu *
cpu_self(void)
{
	return &cpu0;
}

/* Guards all below and every link between threads. */
static struct spinlock sched_lock = SPINLOCK("sched");
static struct waitq runq;
static struct thread *sleepers; /* earliest deadline first */
static uint64_t armed_ns = NS_NEVER;
static struct thread *grave; /* detached, dead, not yet freed */

void
spin_taken(const struct spinlock *l)
{
	if (!panic_busy())
		panic("lock %s taken twice", l->name);
}

struct thread *
thread_current(void)
{
	return cpu_self()->current;
}

/* --- queues: sched_lock held in all of these --- */

static void
queue_push(struct waitq *q, struct thread *t)
{
	t->next = NULL;
	if (q->first == NULL)
		q->first = t;
	else
		q->last->next = t;
	q->last = t;
}

struct thread *
waitq_pop(struct waitq *q)
{
	struct thread *t = q->first;

	if (t != NULL)
		q->first = t->next;
	return t;
}

static void
queue_remove(struct waitq *q, struct thread *t)
{
	struct thread **p = &q->first, *before = NULL;

	while (*p != t) {
		before = *p;
		p = &before->next;
	}
	*p = t->next;
	if (q->last == t)
		q->last = before;
}

static void
sleeper_add(struct thread *t, uint64_t deadline_ns)
{
	struct thread **p = &sleepers;

	while (*p != NULL && (*p)->deadline_ns <= deadline_ns)
		p = &(*p)->later;
	t->deadline_ns = deadline_ns;
	t->later = *p;
	t->link = p;
	if (t->later != NULL)
		t->later->link = &t->later;
	*p = t;
}

static void
sleeper_remove(struct thread *t)
{
	if (t->link == NULL)
		return;
	*t->link = t->later;
	if (t->later != NULL)
		t->later->link = t->link;
	t->link = NULL;
}

static void
timer_program(void)
{
	struct cpu *c = cpu_self();
	uint64_t deadline = sleepers ? sleepers->deadline_ns : NS_NEVER;

	if (runq.first != NULL && !c->idle && c->slice_end_ns < deadline)
		deadline = c->slice_end_ns;
	if (deadline >= armed_ns)
		return;
	armed_ns = deadline;
	platform->timer_arm(deadline);
}

void
sched_wake(struct thread *t, int wait_err)
{
	struct cpu *c = cpu_self();

	sleeper_remove(t);
	t->queue = NULL;
	t->wait_err = wait_err;
	c->resched = true; /* the woken have work to do */
	if (!c->idle && runq.first == NULL)
		c->slice_end_ns = clock_ns() + SLICE_NS;
	queue_push(&runq, t);
	if (!c->idle)
		timer_program();
}

/* Adds the time since the last call to whoever had it, but for the part in
 * which a thread halted. */
static void
account(struct cpu *c, uint64_t *to)
{
	uint64_t now, tsc, ns, halted_ns = 0;

	if (!clock_started())
		return;
	now = clock_ns();
	tsc = cpu_rdtsc();
	ns = now - c->since_ns;
	if (c->halted_tsc != 0 && tsc > c->since_tsc)
		halted_ns = (unsigned __int128)ns * c->halted_tsc /
			    (tsc - c->since_tsc);
	if (halted_ns > ns)
		halted_ns = ns;
	*to += ns - halted_ns;
	c->idle_ns += halted_ns;
	c->since_ns = now;
	c->since_tsc = tsc;
	c->halted_tsc = 0;
}

/* Until an interrupt came. */
static inline void
halt(struct cpu *c)
{
	c->idle = true;
	if (sleepers != NULL)
		timer_program();
	spin_give(&sched_lock);
	platform->idle();
	spin_take(&sched_lock);
	c->idle = false;
}

static void
idle(struct cpu *c)
{
	account(c, &c->current->run_ns);
	while (runq.first == NULL)
		halt(c);
	account(c, &c->idle_ns);
}

/* The run queue has given another thread, or others wait there. */
static __attribute__((noinline)) void
switch_to(struct cpu *c, struct thread *next)
{
	struct thread *prev = c->current;

	if (runq.first != NULL) {
		c->slice_end_ns = clock_ns() + SLICE_NS;
		timer_program();
	}
	if (next == prev)
		return;
	account(c, &prev->run_ns);
	c->current = next;
	cpu_wrmsr(MSR_FS_BASE, (uint64_t)next);
	thread_switch(&prev->rsp, next->rsp);
}

/* Gives the processor to the next thread; returns when it is our turn again.
 * sched_lock is held throughout: the one who comes out of thread_switch drops
 * the lock that another took. */
static inline void
schedule(void)
{
	struct cpu *c = cpu_self();
	struct thread *next;

	c->resched = false;
	if (runq.first == NULL)
		idle(c);
	next = waitq_pop(&runq);
	if (next != c->current || runq.first != NULL)
		switch_to(c, next);
}

uint64_t
sched_enter(void)
{
	return spin_lock(&sched_lock);
}

void
sched_leave(uint64_t flags)
{
	struct thread *t = grave;

	grave = NULL;
	spin_unlock(&sched_lock, flags);
	if (t != NULL)
		thread_free(t);
}

/* --- sleeping and waking --- */

static int
sleep_until(struct thread *t, uint64_t deadline_ns)
{
	if (deadline_ns <= clock_ns())
		return -ETIMEDOUT;
	sleeper_add(t, deadline_ns);
	return 0;
}

static inline int
sleep_on(struct waitq *q, uint64_t deadline_ns)
{
	struct thread *t = thread_current();
	int err;

	if (t->interrupted) {
		t->interrupted = false;
		return -EINTR;
	}
	if (deadline_ns != NS_NEVER) {
		err = sleep_until(t, deadline_ns);
		if (err != 0)
			return err;
	}
	t->queue = q;
	queue_push(q, t);
	schedule();
	return t->wait_err;
}

int
sched_sleep(struct waitq *q, uint64_t deadline_ns)
{
	return sleep_on(q, deadline_ns);
}

int
waitq_sleep(struct waitq *q, struct spinlock *l, uint64_t deadline_ns)
{
	int err;

	spin_take(&sched_lock);
	spin_give(l);
	err = sleep_on(q, deadline_ns);
	if (grave != NULL)
		sched_leave(0);
	else
		spin_give(&sched_lock);
	spin_take(l);
	return err;
}

/* After a halt: those who were woken go first. */
static __attribute__((noinline)) void
give_way(void)
{
	queue_push(&runq, thread_current());
	schedule();
	sched_leave(0);
	spin_take(&sched_lock);
}

bool
thread_halt(struct spinlock *l)
{
	struct cpu *c = cpu_self();
	uint64_t tsc;

	spin_take(&sched_lock);
	if (runq.first != NULL) {
		spin_give(&sched_lock);
		return false;
	}
	spin_give(l);
	tsc = cpu_rdtsc();
	halt(c);
	c->halted_tsc += cpu_rdtsc() - tsc;
	if (runq.first != NULL)
		give_way();
	spin_give(&sched_lock);
	spin_take(l);
	return true;
}

unsigned
waitq_wake(struct waitq *q, unsigned n)
{
	uint64_t flags = spin_lock(&sched_lock);
	unsigned woken = 0;
	struct thread *t;

	for (; woken < n && (t = waitq_pop(q)) != NULL; woken++)
		sched_wake(t, 0);
	spin_unlock(&sched_lock, flags);
	return woken;
}

void
thread_interrupt(struct thread *t)
{
	uint64_t flags = spin_lock(&sched_lock);

	if (t->queue != NULL) {
		queue_remove(t->queue, t);
		sched_wake(t, -EINTR);
	} else {
		t->interrupted = true;
	}
	spin_unlock(&sched_lock, flags);
}

void
thread_sleep(uint64_t deadline_ns)
{
	struct waitq nobody = {NULL, NULL};
	uint64_t flags = spin_lock(&sched_lock);

	sched_sleep(&nobody, deadline_ns);
	sched_leave(flags);
}

void
thread_yield(void)
{
	uint64_t flags = spin_lock(&sched_lock);

	if (runq.first != NULL) {
		queue_push(&runq, thread_current());
		schedule();
	}
	sched_leave(flags);
}

void
thread_preempt(void)
{
	thread_yield();
}

/* From an interrupt, and only where it interrupted a thread. */
bool
thread_preempt_wanted(void)
{
	struct cpu *c = cpu_self();

	return c->resched && !c->idle && c->current != NULL;
}

void
thread_timer(void)
{
	uint64_t flags = spin_lock(&sched_lock), now = clock_ns();
	struct cpu *c = cpu_self();
	struct thread *t;

	armed_ns = NS_NEVER;
	if (runq.first != NULL && now >= c->slice_end_ns) {
		c->slice_end_ns = NS_NEVER; /* until the next one has run */
		c->resched = true;
	}
	while ((t = sleepers) != NULL && t->deadline_ns <= now) {
		queue_remove(t->queue, t);
		sched_wake(t, -ETIMEDOUT);
	}
	timer_program();
	spin_unlock(&sched_lock, flags);
}

/* --- for thread.c: the first thread, the last of one, and times --- */

void
sched_begin(struct thread *first)
{
	uintptr_t boot_rsp;

	spin_lock(&sched_lock);
	cpu_self()->current = first;
	cpu_wrmsr(MSR_FS_BASE, (uint64_t)first);
	thread_switch(&boot_rsp, first->rsp);
}

void
sched_end(struct thread *dead)
{
	if (dead->detached)
		grave = dead;
	schedule();
	panic("a dead thread runs");
}

static void
account_now(void)
{
	uint64_t flags = spin_lock(&sched_lock);
	struct cpu *c = cpu_self();

	account(c, &c->current->run_ns);
	spin_unlock(&sched_lock, flags);
}

uint64_t
thread_idle_ns(void)
{
	account_now();
	return cpu_self()->idle_ns;
}

uint64_t
thread_run_ns(const struct thread *t)
{
	account_now();
	return t->run_ns;
}
