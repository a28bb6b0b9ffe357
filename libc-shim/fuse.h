/* SPDX-License-Identifier: ISC */
/*
 * A file system that the host serves by FUSE messages, over virtio-fs.
 * Documents: <linux/fuse.h>, [VIRTIO] 5.11.
 *
 *	fuse.c         mounting; operations on names
 *	fuse_node.c    nodes, their attributes, and forgetting them
 *	fuse_file.c    handles: reading, writing, listing
 *	fuse_dirs.c    names of directories, believed for a while
 *	fuse_wire.c    requests and replies
 *
 * Attributes and data are never cached, and of names only those of directories,
 * for as long as the server grants (virtiofsd's cache=auto: a second; none:
 * not at all).  So what the host changes is seen at once, but for directories
 * that it moves.  A node is what one node ID of the server's stands for; it
 * counts how often a reply named it, and when nobody refers to it any more the
 * server is told to forget as many.  Its handles are opened at the first open
 * or use of either kind, and released with the node: fsync tells of errors in
 * writing back, close does not (FUSE_FLUSH is not sent).
 *
 * The server is not trusted: see fuse_wire.c and fuse_entry_take.
 */
#ifndef LIBC_SHIM_FUSE_H
#define LIBC_SHIM_FUSE_H

#include <linux/fuse.h>

#include "libc-shim/vfs.h"
#include "pv/virtio/virtio_fs.h"

#define FUSE_BUCKETS   256
#define FUSE_FORGETS   64           /* told to the server at once */
#define FUSE_BUFS      6            /* of a request: all its parts */
#define FUSE_DIRS      64           /* whose names are believed, ... */
#define FUSE_DIR_NAME  48           /* ... with less than so many bytes */
#define FUSE_DIR_PAGES 4            /* of a directory's entries at a time */
#define FUSE_UNIT_MAX  (256U << 10) /* bytes a read or write asks for */
#define FUSE_WINDOW    4            /* of these in flight */

struct fuse_fs;

/* One message and its reply; on the stack of who sends it. */
struct fuse_req {
	struct fuse_in_header in;
	struct fuse_out_header out;
	struct virtq_buf buf[FUSE_BUFS];
	unsigned nread, nwrite;
	uint32_t reply_max; /* bytes behind the header */
	bool reply_exact;   /* no fewer, if it succeeds */
	struct virtio_request call;
};

/* Nodes to forget, as FUSE_BATCH_FORGET tells it. */
struct fuse_batch {
	struct fuse_in_header in;
	struct fuse_batch_forget_in count;
	struct fuse_forget_one one[FUSE_FORGETS];
	struct virtio_request call;
	bool in_flight;
};

/* A directory whose name, in its parent, is believed until then. */
struct fuse_dir {
	struct fuse_node *node; /* a reference; NULL: none */
	uint64_t until_ns;
	char name[FUSE_DIR_NAME];
};

struct fuse_handle {
	uint64_t fh; /* the server's */
	bool open;
};

struct fuse_node {
	struct node node;
	struct fuse_fs *fs;
	uint64_t id;   /* the server's */
	unsigned born; /* fs->removals then */
	uint64_t size; /* when last heard of; atomic, and no more than a hint */
	/* Under fs->lock: */
	uint64_t nlookup;
	struct fuse_node *next;   /* in its bucket */
	struct fuse_node *parent; /* of a directory but the root: a reference */
	/* Under the next: */
	struct sleeplock lock;
	struct fuse_handle reader, writer;
	bool one_handle; /* reader and writer are the same */
	/* A directory's: entries that reader gave, and were not used yet. */
	char *entries; /* FUSE_DIR_PAGES, or NULL */
	size_t entries_at, entries_end;
	uint64_t entries_offset; /* the server's, of the next */
};

