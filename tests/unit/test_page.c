/* SPDX-License-Identifier: ISC */
/*
 * kernel/page.c over an arena of the test's own: what is handed out never
 * overlaps, everything comes back, and both ends of a region share it.
 */
/* LINK: */
#include "tests/unit/page_arena.h"

#define LIVE_MAX 256
#define ROUNDS   20000

static unsigned seed = 12345;

static unsigned
rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void
test_all_comes_back(void **state)
{
	struct {
		char *p;
		size_t n;
	} live[LIVE_MAX] = {{NULL, 0}};
	size_t before, i, j, k;

	(void)state;
	memory_is(40 * MIB);
	before = page_unused();
	for (i = 0; i < ROUNDS; i++) {
		k = rnd(LIVE_MAX);
		if (live[k].p != NULL) {
			for (j = 0; j < live[k].n; j++) {
				assert_int_equal(
				    live[k].p[j * PAGE_SIZE], (char)k);
			}
			page_free(live[k].p, live[k].n);
			live[k].p = NULL;
			continue;
		}
		live[k].n = 1 + (rnd(8) == 0 ? rnd(600) : rnd(6));
		live[k].p = page_alloc(live[k].n);
		if (live[k].p == NULL)
			continue;
		assert_int_equal((uintptr_t)live[k].p % PAGE_SIZE, 0);
		for (j = 0; j < live[k].n; j++)
			live[k].p[j * PAGE_SIZE] = k;
	}
	for (k = 0; k < LIVE_MAX; k++)
		if (live[k].p != NULL)
			page_free(live[k].p, live[k].n);
	assert_int_equal(page_unused(), before);
}

static void
test_whole_region_again(void **state)
{
	char *p, *q;
	size_t n, most = 0;

	(void)state;
	memory_is(40 * MIB);
	for (n = 1; n < 40 * MIB / PAGE_SIZE; n++) {
		p = page_alloc(n);
		if (p == NULL)
			break;
		most = n;
		page_free(p, n);
	}
	assert_true(most >= 37 * MIB / PAGE_SIZE);
	p = page_alloc(1);
	q = page_alloc(most - 600);
	assert_non_null(q);
	page_free(q, most - 600);
	page_free(p, 1);
}

static void
test_small_memory(void **state)
{
	size_t got = 0;

	(void)state;
	memory_is(512 << 10);
	assert_true(page_total() >= 500 << 10);
	while (page_alloc(1) != NULL)
		got += PAGE_SIZE;
	assert_true(got >= 480 << 10);
	assert_null(page_alloc(1));
	assert_null(page_brk(4 * PAGE_SIZE));
}

static void
test_heap_and_pages_meet(void **state)
{
	char *low, *at, *last = NULL;
	void *p[4096];
	size_t n = 0;

	(void)state;
	memory_is(2 * MIB);
	low = page_brk(0);
	while (n < 4096 && (p[n] = page_alloc(1)) != NULL) {
		n++;
		at = page_brk(100);
		if (at == NULL)
			break;
		memset(at, 1, 100);
		last = at;
	}
	assert_true((uintptr_t)last < (uintptr_t)p[n - 1]);
	while (n > 0)
		page_free(p[--n], 1);
	/* what the pages had is the heap's now */
	assert_non_null(page_brk(MIB));
	assert_non_null(page_brk(low - (char *)page_brk(0)));
	assert_ptr_equal(page_brk(0), low);
	assert_null(page_brk(-1));
}

static void
test_guarded(void **state)
{
	char *p;
	size_t before, n;

	(void)state;
	memory_is(40 * MIB);
	before = page_unused();
	for (n = 1; n < 700; n = n * 2 + 1) {
		p = page_alloc_guarded(n);
		assert_non_null(p);
		assert_false(is_mapped((uintptr_t)p - 1));
		assert_true(is_mapped((uintptr_t)p));
		assert_true(is_mapped((uintptr_t)p + n * PAGE_SIZE - 1));
		page_free_guarded(p, n);
		assert_true(is_mapped((uintptr_t)p - 1));
	}
	assert_int_equal(page_unused(), before);
}

