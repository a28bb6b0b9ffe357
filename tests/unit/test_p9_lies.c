/* SPDX-License-Identifier: ISC */
/*
 * The 9P client against a server that lies: each kind of reply with each false
 * header, cut off anywhere, and with values that cannot be.  The client says
 * -EIO, breaks the channel off once, and leaves nothing behind.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/fake_9p.c tests/unit/fake_9p_channel.c */
/* LINK: tests/unit/kernel_stub.c libc-shim/p9.c */
/* LINK: libc-shim/p9_node.c libc-shim/p9_attr.c libc-shim/p9_io.c */
/* LINK: libc-shim/p9_session.c libc-shim/p9_msg.c libc-shim/linux_abi.c */
/* LINK: libc-shim/sleeplock.c libc-shim/vfs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "libc-shim/mount.h"
#include "libc-shim/p9_node.h"
#include "tests/unit/fake_9p.h"
#include "tests/unit/kernel_stub.h"

/* --- one scenario in which each kind of request occurs --- */

static void
use_file(struct node *d)
{
	struct node_spec spec = {S_IFREG | 0644, 0, NULL};
	struct node_attr a = {.set = ATTR_MODE, .mode = 0600};
	struct node *n;
	uint64_t pos = 0;
	struct stat st;
	char buf[16];

	if (d->ops->create(d, "new", &spec, &n) != 0)
		return;
	n->ops->open(n, O_RDWR);
	n->ops->write(n, "data", 4, &pos);
	pos = 0;
	n->ops->read(n, buf, sizeof(buf), &pos);
	n->ops->sync(n);
	n->ops->setattr(n, &a);
	n->ops->getattr(n, &st);
	d->ops->link(d, "hard", n);
	d->ops->rename(d, "new", d, "renamed");
	d->ops->unlink(d, "renamed", false);
	node_put(n);
}

static void
use_others(struct node *d)
{
	struct node_spec spec[] = {{S_IFDIR | 0755, 0, NULL},
	    {S_IFIFO | 0644, 0, NULL}, {S_IFLNK | 0777, 0, "target"}};
	struct vfs_entry e;
	struct statvfs sv;
	uint64_t cookie = 2;
	struct node *n;
	char buf[16];
	int i;

	for (i = 0; i < 3; i++) {
		if (d->ops->create(d, "other", &spec[i], &n) != 0)
			continue;
		n->ops->readlink(n, buf, sizeof(buf));
		node_put(n);
		d->ops->unlink(d, "other", i == 0);
	}
	for (i = 0; i < 100 && d->ops->readdir(d, &cookie, &e) > 0; i++)
		assert_true(e.name[0] != '\0' && !strchr(e.name, '/'));
	d->ops->statfs(d, &sv);
}

static void
scenario(void)
{
	struct node *root, *n;
	uint64_t pos = 0;
	char buf[16];

	if (p9_mount(FAKE_9P_TAG, false, &root) == 0) {
		use_file(root);
		use_others(root);
		if (root->ops->lookup(root, "f", &n) == 0) {
			n->ops->read(n, buf, sizeof(buf), &pos);
			node_put(n);
		}
		node_put(root);
	}
	assert_int_equal(stub_heap_blocks, 0);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(fake_9p.under_way, 0);
	assert_false(fake_9p.channel.taken);
	assert_true(fake_9p.nfailed <= 1);
}

/* --- false headers, and replies that are cut off --- */

static uint8_t lie_type;
static unsigned told; /* lies so far */
static uint32_t cut;
static unsigned header; /* which of the false ones */

static void
lie_header(uint8_t type, uint8_t *reply, uint32_t *len)
{
	if (type != lie_type)
		return;
	told++;
	if (header == 0)
		reply[5] ^= 1; /* tag */
	else if (header == 1)
		reply[4] += 2; /* type */
	else if (header == 2)
		memcpy(reply, &(uint32_t){*len + 1}, 4);
	else if (header == 3)
		memcpy(reply, &(uint32_t){6}, 4);
	else if (header == 4)
		memcpy(reply, &(uint32_t){UINT32_MAX}, 4);
	else
		*len = 1 << 20;
}

