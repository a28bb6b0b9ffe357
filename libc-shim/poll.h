/* SPDX-License-Identifier: ISC */
/*
 * How readiness travels from a file to poll, select and (later) epoll.
 *
 * A file whose readiness changes owns a struct pollq and calls poll_notify
 * on it at each change, from any context, interrupt handlers included.  An
 * observer hangs a struct poll_entry on the queue first and asks the file
 * (file_ops.poll) afterwards, so no change falls between.
 */
#ifndef LIBC_SHIM_POLL_H
#define LIBC_SHIM_POLL_H

#include <signal.h>
#include <time.h>

#include "kernel/kernel.h"

struct poll_entry {
	struct poll_entry *next, **link; /* *link points to us */
	/* Called under poll_lock, perhaps in an interrupt handler: sets a
	 * flag and wakes a thread, no more. */
	void (*notify)(struct poll_entry *e);
};

struct pollq { /* all zero: nobody watches */
	struct poll_entry *first;
};

extern struct spinlock poll_lock; /* guards every pollq */

void poll_notify(struct pollq *q);
void poll_watch(struct pollq *q, struct poll_entry *e);
void poll_unwatch(struct poll_entry *e);

/* poll_wait.c: fills revents; how many are not 0 once one is or the deadline
 * (clock_ns) has passed.  -EINTR, -ENOMEM. */
struct pollfd;
int poll_files(struct pollfd *fds, size_t n, uint64_t deadline_ns);
/* As poll_files, with another signal mask meanwhile unless that is NULL. */
int poll_masked(
    struct pollfd *fds, size_t n, uint64_t deadline_ns, const sigset_t *mask);
/* A deadline from a relative time; NULL: none; 0: do not wait.  -EINVAL. */
int poll_deadline(const struct timespec *ts, uint64_t *deadline_ns);

#endif
