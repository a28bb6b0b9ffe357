/* SPDX-License-Identifier: ISC */
/* Input and output of several buffers, POSIX.1-2017 <sys/uio.h>. */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <sys/cdefs.h>
#include <sys/types.h>

struct iovec {
	void *iov_base;
	size_t iov_len; /* bytes */
};

__BEGIN_DECLS

/* Bytes, as read and write; EINVAL: no or more than IOV_MAX buffers, or more
 * than SSIZE_MAX bytes. */
ssize_t readv(int, const struct iovec *, int);
ssize_t writev(int, const struct iovec *, int);
ssize_t preadv(int, const struct iovec *, int, off_t);
ssize_t pwritev(int, const struct iovec *, int, off_t);

__END_DECLS

#endif
