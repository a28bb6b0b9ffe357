/* SPDX-License-Identifier: ISC */
/*
 * Small objects for the kernel, in sizes of powers of two.  The owner tells
 * the size again when it frees, so blocks carry no header; free ones are
 * linked through their first word.  LIMIT: a page once cut into small blocks
 * stays so.
 */
#include <string.h>

#include "kernel/kernel.h"

#define SHIFT_MIN 5
#define CLASSES	  7 /* 32 .. 2048 bytes; above that, whole pages */

struct block {
	struct block *next;
};

static struct block *free_block[CLASSES];
static struct spinlock heap_lock = SPINLOCK("heap");

static unsigned
class_of(size_t bytes)
{
	unsigned bits;

	if (bytes <= 1U << SHIFT_MIN)
		return 0;
	bits = 64 - __builtin_clzl(bytes - 1);
	return bits - SHIFT_MIN;
}

static size_t
pages_of(size_t bytes)
{
	return ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
}

/* Cuts a page into blocks of class c, in address order. */
static void
class_refill(unsigned c)
{
	size_t size = 1UL << (SHIFT_MIN + c), at = PAGE_SIZE;
	char *page = page_alloc(1);
	struct block *b;

	if (page == NULL)
		return;
	while (at > 0) {
		at -= size;
		b = (struct block *)(page + at);
		b->next = free_block[c];
		free_block[c] = b;
	}
}

static void *
class_take(unsigned c)
{
	uint64_t flags = spin_lock(&heap_lock);
	struct block *b;

	if (free_block[c] == NULL)
		class_refill(c);
	b = free_block[c];
	if (b != NULL)
		free_block[c] = b->next;
	spin_unlock(&heap_lock, flags);
	return b;
}

void *
heap_alloc(size_t bytes)
{
	unsigned c = class_of(bytes);
	void *p;

	if (bytes > SIZE_MAX - PAGE_SIZE)
		return NULL;
	p = c < CLASSES ? class_take(c) : page_alloc(pages_of(bytes));
	return p == NULL ? NULL : memset(p, 0, bytes);
}

void
heap_free(void *p, size_t bytes)
{
	unsigned c = class_of(bytes);
	struct block *b = p;
	uint64_t flags;

	if (p == NULL)
		return;
	if (c >= CLASSES) {
		page_free(p, pages_of(bytes));
		return;
	}
	flags = spin_lock(&heap_lock);
	b->next = free_block[c];
	free_block[c] = b;
	spin_unlock(&heap_lock, flags);
}
