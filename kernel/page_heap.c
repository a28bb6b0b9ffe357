/* SPDX-License-Identifier: ISC */
/*
 * The C heap: the lower end of the regions that page.c uses from above.  It
 * grows in the lowest region above 1 MiB, and on in the next when that is full.
 * After the last one it goes on where most is free: what lies from there on
 * becomes a region of its own.
 */
#include <string.h>

#include "kernel/page.h"

#define HEAP_FLOOR (1UL << 20) /* the C heap stays above the first MiB */
#define MAP_STEP   (2UL << 20)
#define JUMP_MIN   (1UL << 20)

static unsigned heap_region; /* where it grows now */

/* Maps the heap up to brk and, where there is room, some way beyond. */
static bool
heap_map(struct region *r, uintptr_t brk)
{
	uintptr_t to;

	if (brk <= r->mapped)
		return true;
	to = ALIGN_UP(brk, MAP_STEP);
	if (to > r->top)
		to = r->top;
	if (mmu_map_reserved(r->mapped, to - r->mapped) < 0)
		return false;
	r->mapped = to;
	return true;
}

static bool
heap_grow(struct region *r, size_t bytes)
{
	uintptr_t end;

	if (r->top - r->brk < bytes)
		page_retreat(r);
	end = r->lent_hi != 0 ? r->lent_lo : r->top;
	if (end < r->brk || end - r->brk < bytes ||
	    !heap_map(r, r->brk + bytes))
		return false;
	r->brk += bytes;
	page_touched(r);
	return true;
}

static void *
heap_shrink(struct region *r, size_t bytes)
{
	uintptr_t old = r->brk;

	if (old - r->base < bytes)
		return NULL;
	r->brk -= bytes;
	if (r->clean_lo - r->brk >= PAGE_SIZE << REPORT_ORDER)
		page_tell_dirty();
	return (void *)old;
}

static void *
heap_move(intptr_t bytes)
{
	struct region *r = &page_region[heap_region];
	uintptr_t old;

	if (bytes < 0)
		return heap_shrink(r, -(uintptr_t)bytes);
	for (; r < page_region + page_nregion; r++) {
		old = r->brk;
		if (heap_grow(r, bytes)) {
			heap_region = r - page_region;
			return (void *)old;
		}
		if (r->lent_hi != 0)
			break; /* there may be room soon */
	}
	return NULL;
}

/* The longest run of free blocks above the heap; its length. */
static size_t
longest_run(uintptr_t *base)
{
	uintptr_t at = page_region[heap_region].brk, from = at, end = at;
	size_t longest = 0;
	int order;

	while ((order = page_block_find(&at, PAGE_FREE, PAGE_FREE, 0)) >= 0) {
		if (at != end)
			from = at;
		at += PAGE_SIZE << order;
		end = at;
		if (end - from > longest) {
			longest = end - from;
			*base = from;
		}
	}
	return longest;
}

/* Cuts the region of `at` in two; the heap goes on there. */
static void
heap_jump(uintptr_t at)
{
	struct region *r = page_region_of(at), *new = r + 1;

	memmove(new + 1, new,
	    (size_t)(page_region + page_nregion - new) * sizeof(*new));
	page_nregion++;
	*new = *r;
	new->order = page_order_of(r, at);
	new->lo = new->base = new->brk = new->mapped = new->top = at;
	new->clean_lo = new->clean_hi = at;
	new->lent_lo = new->lent_hi = 0;
	r->end = at;
	heap_region = (unsigned)(new - page_region);
}

/* The host looks at where the heap would go on: it can wait for that. */
static bool
room_is_lent(void)
{
	struct region *r = &page_region[heap_region];

	while (r < page_region + page_nregion && r->lent_hi == 0)
		r++;
	return r < page_region + page_nregion;
}

/* For what is lent it does not jump, as it would not come back, unless it must.
 */
static void *
brk_once(intptr_t bytes, bool must)
{
	uint64_t flags = spin_lock(&page_lock);
	uintptr_t at = 0;
	void *old;
	size_t len;

	page_tables_want(bytes > 0 && (size_t)bytes <= page_all ? bytes : 0);
	old = heap_move(bytes);
	if (old == NULL && bytes > 0 && page_nregion < REGIONS &&
	    (must || !room_is_lent())) {
		len = longest_run(&at);
		if (len >= JUMP_MIN && len >= (size_t)bytes) {
			heap_jump(at);
			old = heap_move(bytes);
		}
	}
	spin_unlock(&page_lock, flags);
	return old;
}

void *
page_brk(intptr_t bytes)
{
	unsigned nback;
	void *old;

	do {
		nback = __atomic_load_n(&page_nback, __ATOMIC_RELAXED);
		old = brk_once(bytes, false);
	} while (old == NULL && bytes > 0 && (size_t)bytes <= page_all &&
		 page_reclaim_try((size_t)bytes / PAGE_SIZE + 1, nback));
	return old == NULL && bytes > 0 ? brk_once(bytes, true) : old;
}

void
page_heap_init(void)
{
	while (heap_region + 1 < page_nregion &&
	       page_region[heap_region].base < HEAP_FLOOR)
		heap_region++;
}
