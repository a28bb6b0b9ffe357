/* SPDX-License-Identifier: ISC */
/*
 * The nodes of the memory file system: attributes and file data.  Data is
 * copied from its origin (the initrd) only where it is written.  Bytes of a
 * page beyond the file's size are always zero, so growing needs no work.
 */
#include <string.h>
#include <sys/types.h>

#include "libc-shim/clock.h"
#include "libc-shim/ramfs.h"

/* --- life --- */

static int
link_set(struct ramlink *l, const char *target)
{
	l->len = strlen(target);
	l->target = heap_alloc(l->len + 1);
	if (l->target == NULL)
		return -ENOSPC;
	memcpy(l->target, target, l->len + 1);
	return 0;
}

int
ramnode_make(
    struct ramfs *fs, const struct node_spec *spec, struct ramnode **out)
{
	struct ramnode *n = heap_alloc(sizeof(*n));

	if (n == NULL)
		return -ENOSPC;
	if (S_ISLNK(spec->mode) && link_set(&n->link, spec->target) != 0) {
		heap_free(n, sizeof(*n));
		return -ENOSPC;
	}
	if (S_ISDIR(spec->mode))
		n->dir.next_cookie = 2;
	n->node.ops = &ramfs_ops;
	n->node.refs = 1;
	n->node.type = spec->mode & S_IFMT;
	n->node.rdev = spec->rdev;
	n->fs = fs;
	n->mode = spec->mode;
	n->ino = __atomic_add_fetch(&fs->last_ino, 1, __ATOMIC_RELAXED);
	n->atime_ns = n->mtime_ns = n->ctime_ns = clock_realtime_ns();
	__atomic_add_fetch(&fs->nnode, 1, __ATOMIC_RELAXED);
	*out = n;
	return 0;
}

