/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 select and pselect, by way of poll. */
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include "libc-shim/clock.h"
#include "libc-shim/poll.h"
#include "libc-shim/shim.h"

#define READING (POLLIN | POLLRDNORM)
#define WRITING (POLLOUT | POLLWRNORM)

/* What makes a bit of the result, by set. */
static const short asked[3] = {READING, WRITING, POLLPRI};
static const short told[3] = {
    READING | POLLHUP | POLLERR, WRITING | POLLERR, POLLPRI};

static short
events_of(fd_set *const *set, int fd)
{
	short events = 0;
	int i;

	for (i = 0; i < 3; i++)
		if (set[i] != NULL && FD_ISSET(fd, set[i]))
			events |= asked[i];
	return events;
}

/* The descriptors in any set; how many. */
static size_t
sets_read(fd_set *const *set, int n, struct pollfd *p)
{
	size_t len = 0;
	short events;
	int fd;

	for (fd = 0; fd < n; fd++) {
		events = events_of(set, fd);
		if (events == 0)
			continue;
		if (p != NULL)
			p[len] = (struct pollfd){fd, events, 0};
		len++;
	}
	return len;
}

/* The sets' bits below n from the answers; how many are set, or -EBADF. */
static int
sets_write(fd_set *const *set, int n, const struct pollfd *p, size_t len)
{
	size_t bytes = ((size_t)n + NFDBITS - 1) / NFDBITS * sizeof(fd_mask), k;
	int count = 0, i;

	for (k = 0; k < len; k++)
		if (p[k].revents & POLLNVAL)
			return -EBADF;
	for (i = 0; i < 3; i++) {
		if (set[i] == NULL)
			continue;
		memset(set[i], 0, bytes);
		for (k = 0; k < len; k++) {
			if (!(p[k].events & asked[i]) ||
			    !(p[k].revents & told[i]))
				continue;
			FD_SET(p[k].fd, set[i]);
			count++;
		}
	}
	return count;
}

static int
select_until(
    int n, fd_set *const *set, uint64_t deadline_ns, const sigset_t *mask)
{
	struct pollfd few[8], *p = few;
	size_t len;
	int r;

	if (n < 0)
		return -EINVAL;
	len = sets_read(set, n, NULL);
	if (len > sizeof(few) / sizeof(few[0]))
		p = heap_alloc(len * sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	len = sets_read(set, n, p);
	r = poll_masked(p, len, deadline_ns, mask);
	if (r >= 0)
		r = sets_write(set, n, p, len);
	if (p != few)
		heap_free(p, len * sizeof(*p));
	return r;
}

PUBLIC int
select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *tv)
{
	fd_set *const set[3] = {r, w, x};
	struct timespec ts = {0, 0};
	uint64_t deadline_ns;
	int err;

	if (tv != NULL) {
		ts.tv_sec = tv->tv_sec + tv->tv_usec / 1000000;
		ts.tv_nsec = tv->tv_usec % 1000000 * 1000;
	}
	err = poll_deadline(tv == NULL ? NULL : &ts, &deadline_ns);
	if (err == 0)
		err = select_until(n, set, deadline_ns, NULL);
	return (int)posix_result(err);
}

PUBLIC int
pselect(int n, fd_set *r, fd_set *w, fd_set *x, const struct timespec *ts,
    const sigset_t *mask)
{
	fd_set *const set[3] = {r, w, x};
	uint64_t deadline_ns;
	int err = poll_deadline(ts, &deadline_ns);

	if (err == 0)
		err = select_until(n, set, deadline_ns, mask);
	return (int)posix_result(err);
}
