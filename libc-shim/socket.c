/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 socket and the calls on sockets, by family.  Sending, receiving
 * and what waits are here; options and names in socket_option.c.
 */
#include "libc-shim/socket.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "libc-shim/clock.h"
#include "libc-shim/io.h"
#include "libc-shim/signals.h"
#include "libc-shim/socket_call.h"

static const struct family {
	int family;
	int (*make)(int type, int protocol, int flags, struct socket **out);
} families[] = {
    {AF_VSOCK, socket_vsock_make},
};

/* --- as files --- */

static struct socket *
of_file(struct file *f)
{
	return (struct socket *)f;
}

static uint64_t
deadline(const struct socket *s, int flags, uint64_t limit_ns)
{
	if ((flags & MSG_DONTWAIT) || (s->file.flags & O_NONBLOCK))
		return 0;
	return limit_ns == 0 ? NS_NEVER : clock_after(clock_ns(), limit_ns);
}

static long
socket_send(struct socket *s, const struct msghdr *m, int flags)
{
	long r;

	if (s->ops->send == NULL)
		return -EOPNOTSUPP;
	r = s->ops->send(s, m, flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL),
	    deadline(s, flags, s->send_ns));
	if (r == -EPIPE && !(flags & MSG_NOSIGNAL))
		signal_send(thread_current(), SIGPIPE,
		    (struct thread_signal_note){NULL, SI_KERNEL});
	return r;
}

static long
socket_recv(struct socket *s, struct msghdr *m, int flags)
{
	m->msg_flags = 0;
	return s->ops->recv == NULL ? -EOPNOTSUPP
				    : s->ops->recv(s, m, flags & ~MSG_DONTWAIT,
					  deadline(s, flags, s->recv_ns));
}

static long
socket_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	struct iovec v = {p, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	(void)pos;
	return socket_recv(of_file(f), &m, 0);
}

static long
socket_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	struct iovec v = {(void *)(uintptr_t)p, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	(void)pos;
	return socket_send(of_file(f), &m, 0);
}

static int
socket_fstat(struct file *f, struct stat *st)
{
	(void)f;
	st->st_mode = S_IFSOCK | 0777;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static int
socket_ioctl(struct file *f, unsigned long request, void *arg)
{
	struct socket *s = of_file(f);

	return s->ops->ioctl == NULL ? -ENOTTY : s->ops->ioctl(s, request, arg);
}

static unsigned
socket_poll(struct file *f, struct pollq **q)
{
	struct socket *s = of_file(f);

	*q = &s->pollq;
	return s->ops->poll(s);
}

static int
socket_close(struct file *f)
{
	struct socket *s = of_file(f);

	s->ops->close(s);
	return 0;
}

static const struct file_ops socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .fstat = socket_fstat,
    .ioctl = socket_ioctl,
    .poll = socket_poll,
    .close = socket_close,
};

void
socket_init(struct socket *s, const struct socket_ops *ops, int family,
    int type, int flags)
{
	memset(s, 0, sizeof(*s));
	file_init(&s->file, &socket_file_ops, O_RDWR | flags);
	s->ops = ops;
	s->family = family;
	s->type = type;
}

int
socket_get(int fd, struct socket **out)
{
	struct file *f = file_get(fd);

	if (f == NULL)
		return -EBADF;
	if (f->ops != &socket_file_ops) {
		file_put(f);
		return -ENOTSOCK;
	}
	*out = of_file(f);
	return 0;
}

/* --- making them --- */

static int
install(struct socket *s, int flags)
{
	int fd = fd_install(&s->file, 0, flags & SOCK_CLOEXEC);

	if (fd < 0)
		file_put(&s->file);
	return fd;
}

static int
socket_make(int family, int type, int protocol)
{
	int flags = type & SOCK_NONBLOCK ? O_NONBLOCK : 0, err = -EAFNOSUPPORT;
	struct socket *s = NULL;
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].family == family)
			err = families[i].make(
			    type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol,
			    flags, &s);
	return err != 0 ? err : install(s, type);
}

PUBLIC int
socket(int family, int type, int protocol)
{
	return (int)posix_result(socket_make(family, type, protocol));
}

PUBLIC int
bind(int fd, const struct sockaddr *a, socklen_t len)
{
	struct socket *s;
	int err = socket_get(fd, &s);

	if (err == 0) {
		err = s->ops->bind == NULL ? -EOPNOTSUPP
					   : s->ops->bind(s, a, len);
		file_put(&s->file);
	}
	return (int)posix_result(err);
}

