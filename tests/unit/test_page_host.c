/* SPDX-License-Identifier: ISC */
/*
 * kernel/page_host.c: what is lent or given is touched by nobody (here such
 * pages have no access at all), idle memory is not written to, nothing is
 * handed out twice, and everything comes back.
 */
/* LINK: */
#include "tests/unit/page_arena.h"

#include <sys/mman.h>

#define ROUNDS  30000
#define LIVE    64
#define DROPPED 0xa5 /* what the host leaves in pages it has dropped */

static unsigned seed = 4711;

struct live {
	struct page_run run; /* npages 0: none */
	enum { OURS, LENT, CLAIMED, GIVEN } state;
};

static struct live live[LIVE];
static unsigned char owned[ARENA / PAGE_SIZE];
static unsigned notices;

static unsigned
rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void
own(uintptr_t base, size_t npages, bool on)
{
	size_t i, first = (base - (uintptr_t)arena) / PAGE_SIZE;

	for (i = first; i < first + npages; i++) {
		assert_int_equal(owned[i], !on);
		owned[i] = on;
	}
}

/* The host has the pages, or has had them. */
static void
access_is(const struct page_run *run, bool on)
{
	void *p = (void *)run->base;
	size_t len = run->npages * PAGE_SIZE;

	assert_int_equal(
	    mprotect(p, len, on ? PROT_READ | PROT_WRITE : PROT_NONE), 0);
}

static void
drop(const struct page_run *run)
{
	memset((void *)run->base, DROPPED, run->npages * PAGE_SIZE);
}

static void
setup(size_t bytes)
{
	memset(arena, 0, ARENA);
	memset(owned, 0, sizeof(owned));
	memset(live, 0, sizeof(live));
	memory_is(bytes);
}

/* Idle blocks are as the host left them. */
static void
check_idle(void)
{
	uintptr_t at = 0, p;
	size_t bytes = 0;
	int order;

	while ((order = page_block_find(&at, PAGE_KINDS, PAGE_IDLE, 0)) >= 0) {
		for (p = at; p < at + (PAGE_SIZE << order); p += PAGE_SIZE) {
			assert_int_equal(*(unsigned char *)p, DROPPED);
			assert_true(is_mapped(p));
		}
		bytes += PAGE_SIZE << order;
		at += PAGE_SIZE << order;
	}
	assert_true(bytes <= page_unused());
}

static void
enter(struct live *l, int state)
{
	own(l->run.base, l->run.npages, true);
	l->state = state;
	if (state != OURS)
		access_is(&l->run, false);
}

static void
leave(struct live *l)
{
	struct page_run run = l->run;
	bool taken = rnd(4) != 0;

	own(run.base, run.npages, false);
	l->run.npages = 0;
	if (l->state != OURS)
		access_is(&run, true);
	if (l->state == GIVEN || l->state == CLAIMED || taken)
		if (l->state != OURS)
			drop(&run);
	if (l->state == OURS)
		page_free((void *)run.base, run.npages);
	else if (l->state == LENT)
		page_lend_end(&run, 1, taken);
	else
		assert_int_equal(page_unclaim(&run), 0);
}

static void
take_some(struct live *l)
{
	static uintptr_t from;
	size_t max = 1 + rnd(2000);
	char *p;

	switch (rnd(4)) {
	case 0:
		if (page_lend_dirty(&l->run, 1, max) == 1)
			enter(l, LENT);
		break;
	case 1:
		if (page_lend_next(&from, max, &l->run))
			enter(l, LENT);
		else
			from = 0;
		break;
	case 2:
		if (rnd(3) == 0 && page_claim(max, &l->run))
			enter(l, CLAIMED);
		break;
	default:
		l->run.npages = 1 + (rnd(4) == 0 ? rnd(900) : rnd(9));
		p = page_alloc(l->run.npages);
		if (p == NULL) {
			l->run.npages = 0;
			break;
		}
		l->run.base = (uintptr_t)p;
		enter(l, OURS);
		assert_true(is_mapped(l->run.base));
		memset(p, 1, l->run.npages * PAGE_SIZE);
	}
}

