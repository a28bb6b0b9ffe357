/* SPDX-License-Identifier: ISC */
/*
 * The initrd: archives by the host's cpio, archives made by hand with every
 * field wrong in turn, cut at every length, and with random bytes changed.
 */
/* LINK: tests/unit/kernel_stub.c libc-shim/cpio.c libc-shim/initrd.c */
/* LINK: libc-shim/ramfs.c libc-shim/ramfs_node.c libc-shim/pagetree.c */
/* LINK: libc-shim/sleeplock.c libc-shim/vfs.c libc-shim/walk.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "libc-shim/cpio.h"
#include "libc-shim/initrd.h"
#include "libc-shim/ramfs.h"
#include "tests/unit/kernel_stub.h"

static struct node *the_root;

struct node *
root_make(void)
{
	return the_root;
}

void
root_fill(struct node *n)
{
	(void)n;
}

/* --- an archive made by hand --- */

static char arc[1 << 16];
static size_t arc_len;

static void
pad4(void)
{
	while (arc_len % 4 != 0)
		arc[arc_len++] = '\0';
}

struct fields {
	unsigned ino, mode, nlink, dev;
};

static void
add(const char *name, struct fields f, const void *data, size_t len)
{
	arc_len += (size_t)sprintf(arc + arc_len,
	    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", f.ino,
	    f.mode, 7, 8, f.nlink, 1000000000, (unsigned)len, 0, f.dev, 1, 3,
	    (unsigned)strlen(name) + 1, 0);
	strcpy(arc + arc_len, name);
	arc_len += strlen(name) + 1;
	pad4();
	memcpy(arc + arc_len, data, len);
	arc_len += len;
	pad4();
}

static void
add_file(const char *name, const char *text)
{
	add(name, (struct fields){1, 0100644, 1, 0}, text, strlen(text));
}

static void
add_end(void)
{
	add("TRAILER!!!", (struct fields){0, 0, 1, 0}, "", 0);
}

static void
arc_begin(void)
{
	memset(arc, 0, sizeof(arc));
	arc_len = 0;
}

/* --- a root to unpack into --- */

static void
empty(struct node *dir)
{
	struct vfs_entry e;
	struct node *n;
	uint64_t cookie = 2;

	while (dir->ops->readdir(dir, &cookie, &e) > 0) {
		assert_int_equal(dir->ops->lookup(dir, e.name, &n), 0);
		if (S_ISDIR(n->type))
			empty(n);
		assert_int_equal(
		    dir->ops->unlink(dir, e.name, S_ISDIR(n->type)), 0);
		node_put(n);
	}
}

static int
setup(void **state)
{
	(void)state;
	if (the_root == NULL)
		the_root = ramfs_make();
	node_put(vfs_root());
	stub_lines = 0;
	arc_begin();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	empty(the_root);
	return stub_pages != 0;
}

static unsigned long
unpack(void)
{
	return initrd_unpack(the_root, arc, arc_len);
}

static struct node *
find(const char *path, unsigned how)
{
	struct node *n;

	return walk_node(the_root, path, how, &n) == 0 ? n : NULL;
}

static void
assert_text(const char *path, const char *text)
{
	struct node *n = find(path, WALK_FOLLOW);
	char buf[4096];
	uint64_t at = 0;
	long len;

	assert_non_null(n);
	len = n->ops->read(n, buf, sizeof(buf), &at);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
	node_put(n);
}

static struct stat
attributes(const char *path)
{
	struct node *n = find(path, 0);
	struct stat st;

	assert_non_null(n);
	n->ops->getattr(n, &st);
	node_put(n);
	return st;
}

/* --- good archives --- */

