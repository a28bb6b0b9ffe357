/* SPDX-License-Identifier: ISC */
/*
 * Set-up at first use, by threads: the first one does it, others sleep until
 * it is done.  Left with done == false it serves as a lock to sleep on.
 */
#ifndef KERNEL_ONCE_H
#define KERNEL_ONCE_H

#include "kernel/kernel.h"

struct once {
	struct spinlock lock;
	struct waitq waiters;
	bool busy, done;
};
#define ONCE(n)                                                                \
	{                                                                      \
		SPINLOCK(n), {NULL, NULL}, false, false                        \
	}

bool once_enter(struct once *o); /* false: it is done already */
void once_leave(struct once *o, bool done);

#endif
