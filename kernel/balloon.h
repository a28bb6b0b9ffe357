/* SPDX-License-Identifier: ISC */
/*
 * The memory balloon: the host says how many pages it wants, a thread gives
 * them or takes them back.  A driver (virtio, Xen) fills a struct balloon and
 * knows how the host is told; there is one in a guest.  No application calls
 * any of this.
 */
#ifndef KERNEL_BALLOON_H
#define KERNEL_BALLOON_H

#include "kernel/kernel.h"

#define BALLOON_RUNS 64 /* at most, in one call of inflate or deflate */

struct balloon;

struct balloon_ops {
	size_t batch; /* pages that one call may concern */
	/* Tells the host that the pages are his, or that they will be ours:
	 * after 0 it is so.  -EIO: nothing changed.  `spin`: may not sleep. */
	int (*inflate)(
	    struct balloon *b, const struct page_run *run, unsigned n);
	int (*deflate)(struct balloon *b, const struct page_run *run,
	    unsigned n, bool spin);
	/* Tells how many pages the host has; from anywhere; or NULL. */
	void (*told)(struct balloon *b, size_t npages);
	/* What else the driver does in the balloon's thread, each time that it
	 * wakes; until when it may sleep.  Or NULL. */
	uint64_t (*serve)(struct balloon *b);
	/* True if memory that was lent to the host is back: it may not sleep,
	 * and must not wait for a lock.  Or NULL. */
	bool (*lent_back)(struct balloon *b);
};

struct balloon {
	const struct balloon_ops *ops;
	bool on_oom; /* take pages back before an allocation fails */

	/* balloon.c's */
	size_t target; /* pages that the host wants */
	struct spinlock lock;
	struct waitq thread;
	bool woken;
	uint64_t from_ns; /* no inflating before */
	uintptr_t cursor; /* where the next pages to take back are */
};

/* Starts its thread, which calls ops->serve first.  -EBUSY: there is one. */
int balloon_start(struct balloon *b);
/* From anywhere. */
void balloon_set_target(struct balloon *b, size_t npages);
void balloon_wake(struct balloon *b);
/* Pages that the host wants; that were taken back because memory ran out. */
size_t balloon_wanted(void);
size_t balloon_reclaimed(void);

#endif
