/* SPDX-License-Identifier: ISC */
/*
 * The memory file system below the path layer: pages of files, names, rename,
 * links, running out of memory.  Afterwards every page and block is back.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/kernel_stub.c libc-shim/ramfs.c libc-shim/ramfs_node.c */
/* LINK: libc-shim/pagetree.c libc-shim/sleeplock.c libc-shim/vfs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "libc-shim/ramfs.h"
#include "tests/unit/kernel_stub.h"

static struct node *root;

static struct node *
make(struct node *dir, const char *name, mode_t mode)
{
	struct node_spec spec = {mode, 0, "target"};
	struct node *n = NULL;

	assert_int_equal(dir->ops->create(dir, name, &spec, &n), 0);
	return n;
}

static int
unlink_name(struct node *dir, const char *name)
{
	return dir->ops->unlink(dir, name, false);
}

static long
put(struct node *n, const void *p, size_t len, uint64_t at)
{
	return n->ops->write(n, p, len, &at);
}

static long
get(struct node *n, void *p, size_t len, uint64_t at)
{
	return n->ops->read(n, p, len, &at);
}

static int
set_size(struct node *n, uint64_t size)
{
	struct node_attr a = {.set = ATTR_SIZE, .size = size};

	return n->ops->setattr(n, &a);
}

static int
setup(void **state)
{
	(void)state;
	root = ramfs_make();
	return root == NULL;
}

/* What the test left is freed, and nothing else was in use. */
static int
teardown(void **state)
{
	(void)state;
	node_put(root);
	return stub_pages != 0 || stub_heap_blocks != 0;
}

static void
test_pagetree_is_sparse(void **state)
{
	static const uint64_t index[] = {
	    0, 1, 511, 512, 262143, 262144, 1UL << 30, 1UL << 50};
	struct pagetree t = {NULL, 0, 0};
	char *page[8];
	unsigned i;

	(void)state;
	for (i = 0; i < 8; i++) {
		page[i] = page_alloc(1);
		assert_null(pagetree_get(&t, index[i]));
		assert_int_equal(pagetree_put(&t, index[i], page[i]), 0);
	}
	for (i = 0; i < 8; i++)
		assert_ptr_equal(pagetree_get(&t, index[i]), page[i]);
	assert_null(pagetree_get(&t, 2));
	assert_null(pagetree_get(&t, UINT64_MAX));
	pagetree_trim(&t, 512);
	assert_int_equal(t.npages, 3);
	assert_ptr_equal(pagetree_get(&t, 511), page[2]);
	assert_null(pagetree_get(&t, 512));
	pagetree_trim(&t, 1);
	assert_ptr_equal(pagetree_get(&t, 0), page[0]);
	pagetree_trim(&t, 0);
	assert_int_equal(t.npages, 0);
	assert_null(t.root);
}

static void
test_data_and_holes(void **state)
{
	struct node *n = make(root, "f", S_IFREG | 0644);
	char buf[64];

	(void)state;
	assert_int_equal(put(n, "hello", 5, 0), 5);
	assert_int_equal(put(n, "world", 5, 10000), 5);
	assert_int_equal(n->ops->size(n), 10005);
	assert_int_equal(get(n, buf, 10, 0), 10);
	assert_memory_equal(buf, "hello\0\0\0\0\0", 10);
	assert_int_equal(get(n, buf, 64, 9998), 7);
	assert_memory_equal(buf, "\0\0world", 7);
	assert_int_equal(get(n, buf, 64, 10005), 0);
	assert_int_equal(put(n, "!", 1, FILE_END), 1);
	assert_int_equal(n->ops->size(n), 10006);
	/* above 4 GiB, with a hole of that size */
	assert_int_equal(put(n, "far", 3, 6UL << 30), 3);
	assert_int_equal(get(n, buf, 64, 6UL << 30), 3);
	assert_memory_equal(buf, "far", 3);
	assert_int_equal(put(n, "x", 1, INT64_MAX), -EFBIG);
	node_put(n);
	assert_int_equal(unlink_name(root, "f"), 0);
}

/* Shrinking and growing shows zeros, not what was there. */
static void
test_truncate(void **state)
{
	struct node *n = make(root, "f", S_IFREG | 0644);
	char block[9000], buf[9000];

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(put(n, block, sizeof(block), 0), sizeof(block));
	assert_int_equal(stub_pages, 4); /* three, and their table */
	assert_int_equal(set_size(n, 5), 0);
	assert_int_equal(stub_pages, 2);
	assert_int_equal(set_size(n, 9000), 0);
	assert_int_equal(get(n, buf, sizeof(buf), 0), 9000);
	memset(block + 5, 0, sizeof(block) - 5);
	assert_memory_equal(buf, block, sizeof(buf));
	node_put(n);
	assert_int_equal(unlink_name(root, "f"), 0);
}

