/* SPDX-License-Identifier: ISC */
/*
 * A folder of the host by 9P2000.L: names, and mounting; see p9_node.h.
 *
 * LIMIT: what QEMU's server does not do by an open file, it does by the name
 * the file had: once that has gone, ftruncate and fchmod give ENOENT.  Reading,
 * writing and fstat go on.
 */
#include <string.h>

#include "libc-shim/linux_abi.h"
#include "libc-shim/mount.h"
#include "libc-shim/p9_node.h"

static int
p9_lookup(struct node *dir, const char *name, struct node **out)
{
	struct p9node *d = p9node_of(dir), *n;
	struct p9_qid qid;
	uint32_t fid;
	bool dots;
	int err;

	if (d == d->fs->root && strcmp(name, "..") == 0) {
		*out = node_ref(dir);
		return 0;
	}
	dots = strcmp(name, "..") == 0;
	n = dots ? NULL : p9node_find(d, name);
	if (n != NULL) {
		*out = &n->node;
		return 0;
	}
	err = p9_walk(&d->fs->session, d->fid, name, &fid, &qid);
	if (err == 0)
		err =
		    p9node_get(d->fs, d, dots ? NULL : name, fid, &qid, 0, &n);
	if (err == 0)
		*out = &n->node;
	return err;
}

/* --- making --- */

/* A regular file is made and opened by one request, which uses up a copy of
 * the directory's fid. */
static int
file_create(struct p9node *d, const char *name, mode_t mode, uint32_t *fid,
    struct p9_qid *qid, uint32_t *iounit)
{
	struct p9_session *s = &d->fs->session;
	struct p9_small m;
	int err = p9_walk(s, d->fid, NULL, fid, NULL);

	if (err != 0)
		return err;
	p9_small_init(&m, P9_TLCREATE);
	p9_put(&m.c.out, *fid, 4);
	p9_put_string(&m.c.out, name);
	p9_put(&m.c.out,
	    linux_open_flags(O_RDWR) | LINUX_O_CREAT | LINUX_O_EXCL, 4);
	p9_put(&m.c.out, mode & 07777, 4);
	p9_put(&m.c.out, 0, 4); /* group */
	err = p9_call(s, &m.c);
	if (err == 0) {
		*qid = p9_get_qid(&m.c.in);
		*iounit = (uint32_t)p9_get(&m.c.in, 4);
		err = p9_checked(s, &m.c);
	}
	if (err != 0)
		p9_clunk(s, fid, 1);
	return err;
}

static int
file_make(struct p9node *d, const char *name, mode_t mode, struct node **out)
{
	struct p9_session *s = &d->fs->session;
	uint32_t opened, fid, iounit;
	struct p9_qid made, qid;
	struct p9node *n;
	int err = file_create(d, name, mode, &opened, &made, &iounit);

	if (err != 0)
		return err;
	err = p9_walk(s, d->fid, name, &fid, &qid);
	if (err == 0)
		err = p9node_get(d->fs, d, name, fid, &qid,
		    qid.path == made.path ? S_IFREG : 0, &n);
	if (err != 0) {
		p9_clunk(s, &opened, 1);
		return err;
	}
	sleeplock_take(&n->lock);
	if (qid.path == made.path && n->read_fid == P9_NOFID &&
	    n->write_fid == P9_NOFID) {
		n->read_fid = n->write_fid = opened;
		n->iounit = iounit;
		n->last.st_mode = S_IFREG | (mode & 07777);
		opened = P9_NOFID;
	}
	sleeplock_give(&n->lock);
	/* Others replaced or opened it meanwhile: it is opened by itself. */
	p9_clunk(s, &opened, 1);
	*out = &n->node;
	return 0;
}

/* Everything else: Tmkdir, Tsymlink or Tmknod. */
static int
other_make(struct p9node *d, const char *name, const struct node_spec *spec)
{
	size_t room = S_ISLNK(spec->mode) ? VFS_PATH_MAX + 512 : 0;
	struct p9_small m;
	int err;

	p9_small_init(&m, S_ISDIR(spec->mode)   ? P9_TMKDIR
			  : S_ISLNK(spec->mode) ? P9_TSYMLINK
						: P9_TMKNOD);
	if (room > 0) {
		m.c.out.p = heap_alloc(room);
		m.c.out.len = (uint32_t)room;
		if (m.c.out.p == NULL)
			return -ENOMEM;
	}
	p9_put(&m.c.out, d->fid, 4);
	p9_put_string(&m.c.out, name);
	if (S_ISLNK(spec->mode))
		p9_put_string(&m.c.out, spec->target);
	else
		p9_put(&m.c.out,
		    S_ISDIR(spec->mode) ? spec->mode & 07777 : spec->mode, 4);
	if (m.c.type == P9_TMKNOD) {
		p9_put(&m.c.out, (uint64_t)spec->rdev >> 8 & 0xff, 4);
		p9_put(&m.c.out, (uint64_t)spec->rdev & 0xff, 4);
	}
	p9_put(&m.c.out, 0, 4); /* group */
	err = p9_call(&d->fs->session, &m.c);
	if (room > 0)
		heap_free(m.c.out.p, room);
	return err;
}

