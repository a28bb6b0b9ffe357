/* SPDX-License-Identifier: ISC */
/*
 * The names of the memory file system.  One hash table holds the entries of
 * all directories, keyed by directory and name; each directory also lists its
 * own in the order of their cookies, for readdir.  POSIX.1-2017: link, mkdir,
 * rename, rmdir, unlink.
 */
#include "libc-shim/ramfs.h"

#include <string.h>

#define BUCKETS_FIRST 64
#define LINKS_MAX     32767 /* nlink_t has 16 bits */

/* --- the table: fs->lock held in all below --- */

static void
table_grow(struct ramfs *fs)
{
	size_t n = fs->nbucket == 0 ? BUCKETS_FIRST : fs->nbucket * 4, i;
	struct ramentry **bucket, *e, *next;

	bucket = heap_alloc(n * sizeof(struct ramentry *));
	if (bucket == NULL)
		return; /* slower, not wrong */
	for (i = 0; i < fs->nbucket; i++) {
		for (e = fs->bucket[i]; e != NULL; e = next) {
			next = e->hash_next;
			e->hash_next = bucket[e->hash % n];
			bucket[e->hash % n] = e;
		}
	}
	heap_free(fs->bucket, fs->nbucket * sizeof(struct ramentry *));
	fs->bucket = bucket;
	fs->nbucket = n;
}

