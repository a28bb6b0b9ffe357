/* SPDX-License-Identifier: ISC */
/*
 * A lock that may be held over copies, allocations and device waits: those
 * who want it sleep.  It also serves as the lock of a condition: see
 * sleeplock_wait.  All zero is free.  Not for interrupt handlers.
 */
#ifndef LIBC_SHIM_SLEEPLOCK_H
#define LIBC_SHIM_SLEEPLOCK_H

#include "kernel/kernel.h"

struct sleeplock {
	uint32_t state;       /* 0 free, 1 held, 2 held and wanted */
	struct spinlock spin; /* guards the queues */
	struct waitq wanting;
};

void sleeplock_take(struct sleeplock *l);
bool sleeplock_try(struct sleeplock *l); /* taken? */
void sleeplock_give(struct sleeplock *l);

/*
 * Gives the lock, sleeps on q, takes the lock again; a sleeplock_wake in
 * between is not missed.  0, -ETIMEDOUT or -EINTR as waitq_sleep.
 */
int sleeplock_wait(struct sleeplock *l, struct waitq *q, uint64_t deadline_ns);
/* Wakes up to n sleepers on q, one of the queues used with this lock. */
void sleeplock_wake(struct sleeplock *l, struct waitq *q, unsigned n);

#endif
