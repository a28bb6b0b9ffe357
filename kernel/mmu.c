/* SPDX-License-Identifier: ISC */
/*
 * Native page tables: virtual address = physical address, mapped piece by
 * piece as page.c hands memory out, so that the cost of booting does not
 * depend on how much RAM there is.  [SDM] 3, 4.5 (4-level paging).
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/kernel.h"

#define PTE_P     (1UL << 0)
#define PTE_W     (1UL << 1)
#define PTE_PCD   (1UL << 4)
#define PTE_A     (1UL << 5)
#define PTE_D     (1UL << 6)
#define PTE_LARGE (1UL << 7) /* in levels 2 and 3 */
#define PTE_NX    (1UL << 63)
#define PTE_ADDR  0x000ffffffffff000UL

#define ENTRIES 512

/* Above it virtual addresses would not be physical ones. */
#define ADDR_END (1UL << 47)

/* Tables set aside: page.c cannot give us one before the memory it would
 * come from is mapped.  Booting the largest image takes ten (a root, two levels
 * below it for two places, one table for each end of each part), mapping a run
 * of fresh pages and its bookkeeping six, and one for each GiB where the
 * processor has no pages of that size. */
#define EARLY_TABLES 12
#define RESERVE_LOW  6
static uint64_t early_tables[EARLY_TABLES][ENTRIES]
    __attribute__((aligned(PAGE_SIZE)));
static unsigned early_used;
static uint64_t *reserve; /* each one's first word points to the next */
static unsigned nreserve; /* with the early ones */

static uint64_t *root;
static bool have_1g;
static struct spinlock mmu_lock = SPINLOCK("mmu");

extern char __image_start[], __rodata_start[], __data_start[], __image_end[];

static uint64_t
level_size(unsigned level)
{
	return PAGE_SIZE << (9 * (level - 1));
}

static unsigned
level_index(uint64_t addr, unsigned level)
{
	return (addr >> (12 + 9 * (level - 1))) % ENTRIES;
}

static uint64_t *
table_alloc(void)
{
	uint64_t *t = reserve;

	if (nreserve == 0)
		return NULL;
	nreserve--;
	if (early_used < EARLY_TABLES)
		return early_tables[early_used++];
	reserve = (uint64_t *)t[0];
	return memset(t, 0, PAGE_SIZE);
}

bool
mmu_reserve_wants(uint64_t len)
{
	return nreserve < RESERVE_LOW + (have_1g ? 0 : len >> 30);
}

void
mmu_reserve_give(void *page)
{
	uint64_t flags = spin_lock(&mmu_lock);

	*(uint64_t **)page = reserve;
	reserve = page;
	nreserve++;
	spin_unlock(&mmu_lock, flags);
}

static uint64_t *
table_add(uint64_t *e)
{
	uint64_t *t = table_alloc();

	if (t != NULL)
		*e = (uint64_t)t | PTE_P | PTE_W;
	return t;
}

/* Replaces one large page by a table of 512 smaller ones, alike. */
static uint64_t *
table_split(uint64_t *e, unsigned level)
{
	uint64_t step = level_size(level - 1), v = *e, *t = table_alloc();
	unsigned i;

	if (t == NULL)
		return NULL;
	if (level == 2)
		v &= ~PTE_LARGE;
	for (i = 0; i < ENTRIES; i++, v += step)
		t[i] = v;
	*e = (uint64_t)t | PTE_P | PTE_W;
	return t;
}

/* The entry for addr at *level: below it where a table already is, above it
 * where nothing is mapped and `create` does not ask for tables. */
static uint64_t *
entry_find(uint64_t addr, unsigned *level, bool create)
{
	uint64_t *t = root, *e;
	unsigned l = 4;

	for (;; l--) {
		e = &t[level_index(addr, l)];
		if (l == 1)
			break;
		if ((*e & PTE_P) && !(*e & PTE_LARGE)) {
			t = (uint64_t *)(*e & PTE_ADDR);
			continue;
		}
		if (l <= *level || !(create || (*e & PTE_P)))
			break;
		t = *e & PTE_P ? table_split(e, l) : table_add(e);
		if (t == NULL)
			return NULL;
	}
	*level = l;
	return e;
}

