/* SPDX-License-Identifier: ISC */
/*
 * Small objects for the kernel, in sizes of powers of two, cut from a page as
 * they are asked for.  The owner tells the size again when it frees, so blocks
 * carry no header; free ones are linked through their first word.  The first
 * page is part of the image: what booting needs fits there.  LIMIT: memory once
 * cut into blocks stays so.
 */
#include <string.h>

#include "kernel/kernel.h"

#define SHIFT_MIN 5
#define CLASSES   7 /* 32 .. 2048 bytes; above that, whole pages */

struct block {
	struct block *next;
};

static struct block *free_block[CLASSES];
static char first_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static char *uncut = first_page;
static size_t left = PAGE_SIZE; /* bytes from there to its page's end */
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

/* The end of a page that is too short for a block of its kind is lost. */
static void *
cut(size_t size)
{
	char *p = uncut;

	if (size > left) {
		p = page_alloc(1);
		if (p == NULL)
			return NULL;
		left = PAGE_SIZE;
	}
	uncut = p + size;
	left -= size;
	return p;
}

static void *
class_take(unsigned c)
{
	uint64_t flags = spin_lock(&heap_lock);
	struct block *b = free_block[c];

	if (b != NULL)
		free_block[c] = b->next;
	else
		b = cut(1UL << (SHIFT_MIN + c));
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
