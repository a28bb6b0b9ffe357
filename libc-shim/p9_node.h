/* SPDX-License-Identifier: ISC */
/*
 * A 9P2000.L server's tree as file system nodes.  p9_node.c has what a node is
 * and how it is found, p9_attr.c its attributes, p9_io.c data and directory
 * entries, p9.c names and mounting.
 *
 * A file is known by the path member of its qid: two lookups give one node as
 * long as somebody refers to it.  Nodes that nobody refers to stay for a while,
 * idle, and what a name led to is believed for P9_NAME_NS: a program that comes
 * back to a directory or file need not ask again.  Attributes, data, entries
 * and that a name is missing are asked for each time.
 */
#ifndef LIBC_SHIM_P9_NODE_H
#define LIBC_SHIM_P9_NODE_H

#include "libc-shim/p9_session.h"
#include "libc-shim/vfs.h"

#define P9_NAME_NS   NS_PER_S
#define P9_IDLE_MAX  128
#define P9_BUCKETS   256
#define P9_DIR_PAGES 8

struct p9fs;

struct p9node {
	struct node node;
	struct p9fs *fs;
	struct p9_qid qid;
	/* Under fs->lock: */
	struct p9node *qid_next, *name_next; /* in the tables */
	struct p9node *idle_prev, *idle_next;
	bool idle;        /* nobody refers to it, nor it to the root */
	bool gone;        /* its name has: it is in no table */
	uint64_t dir;     /* path of the directory's qid, */
	char *name;       /* and its name there, by which fid was found; NULL:
			   * there was none */
	uint64_t seen_ns; /* when it was found there */
	/* Names the file and is never opened.  A newer one may take its place,
	 * so that it is valid though the host gave the file another name; one
	 * that requests may be using then stays as old_fid until the end. */
	uint32_t fid, old_fid;
	/* Under lock: */
	struct sleeplock lock;
	uint32_t read_fid, write_fid; /* opened; one, if for both */
	uint32_t iounit;
	struct stat last; /* attributes as last heard of, for a file whose
			   * name has gone: not all servers tell then */
	uint64_t cookie;  /* of the entry at entries_at */
	uint32_t entries_at, entries_len;
	uint8_t *entries;        /* of an Rreaddir, P9_DIR_PAGES pages */
	struct sleeplock append; /* held from asking for the end to writing */
};

struct p9fs {
	struct p9_session session;
	struct p9node *root; /* each other node that is not idle refers to it */
	dev_t dev;
	const struct fs_ops *ops; /* of its nodes */
	struct sleeplock lock;
	struct p9node *by_qid[P9_BUCKETS], *by_name[P9_BUCKETS];
	struct p9node *idle_first, *idle_last; /* the oldest is first */
	unsigned nidle;
};

static inline struct p9node *
p9node_of(struct node *n)
{
	return (struct p9node *)n;
}

/* --- p9_node.c --- */

/* A new fid for `name` in the directory of fid `from`; NULL: for `from`. */
int p9_walk(struct p9_session *s, uint32_t from, const char *name,
    uint32_t *fid, struct p9_qid *qid);
/* What the name led to not long ago, a reference; or NULL. */
struct p9node *p9node_find(struct p9node *dir, const char *name);
/* The node of what was found under a name (NULL: none) of dir.  It takes over
 * the fid, also if it fails.  type 0: not known yet. */
int p9node_get(struct p9fs *fs, struct p9node *dir, const char *name,
    uint32_t fid, const struct p9_qid *qid, mode_t type, struct p9node **out);
void p9node_release(struct node *n);
/* A name has gone; or (to_dir != NULL) became another one. */
void p9node_moved(struct p9node *dir, const char *name, struct p9node *to_dir,
    const char *to);
/* The server does not know n's fid: its name is not believed any more. */
void p9node_doubt(struct p9node *n);
/* n, not the root, is another file by now: nobody finds it any more. */
void p9node_drop(struct p9node *n);
int p9node_open(struct node *n, int flags);
/* An opened fid for reading or writing. */
int p9node_io_fid(struct p9node *n, bool writes, uint32_t *fid);

/* --- p9_attr.c --- */

int p9_ask_attr(struct p9_session *s, uint32_t fid, struct stat *st);
int p9_getattr(struct node *n, struct stat *st);
int p9_setattr(struct node *n, const struct node_attr *a);
int64_t p9_size(struct node *n);
int p9_statfs(struct node *n, struct statvfs *sv);

/* --- p9_io.c --- */

long p9_read(struct node *n, void *p, size_t len, uint64_t *pos);
long p9_write(struct node *n, const void *p, size_t len, uint64_t *pos);
int p9_sync(struct node *n);
int p9_readdir(struct node *n, uint64_t *cookie, struct vfs_entry *e);
long p9_readlink(struct node *n, char *buf, size_t len);

#endif
