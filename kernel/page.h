/* SPDX-License-Identifier: ISC */
/*
 * What page.c and page_host.c share.  Whoever calls a function from here holds
 * page_lock, unless a line says otherwise.
 *
 * order[] holds a byte for each page of a region, valid from top up.  The head
 * of a block says what the block is, ORed with its order; all else is 0, and so
 * is what somebody holds.
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "kernel/kernel.h"

#define PAGE_FREE  0x80 /* on a free list, its links in its first page */
#define PAGE_IDLE  0xc0 /* free; the host backs none of it; perhaps unmapped */
#define PAGE_GIVEN 0x40 /* the host's: ballooned */
#define PAGE_KINDS 0xc0

#define ORDERS       36   /* up to 128 TiB in a block */
#define REPORT_ORDER 4    /* the least that is worth telling the host */
#define REGIONS      140U /* BOOT_MEM_MAX, and some for memory plugged later */

struct region {
	uintptr_t lo; /* the first address: base, or its bookkeeping's */
	uintptr_t base, end;
	uintptr_t brk, mapped; /* C heap; mapped is page-aligned, >= brk */
	uintptr_t top;
	/* Of the middle, what the host surely does not back: */
	uintptr_t clean_lo, clean_hi;
	/* Of the middle, what the host looks at just now: */
	uintptr_t lent_lo, lent_hi;
	uint8_t *order;
};

extern struct region page_region[REGIONS];
extern unsigned page_nregion;
extern struct spinlock page_lock;
extern size_t page_all;          /* bytes, as page_total tells */
extern size_t page_idle[ORDERS]; /* blocks */

/* The region whose pages, from top up, hold addr; or NULL. */
struct region *page_region_of(uintptr_t addr);
uint8_t *page_order_of(const struct region *r, uintptr_t addr);
/* A block leaves the lists and is somebody's. */
void page_block_take(struct region *r, uintptr_t addr);
/* Frees any run of pages as the largest aligned blocks it is made of, joined
 * with their buddies; kind is PAGE_FREE or PAGE_IDLE. */
void page_run_put(
    struct region *r, uintptr_t addr, size_t npages, unsigned kind);
/* The order of the smallest block that holds npages. */
unsigned page_order_for(size_t npages);
/* The largest aligned block at addr that is no longer than npages. */
unsigned page_order_fit(uintptr_t addr, size_t npages);
/* Free blocks that adjoin the middle become part of it again. */
void page_retreat(struct region *r);
/* After brk or top moved. */
void page_touched(struct region *r);
/* Describes the pages from `to` up to top, as in use, and moves top there. */
bool page_describe(struct region *r, uintptr_t to);
/* Adds a region to the list, all of it middle; `lo` is base or, if order[] is
 * below that, where this begins.  NULL: no room, or we know the place. */
struct region *page_region_add(
    uintptr_t lo, uintptr_t base, uintptr_t end, uint8_t *order);
/* page_idle.c: */
bool page_have_idle(unsigned order_min); /* blocks of that order at least */
/* npages of an idle block, somebody's now; or 0. */
uintptr_t page_idle_take(size_t npages);
/* Idle blocks become free ones, which may join what keeps them apart. */
void page_idle_free(void);
/* The first block at or above *from whose kind is `kind` under `mask`, and its
 * order at least order_min; its order, or -1. */
int page_block_find(
    uintptr_t *from, unsigned mask, unsigned kind, unsigned order_min);
/* The largest block on the free lists, of that order at least; or 0. */
uintptr_t page_free_largest(unsigned order_min);
/* Fills the reserve of tables, before len bytes are mapped. */
void page_tables_want(uint64_t len);
/* So often did memory come back that was lent. */
extern unsigned page_nback;
/* Without page_lock: is another try worth it?  Asks page_reclaim, if somebody
 * set it.  `nback` is page_nback before the last try: what has come back since
 * may be what that lacked. */
bool page_reclaim_try(size_t npages, unsigned nback);
/* Memory that is worth telling the host about is free. */
static inline void
page_tell_dirty(void)
{
	void (*fn)(void) = page_dirty;

	page_dirty = NULL;
	if (fn != NULL)
		fn();
}

/* page_heap.c: after the regions are known */
void page_heap_init(void);

#endif
