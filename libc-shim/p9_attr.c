/* SPDX-License-Identifier: ISC */
/* Attributes of files and of the file system over 9P2000.L. */
#include <string.h>
#include <sys/types.h>

#include "libc-shim/p9_node.h"

#define GETATTR_BASIC     0x7ffULL /* all that struct stat has */
#define SETATTR_ATIME_SET 0x80U
#define SETATTR_MTIME_SET 0x100U

/* stdio takes as much for each FILE. */
#define BLKSIZE 32768

/* Those that are the same as vfs.h's. */
_Static_assert(ATTR_MODE == 1 && ATTR_UID == 2 && ATTR_GID == 4 &&
		   ATTR_SIZE == 8 && ATTR_ATIME == 16 && ATTR_MTIME == 32,
    "[9P2000.L] setattr: valid");

static struct timespec
get_time(struct p9_msg *in)
{
	struct timespec ts;

	ts.tv_sec = (time_t)p9_get(in, 8);
	ts.tv_nsec = (long)(p9_get(in, 8) % NS_PER_S);
	return ts;
}

static void
get_stat(struct p9_msg *in, struct stat *st)
{
	uint64_t rdev, nlink;

	memset(st, 0, sizeof(*st));
	p9_skip(in, 8); /* which are valid: all, or they are 0 */
	st->st_ino = (ino_t)p9_get_qid(in).path;
	st->st_mode = (mode_t)p9_get(in, 4);
	st->st_uid = (uid_t)p9_get(in, 4);
	st->st_gid = (gid_t)p9_get(in, 4);
	nlink = p9_get(in, 8);
	st->st_nlink = (nlink_t)(nlink < 32767 ? nlink : 32767);
	rdev = p9_get(in, 8);
	st->st_rdev = (dev_t)((rdev >> 8 & 0xff) << 8 | (rdev & 0xff));
	st->st_size = (off_t)p9_get(in, 8);
	st->st_blksize = BLKSIZE;
	p9_skip(in, 8);
	st->st_blocks = (blkcnt_t)p9_get(in, 8);
	st->st_atim = get_time(in);
	st->st_mtim = get_time(in);
	st->st_ctim = get_time(in);
}

int
p9_ask_attr(struct p9_session *s, uint32_t fid, struct stat *st)
{
	struct p9_small m;
	int err;

	p9_small_init(&m, P9_TGETATTR);
	p9_put(&m.c.out, fid, 4);
	p9_put(&m.c.out, GETATTR_BASIC, 8);
	err = p9_call(s, &m.c);
	if (err != 0)
		return err;
	get_stat(&m.c.in, st);
	err = p9_checked(s, &m.c);
	if (err == 0 && st->st_size < 0)
		err = p9_session_fail(s, "a file has an impossible size");
	return err;
}

/* Of a file whose name has gone: by its open fid, if the server does not take
 * that for the name. */
static int
ask_open(struct p9node *n, struct stat *st, uint32_t *fid)
{
	int err;

	*fid = n->read_fid != P9_NOFID ? n->read_fid : n->write_fid;
	if (*fid == P9_NOFID)
		return -ENOENT;
	err = p9_ask_attr(&n->fs->session, *fid, st);
	return err == 0 && st->st_ino != n->qid.path ? -ENOENT : err;
}

/* If it does, what was heard of last. */
static int
ask_gone(struct p9node *n, struct stat *st)
{
	uint32_t fid;
	int err = ask_open(n, st, &fid);

	if (err != -ENOENT || fid == P9_NOFID)
		return err;
	sleeplock_take(&n->lock);
	*st = n->last;
	sleeplock_give(&n->lock);
	st->st_mode |= n->node.type;
	st->st_ino = (ino_t)n->qid.path;
	st->st_nlink = 0;
	return 0;
}

