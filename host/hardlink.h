/* SPDX-License-Identifier: ISC */
/*
 * The regular files that have several names within one folder, found before
 * it is packed: the format wants their number first and their contents last.
 */
#ifndef HOST_HARDLINK_H
#define HOST_HARDLINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct hardlink {
	dev_t dev;
	ino_t ino;
	uint32_t count;  /* names in the folder; 2 or more */
	uint32_t left;   /* of those, not yet packed */
	uint32_t number; /* in the archive; 0: none yet */
};

struct hardlinks {
	struct hardlink *v; /* by device and inode */
	size_t n;
	size_t cap;
};

/* Fills `h` from the folder and all below it.  What cannot be read is passed
 * over. */
void hardlinks_find(struct hardlinks *h, const char *dir);
/* The file's entry, or NULL if it has one name only. */
struct hardlink *hardlinks_get(
    const struct hardlinks *h, const struct stat *st);
void hardlinks_free(struct hardlinks *h);

#endif
