/* SPDX-License-Identifier: ISC */
/* Stream sockets to a real host; tests/kvm/vsock_peer.c is its side.  Without
 * a device, what is to happen then. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define ECHO_PORT  1234 /* the host's */
#define SINK_PORT  1235
#define QUIET_PORT 1236 /* takes connections, says and reads nothing */
#define OWN_PORT   4321
#define OWN_COUNT  4 /* connections from the host */

static void
check(int good, const char *what)
{
	int e = errno;

	printf("%sok %s (errno %d)\n", good ? "" : "not ", what, e);
	fflush(stdout);
	if (!good)
		exit(1);
}

static unsigned char
byte_at(size_t i)
{
	return (unsigned char)((i * 2654435761UL) >> 13);
}

static struct sockaddr_vm
host(unsigned port)
{
	struct sockaddr_vm a;

	memset(&a, 0, sizeof(a));
	a.svm_family = AF_VSOCK;
	a.svm_cid = VMADDR_CID_HOST;
	a.svm_port = port;
	return a;
}

static int
connected(unsigned port)
{
	struct sockaddr_vm a = host(port);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		check(0, "connect");
	return fd;
}

struct sending {
	int fd;
	size_t len;
};

static void *
send_pattern(void *arg)
{
	struct sending *s = arg;
	unsigned char buf[30000];
	size_t at = 0, n, i;
	ssize_t w;

	while (at < s->len) {
		n = s->len - at < sizeof(buf) ? s->len - at : sizeof(buf);
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		for (i = 0; i < n; i += (size_t)w) {
			w = write(s->fd, buf + i, n - i);
			if (w <= 0)
				check(0, "write");
		}
		at += n;
	}
	return NULL;
}

/* Sends and gets the same back, both at a time. */
static void *
echoed(void *arg)
{
	struct sending s = {connected(ECHO_PORT), (size_t)arg};
	unsigned char buf[20000];
	pthread_t sender;
	size_t at = 0, i;
	ssize_t n;

	pthread_create(&sender, NULL, send_pattern, &s);
	while (at < s.len) {
		n = read(s.fd, buf, sizeof(buf));
		if (n <= 0)
			check(0, "read");
		for (i = 0; i < (size_t)n; i++, at++)
			if (buf[i] != byte_at(at))
				check(0, "the same byte back");
	}
	pthread_join(sender, NULL);
	if (shutdown(s.fd, SHUT_WR) != 0 || read(s.fd, buf, 1) != 0)
		check(0, "end of what the host sends");
	close(s.fd);
	return NULL;
}

static void
many_at_once(void)
{
	pthread_t t[8];
	size_t i;

	for (i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, echoed, (void *)200000UL);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	check(1, "8 connections at once");
}

/* All by poll. */
static void
nonblocking(size_t len)
{
	struct sockaddr_vm a = host(ECHO_PORT);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0), e, r;
	struct pollfd p = {fd, POLLOUT, 0};
	unsigned char out[5000], in[5000];
	size_t sent = 0, got = 0, i;
	socklen_t e_len = sizeof(e);
	ssize_t n;

	r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	check(r == 0 || errno == EINPROGRESS, "connection begins");
	check(poll(&p, 1, 10000) == 1, "poll tells of the connection");
	check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &e_len) == 0 && e == 0,
	    "and it is there");
	check(recv(fd, in, 1, 0) == -1 && errno == EAGAIN, "nothing to read");
	while (got < len) {
		p.events = POLLIN | (sent < len ? POLLOUT : 0);
		if (poll(&p, 1, 10000) != 1)
			check(0, "poll");
		if (p.revents & POLLOUT) {
			for (i = 0; i < sizeof(out); i++)
				out[i] = byte_at(sent + i);
			n = send(fd, out,
			    len - sent < sizeof(out) ? len - sent : sizeof(out),
			    0);
			if (n <= 0)
				check(0, "send after poll");
			sent += (size_t)n;
		}
		if (p.revents & POLLIN) {
			n = recv(fd, in, sizeof(in), 0);
			if (n <= 0)
				check(0, "recv after poll");
			for (i = 0; i < (size_t)n; i++, got++)
				if (in[i] != byte_at(got))
					check(0, "the same byte by poll");
		}
	}
	check(got == len, "non-blocking");
	close(fd);
}