struct fuse_fs {
	struct virtio_fs *channel;
	struct fuse_node *root; /* every other node has a reference to it */
	bool readonly;
	dev_t dev;
	uint32_t unit;       /* most bytes in a read or write */
	uint64_t timeout_ns; /* no answer for so long: it is dead */
	uint64_t unique;     /* atomic: the last number of a request */
	unsigned removals;   /* names that went; atomic */
	struct sleeplock lock;
	struct fuse_node *bucket[FUSE_BUCKETS];
	struct fuse_dir dirs[FUSE_DIRS];
	unsigned era; /* a directory's name went; atomic */
	/* Nodes to forget are noted in one batch while the other is sent. */
	struct sleeplock forget_lock;
	struct fuse_batch batch[2];
	unsigned filling;
};

static inline struct fuse_node *
fuse_node_of(struct node *n)
{
	return (struct fuse_node *)n;
}

/* --- fuse_wire.c --- */

/* Begins a request about node `id`; its parts follow in order, then what the
 * reply is written to.  Nothing is copied: all stays until the reply is in. */
void fuse_req_init(
    struct fuse_req *r, struct fuse_fs *fs, uint32_t opcode, uint64_t id);
void fuse_req_part(struct fuse_req *r, const void *p, size_t len);
void fuse_req_name(struct fuse_req *r, const char *name); /* with its NUL */
/* `exact`: a reply of another length is none.  At most once, last. */
void fuse_req_reply(struct fuse_req *r, void *p, size_t len, bool exact);
int fuse_req_start(struct fuse_fs *fs, struct fuse_req *r);
/* Bytes of the reply; or -errno, the server's or -EIO.  Must follow a start
 * that gave 0. */
long fuse_req_finish(struct fuse_fs *fs, struct fuse_req *r);
/* Both; 0 in the place of bytes. */
int fuse_call(struct fuse_fs *fs, struct fuse_req *r);
/* The server has broken its promises: it is left alone.  -EIO. */
int fuse_break(struct fuse_fs *fs, const char *why);
/* Notes nodes to forget; they are sent when there are many, or by _send, which
 * waits until the server has done it. */
void fuse_forget(struct fuse_fs *fs, uint64_t id, uint64_t nlookup);
void fuse_forget_send(struct fuse_fs *fs);

/* --- fuse_node.c --- */

/* Checks what a reply says of a name in `dir` and gives its node; `type` is
 * what it must be, or 0.  -EIO; -ENOMEM. */
int fuse_entry_take(struct fuse_node *dir, const struct fuse_entry_out *e,
    mode_t type, struct fuse_node **out);
struct fuse_node *fuse_root_make(struct fuse_fs *fs); /* or NULL */
int fuse_getattr(struct node *node, struct stat *st);
int fuse_setattr(struct node *node, const struct node_attr *a);
int64_t fuse_size(struct node *node);
int fuse_statfs(struct node *node, struct statvfs *sv);
void fuse_release(struct node *node);

/* --- fuse_dirs.c --- */

/* A reference, or NULL: ask the server. */
struct fuse_node *fuse_dirs_find(struct fuse_node *dir, const char *name);
/* What the server told of n, asked when fs->era was `era`. */
void fuse_dirs_note(struct fuse_node *dir, const char *name,
    struct fuse_node *n, const struct fuse_entry_out *e, unsigned era);
void fuse_dirs_drop(struct fuse_node *dir, const char *name); /* it went */
void fuse_quiet(struct node *root);                           /* they all */

/* --- fuse_file.c --- */

int fuse_open(struct node *node, int flags);
/* True: there is a handle for writing. */
bool fuse_writer(struct fuse_node *n, uint64_t *fh);
/* The handle that FUSE_CREATE gave: for reading and writing. */
void fuse_handle_set(struct fuse_node *n, uint64_t fh);
/* One that has no node. */
void fuse_handle_release(
    struct fuse_fs *fs, uint64_t id, mode_t type, uint64_t fh);
void fuse_handles_end(struct fuse_node *n); /* as the node goes */
int fuse_readdir(struct node *dir, uint64_t *cookie, struct vfs_entry *e);
long fuse_read(struct node *node, void *p, size_t len, uint64_t *pos);
long fuse_write(struct node *node, const void *p, size_t len, uint64_t *pos);
int fuse_sync(struct node *node);

/* --- fuse.c --- */

extern const struct fs_ops fuse_ops, fuse_ops_readonly;
void fuse_end(struct fuse_fs *fs); /* the root has gone */

#endif
