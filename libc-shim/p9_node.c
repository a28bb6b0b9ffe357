/* SPDX-License-Identifier: ISC */
/* Nodes of a 9P tree: how they are found, opened and let go; see p9_node.h. */
#include "libc-shim/p9_node.h"

#include <string.h>

#include "libc-shim/linux_abi.h"

int
p9_walk(struct p9_session *s, uint32_t from, const char *name, uint32_t *fid,
    struct p9_qid *qid)
{
	unsigned nname = name != NULL, nqid;
	struct p9_small m;
	int err = p9_fid_take(s, fid);

	if (err != 0)
		return err;
	p9_small_init(&m, P9_TWALK);
	p9_put(&m.c.out, from, 4);
	p9_put(&m.c.out, *fid, 4);
	p9_put(&m.c.out, nname, 2);
	if (name != NULL)
		p9_put_string(&m.c.out, name);
	err = p9_call(s, &m.c);
	if (err == 0) {
		nqid = (unsigned)p9_get(&m.c.in, 2);
		if (nqid == 1 && nname == 1)
			*qid = p9_get_qid(&m.c.in);
		err = p9_checked(s, &m.c);
		if (err == 0 && nqid > nname)
			err = p9_session_fail(s, "a walk went too far");
		else if (err == 0 && nqid < nname)
			err = -ENOENT;
	}
	if (err != 0)
		p9_fid_give(s, *fid);
	return err;
}

/* --- the tables: fs->lock held --- */

static struct p9node **
qid_bucket(struct p9fs *fs, uint64_t path)
{
	return &fs->by_qid[(path ^ path >> 8 ^ path >> 32) % P9_BUCKETS];
}

static struct p9node **
name_bucket(struct p9fs *fs, uint64_t dir, const char *name)
{
	return &fs->by_name[vfs_hash(dir, name) % P9_BUCKETS];
}

static struct p9node *
find_qid(struct p9fs *fs, const struct p9_qid *qid)
{
	struct p9node *n = *qid_bucket(fs, qid->path);

	while (
	    n != NULL && (n->qid.path != qid->path || n->qid.type != qid->type))
		n = n->qid_next;
	return n;
}

static struct p9node *
find_name(struct p9fs *fs, uint64_t dir, const char *name)
{
	struct p9node *n = *name_bucket(fs, dir, name);

	while (n != NULL && (n->dir != dir || strcmp(n->name, name) != 0))
		n = n->name_next;
	return n;
}

static void
name_drop(struct p9node *n)
{
	struct p9node **p;

	if (n->name == NULL)
		return;
	p = name_bucket(n->fs, n->dir, n->name);
	while (*p != n)
		p = &(*p)->name_next;
	*p = n->name_next;
	heap_free(n->name, strlen(n->name) + 1);
	n->name = NULL;
}

/* Without memory it has no name, and is looked up each time. */
static void
name_set(struct p9node *n, uint64_t dir, const char *name)
{
	struct p9node **bucket, *was;

	name_drop(n);
	was = find_name(n->fs, dir, name);
	if (was != NULL) /* the host put n in its place */
		name_drop(was);
	n->name = heap_alloc(strlen(name) + 1);
	if (n->name == NULL)
		return;
	strcpy(n->name, name);
	n->dir = dir;
	bucket = name_bucket(n->fs, dir, name);
	n->name_next = *bucket;
	*bucket = n;
}

static void
idle_remove(struct p9node *n)
{
	struct p9fs *fs = n->fs;

	*(n->idle_prev != NULL ? &n->idle_prev->idle_next : &fs->idle_first) =
	    n->idle_next;
	*(n->idle_next != NULL ? &n->idle_next->idle_prev : &fs->idle_last) =
	    n->idle_prev;
	n->idle = false;
	fs->nidle--;
}

static void
idle_add(struct p9node *n)
{
	struct p9fs *fs = n->fs;

	n->idle_next = NULL;
	n->idle_prev = fs->idle_last;
	*(fs->idle_last != NULL ? &fs->idle_last->idle_next : &fs->idle_first) =
	    n;
	fs->idle_last = n;
	n->idle = true;
	fs->nidle++;
}

/* Out of all tables; nobody finds it any more. */
static void
table_remove(struct p9node *n)
{
	struct p9node **p = qid_bucket(n->fs, n->qid.path);

	if (n->gone)
		return;
	n->gone = true;
	name_drop(n);
	while (*p != n)
		p = &(*p)->qid_next;
	*p = n->qid_next;
	if (n->idle)
		idle_remove(n);
}