static struct ramentry *
entry_find(struct ramnode *dir, const char *name)
{
	struct ramfs *fs = dir->fs;
	uint32_t h = vfs_hash(dir->ino, name);
	struct ramentry *e;

	if (fs->nbucket == 0)
		return NULL;
	for (e = fs->bucket[h % fs->nbucket]; e != NULL; e = e->hash_next)
		if (e->hash == h && e->dir == dir && strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static size_t
entry_bytes(size_t name_len)
{
	return sizeof(struct ramentry) + name_len + 1;
}

/* An entry that leads nowhere yet. */
static struct ramentry *
entry_make(struct ramnode *dir, const char *name)
{
	size_t len = strlen(name);
	struct ramentry *e = heap_alloc(entry_bytes(len));

	if (e == NULL)
		return NULL;
	if (dir->fs->nentry >= dir->fs->nbucket)
		table_grow(dir->fs);
	if (dir->fs->nbucket == 0) {
		heap_free(e, entry_bytes(len));
		return NULL;
	}
	e->dir = dir;
	e->hash = vfs_hash(dir->ino, name);
	e->name_len = (uint16_t)len;
	memcpy(e->name, name, len + 1);
	return e;
}

static void
entry_free(struct ramentry *e)
{
	heap_free(e, entry_bytes(e->name_len));
}

static void
dir_changed(struct ramnode *dir)
{
	ramnode_changed(dir);
	dir->mtime_ns = dir->ctime_ns;
}

static void
entry_add(struct ramentry *e, struct ramnode *node)
{
	struct ramfs *fs = e->dir->fs;
	struct ramdir *d = &e->dir->dir;
	struct ramentry **bucket = &fs->bucket[e->hash % fs->nbucket];

	e->node = node;
	e->hash_next = *bucket;
	*bucket = e;
	fs->nentry++;
	e->cookie = d->next_cookie++;
	e->prev = d->last;
	if (d->last != NULL)
		d->last->next = e;
	else
		d->first = e;
	d->last = e;
	dir_changed(e->dir);
}

static void
entry_remove(struct ramentry *e)
{
	struct ramfs *fs = e->dir->fs;
	struct ramdir *d = &e->dir->dir;
	struct ramentry **p = &fs->bucket[e->hash % fs->nbucket];

	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
	fs->nentry--;
	if (d->cursor == e)
		d->cursor = e->prev;
	*(e->prev != NULL ? &e->prev->next : &d->first) = e->next;
	*(e->next != NULL ? &e->next->prev : &d->last) = e->prev;
	dir_changed(e->dir);
	entry_free(e);
}

/* --- what a name means to the node it leads to --- */

/* `n` gets a name in dir; a directory knows its parent, and counts in it. */
static void
name_given(struct ramnode *n, struct ramnode *dir)
{
	if (n->nlink == 0)
		node_ref(&n->node);
	n->nlink++;
	if (S_ISDIR(n->mode)) {
		n->nlink++; /* its own "." */
		n->dir.parent = dir;
		dir->nlink++;
	}
	ramnode_changed(n);
}

/* True if that was the last: the caller puts the names' reference once the
 * lock is free. */
static bool
name_taken(struct ramnode *n, struct ramnode *dir)
{
	n->nlink--;
	if (S_ISDIR(n->mode)) {
		n->nlink--;
		n->dir.parent = NULL;
		dir->nlink--;
	}
	ramnode_changed(n);
	return n->nlink == 0;
}

/* --- operations --- */

static int
ramfs_lookup(struct node *dir, const char *name, struct node **out)
{
	struct ramnode *d = ramnode_of(dir), *found = NULL;
	struct ramentry *e;

	sleeplock_take(&d->fs->lock);
	if (strcmp(name, "..") == 0) {
		found = d->dir.parent;
	} else {
		e = entry_find(d, name);
		found = e == NULL ? NULL : e->node;
	}
	if (found != NULL)
		*out = node_ref(&found->node);
	sleeplock_give(&d->fs->lock);
	return found == NULL ? -ENOENT : 0;
}

/* Names n in dir. */
static int
name_add(struct ramnode *dir, const char *name, struct ramnode *n)
{
	struct ramentry *e;

	if (dir->dir.parent == NULL)
		return -ENOENT;
	if (entry_find(dir, name) != NULL)
		return -EEXIST;
	if (n->nlink >= LINKS_MAX ||
	    (S_ISDIR(n->mode) && dir->nlink >= LINKS_MAX))
		return -EMLINK;
	e = entry_make(dir, name);
	if (e == NULL)
		return -ENOSPC;
	entry_add(e, n);
	name_given(n, dir);
	return 0;
}

static int
ramfs_create(struct node *dir, const char *name, const struct node_spec *spec,
    struct node **out)
{
	struct ramnode *d = ramnode_of(dir), *n;
	int err = ramnode_make(d->fs, spec, &n);

	if (err != 0)
		return err;
	sleeplock_take(&d->fs->lock);
	err = name_add(d, name, n);
	sleeplock_give(&d->fs->lock);
	if (err == 0)
		*out = &n->node;
	else
		node_put(&n->node);
	return err;
}

static int
ramfs_link(struct node *dir, const char *name, struct node *to)
{
	struct ramnode *d = ramnode_of(dir), *n = ramnode_of(to);
	int err;

	if (to->ops != &ramfs_ops || n->fs != d->fs)
		return -EXDEV;
	if (S_ISDIR(to->type))
		return -EPERM;
	sleeplock_take(&d->fs->lock);
	/* One whose last name has gone must not come back. */
	err = n->nlink == 0 ? -ENOENT : name_add(d, name, n);
	sleeplock_give(&d->fs->lock);
	return err;
}

/* May the entry go?  For unlink, rmdir and the target of rename. */
static int
removable(const struct ramentry *e, bool rmdir)
{
	if (!rmdir)
		return S_ISDIR(e->node->mode) ? -EISDIR : 0;
	if (!S_ISDIR(e->node->mode))
		return -ENOTDIR;
	if (e->node->node.mounted != NULL)
		return -EBUSY;
	return e->node->dir.first != NULL ? -ENOTEMPTY : 0;
}

static int
ramfs_unlink(struct node *dir, const char *name, bool rmdir)
{
	struct ramnode *d = ramnode_of(dir), *n = NULL;
	struct ramentry *e;
	bool gone = false;
	int err;

	sleeplock_take(&d->fs->lock);
	e = entry_find(d, name);
	err = e == NULL ? -ENOENT : removable(e, rmdir);
	if (err == 0) {
		n = e->node;
		entry_remove(e);
		gone = name_taken(n, d);
	}
	sleeplock_give(&d->fs->lock);
	if (gone)
		node_put(&n->node);
	return err;
}

/* True if `dir` is n or lies below it. */
static bool
is_below(const struct ramnode *dir, const struct ramnode *n)
{
	const struct ramnode *up;

	for (; dir != NULL && dir != n; dir = up) {
		up = dir->dir.parent;
		if (up == dir)
			return false;
	}
	return dir == n;
}

/* What forbids that `e` becomes a name in `to`, where `target` has it. */
static int
rename_check(const struct ramentry *e, const struct ramnode *to,
    const struct ramentry *target)
{
	bool isdir;

	if (e == NULL || to->dir.parent == NULL)
		return -ENOENT;
	isdir = S_ISDIR(e->node->mode);
	if (isdir && is_below(to, e->node))
		return -EINVAL;
	if (isdir && e->node->node.mounted != NULL)
		return -EBUSY;
	if (isdir && to != e->dir && to->nlink >= LINKS_MAX)
		return -EMLINK;
	return target == NULL ? 0 : removable(target, isdir);
}

/* Under the lock, all checked; *gone is what lost its last name. */
static int
rename_do(struct ramentry *e, struct ramnode *to, const char *new,
    struct ramentry *target, struct ramnode **gone)
{
	struct ramnode *n = e->node, *from = e->dir;
	struct ramentry *moved = NULL;

	if (target == NULL) {
		moved = entry_make(to, new);
		if (moved == NULL)
			return -ENOSPC;
	} else if (name_taken(target->node, to)) {
		*gone = target->node;
	}
	entry_remove(e);
	if (S_ISDIR(n->mode)) {
		from->nlink--;
		to->nlink++;
		n->dir.parent = to;
	}
	ramnode_changed(n);
	if (target == NULL) {
		entry_add(moved, n);
	} else {
		target->node = n;
		dir_changed(to);
	}
	return 0;
}

static int
ramfs_rename(
    struct node *from, const char *old, struct node *to, const char *new)
{
	struct ramnode *f = ramnode_of(from), *t = ramnode_of(to);
	struct ramnode *gone = NULL;
	struct ramentry *e, *target;
	int err = 0;

	if (to->ops != &ramfs_ops || f->fs != t->fs)
		return -EXDEV;
	sleeplock_take(&f->fs->lock);
	e = entry_find(f, old);
	target = entry_find(t, new);
	/* Two names of one file stay as they are. */
	if (e == NULL || target == NULL || e->node != target->node) {
		err = rename_check(e, t, target);
		if (err == 0)
			err = rename_do(e, t, new, target, &gone);
	}
	sleeplock_give(&f->fs->lock);
	if (gone != NULL)
		node_put(&gone->node);
	return err;
}

/* The first entry from the cookie on, searched from where readdir was. */
static struct ramentry *
entry_from(const struct ramdir *d, uint64_t cookie)
{
	struct ramentry *e = d->cursor;

	if (e == NULL || e->cookie > cookie)
		e = d->first;
	while (e != NULL && e->cookie < cookie)
		e = e->next;
	return e;
}

static int
ramfs_readdir(struct node *dir, uint64_t *cookie, struct vfs_entry *out)
{
	struct ramnode *d = ramnode_of(dir);
	struct ramentry *e;

	sleeplock_take(&d->fs->lock);
	e = entry_from(&d->dir, *cookie);
	if (e != NULL) {
		d->dir.cursor = e;
		*cookie = e->cookie + 1;
		out->ino = e->node->ino;
		out->type = e->node->node.type;
		memcpy(out->name, e->name, e->name_len + 1U);
	}
	sleeplock_give(&d->fs->lock);
	return e != NULL;
}

struct node *
ramfs_make(void)
{
	static const struct node_spec spec = {S_IFDIR | 0755, 0, NULL};
	static unsigned made;
	struct ramfs *fs = heap_alloc(sizeof(*fs));
	struct ramnode *n;

	if (fs == NULL)
		return NULL;
	fs->dev = ++made;
	if (ramnode_make(fs, &spec, &n) != 0) {
		heap_free(fs, sizeof(*fs));
		return NULL;
	}
	n->dir.parent = n;
	n->nlink = 2;
	return &n->node;
}

const struct fs_ops ramfs_ops = {
    .lookup = ramfs_lookup,
    .create = ramfs_create,
    .link = ramfs_link,
    .unlink = ramfs_unlink,
    .rename = ramfs_rename,
    .readdir = ramfs_readdir,
    .readlink = ramnode_readlink,
    .getattr = ramnode_getattr,
    .setattr = ramnode_setattr,
    .read = ramnode_read,
    .write = ramnode_write,
    .size = ramnode_size,
    .statfs = ramnode_statfs,
    .release = ramnode_release,
};
