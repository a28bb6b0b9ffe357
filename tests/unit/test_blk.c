/* SPDX-License-Identifier: ISC */
/* How requests to a disk are cut, queued, ended and waited for: a disk in
 * memory that ends its pieces when told. */
/* LINK: kernel/blk.c kernel/blk_dev.c tests/unit/kernel_stub.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/blk.h"
#include "pv/virtio/virtio_drivers.h"

#define DISK_BYTES 262144
#define DEPTH      4 /* pieces that the device holds */
#define BLOCK      512U

static char content[DISK_BYTES];

static struct {
	struct blk_req *req[DEPTH];
	int err[DEPTH];
	unsigned n;            /* pieces in the queue */
	unsigned tells, after; /* calls of tell, and its last argument */
	unsigned pieces;       /* ever */
	uint64_t end[64];      /* where the first ones ended */
	int fail;              /* what the next piece ends with */
	bool at_once;          /* pieces end when the device is told */
} fake;

void
virtio_probe(const struct virtio_driver *drv)
{
	(void)drv;
}

static int
fake_add(struct blk_chan *c, struct blk_req *r, uint64_t len)
{
	uint64_t at = r->off + r->issued, left = len;
	unsigned segs = 0;
	uint32_t n;
	void *p;

	(void)c;
	if (fake.n == DEPTH)
		return -EBUSY;
	assert_true(len % BLOCK == 0 && at % BLOCK == 0);
	for (; r->op <= BLK_WRITE && left > 0; left -= n, at += n) {
		blk_seg(r, left, &p, &n);
		assert_true(n > 0 && n <= r->dev->lim.seg_bytes);
		assert_true(++segs <= r->dev->lim.seg_max);
		if (r->op == BLK_READ)
			memcpy(p, content + at, n);
		else
			memcpy(content + at, p, n);
	}
	assert_true(r->op > BLK_WRITE || len <= r->dev->lim.piece_bytes);
	fake.err[fake.n] = fake.fail;
	fake.req[fake.n++] = r;
	if (fake.pieces < 64)
		fake.end[fake.pieces] = r->off + r->issued + len;
	fake.pieces++;
	return 0;
}

static bool
fake_tell(struct blk_chan *c, unsigned after)
{
	(void)c;
	fake.tells++;
	fake.after = after;
	return fake.at_once && fake.n > 0 && after > 0;
}

static void
fake_take(struct blk_chan *c)
{
	unsigned n = fake.n, i;
	struct blk_req *req[DEPTH];
	int err[DEPTH];

	memcpy(req, fake.req, sizeof(req));
	memcpy(err, fake.err, sizeof(err));
	fake.n = 0;
	for (i = 0; i < n; i++)
		blk_ended(c, req[i], err[i]);
}

static void
fake_fail(struct blk_chan *c)
{
	(void)c;
	fail();
}

static const struct blk_ops ops = {fake_add, fake_tell, fake_take, fake_fail};
static struct blk_chan chan = {.ops = &ops, .lock = SPINLOCK("fake")};
static struct blk_dev disk = {
    .bytes = DISK_BYTES,
    .lim = {.block = BLOCK,
	.caches = true,
	.seg_max = 3,
	.seg_bytes = 4096,
	.piece_bytes = 8192,
	.discard_bytes = 16384,
	.discard_align = 4096,
	.zero_bytes = 1024},
    .chan = &chan,
};

/* Nobody else runs: the device ends what it has. */
bool
thread_halt(struct spinlock *l)
{
	spin_give(l);
	blk_interrupt(&chan);
	spin_take(l);
	return true;
}

static int
setup(void **state)
{
	unsigned i;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	for (i = 0; i < DISK_BYTES; i++)
		content[i] = (char)(i * 7 + i / 256);
	return 0;
}

static int
request(enum blk_op op, uint64_t off, const struct blk_buf *buf, uint64_t len)
{
	struct blk_req r;

	memset(&r, 0, sizeof(r));
	r.op = (uint8_t)op;
	r.off = off;
	r.len = len;
	r.buf = buf;
	return blk_do(&disk, &r, NS_NEVER);
}

static void
one_buffer(void **state)
{
	static char mem[65536];

	(void)state;
	assert_int_equal(blk_rw(&disk, BLK_READ, 1024, mem, 512), 0);
	assert_memory_equal(mem, content + 1024, 512);
	assert_int_equal(fake.pieces, 1);
	assert_int_equal(fake.tells, 1);
	assert_int_equal(fake.after, 1);
	assert_int_equal(blk_rw(&disk, BLK_READ, 512, mem, sizeof(mem)), 0);
	assert_memory_equal(mem, content + 512, sizeof(mem));
	assert_int_equal(fake.pieces, 1 + 65536 / 8192);
	memset(mem, 9, sizeof(mem));
	assert_int_equal(blk_rw(&disk, BLK_WRITE, 512, mem, sizeof(mem)), 0);
	assert_memory_equal(mem, content + 512, sizeof(mem));
	fake.at_once = true;
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, sizeof(mem)), 0);
	assert_memory_equal(mem, content, sizeof(mem));
}

