/* SPDX-License-Identifier: ISC */
/*
 * kernel/heap.c: objects are zeroed, aligned, apart from each other, and used
 * again; without pages the answer is NULL.
 */
/* LINK: kernel/heap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "kernel/kernel.h"

#define LIVE   300
#define ROUNDS 20000

static size_t pages; /* in use */
static bool no_pages;

void *
page_alloc(size_t npages)
{
	void *p;

	if (no_pages || npages > 1000)
		return NULL;
	p = mmap(NULL, npages * PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* no leak if kept */
	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 0x5a, npages * PAGE_SIZE);
	pages += npages;
	return p;
}

void
page_free(void *p, size_t npages)
{
	pages -= npages;
	munmap(p, npages * PAGE_SIZE);
}

uint64_t
spin_lock(struct spinlock *l)
{
	assert_int_equal(l->held, 0);
	l->held = 1;
	return 0;
}

void
spin_unlock(struct spinlock *l, uint64_t flags)
{
	(void)flags;
	l->held = 0;
}

static struct object {
	unsigned char *p;
	size_t len;
} live[LIVE];

static void
object_make(struct object *o, unsigned char mark)
{
	size_t i;

	o->len = rand() % 16 == 0 ? rand() % 9000 : rand() % 300;
	o->p = heap_alloc(o->len);
	assert_non_null(o->p);
	assert_int_equal((uintptr_t)o->p % 16, 0);
	for (i = 0; i < o->len; i++)
		assert_int_equal(o->p[i], 0);
	memset(o->p, mark, o->len);
}

static void
object_drop(struct object *o, unsigned char mark)
{
	size_t i;

	for (i = 0; i < o->len; i++)
		assert_int_equal(o->p[i], mark);
	heap_free(o->p, o->len);
	o->p = NULL;
}

static void
test_objects(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		k = rand() % LIVE;
		if (live[k].p == NULL)
			object_make(&live[k], k);
		else
			object_drop(&live[k], k);
	}
	for (k = 0; k < LIVE; k++)
		if (live[k].p != NULL)
			object_drop(&live[k], k);
	assert_true(pages < 200);
}

static void
test_used_again(void **state)
{
	static const size_t lens[] = {0, 1, 32, 33, 64, 1024, 1025, 2048};
	size_t i, before;
	void *p;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		p = heap_alloc(lens[i]);
		heap_free(p, lens[i]);
		assert_ptr_equal(heap_alloc(lens[i]), p);
		heap_free(p, lens[i]);
	}
	before = pages;
	p = heap_alloc(2049);
	assert_int_equal(pages, before + 1);
	heap_free(p, 2049);
	assert_int_equal(pages, before);
	heap_free(NULL, 100);
}

static void
test_out_of_memory(void **state)
{
	size_t n = 0;

	(void)state;
	assert_null(heap_alloc(SIZE_MAX));
	assert_null(heap_alloc(SIZE_MAX - PAGE_SIZE));
	no_pages = true;
	while (heap_alloc(2048) != NULL)
		n++;
	assert_true(n <= ROUNDS);
	assert_null(heap_alloc(2049));
	no_pages = false;
	assert_non_null(heap_alloc(2048));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_objects),
	    cmocka_unit_test(test_used_again),
	    cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
