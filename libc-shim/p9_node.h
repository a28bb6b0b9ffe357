/* SPDX-License-Identifier: ISC */
/*
 * A 9P2000.L server's tree as file system nodes.  p9_node.c has what a node is
 * and how it is found, p9_attr.c its attributes, p9_io.c data and directory
 * entries, p9.c names and mounting.
 *
 * A file is known by the path member of its qid: two lookups give one node as
 * long as somebody refers to it.  Nothing is remembered beyond that: each
 * question goes to the server, so what the host changes is seen at once.
 */
#ifndef LIBC_SHIM_P9_NODE_H
#define LIBC_SHIM_P9_NODE_H

#include "libc-shim/p9_session.h"
#include "libc-shim/vfs.h"

#define P9_BUCKETS   256
#define P9_DIR_PAGES 8

struct p9fs;

struct p9node {
	struct node node;
	struct p9fs *fs;
	struct p9_qid qid;
	uint32_t fid; /* names it, and is never opened */
	/* Under fs->lock: */
	struct p9node *hash_next;
	uint64_t where; /* p9_where of the name it was found by */
	bool unlinked;  /* that name has gone: not in the table any more */
	/* Under lock: */
	struct sleeplock lock;
	uint32_t read_fid, write_fid; /* opened; one, if for both */
	uint32_t iounit;
	struct stat last;    /* attributes as last heard of, for a file whose
			      * name has gone: not all servers tell then */
	uint64_t dir_cookie; /* of the entry at dir_at */
	uint32_t dir_at, dir_len;
	uint8_t *dir; /* entries of an Rreaddir, P9_DIR_PAGES pages */
	struct sleeplock append; /* held from asking for the end to writing */
};

struct p9fs {
	struct p9_session session;
	struct p9node *root; /* each other node has a reference */
	dev_t dev;
	const struct fs_ops *ops; /* of its nodes */
	struct sleeplock lock;
	struct p9node *bucket[P9_BUCKETS];
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
/* The node of a file, whose fid it takes over, also if it fails.  type 0: not
 * known yet. */
int p9node_get(struct p9fs *fs, uint32_t fid, const struct p9_qid *qid,
    mode_t type, uint64_t where, struct p9node **out);
void p9node_release(struct node *n);
/* What a name is remembered by: a hash of it and its directory. */
uint64_t p9_where(const struct p9node *dir, const char *name);
/* A name has gone, or (to != 0) became another one. */
void p9node_moved(struct p9fs *fs, uint64_t from, uint64_t to);
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