static int
p9_create(struct node *dir, const char *name, const struct node_spec *spec,
    struct node **out)
{
	struct p9node *was;
	int err;

	if (S_ISREG(spec->mode))
		return file_make(p9node_of(dir), name, spec->mode, out);
	err = other_make(p9node_of(dir), name, spec);
	if (err != 0)
		return err;
	was = p9node_find(p9node_of(dir), name);
	if (was != NULL) { /* the host has taken it away */
		p9node_doubt(was);
		node_put(&was->node);
	}
	return p9_lookup(dir, name, out);
}

static int
p9_link(struct node *dir, const char *name, struct node *to)
{
	struct p9node *d = p9node_of(dir), *n = p9node_of(to);
	struct p9_small m;

	if (to->ops != dir->ops || n->fs != d->fs)
		return -EXDEV;
	p9_small_init(&m, P9_TLINK);
	p9_put(&m.c.out, d->fid, 4);
	p9_put(&m.c.out, n->fid, 4);
	p9_put_string(&m.c.out, name);
	return p9_call(&d->fs->session, &m.c);
}

/* --- removing and renaming --- */

static int
p9_unlink(struct node *dir, const char *name, bool rmdir)
{
	struct p9node *d = p9node_of(dir);
	struct p9_small m;
	int err;

	p9_small_init(&m, P9_TUNLINKAT);
	p9_put(&m.c.out, d->fid, 4);
	p9_put_string(&m.c.out, name);
	p9_put(&m.c.out, rmdir ? LINUX_AT_REMOVEDIR : 0, 4);
	err = p9_call(&d->fs->session, &m.c);
	if (err == 0)
		p9node_moved(d, name, NULL, NULL);
	return err;
}

static int
p9_rename(struct node *from, const char *old, struct node *to, const char *new)
{
	struct p9node *f = p9node_of(from), *t = p9node_of(to);
	bool same = f == t && strcmp(old, new) == 0;
	struct p9_small m;
	int err;

	if (to->ops != from->ops || f->fs != t->fs)
		return -EXDEV;
	p9_small_init(&m, P9_TRENAMEAT);
	p9_put(&m.c.out, f->fid, 4);
	p9_put_string(&m.c.out, old);
	p9_put(&m.c.out, t->fid, 4);
	p9_put_string(&m.c.out, new);
	err = p9_call(&f->fs->session, &m.c);
	if (err == 0 && !same) {
		p9node_moved(t, new, NULL, NULL);
		p9node_moved(f, old, t, new);
	}
	return err;
}

static const struct fs_ops p9_ops = {
    .lookup = p9_lookup,
    .create = p9_create,
    .link = p9_link,
    .unlink = p9_unlink,
    .rename = p9_rename,
    .readdir = p9_readdir,
    .readlink = p9_readlink,
    .getattr = p9_getattr,
    .setattr = p9_setattr,
    .open = p9node_open,
    .read = p9_read,
    .write = p9_write,
    .size = p9_size,
    .sync = p9_sync,
    .statfs = p9_statfs,
    .release = p9node_release,
};

static const struct fs_ops p9_readonly_ops = {
    .lookup = p9_lookup,
    .readdir = p9_readdir,
    .readlink = p9_readlink,
    .getattr = p9_getattr,
    .open = p9node_open,
    .read = p9_read,
    .size = p9_size,
    .statfs = p9_statfs,
    .release = p9node_release,
};

/* --- mounting --- */

/* The root, as user 0; no authentication. */
static int
attach(struct p9_session *s, uint32_t *fid, struct p9_qid *qid)
{
	struct p9_small m;
	int err = p9_fid_take(s, fid);

	if (err != 0)
		return err;
	p9_small_init(&m, P9_TATTACH);
	p9_put(&m.c.out, *fid, 4);
	p9_put(&m.c.out, P9_NOFID, 4);
	p9_put_string(&m.c.out, "root");
	p9_put_string(&m.c.out, "");
	p9_put(&m.c.out, 0, 4);
	err = p9_call(s, &m.c);
	if (err != 0)
		return err;
	*qid = p9_get_qid(&m.c.in);
	err = p9_checked(s, &m.c);
	return err == 0 && !(qid->type & P9_QTDIR) ? -ENOTDIR : err;
}

int
p9_mount(const char *tag, bool readonly, struct node **root)
{
	static unsigned mounts;
	struct p9fs *fs = heap_alloc(sizeof(*fs));
	struct p9_qid qid;
	struct p9node *n;
	uint32_t fid;
	int err;

	if (fs == NULL)
		return -ENOMEM;
	fs->ops = readonly ? &p9_readonly_ops : &p9_ops;
	fs->dev =
	    (dev_t)(0x900 + __atomic_fetch_add(&mounts, 1, __ATOMIC_RELAXED));
	err = p9_session_begin(&fs->session, tag);
	if (err != 0)
		goto fail;
	err = attach(&fs->session, &fid, &qid);
	if (err == 0)
		err = p9node_get(fs, NULL, NULL, fid, &qid, S_IFDIR, &n);
	if (err != 0)
		goto fail_session;
	fs->root = n;
	*root = &n->node;
	return 0;
fail_session:
	p9_session_end(&fs->session);
fail:
	heap_free(fs, sizeof(*fs));
	return err;
}
