/* SPDX-License-Identifier: ISC */
/* Pipes, poll, select and memory mappings, with threads at both ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_file.h"

#define PAGE               4096

static void
pipe_basics(void)
{
	int p[2], n;
	char buf[8];
	struct stat st;

	CHECK(pipe(p) == 0);
	CHECK(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(write(p[1], "hello", 5) == 5);
	CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 5);
	CHECK(read(p[0], buf, 3) == 3 && read(p[0], buf, 8) == 2);
	CHECK(FAILS(read(p[1], buf, 1), EBADF));
	CHECK(FAILS(write(p[0], buf, 1), EBADF));
	CHECK(FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE));
	CHECK(FAILS(pread(p[0], buf, 1, 0), ESPIPE));
	CHECK(close(p[1]) == 0 && read(p[0], buf, 8) == 0);
	CHECK(close(p[0]) == 0);
	CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	CHECK(FAILS(read(p[0], buf, 1), EAGAIN));
	while (write(p[1], buf, 8) == 8)
		;
	CHECK(errno == EAGAIN);
	CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 65536);
	signal(SIGPIPE, SIG_IGN);
	CHECK(close(p[0]) == 0 && FAILS(write(p[1], "x", 1), EPIPE));
	CHECK(close(p[1]) == 0);
}

#define STREAM_LEN (8 << 20)

static void *
writer(void *arg)
{
	static uint32_t buf[5000];
	uint32_t v = 0, i;
	size_t left = STREAM_LEN, n;
	int fd = *(int *)arg;

	while (left > 0) {
		n = left < sizeof(buf) ? left : sizeof(buf);
		for (i = 0; i < n / 4; i++)
			buf[i] = v++;
		if (write(fd, buf, n) != (ssize_t)n)
			break;
		left -= n;
	}
	close(fd);
	return NULL;
}

/* All bytes come through in order, whoever has to wait for whom. */
static void
pipe_stream(void)
{
	static uint32_t buf[3000];
	uint32_t v = 0, i;
	size_t got = 0, have = 0;
	pthread_t t;
	ssize_t n;
	int p[2], wrong = 0;

	CHECK(pipe(p) == 0 && pthread_create(&t, NULL, writer, &p[1]) == 0);
	while ((n = read(p[0], (char *)buf + have, sizeof(buf) - have)) > 0) {
		have += n;
		got += n;
		for (i = 0; i < have / 4; i++)
			wrong |= buf[i] != v++;
		memmove(buf, (char *)buf + have / 4 * 4, have % 4);
		have %= 4;
	}
	CHECK(n == 0 && got == STREAM_LEN && !wrong);
	CHECK(pthread_join(t, NULL) == 0 && close(p[0]) == 0);
}

static void *
later(void *arg)
{
	check_sleep_ms(50);
	if (write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

static void
poll_waits(void)
{
	struct pollfd f[3];
	double from;
	pthread_t t;
	int p[2];

	CHECK(pipe(p) == 0);
	f[0] = (struct pollfd){p[0], POLLIN, 0};
	f[1] = (struct pollfd){-1, POLLIN, 7};
	f[2] = (struct pollfd){p[1], POLLIN, 0};
	CHECK(poll(f, 3, 0) == 0 && f[1].revents == 0);
	from = check_ms(CLOCK_MONOTONIC);
	CHECK(poll(f, 3, 30) == 0);
	CHECK(check_ms(CLOCK_MONOTONIC) - from >= 30);
	CHECK(pthread_create(&t, NULL, later, &p[1]) == 0);
	CHECK(poll(f, 3, 5000) == 1 && f[0].revents == POLLIN);
	CHECK(check_ms(CLOCK_MONOTONIC) - from < 3000);
	CHECK(pthread_join(t, NULL) == 0);
	f[2].events = POLLOUT;
	CHECK(poll(f, 3, -1) == 2 && f[2].revents == POLLOUT);
	CHECK(close(p[1]) == 0);
	CHECK(poll(f, 3, -1) == 2 && (f[0].revents & POLLHUP));
	CHECK(f[2].revents == POLLNVAL && close(p[0]) == 0);
	CHECK(poll(NULL, 0, 10) == 0);
}

static void
select_waits(void)
{
	struct timeval tv = {0, 20000};
	struct timespec ts = {0, 0};
	fd_set r, w;
	pthread_t t;
	int p[2];

	CHECK(pipe(p) == 0);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	CHECK(select(p[1] + 1, &r, NULL, NULL, &tv) == 0);
	CHECK(!FD_ISSET(p[0], &r));
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	CHECK(select(p[1] + 1, &r, &w, NULL, NULL) == 1);
	CHECK(FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &r));
	FD_SET(p[0], &r);
	CHECK(pthread_create(&t, NULL, later, &p[1]) == 0);
	CHECK(select(p[0] + 1, &r, NULL, NULL, NULL) == 1);
	CHECK(FD_ISSET(p[0], &r) && pthread_join(t, NULL) == 0);
	CHECK(pselect(p[0] + 1, &r, NULL, NULL, &ts, NULL) == 1);
	FD_SET(1000, &r);
	CHECK(FAILS(select(1001, &r, NULL, NULL, NULL), EBADF));
	CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

/* The sum of many descriptors, polled together and through one wake-up. */
static void
poll_many(void)
{
	static struct pollfd f[1000];
	static int p[1000][2];
	pthread_t t;
	int i;

	for (i = 0; i < 100; i++) {
		CHECK(pipe(p[i]) == 0);
		f[i] = (struct pollfd){p[i][0], POLLIN, 0};
	}
	CHECK(pthread_create(&t, NULL, later, &p[77][1]) == 0);
	CHECK(poll(f, 100, 5000) == 1 && f[77].revents == POLLIN);
	CHECK(pthread_join(t, NULL) == 0);
	for (i = 0; i < 100; i++)
		CHECK(close(p[i][0]) == 0 && close(p[i][1]) == 0);
}

static volatile sig_atomic_t handled;

static void
handler(int signo)
{
	handled = signo;
}

static void *
kill_later(void *arg)
{
	check_sleep_ms(30);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void
interrupted_by_signals(void)
{
	struct sigaction sa = {.sa_handler = handler};
	pthread_t self = pthread_self(), t;
	struct pollfd f;
	char c;
	int p[2];

	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0 && pipe(p) == 0);
	CHECK(pthread_create(&t, NULL, kill_later, &self) == 0);
	CHECK(FAILS(read(p[0], &c, 1), EINTR) && handled == SIGUSR1);
	CHECK(pthread_join(t, NULL) == 0);
	handled = 0;
	f = (struct pollfd){p[0], POLLIN, 0};
	CHECK(pthread_create(&t, NULL, kill_later, &self) == 0);
	CHECK(FAILS(poll(&f, 1, -1), EINTR) && handled == SIGUSR1);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

static void *
blocked_reader(void *arg)
{
	char c;

	read(*(int *)arg, &c, 1);
	return NULL;
}

/* A cancelled reader leaves no reference behind: the writer sees the end. */
static void
cancelled(void)
{
	pthread_t t;
	void *r = NULL;
	int p[2];

	CHECK(pipe(p) == 0);
	CHECK(pthread_create(&t, NULL, blocked_reader, &p[0]) == 0);
	check_sleep_ms(20);
	CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0);
	CHECK(r == PTHREAD_CANCELED && close(p[0]) == 0);
	CHECK(FAILS(write(p[1], "x", 1), EPIPE) && close(p[1]) == 0);
}

static void
map_anonymous(void)
{
	char *p = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;
	int sum = 0;

	CHECK(p != MAP_FAILED);
	for (i = 0; i < 5 * PAGE; i++)
		sum |= p[i];
	CHECK(sum == 0);
	memset(p, 1, 5 * PAGE);
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && p[PAGE] == 1);
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0 && p[0] == 0);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK(FAILS(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM));
	CHECK(munmap(p, 5 * PAGE) == 0 && munmap(p, 5 * PAGE) == 0);
	CHECK(FAILS(munmap(p + 1, PAGE), EINVAL));
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		  MAP_FAILED &&
	      errno == EINVAL);
	CHECK(mmap(NULL, (size_t)1 << 46, PROT_READ,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == ENOMEM);
}

