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
 * order[] (page.h) describes the pages of a region from top up.  The links of
 * the free lists are in the free pages themselves; idle blocks have none, for
 * a page that is written to is the host's loss (page_host.c).
 */
#include "kernel/page.h"

#include <string.h>

#include "boot/boot_info.h"

#define PADDR_MAX   (1UL << 47) /* above it nothing is identity-mapped */
#define CARVE_LARGE (2UL << 20)
#define CARVE_SMALL (64UL << 10)
#define FRESH_MIN   16 /* pages from which guarded memory comes fresh */
#define NEED_FREE   (128UL << 10)

_Static_assert(REGIONS > BOOT_MEM_MAX + 4, "each cut may add one");
struct free_page {
	struct free_page *next, **link; /* *link points to us */
};

struct region page_region[REGIONS];
unsigned page_nregion;
struct spinlock page_lock = SPINLOCK("page");
size_t page_all;
size_t page_idle[ORDERS];
bool (*page_reclaim)(size_t npages);
void (*page_dirty)(void);

static struct free_page *free_list[ORDERS];
static size_t free_listed; /* bytes in free and idle blocks */
static const struct boot_info *boot;

unsigned
page_order_for(size_t npages)
{
	return npages <= 1 ? 0 : 64 - __builtin_clzl(npages - 1);
}

struct region *
page_region_of(uintptr_t addr)
{
	struct region *r;

	for (r = page_region; r < page_region + page_nregion; r++)
		if (addr >= r->top && addr < r->end)
			return r;
	return NULL;
}

uint8_t *
page_order_of(const struct region *r, uintptr_t addr)
{
	return &r->order[(addr - r->base) / PAGE_SIZE];
}

static void
list_push(struct free_page *p, unsigned order)
{
	p->next = free_list[order];
	p->link = &free_list[order];
	if (p->next != NULL)
		p->next->link = &p->next;
	free_list[order] = p;
	if (order >= REPORT_ORDER)
		page_tell_dirty();
}

static void
list_remove(struct free_page *p)
{
	*p->link = p->next;
	if (p->next != NULL)
		p->next->link = p->link;
}

void
page_block_take(struct region *r, uintptr_t addr)
{
	uint8_t *b = page_order_of(r, addr);
	unsigned order = *b & ~PAGE_KINDS;

	if ((*b & PAGE_KINDS) == PAGE_IDLE)
		page_idle[order]--;
	else
		list_remove((struct free_page *)addr);
	free_listed -= PAGE_SIZE << order;
	*b = 0;
}

/* Frees one aligned block, joined with its buddies as far as they are of its
 * kind. */
static void
block_put(struct region *r, uintptr_t addr, unsigned order, unsigned kind)
{
	uintptr_t buddy;

	for (; order + 1 < ORDERS; order++) {
		buddy = addr ^ (PAGE_SIZE << order);
		if (buddy < r->top || buddy >= r->end ||
		    *page_order_of(r, buddy) != (kind | order))
			break;
		page_block_take(r, buddy);
		if (buddy < addr)
			addr = buddy;
	}
	*page_order_of(r, addr) = (uint8_t)(kind | order);
	free_listed += PAGE_SIZE << order;
	if (kind == PAGE_IDLE)
		page_idle[order]++;
	else
		list_push((struct free_page *)addr, order);
}

unsigned
page_order_fit(uintptr_t addr, size_t npages)
{
	unsigned order = 63 - __builtin_clzl(npages), fit;

	fit = addr == 0 ? order : (unsigned)__builtin_ctzl(addr / PAGE_SIZE);
	return fit < order ? fit : order;
}

void
page_run_put(struct region *r, uintptr_t addr, size_t npages, unsigned kind)
{
	unsigned order;

	while (npages > 0) {
		order = page_order_fit(addr, npages);
		block_put(r, addr, order, kind);
		addr += PAGE_SIZE << order;
		npages -= 1UL << order;
	}
}

static void
run_free(struct region *r, uintptr_t addr, size_t npages)
{
	page_run_put(r, addr, npages, PAGE_FREE);
}

