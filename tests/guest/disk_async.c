/* SPDX-License-Identifier: ISC */
/* <sprat/blk.h> on /dev/vda, a disk of 8 MiB that can be written, and, as vdb,
 * one that cannot; run by tests/integration/test_disk.py. */
#include <errno.h>
#include <fcntl.h>
#include <sprat/blk.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#define MANY  600 /* more than the device's queue holds */
#define BLOCK 4096

static struct sprat_blk *disk;
static struct sprat_blk_info info;
static struct sprat_blk_req req[MANY], *p[MANY], *ended[MANY];
static struct iovec vec[MANY];
static char data[MANY][BLOCK];

static void
prepare(enum sprat_blk_op op, int n)
{
	int i;

	memset(req, 0, sizeof(req));
	for (i = 0; i < n; i++) {
		vec[i] = (struct iovec){data[i], BLOCK};
		req[i].op = op;
		req[i].offset = (uint64_t)i * BLOCK;
		req[i].iov = &vec[i];
		req[i].iovcnt = 1;
		req[i].error = -1;
		p[i] = &req[i];
	}
}

/* Waits for n in portions; all must have ended well. */
static void
finish(int n, int portion)
{
	int got, i;

	while (n > 0) {
		got = sprat_blk_wait(disk, ended, portion, MANY, NULL);
		CHECK(got >= (portion < n ? portion : n) && got <= n);
		if (got <= 0)
			return;
		for (i = 0; i < got; i++)
			CHECK(ended[i]->error == 0);
		n -= got;
	}
}

static int
one(enum sprat_blk_op op, uint64_t off, uint64_t len)
{
	prepare(op, 1);
	req[0].offset = off;
	req[0].length = len;
	vec[0].iov_len = len;
	CHECK(sprat_blk_submit(disk, p, 1) == 1);
	CHECK(sprat_blk_wait(disk, ended, 1, 1, NULL) == 1);
	CHECK(ended[0] == &req[0]);
	return req[0].error;
}

static void
many(void)
{
	int i, wrong = 0;

	for (i = 0; i < MANY; i++)
		memset(data[i], i % 255 + 1, BLOCK);
	prepare(SPRAT_BLK_WRITE, MANY);
	CHECK(sprat_blk_submit(disk, p, MANY) == MANY);
	CHECK(sprat_blk_close(disk) == -1 && errno == EBUSY);
	finish(MANY, 100);
	CHECK(one(SPRAT_BLK_FLUSH, 0, 0) == 0);
	memset(data, 0, sizeof(data));
	prepare(SPRAT_BLK_READ, MANY);
	CHECK(sprat_blk_submit(disk, p, MANY) == MANY);
	finish(MANY, MANY);
	for (i = 0; i < MANY; i++)
		wrong += data[i][0] != (char)(i % 255 + 1) ||
			 data[i][BLOCK - 1] != (char)(i % 255 + 1);
	CHECK(wrong == 0);
}

/* Buffers of odd lengths that make whole blocks together. */
static void
scattered(void)
{
	static const size_t lens[] = {1, 511, 0, 1000, 24, 2560, 4096};
	char *mem = (char *)data, whole[8192];
	struct iovec v[7];
	size_t i, off = 0;

	for (i = 0; i < 7; i++) {
		v[i] = (struct iovec){mem + off + 13 * i, lens[i]};
		memset(v[i].iov_base, (int)i + 1, lens[i]);
		off += lens[i];
	}
	prepare(SPRAT_BLK_WRITE, 1);
	req[0].iov = v;
	req[0].iovcnt = 7;
	CHECK(off == 8192 && sprat_blk_submit(disk, p, 1) == 1);
	finish(1, 1);
	prepare(SPRAT_BLK_READ, 1);
	vec[0] = (struct iovec){whole, sizeof(whole)};
	CHECK(sprat_blk_submit(disk, p, 1) == 1);
	finish(1, 1);
	for (i = 0, off = 0; i < 7; off += lens[i++])
		CHECK(lens[i] == 0 ||
		      (whole[off] == (char)(i + 1) &&
			  whole[off + lens[i] - 1] == (char)(i + 1)));
}

