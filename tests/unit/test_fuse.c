/* SPDX-License-Identifier: ISC */
/*
 * The client of FUSE and an honest server: versions, lookups counted and
 * forgotten, several requests in flight, handles, entries.
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

#include "libc-shim/mount.h"
#include "tests/unit/fuse_server.h"
#include "tests/unit/kernel_stub.h"

/* --- mounting --- */

static void
test_mount(void **state)
{
	struct node *other;

	(void)state;
	assert_int_equal(fuse_mount("gat", false, &other), -ENODEV);
	assert_int_equal(fuse_mount("tag", false, &other), -EBUSY);
	assert_true(S_ISDIR(server_root->type) && server_count[FUSE_INIT] == 1);
}

static int
mount_again(uint32_t major, uint32_t minor, uint32_t write, uint16_t pages)
{
	struct node *other;
	int err;

	fake_fs.taken = false;
	server_init.major = major;
	server_init.minor = minor;
	server_init.max_write = write;
	server_init.max_pages = pages;
	err = fuse_mount("tag", false, &other);
	if (err == 0)
		node_put(other);
	server_count[FUSE_DESTROY] = 0;
	fake_fs.taken = true;
	return err;
}

static void
test_versions(void **state)
{
	(void)state;
	assert_int_equal(mount_again(7, 27, 4096, 1), 0);
	assert_int_equal(mount_again(7, 99, UINT32_MAX, UINT16_MAX), 0);
	assert_int_equal(mount_again(6, 31, 4096, 1), -EPROTO);
	assert_int_equal(mount_again(8, 31, 4096, 1), -EPROTO);
	assert_int_equal(mount_again(7, 26, 4096, 1), -EPROTO);
	assert_int_equal(mount_again(7, 31, 4095, 1), -EPROTO);
	assert_int_equal(mount_again(7, 31, 4096, 0), -EPROTO);
}

/* --- server_lookups --- */

static void
test_counting(void **state)
{
	struct node *a = server_look_up("f5"), *b = server_look_up("f5"), *up;

	(void)state;
	assert_ptr_equal(a, b);
	assert_int_equal(server_lookups[5], 2);
	node_put(a);
	node_put(b);
	a = server_look_up("d100");
	assert_int_equal(a->ops->lookup(a, "f5", &b), 0);
	assert_int_equal(a->ops->lookup(a, "..", &up), 0);
	assert_ptr_equal(up, server_root);
	node_put(up);
	assert_int_equal(a->ops->lookup(a, "d101", &up), 0);
	node_put(a); /* its directory keeps it */
	assert_int_equal(up->ops->lookup(up, "..", &a), 0);
	assert_int_equal(fuse_node_of(a)->id, 100);
	node_put(a);
	node_put(b);
	node_put(up);
	assert_int_equal(server_look_up_error("none"), -ENOENT);
	assert_int_equal(server_look_up_error("other"), -ENOENT);
}

static void
test_forgetting_many(void **state)
{
	char name[8];
	unsigned i;

	(void)state;
	for (i = 2; i < 90; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		node_put(server_look_up(name));
	}
	assert_int_equal(server_count[FUSE_BATCH_FORGET], 1);
	assert_int_equal(server_forgotten, 64);
}

static void
test_forgetting_the_removed(void **state)
{
	struct node *n = server_look_up("f3");

	(void)state;
	node_put(server_look_up("f4"));
	assert_int_equal(server_lookups[4], 1);
	assert_int_equal(server_root->ops->unlink(server_root, "f3", false), 0);
	node_put(n);
	assert_int_equal(server_lookups[3], 0);
	assert_int_equal(server_lookups[4], 0);
}

/* EIO is for a name that is there. */
static void
test_removing_what_has_gone(void **state)
{
	const struct fs_ops *ops = server_root->ops;

	(void)state;
	assert_int_equal(ops->unlink(server_root, "none", false), -ENOENT);
	assert_int_equal(ops->unlink(server_root, "f66", false), -EIO);
	assert_int_equal(
	    ops->rename(server_root, "none", server_root, "f5"), -ENOENT);
}

static void
test_no_memory(void **state)
{
	(void)state;
	stub_heap_countdown = 0;
	assert_int_equal(server_look_up_error("f5"), -ENOMEM);
	stub_heap_countdown = -1;
}

static void
test_moved_directory(void **state)
{
	struct node *a = server_look_up("d100"), *b, *up;

	(void)state;
	b = server_look_up("d101");
	assert_int_equal(a->ops->rename(server_root, "d101", a, "d101"), 0);
	assert_int_equal(b->ops->lookup(b, "..", &up), 0);
	assert_ptr_equal(up, a);
	node_put(up);
	node_put(a);
	node_put(b);
}

static void
test_believed_names(void **state)
{
	struct node *a, *b, *c;

	(void)state;
	server_valid = UINT64_MAX;
	node_put(server_look_up("d100"));
	a = server_look_up("d100");
	node_put(server_look_up("f5"));
	node_put(server_look_up("f5"));
	assert_int_equal(server_count[FUSE_LOOKUP], 3);
	assert_int_equal(a->ops->lookup(a, "d101", &b), 0);
	c = server_look_up("d103");
	assert_int_equal(server_count[FUSE_LOOKUP], 5);
	node_put(c);
	node_put(b);
	assert_int_equal(a->ops->rename(a, "d101", a, "d102"), 0);
	assert_int_equal(a->ops->lookup(a, "d101", &b), 0);
	assert_int_equal(server_count[FUSE_LOOKUP], 6);
	node_put(b);
	assert_int_equal(a->ops->unlink(a, "d101", true), 0);
	assert_int_equal(server_lookups[101], 0);
	node_put(a);
	assert_int_equal(server_lookups[100], 1);
	assert_int_equal(
	    server_root->ops->unlink(server_root, "d100", true), 0);
	assert_int_equal(server_lookups[100], 0);
	node_put(server_look_up("d100"));
	assert_int_equal(server_count[FUSE_LOOKUP], 7);
}