void
page_retreat(struct region *r)
{
	uint8_t b;
	bool clean;

	while (r->top < r->end && (*page_order_of(r, r->top) & PAGE_FREE)) {
		b = *page_order_of(r, r->top);
		clean = (b & PAGE_KINDS) == PAGE_IDLE && r->clean_hi == r->top;
		page_block_take(r, r->top);
		r->top += PAGE_SIZE << (b & ~PAGE_KINDS);
		if (clean)
			r->clean_hi = r->top;
	}
}

void
page_touched(struct region *r)
{
	if (r->clean_hi > r->top)
		r->clean_hi = r->top;
	if (r->clean_lo < r->brk)
		r->clean_lo = ALIGN_UP(r->brk, PAGE_SIZE);
	if (r->clean_lo > r->top)
		r->clean_lo = r->top;
	if (r->clean_hi < r->clean_lo)
		r->clean_hi = r->clean_lo;
}

bool
page_describe(struct region *r, uintptr_t to)
{
	uint8_t *order = page_order_of(r, to);
	size_t n = (r->top - to) / PAGE_SIZE;

	if (mmu_map_reserved((uintptr_t)order, n) < 0)
		return false;
	memset(order, 0, n);
	r->top = to;
	page_touched(r);
	return true;
}

/* The lowest address that top may come down to. */
static uintptr_t
region_floor(const struct region *r)
{
	uintptr_t low = ALIGN_UP(r->brk, PAGE_SIZE);

	if (r->lent_hi > low)
		low = r->lent_hi;
	return low + PAGE_SIZE; /* room for a guard */
}

/* Moves r->top down to at least `bytes` below; true if there was room.  The
 * new pages are mapped, described as in use, and on no list. */
static bool
region_extend(struct region *r, size_t bytes, size_t align)
{
	uintptr_t top, low = region_floor(r);

	if (r->top < low || r->top - low < bytes)
		return false;
	top = ALIGN_DOWN(r->top - bytes, align);
	if (top < low)
		top = r->top - bytes;
	return mmu_map_reserved(top, r->top - top) == 0 &&
	       page_describe(r, top);
}

/* A page below fresh memory that is not mapped, nor will be. */
static bool
region_guard(struct region *r)
{
	uintptr_t page = r->top - PAGE_SIZE;

	return mmu_unmap_reserved(page, PAGE_SIZE) == 0 &&
	       page_describe(r, page);
}