/* Buffers of any lengths, 512 and more between any three of them. */
static void
many_buffers(void **state)
{
	static char mem[DISK_BYTES];
	struct blk_buf buf[40];
	unsigned round, i, n;
	uint64_t len, off, at;

	(void)state;
	srand(1);
	for (round = 0; round < 3000; round++) {
		n = 1 + (unsigned)rand() % 40;
		for (i = 0, len = 0; i < n; i++) {
			buf[i].p = mem + len;
			buf[i].len =
			    (size_t)rand() % (rand() % 8 ? 3000 : 9000);
			if (buf[i].len < 512 && rand() % 4)
				buf[i].len = 512;
			if (buf[i].len < 256)
				buf[i].len = 0;
			len += buf[i].len;
		}
		buf[n - 1].len += (BLOCK - len % BLOCK) % BLOCK;
		len = (len + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
		off = (uint64_t)rand() % ((DISK_BYTES - len) / BLOCK) * BLOCK;
		fake.at_once = rand() % 2;
		memset(mem, 0, len);
		assert_int_equal(request(BLK_READ, off, buf, len), 0);
		for (i = 0, at = off; i < n; at += buf[i++].len)
			assert_memory_equal(buf[i].p, content + at, buf[i].len);
	}
}

static void
too_fine(void **state)
{
	static char mem[512];
	struct blk_buf buf[512];
	unsigned i;

	(void)state;
	for (i = 0; i < 512; i++)
		buf[i] = (struct blk_buf){mem + i, 1};
	assert_int_equal(request(BLK_READ, 0, buf, 512), -EINVAL);
	assert_int_equal(fake.pieces, 0);
	assert_int_equal(chan.in_flight, 0);
	assert_int_equal(chan.urgent, 0);
}

static void
ranges(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(
	    blk_rw(&disk, BLK_DISCARD, 512, NULL, 50000 / 512 * 512), 0);
	for (i = 0; i + 1 < fake.pieces; i++)
		assert_int_equal(fake.end[i] % 4096, 0);
	assert_int_equal(fake.pieces, 4);
	assert_int_equal(blk_rw(&disk, BLK_ZERO, 512, NULL, 4096), 0);
	assert_int_equal(fake.pieces, 8);
	assert_int_equal(blk_rw(&disk, BLK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(fake.pieces, 9);
	disk.lim.caches = false;
	assert_int_equal(blk_rw(&disk, BLK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(fake.pieces, 9);
	disk.lim.caches = true;
}

static void
refused(void **state)
{
	char mem[1024];

	(void)state;
	assert_int_equal(blk_rw(&disk, BLK_READ, 1, mem, 512), -EINVAL);
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, 100), -EINVAL);
	assert_int_equal(
	    blk_rw(&disk, BLK_READ, DISK_BYTES, mem, 512), -EINVAL);
	assert_int_equal(
	    blk_rw(&disk, BLK_READ, DISK_BYTES - 512, mem, 1024), -EINVAL);
	assert_int_equal(
	    blk_rw(&disk, BLK_READ, UINT64_MAX - 511, mem, 1024), -EINVAL);
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, 0), 0);
	disk.lim.read_only = true;
	assert_int_equal(blk_rw(&disk, BLK_WRITE, 0, mem, 512), -EROFS);
	assert_int_equal(blk_rw(&disk, BLK_DISCARD, 0, NULL, 512), -EROFS);
	assert_int_equal(blk_rw(&disk, BLK_FLUSH, 0, NULL, 0), 0);
	disk.lim.read_only = false;
	disk.lim.zero_bytes = 0;
	assert_int_equal(blk_rw(&disk, BLK_ZERO, 0, NULL, 512), -EOPNOTSUPP);
	disk.lim.zero_bytes = 1024;
	assert_int_equal(chan.urgent, 0);
}

static void
errors(void **state)
{
	static char mem[131072];

	(void)state;
	fake.fail = -EIO;
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, 512), -EIO);
	/* what is not in the queue when the first one fails is not tried */
	fake.pieces = 0;
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, sizeof(mem)), -EIO);
	assert_int_equal(fake.pieces, DEPTH);
	fake.fail = -EAGAIN;
	fake.pieces = 0;
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, 512), -EIO);
	assert_int_equal(fake.pieces, 5);
	fake.fail = 0;
	assert_int_equal(blk_rw(&disk, BLK_READ, 0, mem, 512), 0);
	assert_int_equal(chan.in_flight, 0);
	assert_null(chan.waiting);
}

