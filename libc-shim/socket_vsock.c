/* SPDX-License-Identifier: ISC */
/* AF_VSOCK: stream sockets to the host.  vsock(7), [VIRTIO] 5.10. */
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "kernel/vsock.h"
#include "libc-shim/socket.h"
#include "libc-shim/touch.h"

#define BUFFER_MIN 4096U
#define BUFFER_MAX (16U << 20)

_Static_assert(sizeof(struct sockaddr_vm) == sizeof(struct sockaddr),
    "vsock(7): as large as any address");
_Static_assert(VSOCK_ANY == VMADDR_CID_ANY && VSOCK_ANY == VMADDR_PORT_ANY,
    "one word for both");

struct vsock_socket {
	struct socket socket; /* its first member */
	struct vsock *v;
	bool listening;
};

static const struct socket_ops vsock_ops;

static struct vsock_socket *
of(struct socket *s)
{
	return (struct vsock_socket *)s;
}

static void
changed(void *user)
{
	poll_notify(&((struct vsock_socket *)user)->socket.pollq);
}

/* Takes v over. */
static int
wrap(struct vsock *v, int flags, struct socket **out)
{
	struct vsock_socket *s = heap_alloc(sizeof(*s));

	if (s == NULL) {
		vsock_close(v);
		return -ENOMEM;
	}
	socket_init(&s->socket, &vsock_ops, AF_VSOCK, SOCK_STREAM, flags);
	s->v = v;
	v->user = s;
	__atomic_store_n(&v->notify, changed, __ATOMIC_RELEASE);
	*out = &s->socket;
	return 0;
}

int
socket_vsock_make(int type, int protocol, int flags, struct socket **out)
{
	struct vsock *v;

	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	if (protocol != 0 && protocol != PF_VSOCK)
		return -EPROTONOSUPPORT;
	v = vsock_make();
	return v == NULL ? -ENOMEM : wrap(v, flags, out);
}

static int
address(const struct sockaddr *a, socklen_t len, struct vsock_addr *out)
{
	struct sockaddr_vm vm;

	if (len < sizeof(vm))
		return -EINVAL;
	memcpy(&vm, a, sizeof(vm));
	if (vm.svm_family != AF_VSOCK)
		return -EAFNOSUPPORT;
	*out = (struct vsock_addr){vm.svm_cid, vm.svm_port};
	return 0;
}

static int
vsock_socket_bind(struct socket *s, const struct sockaddr *a, socklen_t len)
{
	struct vsock_addr to;
	int err = address(a, len, &to);

	return err != 0 ? err : vsock_bind(of(s)->v, to);
}

static int
vsock_socket_connect(struct socket *s, const struct sockaddr *a, socklen_t len,
    uint64_t deadline_ns)
{
	struct vsock_addr to;
	int err = address(a, len, &to);

	return err != 0 ? err : vsock_connect(of(s)->v, to, deadline_ns == 0);
}

static int
vsock_socket_listen(struct socket *s, int backlog)
{
	int err = vsock_listen(of(s)->v, backlog > 0 ? (unsigned)backlog : 0);

	if (err == 0)
		of(s)->listening = true;
	return err;
}

static int
vsock_socket_accept(
    struct socket *s, struct socket **out, int flags, uint64_t deadline_ns)
{
	struct vsock *v;
	int err = vsock_accept(of(s)->v, &v, deadline_ns);

	return err != 0 ? err : wrap(v, flags, out);
}

static int
vsock_socket_name(
    struct socket *s, bool peer, struct sockaddr *a, socklen_t *len)
{
	struct vsock_addr from = {0, 0};
	int err = 0;

	if (peer)
		err = vsock_peer(of(s)->v, &from);
	else
		from = vsock_name(of(s)->v);
	if (err == 0) {
		struct sockaddr_vm vm = {.svm_family = AF_VSOCK,
		    .svm_port = from.port,
		    .svm_cid = from.cid};

		socket_name_copy(a, len, &vm, sizeof(vm));
	}
	return err;
}

static long
vsock_socket_send(
    struct socket *s, const struct msghdr *m, int flags, uint64_t deadline_ns)
{
	long done = 0, r = 0;
	size_t i;

	(void)flags;
	if (m->msg_namelen > 0)
		return -EISCONN;
	for (i = 0; i < m->msg_iovlen; i++) {
		touch(m->msg_iov[i].iov_base, m->msg_iov[i].iov_len, false);
		r = vsock_send(of(s)->v, m->msg_iov[i].iov_base,
		    m->msg_iov[i].iov_len, deadline_ns);
		if (r < 0)
			break;
		done += r;
		if ((size_t)r < m->msg_iov[i].iov_len)
			break;
	}
	return done > 0 ? done : r;
}

static long
vsock_socket_recv(
    struct socket *s, struct msghdr *m, int flags, uint64_t deadline_ns)
{
	bool peek = flags & MSG_PEEK, all = (flags & MSG_WAITALL) && !peek;
	long done = 0, r = 0;
	size_t i, at = 0;

