/* SPDX-License-Identifier: ISC */
/*
 * kernel/page*.c over an arena of the test's own, with a mock of mmu.c that
 * knows which of its pages are mapped.
 */
#ifndef TESTS_UNIT_PAGE_ARENA_H
#define TESTS_UNIT_PAGE_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Whole: the test resets what is static in them. */
#include "kernel/page.c"
#include "kernel/page_heap.c"
#include "kernel/page_host.c"
#include "kernel/page_idle.c"

#define MIB   (1UL << 20)
#define ARENA (64 * MIB)

static char *arena;
static unsigned char mapped[ARENA / PAGE_SIZE];

/* An image of one page that lies outside every arena. */
char __image_start[PAGE_SIZE];
__asm__(".globl __image_end\n.set __image_end, __image_start + 4096");

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

void
panic(const char *fmt, ...)
{
	fail_msg("panic: %s", fmt);
	abort();
}

static void
map_set(uint64_t addr, uint64_t len, int on)
{
	uint64_t end = addr + len;

	for (addr = ALIGN_DOWN(addr, PAGE_SIZE); addr < end; addr += PAGE_SIZE)
		mapped[(addr - (uint64_t)arena) / PAGE_SIZE] = on;
}

int
mmu_map_reserved(uint64_t paddr, uint64_t len)
{
	map_set(paddr, len, 1);
	return 0;
}

int
mmu_map(uint64_t paddr, uint64_t len, unsigned prot)
{
	(void)prot;
	map_set(paddr, len, 1);
	return 0;
}

int
mmu_unmap(uint64_t paddr, uint64_t len)
{
	map_set(paddr, len, 0);
	return 0;
}

int
mmu_unmap_reserved(uint64_t paddr, uint64_t len)
{
	map_set(paddr, len, 0);
	return 0;
}

bool
mmu_reserve_wants(uint64_t len)
{
	(void)len;
	return false;
}

void
mmu_reserve_give(void *page)
{
	(void)page;
}

static bool
is_mapped(uintptr_t addr)
{
	return mapped[(addr - (uintptr_t)arena) / PAGE_SIZE];
}

static void
page_reset(void)
{
	memset(mapped, 0, sizeof(mapped));
	memset(page_region, 0, sizeof(page_region));
	memset(page_idle, 0, sizeof(page_idle));
	memset(free_list, 0, sizeof(free_list));
	page_nregion = heap_region = 0;
	free_listed = page_all = given = 0;
	page_dirty = NULL;
	page_reclaim = NULL;
}

/* One region in the arena; small ones are placed off any 2 MiB boundary. */
static void
memory_is(size_t bytes)
{
	static struct boot_info bi;

	memset(&bi, 0, sizeof(bi));
	bi.nmem = 1;
	bi.mem[0].base = (uintptr_t)arena + 12 * PAGE_SIZE;
	bi.mem[0].len = bytes;
	page_reset();
	page_init(&bi);
}

static void
arena_make(void)
{
	arena = aligned_alloc(2 * MIB, ARENA);
}

#endif
