/* SPDX-License-Identifier: ISC */
/*
 * Sockets as open files.  socket.c has the calls and what all families share;
 * each family fills a struct socket_ops and has a line in socket.c's table.
 * A family's own structure begins with struct socket.
 */
#ifndef LIBC_SHIM_SOCKET_H
#define LIBC_SHIM_SOCKET_H

#include <sys/socket.h>

#include "libc-shim/file.h"
#include "libc-shim/poll.h"

struct socket;

/* Results are counts or 0, or -errno; NULL: the family has no such thing.
 * `deadline_ns` is 0 for a call that must not wait, else as of clock_ns; when
 * it comes, -EAGAIN. */
struct socket_ops {
	int (*bind)(struct socket *s, const struct sockaddr *a, socklen_t len);
	int (*connect)(struct socket *s, const struct sockaddr *a,
	    socklen_t len, uint64_t deadline_ns);
	int (*listen)(struct socket *s, int backlog);
	/* A new socket of the same family, made with `flags` (O_NONBLOCK). */
	int (*accept)(struct socket *s, struct socket **out, int flags,
	    uint64_t deadline_ns);
	/* Writes at most *len bytes to a, and to *len how long it is. */
	int (*name)(
	    struct socket *s, bool peer, struct sockaddr *a, socklen_t *len);
	/* m's buffers, of SSIZE_MAX bytes at most; flags are MSG_*, of which
	 * DONTWAIT and NOSIGNAL are done with.  recv sets m->msg_flags and
	 * m->msg_namelen. */
	long (*send)(struct socket *s, const struct msghdr *m, int flags,
	    uint64_t deadline_ns);
	long (*recv)(struct socket *s, struct msghdr *m, int flags,
	    uint64_t deadline_ns);
	int (*shutdown)(struct socket *s, int how); /* SHUT_* */
	int (*error)(struct socket *s);             /* SO_ERROR; 0 or errno */
	bool (*listening)(struct socket *s);
	/* Of other levels than SOL_SOCKET. */
	int (*get)(
	    struct socket *s, int level, int name, void *v, socklen_t *len);
	int (*set)(struct socket *s, int level, int name, const void *v,
	    socklen_t len);
	int (*ioctl)(struct socket *s, unsigned long request, void *arg);
	unsigned (*poll)(struct socket *s); /* POLLIN, ... */
	void (*close)(struct socket *s);    /* frees s */
};

struct socket {
	struct file file; /* its first member */
	const struct socket_ops *ops;
	int family, type, protocol;
	uint64_t recv_ns, send_ns; /* time limits; 0: none */
	struct pollq pollq;        /* the family tells it of changes */
};

/* Sets up what is common; flags: O_NONBLOCK or 0. */
void socket_init(struct socket *s, const struct socket_ops *ops, int family,
    int type, int flags);
/* Copies a name of `have` bytes as getsockname does. */
void socket_name_copy(
    struct sockaddr *to, socklen_t *len, const void *from, socklen_t have);

/* socket_vsock.c */
int socket_vsock_make(int type, int protocol, int flags, struct socket **out);

#endif
