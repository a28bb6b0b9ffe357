/* SPDX-License-Identifier: ISC */
/*
 * Nodes of a file system that is served by FUSE: from a reply to a node, from
 * its last reference to the server's forgetting it; and attributes.
 *
 * A node whose references have gone, but that is not yet taken out of the
 * table, is passed over: a new one is made for the same ID, and the server
 * adds up what both have to forget.
 */
#include "libc-shim/fuse.h"

#include <string.h>
#include <sys/types.h>

#include "kernel/barrier.h"

#define BLOCK_MIN 512U /* of st_blksize: programs make buffers of it */
#define BLOCK_MAX (1U << 20)

_Static_assert(sizeof(struct fuse_attr) == 88, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_attr, mode) == 60, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_entry_out) == 128, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_entry_out, attr) == 40, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_attr_out) == 104, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_setattr_in) == 88, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_statfs_out) == 80, "<linux/fuse.h>");

/* --- the table: fs->lock held --- */

static struct fuse_node **
bucket_of(struct fuse_fs *fs, uint64_t id)
{
	/* multiplied by 2^64 / phi: IDs may be counted, or addresses */
	return &fs->bucket[(id * 0x9e3779b97f4a7c15ULL >> 32) % FUSE_BUCKETS];
}

static struct fuse_node *
table_find(struct fuse_fs *fs, uint64_t id)
{
	struct fuse_node *n;

	for (n = *bucket_of(fs, id); n != NULL; n = n->next)
		if (n->id == id && node_ref_live(&n->node))
			return n;
	return NULL;
}

static void
table_remove(struct fuse_fs *fs, struct fuse_node *n)
{
	struct fuse_node **p = bucket_of(fs, n->id);

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
}

/* --- making --- */

static struct fuse_node *
node_make(struct fuse_fs *fs, uint64_t id, mode_t type)
{
	struct fuse_node *n = heap_alloc(sizeof(*n));

	if (n == NULL)
		return NULL;
	n->node.ops = fs->readonly ? &fuse_ops_readonly : &fuse_ops;
	n->node.refs = 1;
	n->node.type = type;
	n->fs = fs;
	n->id = id;
	n->born = load_acquire(&fs->removals);
	return n;
}

struct fuse_node *
fuse_root_make(struct fuse_fs *fs)
{
	return node_make(fs, FUSE_ROOT_ID, S_IFDIR);
}

/* The node of this ID, a reference, one more lookup counted. */
static struct fuse_node *
node_get(struct fuse_fs *fs, uint64_t id, const struct fuse_attr *a)
{
	struct fuse_node *n = table_find(fs, id), **bucket;

	if (n == NULL) {
		n = node_make(fs, id, a->mode & S_IFMT);
		if (n == NULL)
			return NULL;
		n->node.rdev = a->rdev;
		bucket = bucket_of(fs, id);
		n->next = *bucket;
		*bucket = n;
		node_ref(&fs->root->node);
	}
	n->nlookup++;
	store_release(&n->size, a->size);
	return n;
}

/* A directory is below `dir` now; what it was below before.  Where we know that
 * `dir` is below it, as after moves on the host, it stays: directories in a
 * circle would keep each other for ever. */
static struct fuse_node *
parent_set(struct fuse_node *n, struct fuse_node *dir)
{
	struct fuse_node *old = n->parent, *up;

	if (!S_ISDIR(n->node.type) || old == dir)
		return NULL;
	for (up = dir; up != NULL; up = up->parent)
		if (up == n)
			return NULL;
	node_ref(&dir->node);
	n->parent = dir;
	return old;
}

static bool
type_known(mode_t type)
{
	return S_ISREG(type) || S_ISDIR(type) || S_ISLNK(type) ||
	       S_ISCHR(type) || S_ISBLK(type) || S_ISFIFO(type) ||
	       S_ISSOCK(type);
}

