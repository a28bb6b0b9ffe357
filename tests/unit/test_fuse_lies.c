/* SPDX-License-Identifier: ISC */
/*
 * The client of FUSE and a server that lies: each reply that cannot be gives
 * EIO; one that is no reply at all ends the use of the device.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/kernel_stub.c tests/unit/fake_fuse.c libc-shim/fuse.c */
/* LINK: libc-shim/fuse_node.c libc-shim/fuse_file.c libc-shim/fuse_wire.c */
/* LINK: libc-shim/linux_abi.c libc-shim/sleeplock.c libc-shim/vfs.c */
/* LINK: libc-shim/fuse_dirs.c */
/* LINK: tests/unit/fuse_server.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fuse_server.h"
#include "tests/unit/kernel_stub.h"

/* --- entries that cannot be --- */

static void
odd_entry(uint64_t id, mode_t mode)
{
	server_entry.nodeid = id;
	server_entry.attr.mode = mode;
}

static void
test_odd_entries(void **state)
{
	struct node *n;

	(void)state;
	odd_entry(FUSE_ROOT_ID, S_IFDIR);
	assert_int_equal(server_look_up_error("odd"), -EIO);
	server_lookups[FUSE_ROOT_ID] = 0; /* which is never forgotten */
	odd_entry(9, 0);
	assert_int_equal(server_look_up_error("odd"), -EIO);
	odd_entry(9, 0170000);
	assert_int_equal(server_look_up_error("odd"), -EIO);
	odd_entry(9, S_IFDIR);
	assert_int_equal(server_make("odd", S_IFREG, &n), -EIO);
	odd_entry(9, S_IFREG);
	assert_int_equal(server_make("odd", S_IFDIR, &n), -EIO);
	n = server_look_up("f9");
	odd_entry(9, S_IFDIR); /* what was a file before */
	assert_int_equal(server_look_up_error("odd"), -EIO);
	odd_entry(10, S_IFREG); /* a link to another file */
	assert_int_equal(server_root->ops->link(server_root, "odd", n), -EIO);
	node_put(n);
	assert_false(fake_fs.vd->broken);
	server_entry.nodeid = 0;
	assert_int_equal(server_make("odd", S_IFDIR, &n), -EIO);
	assert_true(fake_fs.vd->broken);
}

static void
test_own_parent(void **state)
{
	struct node *d = server_look_up("d100"), *n;

	(void)state;
	odd_entry(100, S_IFDIR);
	assert_int_equal(d->ops->lookup(d, "odd", &n), -EIO);
	node_put(d);
}

static void
test_odd_attributes(void **state)
{
	struct node *n = server_look_up("f9");
	struct stat st;

	(void)state;
	server_odd = (struct fuse_attr){
	    .mode = S_IFREG, .nlink = 70000, .blksize = UINT32_MAX};
	assert_int_equal(n->ops->getattr(n, &st), 0);
	assert_true(st.st_nlink == UINT16_MAX && st.st_blksize == PAGE_SIZE);
	server_odd.size = 1ULL << 63;
	assert_int_equal(n->ops->getattr(n, &st), -EIO);
	assert_int_equal(n->ops->size(n), -EIO);
	server_odd.size = 0;
	server_odd.mtimensec = 1000000000;
	assert_int_equal(n->ops->getattr(n, &st), -EIO);
	server_odd.mtimensec = 0;
	server_odd.mode = S_IFLNK;
	assert_int_equal(n->ops->getattr(n, &st), -EIO);
	node_put(n);
	assert_false(fake_fs.vd->broken);
}

/* --- replies that cannot be --- */

static int lie;

