/* SPDX-License-Identifier: ISC */
/*
 * The host's side of tests/guest/vsock.c, an ordinary Linux program: servers
 * for the guest's connections and clients of its server.  The argument is the
 * guest's context ID.  Ends with 0 if all went well and every byte compared.
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ECHO_PORT  1234
#define SINK_PORT  1235
#define QUIET_PORT 1236
#define GUEST_PORT 4321
#define SINK_LEN   300000
#define TRIES      600 /* a tenth of a second each */

static unsigned char
byte_at(size_t i)
{
	return (unsigned char)((i * 2654435761UL) >> 13);
}

static void
fail(const char *what)
{
	printf("not ok peer: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static int
listener(unsigned port)
{
	struct sockaddr_vm a = {.svm_family = AF_VSOCK,
	    .svm_cid = VMADDR_CID_ANY,
	    .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 16) < 0)
		fail("listen");
	return fd;
}

static void
write_all(int fd, const unsigned char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n <= 0)
			fail("write");
	}
}

static void
echo(int fd)
{
	unsigned char buf[30000];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		write_all(fd, buf, (size_t)n);
	close(fd);
}

static void
quiet(int fd)
{
	sleep(30);
	close(fd);
}

static void
serve(unsigned port, void (*one)(int fd))
{
	int l = listener(port), fd;

	if (fork() != 0) {
		close(l);
		return;
	}
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(l, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			one(fd);
			_exit(0);
		}
		close(fd);
	}
	fail("accept");
}

static size_t
compare(int fd, size_t len)
{
	unsigned char buf[30000];
	size_t at = 0;
	ssize_t n, i;

	while (at < len && (n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++, at++)
			if (buf[i] != byte_at(at))
				fail("a byte differs");
	return at;
}

/* The guest ends without closing: all of it and an end must come. */
static pid_t
sink(void)
{
	int l = listener(SINK_PORT), fd;
	pid_t pid = fork();

	if (pid != 0) {
		close(l);
		return pid;
	}
	fd = accept(l, NULL, NULL);
	if (compare(fd, SINK_LEN + 1) != SINK_LEN)
		fail("not all that the guest sent last");
	_exit(0);
}

static pid_t
client(unsigned cid, size_t len)
{
	struct sockaddr_vm a = {
	    .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = GUEST_PORT};
	pid_t pid = fork();
	unsigned char c;
	size_t i;
	int fd, tries;

	if (pid != 0)
		return pid;
	for (tries = 0; tries < TRIES; tries++) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			break;
		close(fd);
		usleep(100000);
	}
	if (tries == TRIES)
		fail("connect to the guest");
	if (fork() == 0) {
		unsigned char *all = malloc(len);

		for (i = 0; i < len; i++)
			all[i] = byte_at(i);
		write_all(fd, all, len);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	if (compare(fd, len) != len || read(fd, &c, 1) != 0)
		fail("not all came back");
	_exit(0);
}

static int
ended_well(pid_t pid)
{
	int ws;

	return waitpid(pid, &ws, 0) == pid && WIFEXITED(ws) &&
	       WEXITSTATUS(ws) == 0;
}

int
main(int argc, char **argv)
{
	unsigned cid = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 3, i;
	pid_t pid[5];

	setvbuf(stdout, NULL, _IONBF, 0);
	serve(ECHO_PORT, echo);
	serve(QUIET_PORT, quiet);
	pid[0] = sink();
	for (i = 1; i < 5; i++)
		pid[i] = client(cid, i * 250000);
	for (i = 1; i < 5; i++)
		if (!ended_well(pid[i]))
			return 1;
	printf("ok peer: its clients\n");
	if (!ended_well(pid[0]))
		return 1;
	printf("ok peer: what the guest sent last\n");
	return 0;
}
