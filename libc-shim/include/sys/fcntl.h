/* SPDX-License-Identifier: ISC */
/* newlib's file control, and what it lacks of POSIX.1-2017 <fcntl.h>. */
#ifndef _SYS_FCNTL_H_
#define _SYS_FCNTL_H_

#include <sys/_default_fcntl.h>

#ifndef O_CLOEXEC
#define O_CLOEXEC _FNOINHERIT
#endif
#ifndef O_NOFOLLOW
#define O_NOFOLLOW _FNOFOLLOW
#endif
#ifndef O_DIRECTORY
#define O_DIRECTORY _FDIRECTORY
#endif
#ifndef F_DUPFD_CLOEXEC
#define F_DUPFD_CLOEXEC 14
#endif
#define O_DSYNC	  O_SYNC
#define O_RSYNC	  O_SYNC
#ifndef O_NDELAY
#define O_NDELAY O_NONBLOCK
#endif
#define O_NOATIME 0 /* no difference here */
#define O_LARGEFILE 0 /* off_t has 64 bits */

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5

__BEGIN_DECLS

int openat(int, const char *, int, ...);
/* An error number.  Files are in memory: advice changes nothing. */
int posix_fadvise(int, off_t, off_t, int);

__END_DECLS

#endif
