/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 stat, lstat, fstatat, access, faccessat, statvfs, fstatvfs. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

/* What newlib's compiled stdio relies on; see include/sys/stat.h. */
_Static_assert(offsetof(struct stat, st_mode) == 4, "newlib's st_mode");
_Static_assert(offsetof(struct stat, st_size) == 16, "newlib's st_size");
_Static_assert(offsetof(struct stat, st_blksize) == 72, "newlib's blksize");
_Static_assert(sizeof(struct stat) <= 104, "newlib keeps 104 bytes for it");

static int
stat_at(int dirfd, const char *path, struct stat *st, unsigned how)
{
	struct node *n;
	int err = vfs_node_at(dirfd, path, how, &n);

	if (err != 0)
		return err;
	err = n->ops->getattr(n, st);
	node_put(n);
	return err;
}

PUBLIC int
stat(const char *path, struct stat *st)
{
	return (int)posix_result(stat_at(AT_FDCWD, path, st, WALK_FOLLOW));
}
LIBC_NAME(stat);

PUBLIC int
lstat(const char *path, struct stat *st)
{
	return (int)posix_result(stat_at(AT_FDCWD, path, st, 0));
}

PUBLIC int
fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	if (flags & ~AT_SYMLINK_NOFOLLOW)
		return (int)posix_result(-EINVAL);
	return (int)posix_result(
	    stat_at(dirfd, path, st, flags ? 0 : WALK_FOLLOW));
}

/* The user may read and write all, and execute what anybody may. */
static int
access_at(int dirfd, const char *path, int mode, unsigned how)
{
	struct stat st;
	int err;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	err = stat_at(dirfd, path, &st, how);
	if (err == 0 && (mode & X_OK) && !S_ISDIR(st.st_mode) &&
	    (st.st_mode & 0111) == 0)
		err = -EACCES;
	return err;
}

PUBLIC int
access(const char *path, int mode)
{
	return (int)posix_result(access_at(AT_FDCWD, path, mode, WALK_FOLLOW));
}

PUBLIC int
faccessat(int dirfd, const char *path, int mode, int flags)
{
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW))
		return (int)posix_result(-EINVAL);
	return (int)posix_result(access_at(
	    dirfd, path, mode, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW));
}

static int
statfs_node(struct node *n, struct statvfs *sv)
{
	int err = n->ops->statfs == NULL ? -ENOSYS : n->ops->statfs(n, sv);

	node_put(n);
	return err;
}

PUBLIC int
statvfs(const char *path, struct statvfs *sv)
{
	struct node *n;
	int err = vfs_node_at(AT_FDCWD, path, WALK_FOLLOW, &n);

	return (int)posix_result(err != 0 ? err : statfs_node(n, sv));
}

PUBLIC int
fstatvfs(int fd, struct statvfs *sv)
{
	struct node *n;
	int err = vfs_node_of(fd, &n);

	if (err == -EINVAL)
		err = -ENOSYS;
	return (int)posix_result(err != 0 ? err : statfs_node(n, sv));
}
