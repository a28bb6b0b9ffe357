/* SPDX-License-Identifier: ISC */
/*
 * Files, directories and descriptors as a program uses them, through POSIX
 * calls and stdio, in the root that every guest has.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>
#include <utime.h>

#include "check_file.h"

static void
open_read_write(void)
{
	struct stat st;
	char buf[16];
	int fd;

	CHECK(FAILS(open("/none", O_RDONLY), ENOENT));
	fd = open("/a", O_RDWR | O_CREAT | O_EXCL, 0666);
	CHECK(fd == 3);
	CHECK(FAILS(open("/a", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST));
	CHECK(write(fd, "hello world", 11) == 11);
	CHECK(lseek(fd, 6, SEEK_SET) == 6);
	CHECK(read(fd, buf, 16) == 5 && memcmp(buf, "world", 5) == 0);
	CHECK(read(fd, buf, 16) == 0);
	CHECK(pread(fd, buf, 3, 1) == 3 && memcmp(buf, "ell", 3) == 0);
	CHECK(pwrite(fd, "H", 1, 0) == 1);
	CHECK(lseek(fd, 0, SEEK_CUR) == 11);
	CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	CHECK(st.st_size == 11 && (st.st_mode & 07777) == 0644);
	CHECK(st.st_ino != 0 && st.st_nlink == 1 && st.st_blksize == 4096);
	CHECK(ftruncate(fd, 5) == 0);
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
	CHECK(close(fd) == 0);
	CHECK(FAILS(close(fd), EBADF));
	CHECK(FAILS(read(fd, buf, 1), EBADF));
	check_text("/a", "Hello");
	CHECK(truncate("/a", 2) == 0);
	check_text("/a", "He");
	CHECK(unlink("/a") == 0 && FAILS(unlink("/a"), ENOENT));
}

/* Beyond 4 GiB, with a hole: no memory for what is not written. */
static void
sparse(void)
{
	off_t far = (off_t)5 << 30;
	struct stat st;
	char buf[8];
	int fd = open("/sparse", O_RDWR | O_CREAT, 0600);

	CHECK(lseek(fd, far, SEEK_SET) == far);
	CHECK(write(fd, "far", 3) == 3);
	CHECK(fstat(fd, &st) == 0 && st.st_size == far + 3);
	CHECK(st.st_blocks <= 16);
	CHECK(pread(fd, buf, 8, far - 5) == 8);
	CHECK(memcmp(buf, "\0\0\0\0\0far", 8) == 0);
	CHECK(close(fd) == 0 && unlink("/sparse") == 0);
}

static void
descriptors(void)
{
	char buf[8];
	int fd, other, i;

	put_file("/d", "0123456789");
	fd = open("/d", O_RDONLY);
	other = dup(fd);
	CHECK(other == fd + 1);
	CHECK(read(fd, buf, 2) == 2 && lseek(other, 0, SEEK_CUR) == 2);
	CHECK(dup2(fd, 100) == 100 && lseek(100, 0, SEEK_CUR) == 2);
	CHECK(dup2(fd, fd) == fd);
	CHECK(FAILS(dup2(99, 5), EBADF) && FAILS(dup3(fd, fd, 0), EINVAL));
	CHECK(dup3(fd, 101, O_CLOEXEC) == 101);
	CHECK(fcntl(101, F_GETFD) == FD_CLOEXEC && fcntl(100, F_GETFD) == 0);
	CHECK(fcntl(fd, F_DUPFD, 50) == 50);
	CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 50) == 51);
	CHECK(fcntl(fd, F_GETFL) == O_RDONLY);
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(other, F_GETFL) == (O_RDONLY | O_NONBLOCK));
	for (i = 0; i < 5000; i++)
		CHECK(fcntl(fd, F_DUPFD, 200 + i) == 200 + i);
	for (i = 0; i < 5000; i++)
		CHECK(close(200 + i) == 0);
	CHECK(close(fd) == 0 && close(other) == 0 && close(100) == 0);
	CHECK(close(101) == 0 && close(50) == 0 && close(51) == 0);
	CHECK(open("/d", O_RDONLY) == fd && close(fd) == 0);
	unlink("/d");
}

