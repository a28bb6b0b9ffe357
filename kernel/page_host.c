/* SPDX-License-Identifier: ISC */
/*
 * Memory between us and the host: free memory that is lent so that the host may
 * drop its content (reporting, hinting), memory that is given to it (balloon),
 * and memory that comes and goes (virtio-mem).  None of it is touched here, for
 * a page that we write to is one that the host must back again.
 */
#include <string.h>

#include "kernel/page.h"

#define REPORT_MIN (PAGE_SIZE << REPORT_ORDER)
#define ADDR_MAX   (1UL << 47) /* above it nothing is identity-mapped */
#define HOLE_START (3UL << 30) /* devices below 4 GiB */
#define HOLE_END   (4UL << 30)
#define MIDDLE     0U /* a run's kind: between brk and top */

unsigned page_nback;
static size_t given; /* pages */

static uintptr_t
heap_end(const struct region *r)
{
	return ALIGN_UP(r->brk, PAGE_SIZE);
}

/* --- lending --- */

/* Takes the free block at addr, but no more than max pages of it. */
static void
block_cut(uintptr_t addr, size_t max, struct page_run *run)
{
	struct region *r = page_region_of(addr);
	unsigned b = *page_order_of(r, addr);
	size_t n = 1UL << (b & ~PAGE_KINDS);

	run->base = addr;
	run->npages = n < max ? n : max;
	run->kind = b & PAGE_KINDS;
	page_block_take(r, addr);
	page_run_put(
	    r, addr + run->npages * PAGE_SIZE, n - run->npages, run->kind);
}

static void
middle_lend(struct region *r, uintptr_t lo, uintptr_t hi, struct page_run *run)
{
	r->lent_lo = lo;
	r->lent_hi = hi;
	run->base = lo;
	run->npages = (hi - lo) / PAGE_SIZE;
	run->kind = MIDDLE;
}

/* Some of a middle that was used: at its lower end, what the heap gave up; at
 * the upper one, freed pages. */
static bool
middle_dirty(size_t max, struct page_run *run)
{
	struct region *r;
	uintptr_t lo, hi;

	for (r = page_region; r < page_region + page_nregion; r++) {
		if (r->lent_hi != 0)
			continue;
		lo = heap_end(r);
		hi = r->clean_lo;
		if (hi < lo || hi - lo < REPORT_MIN) {
			lo = r->clean_hi;
			hi = r->top;
			if (hi - lo < REPORT_MIN)
				continue;
			if (hi - lo > max * PAGE_SIZE)
				hi = lo + max * PAGE_SIZE;
		}
		if (hi - lo > max * PAGE_SIZE)
			lo = hi - max * PAGE_SIZE;
		if (run != NULL)
			middle_lend(r, lo, hi, run);
		return true;
	}
	return false;
}

unsigned
page_lend_dirty(struct page_run *run, unsigned n, size_t max)
{
	uint64_t flags = spin_lock(&page_lock);
	uintptr_t addr;
	unsigned i;

	for (i = 0; i < n && max >= REPORT_MIN / PAGE_SIZE; i++) {
		addr = page_free_largest(REPORT_ORDER);
		if (addr != 0)
			block_cut(addr, max, &run[i]);
		else if (!middle_dirty(max, &run[i]))
			break;
		max -= run[i].npages;
	}
	spin_unlock(&page_lock, flags);
	return i;
}

bool
page_dirty_notify(void (*fn)(void))
{
	uint64_t flags = spin_lock(&page_lock);
	bool already =
	    page_free_largest(REPORT_ORDER) != 0 || middle_dirty(1, NULL);

	if (!already)
		page_dirty = fn;
	spin_unlock(&page_lock, flags);
	return !already;
}

/* The first middle that ends above `from`, or NULL. */
static struct region *
middle_find(uintptr_t from, uintptr_t *lo)
{
	struct region *r;

	for (r = page_region; r < page_region + page_nregion; r++) {
		*lo = heap_end(r) > from ? heap_end(r) : from;
		if (r->lent_hi == 0 && r->top >= *lo + REPORT_MIN)
			return r;
	}
	return NULL;
}

bool
page_lend_next(uintptr_t *from, size_t max, struct page_run *run)
{
	uint64_t flags = spin_lock(&page_lock);
	uintptr_t block = *from, lo, hi;
	struct region *r = middle_find(*from, &lo);
	bool found = true;

	if (page_block_find(&block, PAGE_FREE, PAGE_FREE, REPORT_ORDER) < 0)
		block = UINTPTR_MAX;
	if (r != NULL && lo < block) {
		hi = r->top - lo > max * PAGE_SIZE ? lo + max * PAGE_SIZE
						   : r->top;
		middle_lend(r, lo, hi, run);
	} else if (block != UINTPTR_MAX) {
		block_cut(block, max, run);
	} else {
		found = false;
	}
	if (found)
		*from = run->base + run->npages * PAGE_SIZE;
	spin_unlock(&page_lock, flags);
	return found;
}

