/* SPDX-License-Identifier: ISC */
/*
 * Open files and the descriptors that name them.  Whoever can be read,
 * written or polled (a file of a file system, a device, a pipe, a socket)
 * embeds a struct file at the start of its own and fills the operations.
 *
 * Results are counts or 0, or -errno.  file.c does the checks common to all
 * (access mode, lengths), so an operation sees only sane calls.
 */
#ifndef LIBC_SHIM_FILE_H
#define LIBC_SHIM_FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "libc-shim/sleeplock.h"

#define FILE_END UINT64_MAX /* position of an appending write */

struct file;
struct node;
struct pollq;

/* An operation that is NULL is one the file does not have. */
struct file_ops {
	/* From or to *pos, which advances; FILE_END: at the end.  Files
	 * without positions ignore it. */
	long (*read)(struct file *f, void *p, size_t len, uint64_t *pos);
	long (*write)(struct file *f, const void *p, size_t len, uint64_t *pos);
	/* Bytes; a file that has this has positions. */
	int64_t (*size)(struct file *f);
	int (*fstat)(struct file *f, struct stat *st); /* if without a node */
	int (*ioctl)(struct file *f, unsigned long request, void *arg);
	/* What could be done now without waiting (POLLIN, ...).  If that may
	 * change, *q is set to where changes are told (poll.h).  A file
	 * without this is always readable and writable. */
	unsigned (*poll)(struct file *f, struct pollq **q);
	/* Also after each write with O_SYNC, of a file that has positions. */
	int (*sync)(struct file *f);
	/* For mmap, shared: the memory that is the file.  It stays what it is,
	 * readable and writable, mapped or not. */
	int (*map)(struct file *f, uint64_t off, size_t len, void **out);
	/* The last reference has gone: frees f. */
	int (*close)(struct file *f);
};

struct file {
	const struct file_ops *ops;
	struct node *node; /* a reference; NULL: of no file system */
	unsigned refs;
	int flags;             /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_SYNC */
	uint64_t pos;          /* under lock */
	struct sleeplock lock; /* held over reads and writes at pos */
};

/* Sets up what file.c needs of a new file: one reference, the caller's. */
void file_init(struct file *f, const struct file_ops *ops, int flags);
/* A new reference to the file of descriptor fd, or NULL. */
struct file *file_get(int fd);
static inline struct file *
file_ref(struct file *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}
int file_end(struct file *f); /* for file_put: there is no reference left */
/* Drops a reference; the result of ops->close if it was the last. */
static inline int
file_put(struct file *f)
{
	if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return 0;
	return file_end(f);
}

/* Set by a device that has ops->map, for msync; or NULL. */
extern int (*file_map_sync)(uintptr_t addr, size_t len);

/* Set by flock.c: drops what f holds as f ends.  NULL: nobody uses flock. */
extern void (*file_flock_end)(struct file *f);

long file_read(struct file *f, void *p, size_t len);
long file_write(struct file *f, const void *p, size_t len);
/* -ESPIPE for files without positions. */
long file_pread(struct file *f, void *p, size_t len, int64_t off);
long file_pwrite(struct file *f, const void *p, size_t len, int64_t off);
int64_t file_seek(struct file *f, int64_t off, int whence);
int file_fstat(struct file *f, struct stat *st);

/* fd.c: the descriptor table grows as needed.  Descriptors 0, 1 and 2 are
 * the console from the start. */

/* The lowest free descriptor from `lowest` on, which takes over the caller's
 * reference.  -EMFILE, -ENOMEM: the caller keeps it. */
int fd_install(struct file *f, int lowest, bool cloexec);
int fd_close(int fd);
int fd_dup(int fd, int lowest, bool cloexec);
int fd_dup_to(int fd, int to, bool cloexec); /* dup2 where fd != to */
int fd_cloexec(int fd);                      /* 0 or 1; -EBADF */
int fd_set_cloexec(int fd, bool cloexec);

/* console_file.c */
extern struct file console_files[3];

#endif
