/* SPDX-License-Identifier: ISC */
/*
 * The archive writer: what it writes is read back field by field.
 */
/* LINK: host/cpio.c host/hardlink.c host/text.c host/util.c */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cpio.h"
#include "host/util.h"

enum {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILESIZE,
	NAMESIZE = 11,
	FIELDS = 13
};

struct archive {
	char *p;
	size_t len, at;
};

struct entry {
	uint32_t field[FIELDS];
	const char *name;
	const char *data;
};

static void
pad(struct archive *a)
{
	while (a->at % 4 != 0)
		assert_int_equal(a->p[a->at++], 0);
}

static struct entry
next(struct archive *a)
{
	char digits[9] = "", *end;
	struct entry e;
	int i;

	assert_true(a->at + 110 < a->len);
	assert_memory_equal(a->p + a->at, "070701", 6);
	a->at += 6;
	for (i = 0; i < FIELDS; i++, a->at += 8) {
		memcpy(digits, a->p + a->at, 8);
		e.field[i] = (uint32_t)strtoul(digits, &end, 16);
		assert_int_equal(*end, '\0');
	}
	e.name = a->p + a->at;
	assert_int_equal(strlen(e.name) + 1, e.field[NAMESIZE]);
	a->at += e.field[NAMESIZE];
	pad(a);
	e.data = a->p + a->at;
	a->at += e.field[FILESIZE];
	assert_true(a->at <= a->len);
	pad(a);
	return e;
}

/* The archive of folder `dir`, for free(). */
static struct archive
pack(const char *dir)
{
	struct archive a = {0};
	struct stat st;
	int fd;

	fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(cpio_pack(dir, fd));
	assert_int_equal(fstat(fd, &st), 0);
	a.len = (size_t)st.st_size;
	a.p = malloc(a.len);
	assert_int_equal(pread(fd, a.p, a.len, 0), (ssize_t)a.len);
	close(fd);
	return a;
}