static void
middle_back(uintptr_t base, bool taken)
{
	struct region *r = page_region;

	while (r->lent_hi == 0 || r->lent_lo != base)
		r++;
	if (taken && r->lent_hi == r->clean_lo)
		r->clean_lo = r->lent_lo;
	if (taken && r->lent_lo == r->clean_hi)
		r->clean_hi = r->lent_hi;
	r->lent_lo = r->lent_hi = 0;
}

static void
run_back(const struct page_run *run, unsigned kind)
{
	struct region *r = page_region_of(run->base);

	page_run_put(r, run->base, run->npages, kind);
	page_retreat(r);
}

void
page_lend_end(const struct page_run *run, unsigned n, bool taken)
{
	uint64_t flags = spin_lock(&page_lock);

	for (; n > 0; n--, run++) {
		if (run->kind == MIDDLE)
			middle_back(run->base, taken);
		else
			run_back(run, taken ? PAGE_IDLE : run->kind);
	}
	__atomic_fetch_add(&page_nback, 1, __ATOMIC_RELAXED);
	spin_unlock(&page_lock, flags);
}

/* --- giving --- */

/* From the middle: what was used, or all there is.  The last region first, for
 * the heap needs room in the first. */
static bool
middle_claim(size_t max, bool used, struct page_run *run)
{
	struct region *r;
	uintptr_t lo;

	for (r = page_region + page_nregion; r-- > page_region;) {
		lo = heap_end(r) + PAGE_SIZE; /* room for a guard */
		if (lo < r->lent_hi)
			lo = r->lent_hi;
		if (used && lo < r->clean_hi)
			lo = r->clean_hi;
		if (r->top <= lo)
			continue;
		if (r->top - lo > max * PAGE_SIZE)
			lo = r->top - max * PAGE_SIZE;
		run->base = lo;
		run->npages = (r->top - lo) / PAGE_SIZE;
		return page_describe(r, lo);
	}
	return false;
}

bool
page_claim(size_t max, struct page_run *run)
{
	uint64_t flags = spin_lock(&page_lock);
	uintptr_t addr = page_free_largest(0);
	bool found = true;

	if (addr != 0)
		block_cut(addr, max, run);
	else if (!middle_claim(max, true, run)) {
		found = page_block_find(&addr, PAGE_KINDS, PAGE_IDLE, 0) >= 0;
		if (found)
			block_cut(addr, max, run);
		else
			found = middle_claim(max, false, run);
	}
	spin_unlock(&page_lock, flags);
	return found;
}

/* Marks pages that are nobody's else as the host's. */
static void
mark_given(struct region *r, uintptr_t addr, size_t npages)
{
	unsigned order;

	given += npages;
	while (npages > 0) {
		order = page_order_fit(addr, npages);
		*page_order_of(r, addr) = (uint8_t)(PAGE_GIVEN | order);
		addr += PAGE_SIZE << order;
		npages -= 1UL << order;
	}
}

void
page_given(const struct page_run *run)
{
	uint64_t flags = spin_lock(&page_lock);

	mark_given(page_region_of(run->base), run->base, run->npages);
	spin_unlock(&page_lock, flags);
}

bool
page_given_take(uintptr_t *from, size_t max, struct page_run *run)
{
	uint64_t flags = spin_lock(&page_lock);
	int order = page_block_find(from, PAGE_KINDS, PAGE_GIVEN, 0);
	struct region *r;
	size_t n;

	if (order >= 0) {
		n = 1UL << order;
		run->base = *from;
		run->npages = n < max ? n : max;
		*from += run->npages * PAGE_SIZE;
		r = page_region_of(run->base);
		*page_order_of(r, run->base) = 0;
		given -= n;
		mark_given(r, *from, n - run->npages);
	}
	spin_unlock(&page_lock, flags);
	return order >= 0;
}

int
page_unclaim(const struct page_run *run)
{
	int err = mmu_map(run->base, run->npages * PAGE_SIZE, MMU_W);
	uint64_t flags;

	if (err < 0) {
		page_given(run);
		return err;
	}
	flags = spin_lock(&page_lock);
	run_back(run, PAGE_IDLE);
	spin_unlock(&page_lock, flags);
	return 0;
}

size_t
page_given_total(void)
{
	return given;
}

/* --- plugging --- */

bool
page_vacant(uintptr_t base, size_t len)
{
	extern char __image_start[], __image_end[];
	const struct region *r;

	if (base >= ADDR_MAX || len > ADDR_MAX - base ||
	    (base < HOLE_END && base + len > HOLE_START) ||
	    (base < (uintptr_t)__image_end &&
		base + len > (uintptr_t)__image_start))
		return false;
	for (r = page_region; r < page_region + page_nregion; r++)
		if (base < r->end && base + len > r->lo)
			return false;
	return true;
}

int
page_region_new(uintptr_t base, size_t len)
{
	size_t npages = ALIGN_UP(len / PAGE_SIZE, PAGE_SIZE) / PAGE_SIZE;
	uint8_t *order;
	struct region *r;
	uint64_t flags;

	if (len == 0 || (base | len) % PAGE_SIZE != 0 || base >= ADDR_MAX ||
	    len > ADDR_MAX - base || base < page_region[page_nregion - 1].end)
		return -EINVAL;
	order = page_alloc(npages);
	if (order == NULL)
		return -ENOMEM;
	flags = spin_lock(&page_lock);
	r = page_region_add(base, base, base, order);
	spin_unlock(&page_lock, flags);
	if (r != NULL)
		return 0;
	page_free(order, npages);
	return -ENOSPC;
}