int
p9_getattr(struct node *node, struct stat *st)
{
	struct p9node *n = p9node_of(node);
	int err;

	if (n->gone) {
		err = ask_gone(n, st);
	} else {
		err = p9_ask_attr(&n->fs->session, n->fid, st);
		if (err == -ENOENT) {
			p9node_doubt(n);
			err = ask_gone(n, st);
		}
	}
	if (err != 0)
		return err;
	if ((st->st_mode & S_IFMT) != node->type) {
		/* The host put something else there, under the same number. */
		if (n != n->fs->root)
			p9node_drop(n);
		return -ESTALE;
	}
	st->st_dev = n->fs->dev;
	sleeplock_take(&n->lock);
	n->last = *st;
	sleeplock_give(&n->lock);
	return 0;
}

int64_t
p9_size(struct node *node)
{
	struct stat st;
	int err = p9_getattr(node, &st);

	return err != 0 ? err : st.st_size;
}

int
p9_setattr(struct node *node, const struct node_attr *a)
{
	struct p9node *n = p9node_of(node);
	uint32_t fid = n->fid;
	struct p9_small m;
	struct stat st;
	int err;

	/* Not what somebody else has given the name to. */
	err = n->gone ? ask_open(n, &st, &fid) : 0;
	if (err != 0)
		return err;
	p9_small_init(&m, P9_TSETATTR);
	p9_put(&m.c.out, fid, 4);
	p9_put(&m.c.out,
	    a->set | (a->set & ATTR_ATIME ? SETATTR_ATIME_SET : 0) |
		(a->set & ATTR_MTIME ? SETATTR_MTIME_SET : 0),
	    4);
	/* With the type: QEMU's mapped files would lose theirs. */
	p9_put(&m.c.out, node->type | (a->mode & 07777), 4);
	p9_put(&m.c.out, a->uid, 4);
	p9_put(&m.c.out, a->gid, 4);
	p9_put(&m.c.out, a->size, 8);
	p9_put(&m.c.out, (uint64_t)a->atime.tv_sec, 8);
	p9_put(&m.c.out, (uint64_t)a->atime.tv_nsec, 8);
	p9_put(&m.c.out, (uint64_t)a->mtime.tv_sec, 8);
	p9_put(&m.c.out, (uint64_t)a->mtime.tv_nsec, 8);
	err = p9_call(&n->fs->session, &m.c);
	if (err == 0 && (a->set & ATTR_SIZE)) {
		sleeplock_take(&n->lock);
		n->last.st_size = (off_t)a->size;
		sleeplock_give(&n->lock);
	}
	return err;
}

int
p9_statfs(struct node *node, struct statvfs *sv)
{
	struct p9node *n = p9node_of(node);
	struct p9_small m;
	int err;

	p9_small_init(&m, P9_TSTATFS);
	p9_put(&m.c.out, n->fid, 4);
	err = p9_call(&n->fs->session, &m.c);
	if (err != 0)
		return err;
	memset(sv, 0, sizeof(*sv));
	p9_skip(&m.c.in, 4); /* type */
	sv->f_bsize = sv->f_frsize = (unsigned long)p9_get(&m.c.in, 4);
	sv->f_blocks = (fsblkcnt_t)p9_get(&m.c.in, 8);
	sv->f_bfree = (fsblkcnt_t)p9_get(&m.c.in, 8);
	sv->f_bavail = (fsblkcnt_t)p9_get(&m.c.in, 8);
	sv->f_files = (fsfilcnt_t)p9_get(&m.c.in, 8);
	sv->f_ffree = sv->f_favail = (fsfilcnt_t)p9_get(&m.c.in, 8);
	sv->f_fsid = p9_get(&m.c.in, 8);
	sv->f_namemax = (unsigned long)p9_get(&m.c.in, 4);
	if (sv->f_namemax > VFS_NAME_MAX)
		sv->f_namemax = VFS_NAME_MAX;
	sv->f_flag = node->ops->write == NULL ? ST_RDONLY : 0;
	return p9_checked(&n->fs->session, &m.c);
}