/* Whatever the distance between heap and pages, a guard takes no heap page. */
static void
test_guard_beside_heap(void **state)
{
	size_t room, n;
	uintptr_t brk, top;

	(void)state;
	for (room = 16; room < 80; room++) {
		for (n = 17; n < 60; n++) {
			memory_is(2 * MIB);
			top = page_region[0].top;
			brk = ALIGN_DOWN(top, 64UL << 10) - room * PAGE_SIZE;
			assert_non_null(page_brk(brk - (uintptr_t)page_brk(0)));
			page_alloc_guarded(n);
			assert_true(is_mapped(brk - 1));
			assert_true(page_region[0].top >= brk);
		}
	}
}

static void
test_kept_ranges(void **state)
{
	struct boot_info bi;
	uintptr_t kept, p;

	(void)state;
	memset(&bi, 0, sizeof(bi));
	kept = (uintptr_t)arena + MIB + 100;
	bi.nmem = 1;
	bi.mem[0].base = (uintptr_t)arena;
	bi.mem[0].len = 4 * MIB;
	bi.kept[0].base = kept;
	bi.kept[0].len = MIB;
	page_reset();
	page_init(&bi);
	assert_true(page_total() < 3 * MIB);
	while ((p = (uintptr_t)page_alloc(1)) != 0)
		assert_true(p + PAGE_SIZE <= kept || p >= kept + MIB);
}

/* Firmware that lies must not make us hand out the same page twice. */
static void
test_absurd_maps(void **state)
{
	struct boot_info bi;
	uintptr_t base = (uintptr_t)arena;
	char *p;
	size_t n = 0;

	(void)state;
	memset(arena, 0, ARENA);
	memset(&bi, 0, sizeof(bi));
	bi.mem[bi.nmem].base = base;
	bi.mem[bi.nmem++].len = 2 * MIB;
	bi.mem[bi.nmem].base = base + MIB; /* overlaps */
	bi.mem[bi.nmem++].len = 2 * MIB;
	bi.mem[bi.nmem].base = base; /* again */
	bi.mem[bi.nmem++].len = 2 * MIB;
	bi.mem[bi.nmem].base = UINT64_MAX - MIB; /* wraps */
	bi.mem[bi.nmem++].len = 4 * MIB;
	bi.mem[bi.nmem].base = base + 8 * MIB; /* wraps */
	bi.mem[bi.nmem++].len = UINT64_MAX;
	bi.mem[bi.nmem++].base = base + 16 * MIB; /* empty */
	page_reset();
	page_init(&bi);
	while ((p = page_alloc(1)) != NULL) {
		assert_int_not_equal(*p, 0x5a);
		memset(p, 0x5a, PAGE_SIZE);
		n++;
	}
	assert_true(n > 400 && n < 512);
}

static void
test_nonsense(void **state)
{
	(void)state;
	memory_is(2 * MIB);
	assert_null(page_alloc(0));
	assert_null(page_alloc(SIZE_MAX / PAGE_SIZE));
	assert_null(page_alloc_guarded(SIZE_MAX / PAGE_SIZE));
	assert_null(page_brk(INTPTR_MAX));
	assert_null(page_brk(INTPTR_MIN + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_comes_back),
	    cmocka_unit_test(test_whole_region_again),
	    cmocka_unit_test(test_small_memory),
	    cmocka_unit_test(test_heap_and_pages_meet),
	    cmocka_unit_test(test_guarded),
	    cmocka_unit_test(test_guard_beside_heap),
	    cmocka_unit_test(test_kept_ranges),
	    cmocka_unit_test(test_absurd_maps),
	    cmocka_unit_test(test_nonsense),
	};

	arena_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