/* npages fresh pages from the middle of some region, the lowest first. */
static uintptr_t
carve(size_t npages, bool guarded)
{
	struct region *r;
	uintptr_t old;
	size_t step;

	for (r = page_region; r < page_region + page_nregion; r++) {
		if (r->top - r->brk < (npages + 2) * PAGE_SIZE)
			page_retreat(r);
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

	for (order = page_order_for(npages); order < ORDERS; order++)
		if (free_list[order] != NULL)
			break;
	if (order == ORDERS)
		return 0;
	addr = (uintptr_t)free_list[order];
	r = page_region_of(addr);
	page_block_take(r, addr);
	run_free(r, addr + npages * PAGE_SIZE, (1UL << order) - npages);
	return addr;
}

uintptr_t
page_free_largest(unsigned order_min)
{
	unsigned order;

	for (order = ORDERS; order-- > order_min;)
		if (free_list[order] != NULL)
			return (uintptr_t)free_list[order];
	return 0;
}

static void *
take(size_t npages)
{
	uintptr_t addr = list_take(npages);

	if (addr == 0)
		addr = page_idle_take(npages);
	if (addr == 0)
		addr = carve(npages, false);
	if (addr == 0 && page_have_idle(0)) {
		page_idle_free();
		addr = list_take(npages);
	}
	return (void *)addr;
}

void
page_tables_want(uint64_t len)
{
	void *p;

	while (mmu_reserve_wants(len) && (p = take(1)) != NULL)
		mmu_reserve_give(p);
}

void
page_tables_refill(uint64_t len)
{
	uint64_t flags = spin_lock(&page_lock);

	page_tables_want(len);
	spin_unlock(&page_lock, flags);
}

static void *
alloc_once(size_t npages)
{
	uint64_t flags = spin_lock(&page_lock);
	void *p;

	page_tables_want(npages * PAGE_SIZE);
	p = take(npages);
	spin_unlock(&page_lock, flags);
	return p;
}

bool
page_reclaim_try(size_t npages, unsigned nback)
{
	if (page_reclaim != NULL && page_reclaim(npages))
		return true;
	return nback != __atomic_load_n(&page_nback, __ATOMIC_RELAXED);
}

void *
page_alloc(size_t npages)
{
	unsigned nback;
	void *p;

	if (npages == 0 || npages > page_all / PAGE_SIZE)
		return NULL;
	do {
		nback = __atomic_load_n(&page_nback, __ATOMIC_RELAXED);
		p = alloc_once(npages);
	} while (p == NULL && page_reclaim_try(npages, nback));
	return p;
}

/* Fresh memory is preferred: there the guard costs nothing, elsewhere it may
 * break up a large page. */
void *
page_alloc_guarded(size_t npages)
{
	uint64_t flags;
	uintptr_t p = 0;

	if (npages > page_all / PAGE_SIZE)
		return NULL;
	flags = spin_lock(&page_lock);
	page_tables_want(npages * PAGE_SIZE);
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
	struct region *r = page_region_of((uintptr_t)p);

	ASSERT(r != NULL && (uintptr_t)p % PAGE_SIZE == 0);
	run_free(r, (uintptr_t)p, npages);
	spin_unlock(&page_lock, flags);
}

size_t
page_total(void)
{
	return page_all;
}

size_t
page_unused(void)
{
	uint64_t flags = spin_lock(&page_lock);
	size_t n = free_listed;
	struct region *r;

	for (r = page_region; r < page_region + page_nregion; r++)
		n += r->top - r->brk;
	spin_unlock(&page_lock, flags);
	return n;
}

struct region *
page_region_add(uintptr_t lo, uintptr_t base, uintptr_t end, uint8_t *order)
{
	struct region *r;
	unsigned i;

	if (page_nregion == REGIONS)
		return NULL;
	for (i = 0; i < page_nregion; i++) /* told twice: the first counts */
		if (lo < page_region[i].end && end > page_region[i].lo)
			return NULL;
	i = page_nregion++;
	for (; i > 0 && page_region[i - 1].base > base; i--)
		page_region[i] = page_region[i - 1];
	r = &page_region[i];
	memset(r, 0, sizeof(*r));
	r->order = order;
	r->lo = lo;
	r->base = r->brk = r->mapped = r->clean_lo = base;
	r->end = r->top = r->clean_hi = end;
	return r;
}

bool
page_is_ram(uint64_t paddr, uint64_t len)
{
	const struct boot_range *m;
	unsigned i;

	for (m = boot->mem; m < boot->mem + boot->nmem; m++)
		if (paddr < m->base + m->len && paddr + len > m->base)
			return true;
	for (i = 0; i < page_nregion; i++) /* plugged later */
		if (paddr < page_region[i].end &&
		    paddr + len > page_region[i].lo)
			return true;
	return false;
}

/* A region's bookkeeping takes its first pages. */
static void
region_add(uintptr_t base, uintptr_t end)
{
	uint8_t *order;
	size_t own;

	base = ALIGN_UP(base, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (end < base + 2 * PAGE_SIZE)
		return;
	order = (uint8_t *)base;
	own = ALIGN_UP((end - base) / PAGE_SIZE, PAGE_SIZE);
	if (page_region_add(base, base + own, end, order) != NULL)
		page_all += end - base - own;
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

	boot = bi;
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
	page_heap_init();
}

void
page_check(void)
{
	extern char __image_end[];

	if (page_all < NEED_FREE)
		panic("not enough memory: %lu KiB free beside the image, at "
		      "least %lu KiB needed; start with -m %luK or more",
		    page_all >> 10, NEED_FREE >> 10,
		    ((uintptr_t)__image_end + NEED_FREE + 2 * PAGE_SIZE) >> 10);
}
