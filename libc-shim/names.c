/* SPDX-License-Identifier: ISC */
/*
 * Making and removing names: POSIX.1-2017 mkdir, rmdir, unlink, remove, link,
 * symlink, readlink, rename and their -at forms.
 */
#include <fcntl.h>
#include <reent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

/* --- making --- */

/* Makes what `spec` says at the path, which must be free. */
static int
make_at(int dirfd, const char *path, const struct node_spec *spec)
{
	struct node *made;
	struct walk w;
	int err = vfs_walk_at(dirfd, path, 0, &w);

	if (err != 0)
		return err;
	if (w.node != NULL)
		err = -EEXIST;
	else if (w.slash && !S_ISDIR(spec->mode))
		err = -ENOENT;
	else if (w.dir->ops->create == NULL)
		err = -EROFS;
	else
		err = w.dir->ops->create(w.dir, w.name, spec, &made);
	walk_end(&w);
	if (err == 0)
		node_put(made);
	return err;
}

static int
mkdir_at(int dirfd, const char *path, mode_t mode)
{
	struct node_spec spec = {
	    S_IFDIR | (mode & 01777 & ~vfs_umask()), 0, NULL};

	return make_at(dirfd, path, &spec);
}

PUBLIC int
mkdir(const char *path, mode_t mode)
{
	return (int)posix_result(mkdir_at(AT_FDCWD, path, mode));
}
LIBC_NAME(mkdir);

PUBLIC int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	return (int)posix_result(mkdir_at(dirfd, path, mode));
}

static int
symlink_at(const char *target, int dirfd, const char *path)
{
	struct node_spec spec = {S_IFLNK | 0777, 0, target};

	if (target == NULL)
		return -EFAULT;
	if (target[0] == '\0')
		return -ENOENT;
	if (strnlen(target, VFS_PATH_MAX) == VFS_PATH_MAX)
		return -ENAMETOOLONG;
	return make_at(dirfd, path, &spec);
}

PUBLIC int
symlink(const char *target, const char *path)
{
	return (int)posix_result(symlink_at(target, AT_FDCWD, path));
}

PUBLIC int
symlinkat(const char *target, int dirfd, const char *path)
{
	return (int)posix_result(symlink_at(target, dirfd, path));
}

static int
link_at(int olddir, const char *old, int newdir, const char *new, int flags)
{
	struct node *n;
	struct walk w;
	int err;

	if (flags & ~AT_SYMLINK_FOLLOW)
		return -EINVAL;
	err = vfs_node_at(olddir, old, flags ? WALK_FOLLOW : 0, &n);
	if (err != 0)
		return err;
	err = vfs_walk_at(newdir, new, 0, &w);
	if (err == 0) {
		if (w.node != NULL)
			err = -EEXIST;
		else if (w.slash)
			err = -ENOENT;
		else if (n->ops != w.dir->ops)
			err = -EXDEV;
		else if (w.dir->ops->link == NULL)
			err = -EPERM;
		else
			err = w.dir->ops->link(w.dir, w.name, n);
		walk_end(&w);
	}
	node_put(n);
	return err;
}

/* A symbolic link itself gets the new name, as on Linux. */
PUBLIC int
link(const char *old, const char *new)
{
	return (int)posix_result(link_at(AT_FDCWD, old, AT_FDCWD, new, 0));
}
LIBC_NAME(link);

PUBLIC int
linkat(int olddir, const char *old, int newdir, const char *new, int flags)
{
	return (int)posix_result(link_at(olddir, old, newdir, new, flags));
}

/* --- removing --- */

/* What forbids that the name w goes. */
static int
remove_check(const struct walk *w, bool rmdir)
{
	if (w->node == NULL)
		return -ENOENT;
	if (!rmdir)
		return vfs_is_dots(w->name) ? -EISDIR : 0;
	if (strcmp(w->name, ".") == 0)
		return -EINVAL;
	if (strcmp(w->name, "..") == 0)
		return -ENOTEMPTY;
	return w->node->covers != NULL ? -EBUSY : 0;
}

