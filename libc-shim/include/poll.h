/* SPDX-License-Identifier: ISC */
/* Waiting for descriptors, POSIX.1-2017 <poll.h>. */
#ifndef _POLL_H
#define _POLL_H

#include <sys/_sigset.h>
#include <sys/cdefs.h>
#include <sys/timespec.h>

#ifndef _SIGSET_T_DECLARED
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#define POLLIN	   0x0001
#define POLLPRI	   0x0002
#define POLLOUT	   0x0004
#define POLLERR	   0x0008
#define POLLHUP	   0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLRDHUP  0x2000

#define INFTIM (-1)

typedef unsigned long nfds_t;

struct pollfd {
	int fd; /* negative: not looked at */
	short events;
	short revents;
};

__BEGIN_DECLS

/* How many descriptors have revents; 0 at the time-out, which is in ms, -1
 * for none.  EINTR; EINVAL; ENOMEM. */
int poll(struct pollfd *, nfds_t, int);
/* The same with a relative time, NULL for none, and a signal mask. */
int ppoll(struct pollfd *, nfds_t, const struct timespec *,
    const sigset_t *);

__END_DECLS

#endif
