/* SPDX-License-Identifier: ISC */
/*
 * Uses memory as standard input says, for tests that watch it from the host.
 * One command a line, answered by one line:
 *
 *	malloc N, mmap N    takes N MiB and writes to all of it
 *	small N             the same in blocks of 4 KiB to 200 KiB
 *	free                gives back all of them
 *	check               are they as they were written?
 *	info                numbers
 *	exit
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sprat/balloon.h>

#define MIB (1UL << 20)

struct block {
	struct block *next;
	size_t len;
	int mapped;
	unsigned seed;
};

static struct block *blocks;
static unsigned seed;

static uint64_t *
words(struct block *b)
{
	return (uint64_t *)(void *)(b + 1);
}

static size_t
nwords(const struct block *b)
{
	return (b->len - sizeof(*b)) / sizeof(uint64_t);
}

static int
take(size_t len, int mapped)
{
	struct block *b;
	size_t i;

	b = mapped ? mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
		   : malloc(len);
	if (b == NULL || (void *)b == MAP_FAILED)
		return 0;
	b->len = len;
	b->mapped = mapped;
	b->seed = ++seed;
	b->next = blocks;
	blocks = b;
	for (i = 0; i < nwords(b); i++)
		words(b)[i] = (uint64_t)b->seed << 40 ^ i;
	return 1;
}

static int
take_small(size_t len)
{
	size_t n;

	for (; len > 0; len -= n < len ? n : len) {
		n = 4096 + (size_t)rand() % 200000;
		if (!take(n, seed % 2))
			return 0;
	}
	return 1;
}

static void
release(void)
{
	struct block *b;

	while ((b = blocks) != NULL) {
		blocks = b->next;
		if (b->mapped)
			munmap(b, b->len);
		else
			free(b);
	}
}

static int
intact(void)
{
	struct block *b;
	size_t i;

	for (b = blocks; b != NULL; b = b->next)
		for (i = 0; i < nwords(b); i++)
			if (words(b)[i] != ((uint64_t)b->seed << 40 ^ i))
				return 0;
	return 1;
}

static void
info(void)
{
	struct sprat_memory m;

	sprat_memory(&m);
	printf("ok total %zu unused %zu given %zu wanted %zu reclaimed %zu\n",
	    m.total, m.unused, m.given, m.wanted, m.reclaimed);
}

int
main(void)
{
	char line[80], verb[16];
	size_t n;
	int ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ok ready");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		n = 0;
		sscanf(line, "%15s %zu", verb, &n);
		if (strcmp(verb, "exit") == 0)
			return 0;
		if (strcmp(verb, "info") == 0) {
			info();
			continue;
		}
		ok = 1;
		if (strcmp(verb, "malloc") == 0)
			ok = take(n * MIB, 0);
		else if (strcmp(verb, "mmap") == 0)
			ok = take(n * MIB, 1);
		else if (strcmp(verb, "small") == 0)
			ok = take_small(n * MIB);
		else if (strcmp(verb, "check") == 0)
			ok = intact();
		else if (strcmp(verb, "free") == 0)
			release();
		printf("%s %s\n", ok ? "ok" : "not ok", verb);
	}
	return 1;
}
