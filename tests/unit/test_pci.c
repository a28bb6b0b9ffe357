/* SPDX-License-Identifier: ISC */
/*
 * PCI functions found, numbered, given addresses; and a host whose lists,
 * bridges, BARs and tables lie.
 */
/* LINK: kernel/pci_assign.c tests/unit/fake_pci.c tests/unit/kernel_stub.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/pci.c" /* whole: it is looked at anew for each test */
#include "tests/unit/fake_pci.h"
#include "tests/unit/kernel_stub.h"

#define VIRTIO 0x10441af4
#define OTHER  0x10001234
#define BRIDGE 0x000c1b36
#define HOST   0x12378086

#define WIDE PCI_BASE_ADDRESS_MEM_TYPE_64
#define MIB  (1UL << 20)

static int
fresh(void **state)
{
	struct pci_dev *d;

	(void)state;
	while ((d = all) != NULL) {
		all = d->next;
		heap_free(d, sizeof(*d));
	}
	all_end = &all;
	nfunctions = last_bus = 0;
	scanned = false;
	memset(seen, 0, sizeof(seen));
	fake_nfn = 0;
	fake_endless = false;
	memset(&fake_acpi, 0, sizeof(fake_acpi));
	fake_acpi.low.base = 0xc0000000;
	fake_acpi.low.len = 0x10000000;
	fake_acpi.high.base = 0x100000000;
	fake_acpi.high.len = 0x100000000;
	fake_add(-1, 0, HOST, false);
	return 0;
}

static struct pci_dev *
dev(unsigned slot)
{
	struct pci_dev *d;

	for (d = pci_first(); d != NULL; d = d->next)
		if (d->slot == slot && d->vendor == PCI_VENDOR_VIRTIO)
			return d;
	fail_msg("no device in slot %u", slot);
	return NULL;
}

static void
test_none(void **state)
{
	(void)state;
	fake_nfn = 0;
	assert_null(pci_first());
	assert_null(pci_first());
}