/* Given pages lose their slot: the allocator alone knows them. */
static void
give_or_take_back(struct live *l)
{
	static uintptr_t from;

	if (l->run.npages != 0 && l->state == CLAIMED) {
		page_given(&l->run);
		l->run.npages = 0;
	} else if (l->run.npages == 0) {
		if (!page_given_take(&from, 1 + rnd(500), &l->run))
			from = 0;
		else
			l->state = GIVEN;
	}
}

static void
move_heap(void)
{
	intptr_t by = (intptr_t)rnd(400 * PAGE_SIZE) - 200 * (long)PAGE_SIZE;
	static size_t size;
	char *p;

	if (by < 0 && (size_t)-by > size)
		by = -(intptr_t)size;
	p = page_brk(by);
	if (p == NULL)
		return;
	size += (size_t)by;
	if (by > 0) {
		assert_true(is_mapped((uintptr_t)p));
		memset(p, 2, (size_t)by);
	}
}

static void
test_everything_at_random(void **state)
{
	size_t i, before;
	struct live *l;
	uintptr_t from = 0;

	(void)state;
	setup(40 * MIB);
	before = page_unused();
	for (i = 0; i < ROUNDS; i++) {
		l = &live[rnd(LIVE)];
		if (rnd(3) == 0)
			give_or_take_back(l);
		else if (l->run.npages != 0)
			leave(l);
		else if (rnd(4) == 0)
			move_heap();
		else
			take_some(l);
		if (i % 500 == 0)
			check_idle();
	}
	for (l = live; l < live + LIVE; l++)
		if (l->run.npages != 0)
			leave(l);
	while (page_given_take(&from, SIZE_MAX, &live[0].run)) {
		live[0].state = GIVEN;
		leave(&live[0]);
	}
	assert_int_equal(page_given_total(), 0);
	before -= (uintptr_t)page_brk(0) - page_region[heap_region].base;
	assert_true(page_nregion > 1 || page_unused() == before);
}

static void
notice(void)
{
	notices++;
}

/* What was freed is lent once, and again only when it was used again. */
static void
test_reports(void **state)
{
	struct page_run run[8];
	size_t n, bytes = 0;
	char *p;

	(void)state;
	setup(40 * MIB);
	assert_int_equal(page_lend_dirty(run, 8, SIZE_MAX / PAGE_SIZE), 0);
	p = page_alloc(16 * MIB / PAGE_SIZE);
	while ((n = page_lend_dirty(run, 8, SIZE_MAX / PAGE_SIZE)) > 0)
		page_lend_end(run, n, true);
	notices = 0;
	assert_true(page_dirty_notify(notice));
	page_free(p, 16 * MIB / PAGE_SIZE);
	assert_int_equal(notices, 1);
	assert_false(page_dirty_notify(notice));
	while ((n = page_lend_dirty(run, 8, 1024)) > 0) {
		while (n > 0) {
			drop(&run[--n]);
			bytes += run[n].npages * PAGE_SIZE;
			page_lend_end(&run[n], 1, true);
		}
	}
	assert_true(bytes >= 16 * MIB);
	check_idle();
	assert_true(page_dirty_notify(notice));
	p = page_alloc(17);
	page_free(p, 17);
	assert_true(page_lend_dirty(run, 8, SIZE_MAX / PAGE_SIZE) > 0);
}

/* The heap that shrinks, too; and it waits for what is lent of it. */
static void
test_reports_of_the_heap(void **state)
{
	struct page_run run[4];
	char *low;

	(void)state;
	setup(40 * MIB);
	low = page_brk(20 * MIB);
	memset(low, 1, 20 * MIB);
	notices = 0;
	assert_true(page_dirty_notify(notice));
	assert_non_null(page_brk(-(intptr_t)(15 * MIB)));
	assert_int_equal(notices, 1);
	assert_int_equal(page_lend_dirty(run, 4, SIZE_MAX / PAGE_SIZE), 1);
	assert_int_equal(run[0].npages, 15 * MIB / PAGE_SIZE);
	assert_int_equal(run[0].base, (uintptr_t)low + 5 * MIB);
	access_is(run, false);
	assert_null(page_brk(MIB)); /* not now, but not elsewhere either */
	assert_int_equal(page_nregion, 1);
	assert_null(page_alloc(36 * MIB / PAGE_SIZE));
	access_is(run, true);
	page_lend_end(run, 1, true);
	assert_ptr_equal(page_brk(MIB), low + 5 * MIB);
	assert_int_equal(page_lend_dirty(run, 4, SIZE_MAX / PAGE_SIZE), 0);
}