PUBLIC int
listen(int fd, int backlog)
{
	struct socket *s;
	int err = socket_get(fd, &s);

	if (err == 0) {
		err = s->ops->listen == NULL ? -EOPNOTSUPP
					     : s->ops->listen(s, backlog);
		file_put(&s->file);
	}
	return (int)posix_result(err);
}

PUBLIC int
connect(int fd, const struct sockaddr *a, socklen_t len)
{
	struct socket *s;
	int err;

	io_begin();
	do {
		err = socket_get(fd, &s);
		if (err != 0)
			break;
		err = s->ops->connect == NULL ? -EOPNOTSUPP
					      : s->ops->connect(s, a, len,
						    deadline(s, 0, s->send_ns));
		file_put(&s->file);
	} while (io_again(err));
	return (int)posix_result(err);
}

static int
accept_one(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
	struct socket *s, *child = NULL;
	int err = socket_get(fd, &s);

	if (err != 0)
		return err;
	err = s->ops->accept == NULL
		  ? -EOPNOTSUPP
		  : s->ops->accept(s, &child,
			flags & SOCK_NONBLOCK ? O_NONBLOCK : 0,
			deadline(s, 0, s->recv_ns));
	file_put(&s->file);
	if (err != 0)
		return err;
	if (a != NULL)
		child->ops->name(child, true, a, len);
	return install(child, flags);
}

PUBLIC int
accept4(int fd, struct sockaddr *restrict a, socklen_t *restrict len, int flags)
{
	int r;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (int)posix_result(-EINVAL);
	io_begin();
	do {
		r = accept_one(fd, a, len, flags);
	} while (io_again(r));
	return (int)posix_result(r);
}

PUBLIC int
accept(int fd, struct sockaddr *restrict a, socklen_t *restrict len)
{
	return accept4(fd, a, len, 0);
}

PUBLIC int
shutdown(int fd, int how)
{
	struct socket *s;
	int err =
	    how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : socket_get(fd, &s);

	if (err == 0) {
		err = s->ops->shutdown == NULL ? -EOPNOTSUPP
					       : s->ops->shutdown(s, how);
		file_put(&s->file);
	}
	return (int)posix_result(err);
}

/* --- data --- */

static int
buffers_check(const struct msghdr *m)
{
	size_t sum = 0, i;

	if (m->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	for (i = 0; i < m->msg_iovlen; i++)
		if (__builtin_add_overflow(sum, m->msg_iov[i].iov_len, &sum) ||
		    sum > LONG_MAX)
			return -EINVAL;
	return 0;
}

static long
transfer(int fd, struct msghdr *m, int flags, bool sending)
{
	struct socket *s;
	long r = buffers_check(m);

	if (r != 0)
		return r;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	io_begin();
	do {
		r = socket_get(fd, &s);
		if (r != 0)
			return r;
		r = sending ? socket_send(s, m, flags)
			    : socket_recv(s, m, flags);
		file_put(&s->file);
	} while (io_again(r));
	return r;
}

PUBLIC ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct msghdr copy = *m;

	return posix_result(transfer(fd, &copy, flags, true));
}

PUBLIC ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	long r = transfer(fd, m, flags, false);

	if (r >= 0)
		m->msg_controllen = 0; /* nothing of that kind comes */
	return posix_result(r);
}

PUBLIC ssize_t
sendto(int fd, const void *p, size_t len, int flags, const struct sockaddr *to,
    socklen_t to_len)
{
	struct iovec v = {(void *)(uintptr_t)p, len};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)to,
	    .msg_namelen = to == NULL ? 0 : to_len,
	    .msg_iov = &v,
	    .msg_iovlen = 1};

	return posix_result(transfer(fd, &m, flags, true));
}

PUBLIC ssize_t
recvfrom(int fd, void *restrict p, size_t len, int flags,
    struct sockaddr *restrict from, socklen_t *restrict from_len)
{
	struct iovec v = {p, len};
	struct msghdr m = {.msg_name = from,
	    .msg_namelen = from == NULL ? 0 : *from_len,
	    .msg_iov = &v,
	    .msg_iovlen = 1};
	long r = transfer(fd, &m, flags, false);

	if (r >= 0 && from != NULL)
		*from_len = m.msg_namelen;
	return posix_result(r);
}

PUBLIC ssize_t
send(int fd, const void *p, size_t len, int flags)
{
	return sendto(fd, p, len, flags, NULL, 0);
}

PUBLIC ssize_t
recv(int fd, void *p, size_t len, int flags)
{
	return recvfrom(fd, p, len, flags, NULL, NULL);
}
