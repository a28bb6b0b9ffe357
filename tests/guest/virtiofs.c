/* SPDX-License-Identifier: ISC */
/*
 * What a host serves below /mnt, as tests/integration/test_virtiofs.py sets it
 * up: names, data, errors.  The first argument says what to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

#define TOP "/mnt/"

static char big[3 << 20], back[sizeof(big)];

static int
put(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644), err;

	if (fd < 0)
		return -1;
	err = write(fd, text, strlen(text)) != (ssize_t)strlen(text);
	return close(fd) != 0 || err ? -1 : 0;
}

static int
holds(const char *path, const char *text)
{
	char buf[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, n) == 0;
}

static int
fails(int r, int with)
{
	return r == -1 && errno == with;
}

/* --- one by one --- */

static void
files(void)
{
	struct stat st;

	CHECK(put(TOP "f", "hello", O_EXCL) == 0);
	CHECK(fails(put(TOP "f", "hello", O_EXCL), EEXIST));
	CHECK(holds(TOP "f", "hello"));
	CHECK(put(TOP "f", " there", O_APPEND) == 0);
	CHECK(holds(TOP "f", "hello there"));
	CHECK(put(TOP "f", "short", O_TRUNC) == 0 && holds(TOP "f", "short"));
	CHECK(truncate(TOP "f", 2) == 0 && holds(TOP "f", "sh"));
	CHECK(truncate(TOP "f", 4) == 0);
	CHECK(stat(TOP "f", &st) == 0 && st.st_size == 4);
	CHECK(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0644);
	CHECK(st.st_nlink == 1 && st.st_ino != 0);
	CHECK(chmod(TOP "f", 0400) == 0 && stat(TOP "f", &st) == 0);
	CHECK((st.st_mode & 07777) == 0400);
	CHECK(unlink(TOP "f") == 0 && fails(stat(TOP "f", &st), ENOENT));
}

static void
times(void)
{
	struct timespec ts[2] = {{1000000000, 5}, {1234567890, 987654321}};
	struct stat st;

	CHECK(put(TOP "t", "x", 0) == 0);
	CHECK(utimensat(AT_FDCWD, TOP "t", ts, 0) == 0);
	CHECK(stat(TOP "t", &st) == 0 && st.st_mtime == 1234567890);
	CHECK(st.st_mtim.tv_nsec == 987654321 && st.st_atime == 1000000000);
	CHECK(utimensat(AT_FDCWD, TOP "t", NULL, 0) == 0);
	CHECK(stat(TOP "t", &st) == 0 && st.st_mtime > 1700000000);
	CHECK(chown(TOP "t", 12, 34) == 0 && stat(TOP "t", &st) == 0);
	CHECK(st.st_uid == 12 && st.st_gid == 34);
	CHECK(unlink(TOP "t") == 0);
}

static void
links(void)
{
	struct stat a, b;
	char buf[64];

	CHECK(put(TOP "a", "one", 0) == 0 && link(TOP "a", TOP "b") == 0);
	CHECK(stat(TOP "a", &a) == 0 && stat(TOP "b", &b) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_nlink == 2 && a.st_dev == b.st_dev);
	CHECK(put(TOP "b", "two", O_TRUNC) == 0 && holds(TOP "a", "two"));
	CHECK(fails(link(TOP "a", TOP "b"), EEXIST));
	CHECK(fails(link(TOP "a", "/tmp/b"), EXDEV));
	CHECK(symlink("a", TOP "s") == 0 && holds(TOP "s", "two"));
	CHECK(lstat(TOP "s", &a) == 0 && S_ISLNK(a.st_mode));
	CHECK(readlink(TOP "s", buf, sizeof(buf)) == 1 && buf[0] == 'a');
	CHECK(symlink("../tmp/out", TOP "up") == 0);
	CHECK(put(TOP "up", "ours", 0) == 0 && holds("/tmp/out", "ours"));
	CHECK(unlink(TOP "a") == 0 && holds(TOP "b", "two"));
	CHECK(fails(open(TOP "s", O_RDONLY), ENOENT));
	CHECK(unlink(TOP "b") == 0 && unlink(TOP "s") == 0);
	CHECK(unlink(TOP "up") == 0);
}