/* One more reference.  False for a node that is just being released. */
static bool
ref_again(struct p9node *n)
{
	if (n->idle) {
		idle_remove(n);
		node_ref(&n->fs->root->node);
		n->node.refs = 1;
		return true;
	}
	return node_ref_live(&n->node);
}

/* --- life --- */

/* What the qid does not tell has to be asked for. */
static int
type_find(struct p9fs *fs, uint32_t fid, const struct p9_qid *qid,
    struct stat *st, mode_t *type)
{
	int err;

	if (*type != 0)
		return 0;
	if (qid->type & P9_QTDIR) {
		*type = S_IFDIR;
	} else if (qid->type & P9_QTSYMLINK) {
		*type = S_IFLNK;
	} else {
		err = p9_ask_attr(&fs->session, fid, st);
		if (err != 0)
			return err;
		*type = st->st_mode & S_IFMT;
	}
	return 0;
}

static int
node_make(struct p9fs *fs, uint32_t fid, const struct p9_qid *qid, mode_t type,
    struct p9node **out)
{
	struct p9node *n = heap_alloc(sizeof(*n));
	int err;

	if (n == NULL)
		return -ENOMEM;
	err = type_find(fs, fid, qid, &n->last, &type);
	if (err != 0) {
		heap_free(n, sizeof(*n));
		return err;
	}
	n->node.ops = fs->ops;
	n->node.refs = 1;
	n->node.type = type; /* rdev stays 0: the host's devices are not ours */
	n->fs = fs;
	n->qid = *qid;
	n->fid = fid;
	n->old_fid = n->read_fid = n->write_fid = P9_NOFID;
	*out = n;
	return 0;
}

/* Tells the server, and frees it; it is in no table. */
static void
node_free(struct p9node *n)
{
	uint32_t fids[] = {n->fid, n->old_fid};

	p9_clunk(&n->fs->session, fids, 2);
	heap_free(n, sizeof(*n));
}

/* The node with that qid, if there is one.  *fid, by which it was found now, is
 * newer than the one it has; what is left in *fid is the caller's to clunk. */
static struct p9node *
known(struct p9fs *fs, const struct p9_qid *qid, struct p9node *dir,
    const char *name, uint32_t *fid)
{
	struct p9node *n = find_qid(fs, qid);
	uint32_t was;
	bool idle;

	if (n == NULL)
		return NULL;
	idle = n->idle;
	was = n->fid;
	if (!ref_again(n))
		return NULL;
	if (name == NULL || n == fs->root)
		return n;
	if (idle || n->old_fid == P9_NOFID) {
		n->fid = *fid;
		*fid = P9_NOFID;
		if (idle)
			*fid = was;
		else
			n->old_fid = was;
		if (n->name == NULL || n->dir != dir->qid.path ||
		    strcmp(n->name, name) != 0)
			name_set(n, dir->qid.path, name);
	}
	n->seen_ns = clock_ns();
	return n;
}

static void
table_add(struct p9node *n, struct p9node *dir, const char *name)
{
	struct p9fs *fs = n->fs;
	struct p9node **bucket = qid_bucket(fs, n->qid.path);

	n->qid_next = *bucket;
	*bucket = n;
	if (name != NULL)
		name_set(n, dir->qid.path, name);
	n->seen_ns = clock_ns();
	if (fs->root != NULL)
		node_ref(&fs->root->node);
}

struct p9node *
p9node_find(struct p9node *dir, const char *name)
{
	struct p9fs *fs = dir->fs;
	struct p9node *n;

	sleeplock_take(&fs->lock);
	n = find_name(fs, dir->qid.path, name);
	if (n != NULL &&
	    (clock_ns() - n->seen_ns >= P9_NAME_NS || !ref_again(n)))
		n = NULL;
	sleeplock_give(&fs->lock);
	return n;
}

int
p9node_get(struct p9fs *fs, struct p9node *dir, const char *name, uint32_t fid,
    const struct p9_qid *qid, mode_t type, struct p9node **out)
{
	struct p9node *n, *made = NULL;
	int err = 0;

	sleeplock_take(&fs->lock);
	n = known(fs, qid, dir, name, &fid);
	sleeplock_give(&fs->lock);
	if (n == NULL)
		err = node_make(fs, fid, qid, type, &made);
	if (made != NULL) {
		sleeplock_take(&fs->lock);
		/* Somebody may have been faster. */
		n = known(fs, qid, dir, name, &fid);
		if (n == NULL) {
			n = made;
			table_add(n, dir, name);
			fid = P9_NOFID;
		}
		sleeplock_give(&fs->lock);
	}
	if (n != made && made != NULL)
		heap_free(made, sizeof(*made));
	p9_clunk(&fs->session, &fid, 1);
	*out = n;
	return err;
}