static void
polled(void)
{
	struct timespec no_time = {0, 1000};
	int n = 0, tries = 100000000;

	CHECK(sprat_blk_wait(disk, ended, 0, 1, NULL) == 0);
	CHECK(sprat_blk_wait(disk, ended, 5, 5, NULL) == 0); /* none there */
	prepare(SPRAT_BLK_READ, 64);
	CHECK(sprat_blk_submit(disk, p, 64) == 64);
	while (n < 64 && tries-- > 0)
		n += sprat_blk_wait(disk, ended, 0, 64, NULL);
	CHECK(n == 64);
	prepare(SPRAT_BLK_READ, 64);
	CHECK(sprat_blk_submit(disk, p, 64) == 64);
	n = sprat_blk_wait(disk, ended, 64, 64, &no_time);
	CHECK(n >= 0 && n <= 64);
	finish(64 - n, 64);
}

static void
refused(void)
{
	int i;

	CHECK(one(SPRAT_BLK_READ, info.bytes, 512) == EINVAL);
	CHECK(one(SPRAT_BLK_READ, UINT64_MAX - 511, 512) == EINVAL);
	CHECK(one(SPRAT_BLK_READ, 1, 512) == EINVAL);
	CHECK(one(SPRAT_BLK_READ, 0, 511) == EINVAL);
	CHECK(one(SPRAT_BLK_READ, 0, 0) == 0);
	prepare(SPRAT_BLK_READ, 3);
	req[2].op = (enum sprat_blk_op)77;
	CHECK(sprat_blk_submit(disk, p, 3) == -1 && errno == EINVAL);
	req[2].op = SPRAT_BLK_READ;
	req[2].iovcnt = -1;
	CHECK(sprat_blk_submit(disk, p, 3) == -1 && errno == EINVAL);
	CHECK(sprat_blk_wait(disk, ended, 3, 2, NULL) == -1);
	CHECK(sprat_blk_wait(disk, ended, 1, 1, NULL) == 0);
	/* more buffers than a request of the device can have, none a block */
	for (i = 0; i < 512; i++)
		vec[i] = (struct iovec){data[0] + i, 1};
	prepare(SPRAT_BLK_READ, 1);
	for (i = 0; i < 512; i++)
		vec[i] = (struct iovec){data[0] + i, 1};
	req[0].iovcnt = 512;
	CHECK(sprat_blk_submit(disk, p, 1) == 1);
	CHECK(sprat_blk_wait(disk, ended, 1, 1, NULL) == 1);
	CHECK(req[0].error == EINVAL);
}

static void
erased(void)
{
	size_t i, wrong = 0;

	memset(data[0], 0x77, BLOCK);
	CHECK(one(SPRAT_BLK_WRITE, 65536, BLOCK) == 0);
	CHECK(one(info.can_zero ? SPRAT_BLK_ZERO_FREE : SPRAT_BLK_FLUSH, 65536,
		  BLOCK) == 0);
	CHECK(one(SPRAT_BLK_READ, 65536, BLOCK) == 0);
	for (i = 0; i < BLOCK; i++)
		wrong += data[0][i] != 0;
	CHECK(wrong == 0 || !info.can_zero);
	CHECK(one(SPRAT_BLK_DISCARD, 65536, BLOCK) ==
	      (info.can_discard ? 0 : EOPNOTSUPP));
}

static void
names(void)
{
	struct sprat_blk *b = sprat_blk_open("/dev/vdb", O_RDONLY);

	CHECK(b != NULL);
	sprat_blk_info(b, &info);
	CHECK(info.read_only && strcmp(info.name, "vdb") == 0);
	prepare(SPRAT_BLK_WRITE, 1);
	CHECK(sprat_blk_submit(b, p, 1) == -1 && errno == EBADF);
	CHECK(sprat_blk_close(b) == 0);
	CHECK(sprat_blk_open("vdb", O_RDWR) == NULL && errno == EROFS);
	CHECK(sprat_blk_open("vdc", O_RDWR) == NULL && errno == ENXIO);
	CHECK(sprat_blk_open("", O_RDWR) == NULL && errno == ENXIO);
}

int
main(void)
{
	disk = sprat_blk_open("vda", O_RDWR);
	if (disk == NULL) {
		perror("not ok vda");
		return 1;
	}
	sprat_blk_info(disk, &info);
	CHECK_RUN(many);
	CHECK_RUN(scattered);
	CHECK_RUN(polled);
	CHECK_RUN(refused);
	CHECK_RUN(erased);
	CHECK_RUN(names);
	return check_failures > 0 || sprat_blk_close(disk) != 0;
}
