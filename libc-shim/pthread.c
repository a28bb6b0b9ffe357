/* SPDX-License-Identifier: ISC */
/*
 * Threads from birth to death: POSIX.1-2017 pthread_create, pthread_join,
 * pthread_detach, pthread_exit and pthread_cleanup_push.  A pthread_t is the
 * address of the kernel's thread.  The threads are listed for the sake of
 * signals, and counted so that the end of the last is the end of the program.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

struct spinlock pthread_list_lock = SPINLOCK("pthread list");
struct thread_libc *pthread_list;
static unsigned alive; /* listed threads */

/* What a new thread waits for: its creator has finished with it. */
struct start {
	void *(*fn)(void *);
	void *arg;
	bool ready;
	struct waitq wait;
};

/* The list's lock is held. */
static void
enlist(struct thread_libc *l, struct thread *t)
{
	struct thread_libc **p = &pthread_list, *prev = NULL;

	for (; *p != NULL; p = &prev->next)
		prev = *p;
	l->thread = t;
	l->prev = prev;
	l->next = NULL;
	l->listed = true;
	*p = l;
	alive++;
}

static bool
delist(struct thread_libc *l)
{
	uint64_t flags = spin_lock(&pthread_list_lock);
	bool last;

	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		pthread_list = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	l->listed = false;
	last = --alive == 0;
	spin_unlock(&pthread_list_lock, flags);
	return last;
}

/* The last act of each thread, the kernel's own included. */
static void
thread_ends(void)
{
	struct thread_libc *l = thread_libc_self();

	if (l->key_end != NULL)
		l->key_end(l);
	if (l->listed && delist(l))
		exit(0);
	if (l->reent_end != NULL)
		l->reent_end(&l->reent);
}

void
pthread_enlist_self(void)
{
	struct thread *t = thread_current();
	struct thread_libc *l = thread_libc(t);
	uint64_t flags;

	if (l->listed)
		return;
	flags = spin_lock(&pthread_list_lock);
	thread_exit_hook = thread_ends;
	enlist(l, t);
	spin_unlock(&pthread_list_lock, flags);
}

void
pthread_end(void *result)
{
	struct thread_libc *l = thread_libc_self();
	struct pthread_cleanup *c;

	pthread_enlist_self();
	l->cancel_off = true;
	while ((c = l->cleanup) != NULL) {
		l->cleanup = c->__outer;
		c->__run(c->__arg);
	}
	thread_exit(result);
}

static void *
thread_begins(void *arg)
{
	struct start *s = arg, copy;
	uint64_t flags = spin_lock(&pthread_list_lock);

	while (!s->ready)
		waitq_sleep(&s->wait, &pthread_list_lock, NS_NEVER);
	spin_unlock(&pthread_list_lock, flags);
	copy = *s;
	heap_free(s, sizeof(*s));
	pthread_end(copy.fn(copy.arg));
}

/* Lets the new thread go; afterwards it may be gone at any time. */
static void
thread_release(struct thread *t, struct start *s, bool detached)
{
	struct thread_libc *l = thread_libc(t);
	uint64_t flags;

	l->sig_blocked = thread_libc_self()->sig_blocked;
	l->detached = detached;
	if (detached)
		thread_detach(t);
	flags = spin_lock(&pthread_list_lock);
	enlist(l, t);
	s->ready = true;
	waitq_wake(&s->wait, 1);
	spin_unlock(&pthread_list_lock, flags);
}

int
pthread_spawn(pthread_t *thread, const pthread_attr_t *attr,
    void *(*fn)(void *), void *arg)
{
	struct start *s = heap_alloc(sizeof(*s));
	struct thread *t;

	if (s == NULL)
		return EAGAIN;
	s->fn = fn;
	s->arg = arg;
	t = thread_create(thread_begins, s, attr ? attr->__stack_len : 0);
	if (t == NULL) {
		heap_free(s, sizeof(*s));
		return EAGAIN;
	}
	*thread = (pthread_t)t;
	thread_release(
	    t, s, attr != NULL && attr->__detached == PTHREAD_CREATE_DETACHED);
	return 0;
}

PUBLIC int
pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
    void *(*fn)(void *), void *restrict arg)
{
	pthread_enlist_self();
	return pthread_spawn(thread, attr, fn, arg);
}

PUBLIC void
pthread_exit(void *result)
{
	pthread_end(result);
}

static int
join(pthread_t p, void **result, uint64_t deadline_ns)
{
	struct thread *t = pthread_thread(p);
	int err;

	if (t == thread_current())
		return EDEADLK;
	if (((struct thread_libc *)thread_libc(t))->detached)
		return EINVAL;
	do {
		if (thread_libc_wanted(thread_libc_self(), true))
			thread_libc_interrupted(true);
		err = thread_join(t, result, deadline_ns);
	} while (err == -EINTR);
	return -err;
}

PUBLIC int
pthread_join(pthread_t p, void **result)
{
	return join(p, result, NS_NEVER);
}

PUBLIC int
pthread_timedjoin_np(pthread_t p, void **result, const struct timespec *t)
{
	uint64_t deadline_ns;

	if (clock_deadline(CLOCK_REALTIME, t, &deadline_ns) != 0)
		return EINVAL;
	return join(p, result, deadline_ns);
}

PUBLIC int
pthread_tryjoin_np(pthread_t p, void **result)
{
	int err = join(p, result, 0);

	return err == ETIMEDOUT ? EBUSY : err;
}

PUBLIC int
pthread_detach(pthread_t p)
{
	struct thread *t = pthread_thread(p);
	struct thread_libc *l = thread_libc(t);

	if (l->detached)
		return EINVAL;
	l->detached = true;
	return -thread_detach(t);
}

PUBLIC pthread_t
pthread_self(void)
{
	return (pthread_t)thread_current();
}

PUBLIC int
pthread_equal(pthread_t a, pthread_t b)
{
	return a == b;
}

PUBLIC void
__pthread_cleanup_push(struct pthread_cleanup *c)
{
	struct thread_libc *l = thread_libc_self();

	c->__outer = l->cleanup;
	l->cleanup = c;
}

PUBLIC void
__pthread_cleanup_pop(struct pthread_cleanup *c, int execute)
{
	thread_libc_self()->cleanup = c->__outer;
	if (execute)
		c->__run(c->__arg);
}
