/* SPDX-License-Identifier: ISC */
/*
 * ACPI's tables as a host may write them: good ones, cut at every place, with
 * lengths that lie, and with random bytes changed.
 */
/* LINK: kernel/acpi.c kernel/aml.c tests/unit/kernel_stub.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/acpi.h"
#include "kernel/kernel.h"
#include "tests/unit/kernel_stub.h"

/* Physical memory: below 4 GiB, for the fields of 32 bits. */
#define ARENA     0x10000000UL
#define ARENA_LEN 0x10000UL

uint64_t acpi_rsdp_paddr;
static uint8_t *arena;
static size_t used;
static uint64_t ram; /* from here on there is RAM */

bool
page_is_ram(uint64_t paddr, uint64_t len)
{
	return paddr + len > ram;
}

int
mmu_map(uint64_t paddr, uint64_t len, unsigned prot)
{
	assert_int_equal(prot, MMU_R);
	return paddr >= ARENA && len <= ARENA_LEN &&
		       paddr - ARENA <= ARENA_LEN - len
		   ? 0
		   : -EINVAL;
}

static void
put(uint8_t *p, uint64_t v, unsigned n)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
}

static void
seal(uint8_t *p, size_t len, size_t at)
{
	uint8_t sum = 0;

	p[at] = 0;
	while (len > 0)
		sum += p[--len];
	p[at] = (uint8_t)-sum;
}

/* A table of that body; where it is. */
static uint8_t *
table(const char *name, const void *body, size_t len)
{
	uint8_t *p = arena + used;

	memset(p, 0, 36);
	memcpy(p, name, 4);
	put(p + 4, 36 + len, 4);
	memcpy(p + 36, body, len);
	seal(p, 36 + len, 9);
	used += ALIGN_UP(36 + len, 16);
	assert_true(used <= ARENA_LEN);
	return p;
}

static void
rsdp(unsigned version, const uint8_t *rsdt, const uint8_t *xsdt)
{
	uint8_t *p = arena + used;

	memset(p, 0, 36);
	memcpy(p, "RSD PTR ", 8);
	p[15] = (uint8_t)version;
	put(p + 16, (uint64_t)rsdt, 4);
	put(p + 24, (uint64_t)xsdt, 8);
	seal(p, 20, 8);
	used += 48;
	acpi_rsdp_paddr = (uint64_t)p;
}

/* Root pointer and table for up to three others. */
static void
root(unsigned width, uint8_t *const *t, unsigned n)
{
	uint8_t body[3 * 8], *r;
	unsigned i;

	for (i = 0; i < n; i++)
		put(body + i * width, (uint64_t)t[i], width);
	r = table(width == 8 ? "XSDT" : "RSDT", body, n * width);
	rsdp(width == 8 ? 2 : 0, width == 8 ? NULL : r, width == 8 ? r : NULL);
}

