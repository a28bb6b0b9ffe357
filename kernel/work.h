/* SPDX-License-Identifier: ISC */
/*
 * Work that an interrupt, or who holds a spinlock, leaves to a thread: one
 * kernel thread does it in the order it came.  Such work may sleep, but not for
 * long, for other work waits behind it.
 */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include "kernel/kernel.h"

struct work {
	void (*fn)(struct work *w);
	struct work *next; /* work.c's */
	bool queued;
};

int work_init(void); /* from a thread, before the first work_add */
/* From anywhere; w->fn is set.  Work that is queued and has not begun is not
 * queued again. */
void work_add(struct work *w);

#endif