static void
tell(const struct fuse_in_header *in, struct fake_reply *r, size_t max)
{
	if (in->opcode != FUSE_GETATTR)
		return;
	switch (lie) {
	case 0:
		r->h.unique++;
		break;
	case 1:
		r->written = 15;
		break;
	case 2:
		r->h.len = 15;
		break;
	case 3:
		r->h.len++;
		break;
	case 4:
		r->h.error = 1;
		r->h.len = r->written = 16;
		break;
	case 5:
		r->h.error = -512;
		r->h.len = r->written = 16;
		break;
	case 6:
		r->h.error = -5; /* and data */
		break;
	case 7:
		r->h.len--;
		break;
	case 8:
		r->h.len = r->written = 16;
		break;
	case 9:
		r->h.len = UINT32_MAX;
		break;
	case 10:
		r->h.error = INT32_MIN;
		r->h.len = r->written = 16;
		break;
	case 11:
		r->written = 0;
		break;
	default: /* no lies: */
		r->h.error = -511;
		r->h.len = 16;
		r->written = (uint32_t)max; /* more than it says is fine */
		break;
	}
}

static void
test_lies(void **state)
{
	struct node *n = server_look_up("f5");
	struct stat st;

	(void)state;
	fake_lie = tell;
	for (lie = 12; lie >= 0; lie--) {
		assert_int_equal(n->ops->getattr(n, &st), -EIO);
		assert_int_equal(fake_fs.vd->broken, lie < 12);
		fake_fs.vd->broken = false;
	}
	fake_lie = NULL;
	node_put(n);
}

static void
wrote_other(const struct fuse_in_header *in, struct fake_reply *r, size_t max)
{
	(void)max;
	if (in->opcode == FUSE_WRITE)
		r->body[0] = (uint8_t)lie;
}

static void
test_wrote_other(void **state)
{
	struct node *n = server_file_of(0);
	uint64_t pos = 0;

	(void)state;
	fake_lie = wrote_other;
	lie = 2;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), 2);
	lie = 0;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), -EIO);
	assert_true(!fake_fs.vd->broken && pos == 2);
	lie = 4;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), -EIO);
	assert_true(fake_fs.vd->broken && pos == 2);
	node_put(n);
}

static void
bad_list(void)
{
	struct vfs_entry e;
	uint64_t cookie = 2;

	assert_int_equal(
	    server_root->ops->readdir(server_root, &cookie, &e), -EIO);
	assert_true(fake_fs.vd->broken);
	fake_fs.vd->broken = false;
	server_list_len = 0;
}

static void
test_bad_lists(void **state)
{
	static char name[256];

	(void)state;
	memset(name, 'n', sizeof(name));
	server_list_add("a/b", 3, 1);
	bad_list();
	server_list_add("a\0b", 3, 1);
	bad_list();
	server_list_add("", 0, 1);
	bad_list();
	server_list_add(name, 256, 1);
	bad_list();
	server_list_add("a", 1, UINT64_MAX);
	bad_list();
	server_list_add("abcdefghij", 10, 1);
	server_list_len -= 8; /* cut off */
	bad_list();
	server_list_len = 23;
	bad_list();
	server_list_add(".", 1, 0); /* for ever */
	bad_list();
}

static void
long_answer(const struct fuse_in_header *in, struct fake_reply *r, size_t max)
{
	if (in->opcode != FUSE_READLINK)
		return;
	memset(r->body, lie == 0 ? 0 : 'x', max - 16);
	r->h.len = r->written = (uint32_t)max;
}

static void
test_targets(void **state)
{
	struct node *n;
	char target[5000];

	(void)state;
	odd_entry(9, S_IFLNK);
	n = server_look_up("odd");
	assert_int_equal(n->ops->readlink(n, target, 4), 4);
	assert_int_equal(n->ops->readlink(n, target, 5000), 6);
	assert_memory_equal(target, "target", 6);
	fake_lie = long_answer;
	lie = 1;
	assert_int_equal(n->ops->readlink(n, target, 5000), 4096);
	lie = 0;
	assert_int_equal(n->ops->readlink(n, target, 5000), -EIO);
	node_put(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVER_TEST(test_odd_entries),
	    SERVER_TEST(test_own_parent),
	    SERVER_TEST(test_odd_attributes),
	    SERVER_TEST(test_lies),
	    SERVER_TEST(test_wrote_other),
	    SERVER_TEST(test_bad_lists),
	    SERVER_TEST(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
