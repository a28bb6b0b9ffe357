/* SPDX-License-Identifier: ISC */
/*
 * The C heap up to the last page and back: what malloc gives is zero when
 * calloc says so, never overlaps, runs out with NULL, and is usable again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK       (64 * 1024)
#define LARGE_PAGES (12L << 30 >> 12) /* too much to be exhausted here */

struct block {
	struct block *next;
	char fill[BLOCK - sizeof(struct block *)];
};

static int failed;

static void
check(int ok, const char *what)
{
	printf("%s %s\n", ok ? "ok" : "not ok", what);
	failed |= !ok;
}

/* Takes blocks until there are no more, each marked as its own. */
static size_t
exhaust(struct block **list)
{
	struct block *b;
	size_t n = 0;

	while ((b = malloc(sizeof(*b))) != NULL) {
		memset(b->fill, n & 0xff, sizeof(b->fill));
		b->next = *list;
		*list = b;
		n++;
	}
	return n;
}

static int
intact(const struct block *b, size_t n)
{
	size_t i;

	for (; b != NULL; b = b->next) {
		n--;
		for (i = 0; i < sizeof(b->fill); i++)
			if (b->fill[i] != (char)n)
				return 0;
	}
	return 1;
}

static void
release(struct block **list)
{
	struct block *b;

	while ((b = *list) != NULL) {
		*list = b->next;
		free(b);
	}
}

static void
test_exhaustion(void)
{
	struct block *list = NULL;
	size_t first, second;

	first = exhaust(&list);
	check(errno == ENOMEM, "malloc out of memory says ENOMEM");
	check(intact(list, first), "blocks do not overlap");
	release(&list);
	second = exhaust(&list);
	check(second + second / 50 + 1 >= first, "freed memory serves again");
	release(&list);
	printf("# %zu KiB\n", first * BLOCK / 1024);
}

static void
test_calloc(void)
{
	size_t len = 300000, i;
	char *p = malloc(len);
	int clean = 1;

	memset(p, 0x55, len);
	free(p);
	p = calloc(1, len);
	for (i = 0; i < len; i++)
		clean = clean && p[i] == 0;
	check(clean, "calloc clears used memory");
	free(p);
}

static void
test_align(void)
{
	void *p = NULL;
	size_t align;
	int ok = 1;

	for (align = 16; align <= 65536; align *= 2) {
		ok = ok && posix_memalign(&p, align, 100) == 0 &&
		    (uintptr_t)p % align == 0;
		free(p);
	}
	check(ok, "posix_memalign aligns");
	check(posix_memalign(&p, 3, 100) == EINVAL, "and refuses 3");
}

/* More than the tables that the kernel has at hand can map. */
static void
test_large_step(void)
{
	const intptr_t step = 9L << 30;
	char *p;

	p = sbrk(step);
	check(p != (char *)-1, "sbrk of 9 GiB");
	p[0] = p[step - 1] = 1;
	check(sbrk(-step) != (char *)-1, "and back");
}

int
main(void)
{
	void *huge = malloc(SIZE_MAX / 4);

	check(huge == NULL, "malloc refuses more than there is");
	if (sysconf(_SC_PHYS_PAGES) > LARGE_PAGES) {
		test_large_step();
		return failed;
	}
	test_calloc();
	test_align();
	test_exhaustion();
	return failed;
}