/* All that is free is seen once. */
static void
test_hints(void **state)
{
	struct page_run run;
	uintptr_t from = 0, end = 0;
	size_t bytes = 0, i;
	char *p[10];

	(void)state;
	setup(40 * MIB);
	page_brk(MIB);
	for (i = 0; i < 10; i++)
		p[i] = page_alloc(256);
	for (i = 0; i < 10; i += 2)
		page_free(p[i], 256);
	while (page_lend_next(&from, 700, &run)) {
		assert_true(run.base >= end && run.npages <= 700);
		end = run.base + run.npages * PAGE_SIZE;
		bytes += run.npages * PAGE_SIZE;
		access_is(&run, false);
		access_is(&run, true);
		page_lend_end(&run, 1, false);
	}
	assert_true(page_unused() - bytes < 20 * PAGE_SIZE);
}

/* The middle is given without being mapped, or touched. */
static void
test_balloon_of_fresh_memory(void **state)
{
	struct page_run run;
	size_t npages = 0;
	uintptr_t from = 0;

	(void)state;
	setup(40 * MIB);
	while (npages < 30 * MIB / PAGE_SIZE && page_claim(1024, &run)) {
		assert_false(is_mapped(run.base));
		access_is(&run, false);
		npages += run.npages;
		page_given(&run);
	}
	assert_int_equal(page_given_total(), npages);
	assert_null(page_alloc(12 * MIB / PAGE_SIZE));
	while (page_given_take(&from, 77, &run)) {
		assert_true(run.npages <= 77);
		npages -= run.npages;
		assert_int_equal(page_unclaim(&run), 0);
		access_is(&run, true);
	}
	assert_int_equal(npages, 0);
	assert_non_null(page_alloc(35 * MIB / PAGE_SIZE));
}

static bool
give_all_back(size_t npages)
{
	struct page_run run;
	uintptr_t from = 0;

	(void)npages;
	if (!page_given_take(&from, 1024, &run))
		return false;
	return page_unclaim(&run) == 0;
}

static void
test_reclaim(void **state)
{
	struct page_run run;

	(void)state;
	setup(40 * MIB);
	while (page_claim(1024, &run))
		page_given(&run);
	assert_null(page_alloc(1));
	page_reclaim = give_all_back;
	assert_non_null(page_alloc(1));
	assert_non_null(page_alloc(8 * MIB / PAGE_SIZE));
	assert_non_null(page_brk(16 * MIB));
	assert_null(page_alloc(30 * MIB / PAGE_SIZE));
	assert_int_equal(page_given_total(), 0);
}

static struct page_run lent;

/* An interrupt brings it, just after the try that failed for it. */
static bool
comes_back_meanwhile(size_t npages)
{
	(void)npages;
	if (lent.npages > 0)
		page_lend_end(&lent, 1, false);
	lent.npages = 0;
	return false;
}

static void
test_lent_memory_comes_back_meanwhile(void **state)
{
	uintptr_t from;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		setup(40 * MIB);
		from = 0;
		assert_true(page_lend_next(&from, -1UL, &lent));
		page_reclaim = comes_back_meanwhile;
		if (i == 0)
			assert_non_null(page_brk(30 * MIB));
		else
			assert_non_null(page_alloc(30 * MIB / PAGE_SIZE));
		assert_null(page_alloc(30 * MIB / PAGE_SIZE));
	}
}

