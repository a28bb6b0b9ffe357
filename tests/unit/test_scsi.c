/* SPDX-License-Identifier: ISC */
/* SCSI commands, errors and scanning, against a target made of answers. */
/* LINK: pv/virtio/scsi.c tests/unit/kernel_stub.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pv/virtio/scsi.h"
#include "tests/unit/kernel_stub.h"

/* What the target answers. */
static struct {
	int luns_err, inquiry_err;
	uint8_t type;
	uint8_t capacity[32], mode[32], limits[64], provisioning[64];
	uint32_t nluns; /* it says */
	bool noise;     /* anything at all */
} target;

static struct blk_dev *registered[128];
static unsigned nregistered, nresized;
static uint64_t bytes;

static void
answer(const struct blk_req *r, const void *p, size_t len)
{
	memcpy(r->buf->p, p, len < r->len ? len : r->len);
}

static int
inquiry(const struct blk_req *r, const uint8_t *cdb)
{
	uint8_t standard[36] = {target.type};

	if (cdb[1] == 0)
		answer(r, standard, sizeof(standard));
	else if (cdb[2] == 0xb0)
		answer(r, target.limits, sizeof(target.limits));
	else
		answer(r, target.provisioning, sizeof(target.provisioning));
	return target.inquiry_err;
}

static void
luns(const struct blk_req *r)
{
	uint8_t list[8 * 65] = {0};
	uint32_t n = target.nluns * 8, i;

	list[0] = (uint8_t)(n >> 24);
	list[1] = (uint8_t)(n >> 16);
	list[2] = (uint8_t)(n >> 8);
	list[3] = (uint8_t)n;
	for (i = 1; i < 65; i++)
		list[8 * i + 1] = (uint8_t)i;
	answer(r, list, sizeof(list));
}

int
blk_do(struct blk_dev *d, struct blk_req *r, uint64_t deadline_ns)
{
	uint8_t cdb[16] = {0};
	struct scsi_unmap unmap;
	uint32_t i;

	assert_true(deadline_ns != NS_NEVER);
	r->dev = d;
	scsi_command(r, r->len, cdb, &unmap);
	if (target.noise) {
		for (i = 0; i < r->len; i++)
			((uint8_t *)r->buf->p)[i] = (uint8_t)rand();
		return 0;
	}
	switch (cdb[0]) {
	case 0xa0:
		luns(r);
		return target.luns_err;
	case 0x12:
		return inquiry(r, cdb);
	case 0x9e:
		answer(r, target.capacity, sizeof(target.capacity));
		return 0;
	case 0x1a:
		answer(r, target.mode, sizeof(target.mode));
		return 0;
	}
	return 0;
}

int
blk_limits_check(struct blk_limits *l)
{
	return l->block < 512 || (l->block & (l->block - 1)) ? -EINVAL : 0;
}

int
blk_register(struct blk_dev *d, const char *letters)
{
	assert_string_equal(letters, "sd");
	registered[nregistered++] = d;
	return 0;
}

void
blk_resize(struct blk_dev *d, uint64_t n)
{
	(void)d;
	bytes = n;
}

static void
resized(struct work *w)
{
	(void)w;
	nresized++;
}

static int
setup(void **state)
{
	(void)state;
	memset(&target, 0, sizeof(target));
	target.nluns = 1;
	target.capacity[6] = 0x40; /* last block 0x403f */
	target.capacity[7] = 0x3f;
	target.capacity[10] = 2; /* of 512 bytes */
	target.capacity[13] = 3;
	nregistered = nresized = 0;
	return 0;
}

static int
teardown(void **state)
{
	struct scsi_disk *d;

	(void)state;
	while (nregistered > 0) {
		d = scsi_disk_of(registered[--nregistered]);
		heap_free(d->zeros, d->dev.lim.block);
		heap_free(d, sizeof(*d));
	}
	assert_int_equal(stub_heap_blocks, 0);
	return 0;
}

static void
scan(void)
{
	static struct blk_chan c;

	scsi_scan(&c, 7, 100, 1 << 20);
}

static void
found(void **state)
{
	struct scsi_disk *d;

	(void)state;
	target.mode[2] = 0x80;
	target.mode[4] = 0x08;
	target.provisioning[1] = 0xb2;
	target.provisioning[5] = 0xc0;
	target.limits[1] = 0xb0;
	target.limits[22] = 0x10; /* 4096 blocks by UNMAP */
	scan();
	assert_int_equal(nregistered, 1);
	d = scsi_disk_of(registered[0]);
	assert_int_equal(bytes, 0x4040 * 512);
	assert_int_equal(d->dev.lim.physical, 4096);
	assert_true(d->dev.lim.read_only && !d->dev.lim.caches);
	assert_int_equal(d->dev.lim.discard_bytes, 4096 * 512);
	assert_true(d->same_unmaps);
	assert_int_equal(d->lun[0], 1);
	assert_int_equal(d->lun[1], 7);
	assert_int_equal(d->lun[3], 1);
}