static int
fresh(void **state)
{
	(void)state;
	if (arena == NULL)
		arena = mmap((void *)ARENA, ARENA_LEN, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(arena, (void *)ARENA);
	memset(arena, 0, ARENA_LEN);
	used = 0;
	ram = UINT64_MAX;
	acpi_rsdp_paddr = 0;
	return 0;
}

static int
nothing_left(void **state)
{
	(void)state;
	assert_int_equal(stub_pages, 0);
	return 0;
}

/* --- tables of fixed form --- */

static void
mcfg_body(uint8_t *body)
{
	memset(body, 0, 8 + 2 * 16);
	put(body + 8, 0x111000000, 8);
	body[16] = 1; /* segment 1 */
	put(body + 24, 0xb0000000, 8);
	body[24 + 10] = 0;
	body[24 + 11] = 0x3f;
}

static void
test_mcfg(void **state)
{
	uint8_t body[8 + 2 * 16], *t[3];
	struct acpi_ecam e;
	unsigned width;

	for (width = 4; width <= 8; width += 4) {
		fresh(state);
		mcfg_body(body);
		t[0] = table("HPET", "", 1);
		t[1] = (uint8_t *)ARENA_LEN; /* nowhere */
		t[2] = table("MCFG", body, sizeof(body));
		root(width, t, 3);
		assert_true(acpi_mcfg(&e));
		assert_int_equal(e.paddr, 0xb0000000);
		assert_int_equal(e.first_bus, 0);
		assert_int_equal(e.last_bus, 0x3f);
		ram = ARENA; /* what was there may be overwritten by now */
		assert_false(acpi_mcfg(&e));
		ram = UINT64_MAX;
		put(t[2] + 4, 36 + 8 + 16 + 15, 4); /* cuts the second */
		seal(t[2], 36 + 8 + 16 + 15, 9);
		assert_false(acpi_mcfg(&e));
	}
}

static void
test_refused(void **state)
{
	static const uint32_t bad[] = {0, 4, 35, 2000, 1U << 30, UINT32_MAX};
	uint8_t body[8 + 2 * 16], *t[1], *r;
	struct acpi_ecam e;
	unsigned i;

	(void)state;
	assert_false(acpi_mcfg(&e)); /* no root pointer */
	mcfg_body(body);
	t[0] = table("MCFG", body, sizeof(body));
	root(8, t, 1);
	r = (uint8_t *)acpi_rsdp_paddr;
	assert_true(acpi_mcfg(&e));
	r[3] ^= 1;
	assert_false(acpi_mcfg(&e));
	r[3] ^= 1;
	t[0][20] ^= 1; /* checksum of the table */
	assert_false(acpi_mcfg(&e));
	t[0][20] ^= 1;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(t[0] + 4, bad[i], 4);
		assert_false(acpi_mcfg(&e));
	}
	put(t[0] + 4, 36 + sizeof(body), 4);
	assert_true(acpi_mcfg(&e));
	r -= 48; /* the XSDT: 36 bytes and an entry */
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(r + 4, bad[i], 4);
		assert_false(acpi_mcfg(&e));
	}
	acpi_rsdp_paddr = UINT64_MAX - 10;
	assert_false(acpi_mcfg(&e));
	stub_page_limit = 0;
	acpi_rsdp_paddr = (uint64_t)r + 48;
	assert_false(acpi_mcfg(&e));
	stub_page_limit = SIZE_MAX;
}

static void
test_ioapic(void **state)
{
	uint8_t body[8 + 8 + 12 + 12 + 2] = {0}, *t[1];
	uint64_t paddr = 0;
	unsigned first = 0;

	(void)state;
	body[8] = 0;
	body[9] = 8; /* a processor */
	body[16] = 1;
	body[17] = 12;
	put(body + 20, 0xfec10000, 4);
	put(body + 24, 24, 4);
	body[28] = 1;
	body[29] = 12;
	put(body + 32, 0xfec00000, 4);
	t[0] = table("APIC", body, sizeof(body)); /* ends with an entry of 0 */
	root(8, t, 1);
	assert_true(acpi_ioapic(30, &paddr, &first));
	assert_int_equal(paddr, 0xfec10000);
	assert_int_equal(first, 24);
	assert_true(acpi_ioapic(23, &paddr, &first));
	assert_int_equal(paddr, 0xfec00000);
	t[0][36 + 17] = 11; /* too short */
	seal(t[0], 36 + sizeof(body), 9);
	assert_false(acpi_ioapic(23, &paddr, &first));
	t[0][36 + 9] = 200; /* beyond the end */
	seal(t[0], 36 + sizeof(body), 9);
	assert_false(acpi_ioapic(30, &paddr, &first));
}

/* --- the DSDT --- */

#define D2(v)   (v) & 0xff, (v) >> 8 & 0xff
#define D4(v)   D2(v), D2((v) >> 16)
#define D8(v)   D4((uint64_t)(v)), D4((uint64_t)(v) >> 32)
#define NAME(n) 0x08, n[0], n[1], n[2], n[3]
#define HID     NAME("_HID"), 0x0d
#define CRS     NAME("_CRS"), 0x11

#define MEMORY32(base, len) 0x86, D2(9), 1, D4(base), D4(len)
#define IRQ(n)              0x89, D2(6), 1, 1, D4(n)
#define BUSES(lo, hi)                                                          \
	0x88, D2(13), 2, 0, 0, D2(0), D2(lo), D2(hi), D2(0), D2(hi - lo + 1)
#define DWORD(lo, len)                                                         \
	0x87, D2(23), 0, 0, 0, D4(0), D4(lo), D4(lo + len - 1), D4(0), D4(len)