static void
renames(void)
{
	char cwd[64];
	int fd;

	CHECK(put(TOP "x", "x", 0) == 0 && put(TOP "y", "y", 0) == 0);
	fd = open(TOP "y", O_RDWR);
	CHECK(rename(TOP "x", TOP "y") == 0 && holds(TOP "y", "x"));
	CHECK(read(fd, cwd, 2) == 1 && cwd[0] == 'y'); /* the one replaced */
	CHECK(close(fd) == 0 && fails(rename(TOP "x", TOP "z"), ENOENT));
	CHECK(mkdir(TOP "d", 0755) == 0 && mkdir(TOP "d/e", 0755) == 0);
	CHECK(fails(rename(TOP "d", TOP "d/e/f"), EINVAL));
	CHECK(fails(rmdir(TOP "d"), ENOTEMPTY));
	CHECK(fails(rename(TOP "y", "/tmp/y"), EXDEV));
	CHECK(chdir(TOP "d/e") == 0 && rename(TOP "d/e", TOP "g") == 0);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL && !strcmp(cwd, TOP "g"));
	CHECK(chdir("..") == 0 && getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK(strcmp(cwd, "/mnt") == 0 && chdir("..") == 0);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
	CHECK(rmdir(TOP "g") == 0 && rmdir(TOP "d") == 0);
	CHECK(unlink(TOP "y") == 0);
}

static void
unlinked(void)
{
	int fd = open(TOP "u", O_RDWR | O_CREAT | O_EXCL, 0444);
	struct stat st;
	char buf[8];

	CHECK(fd >= 0 && write(fd, "abc", 3) == 3 && unlink(TOP "u") == 0);
	CHECK(fails(access(TOP "u", F_OK), ENOENT));
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 3);
	CHECK(ftruncate(fd, 2) == 0 && pread(fd, buf, 8, 0) == 2);
	CHECK(write(fd, "d", 1) == 1 && fsync(fd) == 0);
	CHECK(pread(fd, buf, 8, 0) == 4 && memcmp(buf, "ab\0d", 4) == 0);
	CHECK(close(fd) == 0);
}

/* More than one request takes, at odd places, and a hole. */
static void
large(void)
{
	size_t i;
	int fd = open(TOP "large", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + (i >> 9));
	CHECK(write(fd, big, sizeof(big)) == (ssize_t)sizeof(big));
	CHECK(pwrite(fd, big, 1000001, 4000003) == 1000001);
	CHECK(pread(fd, back, sizeof(back), 0) == (ssize_t)sizeof(back));
	CHECK(memcmp(big, back, sizeof(big)) == 0);
	CHECK(pread(fd, back, sizeof(back), 4000003) == 1000001);
	CHECK(memcmp(big, back, 1000001) == 0);
	CHECK(pread(fd, back, sizeof(back), 3999003) == 1001001);
	CHECK(back[0] == 0 && back[999] == 0 && back[1001] == big[1]);
	CHECK(pread(fd, back, sizeof(back), 5000004) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == 5000004);
	CHECK(close(fd) == 0 && unlink(TOP "large") == 0);
}

static void
errors(void)
{
	static char name[300];
	struct statvfs sv;
	struct stat st;

	CHECK(fails(open(TOP "none", O_RDONLY), ENOENT));
	CHECK(fails(open(TOP "none/f", O_RDONLY | O_CREAT, 0), ENOENT));
	CHECK(put(TOP "f", "", 0) == 0);
	CHECK(fails(open(TOP "f/g", O_RDONLY), ENOTDIR));
	CHECK(fails(mkdir(TOP "f", 0755), EEXIST));
	CHECK(fails(rmdir(TOP "f"), ENOTDIR) && fails(open(TOP, 1), EISDIR));
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, TOP, strlen(TOP));
	CHECK(fails(stat(name, &st), ENAMETOOLONG));
	CHECK(symlink("loop", TOP "loop") == 0);
	CHECK(fails(stat(TOP "loop", &st), ELOOP) && unlink(TOP "loop") == 0);
	CHECK(statvfs(TOP, &sv) == 0 && sv.f_blocks > 0 && sv.f_namemax == 255);
	CHECK(unlink(TOP "f") == 0);
	CHECK(fails(umount("/mnt"), chdir("/mnt") == 0 ? EBUSY : 0));
	CHECK(chdir("/") == 0);
}