static void
append_and_vectors(void)
{
	struct iovec v[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
	char a[3], b[16];
	struct iovec in[2] = {{a, 3}, {b, 16}};
	int fd = open("/v", O_RDWR | O_CREAT | O_APPEND, 0644);

	CHECK(writev(fd, v, 3) == 7);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(write(fd, "!", 1) == 1);
	CHECK(preadv(fd, in, 2, 0) == 8);
	CHECK(memcmp(a, "one", 3) == 0 && memcmp(b, " two!", 5) == 0);
	CHECK(FAILS(readv(fd, in, 0), EINVAL));
	CHECK(close(fd) == 0 && unlink("/v") == 0);
}

static void
directories(void)
{
	struct dirent **list, *e;
	char buf[PATH_MAX];
	long at = -1;
	int i, n = 0;
	DIR *d;

	CHECK(mkdir("/dir", 0777) == 0 && FAILS(mkdir("/dir", 0), EEXIST));
	CHECK(chdir("/dir") == 0);
	CHECK(strcmp(getcwd(buf, sizeof(buf)), "/dir") == 0);
	CHECK(getcwd(buf, 4) == NULL && errno == ERANGE);
	for (i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "n%03d", i);
		put_file(buf, "");
	}
	d = opendir(".");
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, "n100") == 0)
			at = telldir(d);
		n++;
	}
	CHECK(n == 302);
	seekdir(d, at);
	e = readdir(d);
	CHECK(e != NULL && strcmp(e->d_name, "n101") == 0);
	CHECK(e->d_type == DT_REG && e->d_ino != 0);
	rewinddir(d);
	CHECK(strcmp(readdir(d)->d_name, ".") == 0);
	CHECK(closedir(d) == 0);
	CHECK(scandir("/dir", &list, NULL, alphasort) == 302);
	CHECK(strcmp(list[301]->d_name, "n299") == 0);
	for (i = 0; i < 302; i++)
		free(list[i]);
	free(list);
	CHECK(FAILS(rmdir("/dir"), ENOTEMPTY));
	for (i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "/dir/n%03d", i);
		CHECK(unlink(buf) == 0);
	}
	CHECK(rmdir("../dir") == 0);
	CHECK(getcwd(buf, sizeof(buf)) == NULL && errno == ENOENT);
	CHECK(chdir("/") == 0 && FAILS(chdir("/dir"), ENOENT));
}

static void
links_and_names(void)
{
	struct stat st, lst;
	char buf[PATH_MAX];

	put_file("/f", "text");
	CHECK(symlink("f", "/s") == 0 && link("/f", "/h") == 0);
	check_text("/s", "text");
	CHECK(lstat("/s", &lst) == 0 && S_ISLNK(lst.st_mode));
	CHECK(stat("/s", &st) == 0 && S_ISREG(st.st_mode));
	CHECK(st.st_nlink == 2 && lst.st_size == 1);
	CHECK(readlink("/s", buf, sizeof(buf)) == 1 && buf[0] == 'f');
	CHECK(FAILS(readlink("/f", buf, 9), EINVAL));
	CHECK(strcmp(realpath("/tmp/../s", buf), "/f") == 0);
	CHECK(strcmp(realpath("tmp/.", buf), "/tmp") == 0);
	CHECK(realpath("/none", buf) == NULL && errno == ENOENT);
	CHECK(FAILS(open("/s", O_RDONLY | O_NOFOLLOW), ELOOP));
	CHECK(rename("/f", "/tmp/g") == 0 && FAILS(stat("/s", &st), ENOENT));
	check_text("/h", "text");
	CHECK(unlink("/h") == 0 && unlink("/s") == 0);
	CHECK(FAILS(unlink("/tmp"), EISDIR) && FAILS(rmdir("/tmp/g"), ENOTDIR));
	CHECK(mkdir("/tmp/d", 0755) == 0);
	CHECK(FAILS(rename("/tmp", "/tmp/d/x"), EINVAL));
	CHECK(remove("/tmp/d") == 0 && remove("/tmp/g") == 0);
}

