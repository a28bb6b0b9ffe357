/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 readv and writev; preadv, pwritev.  A write of moderate size
 * is gathered first, so that it reaches the file in one piece.
 */
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "libc-shim/io.h"

#define GATHER_MAX 65536

static long
total_len(const struct iovec *v, int n)
{
	size_t sum = 0;
	int i;

	if (n <= 0 || n > IOV_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (__builtin_add_overflow(sum, v[i].iov_len, &sum) ||
		    sum > LONG_MAX)
			return -EINVAL;
	return (long)sum;
}

/* One buffer; at the file's position if off is negative. */
static long
one(struct file *f, bool writing, void *p, size_t len, int64_t off)
{
	if (writing)
		return off < 0 ? file_write(f, p, len)
			       : file_pwrite(f, p, len, off);
	return off < 0 ? file_read(f, p, len) : file_pread(f, p, len, off);
}

/* Buffer by buffer until one is not filled. */
static long
each(struct file *f, bool writing, const struct iovec *v, int n, int64_t off)
{
	long done = 0, r;

	for (; n > 0; n--, v++) {
		if (v->iov_len == 0 && n > 1)
			continue;
		r = one(f, writing, v->iov_base, v->iov_len,
		    off < 0 ? off : off + done);
		if (r < 0)
			return done > 0 ? done : r;
		done += r;
		if ((size_t)r < v->iov_len)
			break;
	}
	return done;
}

static long
gathered(struct file *f, const struct iovec *v, int n, size_t len, int64_t off)
{
	char *p = heap_alloc(len), *to = p;
	long r;

	if (p == NULL)
		return each(f, true, v, n, off);
	for (; n > 0; n--, v++) {
		memcpy(to, v->iov_base, v->iov_len);
		to += v->iov_len;
	}
	r = one(f, true, p, len, off);
	heap_free(p, len);
	return r;
}

static long
transfer(int fd, bool writing, const struct iovec *v, int n, int64_t off)
{
	struct file *f;
	long r, len = total_len(v, n);

	if (len < 0)
		return len;
	io_begin();
	do {
		f = file_get(fd);
		if (f == NULL)
			return -EBADF;
		if (writing && n > 1 && len > 0 && len <= GATHER_MAX)
			r = gathered(f, v, n, (size_t)len, off);
		else
			r = each(f, writing, v, n, off);
		file_put(f);
	} while (io_again(r));
	return r;
}

PUBLIC ssize_t
readv(int fd, const struct iovec *v, int n)
{
	return posix_result(transfer(fd, false, v, n, -1));
}

PUBLIC ssize_t
writev(int fd, const struct iovec *v, int n)
{
	return posix_result(transfer(fd, true, v, n, -1));
}

PUBLIC ssize_t
preadv(int fd, const struct iovec *v, int n, off_t off)
{
	return posix_result(off < 0 ? -EINVAL : transfer(fd, false, v, n, off));
}

PUBLIC ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t off)
{
	return posix_result(off < 0 ? -EINVAL : transfer(fd, true, v, n, off));
}