static unsigned
entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* A directory that stays open, as the current one, is read anew. */
static void
listed_again(void)
{
	CHECK(mkdir(TOP "d", 0755) == 0 && chdir(TOP "d") == 0);
	CHECK(entries(".") == 2 && entries(".") == 2);
	CHECK(put("f", "", 0) == 0 && entries(".") == 3);
	CHECK(put("g", "", 0) == 0 && unlink("f") == 0 && entries(".") == 3);
	CHECK(unlink("g") == 0 && entries(".") == 2);
	CHECK(chdir("/") == 0 && rmdir(TOP "d") == 0);
}

/* Several at once, on files of their own and on one. */
static void *
one_of_many(void *arg)
{
	char path[64], text[16], *p = malloc(300000);
	int i, fd, all = open(TOP "all", O_WRONLY | O_APPEND), bad = p == NULL;

	snprintf(path, sizeof(path), TOP "m%s", (char *)arg);
	for (i = 0; i < 20 && !bad; i++) {
		snprintf(text, sizeof(text), "%s %d\n", (char *)arg, i);
		memset(p, text[0] + i, 300000);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		bad += write(fd, p, 300000) != 300000;
		memset(p, 0, 300000);
		bad += pread(fd, p, 300000, 0) != 300000;
		bad += p[0] != text[0] + i || p[299999] != text[0] + i;
		bad += close(fd) != 0 || unlink(path) != 0;
		bad += write(all, "0123456789", 10) != 10;
	}
	free(p);
	close(all);
	return bad ? arg : NULL;
}

static void
crowd(void)
{
	static char *names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct stat st;
	pthread_t t[8];
	void *bad;
	int i;

	CHECK(put(TOP "all", "", 0) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, one_of_many, names[i]) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], &bad) == 0 && bad == NULL);
	CHECK(stat(TOP "all", &st) == 0 && st.st_size == 1600);
	CHECK(unlink(TOP "all") == 0);
}

/* --- the rest --- */

static int
copy_file(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, mode);
	ssize_t n, m = 0;

	while ((n = read(in, big, 1 << 20)) > 0 && m >= 0)
		m = write(out, big, n) == n ? 0 : -1;
	return close(in) != 0 || close(out) != 0 || n != 0 || m != 0;
}

static void
whole_file(void)
{
	double t = check_ms(CLOCK_MONOTONIC);

	CHECK(copy_file(TOP "big", TOP "big2", 0600) == 0);
	printf("# %.0f ms\n", check_ms(CLOCK_MONOTONIC) - t);
}

/* Names name0000 to name2999, each once; then again from the middle. */
static void
many(void)
{
	static char seen[3000];
	unsigned n = 0, i;
	struct dirent *e;
	char last[64];
	long at = 0;
	DIR *d = opendir(TOP "many");

	while ((e = readdir(d)) != NULL) {
		if (sscanf(e->d_name, "name%4u", &i) != 1)
			continue;
		CHECK(i < 3000 && !seen[i] && e->d_ino != 0);
		CHECK(e->d_type == DT_REG);
		seen[i < 3000 ? i : 0] = 1;
		if (++n == 1500)
			at = telldir(d);
		if (n == 1501)
			strcpy(last, e->d_name);
	}
	CHECK(n == 3000);
	seekdir(d, at);
	e = readdir(d);
	CHECK(e != NULL && strcmp(e->d_name, last) == 0);
	rewinddir(d);
	CHECK((e = readdir(d)) != NULL && strcmp(e->d_name, ".") == 0);
	CHECK((e = readdir(d)) != NULL && strcmp(e->d_name, "..") == 0);
	closedir(d);
}

