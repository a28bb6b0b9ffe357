/* SPDX-License-Identifier: ISC */
/* Opening what a path names: POSIX.1-2017 open; files and directories. */
#include <string.h>

#include "libc-shim/device.h"
#include "libc-shim/vfs.h"

#define CREATE_TRIES 8 /* against somebody who creates and removes it */

static long
regular_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	return f->node->ops->read(f->node, p, len, pos);
}

static long
regular_write(struct file *f, const void *p, size_t len, uint64_t *pos)
{
	return f->node->ops->write(f->node, p, len, pos);
}

static int64_t
regular_size(struct file *f)
{
	return f->node->ops->size(f->node);
}

static int
regular_sync(struct file *f)
{
	return f->node->ops->sync == NULL ? 0 : f->node->ops->sync(f->node);
}

static int
vfs_file_close(struct file *f)
{
	heap_free(f, sizeof(*f));
	return 0;
}

static const struct file_ops regular_ops = {
    .read = regular_read,
    .write = regular_write,
    .size = regular_size,
    .sync = regular_sync,
    .close = vfs_file_close,
};

static long
dir_read(struct file *f, void *p, size_t len, uint64_t *pos)
{
	(void)f, (void)p, (void)len, (void)pos;
	return -EISDIR;
}

/* A directory's position is its readdir cookie, set by lseek like any. */
static int64_t
dir_size(struct file *f)
{
	(void)f;
	return 0;
}

static const struct file_ops dir_ops = {
    .read = dir_read,
    .size = dir_size,
    .sync = regular_sync,
    .close = vfs_file_close,
};

static int
dots(struct node *dir, uint64_t cookie, struct vfs_entry *e)
{
	struct node *n = NULL;
	struct stat st;
	int err;

	strcpy(e->name, cookie == 0 ? "." : "..");
	e->type = S_IFDIR;
	err = cookie == 0 ? 0 : walk_parent(dir, &n);
	if (err == -ENOENT) /* it was removed: nothing is above it */
		err = 0;
	if (n == NULL)
		n = node_ref(dir);
	if (err == 0)
		err = n->ops->getattr(n, &st);
	e->ino = err == 0 ? st.st_ino : 0;
	node_put(n);
	return err == 0 ? 1 : err;
}

int
vfs_readdir(struct file *f, struct vfs_entry *e)
{
	int r;

	if (f->ops != &dir_ops)
		return -ENOTDIR;
	sleeplock_take(&f->lock);
	if (f->pos < 2) {
		r = dots(f->node, f->pos, e);
		f->pos += r > 0;
	} else {
		r = f->node->ops->readdir(f->node, &f->pos, e);
	}
	sleeplock_give(&f->lock);
	return r;
}

/* --- open --- */

/* What POSIX forbids for a node that is there. */
static int
open_check(const struct node *n, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (S_ISLNK(n->type))
		return -ELOOP;
	if (S_ISDIR(n->type))
		return writes || (flags & O_CREAT) ? -EISDIR : 0;
	return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

static int
truncate_at_open(struct node *n)
{
	struct node_attr a;

	memset(&a, 0, sizeof(a));
	a.set = ATTR_SIZE;
	return n->ops->setattr == NULL ? -EROFS : n->ops->setattr(n, &a);
}

/* An open file over n, whose reference it takes over if all goes well. */
static int
open_node(struct node *n, int flags, struct file **out)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	struct file *f;
	int err = 0;

	if (S_ISCHR(n->type) || S_ISBLK(n->type)) {
		err = device_open(n->type, n->rdev, flags, out);
		if (err == 0 && (*out)->refs == 1 && (*out)->node == NULL)
			(*out)->node = node_ref(n);
		if (err == 0)
			node_put(n);
		return err;
	}
	if (!S_ISREG(n->type) && !S_ISDIR(n->type))
		return -ENXIO;
	if (writes && n->ops->write == NULL)
		return -EROFS;
	if (n->ops->open != NULL)
		err = n->ops->open(n, flags);
	if (err == 0 && S_ISREG(n->type) && (flags & O_TRUNC) && writes)
		err = truncate_at_open(n);
	f = err == 0 ? heap_alloc(sizeof(*f)) : NULL;
	if (f == NULL)
		return err != 0 ? err : -ENOMEM;
	file_init(f, S_ISDIR(n->type) ? &dir_ops : &regular_ops, flags);
	f->node = n;
	*out = f;
	return 0;
}

/* The node to open, made if it is missing and *how, the flags, says so: then it
 * need not be truncated. */
static int
find_or_create(
    struct node *at, const char *path, int *how, mode_t mode, struct node **out)
{
	int flags = *how;
	bool nofollow = (flags & O_NOFOLLOW) ||
			(flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	struct node_spec spec = {S_IFREG | (mode & 07777), 0, NULL};
	struct walk w;
	int err = walk_path(at, path, nofollow ? 0 : WALK_FOLLOW, &w);

	if (err != 0)
		return err;
	if (w.node != NULL) {
		err = open_check(w.node, flags);
		if (err == 0)
			*out = node_ref(w.node);
	} else if (!(flags & O_CREAT)) {
		err = -ENOENT;
	} else if (w.slash) {
		err = -EISDIR;
	} else if (w.dir->ops->create == NULL) {
		err = -EROFS;
	} else {
		err = w.dir->ops->create(w.dir, w.name, &spec, out);
		if (err == 0)
			*how &= ~O_TRUNC;
		/* Somebody was faster: what is there now will do. */
		if (err == -EEXIST && !(flags & O_EXCL))
			err = -EAGAIN;
	}
	walk_end(&w);
	return err;
}

int
vfs_open(struct node *at, const char *path, int flags, mode_t mode,
    struct file **out)
{
	unsigned tries = CREATE_TRIES;
	struct node *n = NULL;
	int err;

	if ((flags & O_ACCMODE) == O_ACCMODE ||
	    ((flags & O_CREAT) && (flags & O_DIRECTORY)))
		return -EINVAL;
	do {
		err = find_or_create(at, path, &flags, mode, &n);
	} while (err == -EAGAIN && --tries > 0);
	if (err != 0)
		return err;
	err = open_node(n, flags, out);
	if (err != 0)
		node_put(n);
	return err;
}