static int
unlink_at(int dirfd, const char *path, bool rmdir)
{
	struct walk w;
	int err = vfs_walk_at(dirfd, path, 0, &w);

	if (err != 0)
		return err;
	err = remove_check(&w, rmdir);
	if (err == 0 && w.dir->ops->unlink == NULL)
		err = -EROFS;
	if (err == 0)
		err = w.dir->ops->unlink(w.dir, w.name, rmdir);
	walk_end(&w);
	return err;
}

/* EISDIR for a directory. */
PUBLIC int
unlink(const char *path)
{
	return (int)posix_result(unlink_at(AT_FDCWD, path, false));
}
LIBC_NAME(unlink);

PUBLIC int
unlinkat(int dirfd, const char *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return (int)posix_result(-EINVAL);
	return (int)posix_result(unlink_at(dirfd, path, flags));
}

PUBLIC int
rmdir(const char *path)
{
	return (int)posix_result(unlink_at(AT_FDCWD, path, true));
}

static int
remove_any(const char *path)
{
	int err = unlink_at(AT_FDCWD, path, false);

	return err == -EISDIR ? unlink_at(AT_FDCWD, path, true) : err;
}

PUBLIC int
remove(const char *path)
{
	return (int)posix_result(remove_any(path));
}

/* newlib's tmpfile calls this; its own file would bring a second remove. */
PUBLIC int
_remove_r(struct _reent *r, const char *path)
{
	(void)r;
	return (int)posix_result(remove_any(path));
}

/* --- rename --- */

static int
rename_check(const struct walk *from, const struct walk *to)
{
	if (from->node == NULL)
		return -ENOENT;
	if (vfs_is_dots(from->name) || vfs_is_dots(to->name))
		return -EINVAL;
	if (from->node->covers != NULL ||
	    (to->node != NULL && to->node->covers != NULL))
		return -EBUSY;
	if (to->slash && !S_ISDIR(from->node->type))
		return -ENOTDIR;
	if (from->dir->ops != to->dir->ops)
		return -EXDEV;
	return from->dir->ops->rename == NULL ? -EROFS : 0;
}

static int
rename_at(int olddir, const char *old, int newdir, const char *new)
{
	struct walk o, n;
	int err = vfs_walk_at(olddir, old, 0, &o);

	if (err != 0)
		return err;
	err = vfs_walk_at(newdir, new, 0, &n);
	if (err == 0) {
		err = rename_check(&o, &n);
		if (err == 0)
			err = o.dir->ops->rename(o.dir, o.name, n.dir, n.name);
		walk_end(&n);
	}
	walk_end(&o);
	return err;
}

PUBLIC int
rename(const char *old, const char *new)
{
	return (int)posix_result(rename_at(AT_FDCWD, old, AT_FDCWD, new));
}

PUBLIC int
_rename_r(struct _reent *r, const char *old, const char *new)
{
	(void)r;
	return (int)posix_result(rename_at(AT_FDCWD, old, AT_FDCWD, new));
}

PUBLIC int
renameat(int olddir, const char *old, int newdir, const char *new)
{
	return (int)posix_result(rename_at(olddir, old, newdir, new));
}

/* --- readlink --- */

static long
readlink_at(int dirfd, const char *path, char *buf, size_t len)
{
	struct node *n;
	long r = vfs_node_at(dirfd, path, 0, &n);

	if (r != 0)
		return r;
	if (!S_ISLNK(n->type) || len == 0)
		r = -EINVAL;
	else
		r = n->ops->readlink(n, buf, len);
	node_put(n);
	return r;
}

PUBLIC ssize_t
readlink(const char *path, char *buf, size_t len)
{
	return posix_result(readlink_at(AT_FDCWD, path, buf, len));
}

PUBLIC ssize_t
readlinkat(int dirfd, const char *path, char *buf, size_t len)
{
	return posix_result(readlink_at(dirfd, path, buf, len));
}
