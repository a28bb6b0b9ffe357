/* SPDX-License-Identifier: ISC */
/*
 * Packing a folder as a cpio archive, the form in which a guest gets its
 * root directory.
 */
#ifndef HOST_CPIO_H
#define HOST_CPIO_H

#include <stdbool.h>

/* Writes the contents of folder `dir` to `fd` as a "newc" archive: names
 * without a leading slash, sorted, owned by root, inodes counted from 1, so
 * that equal folders give equal archives.  Hard links within the folder stay
 * links.  Sockets are left out.  False after saying what went wrong. */
bool cpio_pack(const char *dir, int fd);

/* True if the file begins as an archive we can hand to a guest; says what is
 * wrong otherwise. */
bool cpio_check(const char *path);

#endif