static void
write_file(const char *name, const char *data, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(util_write(fd, data, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* A folder of our own as the current one. */
static int
setup(void **state)
{
	char dir[] = "/tmp/test_hostcpio.XXXXXX";

	assert_non_null(mkdtemp(dir));
	*state = strdup(dir);
	assert_int_equal(chdir(dir), 0);
	return mkdir("root", 0755);
}

static int
teardown(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", (char *)*state);
	free(*state);
	return chdir("/") || system(cmd);
}

static void
test_empty(void **state)
{
	struct archive a = pack("root");
	struct entry e = next(&a);

	(void)state;
	assert_string_equal(e.name, "TRAILER!!!");
	assert_int_equal(e.field[NLINK], 1);
	assert_int_equal(e.field[FILESIZE], 0);
	assert_int_equal(a.at, a.len);
	free(a.p);
}

static void
expect(struct archive *a, const char *name, mode_t mode, const char *data)
{
	struct entry e = next(a);

	assert_string_equal(e.name, name);
	assert_int_equal(e.field[MODE], mode);
	assert_int_equal(e.field[UID], 0);
	assert_int_equal(e.field[GID], 0);
	assert_int_equal(e.field[FILESIZE], strlen(data));
	assert_memory_equal(e.data, data, strlen(data));
}

static void
test_tree(void **state)
{
	struct archive a;

	(void)state;
	assert_int_equal(mkdir("root/dir", 0750), 0);
	write_file("root/dir/z", "zed", 3, 0644);
	write_file("root/dir/a", "", 0, 0400);
	write_file("root/B", "four", 4, 0755);
	write_file("root/dir.x", "12345", 5, 0600);
	assert_int_equal(symlink("dir/z", "root/link"), 0);
	assert_int_equal(mkfifo("root/pipe", 0600), 0);
	a = pack("root");
	expect(&a, "B", S_IFREG | 0755, "four");
	expect(&a, "dir", S_IFDIR | 0750, "");
	expect(&a, "dir/a", S_IFREG | 0400, "");
	expect(&a, "dir/z", S_IFREG | 0644, "zed");
	expect(&a, "dir.x", S_IFREG | 0600, "12345");
	expect(&a, "link", S_IFLNK | 0777, "dir/z");
	expect(&a, "pipe", S_IFIFO | 0600, "");
	expect(&a, "TRAILER!!!", 0, "");
	assert_int_equal(a.at, a.len);
	free(a.p);
}

static void
expect_link(struct archive *a, const char *name, uint32_t ino, uint32_t nlink,
    const char *data)
{
	struct entry e = next(a);

	assert_string_equal(e.name, name);
	assert_int_equal(e.field[INO], ino);
	assert_int_equal(e.field[NLINK], nlink);
	assert_int_equal(e.field[FILESIZE], strlen(data));
	assert_memory_equal(e.data, data, strlen(data));
}

/* The names of a file share a number; the last of them brings the data. */
static void
test_links(void **state)
{
	struct archive a;

	(void)state;
	assert_int_equal(mkdir("root/dir", 0755), 0);
	write_file("root/a", "first", 5, 0644);
	write_file("root/empty", "", 0, 0644);
	write_file("root/two", "second", 6, 0644);
	assert_int_equal(link("root/a", "root/dir/b"), 0);
	assert_int_equal(link("root/a", "root/z"), 0);
	assert_int_equal(link("root/empty", "root/empty2"), 0);
	assert_int_equal(link("root/two", "root/two2"), 0);
	a = pack("root");
	expect_link(&a, "a", 1, 3, "");
	expect_link(&a, "dir", 2, 2, "");
	expect_link(&a, "dir/b", 1, 3, "");
	expect_link(&a, "empty", 3, 2, "");
	expect_link(&a, "empty2", 3, 2, "");
	expect_link(&a, "two", 4, 2, "");
	expect_link(&a, "two2", 4, 2, "second");
	expect_link(&a, "z", 1, 3, "first");
	expect_link(&a, "TRAILER!!!", 0, 1, "");
	assert_int_equal(a.at, a.len);
	free(a.p);
}

/* A name outside the folder makes no difference. */
static void
test_link_from_outside(void **state)
{
	struct archive a, b;

	(void)state;
	write_file("root/a", "data", 4, 0644);
	a = pack("root");
	assert_int_equal(link("root/a", "elsewhere"), 0);
	b = pack("root");
	expect_link(&b, "a", 1, 1, "data");
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	free(a.p);
	free(b.p);
}

/* Links among thousands of files, and enough of them to outgrow any table. */
static void
test_many_links(void **state)
{
	char name[32], other[32];
	struct archive a;
	struct entry e;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "root/a%03d", i);
		snprintf(other, sizeof(other), "root/b%03d", 999 - i);
		write_file(name, name, strlen(name), 0644);
		assert_int_equal(link(name, other), 0);
	}
	a = pack("root");
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "a%03d", i);
		expect_link(&a, name, (uint32_t)i + 1, 2, "");
	}
	for (i = 0; i < 1000; i++) {
		e = next(&a);
		snprintf(name, sizeof(name), "root/a%03d", 999 - i);
		assert_int_equal(e.field[INO], 1000 - i);
		assert_int_equal(e.field[FILESIZE], strlen(name));
		assert_memory_equal(e.data, name, strlen(name));
	}
	free(a.p);
}

static void
test_same_again(void **state)
{
	struct archive a, b;

	(void)state;
	write_file("root/b", "1", 1, 0644);
	write_file("root/a", "2", 1, 0644);
	a = pack("root");
	b = pack("root/"); /* a slash more changes nothing */
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	free(a.p);
	free(b.p);
}

static void
test_large_file(void **state)
{
	size_t len = 300001;
	char *data = malloc(len);
	struct archive a;
	struct entry e;
	size_t i;

	(void)state;
	for (i = 0; i < len; i++)
		data[i] = (char)(i * 7 >> 3);
	write_file("root/big", data, len, 0644);
	a = pack("root");
	e = next(&a);
	assert_int_equal(e.field[FILESIZE], len);
	assert_memory_equal(e.data, data, len);
	free(a.p);
	free(data);
}

static void
test_check(void **state)
{
	(void)state;
	write_file("good", "0707010000", 10, 0644);
	write_file("gzip", "\x1f\x8b\x08", 3, 0644);
	assert_true(cpio_check("good"));
	assert_false(cpio_check("gzip"));
	assert_false(cpio_check("absent"));
	assert_false(cpio_pack("absent", 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_empty),
	    TEST(test_tree),
	    TEST(test_links),
	    TEST(test_link_from_outside),
	    TEST(test_many_links),
	    TEST(test_same_again),
	    TEST(test_large_file),
	    TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