/* --- data --- */

static uint8_t buf[SERVER_FILE + 100];

static void
test_reading(void **state)
{
	struct node *n = server_file_of(SERVER_FILE);
	uint64_t pos = 0;

	(void)state;
	assert_int_equal(
	    n->ops->read(n, buf, SERVER_FILE + 1, &pos), SERVER_FILE);
	assert_memory_equal(buf, server_data, SERVER_FILE);
	assert_int_equal(pos, SERVER_FILE);
	assert_int_equal(fake_in_flight_max, FUSE_WINDOW);
	assert_int_equal(server_count[FUSE_READ], 13);
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), 0);
	assert_int_equal(server_count[FUSE_READ], 14);
	pos = 1000001;
	assert_int_equal(n->ops->read(n, buf, 300000, &pos), 300000);
	assert_memory_equal(buf, server_data + 1000001, 300000);
	pos = UINT64_MAX - 5;
	assert_int_equal(n->ops->read(n, buf, 10, &pos), 0);
	server_fail_at = 1 << 20; /* what is before it counts */
	pos = 10;
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), 786432);
	assert_int_equal(pos, 786442);
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), -ENOSPC);
	node_put(n);
}

/* Somebody else lets a file grow, or cuts it. */
static void
test_size_is_a_hint(void **state)
{
	struct node *n = server_file_of(10);
	uint64_t pos = 0;

	(void)state;
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), 10);
	assert_int_equal(server_count[FUSE_READ], 1);
	server_data_len = SERVER_FILE;
	pos = 0;
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), SERVER_FILE);
	assert_memory_equal(buf, server_data, SERVER_FILE);
	assert_int_equal(n->ops->size(n), SERVER_FILE);
	server_data_len = 300000;
	pos = 0;
	assert_int_equal(n->ops->read(n, buf, SERVER_FILE, &pos), 300000);
	node_put(n);
}

static void
test_writing(void **state)
{
	struct node *n;
	uint64_t pos = 5;

	(void)state;
	assert_int_equal(server_make("f7", S_IFREG | 0600, &n), 0);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(n->ops->write(n, buf, 1 << 20, &pos), 1 << 20);
	assert_int_equal(server_count[FUSE_WRITE], 4);
	assert_int_equal(fake_in_flight_max, FUSE_WINDOW);
	assert_int_equal(server_data_len, (1 << 20) + 5);
	pos = FILE_END;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), 3);
	assert_int_equal(pos, (1 << 20) + 8);
	assert_memory_equal(server_data + server_data_len - 4, "xend", 4);
	pos = INT64_MAX;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), -EFBIG);
	assert_int_equal(n->ops->write(n, "end", 0, &pos), 0);
	assert_int_equal(n->ops->sync(n), 0); /* it has none: all is there */
	assert_int_equal(server_count[FUSE_OPEN], 0);
	fake_full = true;
	pos = 0;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), -ETIMEDOUT);
	fake_full = false;
	node_put(n);
}

static void
test_handles(void **state)
{
	struct node *n = server_look_up("f7");

	(void)state;
	assert_int_equal(n->ops->open(n, O_RDONLY), 0);
	assert_int_equal(n->ops->open(n, O_RDONLY), 0);
	assert_int_equal(server_handles, 1);
	assert_int_equal(n->ops->open(n, O_RDWR), 0);
	assert_int_equal(server_handles, 2);
	node_put(n);
	assert_int_equal(server_handles, 0);
	n = server_look_up("f8");
	assert_int_equal(n->ops->open(n, O_RDWR), 0);
	assert_int_equal(server_handles, 1);
	node_put(n);
}

/* --- entries of a directory --- */

static void
test_listing(void **state)
{
	struct vfs_entry e;
	uint64_t cookie = 2;

	(void)state;
	server_list_add(".", 1, 1);
	server_list_add("one", 3, 0x7fffffffffffffff);
	server_list_add("..", 2, 2);
	server_list_add("two", 3, 17);
	assert_int_equal(
	    server_root->ops->readdir(server_root, &cookie, &e), 1);
	assert_string_equal(e.name, "one");
	assert_true(e.type == S_IFREG && cookie == 0x8000000000000001);
	assert_int_equal(
	    server_root->ops->readdir(server_root, &cookie, &e), 1);
	assert_string_equal(e.name, "two");
	assert_int_equal(
	    server_root->ops->readdir(server_root, &cookie, &e), 0);
	assert_int_equal(server_count[FUSE_READDIR], 2);
	cookie = 2;
	assert_int_equal(
	    server_root->ops->readdir(server_root, &cookie, &e), 1);
	assert_string_equal(e.name, "one");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVER_TEST(test_mount),
	    SERVER_TEST(test_versions),
	    SERVER_TEST(test_counting),
	    SERVER_TEST(test_forgetting_many),
	    SERVER_TEST(test_forgetting_the_removed),
	    SERVER_TEST(test_removing_what_has_gone),
	    SERVER_TEST(test_no_memory),
	    SERVER_TEST(test_moved_directory),
	    SERVER_TEST(test_believed_names),
	    SERVER_TEST(test_reading),
	    SERVER_TEST(test_size_is_a_hint),
	    SERVER_TEST(test_writing),
	    SERVER_TEST(test_handles),
	    SERVER_TEST(test_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