static void
not_found(void **state)
{
	(void)state;
	target.luns_err = -ENXIO;
	scan();
	assert_int_equal(nregistered, 0);
	target.luns_err = 0;
	target.type = 5; /* CD-ROM */
	scan();
	target.type = 0x20; /* nothing connected */
	scan();
	assert_int_equal(nregistered, 0);
	target.type = 0;
	target.luns_err = -EOPNOTSUPP; /* then there is LUN 0 perhaps */
	scan();
	assert_int_equal(nregistered, 1);
}

/* Capacities that cannot be, more units than fit, and noise. */
static void
lies(void **state)
{
	unsigned i;

	(void)state;
	memset(target.capacity, 0xff, 8);
	scan();
	target.capacity[0] = 0x7f;
	scan();
	target.capacity[8] = 0x80; /* a block of 2 GiB */
	scan();
	memset(target.capacity + 8, 0, 4);
	scan();
	assert_int_equal(nregistered, 0);
	setup(NULL);
	target.nluns = UINT32_MAX / 8;
	scan();
	assert_int_equal(nregistered, 64);
	teardown(NULL);
	target.noise = true;
	for (i = 0; i < 300; i++) {
		scan();
		teardown(NULL);
	}
}

static void
commands(void **state)
{
	struct scsi_disk d = {.shift = 9, .same_unmaps = true};
	struct blk_req r = {.dev = &d.dev, .op = BLK_READ, .off = 0x1234600};
	struct scsi_unmap u;
	uint8_t cdb[16] = {0};

	(void)state;
	scsi_command(&r, 1024, cdb, &u);
	assert_memory_equal(cdb, "\x28\0\0\0\x91\xa3\0\0\2\0", 10);
	r.op = BLK_WRITE;
	r.off = 1ULL << 42;
	memset(cdb, 0, sizeof(cdb));
	scsi_command(&r, 512, cdb, &u);
	assert_memory_equal(
	    cdb, "\x8a\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0", sizeof(cdb));
	r.op = BLK_DISCARD;
	memset(cdb, 0, sizeof(cdb));
	scsi_command(&r, 4096, cdb, &u);
	assert_memory_equal(cdb, "\x42\0\0\0\0\0\0\0\x18\0", 10);
	assert_memory_equal(u.bytes,
	    "\0\x16\0\x10\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x08\0\0\0\0", 24);
	r.op = BLK_ZERO;
	r.may_free = true;
	memset(cdb, 0, sizeof(cdb));
	scsi_command(&r, 4096, cdb, &u);
	assert_memory_equal(
	    cdb, "\x93\x08\0\0\0\2\0\0\0\0\0\0\0\x08\0\0", sizeof(cdb));
}

static int
fixed(struct scsi_disk *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
	uint8_t s[18] = {0x70, 0, key};

	s[12] = asc;
	s[13] = ascq;
	return scsi_error(d, 2, s, sizeof(s));
}

static void
sense(void **state)
{
	static struct scsi_disk d;
	uint8_t s[8] = {0x72, 5, 0x20, 0};

	(void)state;
	d.resized.fn = resized;
	assert_int_equal(fixed(&d, 1, 0, 0), 0);
	assert_int_equal(fixed(&d, 2, 4, 1), -EIO);
	assert_int_equal(fixed(&d, 3, 0x11, 0), -EIO);
	assert_int_equal(fixed(&d, 5, 0x24, 0), -EOPNOTSUPP);
	assert_int_equal(fixed(&d, 5, 0x21, 0), -EIO);
	assert_int_equal(fixed(&d, 6, 0x29, 0), -EAGAIN);
	assert_false(stub_work());
	assert_int_equal(fixed(&d, 6, 0x2a, 9), -EAGAIN);
	assert_true(stub_work());
	assert_int_equal(nresized, 1);
	assert_int_equal(fixed(&d, 7, 0x27, 0), -EROFS);
	assert_int_equal(fixed(&d, 7, 0x27, 7), -ENOSPC);
	assert_int_equal(fixed(&d, 0xb, 0, 0), -EAGAIN);
	assert_int_equal(scsi_error(&d, 2, s, sizeof(s)), -EOPNOTSUPP);
	assert_int_equal(scsi_error(&d, 2, s, 7), -EIO);
	assert_int_equal(scsi_error(&d, 2, s, 0), -EIO);
	assert_int_equal(scsi_error(&d, 8, s, 0), -EAGAIN);
	assert_int_equal(scsi_error(&d, 0x18, s, 8), -EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(found, setup, teardown),
	    cmocka_unit_test_setup_teardown(not_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(lies, setup, teardown),
	    cmocka_unit_test_setup(commands, setup),
	    cmocka_unit_test_setup(sense, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
