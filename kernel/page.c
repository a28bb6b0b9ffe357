/* SPDX-License-Identifier: ISC */
/*
 * Physical pages.  Each region of RAM is used from both ends:
 *
 *	        base            brk                 top            end
 *	 | order[] | C heap, up -> |  never touched    | <- pages, down |
 *
 * The C heap grows from the lowest region above 1 MiB upwards; pages are carved
 * from the lowest region that has room and then live on buddy free lists.  What
 * lies between brk and top is neither mapped nor described: booting costs the
 * same with 2 MiB and with hundreds of GiB.  A small guest keeps close to its
 * image: each 2 MiB it touches is likely to cost the host as much.
 *
 * order[] holds a byte for each page of the region, valid from top up: the
 * head of a free block says FREE|order, all else 0.  The links of the free
 * lists are in the free pages themselves.
 */
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/kernel.h"

#define ORDERS      36 /* up to 128 TiB in a block */
#define FREE        0x80
#define PADDR_MAX   (1UL << 47) /* above it nothing is identity-mapped */
#define REGIONS     (BOOT_MEM_MAX + 4)
#define CARVE_LARGE (2UL << 20)
#define CARVE_SMALL (64UL << 10)
#define FRESH_MIN   16 /* pages from which guarded memory comes fresh */
#define HEAP_FLOOR  (1UL << 20) /* the C heap stays above the first MiB */
#define NEED_FREE   (128UL << 10)

struct region {
	uintptr_t base, end;
	uintptr_t brk, mapped; /* C heap; mapped is page-aligned, >= brk */
	uintptr_t top;
	uint8_t *order;
};

struct free_page {
	struct free_page *next, **link; /* *link points to us */
};

static struct region region[REGIONS];
static unsigned nregion;
static unsigned heap_region; /* where the C heap grows now */
static struct free_page *free_list[ORDERS];
static size_t free_listed; /* bytes on the lists */
static size_t total;
static struct spinlock page_lock = SPINLOCK("page");

static unsigned
order_for(size_t npages)
{
	return npages <= 1 ? 0 : 64 - __builtin_clzl(npages - 1);
}

static struct region *
region_of(uintptr_t addr)
{
	struct region *r;

	for (r = region; r < region + nregion; r++)
		if (addr >= r->top && addr < r->end)
			return r;
	return NULL;
}

static uint8_t *
order_of(const struct region *r, uintptr_t addr)
{
	return &r->order[(addr - r->base) / PAGE_SIZE];
}

static void
list_push(struct region *r, uintptr_t addr, unsigned order)
{
	struct free_page *p = (struct free_page *)addr;

	p->next = free_list[order];
	p->link = &free_list[order];
	if (p->next != NULL)
		p->next->link = &p->next;
	free_list[order] = p;
	*order_of(r, addr) = FREE | order;
	free_listed += PAGE_SIZE << order;
}

static void
list_remove(struct region *r, uintptr_t addr, unsigned order)
{
	struct free_page *p = (struct free_page *)addr;

	*p->link = p->next;
	if (p->next != NULL)
		p->next->link = p->link;
	*order_of(r, addr) = 0;
	free_listed -= PAGE_SIZE << order;
}

/* Frees one aligned block, joined with its buddies as far as they are free. */
static void
block_free(struct region *r, uintptr_t addr, unsigned order)
{
	uintptr_t buddy;

	for (; order + 1 < ORDERS; order++) {
		buddy = addr ^ (PAGE_SIZE << order);
		if (buddy < r->top || buddy >= r->end ||
		    *order_of(r, buddy) != (FREE | order))
			break;
		list_remove(r, buddy, order);
		if (buddy < addr)
			addr = buddy;
	}
	list_push(r, addr, order);
}

/* Frees any run of pages as the largest aligned blocks it is made of. */
static void
run_free(struct region *r, uintptr_t addr, size_t npages)
{
	unsigned order, fit;

	while (npages > 0) {
		order = 63 - __builtin_clzl(npages);
		fit = __builtin_ctzl(addr / PAGE_SIZE);
		if (addr != 0 && fit < order)
			order = fit;
		block_free(r, addr, order);
		addr += PAGE_SIZE << order;
		npages -= 1UL << order;
	}
}

/* Free blocks that adjoin the untouched middle become part of it again. */
static void
region_retreat(struct region *r)
{
	unsigned order;

	while (r->top < r->end && (*order_of(r, r->top) & FREE)) {
		order = *order_of(r, r->top) & ~FREE;
		list_remove(r, r->top, order);
		r->top += PAGE_SIZE << order;
	}
}

/* Moves r->top down to at least `bytes` below; true if there was room.  The
 * new pages are mapped, described as in use, and on no list. */
