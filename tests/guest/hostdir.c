/* SPDX-License-Identifier: ISC */
/*
 * What a program may expect of a directory that a server of files offers.
 *
 *	hostdir all DIR         everything POSIX says that can be seen here
 *	hostdir readonly DIR    nothing can be changed
 *	hostdir full DIR        writes until the disk is full
 *	hostdir error PATH [w]  the error of opening it, to write if `w`
 *	hostdir constant FILE   reads it into a constant: that must fault
 *	hostdir follow DIR      tells what is in the files it reads the names of
 *	hostdir mount TAG TYPE  mounts it, looks, unmounts it
 *
 * With TAG in the environment, what has that tag is mounted on DIR first.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "check_file.h"

#define THREADS 20 /* by PIECE, more messages than there are tags */
#define ROUNDS  3
#define PIECE   (2 << 20)

static void
names(void)
{
	struct stat a, b;
	char buf[64], cwd[256];

	put_file("a", "one");
	CHECK(FAILS(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST));
	CHECK(FAILS(open("none", O_RDONLY), ENOENT));
	CHECK(FAILS(open("a/b", O_RDONLY), ENOTDIR));
	CHECK(link("a", "hard") == 0 && stat("a", &a) == 0);
	CHECK(stat("hard", &b) == 0 && a.st_ino == b.st_ino);
	CHECK(a.st_nlink == 2 && b.st_nlink == 2 && a.st_dev == b.st_dev);
	CHECK(FAILS(link("a", "hard"), EEXIST));
	CHECK(FAILS(link("a", "/tmp/hard"), EXDEV));
	CHECK(FAILS(rename("a", "/tmp/a"), EXDEV));
	CHECK(unlink("a") == 0 && stat("hard", &b) == 0 && b.st_nlink == 1);
	check_text("hard", "one");
	CHECK(symlink("hard", "sym") == 0 && lstat("sym", &a) == 0);
	CHECK(S_ISLNK(a.st_mode) && a.st_size == 4);
	CHECK(readlink("sym", buf, sizeof(buf)) == 4);
	CHECK(memcmp(buf, "hard", 4) == 0 && readlink("sym", buf, 1) == 1);
	check_text("sym", "one");
	CHECK(mkdir("d", 0700) == 0 && FAILS(mkdir("d", 0700), EEXIST));
	CHECK(FAILS(unlink("d"), EISDIR) && FAILS(rmdir("hard"), ENOTDIR));
	put_file("d/x", "x");
	CHECK(FAILS(rmdir("d"), ENOTEMPTY));
	CHECK(chdir("d") == 0 && getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK(strlen(cwd) > 2 && strcmp(cwd + strlen(cwd) - 2, "/d") == 0);
	check_text("x", "x");
	check_text("../hard", "one");
	CHECK(chdir("..") == 0 && unlink("d/x") == 0 && rmdir("d") == 0);
	CHECK(FAILS(stat("d", &a), ENOENT) && unlink("sym") == 0);
	CHECK(unlink("hard") == 0 && FAILS(unlink("hard"), ENOENT));
}

static void
renaming(void)
{
	struct stat before, after;

	put_file("a", "one");
	put_file("b", "two");
	CHECK(stat("a", &before) == 0 && rename("a", "b") == 0);
	check_text("b", "one");
	CHECK(stat("b", &after) == 0 && before.st_ino == after.st_ino);
	CHECK(FAILS(stat("a", &after), ENOENT));
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	put_file("d/e/f", "deep");
	CHECK(rename("d", "g") == 0);
	check_text("g/e/f", "deep");
	CHECK(FAILS(rename("g", "g/e/g"), EINVAL));
	CHECK(FAILS(rename("b", "g"), EISDIR));
	CHECK(FAILS(rename("g", "b"), ENOTDIR));
	CHECK(mkdir("h", 0755) == 0 && rename("g/e", "h") == 0);
	check_text("h/f", "deep");
	CHECK(FAILS(stat("g/e", &after), ENOENT));
	CHECK(rename("b", "h/f") == 0);
	check_text("h/f", "one");
	CHECK(unlink("h/f") == 0 && rmdir("h") == 0 && rmdir("g") == 0);
}

static void
long_names(void)
{
	char name[300], path[4000] = "";
	int i;

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	put_file(name, "long");
	check_text(name, "long");
	CHECK(unlink(name) == 0);
	name[255] = 'n';
	name[256] = '\0';
	CHECK(FAILS(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG));
	name[100] = '\0';
	for (i = 0; i < 20; i++) { /* deep: a path of 2,000 bytes */
		strcat(strcat(path, i ? "/" : ""), name);
		CHECK(mkdir(path, 0755) == 0);
	}
	strcat(path, "/f");
	put_file(path, "deep");
	check_text(path, "deep");
	CHECK(unlink(path) == 0);
	for (i = 0; i < 20; i++) {
		*strrchr(path, '/') = '\0';
		CHECK(rmdir(path) == 0);
	}
}

static void
data(void)
{
	char buf[64];
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), again;

	CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
	CHECK(pread(fd, buf, sizeof(buf), 4) == 6 && buf[0] == '4');
	CHECK(pread(fd, buf, sizeof(buf), 10) == 0);
	CHECK(pwrite(fd, "AB", 2, 8) == 2 && lseek(fd, 0, SEEK_END) == 10);
	CHECK(ftruncate(fd, 3) == 0 && fstat(fd, &st) == 0);
	CHECK(st.st_size == 3 && S_ISREG(st.st_mode));
	CHECK(ftruncate(fd, 8) == 0 && pread(fd, buf, 64, 0) == 8);
	CHECK(memcmp(buf, "012\0\0\0\0\0", 8) == 0);
	again = open("f", O_WRONLY | O_APPEND);
	CHECK(again >= 0 && write(again, "end", 3) == 3);
	CHECK(lseek(again, 0, SEEK_CUR) == 11 && write(again, "!", 1) == 1);
	CHECK(close(again) == 0 && pread(fd, buf, 64, 8) == 4);
	CHECK(memcmp(buf, "end!", 4) == 0 && fsync(fd) == 0);
	CHECK(pwrite(fd, "far", 3, 10 << 20) == 3); /* the rest is a hole */
	CHECK(fstat(fd, &st) == 0 && st.st_size == (10 << 20) + 3);
	CHECK(st.st_blocks < 1000 && pread(fd, buf, 64, 5 << 20) == 64);
	CHECK(buf[0] == 0 && buf[63] == 0);
	CHECK(close(fd) == 0 && truncate("f", 1) == 0);
	check_text("f", "0");
	CHECK(unlink("f") == 0);
}