static void
test_origin_is_copied_on_write(void **state)
{
	char origin[9000], buf[9000], kept[9000];
	struct node *n = make(root, "f", S_IFREG | 0644);

	(void)state;
	memset(origin, 'o', sizeof(origin));
	memcpy(kept, origin, sizeof(kept));
	ramfs_set_data(n, origin, sizeof(origin));
	assert_int_equal(stub_pages, 0);
	assert_int_equal(get(n, buf, sizeof(buf), 0), 9000);
	assert_memory_equal(buf, origin, 9000);
	assert_int_equal(put(n, "NEW", 3, 4100), 3);
	assert_memory_equal(origin, kept, 9000);
	memcpy(kept + 4100, "NEW", 3);
	assert_int_equal(get(n, buf, sizeof(buf), 0), 9000);
	assert_memory_equal(buf, kept, 9000);
	assert_int_equal(set_size(n, 8500), 0);
	assert_int_equal(set_size(n, 9000), 0);
	memset(kept + 8500, 0, 500);
	assert_int_equal(get(n, buf, sizeof(buf), 0), 9000);
	assert_memory_equal(buf, kept, 9000);
	node_put(n);
	assert_int_equal(unlink_name(root, "f"), 0);
}

/* An unlinked file lives on while it is open. */
static void
test_unlinked_but_open(void **state)
{
	struct node *n = make(root, "f", S_IFREG | 0644), *found;
	struct stat st;
	char c;

	(void)state;
	assert_int_equal(unlink_name(root, "f"), 0);
	assert_int_equal(root->ops->lookup(root, "f", &found), -ENOENT);
	assert_int_equal(put(n, "y", 1, 0), 1);
	assert_int_equal(get(n, &c, 1, 0), 1);
	n->ops->getattr(n, &st);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(root->ops->link(root, "again", n), -ENOENT);
	node_put(n);
	assert_int_equal(stub_pages, 0);
}

static void
test_hard_links(void **state)
{
	struct node *n = make(root, "a", S_IFREG | 0644), *b;
	struct node *d = make(root, "d", S_IFDIR | 0755);
	struct stat st;

	(void)state;
	assert_int_equal(root->ops->link(d, "b", n), 0);
	assert_int_equal(root->ops->link(d, "b", n), -EEXIST);
	assert_int_equal(root->ops->link(root, "e", d), -EPERM);
	assert_int_equal(root->ops->lookup(d, "b", &b), 0);
	assert_ptr_equal(b, n);
	n->ops->getattr(n, &st);
	assert_int_equal(st.st_nlink, 2);
	node_put(b);
	node_put(n);
	assert_int_equal(unlink_name(root, "a"), 0);
	assert_int_equal(root->ops->lookup(d, "b", &b), 0);
	node_put(b);
	assert_int_equal(unlink_name(d, "b"), 0);
	node_put(d);
	assert_int_equal(root->ops->unlink(root, "d", true), 0);
}

static void
test_directories(void **state)
{
	struct node *d = make(root, "d", S_IFDIR | 0755), *sub, *up;
	struct node_spec spec = {S_IFREG | 0644, 0, NULL};
	struct stat st;

	(void)state;
	sub = make(d, "sub", S_IFDIR | 0755);
	d->ops->getattr(d, &st);
	assert_int_equal(st.st_nlink, 3);
	assert_int_equal(sub->ops->lookup(sub, "..", &up), 0);
	assert_ptr_equal(up, d);
	node_put(up);
	assert_int_equal(root->ops->unlink(root, "d", true), -ENOTEMPTY);
	assert_int_equal(unlink_name(root, "d"), -EISDIR);
	assert_int_equal(d->ops->unlink(d, "sub", true), 0);
	assert_int_equal(root->ops->unlink(root, "d", true), 0);
	/* removed but open: empty, and nothing can be made in it */
	assert_int_equal(d->ops->create(d, "x", &spec, &up), -ENOENT);
	assert_int_equal(d->ops->lookup(d, "..", &up), -ENOENT);
	node_put(sub);
	node_put(d);
}

static int
rename_name(
    struct node *from, const char *old, struct node *to, const char *new)
{
	return from->ops->rename(from, old, to, new);
}