	m->msg_namelen = 0;
	for (i = 0; i < m->msg_iovlen;) {
		if (at == m->msg_iov[i].iov_len) {
			at = 0;
			i++;
			continue;
		}
		touch((char *)m->msg_iov[i].iov_base + at,
		    m->msg_iov[i].iov_len - at, true);
		r = vsock_recv(of(s)->v, (char *)m->msg_iov[i].iov_base + at,
		    m->msg_iov[i].iov_len - at, peek,
		    done > 0 && !all ? 0 : deadline_ns);
		if (r <= 0)
			break;
		at += (size_t)r;
		done += r;
		if (peek)
			break;
	}
	return done > 0 ? done : r;
}

static int
vsock_socket_shutdown(struct socket *s, int how)
{
	static const unsigned bits[] = {
	    [SHUT_RD] = VIRTIO_VSOCK_SHUTDOWN_RCV,
	    [SHUT_WR] = VIRTIO_VSOCK_SHUTDOWN_SEND,
	    [SHUT_RDWR] =
		VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND,
	};

	return vsock_shutdown(of(s)->v, bits[how]);
}

static int
vsock_socket_error(struct socket *s)
{
	return -vsock_take_error(of(s)->v);
}

static bool
vsock_socket_listening(struct socket *s)
{
	return of(s)->listening;
}

static int
vsock_socket_get(struct socket *s, int level, int name, void *p, socklen_t *len)
{
	unsigned long long n = of(s)->v->buf_len;

	if (level != AF_VSOCK || name < SO_VM_SOCKETS_BUFFER_SIZE ||
	    name > SO_VM_SOCKETS_BUFFER_MAX_SIZE)
		return -ENOPROTOOPT;
	if (*len < sizeof(n))
		return -EINVAL;
	if (name == SO_VM_SOCKETS_BUFFER_MIN_SIZE)
		n = BUFFER_MIN;
	else if (name == SO_VM_SOCKETS_BUFFER_MAX_SIZE)
		n = BUFFER_MAX;
	else if (n == 0)
		n = VSOCK_BUFFER_DEFAULT;
	*len = sizeof(n);
	memcpy(p, &n, sizeof(n));
	return 0;
}

static int
vsock_socket_set(
    struct socket *s, int level, int name, const void *p, socklen_t len)
{
	unsigned long long n;
	struct timeval tv;

	if (level != AF_VSOCK)
		return -ENOPROTOOPT;
	if (name == SO_VM_SOCKETS_CONNECT_TIMEOUT) {
		if (len < sizeof(tv))
			return -EINVAL;
		memcpy(&tv, p, sizeof(tv));
		if (tv.tv_sec < 0 || tv.tv_sec > INT32_MAX || tv.tv_usec < 0 ||
		    tv.tv_usec >= 1000000 || (tv.tv_sec | tv.tv_usec) == 0)
			return -EDOM;
		of(s)->v->connect_ns = (uint64_t)tv.tv_sec * NS_PER_S +
				       (uint64_t)tv.tv_usec * 1000;
		return 0;
	}
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, p, sizeof(n));
	switch (name) {
	case SO_VM_SOCKETS_BUFFER_SIZE:
		n = n < BUFFER_MIN ? BUFFER_MIN : n;
		of(s)->v->buf_len = n < BUFFER_MAX ? (size_t)n : BUFFER_MAX;
		return 0;
	case SO_VM_SOCKETS_BUFFER_MIN_SIZE: /* the limits are ours */
	case SO_VM_SOCKETS_BUFFER_MAX_SIZE:
		return 0;
	}
	return -ENOPROTOOPT;
}

static int
vsock_socket_ioctl(struct socket *s, unsigned long request, void *arg)
{
	switch (request) {
	case FIONREAD:
		*(int *)arg = (int)vsock_unread(of(s)->v);
		return 0;
	case IOCTL_VM_SOCKETS_GET_LOCAL_CID:
		*(unsigned *)arg = vsock_own_cid();
		return 0;
	}
	return -ENOTTY;
}

static unsigned
vsock_socket_poll(struct socket *s)
{
	unsigned can = vsock_poll(of(s)->v), r = 0;

	if (can & VSOCK_IN)
		r |= POLLIN | POLLRDNORM;
	if (can & VSOCK_OUT)
		r |= POLLOUT | POLLWRNORM;
	if (can & VSOCK_ERR)
		r |= POLLERR;
	if (can & VSOCK_HUP)
		r |= POLLHUP;
	if (can & VSOCK_RDHUP)
		r |= POLLRDHUP;
	return r;
}

static void
vsock_socket_close(struct socket *s)
{
	vsock_close(of(s)->v);
	heap_free(s, sizeof(struct vsock_socket));
}

static const struct socket_ops vsock_ops = {
    .bind = vsock_socket_bind,
    .connect = vsock_socket_connect,
    .listen = vsock_socket_listen,
    .accept = vsock_socket_accept,
    .name = vsock_socket_name,
    .send = vsock_socket_send,
    .recv = vsock_socket_recv,
    .shutdown = vsock_socket_shutdown,
    .error = vsock_socket_error,
    .listening = vsock_socket_listening,
    .get = vsock_socket_get,
    .set = vsock_socket_set,
    .ioctl = vsock_socket_ioctl,
    .poll = vsock_socket_poll,
    .close = vsock_socket_close,
};