static void
open_and_gone(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), other;
	struct stat st;
	char buf[16];
	FILE *t;

	CHECK(write(fd, "kept", 4) == 4 && unlink("f") == 0);
	CHECK(FAILS(open("f", O_RDONLY), ENOENT));
	other = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(other >= 0 && write(other, "new", 3) == 3);
	CHECK(pread(fd, buf, 16, 0) == 4 && memcmp(buf, "kept", 4) == 0);
	CHECK(write(fd, "on", 2) == 2 && lseek(fd, 0, SEEK_END) == 6);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 6);
	CHECK(close(fd) == 0 && close(other) == 0);
	check_text("f", "new");
	fd = open("f", O_RDONLY);
	put_file("g", "over");
	CHECK(rename("g", "f") == 0 && read(fd, buf, 16) == 3);
	CHECK(memcmp(buf, "new", 3) == 0 && close(fd) == 0);
	check_text("f", "over");
	CHECK(unlink("f") == 0);
	t = fopen("t", "w+");
	CHECK(t != NULL && unlink("t") == 0 && fputs("stdio", t) >= 0);
	CHECK(fseek(t, 0, SEEK_END) == 0 && ftell(t) == 5);
	rewind(t);
	CHECK(fread(buf, 1, 16, t) == 5 && fclose(t) == 0);
}

static void
attributes(void)
{
	struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 1}};
	struct statvfs sv;
	struct stat st;

	put_file("f", "x");
	CHECK(chmod("f", 0640) == 0 && stat("f", &st) == 0);
	CHECK((st.st_mode & 07777) == 0640 && st.st_nlink == 1);
	CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat("f", &st) == 0);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtime == 1234567890);
	CHECK(st.st_atim.tv_nsec == 123456789 && st.st_mtim.tv_nsec == 1);
	CHECK(statvfs("f", &sv) == 0 && sv.f_bsize >= 512);
	CHECK(sv.f_blocks >= sv.f_bfree && sv.f_namemax == 255);
	CHECK(FAILS(chmod("none", 0600), ENOENT) && unlink("f") == 0);
}