static void
test_rename(void **state)
{
	struct node *a = make(root, "a", S_IFDIR | 0755);
	struct node *b = make(a, "b", S_IFDIR | 0755);
	struct node *f = make(root, "f", S_IFREG | 0644);
	struct node *g = make(root, "g", S_IFREG | 0644), *up;
	struct stat st;

	(void)state;
	assert_int_equal(rename_name(root, "none", root, "x"), -ENOENT);
	assert_int_equal(rename_name(root, "a", b, "c"), -EINVAL);
	assert_int_equal(rename_name(root, "a", a, "c"), -EINVAL);
	assert_int_equal(rename_name(root, "f", root, "a"), -EISDIR);
	assert_int_equal(rename_name(root, "a", root, "f"), -ENOTDIR);
	assert_int_equal(rename_name(a, "b", root, "a"), -ENOTEMPTY);
	assert_int_equal(rename_name(root, "f", root, "f"), 0);
	/* over another file, which goes */
	assert_int_equal(rename_name(root, "f", root, "g"), 0);
	g->ops->getattr(g, &st);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(root->ops->lookup(root, "f", &up), -ENOENT);
	/* a directory into another place */
	assert_int_equal(rename_name(a, "b", root, "moved"), 0);
	assert_int_equal(b->ops->lookup(b, "..", &up), 0);
	assert_ptr_equal(up, root);
	node_put(up);
	a->ops->getattr(a, &st);
	assert_int_equal(st.st_nlink, 2);
	root->ops->getattr(root, &st);
	assert_int_equal(st.st_nlink, 4);
	/* over an empty directory */
	assert_int_equal(rename_name(root, "moved", root, "a"), 0);
	root->ops->getattr(root, &st);
	assert_int_equal(st.st_nlink, 3);
	/* two names of one file: nothing happens */
	assert_int_equal(root->ops->link(root, "h", f), 0);
	assert_int_equal(rename_name(root, "g", root, "h"), 0);
	assert_int_equal(unlink_name(root, "g"), 0);
	assert_int_equal(unlink_name(root, "h"), 0);
	assert_int_equal(root->ops->unlink(root, "a", true), 0);
	node_put(a);
	node_put(b);
	node_put(f);
	node_put(g);
}

#define MANY 5000

static void
name_of(char *buf, int i)
{
	sprintf(buf, "file-%d", i);
}

/* Reading a directory while entries go never skips or repeats the others. */
static void
test_readdir_while_removing(void **state)
{
	static unsigned char seen[MANY];
	struct vfs_entry e;
	uint64_t cookie = 2;
	char name[32];
	int i, n = 0;

	(void)state;
	for (i = 0; i < MANY; i++) {
		name_of(name, i);
		node_put(make(root, name, S_IFREG | 0644));
	}
	while (root->ops->readdir(root, &cookie, &e) > 0) {
		assert_int_equal(sscanf(e.name, "file-%d", &i), 1);
		assert_int_equal(seen[i]++, 0);
		assert_int_equal(e.type, S_IFREG);
		assert_int_equal(unlink_name(root, e.name), 0);
		n++;
	}
	assert_int_equal(n, MANY);
}

static void
test_out_of_memory(void **state)
{
	struct node *n = make(root, "f", S_IFREG | 0644), *no;
	struct node_spec spec = {S_IFREG | 0644, 0, NULL};
	char block[PAGE_SIZE];
	uint64_t at = 0;
	long r;

	(void)state;
	memset(block, 'z', sizeof(block));
	stub_page_limit = 20;
	while ((r = put(n, block, sizeof(block), at)) > 0)
		at += (uint64_t)r;
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(at, 19 * PAGE_SIZE); /* and one table */
	assert_int_equal(put(n, block, 10, at - 5), 5);
	stub_page_limit = SIZE_MAX;
	for (stub_heap_countdown = 0;; stub_heap_countdown = r) {
		r = stub_heap_countdown + 1;
		if (root->ops->create(root, "g", &spec, &no) == 0)
			break;
	}
	stub_heap_countdown = -1;
	node_put(no);
	node_put(n);
	assert_int_equal(unlink_name(root, "f"), 0);
	assert_int_equal(unlink_name(root, "g"), 0);
}

static void
test_symlink_and_times(void **state)
{
	struct node *l = make(root, "l", S_IFLNK | 0777);
	struct node_attr a = {.set = ATTR_MTIME | ATTR_MODE, .mode = 0100600};
	struct stat st;
	char buf[16];

	(void)state;
	assert_int_equal(l->ops->readlink(l, buf, 3), 3);
	assert_int_equal(l->ops->readlink(l, buf, 16), 6);
	assert_memory_equal(buf, "target", 6);
	a.mtime.tv_sec = 1234567890;
	a.mtime.tv_nsec = 42;
	assert_int_equal(l->ops->setattr(l, &a), 0);
	l->ops->getattr(l, &st);
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_mtim.tv_nsec, 42);
	assert_int_equal(st.st_mode, S_IFLNK | 0600);
	assert_int_equal(st.st_size, 6);
	node_put(l);
	assert_int_equal(unlink_name(root, "l"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_pagetree_is_sparse),
	    T(test_data_and_holes),
	    T(test_truncate),
	    T(test_origin_is_copied_on_write),
	    T(test_unlinked_but_open),
	    T(test_hard_links),
	    T(test_directories),
	    T(test_rename),
	    T(test_readdir_while_removing),
	    T(test_out_of_memory),
	    T(test_symlink_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
