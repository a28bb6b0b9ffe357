/* SPDX-License-Identifier: ISC */
/* Ports of a virtio console device; test_console.py is the host's side. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
check(int good, const char *what)
{
	printf("%sok %s (errno %d)\n", good ? "" : "not ", what, errno);
	fflush(stdout);
	if (!good)
		exit(1);
}

static int
port_open(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/vport/%s", name);
	fd = open(path, flags);
	check(fd >= 0, path);
	return fd;
}

static void
host_wait(int fd)
{
	struct pollfd p = {fd, 0, 0};

	do {
		usleep(1000);
	} while (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP));
}

static void
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n < 0)
			check(0, "write");
	}
}

/* Until the host closes its side. */
static void
echo(int fd)
{
	static char buf[50000];
	size_t total = 0;
	ssize_t n;

	host_wait(fd);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		write_all(fd, buf, (size_t)n);
		total += (size_t)n;
	}
	check(n == 0, "end of input");
	printf("echoed %zu\n", total);
}

/* Both at once, never waiting but in poll. */
static void
echo_two(const char *a, const char *b, size_t each)
{
	struct pollfd p[2] = {{port_open(a, O_RDWR | O_NONBLOCK), POLLIN, 0},
	    {port_open(b, O_RDWR | O_NONBLOCK), POLLIN, 0}};
	static char buf[2][8192];
	size_t have[2] = {0, 0}, left[2] = {each, each};
	ssize_t n;
	int i;

	host_wait(p[0].fd);
	host_wait(p[1].fd);
	while (left[0] > 0 || left[1] > 0) {
		check(poll(p, 2, 20000) > 0, "poll");
		for (i = 0; i < 2; i++) {
			if (p[i].revents & POLLIN) {
				n = read(p[i].fd, buf[i], sizeof(buf[i]));
				check(n > 0, "read");
				have[i] = (size_t)n;
			} else if (p[i].revents & POLLOUT) {
				n = write(p[i].fd, buf[i], have[i]);
				check(n > 0, "write");
				memmove(
				    buf[i], buf[i] + n, have[i] - (size_t)n);
				have[i] -= (size_t)n;
				left[i] -= (size_t)n;
			}
			p[i].events = have[i] > 0 ? POLLOUT : POLLIN;
		}
	}
}

static void
connections(const char *name)
{
	int fd = port_open(name, O_RDWR);
	struct pollfd p = {fd, POLLOUT, 0};
	char buf[64], path[128];

	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "/dev/vport/%s", name);
	check(open(path, O_RDWR) == -1 && errno == EBUSY, "one user at a time");
	check(read(fd, buf, sizeof(buf)) == 0, "nobody there: end of input");
	check(poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) &&
		  !(p.revents & POLLOUT),
	    "poll: hung up");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	check(write(fd, "x", 1) == -1 && errno == EAGAIN, "would wait");
	fcntl(fd, F_SETFL, 0);
	puts("connect now");
	fflush(stdout);
	check(write(fd, "hello", 5) == 5, "write waited for the host");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	check(read(fd, buf, sizeof(buf)) == -1 && errno == EAGAIN,
	    "nothing to read yet");
	fcntl(fd, F_SETFL, 0);
	puts("speak now");
	fflush(stdout);
	check(poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "poll: writable");
	check(read(fd, buf, sizeof(buf)) == 4, "read");
	p.events = POLLIN;
	check(poll(&p, 1, 20000) == 1 && (p.revents & POLLHUP),
	    "poll told of the disconnection");
	check(read(fd, buf, sizeof(buf)) == 0, "end of input");
	check(write(fd, "x", 1) == -1 && errno == EPIPE, "broken pipe");
	puts("connect again");
	fflush(stdout);
	host_wait(fd);
	check(write(fd, "again", 5) == 5, "write after reconnection");
	check(read(fd, buf, sizeof(buf)) == 5 && memcmp(buf, "there", 5) == 0,
	    "read after reconnection");
	close(fd);
	fd = port_open(name, O_RDWR);
	check(write(fd, "new", 3) == 3, "opened again");
	/* leaves with the port open and data in flight */
}

/* A host that does not read: writes are held up, and no byte is lost. */
static void
stalled(const char *name)
{
	int fd = port_open(name, O_WRONLY | O_NONBLOCK);
	struct pollfd p = {fd, POLLOUT, 0};
	static char block[4096];
	size_t total = 0;
	unsigned i;
	ssize_t n;

	host_wait(fd);
	do {
		for (i = 0; i < sizeof(block); i++)
			block[i] = (char)((total + i) * 7 >> 3);
		n = write(fd, block, sizeof(block));
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	check(errno == EAGAIN, "the host does not take more");
	check(poll(&p, 1, 50) == 0, "nor does poll say so");
	printf("stalled after %zu\n", total);
	fflush(stdout);
	check(poll(&p, 1, 20000) == 1, "it does now");
	close(fd);
}

static void
list(void)
{
	DIR *d = opendir("/dev/vport");
	struct dirent *e;
	struct stat st;
	char path[300];

	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/dev/vport/%s", e->d_name);
		check(stat(path, &st) == 0, path);
		check(e->d_ino == st.st_ino, "its number");
		if (e->d_name[0] != '.')
			printf("port %s%s\n", e->d_name,
			    S_ISCHR(st.st_mode) ? "" : ": no device");
	}
	closedir(d);
	check(open("/dev/vport/nothing", O_RDWR) == -1 && errno == ENOENT,
	    "no such port");
}

static void
hotplug(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/vport/%s", name);
	check(access(path, F_OK) != 0, "not there yet");
	puts("plug now");
	fflush(stdout);
	while (access(path, F_OK) != 0)
		usleep(1000);
	echo(port_open(name, O_RDWR));
	puts("unplug now");
	fflush(stdout);
	while (access(path, F_OK) == 0)
		usleep(1000);
	puts("gone");
}

static volatile sig_atomic_t resized;
static int *volatile nowhere = (int *)8;

static void
on_resize(int signo)
{
	(void)signo;
	resized = 1;
}

static void
console(const char *how)
{
	struct winsize ws;
	char line[100];
	int c;

	signal(SIGWINCH, on_resize);
	if (strcmp(how, "panic") == 0)
		*nowhere = 1;
	if (strcmp(how, "flood") == 0) {
		for (c = 0; c < 20000; c++)
			printf("line %d of many\n", c);
		exit(3);
	}
	fprintf(stderr, "to standard error\n");
	while (fgets(line, sizeof(line), stdin) != NULL)
		printf("got %s", line);
	printf(
	    "size %s\n", ioctl(1, TIOCGWINSZ, &ws) == 0 ? "known" : "unknown");
	exit(7);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "echo") == 0)
		echo(port_open(argv[2], O_RDWR));
	else if (strcmp(what, "two") == 0)
		echo_two(argv[2], argv[3], strtoul(argv[4], NULL, 0));
	else if (strcmp(what, "connections") == 0)
		connections(argv[2]);
	else if (strcmp(what, "stalled") == 0)
		stalled(argv[2]);
	else if (strcmp(what, "list") == 0)
		list();
	else if (strcmp(what, "hotplug") == 0)
		hotplug(argv[2]);
	else
		console(what);
	puts("ok all");
	return 0;
}
