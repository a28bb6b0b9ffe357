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

uint64_t
p9_where(const struct p9node *dir, const char *name)
{
	uint64_t h = 14695981039346656037U ^ dir->qid.path; /* FNV-1a */

	while (*name != '\0')
		h = (h ^ (uint8_t)*name++) * 1099511628211U;
	return h | 1; /* never 0 */
}

/* --- the table: fs->lock held --- */

static struct p9node **
bucket_of(struct p9fs *fs, uint64_t path)
{
	return &fs->bucket[(path ^ path >> 8 ^ path >> 32) % P9_BUCKETS];
}

/* One more reference, unless the last one has just gone. */
static bool
ref_again(struct node *n)
{
	unsigned refs = __atomic_load_n(&n->refs, __ATOMIC_RELAXED);

	while (refs > 0)
		if (__atomic_compare_exchange_n(&n->refs, &refs, refs + 1, true,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static struct p9node *
table_find(struct p9fs *fs, const struct p9_qid *qid)
{
	struct p9node *n = *bucket_of(fs, qid->path);

	for (; n != NULL; n = n->hash_next)
		if (n->qid.path == qid->path && n->qid.type == qid->type &&
		    ref_again(&n->node))
			return n;
	return NULL;
}

static void
table_add(struct p9fs *fs, struct p9node *n)
{
	struct p9node **bucket = bucket_of(fs, n->qid.path);

	n->hash_next = *bucket;
	*bucket = n;
}

static void
table_remove(struct p9fs *fs, struct p9node *n)
{
	struct p9node **p = bucket_of(fs, n->qid.path);

	while (*p != NULL && *p != n)
		p = &(*p)->hash_next;
	if (*p == n)
		*p = n->hash_next;
}

void
p9node_moved(struct p9fs *fs, uint64_t from, uint64_t to)
{
	struct p9node *n, *next;
	unsigned i;

	sleeplock_take(&fs->lock);
	for (i = 0; i < P9_BUCKETS; i++) {
		for (n = fs->bucket[i]; n != NULL; n = next) {
			next = n->hash_next;
			if (n->where == from && to == 0) {
				n->unlinked = true;
				table_remove(fs, n);
			} else if (n->where == from) {
				n->where = to;
			}
		}
	}
	sleeplock_give(&fs->lock);
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
	n->read_fid = n->write_fid = P9_NOFID;
	*out = n;
	return 0;
}

int
p9node_get(struct p9fs *fs, uint32_t fid, const struct p9_qid *qid, mode_t type,
    uint64_t where, struct p9node **out)
{
	struct p9node *n, *made = NULL;
	int err = 0;

	sleeplock_take(&fs->lock);
	n = table_find(fs, qid);
	sleeplock_give(&fs->lock);
	if (n == NULL)
		err = node_make(fs, fid, qid, type, &made);
	if (err == 0 && made != NULL) {
		sleeplock_take(&fs->lock);
		n = table_find(fs, qid); /* somebody may have been faster */
		if (n == NULL) {
			n = made;
			n->where = where;
			table_add(fs, n);
			if (fs->root != NULL)
				node_ref(&fs->root->node);
		}
		sleeplock_give(&fs->lock);
	}
	if (made != NULL && n != made)
		heap_free(made, sizeof(*made));
	if (n == NULL || n != made)
		p9_clunk(&fs->session, &fid, 1);
	*out = n;
	return err;
}

void
p9node_release(struct node *node)
{
	struct p9node *n = p9node_of(node), *root;
	struct p9fs *fs = n->fs;
	uint32_t fids[] = {n->fid, n->read_fid,
	    n->write_fid == n->read_fid ? P9_NOFID : n->write_fid};

	sleeplock_take(&fs->lock);
	table_remove(fs, n);
	sleeplock_give(&fs->lock);
	p9_clunk(&fs->session, fids, 3);
	if (n->dir != NULL)
		page_free(n->dir, P9_DIR_PAGES);
	root = fs->root;
	if (n == root || root == NULL) { /* the last one of all */
		p9_session_end(&fs->session);
		heap_free(fs, sizeof(*fs));
	} else {
		node_put(&root->node);
	}
	heap_free(n, sizeof(*n));
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