/* One notification for a list; an interrupt when as many as are wanted. */
static void
batches(void **state)
{
	struct blk_batch b = {NULL, NULL, 0, 0, {NULL, NULL}, NULL};
	struct blk_req r[10], *got;
	static char mem[10][512];
	struct blk_buf buf[10];
	unsigned i, seen = 0;

	(void)state;
	memset(r, 0, sizeof(r));
	for (i = 0; i < 10; i++) {
		buf[i] = (struct blk_buf){mem[i], 512};
		r[i].off = i * 1024;
		r[i].len = 512;
		r[i].buf = &buf[i];
		r[i].batch = &b;
		r[i].next = i < 9 ? &r[i + 1] : NULL;
	}
	blk_submit(&disk, r);
	assert_int_equal(fake.tells, 1);
	assert_int_equal(fake.after, 0); /* nobody waits */
	assert_int_equal(fake.n, DEPTH);
	assert_null(blk_take(&disk, &b));
	blk_poll(&disk);
	assert_int_equal(b.nended, DEPTH);
	assert_int_equal(fake.n, DEPTH); /* the next ones */
	b.need = 1; /* somebody else waits */
	assert_int_equal(blk_wait(&disk, &b, 10, NS_NEVER), -EBUSY);
	b.need = 0;
	fake.at_once = true;
	assert_int_equal(blk_wait(&disk, &b, 10, NS_NEVER), 0);
	while ((got = blk_take(&disk, &b)) != NULL) {
		assert_ptr_equal(got, &r[seen]);
		assert_int_equal(got->err, 0);
		assert_memory_equal(mem[seen], content + seen * 1024, 512);
		seen++;
	}
	assert_int_equal(seen, 10);
	assert_null(chan.batches);
	assert_int_equal(chan.in_flight, 0);
}

static void
limits(void **state)
{
	struct blk_limits good = disk.lim, l;

	(void)state;
	l = good;
	assert_int_equal(blk_limits_check(&l), 0);
#define BAD(field, value)                                                      \
	l = good;                                                              \
	l.field = value;                                                       \
	assert_int_equal(blk_limits_check(&l), -EINVAL)
	BAD(block, 0);
	BAD(block, 256);
	BAD(block, 1000);
	BAD(block, 131072);
	BAD(seg_max, 0);
	BAD(seg_bytes, 511);
	BAD(piece_bytes, 0);
	l = good;
	l.seg_max = UINT32_MAX;
	l.seg_bytes = l.piece_bytes = UINT32_MAX;
	l.physical = 3;
	l.discard_align = 1000;
	assert_int_equal(blk_limits_check(&l), 0);
	assert_int_equal(l.seg_max, BLK_SEG_MAX);
	assert_int_equal(l.piece_bytes, BLK_PIECE_MAX);
	assert_int_equal(l.seg_bytes, BLK_PIECE_MAX);
	assert_int_equal(l.physical, 512);
	assert_int_equal(l.discard_align, 512);
	blk_resize(&disk, UINT64_MAX);
	assert_true(blk_bytes(&disk) <= INT64_MAX);
	blk_resize(&disk, DISK_BYTES + 100);
	assert_int_equal(blk_bytes(&disk), DISK_BYTES);
}

static void
names(void **state)
{
	static struct blk_dev d[26 * 27 + 1];
	unsigned i;

	(void)state;
	for (i = 0; i < 26 * 27; i++)
		assert_int_equal(blk_register(&d[i], "vd"), 0);
	assert_int_equal(blk_register(&d[i], "vd"), -ENOSPC);
	assert_int_equal(blk_register(&disk, "sd"), 0);
	assert_string_equal(disk.name, "sda");
	assert_string_equal(d[25].name, "vdz");
	assert_string_equal(d[26].name, "vdaa");
	assert_string_equal(d[701].name, "vdzz");
	assert_ptr_equal(blk_find("vdab"), &d[27]);
	assert_ptr_equal(blk_next(&d[701]), &disk);
	assert_null(blk_find("vd"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(one_buffer, setup),
	    cmocka_unit_test_setup(many_buffers, setup),
	    cmocka_unit_test_setup(too_fine, setup),
	    cmocka_unit_test_setup(ranges, setup),
	    cmocka_unit_test_setup(refused, setup),
	    cmocka_unit_test_setup(errors, setup),
	    cmocka_unit_test_setup(batches, setup),
	    cmocka_unit_test_setup(limits, setup),
	    cmocka_unit_test_setup(names, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