/* The heap does not leave for good the room that is lent for a while. */
static void
test_heap_waits_for_lent_memory(void **state)
{
	uintptr_t from = 0;
	char *p;

	(void)state;
	setup(40 * MIB);
	p = page_alloc(10 * MIB / PAGE_SIZE);
	assert_non_null(page_alloc(4 * MIB / PAGE_SIZE)); /* between */
	page_free(p, 10 * MIB / PAGE_SIZE);
	assert_true(page_lend_next(&from, -1UL, &lent));
	assert_true(from < (uintptr_t)p);
	page_reclaim = comes_back_meanwhile;
	assert_non_null(page_brk(2 * MIB));
	assert_int_equal(page_nregion, 1);
	from = 0;
	assert_true(page_lend_next(&from, -1UL, &lent));
	page_reclaim = NULL; /* nobody to ask */
	assert_non_null(page_brk(4 * MIB));
	assert_int_equal(page_nregion, 2);
}

/* The heap goes on beyond pages that are in its way. */
static void
test_heap_jumps(void **state)
{
	char *low, *p, *high;

	(void)state;
	setup(40 * MIB);
	low = page_brk(MIB);
	p = page_alloc(38 * MIB / PAGE_SIZE);
	page_free(p + MIB, 37 * MIB / PAGE_SIZE);
	high = page_brk(8 * MIB);
	assert_non_null(high);
	assert_true(high > p && low < p);
	assert_true(is_mapped((uintptr_t)high));
	memset(high, 1, 8 * MIB);
	assert_int_equal(page_nregion, 2);
	assert_non_null(page_brk(20 * MIB));
	assert_non_null(page_brk(-(intptr_t)(28 * MIB)));
	assert_null(page_brk(-1));
	page_free(p, MIB / PAGE_SIZE);
	assert_non_null(page_alloc(30 * MIB / PAGE_SIZE));
}

#define BLOCK    (2 * MIB)
#define BLOCK_NP (BLOCK / PAGE_SIZE)

static void
test_plugging(void **state)
{
	uintptr_t base = (uintptr_t)arena + 32 * MIB;
	size_t total, i;
	char *p;

	(void)state;
	setup(8 * MIB);
	total = page_total();
	assert_int_equal(page_region_new(base + 1, 16 * MIB), -EINVAL);
	assert_int_equal(page_region_new(base, 0), -EINVAL);
	assert_int_equal(page_region_new((uintptr_t)arena, MIB), -EINVAL);
	assert_int_equal(page_region_new(1UL << 46, 1UL << 47), -EINVAL);
	assert_int_equal(page_region_new(base, 1UL << 36), -ENOMEM);
	assert_int_equal(page_region_new(base, 16 * MIB), 0);
	assert_int_equal(page_total(), total);
	for (i = 0; i < 8; i++) /* not in order */
		assert_int_equal(
		    page_plug(base + (i ^ 1) * BLOCK, BLOCK_NP), 0);
	assert_int_equal(page_total(), total + 16 * MIB);
	p = page_alloc(15 * MIB / PAGE_SIZE);
	assert_true((uintptr_t)p >= base);
	memset(p, 1, 15 * MIB);
	assert_int_equal(page_unplug(base + 2 * BLOCK, BLOCK_NP), -EBUSY);
	page_free(p, 15 * MIB / PAGE_SIZE);
	assert_int_equal(page_unplug(base + 2 * BLOCK, BLOCK_NP), 0);
	assert_false(is_mapped(base + 2 * BLOCK));
	assert_true(is_mapped(base + 3 * BLOCK));
	assert_null(page_alloc(13 * MIB / PAGE_SIZE));
	for (i = 0; i < 8; i++)
		if (i != 2)
			assert_int_equal(
			    page_unplug(base + i * BLOCK, BLOCK_NP), 0);
	assert_int_equal(page_total(), total);
	while ((p = page_alloc(1)) != NULL)
		assert_true((uintptr_t)p < base);
	assert_int_equal(page_plug(base, BLOCK_NP), 0);
	assert_non_null(page_alloc(BLOCK_NP - 2));
}

