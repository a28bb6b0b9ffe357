/* SPDX-License-Identifier: ISC */
/*
 * A disk through /dev/vda (or DISK).  tests/integration/test_disk.py makes the
 * disks, says by the first argument what to do with them, and looks at what is
 * in the images afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "sha256.h"

#define BIG (1UL << 20)

static const char *path;
static int fd;
static uint64_t size; /* bytes */
static int block;

static char big[BIG], other[BIG];

/* Sector i of a disk with the pattern: SHA-256 of its number, 16 times. */
static void
sector_fill(char *p, uint64_t i)
{
	unsigned char sum[32];
	struct sha256 s;
	int k;

	sha256_init(&s);
	sha256_add(&s, &i, sizeof(i));
	sha256_end(&s, sum);
	for (k = 0; k < 16; k++)
		memcpy(p + 32 * k, sum, 32);
}

static void
fill(char *p, size_t len, char first)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (char)(first + i % 251);
}

static int
disk_open(int flags)
{
	int f = open(path, flags);

	if (f < 0) {
		printf("not ok open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

/* --- suite: what a disk that can be written must do --- */

static void
shape(void)
{
	unsigned long sectors = 0;
	struct pollfd p;
	struct stat st;
	int ro = -1;

	CHECK(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors * 512 == size);
	CHECK(ioctl(fd, BLKROGET, &ro) == 0 && ro == 0);
	CHECK(ioctl(fd, 0x12ff, &ro) == -1 && errno == ENOTTY);
	CHECK(lseek(fd, 0, SEEK_END) == (off_t)size);
	CHECK(fstat(fd, &st) == 0 && S_ISBLK(st.st_mode));
	CHECK(st.st_size == (off_t)size && minor(st.st_rdev) == 0);
	CHECK(major(st.st_rdev) == (path[5] == 's' ? 8 : 254));
	p = (struct pollfd){fd, POLLIN | POLLOUT, 0};
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
}

static void
aligned(void)
{
	fill(big, BIG, 1);
	CHECK(pwrite(fd, big, BIG, 0) == (ssize_t)BIG);
	memset(other, 0, BIG);
	CHECK(pread(fd, other, BIG, 0) == (ssize_t)BIG);
	CHECK(memcmp(big, other, BIG) == 0);
	CHECK(pread(fd, other, 4096, 65536) == 4096);
	CHECK(memcmp(big + 65536, other, 4096) == 0);
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
	CHECK(ioctl(fd, BLKFLSBUF, 0) == 0);
}

/* All ways to lie across blocks, each checked against what it should be. */
static void
unaligned(void)
{
	static const struct {
		size_t off, len;
	} parts[] = {{1, 1}, {511, 2}, {0, 100}, {500, 1000}, {4095, 4098},
	    {8191, 1}, {10000, 100000}, {4096, 5000}, {7, 8185}, {12288, 3}};
	size_t i;

	CHECK(pread(fd, big, BIG, 0) == (ssize_t)BIG);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fill(other, parts[i].len, (char)(i * 7 + 3));
		memcpy(big + parts[i].off, other, parts[i].len);
		CHECK(pwrite(fd, other, parts[i].len, (off_t)parts[i].off) ==
		      (ssize_t)parts[i].len);
		memset(other, 0x55, parts[i].len + 1);
		CHECK(pread(fd, other, parts[i].len, (off_t)parts[i].off) ==
		      (ssize_t)parts[i].len);
		CHECK(memcmp(big + parts[i].off, other, parts[i].len) == 0);
		CHECK(other[parts[i].len] == 0x55);
	}
	CHECK(pread(fd, other, BIG, 0) == (ssize_t)BIG);
	CHECK(memcmp(big, other, BIG) == 0);
}

static void
position(void)
{
	char a[700], b[700];

	fill(a, sizeof(a), 9);
	CHECK(lseek(fd, 300, SEEK_SET) == 300);
	CHECK(write(fd, a, 700) == 700 && lseek(fd, 0, SEEK_CUR) == 1000);
	CHECK(lseek(fd, -700, SEEK_CUR) == 300);
	CHECK(read(fd, b, 700) == 700 && memcmp(a, b, 700) == 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 1000);
	CHECK(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL);
}

static void
vectors(void)
{
	char a[1000], b[3000], c[96];
	struct iovec v[3] = {{a, 1000}, {b, 3000}, {c, 96}};

	fill(a, sizeof(a), 1);
	fill(b, sizeof(b), 2);
	fill(c, sizeof(c), 3);
	CHECK(pwritev(fd, v, 3, 8192) == 4096);
	memset(a, 0, sizeof(a));
	memset(c, 0, sizeof(c));
	CHECK(preadv(fd, v, 3, 8192) == 4096);
	CHECK(a[999] == (char)(1 + 999 % 251) && c[95] == 3 + 95);
}

static void
end_of_disk(void)
{
	off_t end = (off_t)size;

	CHECK(pread(fd, big, 4096, end) == 0);
	CHECK(pread(fd, big, 4096, end + 12345) == 0);
	CHECK(pread(fd, big, BIG, end - 100) == 100);
	CHECK(pread(fd, big, BIG, end - 8192) == 8192);
	CHECK(pwrite(fd, big, 4096, end) == -1 && errno == ENOSPC);
	CHECK(pwrite(fd, big, 0, end) == 0);
	CHECK(pwrite(fd, big, 8192, end - 4096) == 4096);
	CHECK(pwrite(fd, big, 8192, end - 10) == 10);
	CHECK(lseek(fd, 0, SEEK_END) == end && read(fd, big, 1) == 0);
}

static void
flags(void)
{
	int f = open(path, O_RDONLY);

	CHECK(write(f, big, 512) == -1 && errno == EBADF);
	CHECK(ioctl(f, BLKDISCARD, (uint64_t[]){0, 4096}) == -1 &&
	      errno == EBADF);
	CHECK(close(f) == 0);
	f = open(path, O_RDWR | O_SYNC | O_TRUNC | O_CREAT, 0600);
	CHECK(f >= 0 && write(f, "sync", 4) == 4);
	CHECK(lseek(f, 0, SEEK_END) == (off_t)size);
	CHECK(close(f) == 0);
	f = open(path, O_WRONLY | O_APPEND);
	CHECK(write(f, "x", 1) == -1 && errno == ENOSPC && close(f) == 0);
	CHECK(open("/dev/vdz", O_RDONLY) == -1 && errno == ENOENT);
}

/* --- threads that write into the same blocks --- */

#define WRITERS 8
#define ROUNDS  40

/* Writer i owns bytes i*61.. of each of a few blocks, and a block of its own,
 * which it writes whole. */
static void *
writer(void *arg)
{
	int i = (int)(intptr_t)arg, round, k;
	off_t own = (off_t)(16 + i) * 4096;
	char part[61], *whole = malloc(4096), *seen = malloc(4096);
	intptr_t bad = 0;

	for (round = 0; round < ROUNDS; round++) {
		memset(part, 'A' + i + round, sizeof(part));
		memset(whole, 'A' + i + round, 4096);
		for (k = 0; k < 3; k++)
			bad += pwrite(fd, part, 61, k * 512 + i * 61) != 61;
		bad += pwrite(fd, whole, 4096, own) != 4096;
		bad += pread(fd, seen, 4096, own) != 4096;
		bad += memcmp(whole, seen, 4096) != 0;
	}
	free(whole);
	free(seen);
	return (void *)bad;
}

static void
writers(void)
{
	pthread_t t[WRITERS];
	void *bad;
	int i, k, j, wrong = 0;

	for (i = 0; i < WRITERS; i++)
		CHECK(pthread_create(
			  &t[i], NULL, writer, (void *)(intptr_t)i) == 0);
	for (i = 0; i < WRITERS; i++)
		CHECK(pthread_join(t[i], &bad) == 0 && bad == NULL);
	CHECK(pread(fd, big, 4096, 0) == 4096);
	for (k = 0; k < 3; k++)
		for (i = 0; i < WRITERS; i++)
			for (j = 0; j < 61; j++)
				wrong += big[k * 512 + i * 61 + j] !=
					 'A' + i + ROUNDS - 1;
	CHECK(wrong == 0);
}

static void
zeroing(void)
{
	uint64_t range[2] = {65536, 262144}, odd[2] = {1, 4096};
	uint64_t beyond[2] = {size - 4096, 8192};
	size_t i, wrong = 0;

	fill(big, BIG, 1);
	CHECK(pwrite(fd, big, BIG, 0) == (ssize_t)BIG);
	CHECK(ioctl(fd, BLKZEROOUT, range) == 0);
	CHECK(pread(fd, other, BIG, 0) == (ssize_t)BIG);
	memset(big + range[0], 0, range[1]);
	for (i = 0; i < BIG; i++)
		wrong += big[i] != other[i];
	CHECK(wrong == 0);
	CHECK(ioctl(fd, BLKZEROOUT, odd) == -1 && errno == EINVAL);
	CHECK(ioctl(fd, BLKZEROOUT, beyond) == -1 && errno == EINVAL);
}

static void
suite(void)
{
	CHECK_RUN(shape);
	CHECK_RUN(aligned);
	CHECK_RUN(unaligned);
	CHECK_RUN(position);
	CHECK_RUN(vectors);
	CHECK_RUN(end_of_disk);
	CHECK_RUN(flags);
	CHECK_RUN(writers);
	CHECK_RUN(zeroing);
}

/* --- with the host's help --- */

/* The whole disk, in writes of many lengths, some not whole blocks. */
static void
pattern(void)
{
	static const size_t lens[] = {512, 1048576, 4096, 700, 123456, 65536};
	uint64_t at = 0, i, first;
	size_t len, n = 0;

	for (; at < size; at += len) {
		len = lens[n++ % 6];
		if (len > size - at)
			len = size - at;
		first = at / 512;
		for (i = first; i <= (at + len - 1) / 512; i++) {
			char sector[512];
			size_t skip = i == first ? at % 512 : 0;
			size_t to = (i * 512 + skip) - at;

			sector_fill(sector, i);
			memcpy(big + to, sector + skip,
			    512 - skip < len - to ? 512 - skip : len - to);
		}
		if (pwrite(fd, big, len, (off_t)at) != (ssize_t)len) {
			printf("not ok pattern at %llu: %s\n",
			    (unsigned long long)at, strerror(errno));
			return;
		}
	}
	printf(fsync(fd) == 0 ? "ok pattern\n" : "not ok fsync\n");
}

/* Block by block, then in large reads. */
static void
sum(void)
{
	struct sha256 s;
	ssize_t n;

	sha256_init(&s);
	while ((n = read(fd, big, 4096)) > 0)
		sha256_add(&s, big, (size_t)n);
	sha256_print("blocks", &s);
	lseek(fd, 0, SEEK_SET);
	sha256_init(&s);
	while ((n = read(fd, big, BIG)) > 0)
		sha256_add(&s, big, (size_t)n);
	sha256_print("large", &s);
	printf(n == 0 ? "ok sum\n" : "not ok sum: %s\n", strerror(errno));
}

/* Until it is killed: sector i, flushed, then told. */
static void
endless(void)
{
	uint64_t i;

	for (i = 0; i < size / 4096; i++) {
		sector_fill(big, i * 8);
		pwrite(fd, big, 512, (off_t)i * 4096);
		if (i % 4 != 3)
			continue;
		fsync(fd);
		printf("flushed %llu\n", (unsigned long long)i);
		fflush(stdout);
	}
	for (;;)
		pause();
}

static void
erase(unsigned long request)
{
	uint64_t range[2] = {size / 4, size / 2};

	memset(big, 0xaa, BIG);
	for (uint64_t at = 0; at < size; at += BIG)
		CHECK(pwrite(fd, big, BIG, (off_t)at) == (ssize_t)BIG);
	CHECK(ioctl(fd, request, range) == 0);
	CHECK(fsync(fd) == 0);
}

static void
discard(void)
{
	erase(BLKDISCARD);
}

static void
zeroout(void)
{
	erase(BLKZEROOUT);
}

static void
read_only(void)
{
	int ro = 0;

	CHECK(open(path, O_RDWR) == -1 && errno == EROFS);
	CHECK(open(path, O_WRONLY) == -1 && errno == EROFS);
	CHECK(ioctl(fd, BLKROGET, &ro) == 0 && ro == 1);
	CHECK(read(fd, big, 4096) == 4096 && fsync(fd) == 0);
}

/* The host fails sector 128; whatever else works. */
static void
failing(void)
{
	CHECK(pread(fd, big, 4096, 0) == 4096);
	CHECK(pread(fd, big, 512, 128 * 512) == -1 && errno == EIO);
	CHECK(pwrite(fd, big, 512, 128 * 512) == -1 && errno == EIO);
	CHECK(pwrite(fd, big, 100, 128 * 512) == -1 && errno == EIO);
	CHECK(pread(fd, big, 4096, 65536 + 4096) == 4096);
	CHECK(pwrite(fd, big, 4096, 0) == 4096);
	CHECK(fsync(fd) == 0);
}

static volatile int ticks, spinning;

static void *
ticker(void *arg)
{
	while (ticks < 40) {
		check_sleep_ms(5);
		ticks++;
	}
	return arg;
}

static void *
spinner(void *arg)
{
	while (spinning)
		;
	return arg;
}

/* On a disk that takes 20 ms: who waits for it costs no time, and lets others
 * run, whether they wake by the clock or never sleep. */
static void
waiting(void)
{
	double real = check_ms(CLOCK_MONOTONIC);
	double cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID);
	pthread_t t;
	int i;

	CHECK(pthread_create(&t, NULL, ticker, NULL) == 0);
	for (i = 0; i < 10; i++)
		CHECK(pread(fd, big, 512, 0) == 512);
	real = check_ms(CLOCK_MONOTONIC) - real;
	cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	CHECK(real >= 200 && ticks >= 20 && cpu < real / 2);
	CHECK(pthread_join(t, NULL) == 0);
	spinning = 1;
	CHECK(pthread_create(&t, NULL, spinner, NULL) == 0);
	real = check_ms(CLOCK_MONOTONIC);
	for (i = 0; i < 5; i++)
		CHECK(pread(fd, big, 512, 0) == 512);
	CHECK(check_ms(CLOCK_MONOTONIC) - real >= 100);
	spinning = 0;
	CHECK(pthread_join(t, NULL) == 0);
}

/* Tells the size, and tells it anew when it changes. */
static void
resizing(void)
{
	uint64_t now = size;
	int tries = 500;

	printf("bytes %llu\n", (unsigned long long)size);
	fflush(stdout);
	while (now == size && tries-- > 0) {
		check_sleep_ms(10);
		pread(fd, big, 512, 0);
		ioctl(fd, BLKGETSIZE64, &now);
	}
	printf("bytes %llu\n", (unsigned long long)now);
	printf(pwrite(fd, big, 4096, (off_t)now - 4096) == 4096
		   ? "ok resizing\n"
		   : "not ok resizing: %s\n",
	    strerror(errno));
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "suite";
	unsigned pb = 0, min = 0, opt = 0;

	path = getenv("DISK") != NULL ? getenv("DISK") : "/dev/vda";
	if (strcmp(what, "none") == 0) {
		CHECK(open(path, O_RDWR) == -1 && errno == ENOENT);
		printf(check_why == NULL ? "ok none\n" : "not ok none\n");
		return 0;
	}
	fd =
	    disk_open(strcmp(what, "read_only") == 0 || strcmp(what, "sum") == 0
			  ? O_RDONLY
			  : O_RDWR);
	CHECK(ioctl(fd, BLKGETSIZE64, &size) == 0);
	CHECK(ioctl(fd, BLKSSZGET, &block) == 0);
	ioctl(fd, BLKPBSZGET, &pb);
	ioctl(fd, BLKIOMIN, &min);
	ioctl(fd, BLKIOOPT, &opt);
	printf("disk %llu block %d physical %u min %u opt %u\n",
	    (unsigned long long)size, block, pb, min, opt);
	if (strcmp(what, "suite") == 0)
		suite();
	else if (strcmp(what, "shape") == 0)
		CHECK_RUN(shape);
	else if (strcmp(what, "pattern") == 0)
		pattern();
	else if (strcmp(what, "sum") == 0)
		sum();
	else if (strcmp(what, "endless") == 0)
		endless();
	else if (strcmp(what, "discard") == 0)
		CHECK_RUN(discard);
	else if (strcmp(what, "zeroout") == 0)
		CHECK_RUN(zeroout);
	else if (strcmp(what, "read_only") == 0)
		CHECK_RUN(read_only);
	else if (strcmp(what, "failing") == 0)
		CHECK_RUN(failing);
	else if (strcmp(what, "fault") == 0) /* at a constant, or at 0 */
		read(fd, argc > 2 ? NULL : (void *)(uintptr_t)path, 4096);
	else if (strcmp(what, "waiting") == 0)
		CHECK_RUN(waiting);
	else if (strcmp(what, "resizing") == 0)
		resizing();
	return check_failures > 0;
}
