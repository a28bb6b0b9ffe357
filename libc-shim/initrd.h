/* SPDX-License-Identifier: ISC */
/* The initial RAM disk, a cpio archive, becomes files of the root. */
#ifndef LIBC_SHIM_INITRD_H
#define LIBC_SHIM_INITRD_H

#include <stddef.h>

struct node;

/* Makes the archive's files in `root`, a ramfs.  File data stays where it is
 * until it is written.  A broken archive gives one line on standard error and
 * the files before the damage.  Returns how many entries were made. */
unsigned long initrd_unpack(struct node *root, const void *base, size_t len);

#endif
