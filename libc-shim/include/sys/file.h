/* SPDX-License-Identifier: ISC */
/* flock and its LOCK_ constants. */
#ifndef _SYS_FILE_H
#define _SYS_FILE_H

#include <fcntl.h>
#include <sys/cdefs.h>

#ifndef LOCK_SH
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#endif

__BEGIN_DECLS

/* EWOULDBLOCK with LOCK_NB; EBADF, EINVAL, EINTR. */
int flock(int, int);

__END_DECLS

#endif
