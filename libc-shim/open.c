/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 open, openat, creat. */
#include <fcntl.h>
#include <stdarg.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

int
vfs_open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	struct node *at;
	struct file *f;
	int err = vfs_at(dirfd, path, &at), fd;

	if (err != 0)
		return err;
	err = vfs_open(at, path, flags, mode, &f);
	node_put(at);
	if (err != 0)
		return err;
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

PUBLIC int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return (int)posix_result(
	    vfs_open_at(AT_FDCWD, path, flags, mode & ~vfs_umask()));
}
LIBC_NAME(open);

PUBLIC int
openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return (int)posix_result(
	    vfs_open_at(dirfd, path, flags, mode & ~vfs_umask()));
}

PUBLIC int
creat(const char *path, mode_t mode)
{
	return (int)posix_result(vfs_open_at(
	    AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode & ~vfs_umask()));
}
