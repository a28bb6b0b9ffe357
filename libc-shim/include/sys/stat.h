/* SPDX-License-Identifier: ISC */
/*
 * File status, POSIX.1-2017 <sys/stat.h>, in the place of newlib's.
 *
 * newlib's stdio was compiled against a struct stat with 16-bit ino_t and
 * dev_t.  It reads st_mode, st_size and st_blksize and owns the memory, so
 * those three are where it expects them and the whole is no larger; the wider
 * members lie where its narrow ones and its spare room were.
 */
#ifndef _SYS_STAT_H
#define _SYS_STAT_H

#include <_ansi.h>
#include <sys/cdefs.h>
#include <sys/_timespec.h>
#include <sys/types.h>
#include <time.h>

struct stat {
	dev_t st_dev;
	mode_t st_mode; /* newlib's offset 4 */
	ino_t st_ino;
	off_t st_size; /* newlib's offset 16; bytes */
	struct timespec st_atim;
	struct timespec st_mtim;
	struct timespec st_ctim;
	blksize_t st_blksize; /* newlib's offset 72 */
	blkcnt_t st_blocks;   /* of 512 bytes */
	uid_t st_uid;
	gid_t st_gid;
	dev_t st_rdev;
	nlink_t st_nlink;
};
#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec

#define S_BLKSIZE 512

#define _IFMT	0170000
#define _IFDIR	0040000
#define _IFCHR	0020000
#define _IFBLK	0060000
#define _IFREG	0100000
#define _IFLNK	0120000
#define _IFSOCK 0140000
#define _IFIFO	0010000

#define S_IFMT	 _IFMT
#define S_IFDIR	 _IFDIR
#define S_IFCHR	 _IFCHR
#define S_IFBLK	 _IFBLK
#define S_IFREG	 _IFREG
#define S_IFLNK	 _IFLNK
#define S_IFSOCK _IFSOCK
#define S_IFIFO	 _IFIFO

#define S_ISUID 04000
#define S_ISGID 02000
#define S_ISVTX 01000

#define S_IRWXU 0700
#define S_IRUSR 0400
#define S_IWUSR 0200
#define S_IXUSR 0100
#define S_IRWXG 0070
#define S_IRGRP 0040
#define S_IWGRP 0020
#define S_IXGRP 0010
#define S_IRWXO 0007
#define S_IROTH 0004
#define S_IWOTH 0002
#define S_IXOTH 0001

#if __BSD_VISIBLE
#define S_IREAD	    S_IRUSR
#define S_IWRITE    S_IWUSR
#define S_IEXEC	    S_IXUSR
#define ACCESSPERMS 0777
#define ALLPERMS    07777
#define DEFFILEMODE 0666
#endif

#define S_ISBLK(m)  (((m)&_IFMT) == _IFBLK)
#define S_ISCHR(m)  (((m)&_IFMT) == _IFCHR)
#define S_ISDIR(m)  (((m)&_IFMT) == _IFDIR)
#define S_ISFIFO(m) (((m)&_IFMT) == _IFIFO)
#define S_ISREG(m)  (((m)&_IFMT) == _IFREG)
#define S_ISLNK(m)  (((m)&_IFMT) == _IFLNK)
#define S_ISSOCK(m) (((m)&_IFMT) == _IFSOCK)

/* In tv_nsec, for futimens and utimensat. */
#define UTIME_NOW  (-2L)
#define UTIME_OMIT (-1L)

__BEGIN_DECLS

/* EBADF; ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG where a path is walked. */
int stat(const char *__restrict, struct stat *__restrict);
int lstat(const char *__restrict, struct stat *__restrict);
int fstat(int, struct stat *);
/* Permissions are kept and shown; the one user of a guest may do anything. */
int chmod(const char *, mode_t);
int fchmod(int, mode_t);
mode_t umask(mode_t);
int mkdir(const char *, mode_t);

int fstatat(int, const char *__restrict, struct stat *__restrict, int);
int fchmodat(int, const char *, mode_t, int);
int mkdirat(int, const char *, mode_t);
/* Times NULL: now. */
int utimensat(int, const char *, const struct timespec *, int);
int futimens(int, const struct timespec *);

__END_DECLS

#endif