static void
lie_cut(uint8_t type, uint8_t *reply, uint32_t *len)
{
	if (type != lie_type || *len <= cut)
		return;
	told++;
	*len = cut;
	memcpy(reply, &cut, 4);
}

static void
lie_cut_short(uint8_t type, uint8_t *reply, uint32_t *len)
{
	(void)reply;
	if (type != lie_type || *len <= cut)
		return;
	told++;
	*len = cut; /* the header promises more */
}

/* Each request, and the bytes of its reply that are looked at. */
static const struct {
	uint8_t type;
	uint32_t len;
} kinds[] = {
    {P9_TVERSION, 11 + 10},
    {P9_TATTACH, 7 + 13},
    {P9_TWALK, 7 + 2},
    {P9_TCLUNK, 7},
    {P9_TLOPEN, 7 + 17},
    {P9_TLCREATE, 7 + 17},
    {P9_TREAD, 11 + 4},
    {P9_TWRITE, 11},
    {P9_TGETATTR, 7 + 8 + 13 + 52 + 48},
    {P9_TSETATTR, 7},
    {P9_TREADDIR, 11 + 24},
    {P9_TREADLINK, 7 + 2 + 6},
    {P9_TMKDIR, 7},
    {P9_TSYMLINK, 7},
    {P9_TMKNOD, 7},
    {P9_TLINK, 7},
    {P9_TRENAMEAT, 7},
    {P9_TUNLINKAT, 7},
    {P9_TFSYNC, 7},
    {P9_TSTATFS, 7 + 60},
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
lied(void (*lie)(uint8_t, uint8_t *, uint32_t *))
{
	fake_9p_reset();
	fake_9p.lie = lie;
	told = 0;
	scenario();
	assert_int_equal(told, 1); /* nothing more was asked for */
	/* One that cannot even say its version is let go as it is. */
	assert_int_equal(fake_9p.nfailed,
	    lie_type == P9_TVERSION && lie == lie_cut && cut >= 7 ? 0 : 1);
}

static void
test_headers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NKINDS; i++) {
		lie_type = kinds[i].type;
		for (header = 0; header < 6; header++)
			lied(lie_header);
	}
	fake_9p_reset();
}

static void
test_cut(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NKINDS; i++) {
		lie_type = kinds[i].type;
		for (cut = 0; cut < kinds[i].len; cut++) {
			lied(lie_cut_short);
			lied(lie_cut);
		}
	}
	fake_9p_reset();
}

/* --- values --- */

static uint32_t at, value_len;
static uint64_t value;

static void
lie_value(uint8_t type, uint8_t *reply, uint32_t *len)
{
	if (type != lie_type)
		return;
	told++;
	memcpy(reply + at, &value, value_len);
	if (*len < at + value_len) {
		*len = at + value_len;
		memcpy(reply, len, 4);
	}
}

static void
values(uint8_t type, uint32_t off, uint64_t v, uint32_t len)
{
	fake_9p_reset();
	fake_9p.lie = lie_value;
	lie_type = type;
	at = off;
	value = v;
	value_len = len;
	told = 0;
	scenario();
	assert_true(told > 0);
}

/* The channel is broken off. */
static void
test_impossible(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t at;
		uint64_t value;
		uint32_t len;
	} lie[] = {
	    {P9_TWALK, 7, 2, 2}, /* qids of two names */
	    {P9_TWALK, 7, 0xffff, 2},
	    {P9_TREAD, 7, 17, 4}, /* more than was asked for */
	    {P9_TREAD, 7, UINT32_MAX, 4}, {P9_TREAD, 7, 5, 4}, /* than came */
	    {P9_TWRITE, 7, 5, 4}, {P9_TWRITE, 7, UINT32_MAX, 4},
	    {P9_TGETATTR, 56, 1ULL << 63, 8}, /* size */
	    {P9_TREADDIR, 7, UINT32_MAX, 4}, {P9_TREADDIR, 7, 1 << 20, 4},
	    {P9_TREADDIR, 33, 0, 2},   /* an empty name */
	    {P9_TREADDIR, 33, 256, 2}, /* too long */
	    {P9_TREADDIR, 33, 0xffff, 2}, {P9_TREADDIR, 35, '/', 1},
	    {P9_TREADDIR, 35, 0, 1}, /* a NUL in it */
	    {P9_TREADLINK, 7, 0xffff, 2}, {P9_TREADLINK, 7, 7, 2},
	    {P9_TREADLINK, 10, 0, 1}, /* a NUL in it */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		values(lie[i].type, lie[i].at, lie[i].value, lie[i].len);
		assert_int_equal(fake_9p.nfailed, 1);
	}
	fake_9p_reset();
}

