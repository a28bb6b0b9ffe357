/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 poll; ppoll.  Files are asked once; if none is ready the call
 * enters itself with all of them, asks again and sleeps until one has news.
 */
#include <poll.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/io.h"
#include "libc-shim/poll.h"
#include "libc-shim/signals.h"

#define FEW     8 /* descriptors whose bookkeeping the stack holds */
#define ALWAYS  (POLLERR | POLLHUP | POLLNVAL)
#define READING (POLLIN | POLLRDNORM)
#define WRITING (POLLOUT | POLLWRNORM)

struct call {
	bool fired; /* under poll_lock: a file has news */
	struct waitq q;
};

struct item {
	struct poll_entry entry; /* first: notify gets its address */
	struct call *call;
	struct file *file; /* a reference; NULL: not looked at */
	struct pollq *q;
};

static void
item_notify(struct poll_entry *e)
{
	struct call *c = ((struct item *)e)->call;

	c->fired = true;
	waitq_wake(&c->q, 1);
}

static void
items_begin(struct item *it, const struct pollfd *fds, size_t n, struct call *c)
{
	for (; n > 0; n--, it++, fds++) {
		memset(it, 0, sizeof(*it));
		it->call = c;
		it->entry.notify = item_notify;
		it->file = fds->fd < 0 ? NULL : file_get(fds->fd);
	}
}

static void
items_end(struct item *it, size_t n, bool watching)
{
	for (; n > 0; n--, it++) {
		if (it->file == NULL)
			continue;
		if (watching && it->q != NULL)
			poll_unwatch(&it->entry);
		file_put(it->file);
	}
}

/* How many are ready. */
static int
items_ask(struct item *it, struct pollfd *fds, size_t n)
{
	unsigned mask;
	int ready = 0;

	for (; n > 0; n--, it++, fds++) {
		if (it->file == NULL)
			mask = fds->fd < 0 ? 0 : POLLNVAL;
		else if (it->file->ops->poll == NULL)
			mask = READING | WRITING;
		else
			mask = it->file->ops->poll(it->file, &it->q);
		fds->revents = (short)(mask & (fds->events | ALWAYS));
		ready += fds->revents != 0;
	}
	return ready;
}

static void
items_watch(struct item *it, size_t n)
{
	for (; n > 0; n--, it++)
		if (it->file != NULL && it->q != NULL)
			poll_watch(it->q, &it->entry);
}

static int
call_sleep(struct call *c, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&poll_lock);
	int err = 0;

	if (!c->fired)
		err = waitq_sleep(&c->q, &poll_lock, deadline_ns);
	c->fired = false;
	spin_unlock(&poll_lock, flags);
	return err;
}

static int
wait_items(struct item *it, struct pollfd *fds, size_t n, struct call *c,
    uint64_t deadline_ns, bool *watching)
{
	int ready = items_ask(it, fds, n), err = 0;

	if (ready > 0 || deadline_ns == 0)
		return ready;
	items_watch(it, n);
	*watching = true;
	while ((ready = items_ask(it, fds, n)) == 0 && err == 0)
		err = call_sleep(c, deadline_ns);
	return ready == 0 && err == -EINTR ? err : ready;
}

int
poll_files(struct pollfd *fds, size_t n, uint64_t deadline_ns)
{
	struct item few[FEW], *it = few;
	struct call c = {false, {NULL, NULL}};
	bool watching = false;
	int r;

	if (n > SIZE_MAX / sizeof(*it))
		return -EINVAL;
	if (n > FEW)
		it = heap_alloc(n * sizeof(*it));
	if (it == NULL)
		return -ENOMEM;
	items_begin(it, fds, n, &c);
	r = wait_items(it, fds, n, &c, deadline_ns, &watching);
	items_end(it, n, watching);
	if (it != few)
		heap_free(it, n * sizeof(*it));
	return r;
}

int
poll_deadline(const struct timespec *ts, uint64_t *deadline_ns)
{
	uint64_t ns = 0;

	*deadline_ns = NS_NEVER;
	if (ts == NULL)
		return 0;
	if (ts->tv_sec < 0 || clock_from_timespec(ts, &ns) != 0)
		return -EINVAL;
	*deadline_ns = ns == 0 ? 0 : clock_after(clock_ns(), ns);
	return 0;
}

int
poll_masked(
    struct pollfd *fds, size_t n, uint64_t deadline_ns, const sigset_t *mask)
{
	unsigned handled = thread_libc_self()->sig_handled;
	sigset_t old;
	int r = -EINTR;

	io_begin();
	if (mask != NULL)
		signal_mask(SIG_SETMASK, mask, &old);
	if (thread_libc_self()->sig_handled == handled)
		r = poll_files(fds, n, deadline_ns);
	if (r == -EINTR)
		thread_libc_eintr();
	if (mask != NULL)
		signal_mask(SIG_SETMASK, &old, NULL);
	return r;
}

PUBLIC int
poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	uint64_t deadline_ns = 0;
	int r;

	if (timeout_ms != 0)
		deadline_ns = timeout_ms < 0
				  ? NS_NEVER
				  : clock_after(clock_ns(),
					1000000ULL * (unsigned)timeout_ms);
	io_begin();
	r = poll_files(fds, n, deadline_ns);
	if (r == -EINTR)
		thread_libc_eintr();
	return (int)posix_result(r);
}

PUBLIC int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask)
{
	uint64_t deadline_ns;
	int r = poll_deadline(ts, &deadline_ns);

	if (r == 0)
		r = poll_masked(fds, n, deadline_ns, mask);
	return (int)posix_result(r);
}
