/* SPDX-License-Identifier: ISC */
/*
 * Reads a cpio archive in memory in the SVR4 "newc" form, as Linux initrds
 * have it: archives may follow each other with zeros between.  The archive
 * comes from outside, so every field is checked before it is used.
 */
#ifndef LIBC_SHIM_CPIO_H
#define LIBC_SHIM_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio {
	const uint8_t *base;
	size_t len, at;
	size_t start;      /* of the archive that we are in */
	unsigned ntrailer; /* archives that are behind us */
	const char *error; /* after -EINVAL: what is wrong at byte `at` */
};

struct cpio_entry {
	const char *name;    /* in the archive, NUL-terminated, not empty */
	const uint8_t *data; /* in the archive; of a link: its target */
	size_t len;
	uint32_t ino, mode, uid, gid, nlink, mtime;
	uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
};

void cpio_init(struct cpio *c, const void *base, size_t len);
/* 1 and the next entry; 0 at the end; -EINVAL where the archive is broken. */
int cpio_next(struct cpio *c, struct cpio_entry *e);

#endif
