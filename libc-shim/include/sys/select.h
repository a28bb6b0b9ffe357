/* SPDX-License-Identifier: ISC */
/*
 * Waiting for descriptors, POSIX.1-2017 <sys/select.h>, in the place of
 * newlib's.  Sets hold descriptors 0 to FD_SETSIZE - 1; poll has no limit.
 */
#ifndef _SYS_SELECT_H
#define _SYS_SELECT_H

#include <sys/_sigset.h>
#include <sys/_timeval.h>
#include <sys/cdefs.h>
#include <sys/timespec.h>

#ifndef _SIGSET_T_DECLARED
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#ifndef FD_SETSIZE
#define FD_SETSIZE 4096
#endif

#define _SYS_TYPES_FD_SET

typedef unsigned long fd_mask;
#define NFDBITS (8 * (int)sizeof(fd_mask))

typedef struct {
	fd_mask fds_bits[FD_SETSIZE / (8 * sizeof(fd_mask))];
} fd_set;

#define __FD_WORD(n, p) ((p)->fds_bits[(unsigned)(n) / NFDBITS])
#define __FD_BIT(n)	(1UL << ((unsigned)(n) % NFDBITS))
#define FD_SET(n, p)	((void)(__FD_WORD(n, p) |= __FD_BIT(n)))
#define FD_CLR(n, p)	((void)(__FD_WORD(n, p) &= ~__FD_BIT(n)))
#define FD_ISSET(n, p)	((__FD_WORD(n, p) & __FD_BIT(n)) != 0)
#define FD_ZERO(p)	((void)__builtin_memset((p), 0, sizeof(*(p))))

__BEGIN_DECLS

/* How many bits are set in the results; 0 at the time-out.  EBADF, EINTR,
 * EINVAL. */
int select(int, fd_set *__restrict, fd_set *__restrict, fd_set *__restrict,
    struct timeval *__restrict);
int pselect(int, fd_set *__restrict, fd_set *__restrict, fd_set *__restrict,
    const struct timespec *__restrict, const sigset_t *__restrict);

__END_DECLS

#endif