static void
test_kinds_of_entries(void **state)
{
	struct stat st;

	(void)state;
	add(".", (struct fields){1, 040700, 2, 0}, "", 0);
	add("d", (struct fields){2, 040750, 2, 0}, "", 0);
	add("d/f", (struct fields){3, 0100640, 1, 0}, "text", 4);
	add("l", (struct fields){4, 0120777, 1, 0}, "d/f", 3);
	add("/null", (struct fields){5, 020666, 1, 0}, "", 0);
	add("p", (struct fields){6, 010600, 1, 0}, "", 0);
	add("deep/er/f", (struct fields){7, 0100644, 1, 0}, "", 0);
	add_end();
	assert_int_equal(unpack(), 7);
	assert_int_equal(stub_lines, 0);
	assert_text("l", "text");
	st = attributes("d/f");
	assert_int_equal(st.st_mode, 0100640);
	assert_int_equal(st.st_uid, 7);
	assert_int_equal(st.st_gid, 8);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(attributes("null").st_rdev, 0x103);
	assert_int_equal(attributes("d").st_mode, 040750);
	assert_int_equal(attributes(".").st_mode, 040700);
	assert_int_equal(attributes("deep/er").st_mode, 040755);
	assert_int_equal(attributes("p").st_mode, 010600);
}

/* The last name of a file has the data; the others are linked to it. */
static void
test_hard_links(void **state)
{
	struct fields f = {9, 0100644, 3, 0};

	(void)state;
	add("a", f, "", 0);
	add("b", f, "", 0);
	add("c", f, "data", 4);
	add("x", (struct fields){9, 0100644, 2, 1}, "other", 5);
	add_end();
	assert_int_equal(unpack(), 4);
	assert_text("a", "data");
	assert_text("c", "data");
	assert_text("x", "other");
	assert_int_equal(attributes("a").st_nlink, 3);
	assert_int_equal(attributes("a").st_ino, attributes("b").st_ino);
	assert_int_equal(attributes("x").st_nlink, 1);
}

/* Later archives add and replace; their inode numbers are their own. */
static void
test_concatenated(void **state)
{
	struct fields f = {9, 0100644, 2, 0};

	(void)state;
	add("a", f, "first", 5);
	add("same", (struct fields){1, 0100644, 1, 0}, "old", 3);
	add("dir", (struct fields){2, 040755, 2, 0}, "", 0);
	add("dir/keep", (struct fields){3, 0100644, 1, 0}, "k", 1);
	add_end();
	arc_len += 512 - arc_len % 512;
	add("b", f, "second", 6);
	add("same", (struct fields){1, 0120777, 1, 0}, "a", 1);
	add("dir", (struct fields){2, 040700, 2, 0}, "", 0);
	add_end();
	arc_len += 512 - arc_len % 512;
	assert_int_equal(unpack(), 7);
	assert_int_equal(stub_lines, 0);
	assert_text("a", "first");
	assert_text("b", "second");
	assert_text("same", "first");
	assert_text("dir/keep", "k");
	assert_int_equal(attributes("dir").st_mode, 040700);
	assert_int_equal(attributes("a").st_nlink, 1);
}

/* Through a symbolic link of an earlier entry, absolute ones included. */
static void
test_through_links(void **state)
{
	(void)state;
	add("usr/lib", (struct fields){1, 040755, 2, 0}, "", 0);
	add("lib", (struct fields){2, 0120777, 1, 0}, "/usr/lib", 8);
	add_file("lib/x", "in usr");
	add_end();
	assert_int_equal(unpack(), 3);
	assert_text("usr/lib/x", "in usr");
}

static void
test_archive_of_the_hosts_cpio(void **state)
{
	static const char make[] =
	    "set -e; d=$(mktemp -d); cd $d; mkdir -p t/sub; cd t;"
	    "printf hello >a; ln a b; ln -s sub/c link; printf deep >sub/c;"
	    "i=0; while [ $i -lt 300 ]; do : >sub/n$i; i=$((i+1)); done;"
	    "find . | sort | cpio -o -H %s --quiet; rm -rf $d";
	static const char *const format[] = {"newc", "crc"};
	char command[512];
	FILE *f;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		sprintf(command, make, format[i]);
		f = popen(command, "r");
		assert_non_null(f);
		arc_len = fread(arc, 1, sizeof(arc), f);
		assert_int_equal(pclose(f), 0);
		assert_int_equal(unpack(), 306);
		assert_int_equal(stub_lines, 0);
		assert_text("a", "hello");
		assert_text("b", "hello");
		assert_text("link", "deep");
		assert_int_equal(attributes("sub/n299").st_size, 0);
	}
}

/* --- bad archives --- */

static void
assert_refused(const char *part)
{
	assert_int_equal(stub_lines, 1);
	assert_non_null(strstr(stub_log, part));
	stub_lines = 0;
}

