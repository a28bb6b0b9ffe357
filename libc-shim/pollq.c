/* SPDX-License-Identifier: ISC */
/* Queues of observers; see poll.h. */
#include "libc-shim/poll.h"

struct spinlock poll_lock = SPINLOCK("poll");

void
poll_notify(struct pollq *q)
{
	struct poll_entry *e, *next;
	uint64_t flags;

	/* The observer looks after it has entered itself: no need to lock. */
	if (__atomic_load_n(&q->first, __ATOMIC_SEQ_CST) == NULL)
		return;
	flags = spin_lock(&poll_lock);
	for (e = q->first; e != NULL; e = next) {
		next = e->next;
		e->notify(e);
	}
	spin_unlock(&poll_lock, flags);
}

void
poll_watch(struct pollq *q, struct poll_entry *e)
{
	uint64_t flags = spin_lock(&poll_lock);

	e->next = q->first;
	e->link = &q->first;
	if (e->next != NULL)
		e->next->link = &e->next;
	__atomic_store_n(&q->first, e, __ATOMIC_SEQ_CST);
	spin_unlock(&poll_lock, flags);
}

void
poll_unwatch(struct poll_entry *e)
{
	uint64_t flags = spin_lock(&poll_lock);

	*e->link = e->next;
	if (e->next != NULL)
		e->next->link = e->link;
	spin_unlock(&poll_lock, flags);
}