static void
test_bars(void **state)
{
	unsigned f = fake_add(-1, 3, VIRTIO, false);
	struct pci_dev *d;

	(void)state;
	fake_bar(f, 0, 32, PCI_BASE_ADDRESS_SPACE_IO);
	fake_bar(f, 1, 0x1000, 0);
	fake_bar(f, 2, 1UL << 32, WIDE);
	fake_bar(f, 4, 0x4000, WIDE | PCI_BASE_ADDRESS_MEM_PREFETCH);
	fake_put(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	d = dev(3);
	assert_int_equal(d->bar[0].len, 0);
	assert_int_equal(d->bar[1].len, 0x1000);
	assert_int_equal(d->bar[1].paddr, 0xc0000000);
	assert_int_equal(d->bar[2].len, 1UL << 32);
	assert_int_equal(d->bar[2].paddr, 0x100000000);
	assert_int_equal(d->bar[4].len, 0x4000);
	assert_int_equal(d->bar[4].paddr, 0xc0004000);
	assert_int_equal(fake_get(f, PCI_BASE_ADDRESS_3, 4), 1);
	assert_int_equal(fake_get(f, PCI_BASE_ADDRESS_4, 4), 0xc000400c);
	assert_int_equal(
	    fake_get(f, PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

/* Probing while memory is decoded would put the BAR anywhere. */
static void
test_decode_off(void **state)
{
	unsigned f = fake_add(-1, 3, VIRTIO, false);

	(void)state;
	fake_bar(f, 1, 0x1000, 0);
	fake_put(f, PCI_BASE_ADDRESS_1, 4, 0xfe000000);
	fake_put(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(dev(3)->bar[1].paddr, 0xfe000000);
	assert_int_equal(fake_get(f, PCI_BASE_ADDRESS_1, 4), 0xfe000000);
	assert_false(fake_fn[f].decoded_while_probed);
	assert_int_equal(fake_get(f, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}

static void
test_too_large(void **state)
{
	unsigned f = fake_add(-1, 3, VIRTIO, false);

	(void)state;
	fake_bar(f, 0, 1UL << 63, WIDE);
	fake_bar(f, 2, 1UL << 41, WIDE);
	fake_bar(f, 4, 1UL << 31, 0);
	fake_bar(f, 5, 0x1000, 0);
	assert_int_equal(dev(3)->bar[0].paddr, 0);
	assert_int_equal(dev(3)->bar[2].paddr, 0);
	assert_int_equal(dev(3)->bar[4].paddr, 0);
	assert_int_equal(dev(3)->bar[5].paddr, 0xc0000000);
}

/* Two bridges below one, devices with BARs of all kinds behind both. */
static void
test_bridges(void **state)
{
	unsigned a = fake_add(-1, 1, BRIDGE, true);
	unsigned b = fake_add((int)a, 2, BRIDGE, true);
	unsigned c = fake_add((int)a, 3, BRIDGE, true);
	unsigned f = fake_add((int)b, 4, VIRTIO, false);
	unsigned g = fake_add((int)c, 5, VIRTIO, false);
	unsigned e = fake_add(-1, 2, BRIDGE, true);

	(void)state;
	fake_bar(f, 0, 0x1000, 0);
	fake_bar(g, 0, 4 * MIB, 0);
	fake_bar(g, 2, 1UL << 30, WIDE);
	assert_int_equal(dev(4)->bus, 2);
	assert_int_equal(dev(5)->bus, 3);
	assert_int_equal(fake_get(a, PCI_PRIMARY_BUS, 4), 0x030100);
	assert_int_equal(fake_get(c, PCI_PRIMARY_BUS, 4), 0x030301);
	assert_int_equal(fake_get(e, PCI_PRIMARY_BUS, 4), 0x040400);
	/* f's 1 MiB, then at a multiple of its length g's */
	assert_int_equal(fake_get(a, PCI_MEMORY_BASE, 4), 0xc070c000);
	assert_int_equal(fake_get(b, PCI_MEMORY_BASE, 4), 0xc000c000);
	assert_int_equal(fake_get(c, PCI_MEMORY_BASE, 4), 0xc070c040);
	assert_int_equal(dev(4)->bar[0].paddr, 0xc0000000);
	assert_int_equal(dev(5)->bar[0].paddr, 0xc0400000);
	assert_int_equal(dev(5)->bar[2].paddr, 0x100000000);
	assert_int_equal(fake_get(c, PCI_PREF_MEMORY_BASE, 4), 0x3ff00001);
	assert_int_equal(fake_get(c, PCI_PREF_BASE_UPPER32, 4), 1);
	assert_int_equal(fake_get(c, PCI_PREF_LIMIT_UPPER32, 4), 1);
	/* what leads nowhere is closed */
	assert_int_equal(fake_get(e, PCI_MEMORY_BASE, 4), 0x0000fff0);
	pci_enable(dev(5));
	assert_int_equal(fake_get(a, PCI_COMMAND, 2), 6);
	assert_int_equal(fake_get(b, PCI_COMMAND, 2), 0);
	assert_int_equal(fake_get(c, PCI_COMMAND, 2), 6);
	assert_int_equal(fake_get(g, PCI_COMMAND, 2), 6);
}

/* Numbers from the last slot down, as qboot gives them; addresses stay. */
static void
test_firmware(void **state)
{
	unsigned a = fake_add(-1, 1, BRIDGE, true);
	unsigned b = fake_add(-1, 2, BRIDGE, true);
	unsigned f = fake_add((int)a, 4, VIRTIO, false);
	unsigned g = fake_add((int)b, 5, VIRTIO, false);

	(void)state;
	fake_put(a, PCI_PRIMARY_BUS, 4, 0x020200);
	fake_put(b, PCI_PRIMARY_BUS, 4, 0x010100);
	fake_bar(f, 0, 0x1000, 0);
	fake_put(f, PCI_BASE_ADDRESS_0, 4, 0xfe000000);
	fake_bar(g, 0, 0x1000, 0);
	assert_int_equal(dev(4)->bus, 2);
	assert_int_equal(dev(5)->bus, 1);
	assert_int_equal(dev(4)->bar[0].paddr, 0xfe000000);
	assert_int_equal(dev(5)->bar[0].paddr, 0);
	assert_int_equal(fake_get(a, PCI_MEMORY_BASE, 4), 0);
}

static void
test_circles(void **state)
{
	unsigned a = fake_add(-1, 1, BRIDGE, true);
	unsigned b = fake_add((int)a, 2, BRIDGE, true);

	(void)state;
	fake_put(a, PCI_SECONDARY_BUS, 1, 1);
	fake_put(b, PCI_SECONDARY_BUS, 1, 1);
	assert_non_null(pci_first());
	assert_int_equal(nfunctions, 3);
	fresh(state);
	fake_endless = true;
	assert_non_null(pci_first());
	assert_true(nfunctions <= FUNCTIONS_MAX);
}

static void
test_caps(void **state)
{
	unsigned f = fake_add(-1, 3, VIRTIO, false);
	uint8_t at[PCI_CAPS_MAX];

	(void)state;
	fake_put(f, PCI_CAPABILITY_LIST, 1, 0x40);
	fake_put(f, 0x40, 2, 0x5009);
	fake_put(f, 0x50, 2, 0x6305); /* low bits are not the address's */
	fake_put(f, 0x60, 2, 0x0009);
	assert_int_equal(pci_caps(dev(3), PCI_CAP_ID_VNDR, at), 0);
	fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	assert_int_equal(pci_caps(dev(3), PCI_CAP_ID_VNDR, at), 2);
	assert_int_equal(at[0], 0x40);
	assert_int_equal(at[1], 0x60);
	fake_put(f, 0x60, 2, 0x4009); /* a circle */
	assert_int_equal(pci_caps(dev(3), PCI_CAP_ID_VNDR, at), 32);
	fake_put(f, 0x40, 2, 0x4009); /* a smaller one */
	assert_int_equal(pci_caps(dev(3), PCI_CAP_ID_VNDR, at), PCI_CAPS_MAX);
	fake_put(f, 0x40, 2, 0x3c09); /* into the header */
	assert_int_equal(pci_caps(dev(3), PCI_CAP_ID_VNDR, at), 1);
}

static void
test_map(void **state)
{
	unsigned f = fake_add(-1, 3, VIRTIO, false);
	struct pci_dev *d;

	(void)state;
	fake_bar(f, 1, 0x4000, 0);
	fake_put(f, PCI_BASE_ADDRESS_1, 4, 0xfe000000);
	fake_bar(f, 2, 0x4000, 0);
	fake_put(f, PCI_BASE_ADDRESS_2, 4, 0x100000); /* our memory */
	fake_bar(f, 3, 0x4000, 0);                    /* has no address */
	d = dev(3);
	assert_ptr_equal(pci_map(d, 1, 0x3000, 0x1000), (void *)0xfe003000);
	assert_null(pci_map(d, 1, 0x3000, 0x1001));
	assert_null(pci_map(d, 1, 0x4001, 1));
	assert_null(pci_map(d, 1, UINT64_MAX, 2));
	assert_null(pci_map(d, 1, 0x1000, UINT64_MAX));
	assert_null(pci_map(d, 1, 0, 0));
	assert_null(pci_map(d, 2, 0, 16));
	assert_null(pci_map(d, 3, 0, 16));
	assert_null(pci_map(d, 0, 0, 16));
	assert_null(pci_map(d, 6, 0, 16));
	assert_null(pci_map(d, UINT32_MAX, 0, 16));
}

static void
test_msix(void **state)
{
	static const uint32_t bad[] = {0x6, 0x7, 0x0, 0x1ff0 | 1, ~7U | 1};
	unsigned f = fake_add(-1, 3, VIRTIO, false), i;
	uint32_t *table = calloc(1, 0x2000);
	const int vectors[] = {40, 41};
	struct pci_dev *d;

	(void)state;
	fake_bar(f, 1, 0x2000, 0);
	d = dev(3);
	assert_int_equal(pci_msix_count(d), 0);
	assert_int_equal(pci_msix_enable(d, vectors, 2), -ENODEV);
	fake_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(f, PCI_CAPABILITY_LIST, 1, 0x40);
	fake_put(f, 0x40, 4, PCI_CAP_ID_MSIX);
	assert_int_equal(pci_msix_count(d), 1);
	assert_int_equal(pci_msix_enable(d, vectors, 2), -ENODEV);
	fake_put(f, 0x42, 2, 2);
	assert_int_equal(pci_msix_count(d), 3);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_put(f, 0x44, 4, bad[i]);
		assert_int_equal(pci_msix_enable(d, vectors, 2), -ENODEV);
		assert_int_equal(fake_get(f, 0x42, 2), 2);
	}
	fake_put(f, 0x44, 4, 0x800 | 1);
	d->bar[1].paddr = (uint64_t)table;
	assert_int_equal(pci_msix_enable(d, vectors, 2), 0);
	assert_int_equal(table[0x200], 0xfee00000);
	assert_int_equal(table[0x202], 40);
	assert_int_equal(table[0x206], 41);
	assert_int_equal(table[0x20a], 0);
	assert_int_equal(fake_get(f, 0x42, 2), PCI_MSIX_FLAGS_ENABLE | 2);
	assert_int_equal(fake_get(f, PCI_COMMAND, 2) & 0x400, 0x400);
	free(table);
}

static void
test_lines(void **state)
{
	unsigned a = fake_add(-1, 4, BRIDGE, true);
	unsigned f = fake_add((int)a, 5, VIRTIO, false);
	unsigned isa = fake_add(-1, 1, 0x70008086, false);

	(void)state;
	assert_int_equal(pci_gsi(dev(5)), -ENODEV); /* no pin */
	fake_put(f, PCI_INTERRUPT_PIN, 1, 9);
	assert_int_equal(pci_gsi(dev(5)), -ENODEV);
	fake_put(f, PCI_INTERRUPT_PIN, 1, 2); /* B; above the bridge, C */
	fake_put(isa, 0x61, 1, 11);
	assert_int_equal(pci_gsi(dev(5)), 11);
	fake_put(isa, 0x61, 1, 0x80);
	assert_int_equal(pci_gsi(dev(5)), -ENODEV);
	all->device = 0x29c0; /* q35 */
	assert_int_equal(pci_gsi(dev(5)), 22);
	all->vendor = 0x1b36;
	all->device = 8;
	assert_int_equal(pci_gsi(dev(5)), -ENODEV);
	fake_acpi.nlinks = 4;
	fake_acpi.link[2] = 18;
	assert_int_equal(pci_gsi(dev(5)), 18);
	all->device = 9; /* unknown: what firmware wrote */
	fake_put(a, PCI_INTERRUPT_LINE, 1, 0xff);
	assert_int_equal(pci_gsi(dev(5)), -ENODEV);
	fake_put(a, PCI_INTERRUPT_LINE, 1, 10);
	assert_int_equal(pci_gsi(dev(5)), 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_none),
	    TEST(test_bars),
	    TEST(test_decode_off),
	    TEST(test_too_large),
	    TEST(test_bridges),
	    TEST(test_firmware),
	    TEST(test_circles),
	    TEST(test_caps),
	    TEST(test_map),
	    TEST(test_msix),
	    TEST(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