void
ramnode_release(struct node *node)
{
	struct ramnode *n = ramnode_of(node);
	struct ramfs *fs = n->fs;

	if (S_ISREG(n->mode))
		pagetree_trim(&n->file.pages, 0);
	else if (S_ISLNK(n->mode))
		heap_free(n->link.target, n->link.len + 1);
	heap_free(n, sizeof(*n));
	if (__atomic_sub_fetch(&fs->nnode, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	heap_free(fs->bucket, fs->nbucket * sizeof(struct ramentry *));
	heap_free(fs, sizeof(*fs));
}

/* --- attributes --- */

void
ramnode_changed(struct ramnode *n)
{
	n->ctime_ns = clock_realtime_ns();
}

/* The file was written: mtime and ctime are now. */
static void
written(struct ramnode *n)
{
	sleeplock_take(&n->fs->lock);
	ramnode_changed(n);
	n->mtime_ns = n->ctime_ns;
	sleeplock_give(&n->fs->lock);
}

/* As with Linux's relatime, a read counts once after each write. */
static void
was_read(struct ramnode *n)
{
	if (n->atime_ns > n->mtime_ns)
		return;
	sleeplock_take(&n->fs->lock);
	n->atime_ns = clock_realtime_ns();
	sleeplock_give(&n->fs->lock);
}

int64_t
ramnode_size(struct node *node)
{
	struct ramnode *n = ramnode_of(node);
	int64_t size = 0;

	if (S_ISLNK(n->mode)) {
		size = (int64_t)n->link.len;
	} else if (S_ISREG(n->mode)) {
		sleeplock_take(&n->file.lock);
		size = (int64_t)n->file.size;
		sleeplock_give(&n->file.lock);
	}
	return size;
}

int
ramnode_getattr(struct node *node, struct stat *st)
{
	struct ramnode *n = ramnode_of(node);

	memset(st, 0, sizeof(*st));
	st->st_size = ramnode_size(node);
	st->st_blksize = PAGE_SIZE;
	if (S_ISREG(n->mode))
		st->st_blocks =
		    (blkcnt_t)(n->file.pages.npages * (PAGE_SIZE / 512));
	sleeplock_take(&n->fs->lock);
	st->st_dev = n->fs->dev;
	st->st_ino = n->ino;
	st->st_mode = n->mode;
	st->st_nlink = (nlink_t)n->nlink;
	st->st_uid = n->uid;
	st->st_gid = n->gid;
	st->st_rdev = node->rdev;
	st->st_atim = clock_to_timespec(n->atime_ns);
	st->st_mtim = clock_to_timespec(n->mtime_ns);
	st->st_ctim = clock_to_timespec(n->ctime_ns);
	sleeplock_give(&n->fs->lock);
	return 0;
}

static int
size_set(struct ramnode *n, uint64_t size)
{
	struct ramfile *f = &n->file;
	char *page;

	if (!S_ISREG(n->mode))
		return S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
	sleeplock_take(&f->lock);
	if (size < f->size) {
		pagetree_trim(&f->pages, (size + PAGE_SIZE - 1) / PAGE_SIZE);
		page = pagetree_get(&f->pages, size / PAGE_SIZE);
		if (page != NULL && size % PAGE_SIZE != 0)
			memset(page + size % PAGE_SIZE, 0,
			    PAGE_SIZE - size % PAGE_SIZE);
		if (f->origin_len > size)
			f->origin_len = size;
	}
	f->size = size;
	sleeplock_give(&f->lock);
	written(n);
	return 0;
}

static uint64_t
ns_of(const struct timespec *ts)
{
	uint64_t ns = 0;

	return clock_from_timespec(ts, &ns) == 0 ? ns : 0;
}

int
ramnode_setattr(struct node *node, const struct node_attr *a)
{
	struct ramnode *n = ramnode_of(node);
	int err = 0;

	if (a->set & ATTR_SIZE)
		err = size_set(n, a->size);
	if (err != 0)
		return err;
	sleeplock_take(&n->fs->lock);
	if (a->set & ATTR_MODE)
		n->mode = (n->mode & S_IFMT) | (a->mode & 07777);
	if (a->set & ATTR_UID)
		n->uid = a->uid;
	if (a->set & ATTR_GID)
		n->gid = a->gid;
	if (a->set & ATTR_ATIME)
		n->atime_ns = ns_of(&a->atime);
	if (a->set & ATTR_MTIME)
		n->mtime_ns = ns_of(&a->mtime);
	ramnode_changed(n);
	sleeplock_give(&n->fs->lock);
	return 0;
}

long
ramnode_readlink(struct node *node, char *buf, size_t len)
{
	const struct ramlink *l = &ramnode_of(node)->link;

	if (!S_ISLNK(node->type))
		return -EINVAL;
	if (len > l->len)
		len = l->len;
	memcpy(buf, l->target, len);
	return (long)len;
}

int
ramnode_statfs(struct node *node, struct statvfs *sv)
{
	memset(sv, 0, sizeof(*sv));
	sv->f_bsize = sv->f_frsize = PAGE_SIZE;
	sv->f_blocks = page_total() / PAGE_SIZE;
	sv->f_bfree = sv->f_bavail = page_unused() / PAGE_SIZE;
	sv->f_ffree = sv->f_favail = (fsfilcnt_t)sv->f_bfree;
	sv->f_files = (fsfilcnt_t)(sv->f_ffree + ramnode_of(node)->fs->nnode);
	sv->f_fsid = ramnode_of(node)->fs->dev;
	sv->f_namemax = VFS_NAME_MAX;
	return 0;
}

/* --- data: file.lock held in the helpers --- */

void
ramfs_set_data(struct node *node, const void *data, size_t len)
{
	struct ramfile *f = &ramnode_of(node)->file;

	ASSERT(S_ISREG(node->type) && node->ops == &ramfs_ops);
	sleeplock_take(&f->lock);
	pagetree_trim(&f->pages, 0);
	f->origin = data;
	f->origin_len = f->size = len;
	sleeplock_give(&f->lock);
}

/* Copies bytes that no page holds. */
static void
origin_copy(const struct ramfile *f, char *to, uint64_t off, size_t len)
{
	size_t n = 0;

	if (off < f->origin_len) {
		n = len;
		if (n > f->origin_len - off)
			n = f->origin_len - off;
		memcpy(to, f->origin + off, n);
	}
	memset(to + n, 0, len - n);
}

/* Of [off, off + len) what lies in off's page. */
static size_t
part(uint64_t off, size_t len)
{
	size_t left = PAGE_SIZE - off % PAGE_SIZE;

	return len < left ? len : left;
}

long
ramnode_read(struct node *node, void *p, size_t len, uint64_t *pos)
{
	struct ramnode *n = ramnode_of(node);
	struct ramfile *f = &n->file;
	size_t done, now;
	char *page;

	was_read(n);
	sleeplock_take(&f->lock);
	if (*pos >= f->size)
		len = 0;
	else if (len > f->size - *pos)
		len = f->size - *pos;
	for (done = 0; done < len; done += now, *pos += now) {
		now = part(*pos, len - done);
		page = pagetree_get(&f->pages, *pos / PAGE_SIZE);
		if (page != NULL)
			memcpy((char *)p + done, page + *pos % PAGE_SIZE, now);
		else
			origin_copy(f, (char *)p + done, *pos, now);
	}
	sleeplock_give(&f->lock);
	return (long)len;
}

/* The page of off, made if need be; whole: it will be overwritten. */
static char *
page_for(struct ramfile *f, uint64_t off, bool whole)
{
	uint64_t index = off / PAGE_SIZE;
	char *page = pagetree_get(&f->pages, index);

	if (page != NULL)
		return page;
	page = page_alloc(1);
	if (page == NULL)
		return NULL;
	if (!whole)
		origin_copy(f, page, index * PAGE_SIZE, PAGE_SIZE);
	if (pagetree_put(&f->pages, index, page) != 0) {
		page_free(page, 1);
		return NULL;
	}
	return page;
}

long
ramnode_write(struct node *node, const void *p, size_t len, uint64_t *pos)
{
	struct ramnode *n = ramnode_of(node);
	struct ramfile *f = &n->file;
	size_t wanted = len, done, now;
	char *page;

	sleeplock_take(&f->lock);
	if (*pos == FILE_END)
		*pos = f->size;
	if (*pos > INT64_MAX - len)
		len = *pos < INT64_MAX ? INT64_MAX - *pos : 0;
	for (done = 0; done < len; done += now, *pos += now) {
		now = part(*pos, len - done);
		page = page_for(f, *pos, now == PAGE_SIZE);
		if (page == NULL)
			break;
		memcpy(page + *pos % PAGE_SIZE, (const char *)p + done, now);
	}
	if (done > 0 && *pos > f->size)
		f->size = *pos;
	sleeplock_give(&f->lock);
	if (done > 0)
		written(n);
	if (done > 0 || wanted == 0)
		return (long)done;
	return len == 0 ? -EFBIG : -ENOSPC;
}