static bool
region_extend(struct region *r, size_t bytes, size_t align)
{
	uintptr_t top, low;

	low = ALIGN_UP(r->brk, PAGE_SIZE) + PAGE_SIZE; /* room for a guard */
	if (r->top < low || r->top - low < bytes)
		return false;
	top = ALIGN_DOWN(r->top - bytes, align);
	if (top < low)
		top = r->top - bytes;
	if (mmu_map_reserved(
		(uintptr_t)order_of(r, top), (r->top - top) / PAGE_SIZE) < 0 ||
	    mmu_map_reserved(top, r->top - top) < 0)
		return false;
	memset(order_of(r, top), 0, (r->top - top) / PAGE_SIZE);
	r->top = top;
	return true;
}

/* A page below fresh memory that is not mapped, nor will be. */
static bool
region_guard(struct region *r)
{
	uintptr_t page = r->top - PAGE_SIZE;

	if (mmu_map_reserved((uintptr_t)order_of(r, page), 1) < 0 ||
	    mmu_unmap_reserved(page, PAGE_SIZE) < 0)
		return false;
	r->top = page;
	*order_of(r, page) = 0;
	return true;
}

/* npages fresh pages from the middle of some region, the lowest first. */
static uintptr_t
carve(size_t npages, bool guarded)
{
	struct region *r;
	uintptr_t old;
	size_t step;

	for (r = region; r < region + nregion; r++) {
		if (r->top - r->brk < (npages + 2) * PAGE_SIZE)
			region_retreat(r);
		step = r->top - r->brk >= 16 * CARVE_LARGE ? CARVE_LARGE
							   : CARVE_SMALL;
		old = r->top;
		if (r->top - r->brk < (npages + 2) * PAGE_SIZE ||
		    !region_extend(r, npages * PAGE_SIZE, step))
			continue;
		/* the lowest pages are the caller's, the rest is spare */
		run_free(r, r->top + npages * PAGE_SIZE,
		    (old - r->top) / PAGE_SIZE - npages);
		old = r->top;
		if (guarded && !region_guard(r)) {
			run_free(r, old, npages);
			return 0;
		}
		return old;
	}
	return 0;
}

/* The smallest listed block that holds npages, its tail given back. */
static uintptr_t
list_take(size_t npages)
{
	unsigned order;
	uintptr_t addr;
	struct region *r;

	for (order = order_for(npages); order < ORDERS; order++)
		if (free_list[order] != NULL)
			break;
	if (order == ORDERS)
		return 0;
	addr = (uintptr_t)free_list[order];
	r = region_of(addr);
	list_remove(r, addr, order);
	run_free(r, addr + npages * PAGE_SIZE, (1UL << order) - npages);
	return addr;
}

static void *
take(size_t npages)
{
	uintptr_t addr = list_take(npages);

	return (void *)(addr != 0 ? addr : carve(npages, false));
}

static void
tables_refill(uint64_t len)
{
	void *p;

	while (mmu_reserve_wants(len) && (p = take(1)) != NULL)
		mmu_reserve_give(p);
}

void
page_tables_refill(uint64_t len)
{
	uint64_t flags = spin_lock(&page_lock);

	tables_refill(len);
	spin_unlock(&page_lock, flags);
}

void *
page_alloc(size_t npages)
{
	uint64_t flags;
	void *p;

	if (npages == 0 || npages > total / PAGE_SIZE)
		return NULL;
	flags = spin_lock(&page_lock);
	tables_refill(npages * PAGE_SIZE);
	p = take(npages);
	spin_unlock(&page_lock, flags);
	return p;
}

/* Fresh memory is preferred: there the guard costs nothing, elsewhere it may
 * break up a large page. */
void *
page_alloc_guarded(size_t npages)
{
	uint64_t flags;
	uintptr_t p = 0;

	if (npages > total / PAGE_SIZE)
		return NULL;
	flags = spin_lock(&page_lock);
	tables_refill(npages * PAGE_SIZE);
	if (npages > FRESH_MIN)
		p = carve(npages, true);
	spin_unlock(&page_lock, flags);
	if (p != 0)
		return (void *)p;
	p = (uintptr_t)page_alloc(npages + 1);
	if (p == 0)
		return NULL;
	if (mmu_unmap(p, PAGE_SIZE) < 0) {
		page_free((void *)p, npages + 1);
		return NULL;
	}
	return (void *)(p + PAGE_SIZE);
}

void
page_free_guarded(void *p, size_t npages)
{
	uintptr_t guard = (uintptr_t)p - PAGE_SIZE;

	if (mmu_map(guard, PAGE_SIZE, MMU_W) == 0)
		page_free((void *)guard, npages + 1);
	else
		page_free(p, npages); /* the guard is lost: one page */
}

