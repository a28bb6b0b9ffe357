/* SPDX-License-Identifier: ISC */
/*
 * From paths to nodes and back, POSIX.1-2017 4.13: dots, slashes, symbolic
 * links, limits, mounts; and opening files by path.
 */
/* LINK: tests/unit/kernel_stub.c libc-shim/walk.c libc-shim/vfs.c */
/* LINK: libc-shim/vfs_file.c libc-shim/file.c libc-shim/ramfs.c */
/* LINK: libc-shim/ramfs_node.c libc-shim/pagetree.c libc-shim/sleeplock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "libc-shim/device.h"
#include "libc-shim/ramfs.h"
#include "tests/unit/kernel_stub.h"

static struct node *root;

struct node *
root_make(void)
{
	return ramfs_make();
}

void
root_fill(struct node *n)
{
	(void)n;
}

int
device_open(mode_t type, dev_t number, int flags, struct file **out)
{
	(void)type, (void)number, (void)flags, (void)out;
	return -ENXIO;
}

static void
make(const char *path, mode_t mode, const char *target)
{
	struct node_spec spec = {mode, 0, target};
	struct node *n;
	struct walk w;

	assert_int_equal(walk_path(root, path, 0, &w), 0);
	assert_int_equal(w.dir->ops->create(w.dir, w.name, &spec, &n), 0);
	walk_end(&w);
	node_put(n);
}

/* /d/e/f, /d/up -> .., /abs -> /d/e, /loop -> loop, /dangling -> d/none,
 * /chain0 -> chain1 -> ... -> chain39 -> d */
static int
setup(void **state)
{
	char name[32], target[32];
	int i;

	(void)state;
	root = vfs_root();
	make("d", S_IFDIR | 0755, NULL);
	make("/d/e/", S_IFDIR | 0755, NULL);
	make("d//e/./f", S_IFREG | 0644, NULL);
	make("d/up", S_IFLNK, "..");
	make("abs", S_IFLNK, "/d/e");
	make("loop", S_IFLNK, "loop");
	make("dangling", S_IFLNK, "d/none");
	make("toroot", S_IFLNK, "/");
	for (i = 0; i < 41; i++) {
		sprintf(name, "chain%d", i);
		sprintf(target, i < 40 ? "chain%d" : "d", i + 1);
		make(name, S_IFLNK, target);
	}
	return 0;
}

static uint64_t
ino(const char *path, unsigned how)
{
	struct node *n;
	struct stat st;

	if (walk_node(root, path, how, &n) != 0)
		return 0;
	n->ops->getattr(n, &st);
	node_put(n);
	return st.st_ino;
}

static int
walk_error(const char *path)
{
	struct node *n;
	int err = walk_node(root, path, WALK_FOLLOW, &n);

	if (err == 0)
		node_put(n);
	return err;
}

static void
test_dots_and_slashes(void **state)
{
	uint64_t f = ino("/d/e/f", 0), d = ino("d", 0), r = ino("/", 0);

	(void)state;
	assert_true(f != 0 && d != 0 && r != 0);
	assert_int_equal(ino("///", 0), r);
	assert_int_equal(ino(".", 0), r);
	assert_int_equal(ino("..", 0), r);
	assert_int_equal(ino("/../../d", 0), d);
	assert_int_equal(ino("d/e/../e/./../e/f", 0), f);
	assert_int_equal(ino("d/", 0), d);
	assert_int_equal(ino("d//.", 0), d);
	assert_int_equal(walk_error(""), -ENOENT);
	assert_int_equal(walk_error("d/e/f/"), -ENOTDIR);
	assert_int_equal(walk_error("d/e/f/."), -ENOTDIR);
	assert_int_equal(walk_error("d/e/f/.."), -ENOTDIR);
	assert_int_equal(walk_error("none/f"), -ENOENT);
	assert_int_equal(walk_error("d/none"), -ENOENT);
}

