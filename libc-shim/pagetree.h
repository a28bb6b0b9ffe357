/* SPDX-License-Identifier: ISC */
/*
 * A sparse array of pages: what holds a file's bytes in memory.  A tree of
 * tables of 512, as high as the highest index needs, so that a small file
 * costs its pages and nothing else, and a huge one with holes only what was
 * written.  The caller locks.
 */
#ifndef LIBC_SHIM_PAGETREE_H
#define LIBC_SHIM_PAGETREE_H

#include <stddef.h>
#include <stdint.h>

struct pagetree {
	void *root; /* height 0: page 0 itself; else a table */
	unsigned height;
	uint64_t npages; /* that are there, tables not counted */
};

/* The page, or NULL where nothing was put. */
void *pagetree_get(const struct pagetree *t, uint64_t index);
/* Puts a page, which page_alloc gave, at a free index: 0 or -ENOMEM. */
int pagetree_put(struct pagetree *t, uint64_t index, void *page);
/* Gives all pages from `first` on, and tables that held only those, back to
 * the kernel. */
void pagetree_trim(struct pagetree *t, uint64_t first);

#endif
