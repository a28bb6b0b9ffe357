/* SPDX-License-Identifier: ISC */
/* The kernel's worker thread: see work.h. */
#include "kernel/work.h"

#include "kernel/once.h"

#define STACK_LEN (16UL << 10)

static struct work *first, **end = &first;
static struct waitq worker;
static struct spinlock lock = SPINLOCK("work");
static struct once started = ONCE("work");

static struct work *
next_work(void)
{
	uint64_t flags = spin_lock(&lock);
	struct work *w;

	while (first == NULL)
		waitq_sleep(&worker, &lock, NS_NEVER);
	w = first;
	first = w->next;
	if (first == NULL)
		end = &first;
	w->queued = false;
	spin_unlock(&lock, flags);
	return w;
}

static void *
work_loop(void *arg)
{
	struct work *w;

	(void)arg;
	for (;;) {
		w = next_work();
		w->fn(w);
	}
	return NULL;
}

int
work_init(void)
{
	struct thread *t = NULL;

	if (!once_enter(&started))
		return 0;
	t = thread_create(work_loop, NULL, STACK_LEN);
	once_leave(&started, t != NULL);
	return t == NULL ? -ENOMEM : 0;
}

void
work_add(struct work *w)
{
	uint64_t flags = spin_lock(&lock);

	if (!w->queued) {
		w->queued = true;
		w->next = NULL;
		*end = w;
		end = &w->next;
		waitq_wake(&worker, 1);
	}
	spin_unlock(&lock, flags);
}