void
page_free(void *p, size_t npages)
{
	uint64_t flags = spin_lock(&page_lock);
	struct region *r = region_of((uintptr_t)p);

	ASSERT(r != NULL && (uintptr_t)p % PAGE_SIZE == 0);
	run_free(r, (uintptr_t)p, npages);
	spin_unlock(&page_lock, flags);
}

/* Maps the heap up to brk and, where there is room, some way beyond. */
static bool
heap_map(struct region *r, uintptr_t brk)
{
	uintptr_t to;

	if (brk <= r->mapped)
		return true;
	to = ALIGN_UP(brk, CARVE_LARGE);
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
	if (r->top - r->brk < bytes)
		region_retreat(r);
	if (r->top - r->brk < bytes || !heap_map(r, r->brk + bytes))
		return false;
	r->brk += bytes;
	return true;
}

static void *
heap_move(intptr_t bytes)
{
	struct region *r = &region[heap_region];
	uintptr_t old = r->brk;

	if (bytes < 0) {
		if (old - r->base < -(uintptr_t)bytes)
			return NULL;
		r->brk += bytes;
		return (void *)old;
	}
	for (; r < region + nregion; r++) {
		old = r->brk;
		if (heap_grow(r, bytes)) {
			heap_region = r - region;
			return (void *)old;
		}
	}
	return NULL;
}

void *
page_brk(intptr_t bytes)
{
	uint64_t flags = spin_lock(&page_lock);
	void *old;

	tables_refill(bytes > 0 && (size_t)bytes <= total ? bytes : 0);
	old = heap_move(bytes);
	spin_unlock(&page_lock, flags);
	return old;
}

size_t
page_total(void)
{
	return total;
}

size_t
page_unused(void)
{
	uint64_t flags = spin_lock(&page_lock);
	size_t n = free_listed;
	struct region *r;

	for (r = region; r < region + nregion; r++)
		n += r->top - r->brk;
	spin_unlock(&page_lock, flags);
	return n;
}

/* A region's bookkeeping takes its first pages. */
static void
region_add(uintptr_t base, uintptr_t end)
{
	struct region *r;
	unsigned i;

	base = ALIGN_UP(base, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (end < base + 2 * PAGE_SIZE || nregion == REGIONS)
		return;
	for (i = 0; i < nregion; i++) /* told twice: the first counts */
		if (base < region[i].end && end > (uintptr_t)region[i].order)
			return;
	for (i = nregion++; i > 0 && region[i - 1].base > base; i--)
		region[i] = region[i - 1];
	r = &region[i];
	r->order = (uint8_t *)base;
	base += ALIGN_UP((end - base) / PAGE_SIZE, PAGE_SIZE);
	r->base = r->brk = r->mapped = base;
	r->end = r->top = end;
	total += end - base;
}

/* Adds [base, end) less what `cut[0..n)` takes out of it. */
static void
region_add_cut(
    uintptr_t base, uintptr_t end, const struct boot_range *cut, unsigned n)
{
	for (; n > 0; n--, cut++) {
		if (cut->base >= end || cut->base + cut->len <= base ||
		    cut->len == 0)
			continue;
		if (cut->base > base)
			region_add_cut(base, cut->base, cut + 1, n - 1);
		base = cut->base + cut->len;
		if (base >= end)
			return;
	}
	region_add(base, end);
}

void
page_init(const struct boot_info *bi)
{
	extern char __image_start[], __image_end[];
	const struct boot_range *m;
	struct boot_range cut[4];
	unsigned i;

	cut[0].base = 0; /* page 0 is never mapped */
	cut[0].len = PAGE_SIZE;
	cut[1].base = (uintptr_t)__image_start;
	cut[1].len = __image_end - __image_start;
	cut[2] = bi->kept[0];
	cut[3] = bi->kept[1];
	for (i = 0; i < bi->nmem; i++) {
		m = &bi->mem[i];
		if (m->base < PADDR_MAX && m->len <= PADDR_MAX - m->base)
			region_add_cut(m->base, m->base + m->len, cut, 4);
	}
	while (
	    heap_region + 1 < nregion && region[heap_region].base < HEAP_FLOOR)
		heap_region++;
}

void
page_check(void)
{
	extern char __image_end[];

	if (total < NEED_FREE)
		panic("not enough memory: %lu KiB free beside the image, at "
		      "least %lu KiB needed; start with -m %luK or more",
		    total >> 10, NEED_FREE >> 10,
		    ((uintptr_t)__image_end + NEED_FREE + 2 * PAGE_SIZE) >> 10);
}
