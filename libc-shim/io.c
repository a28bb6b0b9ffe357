/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 read, write, pread, pwrite, lseek, close, fsync, fdatasync,
 * sync, fstat and isatty: what every program with standard output needs.
 */
#include "libc-shim/io.h"

#include <unistd.h>

#include "libc-shim/console_file.h"

PUBLIC ssize_t
read(int fd, void *p, size_t len)
{
	struct file *f;
	long r;

	io_begin();
	do {
		f = file_get(fd);
		r = f == NULL ? -EBADF : file_read(f, p, len);
		if (f != NULL)
			file_put(f);
	} while (io_again(r));
	return posix_result(r);
}
LIBC_NAME(read);

PUBLIC ssize_t
write(int fd, const void *p, size_t len)
{
	struct file *f;
	long r;

	io_begin();
	do {
		f = file_get(fd);
		r = f == NULL ? -EBADF : file_write(f, p, len);
		if (f != NULL)
			file_put(f);
	} while (io_again(r));
	return posix_result(r);
}
LIBC_NAME(write);

PUBLIC ssize_t
pread(int fd, void *p, size_t len, off_t off)
{
	struct file *f = file_get(fd);
	long r;

	if (f == NULL)
		return posix_result(-EBADF);
	r = file_pread(f, p, len, off);
	file_put(f);
	return posix_result(r);
}

PUBLIC ssize_t
pwrite(int fd, const void *p, size_t len, off_t off)
{
	struct file *f = file_get(fd);
	long r;

	if (f == NULL)
		return posix_result(-EBADF);
	r = file_pwrite(f, p, len, off);
	file_put(f);
	return posix_result(r);
}

PUBLIC off_t
lseek(int fd, off_t off, int whence)
{
	struct file *f = file_get(fd);
	int64_t r;

	if (f == NULL)
		return posix_result(-EBADF);
	r = file_seek(f, off, whence);
	file_put(f);
	return posix_result(r);
}
LIBC_NAME(lseek);

PUBLIC int
close(int fd)
{
	return (int)posix_result(fd_close(fd));
}
LIBC_NAME(close);

PUBLIC int
fstat(int fd, struct stat *st)
{
	struct file *f = file_get(fd);
	int err;

	if (f == NULL)
		return (int)posix_result(-EBADF);
	err = file_fstat(f, st);
	file_put(f);
	return (int)posix_result(err);
}
LIBC_NAME(fstat);

/* EBADF, ENOTTY. */
PUBLIC int
isatty(int fd)
{
	struct file *f = file_get(fd);
	bool is;

	if (f == NULL)
		return (int)posix_result(-EBADF) + 1;
	is = file_is_console(f) && console_is_tty();
	file_put(f);
	if (!is)
		errno = ENOTTY;
	return is;
}
LIBC_NAME(isatty);

static int
sync_fd(int fd)
{
	struct file *f = file_get(fd);
	int err;

	if (f == NULL)
		return -EBADF;
	err = f->ops->sync == NULL ? -EINVAL : f->ops->sync(f);
	file_put(f);
	return err;
}

PUBLIC int
fsync(int fd)
{
	return (int)posix_result(sync_fd(fd));
}

PUBLIC int
fdatasync(int fd)
{
	return (int)posix_result(sync_fd(fd));
}

/* The file systems of a guest write through: nothing is kept back. */
PUBLIC void
sync(void)
{
}