static void
test_not_an_archive(void **state)
{
	(void)state;
	arc_len = (size_t)sprintf(arc, "\x1f\x8b some gzip");
	assert_int_equal(unpack(), 0);
	assert_refused("gzip");
	arc_len = (size_t)sprintf(arc, "\xfd"
				       "7zXZ");
	assert_int_equal(unpack(), 0);
	assert_refused("compressed");
	arc_len = (size_t)sprintf(arc, "070707000000");
	assert_int_equal(unpack(), 0);
	assert_refused("-H newc");
	arc_len = (size_t)sprintf(arc, "0707");
	assert_int_equal(unpack(), 0);
	assert_refused("no cpio header");
	arc_begin();
	add_file("../etc/passwd", "out");
	add_end();
	assert_int_equal(unpack(), 0);
	assert_refused("leads out");
	arc_begin();
	add("l", (struct fields){1, 0120777, 1, 0}, "a\0b", 3);
	add_end();
	assert_int_equal(unpack(), 0);
	assert_refused("target");
	arc_begin();
	add("what", (struct fields){1, 0, 1, 0}, "", 0);
	add_end();
	assert_int_equal(unpack(), 0);
	assert_refused("no known type");
}

static void
make_sample(void)
{
	arc_begin();
	add("d", (struct fields){2, 040755, 2, 0}, "", 0);
	add("d/f", (struct fields){3, 0100644, 2, 0}, "", 0);
	add("g", (struct fields){3, 0100644, 2, 0}, "linked", 6);
	add("l", (struct fields){4, 0120777, 1, 0}, "g", 1);
	add_end();
}

/* Every prefix gives one line, what is before the cut, and no more. */
static void
test_cut_anywhere(void **state)
{
	size_t len, whole;
	char *copy;
	unsigned long n, before = 0;

	(void)state;
	make_sample();
	whole = arc_len;
	for (len = 1; len < whole; len++) {
		copy = malloc(len); /* its end is watched */
		memcpy(copy, arc, len);
		stub_lines = 0;
		n = initrd_unpack(the_root, copy, len);
		empty(the_root);
		free(copy);
		assert_true(n >= before && n <= 4);
		before = n;
		/* the padding after the trailer may be missing */
		if (len < whole - 3)
			assert_int_equal(stub_lines, 1);
	}
	assert_int_equal(before, 4);
}

/* Whatever a header says, nothing outside the archive is touched. */
static void
test_every_field_wrong(void **state)
{
	static const char *const bad[] = {
	    "ffffffff", "7fffffff", "00000000", "00001001", "zzzzzzzz"};
	unsigned field, v;
	char *copy;

	(void)state;
	for (field = 0; field < 13; field++) {
		for (v = 0; v < sizeof(bad) / sizeof(bad[0]); v++) {
			make_sample();
			memcpy(arc + 6 + 8 * field, bad[v], 8);
			copy = malloc(arc_len);
			memcpy(copy, arc, arc_len);
			initrd_unpack(the_root, copy, arc_len);
			empty(the_root);
			free(copy);
		}
	}
}

static void
test_random_damage(void **state)
{
	unsigned seed = 1, round, k;
	char *copy;

	(void)state;
	for (round = 0; round < 20000; round++) {
		make_sample();
		for (k = 0; k < 1 + round % 4; k++) {
			seed = seed * 1103515245 + 12345;
			arc[(seed >> 8) % arc_len] = "0f7/.\0\xff"
						     "1"[(seed >> 4) % 8];
		}
		copy = malloc(arc_len);
		memcpy(copy, arc, arc_len);
		initrd_unpack(the_root, copy, arc_len);
		empty(the_root);
		free(copy);
	}
}

static void
test_out_of_memory(void **state)
{
	long n = 0;

	(void)state;
	make_sample();
	do {
		stub_heap_countdown = n++;
		stub_lines = 0;
		unpack();
		stub_heap_countdown = -1;
		empty(the_root);
		assert_true(n < 1000);
	} while (stub_lines != 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_kinds_of_entries),
	    T(test_hard_links),
	    T(test_concatenated),
	    T(test_through_links),
	    T(test_archive_of_the_hosts_cpio),
	    T(test_not_an_archive),
	    T(test_cut_anywhere),
	    T(test_every_field_wrong),
	    T(test_random_damage),
	    T(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
