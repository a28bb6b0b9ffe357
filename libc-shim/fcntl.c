/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 fcntl, dup, dup2; dup3, lockf, posix_fadvise.  Record locks
 * keep processes apart: the one process there is always gets them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "libc-shim/file.h"
#include "libc-shim/shim.h"

#define SETTABLE (O_APPEND | O_NONBLOCK | O_SYNC)

PUBLIC int
dup(int fd)
{
	return (int)posix_result(fd_dup(fd, 0, false));
}

PUBLIC int
dup2(int fd, int to)
{
	if (fd == to)
		return (int)posix_result(fd_cloexec(fd) < 0 ? -EBADF : fd);
	return (int)posix_result(fd_dup_to(fd, to, false));
}

PUBLIC int
dup3(int fd, int to, int flags)
{
	if (fd == to || (flags & ~O_CLOEXEC))
		return (int)posix_result(-EINVAL);
	return (int)posix_result(fd_dup_to(fd, to, flags & O_CLOEXEC));
}

static int
record_lock(int cmd, struct flock *l)
{
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK &&
	    l->l_type != F_UNLCK)
		return -EINVAL;
	if (cmd == F_GETLK)
		l->l_type = F_UNLCK;
	return 0;
}

static int
control(int fd, struct file *f, int cmd, long arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fd_dup(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(fd) > 0 ? FD_CLOEXEC : 0;
	case F_SETFD:
		return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		f->flags = (f->flags & ~SETTABLE) | ((int)arg & SETTABLE);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return record_lock(cmd, (struct flock *)arg);
	case F_GETOWN:
	case F_SETOWN:
		return 0;
	default:
		return -EINVAL;
	}
}

/* EBADF, EINVAL, EMFILE. */
PUBLIC int
fcntl(int fd, int cmd, ...)
{
	struct file *f = file_get(fd);
	va_list ap;
	long arg;
	int r;

	if (f == NULL)
		return (int)posix_result(-EBADF);
	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	r = control(fd, f, cmd, arg);
	file_put(f);
	return (int)posix_result(r);
}
LIBC_NAME(fcntl);

PUBLIC int
lockf(int fd, int cmd, off_t len)
{
	(void)len;
	if (fd_cloexec(fd) < 0)
		return (int)posix_result(-EBADF);
	return cmd < F_ULOCK || cmd > F_TEST ? (int)posix_result(-EINVAL) : 0;
}

PUBLIC int
posix_fadvise(int fd, off_t off, off_t len, int advice)
{
	(void)off;
	if (fd_cloexec(fd) < 0)
		return EBADF;
	return len < 0 || advice < 0 || advice > POSIX_FADV_NOREUSE ? EINVAL
								    : 0;
}