/* The root is nobody's entry, and no directory its own. */
static bool
entry_ok(
    const struct fuse_node *dir, const struct fuse_entry_out *e, mode_t type)
{
	mode_t is = e->attr.mode & S_IFMT;

	return e->nodeid != FUSE_ROOT_ID && e->nodeid != dir->id &&
	       type_known(is) && (type == 0 || is == type);
}

int
fuse_entry_take(struct fuse_node *dir, const struct fuse_entry_out *entry,
    mode_t type, struct fuse_node **out)
{
	struct fuse_node *n = NULL, *old = NULL;
	struct fuse_entry_out e = *entry;
	struct fuse_fs *fs = dir->fs;

	if (e.nodeid == 0)
		return fuse_break(fs, "it made something without an ID");
	if (entry_ok(dir, &e, type)) {
		sleeplock_take(&fs->lock);
		n = node_get(fs, e.nodeid, &e.attr);
		if (n != NULL)
			old = parent_set(n, dir);
		sleeplock_give(&fs->lock);
		if (old != NULL)
			node_put(&old->node);
		if (n == NULL) {
			fuse_forget(fs, e.nodeid, 1);
			return -ENOMEM;
		}
		if (n->node.type == (e.attr.mode & S_IFMT)) {
			*out = n;
			return 0;
		}
		node_put(&n->node);
		return -EIO;
	}
	if (e.nodeid != FUSE_ROOT_ID)
		fuse_forget(fs, e.nodeid, 1);
	return -EIO;
}

/* --- the end --- */

/* n has gone; its parent, if n was what kept that. */
static struct fuse_node *
node_end(struct fuse_node *n)
{
	struct fuse_node *up = n->parent, *root = n->fs->root;
	struct fuse_fs *fs = n->fs;

	sleeplock_take(&fs->lock);
	table_remove(fs, n);
	sleeplock_give(&fs->lock);
	fuse_handles_end(n);
	fuse_forget(fs, n->id, n->nlookup);
	/* If its name is among those that went meanwhile, it should take no
	 * room on the host from now on. */
	if (n->born != load_acquire(&fs->removals))
		fuse_forget_send(fs);
	heap_free(n, sizeof(*n));
	if (up != NULL &&
	    __atomic_sub_fetch(&up->node.refs, 1, __ATOMIC_ACQ_REL) > 0)
		up = NULL;
	node_put(&root->node); /* not the last one if `up` goes too */
	return up;
}

void
fuse_release(struct node *node)
{
	struct fuse_node *n = fuse_node_of(node);
	struct fuse_fs *fs = n->fs;

	if (n == fs->root) {
		fuse_handles_end(n);
		heap_free(n, sizeof(*n));
		fuse_end(fs);
		return;
	}
	while (n != NULL)
		n = node_end(n);
}

/* --- attributes --- */

static bool
time_ok(uint32_t nsec)
{
	return nsec < NS_PER_S;
}

static int
stat_fill(struct fuse_node *n, const struct fuse_attr *attr, struct stat *st)
{
	struct fuse_attr a = *attr;

	if ((a.mode & S_IFMT) != n->node.type || a.size > INT64_MAX ||
	    a.blocks > INT64_MAX || !time_ok(a.atimensec) ||
	    !time_ok(a.mtimensec) || !time_ok(a.ctimensec))
		return -EIO;
	store_release(&n->size, a.size);
	memset(st, 0, sizeof(*st));
	st->st_dev = n->fs->dev;
	st->st_ino = a.ino;
	st->st_mode = a.mode;
	st->st_nlink = (nlink_t)(a.nlink > UINT16_MAX ? UINT16_MAX : a.nlink);
	st->st_uid = (uid_t)a.uid;
	st->st_gid = (gid_t)a.gid;
	st->st_rdev = a.rdev;
	st->st_size = (off_t)a.size;
	st->st_blocks = (blkcnt_t)a.blocks;
	st->st_blksize = a.blksize < BLOCK_MIN || a.blksize > BLOCK_MAX
			     ? (blksize_t)PAGE_SIZE
			     : (blksize_t)a.blksize;
	st->st_atim.tv_sec = (time_t)a.atime;
	st->st_atim.tv_nsec = a.atimensec;
	st->st_mtim.tv_sec = (time_t)a.mtime;
	st->st_mtim.tv_nsec = a.mtimensec;
	st->st_ctim.tv_sec = (time_t)a.ctime;
	st->st_ctim.tv_nsec = a.ctimensec;
	return 0;
}

