/* SPDX-License-Identifier: ISC */
/*
 * Memory mappings, POSIX.1-2017 <sys/mman.h>.  Memory is real: a mapping
 * takes its pages when it is made, at an address of the kernel's choice.
 * A mapped file is a copy of it.
 */
#ifndef _SYS_MMAN_H
#define _SYS_MMAN_H

#include <sys/cdefs.h>
#include <sys/types.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10 /* refused with ENOTSUP */
#define MAP_ANONYMOUS 0x20
#define MAP_ANON      MAP_ANONYMOUS
#define MAP_GROWSDOWN 0x0100
#define MAP_LOCKED    0x2000
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE  0x8000
#define MAP_STACK     0x20000
#define MAP_FAILED    ((void *)-1)

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC	      4

#define MADV_NORMAL	 0
#define MADV_RANDOM	 1
#define MADV_SEQUENTIAL	 2
#define MADV_WILLNEED	 3
#define MADV_DONTNEED	 4 /* the pages read as zero afterwards */
#define MADV_FREE	 8
#define MADV_HUGEPAGE	 14
#define MADV_NOHUGEPAGE	 15

#define POSIX_MADV_NORMAL     0
#define POSIX_MADV_RANDOM     1
#define POSIX_MADV_SEQUENTIAL 2
#define POSIX_MADV_WILLNEED   3
#define POSIX_MADV_DONTNEED   4 /* changes no contents */

#define MCL_CURRENT 1
#define MCL_FUTURE  2

__BEGIN_DECLS

/* ENOMEM; ENODEV: a shared file mapping that could be written, or not a
 * regular file; ENOTSUP: MAP_FIXED; EACCES, EBADF, EINVAL. */
void *mmap(void *, size_t, int, int, int, off_t);
/* EINVAL; pages that are not mapped are passed over. */
int munmap(void *, size_t);
/* ENOMEM: some page is not from mmap. */
int mprotect(void *, size_t, int);
int msync(void *, size_t, int);
int madvise(void *, size_t, int);
int posix_madvise(void *, size_t, int); /* an error number */
/* Memory is never paged out: these only succeed. */
int mlock(const void *, size_t);
int munlock(const void *, size_t);
int mlockall(int);
int munlockall(void);

__END_DECLS

#endif