static unsigned
level_best(uint64_t addr, uint64_t len)
{
	if (have_1g && addr % level_size(3) == 0 && len >= level_size(3))
		return 3;
	if (addr % level_size(2) == 0 && len >= level_size(2))
		return 2;
	return 1;
}

/* Sets n entries of one table from e on, as far as they are of the same kind;
 * returns how many. */
static uint64_t
entries_set(uint64_t *e, uint64_t n, uint64_t v, uint64_t size, unsigned level)
{
	uint64_t addr = v & PTE_ADDR, i;

	if (!(v & PTE_P))
		v = size = 0;
	else if (level > 1)
		v |= PTE_LARGE;
	for (i = 0; i < n; i++, v += size) {
		if (e[i] & PTE_P) {
			if (level > 1 && !(e[i] & PTE_LARGE))
				break;
			cpu_invlpg(addr + i * level_size(level));
		}
		e[i] = v;
	}
	return i;
}

/* Maps the range with these bits, or unmaps it if they are 0. */
static int
range_set(uint64_t addr, uint64_t len, uint64_t bits)
{
	uint64_t end = ALIGN_UP(addr + len, PAGE_SIZE), size, n, *e;
	unsigned level;

	addr = ALIGN_DOWN(addr, PAGE_SIZE);
	while (addr < end) {
		level = level_best(addr, end - addr);
		e = entry_find(addr, &level, bits != 0);
		if (e == NULL)
			return -ENOMEM;
		size = level_size(level);
		if (bits == 0 && !(*e & PTE_P)) {
			addr = ALIGN_DOWN(addr, size) + size;
			continue;
		}
		n = ENTRIES - level_index(addr, level);
		if (n > (end - addr) / size)
			n = (end - addr) / size;
		addr += size * entries_set(e, n, addr | bits, size, level);
	}
	return 0;
}

/* Accessed and dirty are set beforehand: nobody looks, and the processor is
 * spared the write. */
static uint64_t
prot_bits(unsigned prot)
{
	return PTE_P | PTE_A | PTE_D | ((prot & MMU_W) ? PTE_W : 0) |
	       ((prot & MMU_X) ? 0 : PTE_NX) |
	       ((prot & MMU_UNCACHED) ? PTE_PCD : 0);
}

static int
range_set_locked(uint64_t addr, uint64_t len, uint64_t bits)
{
	uint64_t flags = spin_lock(&mmu_lock);
	int err = range_set(addr, len, bits);

	spin_unlock(&mmu_lock, flags);
	return err;
}

int
mmu_map_reserved(uint64_t paddr, uint64_t len)
{
	return range_set_locked(paddr, len, prot_bits(MMU_W));
}

int
mmu_unmap_reserved(uint64_t paddr, uint64_t len)
{
	return range_set_locked(paddr, len, 0);
}

static int
range_set_any(uint64_t addr, uint64_t len, uint64_t bits)
{
	if (addr > ADDR_END || len > ADDR_END - addr)
		return -EINVAL;
	page_tables_refill(len);
	return range_set_locked(addr, len, bits);
}

int
mmu_map(uint64_t paddr, uint64_t len, unsigned prot)
{
	return range_set_any(paddr, len, prot_bits(prot));
}

int
mmu_unmap(uint64_t paddr, uint64_t len)
{
	return range_set_any(paddr, len, 0);
}

int
mmu_map_device(uint64_t paddr, uint64_t len)
{
	uint64_t first = ALIGN_DOWN(paddr, PAGE_SIZE);
	uint64_t end = ALIGN_UP(paddr + len, PAGE_SIZE);

	if (len == 0 || end <= first || page_is_ram(first, end - first))
		return -EINVAL;
	return mmu_map(first, end - first, MMU_W | MMU_UNCACHED);
}

static void __attribute__((noinline))
map_part(const char *start, const char *end, unsigned prot)
{
	if (mmu_map((uint64_t)start, end - start, prot) < 0)
		panic("mmu: too few tables set aside to map the image");
}

void
mmu_init(void)
{
	nreserve = EARLY_TABLES;
	have_1g = cpu_id(0x80000001, 0).edx & (1U << 26);
	root = table_alloc();
	map_part(__image_start, __rodata_start, MMU_X);
	map_part(__rodata_start, __data_start, MMU_R);
	map_part(__data_start, __image_end, MMU_W);
	cpu_set_cr3((uint64_t)root);
}