static void
entries(void)
{
	bool seen[1000] = {false};
	struct dirent *e;
	unsigned i, n = 0;
	char name[64];
	long middle = 0;
	DIR *d;

	CHECK(mkdir("many", 0755) == 0);
	for (i = 0; i < 1000; i++) { /* more than one reply holds */
		snprintf(name, sizeof(name), "many/%03u%050u", i, 0);
		put_file(name, "");
	}
	d = opendir("many");
	while ((e = readdir(d)) != NULL) {
		if (n++ == 500)
			middle = telldir(d);
		if (e->d_name[0] == '.')
			continue;
		e->d_name[3] = '\0';
		i = (unsigned)atoi(e->d_name);
		CHECK(i < 1000 && !seen[i]);
		CHECK(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
		seen[i] = true;
	}
	CHECK(n == 1002);
	seekdir(d, middle);
	while (readdir(d) != NULL)
		n++;
	CHECK(n == 1002 + 501);
	rewinddir(d);
	e = readdir(d);
	CHECK(e != NULL && e->d_name[0] == '.' && closedir(d) == 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/%03u%050u", i, 0);
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir("many") == 0);
}

static void
locks(void)
{
	int a, b, c;

	put_file("f", "x");
	CHECK(link("f", "g") == 0);
	a = open("f", O_RDONLY);
	b = open("f", O_RDONLY);
	c = open("g", O_RDONLY); /* the same file by another name */
	CHECK(flock(a, LOCK_EX) == 0);
	CHECK(FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK));
	CHECK(FAILS(flock(c, LOCK_EX | LOCK_NB), EWOULDBLOCK));
	CHECK(close(a) == 0 && flock(c, LOCK_EX | LOCK_NB) == 0);
	CHECK(close(b) == 0 && close(c) == 0);
	CHECK(unlink("f") == 0 && unlink("g") == 0);
}

/* Each thread with files of its own, and all with one that they append to. */
static void *
worker(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, round;
	char name[32], line[32], *big = malloc(PIECE);
	int fd, log = open("log", O_WRONLY | O_APPEND | O_CREAT, 0644);
	intptr_t bad = big == NULL || log < 0;

	for (round = 0; round < ROUNDS && !bad; round++) {
		snprintf(name, sizeof(name), "w%u", me);
		memset(big, 'a' + me, PIECE);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
		bad |= fd < 0 || write(fd, big, PIECE) != PIECE;
		memset(big, 0, PIECE);
		bad |= pread(fd, big, PIECE, 0) != PIECE;
		bad |= big[0] != 'a' + (char)me || big[PIECE - 1] != big[0];
		bad |= close(fd) != 0 || unlink(name) != 0;
		snprintf(line, sizeof(line), "%02u%u.\n", me, round);
		bad |= write(log, line, 5) != 5;
	}
	close(log);
	free(big);
	return (void *)bad;
}

static void
threads(void)
{
	pthread_t t[THREADS];
	struct stat st;
	unsigned i;
	void *bad;

	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(
			  &t[i], NULL, worker, (void *)(uintptr_t)i) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], &bad) == 0 && bad == NULL);
	CHECK(stat("log", &st) == 0 && st.st_size == THREADS * ROUNDS * 5);
	CHECK(unlink("log") == 0);
}

static int
all(const char *dir)
{
	if (chdir(dir) != 0)
		return 1;
	CHECK_RUN(names);
	CHECK_RUN(renaming);
	CHECK_RUN(long_names);
	CHECK_RUN(data);
	CHECK_RUN(open_and_gone);
	CHECK_RUN(attributes);
	CHECK_RUN(entries);
	CHECK_RUN(locks);
	CHECK_RUN(threads);
	return check_failures != 0;
}

/* --- the others --- */

static void
readonly_names(void)
{
	struct statvfs sv;

	check_text("kept", "kept");
	CHECK(FAILS(open("kept", O_RDWR), EROFS));
	CHECK(FAILS(open("kept", O_WRONLY | O_TRUNC), EROFS));
	CHECK(FAILS(open("new", O_RDWR | O_CREAT, 0644), EROFS));
	CHECK(FAILS(mkdir("new", 0755), EROFS));
	CHECK(FAILS(symlink("kept", "new"), EROFS));
	CHECK(FAILS(unlink("kept"), EROFS));
	CHECK(FAILS(rename("kept", "new"), EROFS));
	CHECK(FAILS(chmod("kept", 0600), EROFS));
	CHECK(FAILS(truncate("kept", 0), EROFS));
	CHECK(statvfs("kept", &sv) == 0 && (sv.f_flag & ST_RDONLY));
	check_text("kept", "kept");
}