/* Odd, but it may be so. */
static void
test_odd(void **state)
{
	(void)state;
	values(P9_TWALK, 7, 0, 2); /* did not get there */
	values(P9_TREAD, 7, 0, 4); /* nothing */
	values(P9_TWRITE, 7, 0, 4);
	values(P9_TLOPEN, 20, 1, 4); /* iounit */
	values(P9_TLOPEN, 20, UINT32_MAX, 4);
	values(P9_TLCREATE, 20, 3, 4);
	values(P9_TWALK, 10, 1, 8);    /* qid: all is the root */
	values(P9_TWALK, 9, 0x80, 1);  /* all is a directory */
	values(P9_TGETATTR, 28, 0, 4); /* no type at all */
	values(P9_TGETATTR, 28, 0040755, 4);
	values(P9_TGETATTR, 40, UINT64_MAX, 8); /* links */
	values(P9_TREADDIR, 24, 0, 8);          /* an offset that leads back */
	values(P9_TREADLINK, 7, 0, 2);
	values(P9_TREADLINK, 7, 1, 2);
	values(P9_TSTATFS, 63, UINT32_MAX, 4);
	assert_int_equal(fake_9p.nfailed, 0);
	fake_9p_reset();
}

static void
dots(uint8_t type, uint8_t *reply, uint32_t *len)
{
	static const uint8_t dot[] = {0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	    9, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, '.'};
	uint32_t n = sizeof(dot);

	if (type != P9_TREADDIR)
		return;
	*len = 11 + n;
	memcpy(reply, len, 4);
	memcpy(reply + 7, &n, 4);
	memcpy(reply + 11, dot, n);
}

/* A directory of nothing but dots does not keep us for ever. */
static void
test_dots(void **state)
{
	(void)state;
	fake_9p_reset();
	fake_9p.lie = dots;
	scenario();
	assert_int_equal(fake_9p.nfailed, 1);
	fake_9p_reset();
}

static int
mounted_with(uint8_t type, uint32_t off, uint64_t v, uint32_t len)
{
	struct node *root;
	int err;

	fake_9p_reset();
	fake_9p.lie = lie_value;
	lie_type = type;
	at = off;
	value = v;
	value_len = len;
	err = p9_mount(FAKE_9P_TAG, false, &root);
	if (err == 0)
		node_put(root);
	assert_int_equal(stub_heap_blocks, 0);
	assert_false(fake_9p.channel.taken);
	fake_9p_reset();
	return err;
}

static void
test_mount(void **state)
{
	(void)state;
	assert_int_equal(mounted_with(P9_TVERSION, 7, 0, 4), -EPROTO);
	assert_int_equal(
	    mounted_with(P9_TVERSION, 7, P9_MSIZE_MIN - 1, 4), -EPROTO);
	assert_int_equal(mounted_with(P9_TVERSION, 7, P9_MSIZE_MIN, 4), 0);
	assert_int_equal(
	    mounted_with(P9_TVERSION, 7, P9_MSIZE + 1, 4), -EPROTO);
	assert_int_equal(mounted_with(P9_TVERSION, 20, 'u', 1), -EPROTO);
	assert_int_equal(mounted_with(P9_TVERSION, 11, 0xffff, 2), -EPROTO);
	assert_int_equal(mounted_with(P9_TATTACH, 7, 0, 1), -ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_impossible),
	    cmocka_unit_test(test_odd),
	    cmocka_unit_test(test_dots),
	    cmocka_unit_test(test_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