int
fuse_getattr(struct node *node, struct stat *st)
{
	struct fuse_node *n = fuse_node_of(node);
	struct fuse_getattr_in in = {0};
	struct fuse_attr_out out;
	struct fuse_req r;
	int err;

	fuse_req_init(&r, n->fs, FUSE_GETATTR, n->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_reply(&r, &out, sizeof(out), true);
	err = fuse_call(n->fs, &r);
	return err != 0 ? err : stat_fill(n, &out.attr, st);
}

int64_t
fuse_size(struct node *node)
{
	struct stat st;
	int err = fuse_getattr(node, &st);

	return err != 0 ? err : st.st_size;
}

static uint32_t
valid_bits(unsigned set)
{
	return (set & ATTR_MODE ? FATTR_MODE : 0U) |
	       (set & ATTR_UID ? FATTR_UID : 0U) |
	       (set & ATTR_GID ? FATTR_GID : 0U) |
	       (set & ATTR_SIZE ? FATTR_SIZE : 0U) |
	       (set & ATTR_ATIME ? FATTR_ATIME : 0U) |
	       (set & ATTR_MTIME ? FATTR_MTIME : 0U);
}

int
fuse_setattr(struct node *node, const struct node_attr *a)
{
	struct fuse_node *n = fuse_node_of(node);
	struct fuse_setattr_in in = {.valid = valid_bits(a->set)};
	struct fuse_attr_out out;
	struct fuse_req r;
	struct stat st;
	int err;

	in.mode = n->node.type | (a->mode & 07777);
	in.uid = a->uid;
	in.gid = a->gid;
	in.size = a->size;
	in.atime = (uint64_t)a->atime.tv_sec;
	in.atimensec = (uint32_t)a->atime.tv_nsec;
	in.mtime = (uint64_t)a->mtime.tv_sec;
	in.mtimensec = (uint32_t)a->mtime.tv_nsec;
	/* A file that is open for writing may be cut whatever its mode. */
	if ((a->set & ATTR_SIZE) && fuse_writer(n, &in.fh))
		in.valid |= FATTR_FH;
	fuse_req_init(&r, n->fs, FUSE_SETATTR, n->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_reply(&r, &out, sizeof(out), true);
	err = fuse_call(n->fs, &r);
	return err != 0 ? err : stat_fill(n, &out.attr, &st);
}

int
fuse_statfs(struct node *node, struct statvfs *sv)
{
	struct fuse_node *n = fuse_node_of(node);
	struct fuse_statfs_out out;
	struct fuse_req r;
	int err;

	fuse_req_init(&r, n->fs, FUSE_STATFS, n->id);
	fuse_req_reply(&r, &out, sizeof(out), true);
	err = fuse_call(n->fs, &r);
	if (err != 0)
		return err;
	memset(sv, 0, sizeof(*sv));
	sv->f_bsize = out.st.bsize;
	sv->f_frsize = out.st.frsize != 0 ? out.st.frsize : out.st.bsize;
	sv->f_blocks = (fsblkcnt_t)out.st.blocks;
	sv->f_bfree = (fsblkcnt_t)out.st.bfree;
	sv->f_bavail = (fsblkcnt_t)out.st.bavail;
	sv->f_files = (fsfilcnt_t)out.st.files;
	sv->f_ffree = sv->f_favail = (fsfilcnt_t)out.st.ffree;
	sv->f_fsid = n->fs->dev;
	sv->f_flag = n->fs->readonly ? ST_RDONLY : 0;
	sv->f_namemax = out.st.namelen;
	return 0;
}