static int
full(const char *dir)
{
	size_t len = 1 << 20, done = 0;
	char *p = calloc(1, len);
	ssize_t n;
	int fd;

	if (chdir(dir) != 0)
		return 1;
	fd = open("big", O_WRONLY | O_CREAT, 0644);
	if (fd < 0)
		return perror("big"), 1;
	while ((n = write(fd, p, len)) > 0)
		done += n;
	printf("%s %s\n", errno == ENOSPC ? "ok" : "not ok", strerror(errno));
	printf("%zu\n", done);
	return 0;
}

static int
mounting(const char *tag, const char *type)
{
	char cwd[64];
	DIR *d;

	CHECK(mkdir("/m", 0755) == 0);
	CHECK(FAILS(mount("none", "/m", type, 0, NULL), ENODEV));
	CHECK(FAILS(mount(tag, "/m", "nofs", 0, NULL), ENODEV));
	CHECK(FAILS(mount(tag, "/none", type, 0, NULL), ENOENT));
	CHECK(FAILS(umount("/m"), EINVAL));
	CHECK(mount(tag, "/m", type, 0, NULL) == 0);
	CHECK(FAILS(mount(tag, "/m", type, 0, NULL), EBUSY));
	check_text("/m/kept", "kept");
	d = opendir("/m/dir");
	CHECK(d != NULL && FAILS(umount("/m"), EBUSY) && closedir(d) == 0);
	CHECK(chdir("/m/dir") == 0 && FAILS(umount("/m"), EBUSY));
	CHECK(getcwd(cwd, 64) != NULL && strcmp(cwd, "/m/dir") == 0);
	CHECK(chdir("/") == 0 && umount("/m") == 0);
	CHECK(FAILS(open("/m/kept", O_RDONLY), ENOENT));
	CHECK(mount(tag, "/m", type, MS_RDONLY, NULL) == 0);
	CHECK(chdir("/m") == 0);
	check_run("readonly", readonly_names);
	CHECK(chdir("/") == 0 && umount("/m") == 0);
	printf("%s mount: %s\n", check_why ? "not ok" : "ok",
	    check_why ? check_why : "");
	return check_why != NULL || check_failures != 0;
}

static int
into_constant(const char *path)
{
	static const char constant[PATH_MAX] = "constant";
	int fd = open(path, O_RDONLY);

	read(fd, (char *)(uintptr_t)constant, sizeof(constant));
	printf("not ok: %s\n", constant);
	return 1;
}

static int
follow(const char *dir)
{
	char path[256], text[256];
	FILE *f;

	if (chdir(dir) != 0)
		return 1;
	while (fgets(path, sizeof(path), stdin) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		f = fopen(path, "r");
		if (f == NULL || fgets(text, sizeof(text), f) == NULL)
			strcpy(text, strerror(errno));
		if (f != NULL)
			fclose(f);
		puts(text);
		fflush(stdout);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "", *tag = getenv("TAG");

	if (tag != NULL && (mkdir(argv[2], 0755) != 0 ||
			       mount(tag, argv[2], "9p", 0, NULL) != 0)) {
		perror(tag);
		return 1;
	}
	if (strcmp(what, "all") == 0)
		return all(argv[2]);
	if (strcmp(what, "full") == 0)
		return full(argv[2]);
	if (strcmp(what, "constant") == 0)
		return into_constant(argv[2]);
	if (strcmp(what, "follow") == 0)
		return follow(argv[2]);
	if (strcmp(what, "mount") == 0 && argc > 3)
		return mounting(argv[2], argv[3]);
	if (strcmp(what, "error") == 0) {
		errno = 0;
		open(argv[2], argc > 3 ? O_RDWR : O_RDONLY);
		printf("%s\n", strerror(errno));
		return 0;
	}
	if (strcmp(what, "readonly") != 0 || chdir(argv[2]) != 0)
		return 2;
	check_run("readonly", readonly_names);
	return check_failures != 0;
}