static void
read_only(void)
{
	struct statvfs sv;

	CHECK(holds(TOP "f", "text"));
	CHECK(fails(open(TOP "f", O_RDWR), EROFS));
	CHECK(fails(open(TOP "g", O_WRONLY | O_CREAT, 0600), EROFS));
	CHECK(fails(unlink(TOP "f"), EROFS) &&
	      fails(truncate(TOP "f", 0), EROFS));
	CHECK(fails(mkdir(TOP "d", 0700), EROFS) &&
	      fails(chmod(TOP "f", 0), EROFS));
	CHECK(fails(rename(TOP "f", TOP "g"), EROFS));
	CHECK(statvfs(TOP, &sv) == 0 && (sv.f_flag & ST_RDONLY));
	CHECK(holds(TOP "f", "text"));
}

/* The host has 1 MiB for all of it. */
static void
full(void)
{
	int fd = open(TOP "full", O_WRONLY | O_CREAT, 0600);
	ssize_t n, sum = 0;

	while ((n = write(fd, big, 100000)) > 0)
		sum += n;
	CHECK(fails((int)n, ENOSPC) && sum > 900000 && sum <= 1 << 20);
	CHECK(close(fd) == 0 && unlink(TOP "full") == 0);
	fd = open(TOP "full", O_WRONLY | O_CREAT, 0600);
	CHECK(write(fd, big, 500000) == 500000); /* the room is there again */
	CHECK(close(fd) == 0);
}

/* The server gives this program's user no more than that user has. */
static void
denied(void)
{
	CHECK(fails(open(TOP "secret", O_RDONLY), EACCES));
	CHECK(fails(open(TOP "new", O_WRONLY | O_CREAT, 0600), EACCES));
	CHECK(holds(TOP "f", "text"));
}

static void
mounted_anew(void)
{
	struct stat st;

	CHECK(put(TOP "f", "text", 0) == 0 && umount("/mnt") == 0);
	CHECK(fails(stat(TOP "f", &st), ENOENT));
	CHECK(mount("tag", "/mnt", "virtiofs", MS_RDONLY, NULL) == 0);
	CHECK(holds(TOP "f", "text") && fails(unlink(TOP "f"), EROFS));
	CHECK(mkdir("/other", 0755) == 0);
	CHECK(fails(mount("tag", "/other", "virtiofs", 0, NULL), EBUSY));
	CHECK(fails(mount("gat", "/other", "virtiofs", 0, NULL), ENODEV));
}

/* The host kills the server when it has read "# waiting". */
static void
server_dies(void)
{
	int fd = open(TOP "f", O_RDWR);
	char buf[8];
	double t;

	CHECK(read(fd, buf, 4) == 4);
	printf("# waiting\n");
	fflush(stdout);
	getchar();
	t = check_ms(CLOCK_MONOTONIC);
	CHECK(fails(pread(fd, buf, 4, 0), EIO));
	t = check_ms(CLOCK_MONOTONIC) - t;
	CHECK(t < 3000);
	CHECK(fails(pwrite(fd, buf, 4, 0), EIO));
	CHECK(fails(open(TOP "f", O_RDONLY), EIO) && close(fd) == 0);
	CHECK(put("/tmp/f", "x", 0) == 0);
	check_sleep_ms(50); /* a thread tells what has broken */
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *group;
} tests[] = {
    {"files", files, "names"},
    {"times", times, "names"},
    {"links", links, "names"},
    {"renames", renames, "names"},
    {"unlinked", unlinked, "names"},
    {"large", large, "names"},
    {"errors", errors, "names"},
    {"listed_again", listed_again, "names"},
    {"crowd", crowd, "names"},
    {"whole_file", whole_file, "data"},
    {"many", many, "data"},
    {"read_only", read_only, "read_only"},
    {"full", full, "full"},
    {"denied", denied, "denied"},
    {"mounted_anew", mounted_anew, "mounted_anew"},
    {"server_dies", server_dies, "server_dies"},
};

int
main(int argc, char **argv)
{
	unsigned i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (argc == 2 && strcmp(argv[1], tests[i].group) == 0)
			check_run(tests[i].name, tests[i].run);
	return check_failures != 0;
}