/* The heap goes on in plugged memory, and so cuts its region in two. */
static void
test_heap_in_plugged_memory(void **state)
{
	uintptr_t base = (uintptr_t)arena + 32 * MIB;
	size_t i, total;
	char *high, *p;

	(void)state;
	setup(2 * MIB);
	total = page_total();
	assert_int_equal(page_region_new(base, 16 * MIB), 0);
	assert_int_equal(page_plug(base, 4 * BLOCK_NP), 0);
	p = page_alloc(BLOCK_NP + 100); /* in the way, at the upper end */
	page_brk(MIB);
	assert_true((uintptr_t)p > base);
	assert_int_equal(page_plug(base + 4 * BLOCK, 4 * BLOCK_NP), 0);
	high = page_brk(7 * MIB);
	assert_true(high > p);
	memset(high, 1, 7 * MIB);
	assert_int_equal(page_nregion, 3);
	assert_int_equal(page_unplug(base + 4 * BLOCK, BLOCK_NP), -EBUSY);
	assert_non_null(page_brk(-(intptr_t)(7 * MIB)));
	page_free(p, BLOCK_NP + 100);
	for (i = 8; i-- > 0;)
		assert_int_equal(page_unplug(base + i * BLOCK, BLOCK_NP), 0);
	assert_int_equal(page_total(), total);
	assert_int_equal(page_plug(base, 8 * BLOCK_NP), 0);
	assert_int_equal(page_total(), total + 16 * MIB);
	high = page_brk(7 * MIB);
	memset(high, 1, 7 * MIB);
	p = page_alloc(7 * MIB / PAGE_SIZE);
	memset(p, 1, 7 * MIB);
}

/* Blocks come, are used by pages and the heap, and go when they are free. */
static void
test_plugging_at_random(void **state)
{
	uintptr_t base = (uintptr_t)arena + 32 * MIB;
	bool there[8] = {false};
	char *p[LIVE] = {NULL};
	size_t i, j, plugged = 0, refused = 0, total;
	int err;

	(void)state;
	setup(2 * MIB);
	total = page_total();
	assert_int_equal(page_region_new(base, 16 * MIB), 0);
	for (i = 0; i < 3000; i++) {
		j = rnd(8);
		if (rnd(4) == 0 && !there[j]) {
			assert_int_equal(
			    page_plug(base + j * BLOCK, BLOCK_NP), 0);
			there[j] = true;
			plugged++;
		} else if (rnd(3) == 0 && there[j]) {
			err = page_unplug(base + j * BLOCK, BLOCK_NP);
			assert_true(err == 0 || err == -EBUSY);
			there[j] = err != 0;
			plugged -= err == 0;
			refused += err != 0;
		}
		assert_int_equal(page_total(), total + plugged * BLOCK);
		j = rnd(LIVE);
		if (p[j] != NULL) {
			page_free(p[j], j + 1);
			p[j] = NULL;
		} else if ((p[j] = page_alloc(j + 1)) != NULL) {
			assert_true(is_mapped((uintptr_t)p[j]));
			assert_true((uintptr_t)p[j] < base ||
				    there[((uintptr_t)p[j] - base) / BLOCK]);
			memset(p[j], 3, (j + 1) * PAGE_SIZE);
		}
	}
	assert_true(refused > 10);
	for (j = 0; j < LIVE; j++)
		if (p[j] != NULL)
			page_free(p[j], j + 1);
	for (j = 0; j < 8; j++)
		if (there[j])
			assert_int_equal(
			    page_unplug(base + j * BLOCK, BLOCK_NP), 0);
	assert_int_equal(page_total(), total);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything_at_random),
	    cmocka_unit_test(test_reports),
	    cmocka_unit_test(test_reports_of_the_heap),
	    cmocka_unit_test(test_hints),
	    cmocka_unit_test(test_balloon_of_fresh_memory),
	    cmocka_unit_test(test_reclaim),
	    cmocka_unit_test(test_lent_memory_comes_back_meanwhile),
	    cmocka_unit_test(test_heap_waits_for_lent_memory),
	    cmocka_unit_test(test_heap_jumps),
	    cmocka_unit_test(test_plugging),
	    cmocka_unit_test(test_heap_in_plugged_memory),
	    cmocka_unit_test(test_plugging_at_random),
	};

	arena_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