static void
at_functions(void)
{
	struct stat st;
	char buf[8];
	int dir, fd;

	CHECK(mkdirat(AT_FDCWD, "/at", 0755) == 0);
	dir = open("/at", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "f", O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(fstatat(dir, "f", &st, 0) == 0 && S_ISREG(st.st_mode));
	CHECK(symlinkat("f", dir, "s") == 0);
	CHECK(readlinkat(dir, "s", buf, 8) == 1);
	CHECK(linkat(dir, "f", dir, "h", 0) == 0);
	CHECK(renameat(dir, "h", dir, "i") == 0);
	CHECK(faccessat(dir, "i", R_OK | W_OK, 0) == 0);
	CHECK(FAILS(faccessat(dir, "i", X_OK, 0), EACCES));
	CHECK(fchmodat(dir, "i", 0755, 0) == 0 && access("/at/i", X_OK) == 0);
	CHECK(fchdir(dir) == 0 && access("i", F_OK) == 0 && chdir("/") == 0);
	CHECK(FAILS(openat(dir, "none", O_RDONLY), ENOENT));
	CHECK(FAILS(openat(1, "x", O_RDONLY), ENOTDIR));
	CHECK(unlinkat(dir, "f", 0) == 0 && unlinkat(dir, "s", 0) == 0);
	CHECK(unlinkat(dir, "i", 0) == 0 && close(dir) == 0);
	CHECK(unlinkat(AT_FDCWD, "/at", AT_REMOVEDIR) == 0);
}

static void
attributes(void)
{
	struct timespec ts[2] = {{1000, 5}, {2000, 7}};
	struct timeval tv[2] = {{3000, 1}, {4000, 2}};
	struct utimbuf ub = {5000, 6000};
	struct statvfs sv;
	struct stat st;
	mode_t was = umask(077);

	put_file("/m", "x");
	CHECK(umask(was) == 077);
	CHECK(stat("/m", &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(chmod("/m", 04711) == 0 && chown("/m", 1000, 70000) == 0);
	CHECK(stat("/m", &st) == 0 && (st.st_mode & 07777) == 04711);
	CHECK(st.st_uid == 1000 && st.st_gid == 70000);
	CHECK(utimensat(AT_FDCWD, "/m", ts, 0) == 0);
	CHECK(stat("/m", &st) == 0 && st.st_mtim.tv_sec == 2000);
	CHECK(st.st_atim.tv_nsec == 5 && st.st_mtim.tv_nsec == 7);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "/m", ts, 0) == 0);
	CHECK(stat("/m", &st) == 0 && st.st_atim.tv_sec == 1000);
	CHECK(st.st_mtim.tv_sec != 2000);
	CHECK(utimes("/m", tv) == 0 && stat("/m", &st) == 0);
	CHECK(st.st_mtim.tv_sec == 4000 && st.st_mtim.tv_nsec == 2000);
	CHECK(utime("/m", &ub) == 0 && stat("/m", &st) == 0);
	CHECK(st.st_atim.tv_sec == 5000 && st.st_mtim.tv_sec == 6000);
	CHECK(statvfs("/m", &sv) == 0 && sv.f_bsize == 4096);
	CHECK(sv.f_bfree > 0 && sv.f_bfree <= sv.f_blocks);
	unlink("/m");
}

static void
stdio(void)
{
	char name[] = "/tmp/tXXXXXX", dir[] = "/tmp/dXXXXXX", line[64];
	FILE *f = fopen("/tmp/s", "w+");
	int i, fd;

	CHECK(f != NULL);
	for (i = 0; i < 10000; i++)
		fprintf(f, "line %d\n", i);
	CHECK(fseek(f, 0, SEEK_END) == 0 && ftell(f) == 98890);
	rewind(f);
	for (i = 0; i < 10000 && fgets(line, sizeof(line), f); i++)
		CHECK(atoi(line + 5) == i);
	CHECK(i == 10000 && fclose(f) == 0);
	f = fopen("/tmp/s", "r");
	CHECK(fseek(f, 98880, SEEK_SET) == 0);
	CHECK(fgets(line, sizeof(line), f) && strcmp(line, "line 9999\n") == 0);
	CHECK(fclose(f) == 0 && remove("/tmp/s") == 0);
	f = tmpfile();
	CHECK(f != NULL && fputs("x", f) >= 0 && fclose(f) == 0);
	fd = mkstemp(name);
	CHECK(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
	CHECK(mkdtemp(dir) == dir && rmdir(dir) == 0);
	CHECK(fopen("/none/x", "w") == NULL && errno == ENOENT);
}

static void
devices(void)
{
	unsigned char buf[64], zero[64] = {0};
	struct stat st;
	int fd;

	fd = open("/dev/null", O_RDWR);
	CHECK(write(fd, "x", 1) == 1 && read(fd, buf, 64) == 0);
	CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
	CHECK(st.st_rdev == 0x103 && close(fd) == 0);
	fd = open("/dev/zero", O_RDONLY);
	memset(buf, 1, 64);
	CHECK(read(fd, buf, 64) == 64 && memcmp(buf, zero, 64) == 0);
	CHECK(close(fd) == 0);
	fd = open("/dev/full", O_WRONLY);
	CHECK(FAILS(write(fd, "x", 1), ENOSPC) && close(fd) == 0);
	fd = open("/dev/urandom", O_RDONLY);
	CHECK(fd >= 0 && close(fd) == 0);
	fd = open("/dev/stdout", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "", 0) == 0 && close(fd) == 0);
	CHECK(FAILS(open("/dev/tty", O_RDWR), ENXIO));
	CHECK(!isatty(1) && errno == ENOTTY && ttyname(0) == NULL);
}

static void
terminal(void)
{
	struct termios t;
	struct winsize ws;
	int on = 1;

	CHECK(FAILS(tcgetattr(0, &t), ENOTTY));
	CHECK(FAILS(ioctl(1, TIOCGWINSZ, &ws), ENOTTY));
	CHECK(ioctl(0, FIONBIO, &on) == 0);
	CHECK(fcntl(0, F_GETFL) & O_NONBLOCK);
	on = 0;
	CHECK(ioctl(0, FIONBIO, &on) == 0);
}

static void
locks(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int a = open("/lock", O_RDWR | O_CREAT, 0600);
	int b = open("/lock", O_RDWR);

	CHECK(fcntl(a, F_SETLK, &l) == 0 && fcntl(b, F_GETLK, &l) == 0);
	CHECK(l.l_type == F_UNLCK && lockf(a, F_LOCK, 0) == 0);
	CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	CHECK(FAILS(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK));
	CHECK(close(b) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0);
	CHECK(flock(a, LOCK_UN) == 0 && close(a) == 0);
	unlink("/lock");
}

static void
path_names(void)
{
	static const char *const t[][3] = {{"/usr/lib", "/usr", "lib"},
	    {"/usr/", "/", "usr"}, {"usr", ".", "usr"}, {"/", "/", "/"},
	    {".", ".", "."}, {"a//b//", "a", "b"}, {"", ".", "."}};
	char buf[32];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(strcmp(dirname(strcpy(buf, t[i][0])), t[i][1]) == 0);
		CHECK(strcmp(basename(strcpy(buf, t[i][0])), t[i][2]) == 0);
	}
}