#define QWORD(lo, len)                                                         \
	0x8a, D2(43), 0, 0, 0, D8(0), D8(lo), D8(lo + len - 1), D8(0), D8(len)
#define END 0x79, 0

/* One device; a link; a bridge's configuration base, and its resources: a
 * window below 1 MiB that is passed over, one of 32 bits, one of 64. */
/* clang-format off */
static const uint8_t aml[] = {
    HID, 'L', 'N', 'R', 'O', '0', '0', '0', '5', 0,
    CRS, 26, 0x0a, 23, MEMORY32(0xfeb00200, 0x200), IRQ(25), END,
    HID, 'P', 'N', 'P', '0', 'C', '0', 'F', 0,
    CRS, 14, 0x0a, 11, IRQ(17), END,
    0x14, 12, '_', 'C', 'B', 'A', 0, 0xa4, 0x0c, D4(0xe0000000),
    CRS, 0x47, 0x07, 0x0b, D2(114), BUSES(0, 0x7f), DWORD(0xa0000, 0x20000),
    DWORD(0xc0000000, 0x20000000), QWORD(0xc000000000, 0x4000000000),
};
/* clang-format on */

static unsigned ndevices, last_gsi;
static uint64_t last_base, last_len;

static void
device(uint64_t base, uint64_t len, unsigned gsi)
{
	ndevices++;
	last_base = base;
	last_len = len;
	last_gsi = gsi;
}

/* Its end is that of a page, so that a read too far is seen. */
static void
dsdt(const uint8_t *p, size_t len)
{
	static uint8_t body[PAGE_SIZE - 36];
	uint8_t fadt[148 - 36] = {0}, *t[1];

	fresh(NULL);
	memset(body, 0, sizeof(body));
	memcpy(body + sizeof(body) - len, p, len);
	put(fadt + 112 - 36, 1U << 20, 4); /* reduced */
	put(fadt + 140 - 36, (uint64_t)table("DSDT", body, sizeof(body)), 8);
	t[0] = table("FACP", fadt, sizeof(fadt));
	root(8, t, 1);
}

static void
test_dsdt(void **state)
{
	struct acpi_pci pci;

	(void)state;
	dsdt(aml, sizeof(aml));
	ndevices = 0;
	acpi_virtio_mmio(device);
	assert_int_equal(ndevices, 1);
	assert_int_equal(last_base, 0xfeb00200);
	assert_int_equal(last_len, 0x200);
	assert_int_equal(last_gsi, 25);
	acpi_pci(&pci);
	assert_true(pci.has_ecam);
	assert_int_equal(pci.ecam.paddr, 0xe0000000);
	assert_int_equal(pci.ecam.last_bus, 0x7f);
	assert_int_equal(pci.low.base, 0xc0000000);
	assert_int_equal(pci.low.len, 0x20000000);
	assert_int_equal(pci.high.base, 0xc000000000);
	assert_int_equal(pci.high.len, 0x4000000000);
	assert_int_equal(pci.nlinks, 1);
	assert_int_equal(pci.link[0], 17);
}

static void
test_dsdt_cut(void **state)
{
	struct acpi_pci pci;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(aml); len++) {
		dsdt(aml, len);
		ndevices = 0;
		acpi_virtio_mmio(device);
		assert_true(ndevices <= 1);
		acpi_pci(&pci);
		assert_true(pci.low.len == 0 || pci.low.base == 0xc0000000);
	}
}

static void
test_dsdt_random(void **state)
{
	uint8_t bytes[sizeof(aml)];
	struct acpi_pci pci;
	unsigned i, n;

	(void)state;
	srand(1);
	for (i = 0; i < 5000; i++) {
		memcpy(bytes, aml, sizeof(aml));
		for (n = 0; n < 1 + i % 8; n++)
			bytes[(unsigned)rand() % sizeof(aml)] = (uint8_t)rand();
		dsdt(bytes, sizeof(bytes));
		acpi_virtio_mmio(device);
		acpi_pci(&pci);
		assert_true(pci.nlinks <= 4);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, nothing_left)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_mcfg),
	    TEST(test_refused),
	    TEST(test_ioapic),
	    TEST(test_dsdt),
	    TEST(test_dsdt_cut),
	    TEST(test_dsdt_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