/* The region that was made for this place. */
static struct region *
region_for(uintptr_t addr)
{
	struct region *r = page_region + page_nregion - 1;

	while (r->lo > addr)
		r--;
	return r;
}

/* The region of addr, and where what lies there of [addr, end) ends: the heap
 * may have cut the region in two. */
static struct region *
piece(uintptr_t addr, uintptr_t end, uintptr_t *to)
{
	struct region *r = region_for(addr);

	*to = end;
	if (r + 1 < page_region + page_nregion && r[1].lo < end)
		*to = r[1].lo;
	return r;
}

/* Mapped, and nobody's so far. */
static void
piece_plug(struct region *r, uintptr_t base, uintptr_t end)
{
	struct page_run run = {base, (end - base) / PAGE_SIZE, PAGE_IDLE};

	if (end > r->end) {
		memset(page_order_of(r, r->end), 0, (end - r->end) / PAGE_SIZE);
		r->end = end;
	}
	run_back(&run, PAGE_IDLE);
}

int
page_plug(uintptr_t base, size_t npages)
{
	uintptr_t end = base + npages * PAGE_SIZE, to;
	int err = mmu_map(base, npages * PAGE_SIZE, MMU_W);
	struct region *r;
	uint64_t flags;

	if (err < 0)
		return err;
	flags = spin_lock(&page_lock);
	page_all += npages * PAGE_SIZE;
	for (; base < end; base = to) {
		r = piece(base, end, &to);
		piece_plug(r, base, to);
	}
	spin_unlock(&page_lock, flags);
	return 0;
}

/* The free block that holds addr: its head and what order[] says, or 0. */
static unsigned
block_of(const struct region *r, uintptr_t addr, uintptr_t *head)
{
	unsigned order, b;

	for (order = 0; order < ORDERS; order++) {
		*head = ALIGN_DOWN(addr, PAGE_SIZE << order);
		if (*head < r->top)
			break;
		b = *page_order_of(r, *head);
		if ((b & PAGE_FREE) && (b & ~PAGE_KINDS) >= order)
			return b;
	}
	return 0;
}

static bool
all_free(const struct region *r, uintptr_t addr, uintptr_t end)
{
	uintptr_t head;
	unsigned b;

	while (addr < end) {
		b = block_of(r, addr, &head);
		if (b == 0)
			return false;
		addr = head + (PAGE_SIZE << (b & ~PAGE_KINDS));
	}
	return true;
}

/* Takes what all_free found; what the blocks hold beyond stays free. */
static void
take_all(struct region *r, uintptr_t addr, uintptr_t end)
{
	uintptr_t head, tail;
	unsigned b, kind;

	while (addr < end) {
		b = block_of(r, addr, &head);
		kind = b & PAGE_KINDS;
		tail = head + (PAGE_SIZE << (b & ~PAGE_KINDS));
		page_block_take(r, head);
		page_run_put(r, head, (addr - head) / PAGE_SIZE, kind);
		if (tail > end)
			page_run_put(r, end, (tail - end) / PAGE_SIZE, kind);
		addr = tail;
	}
}

/* Turns the middle from addr up into free blocks; false: it is in use. */
static bool
middle_describe(struct region *r, uintptr_t addr)
{
	uintptr_t top = r->top;
	bool clean = addr >= r->clean_lo && top <= r->clean_hi;

	if (addr >= top)
		return true;
	if (addr < heap_end(r) || r->lent_hi != 0 || !page_describe(r, addr))
		return false;
	page_run_put(
	    r, addr, (top - addr) / PAGE_SIZE, clean ? PAGE_IDLE : PAGE_FREE);
	return true;
}

/* True if all of it is free, and then a part of blocks. */
static bool
pieces_free(uintptr_t base, uintptr_t end)
{
	struct region *r;
	uintptr_t to;

	for (; base < end; base = to) {
		r = piece(base, end, &to);
		if (!middle_describe(r, base) || !all_free(r, base, to))
			return false;
	}
	return true;
}

int
page_unplug(uintptr_t base, size_t npages)
{
	uintptr_t end = base + npages * PAGE_SIZE, at, to;
	uint64_t flags = spin_lock(&page_lock);
	bool gone = pieces_free(base, end);
	struct region *r;

	for (at = base; at < end; at = to) {
		r = piece(at, end, &to);
		if (gone) {
			take_all(r, at, to);
			if (r->mapped > at) /* not any more */
				r->mapped = at;
		}
		page_retreat(r);
	}
	if (gone)
		page_all -= npages * PAGE_SIZE;
	spin_unlock(&page_lock, flags);
	if (!gone)
		return -EBUSY;
	if (mmu_unmap(base, npages * PAGE_SIZE) == 0)
		return 0;
	page_plug(base, npages);
	return -ENOMEM;
}
