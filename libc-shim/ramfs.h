/* SPDX-License-Identifier: ISC */
/*
 * A file system in memory: the root of every guest.  ramfs.c has the names,
 * ramfs_node.c the nodes and their data.  Files and names take pages and heap
 * as they are made, and give them back when the last name and the last open
 * file have gone; when memory is out, -ENOSPC.
 */
#ifndef LIBC_SHIM_RAMFS_H
#define LIBC_SHIM_RAMFS_H

#include "libc-shim/pagetree.h"
#include "libc-shim/vfs.h"

struct ramfs;
struct ramnode;

/* One name in a directory. */
struct ramentry {
	struct ramentry *hash_next;
	struct ramentry *prev, *next; /* in the directory, by cookie */
	struct ramnode *dir, *node;
	uint64_t cookie;
	uint32_t hash;
	uint16_t name_len;
	char name[];
};

struct ramfile {
	struct sleeplock lock; /* of all that follows */
	uint64_t size;
	struct pagetree pages;
	/* What a page that is not there holds: this, then zeros. */
	const uint8_t *origin;
	uint64_t origin_len;
};

struct ramdir {
	struct ramnode *parent; /* NULL: removed */
	struct ramentry *first, *last;
	struct ramentry *cursor; /* where readdir was last, or NULL */
	uint64_t next_cookie;
};

struct ramlink {
	char *target; /* NUL-terminated */
	size_t len;
};

struct ramnode {
	struct node node; /* its refs count all names together as one */
	struct ramfs *fs;
	uint64_t ino;
	/* Under fs->lock: */
	mode_t mode; /* with the type */
	uid_t uid;
	gid_t gid;
	unsigned nlink;
	uint64_t atime_ns, mtime_ns, ctime_ns;
	union {
		struct ramfile file;
		struct ramdir dir;
		struct ramlink link;
	};
};

struct ramfs {
	struct sleeplock lock; /* names and attributes */
	struct ramentry **bucket;
	size_t nbucket, nentry;
	uint64_t last_ino; /* atomic */
	uint64_t nnode;    /* atomic; the last one to go frees this */
	dev_t dev;
};

/* The root directory of a new, empty file system (with mode 0755), or NULL. */
struct node *ramfs_make(void);

/* Makes [data, data + len) the contents of a regular file that ramfs made.
 * The bytes are not copied: they must stay as they are for good. */
void ramfs_set_data(struct node *n, const void *data, size_t len);

/* --- between ramfs.c and ramfs_node.c --- */

extern const struct fs_ops ramfs_ops; /* ramfs.c */

static inline struct ramnode *
ramnode_of(struct node *n)
{
	return (struct ramnode *)n;
}

/* A node without a name, one reference; 0, -ENOSPC. */
int ramnode_make(
    struct ramfs *fs, const struct node_spec *spec, struct ramnode **out);
void ramnode_release(struct node *n);
void ramnode_changed(struct ramnode *n); /* its ctime is now */
int ramnode_getattr(struct node *n, struct stat *st);
int ramnode_setattr(struct node *n, const struct node_attr *a);
long ramnode_readlink(struct node *n, char *buf, size_t len);
int64_t ramnode_size(struct node *n);
long ramnode_read(struct node *n, void *p, size_t len, uint64_t *pos);
long ramnode_write(struct node *n, const void *p, size_t len, uint64_t *pos);
int ramnode_statfs(struct node *n, struct statvfs *sv);
#endif
