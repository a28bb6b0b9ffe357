/* SPDX-License-Identifier: ISC */
/*
 * Mounting what a virtio-fs device serves, and the operations on names; see
 * fuse.h.  [VIRTIO] 5.11.6, <linux/fuse.h>.
 */
#include "libc-shim/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/barrier.h"
#include "libc-shim/linux_abi.h"
#include "libc-shim/mount.h"

#define MINOR_MIN    27U /* [VIRTIO] 5.11.6.1: the first of virtio-fs */
#define PAGES_NO_MAX 32U /* of a message, where the server doesn't say */
#define DEV_FIRST    0x46530000U
#define TIMEOUT_S    60UL
#define FLAGS                                                                  \
	(FUSE_ASYNC_READ | FUSE_ASYNC_DIO | FUSE_BIG_WRITES |                  \
	    FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES)

_Static_assert(sizeof(struct fuse_init_in) == 64, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_init_out) == 64, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_init_out, max_pages) == 28, "the same");

/* --- names --- */

static int
fuse_lookup_up(struct fuse_node *d, struct node **out)
{
	struct fuse_node *up;

	sleeplock_take(&d->fs->lock);
	up = d->parent != NULL ? d->parent : d;
	*out = node_ref(&up->node);
	sleeplock_give(&d->fs->lock);
	return 0;
}

static int
fuse_lookup(struct node *dir, const char *name, struct node **out)
{
	struct fuse_node *d = fuse_node_of(dir), *n;
	unsigned era = load_acquire(&d->fs->era);
	struct fuse_entry_out e;
	struct fuse_req r;
	int err;

	if (strcmp(name, "..") == 0)
		return fuse_lookup_up(d, out);
	n = fuse_dirs_find(d, name);
	if (n != NULL) {
		*out = &n->node;
		return 0;
	}
	fuse_req_init(&r, d->fs, FUSE_LOOKUP, d->id);
	fuse_req_name(&r, name);
	fuse_req_reply(&r, &e, sizeof(e), true);
	err = fuse_call(d->fs, &r);
	if (err == 0 && e.nodeid == 0)
		err = -ENOENT; /* and how long that is so */
	if (err == 0)
		err = fuse_entry_take(d, &e, 0, &n);
	if (err != 0)
		return err;
	fuse_dirs_note(d, name, n, &e, era);
	*out = &n->node;
	return 0;
}

/* The server's answer is an entry, and perhaps a handle behind it. */
struct created {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};
_Static_assert(sizeof(struct created) == 128 + 16, "no space between");

/* What the four requests that make something send before the name. */
union create_in {
	struct fuse_create_in file;
	struct fuse_mkdir_in dir;
	struct fuse_mknod_in node;
};

static uint32_t
create_request(struct fuse_req *r, struct fuse_node *d, const char *name,
    const struct node_spec *spec, union create_in *in)
{
	memset(in, 0, sizeof(*in));
	if (S_ISREG(spec->mode)) {
		in->file.flags =
		    linux_open_flags(O_RDWR) | LINUX_O_CREAT | LINUX_O_EXCL;
		in->file.mode = spec->mode;
		fuse_req_init(r, d->fs, FUSE_CREATE, d->id);
		fuse_req_part(r, &in->file, sizeof(in->file));
	} else if (S_ISDIR(spec->mode)) {
		in->dir.mode = spec->mode & 07777;
		fuse_req_init(r, d->fs, FUSE_MKDIR, d->id);
		fuse_req_part(r, &in->dir, sizeof(in->dir));
	} else if (S_ISLNK(spec->mode)) {
		fuse_req_init(r, d->fs, FUSE_SYMLINK, d->id);
	} else {
		in->node.mode = spec->mode;
		in->node.rdev = spec->rdev;
		fuse_req_init(r, d->fs, FUSE_MKNOD, d->id);
		fuse_req_part(r, &in->node, sizeof(in->node));
	}
	fuse_req_name(r, name);
	if (S_ISLNK(spec->mode))
		fuse_req_name(r, spec->target);
	return S_ISREG(spec->mode) ? sizeof(struct created)
				   : sizeof(struct fuse_entry_out);
}

