/* SPDX-License-Identifier: ISC */
/* Sparse arrays of pages; see pagetree.h. */
#include "libc-shim/pagetree.h"

#include <string.h>

#include "kernel/kernel.h"

#define SHIFT 9
#define SLOTS (1UL << SHIFT)

/* Pages that a tree of this height can hold. */
static uint64_t
capacity(unsigned height)
{
	return height * SHIFT >= 64 ? UINT64_MAX : 1UL << (height * SHIFT);
}

/* Where in a table of this height (1 and up) the way to index goes on. */
static unsigned
slot_of(uint64_t index, unsigned height)
{
	return (index >> ((height - 1) * SHIFT)) % SLOTS;
}

void *
pagetree_get(const struct pagetree *t, uint64_t index)
{
	unsigned height = t->height;
	void *at = t->root;

	if (index >= capacity(height))
		return NULL;
	for (; height > 0 && at != NULL; height--)
		at = ((void **)at)[slot_of(index, height)];
	return at;
}

static void *
table_new(void)
{
	void *p = page_alloc(1);

	return p == NULL ? NULL : memset(p, 0, PAGE_SIZE);
}

static int
grow(struct pagetree *t, uint64_t index)
{
	void **table;

	while (index >= capacity(t->height)) {
		table = NULL;
		if (t->root != NULL) {
			table = table_new();
			if (table == NULL)
				return -ENOMEM;
			table[0] = t->root;
		}
		t->root = table;
		t->height++;
	}
	return 0;
}

int
pagetree_put(struct pagetree *t, uint64_t index, void *page)
{
	void **at = &t->root;
	unsigned height;
	int err = grow(t, index);

	if (err != 0)
		return err;
	for (height = t->height; height > 0; height--) {
		if (*at == NULL)
			*at = table_new();
		if (*at == NULL)
			return -ENOMEM;
		at = &((void **)*at)[slot_of(index, height)];
	}
	ASSERT(*at == NULL);
	*at = page;
	t->npages++;
	return 0;
}

/* Trims what hangs on *at, in which `first` is an index. */
static void
trim(struct pagetree *t, void **at, unsigned height, uint64_t first)
{
	uint64_t each;
	unsigned i;

	if (*at == NULL)
		return;
	if (height > 0) {
		each = capacity(height - 1);
		for (i = slot_of(first, height); i < SLOTS; i++) {
			trim(t, (void **)*at + i, height - 1, first % each);
			first = 0;
		}
		for (i = 0; i < SLOTS; i++)
			if (((void **)*at)[i] != NULL)
				return;
	} else {
		if (first != 0)
			return;
		t->npages--;
	}
	page_free(*at, 1);
	*at = NULL;
}

void
pagetree_trim(struct pagetree *t, uint64_t first)
{
	if (first >= capacity(t->height))
		return;
	trim(t, &t->root, t->height, first);
	if (t->root == NULL)
		t->height = 0;
}
