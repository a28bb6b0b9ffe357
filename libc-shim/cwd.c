/* SPDX-License-Identifier: ISC */
/*
 * Where relative paths begin: POSIX.1-2017 chdir, fchdir, getcwd, umask;
 * getwd, get_current_dir_name.  And paths of the openat family.
 */
#include "libc-shim/cwd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc-shim/shim.h"

static struct spinlock cwd_lock = SPINLOCK("cwd");
static struct node *cwd; /* NULL: the root */
static mode_t mask = 022;

struct node *
vfs_cwd(void)
{
	uint64_t flags = spin_lock(&cwd_lock);
	struct node *n = cwd == NULL ? NULL : node_ref(cwd);

	spin_unlock(&cwd_lock, flags);
	return n != NULL ? n : vfs_root();
}

mode_t
vfs_umask(void)
{
	return mask;
}

int
vfs_at(int fd, const char *path, struct node **out)
{
	struct file *f;

	if (path == NULL)
		return -EFAULT;
	if (fd == AT_FDCWD || path[0] == '/') {
		*out = path[0] == '/' ? vfs_root() : vfs_cwd();
		return *out == NULL ? -ENOMEM : 0;
	}
	f = file_get(fd);
	if (f == NULL)
		return -EBADF;
	*out = f->node == NULL ? NULL : node_ref(f->node);
	file_put(f);
	if (*out != NULL && S_ISDIR((*out)->type))
		return 0;
	node_put(*out);
	return -ENOTDIR;
}

int
vfs_walk_at(int fd, const char *path, unsigned how, struct walk *w)
{
	struct node *at;
	int err = vfs_at(fd, path, &at);

	if (err != 0)
		return err;
	err = walk_path(at, path, how, w);
	node_put(at);
	return err;
}

int
vfs_node_at(int fd, const char *path, unsigned how, struct node **out)
{
	struct node *at;
	int err = vfs_at(fd, path, &at);

	if (err != 0)
		return err;
	err = walk_node(at, path, how, out);
	node_put(at);
	return err;
}

int
vfs_node_of(int fd, struct node **out)
{
	struct file *f = file_get(fd);

	if (f == NULL)
		return -EBADF;
	*out = f->node == NULL ? NULL : node_ref(f->node);
	file_put(f);
	return *out == NULL ? -EINVAL : 0;
}

/* Takes over the reference. */
static int
cwd_set(struct node *n)
{
	struct node *was;
	uint64_t flags;

	if (!S_ISDIR(n->type)) {
		node_put(n);
		return -ENOTDIR;
	}
	flags = spin_lock(&cwd_lock);
	was = cwd;
	cwd = n;
	spin_unlock(&cwd_lock, flags);
	node_put(was);
	return 0;
}

PUBLIC int
chdir(const char *path)
{
	struct node *n;
	int err = vfs_node_at(AT_FDCWD, path, WALK_FOLLOW, &n);

	return (int)posix_result(err != 0 ? err : cwd_set(n));
}

PUBLIC int
fchdir(int fd)
{
	struct node *n;
	int err = vfs_node_of(fd, &n);

	if (err == -EINVAL)
		err = -ENOTDIR;
	return (int)posix_result(err != 0 ? err : cwd_set(n));
}

/* Copies to buf, or to memory from malloc if that is NULL. */
static int
path_out(const char *path, char **buf, size_t size)
{
	size_t len = strlen(path) + 1;

	if (*buf == NULL) {
		*buf = malloc(size < len ? len : size);
		if (*buf == NULL)
			return -ENOMEM;
	} else if (size < len) {
		return -ERANGE;
	}
	memcpy(*buf, path, len);
	return 0;
}

static int
cwd_name(char **buf, size_t size)
{
	char *text = heap_alloc(VFS_PATH_MAX), *start;
	struct node *n = text == NULL ? NULL : vfs_cwd();
	int err = -ENOMEM;

	if (n != NULL)
		err = walk_name_of(n, text, VFS_PATH_MAX, &start);
	if (err == 0)
		err = path_out(start, buf, size);
	node_put(n);
	heap_free(text, VFS_PATH_MAX);
	return err;
}

/* EINVAL, ERANGE; ENOENT: the directory was removed.  buf NULL: from malloc,
 * of the size it takes if that is more than `size`. */
PUBLIC char *
getcwd(char *buf, size_t size)
{
	int err = buf != NULL && size == 0 ? -EINVAL : cwd_name(&buf, size);

	return posix_result(err) < 0 ? NULL : buf;
}

PUBLIC char *
getwd(char *buf)
{
	return posix_result(cwd_name(&buf, VFS_PATH_MAX)) < 0 ? NULL : buf;
}

PUBLIC char *
get_current_dir_name(void)
{
	char *buf = NULL;

	return posix_result(cwd_name(&buf, 0)) < 0 ? NULL : buf;
}

PUBLIC mode_t
umask(mode_t new)
{
	return __atomic_exchange_n(&mask, new & 0777, __ATOMIC_RELAXED);
}