static int
fuse_create(struct node *dir, const char *name, const struct node_spec *spec,
    struct node **out)
{
	struct fuse_node *d = fuse_node_of(dir), *n;
	struct created made;
	union create_in in;
	struct fuse_req r;
	uint32_t len = create_request(&r, d, name, spec, &in);
	int err;

	fuse_req_reply(&r, &made, len, true);
	err = fuse_call(d->fs, &r);
	if (err != 0)
		return err;
	err = fuse_entry_take(d, &made.entry, spec->mode & S_IFMT, &n);
	if (err != 0) {
		if (S_ISREG(spec->mode))
			fuse_handle_release(
			    d->fs, made.entry.nodeid, S_IFREG, made.open.fh);
		return err;
	}
	if (S_ISREG(spec->mode))
		fuse_handle_set(n, made.open.fh);
	*out = &n->node;
	return 0;
}

static int
fuse_link(struct node *dir, const char *name, struct node *to)
{
	struct fuse_node *d = fuse_node_of(dir), *t = fuse_node_of(to), *n;
	struct fuse_link_in in = {.oldnodeid = t->id};
	struct fuse_entry_out e;
	struct fuse_req r;
	int err;

	if (d->fs != t->fs)
		return -EXDEV;
	fuse_req_init(&r, d->fs, FUSE_LINK, d->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_name(&r, name);
	fuse_req_reply(&r, &e, sizeof(e), true);
	err = fuse_call(d->fs, &r);
	if (err == 0)
		err = fuse_entry_take(d, &e, to->type, &n);
	if (err != 0)
		return err;
	err = n == t ? 0 : -EIO;
	node_put(&n->node);
	return err;
}

/* What a name was refused with.  The virtiofsd of QEMU says EIO of one that
 * somebody else was faster to remove. */
static int
refused(struct node *dir, const char *name, int err)
{
	struct node *n;
	int found;

	if (err != -EIO)
		return err;
	found = fuse_lookup(dir, name, &n);
	if (found == 0)
		node_put(n);
	return found == -ENOENT ? -ENOENT : err;
}

static int
fuse_unlink(struct node *dir, const char *name, bool rmdir)
{
	struct fuse_node *d = fuse_node_of(dir);
	struct fuse_req r;
	int err;

	fuse_req_init(&r, d->fs, rmdir ? FUSE_RMDIR : FUSE_UNLINK, d->id);
	fuse_req_name(&r, name);
	err = fuse_call(d->fs, &r);
	if (err != 0)
		return refused(dir, name, err);
	__atomic_add_fetch(&d->fs->removals, 1, __ATOMIC_RELAXED);
	fuse_dirs_drop(d, name);
	return 0;
}

static int
fuse_rename(
    struct node *from, const char *old, struct node *to, const char *new)
{
	struct fuse_node *f = fuse_node_of(from), *t = fuse_node_of(to);
	struct fuse_rename_in in = {.newdir = t->id};
	struct node *moved;
	struct fuse_req r;
	int err;

	if (f->fs != t->fs)
		return -EXDEV;
	fuse_req_init(&r, f->fs, FUSE_RENAME, f->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_name(&r, old);
	fuse_req_name(&r, new);
	err = fuse_call(f->fs, &r);
	if (err != 0)
		return refused(from, old, err);
	__atomic_add_fetch(&f->fs->removals, 1, __ATOMIC_RELAXED);
	fuse_dirs_drop(f, old);
	fuse_dirs_drop(t, new);
	/* A directory learns its new parent by being looked up. */
	if (f != t && fuse_lookup(to, new, &moved) == 0)
		node_put(moved);
	return 0;
}

/* The server's answer must fit, so it gets a whole page for it. */
static long
fuse_readlink(struct node *node, char *buf, size_t len)
{
	struct fuse_node *n = fuse_node_of(node);
	char *target = page_alloc(1);
	struct fuse_req r;
	long got;

	if (target == NULL)
		return -ENOMEM;
	fuse_req_init(&r, n->fs, FUSE_READLINK, n->id);
	fuse_req_reply(&r, target, PAGE_SIZE, false);
	got = fuse_req_start(n->fs, &r);
	if (got == 0)
		got = fuse_req_finish(n->fs, &r);
	if (got > (long)len)
		got = (long)len;
	if (got > 0) {
		memcpy(buf, target, (size_t)got);
		if (memchr(buf, '\0', (size_t)got) != NULL)
			got = -EIO;
	}
	page_free(target, 1);
	return got;
}

/* --- mounting --- */

/* [VIRTIO] 5.11.6.1: the first request of all, and the server's limits. */
static int
negotiate(struct fuse_fs *fs)
{
	struct fuse_init_in in = {
	    .major = FUSE_KERNEL_VERSION,
	    .minor = FUSE_KERNEL_MINOR_VERSION,
	    .flags = FLAGS,
	};
	struct fuse_init_out out;
	uint32_t pages = PAGES_NO_MAX;
	struct fuse_req r;
	int err;

	fuse_req_init(&r, fs, FUSE_INIT, 0);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_reply(&r, &out, sizeof(out), true);
	err = fuse_call(fs, &r);
	if (err != 0)
		return err;
	if (out.major != FUSE_KERNEL_VERSION || out.minor < MINOR_MIN)
		return -EPROTO;
	if (out.flags & FUSE_MAX_PAGES)
		pages = out.max_pages;
	if (out.max_write < PAGE_SIZE || pages == 0)
		return -EPROTO;
	fs->unit =
	    out.max_write < FUSE_UNIT_MAX ? out.max_write : FUSE_UNIT_MAX;
	if (fs->unit > pages * PAGE_SIZE)
		fs->unit = pages * PAGE_SIZE;
	fs->unit = ALIGN_DOWN(fs->unit, (uint32_t)PAGE_SIZE);
	return 0;
}

/* sprat.fs_timeout=SECONDS; a server may be slow, but not for ever. */
static uint64_t
timeout_ns(void)
{
	const char *s = cmdline_option("fs_timeout");
	unsigned long n = s != NULL ? strtoul(s, NULL, 10) : 0;

	return (n > 0 && n < 1000000 ? n : TIMEOUT_S) * NS_PER_S;
}

int
fuse_mount(const char *tag, bool readonly, struct node **root)
{
	static unsigned made;
	struct fuse_fs *fs = heap_alloc(sizeof(*fs));
	struct stat st;
	int err;

	if (fs == NULL)
		return -ENOMEM;
	err = virtio_fs_take(tag, &fs->channel);
	if (err != 0)
		goto no_channel;
	fs->readonly = readonly;
	fs->dev = DEV_FIRST + __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	fs->timeout_ns = timeout_ns();
	err = negotiate(fs);
	if (err != 0)
		goto no_session;
	fs->root = fuse_root_make(fs);
	if (fs->root == NULL) {
		fuse_end(fs);
		return -ENOMEM;
	}
	err = fuse_getattr(&fs->root->node, &st);
	if (err != 0) {
		node_put(&fs->root->node);
		return err;
	}
	*root = &fs->root->node;
	return 0;
no_session:
	virtio_fs_give(fs->channel);
no_channel:
	heap_free(fs, sizeof(*fs));
	return err;
}

void
fuse_end(struct fuse_fs *fs)
{
	struct fuse_req r;

	fuse_forget_send(fs);
	fuse_req_init(&r, fs, FUSE_DESTROY, 0);
	fuse_call(fs, &r);
	virtio_fs_give(fs->channel);
	heap_free(fs, sizeof(*fs));
}

const struct fs_ops fuse_ops = {
    .lookup = fuse_lookup,
    .create = fuse_create,
    .link = fuse_link,
    .unlink = fuse_unlink,
    .rename = fuse_rename,
    .readdir = fuse_readdir,
    .readlink = fuse_readlink,
    .getattr = fuse_getattr,
    .setattr = fuse_setattr,
    .open = fuse_open,
    .read = fuse_read,
    .write = fuse_write,
    .size = fuse_size,
    .sync = fuse_sync,
    .statfs = fuse_statfs,
    .quiet = fuse_quiet,
    .release = fuse_release,
};

const struct fs_ops fuse_ops_readonly = {
    .lookup = fuse_lookup,
    .readdir = fuse_readdir,
    .readlink = fuse_readlink,
    .getattr = fuse_getattr,
    .open = fuse_open,
    .read = fuse_read,
    .size = fuse_size,
    .sync = fuse_sync,
    .statfs = fuse_statfs,
    .quiet = fuse_quiet,
    .release = fuse_release,
};