static void
details(void)
{
	struct sockaddr_vm a = host(9), b;
	socklen_t len = sizeof(b);
	struct timeval tv = {0, 50000}, start, end;
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0), n;
	struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
	static char big[400000];
	char buf[8];
	unsigned cid;
	struct stat st;

	check(connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 &&
		  errno == ECONNRESET,
	    "nobody listens there");
	close(fd);
	fd = connected(ECHO_PORT);
	check(getpeername(fd, (struct sockaddr *)&b, &len) == 0 &&
		  len == sizeof(b) && b.svm_cid == VMADDR_CID_HOST &&
		  b.svm_port == ECHO_PORT,
	    "getpeername");
	check(getsockname(fd, (struct sockaddr *)&b, &len) == 0 &&
		  ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) == 0 &&
		  b.svm_cid == cid,
	    "getsockname");
	check(fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode), "fstat");
	check(lseek(fd, 0, SEEK_SET) == -1 && errno == ESPIPE, "lseek");
	check(sendmsg(fd, &m, 0) == 6, "sendmsg");
	check(
	    recv(fd, buf, 6, MSG_WAITALL) == 6 && memcmp(buf, "abcdef", 6) == 0,
	    "recv, all of it");
	check(send(fd, "xyz", 3, 0) == 3 && recv(fd, buf, 1, MSG_PEEK) == 1 &&
		  recv(fd, buf, 8, 0) == 3 && buf[0] == 'x',
	    "peek");
	close(fd);
	fd = connected(QUIET_PORT);
	check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0,
	    "SO_RCVTIMEO");
	gettimeofday(&start, NULL);
	check(read(fd, buf, 1) == -1 && errno == EAGAIN, "it expires");
	gettimeofday(&end, NULL);
	timersub(&end, &start, &end);
	check(end.tv_sec == 0 && end.tv_usec >= 50000, "after that time");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	do {
		n = (int)send(fd, big, sizeof(big), 0);
	} while (n > 0);
	check(errno == EAGAIN, "the host's buffer is full: SO_SNDTIMEO");
	shutdown(fd, SHUT_WR);
	signal(SIGPIPE, SIG_IGN);
	check(write(fd, "x", 1) == -1 && errno == EPIPE, "after shutdown");
	close(fd);
}

static void *
serve_one(void *arg)
{
	int fd = (int)(long)arg;
	char buf[9000];
	ssize_t n, w, at;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += w) {
			w = write(fd, buf + at, (size_t)(n - at));
			if (w <= 0)
				check(0, "write to the host's client");
		}
	close(fd);
	return NULL;
}

static void *
serve(void *arg)
{
	int fd = (int)(long)arg, i;
	struct sockaddr_vm from;
	socklen_t len = sizeof(from);
	pthread_t t[OWN_COUNT];

	for (i = 0; i < OWN_COUNT; i++) {
		long child = accept(fd, (struct sockaddr *)&from, &len);

		check(child >= 0 && from.svm_cid == VMADDR_CID_HOST, "accept");
		pthread_create(&t[i], NULL, serve_one, (void *)child);
	}
	for (i = 0; i < OWN_COUNT; i++)
		pthread_join(t[i], NULL);
	return NULL;
}

static int
listener(void)
{
	struct sockaddr_vm a = host(OWN_PORT);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	a.svm_cid = VMADDR_CID_ANY;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	check(listen(fd, 10) == 0, "listen");
	return fd;
}

static void
no_device(void)
{
	struct sockaddr_vm a = host(ECHO_PORT);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0), p[2];

	check(connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 &&
		  errno == ENODEV,
	    "connect without a device");
	check(connect(fd, (struct sockaddr *)&a, 4) == -1 && errno == EINVAL,
	    "a short address");
	check(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == ENOTCONN,
	    "send, not connected");
	check(listen(fd, 1) == -1 && errno == EINVAL, "listen, not bound");
	check(shutdown(fd, 9) == -1 && errno == EINVAL, "shutdown how");
	close(fd);
	listener();
	check(socket(AF_INET6, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT,
	    "another family");
	check(socket(AF_VSOCK, SOCK_DGRAM, 0) == -1 && errno == EPROTOTYPE,
	    "another type");
	check(pipe(p) == 0 && listen(p[0], 1) == -1 && errno == ENOTSOCK,
	    "a pipe is no socket");
	check(recv(77, p, 1, 0) == -1 && errno == EBADF, "no descriptor");
}

int
main(int argc, char **argv)
{
	struct sending last;
	pthread_t server;

	if (argc < 2 || strcmp(argv[1], "host") != 0) {
		no_device();
		return 0;
	}
	pthread_create(&server, NULL, serve, (void *)(long)listener());
	echoed((void *)(4UL << 20));
	check(1, "4 MiB there and back");
	nonblocking(1 << 20);
	many_at_once();
	details();
	pthread_join(server, NULL);
	check(1, "the host's clients are served");
	last.fd = connected(SINK_PORT);
	last.len = 300000;
	send_pattern(&last);
	puts("ok all"); /* and leaves without closing */
	return 0;
}