static void
test_symbolic_links(void **state)
{
	uint64_t f = ino("/d/e/f", 0), e = ino("d/e", 0), d = ino("d", 0);

	(void)state;
	assert_int_equal(ino("abs/f", 0), f);
	assert_int_equal(ino("abs", WALK_FOLLOW), e);
	assert_int_not_equal(ino("abs", 0), e);
	assert_int_equal(ino("abs/", 0), e);
	assert_int_equal(ino("d/up/d/up/d", 0), d);
	assert_int_equal(ino("toroot/d/up", WALK_FOLLOW), ino("/", 0));
	assert_int_equal(ino("toroot", WALK_FOLLOW), ino("/", 0));
	assert_int_equal(walk_error("loop"), -ELOOP);
	assert_int_equal(walk_error("loop/x"), -ELOOP);
	assert_int_equal(walk_error("dangling"), -ENOENT);
	assert_int_equal(ino("chain1/e/f", 0), f);
	assert_int_equal(walk_error("chain0/e/f"), -ELOOP);
}

static void
test_limits(void **state)
{
	char path[VFS_PATH_MAX + 8];
	size_t i;

	(void)state;
	memset(path, 'n', sizeof(path));
	path[VFS_NAME_MAX] = '\0';
	assert_int_equal(walk_error(path), -ENOENT);
	path[VFS_NAME_MAX] = 'n';
	path[VFS_NAME_MAX + 1] = '\0';
	assert_int_equal(walk_error(path), -ENAMETOOLONG);
	for (i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : '.';
	path[VFS_PATH_MAX - 1] = '\0';
	assert_int_equal(walk_error(path), 0);
	path[VFS_PATH_MAX - 1] = '.';
	path[VFS_PATH_MAX] = '\0';
	assert_int_equal(walk_error(path), -ENAMETOOLONG);
}

static void
assert_name(const char *path, const char *name)
{
	char buf[VFS_PATH_MAX], *start;
	struct node *n;

	assert_int_equal(walk_node(root, path, WALK_FOLLOW, &n), 0);
	assert_int_equal(walk_name_of(n, buf, sizeof(buf), &start), 0);
	assert_string_equal(start, name);
	assert_int_equal(walk_name_of(n, buf, strlen(name) + 1, &start), 0);
	assert_int_equal(walk_name_of(n, buf, strlen(name), &start), -ERANGE);
	node_put(n);
}

static void
test_names_of_directories(void **state)
{
	char buf[64], *start;
	struct node *n;

	(void)state;
	assert_name("/", "/");
	assert_name("d/up/d", "/d");
	assert_name("abs", "/d/e");
	make("gone", S_IFDIR | 0755, NULL);
	assert_int_equal(walk_node(root, "gone", 0, &n), 0);
	assert_int_equal(root->ops->unlink(root, "gone", true), 0);
	assert_int_equal(walk_name_of(n, buf, sizeof(buf), &start), -ENOENT);
	node_put(n);
}

static void
test_mount(void **state)
{
	struct node *other = ramfs_make(), *mnt, *n;
	struct node_spec spec = {S_IFDIR | 0755, 0, NULL};
	uint64_t r = ino("/", 0);

	(void)state;
	make("mnt", S_IFDIR | 0755, NULL);
	assert_int_equal(other->ops->create(other, "in", &spec, &n), 0);
	node_put(n);
	assert_int_equal(walk_node(root, "mnt", 0, &mnt), 0);
	assert_int_equal(vfs_mount(mnt, other), 0);
	assert_int_equal(vfs_mount(mnt, other), -EBUSY);
	node_put(mnt);
	assert_true(ino("mnt/in", 0) != 0);
	assert_int_equal(ino("mnt/in/../..", 0), r);
	assert_int_equal(ino("mnt/..", 0), r);
	assert_name("mnt/in", "/mnt/in");
	assert_name("mnt", "/mnt");
	assert_int_equal(root->ops->unlink(root, "mnt", true), -EBUSY);

	n = node_ref(other); /* as who has a file open there */
	assert_int_equal(vfs_unmount(other), -EBUSY);
	node_put(n);
	assert_int_equal(vfs_unmount(other), 0);
	assert_int_equal(vfs_unmount(other), -EINVAL);
	assert_int_equal(walk_node(root, "mnt/in", 0, &n), -ENOENT);
	assert_int_equal(other->ops->unlink(other, "in", true), 0);
	node_put(other);
}

static int
open_error(const char *path, int flags)
{
	struct file *f;
	int err = vfs_open(root, path, flags, 0644, &f);

	if (err == 0)
		file_put(f);
	return err;
}

static void
test_open(void **state)
{
	(void)state;
	assert_int_equal(open_error("none", O_RDONLY), -ENOENT);
	assert_int_equal(open_error("d", O_RDONLY), 0);
	assert_int_equal(open_error("d", O_RDWR), -EISDIR);
	assert_int_equal(open_error("d/e/f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(open_error("abs", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(open_error("new", O_RDWR | O_CREAT | O_EXCL), 0);
	assert_int_equal(open_error("new", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(open_error("new2/", O_RDWR | O_CREAT), -EISDIR);
	assert_int_equal(
	    open_error("dangling", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	/* through a link to nowhere: what it names is made */
	assert_int_equal(open_error("dangling", O_WRONLY | O_CREAT), 0);
	assert_true(ino("d/none", 0) != 0);
}

static void
test_read_write_seek(void **state)
{
	struct file *f, *a;
	char buf[16];

	(void)state;
	assert_int_equal(vfs_open(root, "rw", O_RDWR | O_CREAT, 0644, &f), 0);
	assert_int_equal(vfs_open(root, "rw", O_WRONLY | O_APPEND, 0, &a), 0);
	assert_int_equal(file_write(f, "abc", 3), 3);
	assert_int_equal(file_write(a, "DEF", 3), 3);
	assert_int_equal(file_read(a, buf, 1), -EBADF);
	assert_int_equal(file_seek(f, 0, SEEK_CUR), 3);
	assert_int_equal(file_read(f, buf, 16), 3);
	assert_memory_equal(buf, "DEF", 3);
	assert_int_equal(file_seek(f, -2, SEEK_END), 4);
	assert_int_equal(file_seek(f, -7, SEEK_END), -EINVAL);
	assert_int_equal(file_seek(f, INT64_MAX, SEEK_END), -EOVERFLOW);
	assert_int_equal(file_seek(f, 0, 99), -EINVAL);
	assert_int_equal(file_pread(f, buf, 2, 2), 2);
	assert_memory_equal(buf, "cD", 2);
	assert_int_equal(file_pread(f, buf, 2, -1), -EINVAL);
	assert_int_equal(file_pwrite(f, "x", 1, 0), 1);
	assert_int_equal(file_seek(f, 0, SEEK_CUR), 4);
	file_put(a);
	assert_int_equal(vfs_open(root, "rw", O_RDWR | O_TRUNC, 0, &a), 0);
	assert_int_equal(file_seek(a, 0, SEEK_END), 0);
	file_put(a);
	file_put(f);
}

static void
test_read_directory(void **state)
{
	static const char *const expected[] = {".", "..", "e", "up"};
	struct vfs_entry e;
	struct file *f;
	unsigned i;

	(void)state;
	assert_int_equal(vfs_open(root, "d", O_RDONLY, 0, &f), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(vfs_readdir(f, &e), 1);
		assert_string_equal(e.name, expected[i]);
	}
	assert_int_equal(file_seek(f, 0, SEEK_SET), 0);
	assert_int_equal(vfs_readdir(f, &e), 1);
	assert_string_equal(e.name, ".");
	assert_int_equal(e.ino, ino("d", 0));
	file_put(f);
}

static void
empty(struct node *dir)
{
	struct vfs_entry e;
	struct node *n;
	uint64_t cookie = 2;

	while (dir->ops->readdir(dir, &cookie, &e) > 0) {
		assert_int_equal(dir->ops->lookup(dir, e.name, &n), 0);
		if (n->mounted != NULL) { /* there is no unmount */
			empty(n->mounted);
			node_put(n->mounted);
			n->mounted = NULL;
			node_put(n);
		}
		if (S_ISDIR(n->type))
			empty(n);
		assert_int_equal(
		    dir->ops->unlink(dir, e.name, S_ISDIR(n->type)), 0);
		node_put(n);
	}
}

/* Whatever the tests did, no reference to a node is left. */
static int
teardown(void **state)
{
	(void)state;
	empty(root);
	node_put(root);
	node_put(root);
	return stub_pages != 0 || stub_heap_blocks != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dots_and_slashes),
	    cmocka_unit_test(test_symbolic_links),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_names_of_directories),
	    cmocka_unit_test(test_read_directory),
	    cmocka_unit_test(test_mount),
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_read_write_seek),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
