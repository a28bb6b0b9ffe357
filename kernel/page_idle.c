/* SPDX-License-Identifier: ISC */
/*
 * Idle blocks: free memory of which the host backs nothing.  They are on no
 * list, for the links would have to be in their pages: they are searched for in
 * order[], and used when nothing else is free but what was never touched.
 */
#include <string.h>

#include "kernel/page.h"

#define TAKE_LEN (2UL << 20) /* made free at once */

bool
page_have_idle(unsigned order)
{
	for (; order < ORDERS; order++)
		if (page_idle[order] != 0)
			return true;
	return false;
}

/* Pages that need not be looked at one by one: order[] is 0 there. */
static size_t
zeros(const struct region *r, uintptr_t at)
{
	const uint8_t *b = page_order_of(r, at);
	uint64_t eight;

	if (r->end - at < 8 * PAGE_SIZE)
		return 1;
	memcpy(&eight, b, sizeof(eight));
	return eight == 0 ? 8 : 1;
}

int
page_block_find(
    uintptr_t *from, unsigned mask, unsigned kind, unsigned order_min)
{
	struct region *r;
	uintptr_t at;
	unsigned b, order;

	if (kind == PAGE_IDLE && !page_have_idle(order_min))
		return -1;
	for (r = page_region; r < page_region + page_nregion; r++) {
		at = *from > r->top ? *from : r->top;
		while (at < r->end) {
			b = *page_order_of(r, at);
			if (b == 0) {
				at += zeros(r, at) * PAGE_SIZE;
				continue;
			}
			order = b & ~PAGE_KINDS;
			if ((b & mask) == kind && order >= order_min) {
				*from = at;
				return (int)order;
			}
			at += PAGE_SIZE << order;
		}
	}
	return -1;
}

/* npages of an idle block.  Some more are freed with them, so that the next
 * ones need not be searched for. */
uintptr_t
page_idle_take(size_t npages)
{
	unsigned order = page_order_for(npages);
	size_t have, some = TAKE_LEN / PAGE_SIZE;
	uintptr_t addr = 0;
	struct region *r;
	int found;

	if (!page_have_idle(order))
		return 0;
	/* what adjoins the middle is the heap's first */
	for (r = page_region; r < page_region + page_nregion; r++)
		page_retreat(r);
	found = page_block_find(&addr, PAGE_KINDS, PAGE_IDLE, order);
	if (found < 0)
		return 0;
	r = page_region_of(addr);
	page_block_take(r, addr);
	have = 1UL << found;
	if (some < npages)
		some = npages;
	if (some > have)
		some = have;
	page_run_put(r, addr + npages * PAGE_SIZE, some - npages, PAGE_FREE);
	page_run_put(r, addr + some * PAGE_SIZE, have - some, PAGE_IDLE);
	return addr;
}

/* Idle blocks become free ones, which may join what keeps them apart. */
void
page_idle_free(void)
{
	uintptr_t addr = 0;
	int order;

	while (
	    (order = page_block_find(&addr, PAGE_KINDS, PAGE_IDLE, 0)) >= 0) {
		page_block_take(page_region_of(addr), addr);
		page_run_put(
		    page_region_of(addr), addr, 1UL << order, PAGE_FREE);
	}
}
