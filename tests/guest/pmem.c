/* SPDX-License-Identifier: ISC */
/*
 * /dev/pmem0: written by write and through a mapping, read back by both.  The
 * test on the host knows the pattern, and looks at the file behind the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define CHUNK 65536

static int fd;
static off_t size;

/* Byte i of the device is this. */
static unsigned char
pattern(uint64_t i)
{
	return (unsigned char)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

static void
fill(unsigned char *p, uint64_t from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = pattern(from + i);
}

static void
test_write(void)
{
	static unsigned char chunk[CHUNK];
	off_t at;

	for (at = 0; at < size / 2; at += CHUNK) {
		fill(chunk, (uint64_t)at, CHUNK);
		CHECK(pwrite(fd, chunk, CHUNK, at) == CHUNK);
	}
	CHECK(fsync(fd) == 0);
}

static void
test_map(void)
{
	unsigned char *p, *q;

	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	if (p == MAP_FAILED)
		return;
	CHECK(p[CHUNK + 1] == pattern(CHUNK + 1));
	fill(p + size / 2, (uint64_t)size / 2, (size_t)(size - size / 2));
	CHECK(msync(p, (size_t)size, MS_SYNC) == 0);
	q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
	CHECK(q != MAP_FAILED && q[5] == pattern(4096 + 5));
	CHECK(munmap(q, 4096) == 0);
	CHECK(munmap(p, (size_t)size) == 0);
}

static void
test_read(void)
{
	static unsigned char got[CHUNK], want[CHUNK];
	off_t at;

	for (at = 0; at < size; at += CHUNK) {
		fill(want, (uint64_t)at, CHUNK);
		CHECK(pread(fd, got, CHUNK, at) == CHUNK);
		CHECK(memcmp(got, want, CHUNK) == 0);
	}
}

static void
test_ends(void)
{
	char b[16];
	int r;

	CHECK(pread(fd, b, sizeof(b), size) == 0);
	CHECK(pread(fd, b, sizeof(b), size - 4) == 4);
	errno = 0;
	CHECK(pwrite(fd, b, sizeof(b), size) == -1 && errno == ENOSPC);
	CHECK(mmap(NULL, (size_t)size + 4096, PROT_READ, MAP_SHARED, fd, 0) ==
		  MAP_FAILED &&
	      errno == ENXIO);
	r = open("/dev/pmem0", O_RDONLY);
	CHECK(r >= 0);
	CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, r, 0) == MAP_FAILED &&
	      errno == EACCES);
	close(r);
}

int
main(void)
{
	fd = open("/dev/pmem0", O_RDWR);
	if (fd < 0) {
		printf("not ok open: %s\n", strerror(errno));
		return 1;
	}
	size = lseek(fd, 0, SEEK_END);
	printf("ok size %ld\n", (long)size);
	CHECK_RUN(test_write);
	CHECK_RUN(test_map);
	CHECK_RUN(test_read);
	CHECK_RUN(test_ends);
	return check_failures != 0;
}