void
p9node_moved(
    struct p9node *dir, const char *name, struct p9node *to_dir, const char *to)
{
	struct p9fs *fs = dir->fs;
	struct p9node *n, *dead = NULL;

	sleeplock_take(&fs->lock);
	n = find_name(fs, dir->qid.path, name);
	if (n != NULL && to_dir != NULL) {
		name_set(n, to_dir->qid.path, to);
	} else if (n != NULL) {
		dead = n->idle ? n : NULL;
		table_remove(n);
	}
	sleeplock_give(&fs->lock);
	if (dead != NULL)
		node_free(dead);
}

void
p9node_doubt(struct p9node *n)
{
	sleeplock_take(&n->fs->lock);
	n->seen_ns = clock_ns() - P9_NAME_NS;
	sleeplock_give(&n->fs->lock);
}

void
p9node_drop(struct p9node *n)
{
	sleeplock_take(&n->fs->lock);
	table_remove(n);
	sleeplock_give(&n->fs->lock);
}

/* The root goes, and with it what is idle: there is nothing else. */
static void
fs_end(struct p9fs *fs)
{
	struct p9node *n;

	while ((n = fs->idle_first) != NULL) {
		table_remove(n);
		node_free(n);
	}
	table_remove(fs->root);
	node_free(fs->root);
	p9_session_end(&fs->session);
	heap_free(fs, sizeof(*fs));
}

void
p9node_release(struct node *node)
{
	struct p9node *n = p9node_of(node), *dead = NULL;
	struct p9fs *fs = n->fs;
	uint32_t fids[] = {n->old_fid, n->read_fid,
	    n->write_fid == n->read_fid ? P9_NOFID : n->write_fid};

	p9_clunk(&fs->session, fids, 3);
	n->old_fid = n->read_fid = n->write_fid = P9_NOFID;
	if (n->entries != NULL)
		page_free(n->entries, P9_DIR_PAGES);
	n->entries = NULL;
	n->entries_at = n->entries_len = 0;
	if (n == fs->root) {
		fs_end(fs);
		return;
	}
	sleeplock_take(&fs->lock);
	/* Somebody may just have found the file and made another node. */
	if (n->name != NULL && find_qid(fs, &n->qid) == n) {
		idle_add(n);
		dead = fs->nidle > P9_IDLE_MAX ? fs->idle_first : NULL;
	} else {
		dead = n;
	}
	if (dead != NULL)
		table_remove(dead);
	sleeplock_give(&fs->lock);
	if (dead != NULL)
		node_free(dead);
	node_put(&fs->root->node);
}

/* --- opening --- */

/* A copy of n's fid, opened. */
static int
fid_open(struct p9node *n, int mode, uint32_t *fid)
{
	struct p9_session *s = &n->fs->session;
	struct p9_small m;
	int err = p9_walk(s, n->fid, NULL, fid, NULL);

	if (err != 0)
		return err;
	p9_small_init(&m, P9_TLOPEN);
	p9_put(&m.c.out, *fid, 4);
	p9_put(&m.c.out,
	    linux_open_flags(mode) |
		(S_ISDIR(n->node.type) ? LINUX_O_DIRECTORY : 0),
	    4);
	err = p9_call(s, &m.c);
	if (err == 0) {
		p9_get_qid(&m.c.in);
		n->iounit = (uint32_t)p9_get(&m.c.in, 4);
		err = p9_checked(s, &m.c);
	}
	if (err != 0)
		p9_clunk(s, fid, 1);
	return err;
}

/* Under n->lock: makes sure that it is open for reading, writing, both. */
static int
opened(struct p9node *n, bool reads, bool writes)
{
	uint32_t fid;
	int mode, err;

	reads = reads && n->read_fid == P9_NOFID;
	writes = writes && n->write_fid == P9_NOFID;
	if (!reads && !writes)
		return 0;
	mode = !writes ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
	err = fid_open(n, mode, &fid);
	if (err != 0)
		return err;
	if (reads)
		n->read_fid = fid;
	if (writes)
		n->write_fid = fid;
	return 0;
}

int
p9node_open(struct node *node, int flags)
{
	struct p9node *n = p9node_of(node);
	int mode = flags & O_ACCMODE, err;

	sleeplock_take(&n->lock);
	err = opened(n, mode != O_WRONLY, mode != O_RDONLY);
	sleeplock_give(&n->lock);
	return err;
}

int
p9node_io_fid(struct p9node *n, bool writes, uint32_t *fid)
{
	int err;

	sleeplock_take(&n->lock);
	err = opened(n, !writes, writes);
	*fid = writes ? n->write_fid : n->read_fid;
	sleeplock_give(&n->lock);
	return err;
}
