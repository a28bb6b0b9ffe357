/* SPDX-License-Identifier: ISC */
/* Paths as public functions get them: relative to a descriptor or the cwd. */
#ifndef LIBC_SHIM_CWD_H
#define LIBC_SHIM_CWD_H

#include "libc-shim/vfs.h"

/* References; vfs_cwd gives NULL if memory is out. */
struct node *vfs_cwd(void);
mode_t vfs_umask(void);

/* The directory from which `path` starts: the root, the cwd for AT_FDCWD, or
 * that of descriptor fd.  -EBADF, -ENOTDIR; -EFAULT: path is NULL. */
int vfs_at(int fd, const char *path, struct node **out);
int vfs_walk_at(int fd, const char *path, unsigned how, struct walk *w);
int vfs_node_at(int fd, const char *path, unsigned how, struct node **out);
/* open.c: a descriptor; mode as it is, without the umask. */
int vfs_open_at(int fd, const char *path, int flags, mode_t mode);
/* The node of an open file; -EBADF; -EINVAL: it is of no file system. */
int vfs_node_of(int fd, struct node **out);

#endif