/* Filling the disk gives ENOSPC, and removing the file all the room back. */
static void
disk_full(void)
{
	static char block[1 << 16];
	int fd = open("/big", O_WRONLY | O_CREAT, 0600), i;
	struct statvfs before, after;
	ssize_t n;

	CHECK(statvfs("/", &before) == 0);
	for (i = 0; i < 1000000; i++) {
		n = write(fd, block, sizeof(block));
		if (n < 0)
			break;
	}
	CHECK(n == -1 && errno == ENOSPC && i > 10);
	CHECK(close(fd) == 0 && unlink("/big") == 0);
	CHECK(statvfs("/", &after) == 0);
	/* page tables may have been added for good */
	CHECK(after.f_bfree + 64 >= before.f_bfree);
}

int
main(void)
{
	CHECK_RUN(open_read_write);
	CHECK_RUN(sparse);
	CHECK_RUN(descriptors);
	CHECK_RUN(append_and_vectors);
	CHECK_RUN(directories);
	CHECK_RUN(links_and_names);
	CHECK_RUN(at_functions);
	CHECK_RUN(attributes);
	CHECK_RUN(stdio);
	CHECK_RUN(devices);
	CHECK_RUN(terminal);
	CHECK_RUN(locks);
	CHECK_RUN(path_names);
	CHECK_RUN(disk_full);
	return check_failures != 0;
}
