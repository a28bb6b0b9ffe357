/* SPDX-License-Identifier: ISC */
/*
 * The guest's side of bench/blk.py: reads of 512 bytes from /dev/vda,
 *
 *	blk read N           one by one, by read
 *	blk batch DEPTH N    DEPTH in flight, by <sprat/blk.h>
 *
 * What is counted lies between two calls of bench_mark.
 */
#include <fcntl.h>
#include <sprat/blk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR    512
#define SECTORS   2048 /* of the disk that are read */
#define DEPTH_MAX 64
#define WARM_UP   8

static char buf[DEPTH_MAX][SECTOR];

__attribute__((noinline)) void
bench_mark(void)
{
	__asm__ volatile("");
}

static uint64_t
next_offset(void)
{
	static unsigned sector;

	sector = (sector * 5 + 3) % SECTORS;
	return (uint64_t)sector * SECTOR;
}

static int
reads(unsigned n)
{
	int fd = open("/dev/vda", O_RDONLY);
	unsigned i;

	for (i = 0; i < WARM_UP + n; i++) {
		if (i == WARM_UP)
			bench_mark();
		if (read(fd, buf[0], SECTOR) != SECTOR) {
			perror("/dev/vda");
			return 1;
		}
	}
	bench_mark();
	return 0;
}

/* Half of them are waited for at once, and handed in again together. */
static int
batch(unsigned depth, unsigned n)
{
	struct sprat_blk *b = sprat_blk_open("vda", O_RDONLY);
	struct sprat_blk_req req[DEPTH_MAX], *p[DEPTH_MAX];
	struct iovec v[DEPTH_MAX];
	unsigned i, done;
	int k = 0;

	if (b == NULL || depth == 0 || depth > DEPTH_MAX) {
		perror("vda");
		return 1;
	}
	memset(req, 0, sizeof(req));
	for (i = 0; i < depth; i++) {
		v[i] = (struct iovec){buf[i], SECTOR};
		req[i].iov = &v[i];
		req[i].iovcnt = 1;
		req[i].offset = next_offset();
		p[i] = &req[i];
	}
	bench_mark();
	sprat_blk_submit(b, p, (int)depth);
	for (done = 0; done < n; done += (unsigned)k) {
		k = sprat_blk_wait(
		    b, p, (int)(depth + 1) / 2, (int)depth, NULL);
		for (i = 0; i < (unsigned)k; i++) {
			if (p[i]->error != 0)
				return 1;
			p[i]->offset = next_offset();
		}
		if (done + (unsigned)k < n)
			sprat_blk_submit(b, p, k);
	}
	bench_mark();
	sprat_blk_wait(b, p, (int)depth, (int)depth, NULL);
	printf("%u\n", done);
	return sprat_blk_close(b) != 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return reads((unsigned)atoi(argv[2]));
	if (argc == 4 && strcmp(argv[1], "batch") == 0)
		return batch((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	return 2;
}
