/* SPDX-License-Identifier: ISC */
/*
 * The tree of names: nodes (files, directories, ...), what a file system can
 * do to them, and how a path leads to one (POSIX.1-2017 4.13).
 *
 * A node is counted: whoever gets a pointer from a function below puts it
 * back with node_put.  That a directory entry leads to it may count as a
 * reference too; that is the file system's business.  Each file system does
 * its own locking: its operations may sleep, and nothing is locked around
 * them, so an answer may be stale by the time the next question is asked.
 */
#ifndef LIBC_SHIM_VFS_H
#define LIBC_SHIM_VFS_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "libc-shim/file.h"

#define VFS_NAME_MAX  255
#define VFS_PATH_MAX  4096 /* with its NUL */
#define VFS_LINKS_MAX 40   /* symbolic links in one walk */

struct node;

/* What create makes: mode holds the type; target is a symbolic link's. */
struct node_spec {
	mode_t mode;
	dev_t rdev;
	const char *target;
};

/* What setattr sets: the members whose bits are in `set`. */
#define ATTR_MODE  0x01U /* permissions only */
#define ATTR_UID   0x02U
#define ATTR_GID   0x04U
#define ATTR_SIZE  0x08U
#define ATTR_ATIME 0x10U
#define ATTR_MTIME 0x20U
struct node_attr {
	unsigned set;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec atime, mtime;
};

struct vfs_entry {
	uint64_t ino;
	mode_t type; /* S_IFREG, ... */
	char name[VFS_NAME_MAX + 1];
};

/*
 * 0 or -errno, counts where it says so.  A directory operation's name is one
 * component, not "." (nor ".." but for lookup), and not too long.  A NULL
 * operation gives -ENOTSUP, or -EROFS where it would change something.
 */
struct fs_ops {
	/* ".." gives the parent, at the root itself; -ENOENT in a directory
	 * that has been removed. */
	int (*lookup)(struct node *dir, const char *name, struct node **out);
	/* -EEXIST if the name is taken. */
	int (*create)(struct node *dir, const char *name,
	    const struct node_spec *spec, struct node **out);
	int (*link)(struct node *dir, const char *name, struct node *to);
	/* Of a directory (rmdir) or of anything else (!rmdir). */
	int (*unlink)(struct node *dir, const char *name, bool rmdir);
	/* Replaces what has the new name, as POSIX rename demands. */
	int (*rename)(struct node *from, const char *old, struct node *to,
	    const char *new);
	/* The first entry at or after *cookie, which moves past it; cookies
	 * begin with 2 ("." and ".." are not the file system's).  1; 0: no
	 * more. */
	int (*readdir)(struct node *dir, uint64_t *cookie, struct vfs_entry *e);
	long (*readlink)(struct node *n, char *buf, size_t len); /* bytes */
	int (*getattr)(struct node *n, struct stat *st);
	int (*setattr)(struct node *n, const struct node_attr *a);
	/* A regular file or a directory is about to be opened so, with
	 * fcntl.h's flags; may refuse.  NULL: nothing to do.  There is no
	 * close: what was opened ends with release. */
	int (*open)(struct node *n, int flags);
	/* Regular files, as in file_ops. */
	long (*read)(struct node *n, void *p, size_t len, uint64_t *pos);
	long (*write)(struct node *n, const void *p, size_t len, uint64_t *pos);
	int64_t (*size)(struct node *n);
	int (*sync)(struct node *n);
	int (*statfs)(struct node *n, struct statvfs *sv);
	/* The root is to be unmounted: drops the references to nodes that the
	 * file system itself keeps.  NULL: it keeps none. */
	void (*quiet)(struct node *root);
	/* Nobody refers to n any more. */
	void (*release)(struct node *n);
};

struct node {
	const struct fs_ops *ops;
	unsigned refs;
	mode_t type;          /* S_IFREG, ...: never changes */
	dev_t rdev;           /* of a device */
	struct node *mounted; /* root of what is mounted on this directory */
	struct node *covers;  /* at such a root: the directory under it.  Both
			       * may be looked at, for NULL, and no more */
};

struct node *node_ref(struct node *n);
void node_put(struct node *n); /* NULL is fine */
/* For a file system's tables, which do not count: a reference, unless the last
 * one has gone already. */
static inline bool
node_ref_live(struct node *n)
{
	unsigned refs = __atomic_load_n(&n->refs, __ATOMIC_RELAXED);

	while (refs > 0)
		if (__atomic_compare_exchange_n(&n->refs, &refs, refs + 1, true,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* Of a name in a directory known by a number: FNV-1a. */
static inline uint32_t
vfs_hash(uint64_t dir, const char *name)
{
	uint32_t h = 2166136261U ^ (uint32_t)dir;

	while (*name != '\0')
		h = (h ^ (uint8_t)*name++) * 16777619U;
	return h ^ h >> 15;
}

/* "." or "..". */
static inline bool
vfs_is_dots(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* The root directory, a reference; made and filled at the first call.
 * NULL: no memory. */
struct node *vfs_root(void);
/* Mounts the tree `root` on the directory `on`: -EBUSY (also for the
 * root of all), -ENOTDIR. */
int vfs_mount(struct node *on, struct node *root);
/* Undoes that.  -EINVAL: nothing is mounted there; -EBUSY: somebody but the
 * caller has a reference to `root`, as each other node of a tree that can be
 * unmounted does. */
int vfs_unmount(struct node *root);
/* References, or NULL: the root of what is mounted on n; the directory under
 * the root n. */
struct node *vfs_mounted(struct node *n);
struct node *vfs_covered(struct node *n);

/* Where a path led. */
struct walk {
	struct node *dir;  /* the directory of the last component */
	struct node *node; /* what it names; NULL: there is no such name */
	bool slash;        /* slashes followed the last component */
	char name[VFS_NAME_MAX + 1]; /* it; "." if dir and node are one */
	/* Private to the walk: */
	const char *rest;
	char *text; /* rest, once a symbolic link has been put before it */
	size_t text_len;
	unsigned links;
};

#define WALK_FOLLOW 1U /* also a symbolic link that comes last */

/*
 * Goes from `at` (or the root) along path.  0, with w->node NULL if only the
 * last component is missing; -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG.  After
 * 0 the caller calls walk_end.
 */
int walk_path(struct node *at, const char *path, unsigned how, struct walk *w);
void walk_end(struct walk *w);
/* The node alone; -ENOENT if there is none. */
int walk_node(
    struct node *at, const char *path, unsigned how, struct node **out);
/* The parent of a directory, across mounts. */
int walk_parent(struct node *dir, struct node **out);
/* Writes the absolute path of `dir`, no symbolic links in it, to the end of
 * buf and points *start to it.  -ERANGE; -ENOENT: it was removed. */
int walk_name_of(struct node *dir, char *buf, size_t len, char **start);

/* vfs_file.c: open, with fcntl.h's flags; *out is a reference. */
int vfs_open(struct node *at, const char *path, int flags, mode_t mode,
    struct file **out);
/* One entry of an open directory, "." and ".." included; *cookie is kept
 * in the file's position.  1; 0: end. */
int vfs_readdir(struct file *f, struct vfs_entry *e);

/* root.c: the root directory, and what it holds at start: the initrd's files,
 * /dev and /tmp, and what the command line mounts. */
struct node *root_make(void); /* NULL: no memory */
void root_fill(struct node *root);

#endif