/* Code written to memory runs once it may. */
static void
map_code(void)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memcpy(p, code, sizeof(code));
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(((int (*)(void))p)() == 42);
	CHECK(munmap(p, PAGE) == 0);
}

static void
map_files(void)
{
	char block[PAGE], *p;
	int fd = open("/mapped", O_RDWR | O_CREAT, 0600);

	memset(block, 'a', PAGE);
	CHECK(write(fd, block, PAGE) == PAGE && write(fd, "tail", 4) == 4);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && p[0] == 'a');
	CHECK(memcmp(p + PAGE, "tail\0", 5) == 0);
	p[0] = 'b';
	CHECK(pread(fd, block, 1, 0) == 1 && block[0] == 'a');
	CHECK(munmap(p, 2 * PAGE) == 0);
	p = mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, PAGE);
	CHECK(p != MAP_FAILED && memcmp(p, "tail", 4) == 0);
	CHECK(munmap(p, 4) == 0);
	CHECK(mmap(NULL, 4, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == ENODEV);
	CHECK(mmap(NULL, 4, PROT_READ, MAP_SHARED, 999, 0) == MAP_FAILED &&
	      errno == EBADF);
	CHECK(close(fd) == 0 && unlink("/mapped") == 0);
}

/* Thousands of mappings of all sizes come and go; nothing is lost. */
static void
map_many(void)
{
	static char *map[200];
	static size_t len[200];
	unsigned seed = 7, i, k;

	for (i = 0; i < 5000; i++) {
		seed = seed * 1103515245 + 12345;
		k = (seed >> 8) % 200;
		if (map[k] != NULL) {
			CHECK(map[k][0] == (char)k);
			CHECK(map[k][len[k] - 1] == (char)k);
			CHECK(munmap(map[k], len[k]) == 0);
		}
		len[k] = PAGE * (1 + (seed >> 16) % 20);
		map[k] = mmap(NULL, len[k], PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(map[k] != MAP_FAILED && map[k][0] == 0);
		map[k][0] = map[k][len[k] - 1] = (char)k;
	}
	for (k = 0; k < 200; k++)
		CHECK(map[k] == NULL || munmap(map[k], len[k]) == 0);
}

int
main(void)
{
	CHECK_RUN(pipe_basics);
	CHECK_RUN(pipe_stream);
	CHECK_RUN(poll_waits);
	CHECK_RUN(select_waits);
	CHECK_RUN(poll_many);
	CHECK_RUN(interrupted_by_signals);
	CHECK_RUN(cancelled);
	CHECK_RUN(map_anonymous);
	CHECK_RUN(map_code);
	CHECK_RUN(map_files);
	CHECK_RUN(map_many);
	return check_failures != 0;
}
