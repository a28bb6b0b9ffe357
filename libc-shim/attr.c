/* SPDX-License-Identifier: ISC */
/*
 * Changing attributes: POSIX.1-2017 chmod, chown, truncate, utimes and their
 * relatives.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "libc-shim/clock.h"
#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

static int
set_node(struct node *n, const struct node_attr *a)
{
	int err = n->ops->setattr == NULL ? -EROFS : n->ops->setattr(n, a);

	node_put(n);
	return err;
}

static int
set_at(int dirfd, const char *path, unsigned how, const struct node_attr *a)
{
	struct node *n;
	int err = vfs_node_at(dirfd, path, how, &n);

	return err != 0 ? err : set_node(n, a);
}

static int
set_fd(int fd, const struct node_attr *a)
{
	struct node *n;
	int err = vfs_node_of(fd, &n);

	return err != 0 ? err : set_node(n, a);
}

/* WALK_ flags from AT_ ones; -EINVAL. */
static int
how_of(int flags, unsigned *how)
{
	*how = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	return flags & ~AT_SYMLINK_NOFOLLOW ? -EINVAL : 0;
}

/* --- mode --- */

PUBLIC int
chmod(const char *path, mode_t mode)
{
	struct node_attr a = {.set = ATTR_MODE, .mode = mode};

	return (int)posix_result(set_at(AT_FDCWD, path, WALK_FOLLOW, &a));
}

PUBLIC int
fchmod(int fd, mode_t mode)
{
	struct node_attr a = {.set = ATTR_MODE, .mode = mode};

	return (int)posix_result(set_fd(fd, &a));
}

PUBLIC int
fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	struct node_attr a = {.set = ATTR_MODE, .mode = mode};
	unsigned how;
	int err = how_of(flags, &how);

	return (int)posix_result(err != 0 ? err : set_at(dirfd, path, how, &a));
}

/* --- owner --- */

static struct node_attr
owner(uid_t uid, gid_t gid)
{
	struct node_attr a = {.set = 0, .uid = uid, .gid = gid};

	if (uid != (uid_t)-1)
		a.set |= ATTR_UID;
	if (gid != (gid_t)-1)
		a.set |= ATTR_GID;
	return a;
}

PUBLIC int
chown(const char *path, uid_t uid, gid_t gid)
{
	struct node_attr a = owner(uid, gid);

	return (int)posix_result(set_at(AT_FDCWD, path, WALK_FOLLOW, &a));
}

PUBLIC int
lchown(const char *path, uid_t uid, gid_t gid)
{
	struct node_attr a = owner(uid, gid);

	return (int)posix_result(set_at(AT_FDCWD, path, 0, &a));
}

PUBLIC int
fchown(int fd, uid_t uid, gid_t gid)
{
	struct node_attr a = owner(uid, gid);

	return (int)posix_result(set_fd(fd, &a));
}

PUBLIC int
fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct node_attr a = owner(uid, gid);
	unsigned how;
	int err = how_of(flags, &how);

	return (int)posix_result(err != 0 ? err : set_at(dirfd, path, how, &a));
}

/* --- size --- */

PUBLIC int
truncate(const char *path, off_t size)
{
	struct node_attr a = {.set = ATTR_SIZE, .size = (uint64_t)size};

	return (int)posix_result(
	    size < 0 ? -EINVAL : set_at(AT_FDCWD, path, WALK_FOLLOW, &a));
}

/* EBADF, EINVAL: not open for writing, or not a regular file. */
PUBLIC int
ftruncate(int fd, off_t size)
{
	struct node_attr a = {.set = ATTR_SIZE, .size = (uint64_t)size};
	struct file *f = file_get(fd);
	bool writable;

	if (f == NULL)
		return (int)posix_result(-EBADF);
	writable = (f->flags & O_ACCMODE) != O_RDONLY;
	file_put(f);
	return (int)posix_result(
	    size < 0 || !writable ? -EINVAL : set_fd(fd, &a));
}

/* --- times --- */

/* 1 if the time is to be set, 0 if it is to stay. */
static int
time_take(const struct timespec *ts, struct timespec *out)
{
	if (ts == NULL || ts->tv_nsec == UTIME_NOW)
		*out = clock_to_timespec(clock_realtime_ns());
	else if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	else if (ts->tv_nsec < 0 || ts->tv_nsec >= (long)NS_PER_S)
		return -EINVAL;
	else
		*out = *ts;
	return 1;
}

static int
times_take(const struct timespec *ts, struct node_attr *a)
{
	int r;

	memset(a, 0, sizeof(*a));
	r = time_take(ts, &a->atime);
	if (r < 0)
		return r;
	a->set |= r ? ATTR_ATIME : 0;
	r = time_take(ts == NULL ? NULL : ts + 1, &a->mtime);
	if (r < 0)
		return r;
	a->set |= r ? ATTR_MTIME : 0;
	return 0;
}

static int
times_set(int fd, const char *path, const struct timespec *ts, int flags)
{
	struct node_attr a;
	unsigned how;
	int err = how_of(flags, &how);

	if (err == 0)
		err = times_take(ts, &a);
	if (err != 0)
		return err;
	return path == NULL ? set_fd(fd, &a) : set_at(fd, path, how, &a);
}

/* path NULL: of dirfd itself, as Linux has it. */
PUBLIC int
utimensat(int dirfd, const char *path, const struct timespec *ts, int flags)
{
	return (int)posix_result(times_set(dirfd, path, ts, flags));
}

PUBLIC int
futimens(int fd, const struct timespec *ts)
{
	return (int)posix_result(times_set(fd, NULL, ts, 0));
}

/* Microseconds to nanoseconds, in out[2]; NULL stays NULL. */
static const struct timespec *
from_timeval(const struct timeval *tv, struct timespec *out)
{
	int i;

	for (i = 0; tv != NULL && i < 2; i++) {
		out[i].tv_sec = tv[i].tv_sec;
		out[i].tv_nsec = tv[i].tv_usec < 0 || tv[i].tv_usec > 999999
				     ? (long)NS_PER_S
				     : /* which is refused */
				     tv[i].tv_usec * 1000;
	}
	return tv == NULL ? NULL : out;
}

static int
path_times(const char *path, const struct timespec *ts, int flags)
{
	return path == NULL ? -EFAULT : times_set(AT_FDCWD, path, ts, flags);
}

PUBLIC int
utimes(const char *path, const struct timeval *tv)
{
	struct timespec ts[2];

	return (int)posix_result(path_times(path, from_timeval(tv, ts), 0));
}

PUBLIC int
lutimes(const char *path, const struct timeval *tv)
{
	struct timespec ts[2];

	return (int)posix_result(
	    path_times(path, from_timeval(tv, ts), AT_SYMLINK_NOFOLLOW));
}

PUBLIC int
futimes(int fd, const struct timeval *tv)
{
	struct timespec ts[2];

	return (int)posix_result(times_set(fd, NULL, from_timeval(tv, ts), 0));
}

PUBLIC int
utime(const char *path, const struct utimbuf *t)
{
	struct timespec ts[2] = {{0, 0}, {0, 0}};

	if (t != NULL) {
		ts[0].tv_sec = t->actime;
		ts[1].tv_sec = t->modtime;
	}
	return (int)posix_result(path_times(path, t == NULL ? NULL : ts, 0));
}
