/* SPDX-License-Identifier: ISC */
/*
 * The list of PCI functions, and what drivers do to them.  Buses behind bridges
 * are numbered here where firmware did not.  All that is read is a host's word:
 * lists and counts have bounds, and addresses lie outside of our memory.
 */
#include "kernel/pci.h"

#include <string.h>

#include "kernel/acpi.h"
#include "kernel/apic.h"

#define FUNCTIONS_MAX 512
#define DEPTH_MAX     8

#define HEADER_MULTI 0x80 /* [PCI] 6.2.1 */

/* Vendor and device of host bridges. */
#define HOST_Q35    0x808629c0U
#define HOST_I440FX 0x80861237U
#define HOST_GPEX   0x1b360008U

static struct pci_dev *all, **all_end = &all;
static unsigned nfunctions, last_bus;
static bool scanned, seen[256]; /* buses */

static void scan_bus(unsigned bus, struct pci_dev *bridge, unsigned depth);

/* --- finding --- */

/* What one BAR is, by writing ones to it ([PCI] 6.2.5.1). */
static void
probe_bar(struct pci_dev *d, unsigned n)
{
	unsigned off = PCI_BASE_ADDRESS_0 + 4 * n;
	uint32_t old = pci_read(d, off, 4), old_high = 0;
	uint64_t mask = 0xffffffff00000000 | PCI_BASE_ADDRESS_MEM_MASK;
	uint64_t size;
	struct pci_bar *b = &d->bar[n];

	if (old & PCI_BASE_ADDRESS_SPACE_IO)
		return;
	b->wide = (old & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
		      PCI_BASE_ADDRESS_MEM_TYPE_64 &&
		  n + 1 < PCI_BARS;
	pci_write(d, off, 4, UINT32_MAX);
	size = 0xffffffff00000000 | pci_read(d, off, 4);
	pci_write(d, off, 4, old);
	if (b->wide) {
		old_high = pci_read(d, off + 4, 4);
		pci_write(d, off + 4, 4, UINT32_MAX);
		size = (size & UINT32_MAX) | (uint64_t)pci_read(d, off + 4, 4)
						 << 32;
		pci_write(d, off + 4, 4, old_high);
	}
	size &= mask;
	if ((uint32_t)size == 0 && !b->wide) /* none of its bits is there */
		return;
	b->len = size & -size; /* the lowest bit of the address */
	b->paddr = ((uint64_t)old_high << 32 | old) & mask;
}

static void
probe_bars(struct pci_dev *d)
{
	uint32_t command = pci_read(d, PCI_COMMAND, 2);
	unsigned n;

	pci_write(d, PCI_COMMAND, 2,
	    command & ~(uint32_t)(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	for (n = 0; n < PCI_BARS; n += d->bar[n].wide ? 2 : 1)
		probe_bar(d, n);
	pci_write(d, PCI_COMMAND, 2, command);
}

/* Firmware may number buses in any order (qboot's descends), but each once, or
 * we would go in circles. */
static void
scan_bridge(struct pci_dev *d, unsigned depth)
{
	unsigned below = pci_read(d, PCI_SECONDARY_BUS, 1);
	bool numbered = below != 0;

	if (!numbered)
		below = last_bus + 1;
	if (below > 0xff || seen[below] || depth == DEPTH_MAX ||
	    !pci_config_bus((uint8_t)below))
		return;
	if (below > last_bus)
		last_bus = below;
	d->bus_below = (uint8_t)below;
	if (!numbered) {
		pci_write(d, PCI_PRIMARY_BUS, 1, d->bus);
		pci_write(d, PCI_SECONDARY_BUS, 1, below);
		pci_write(d, PCI_SUBORDINATE_BUS, 1, 0xff);
	}
	scan_bus(below, d, depth + 1);
	if (!numbered)
		pci_write(d, PCI_SUBORDINATE_BUS, 1, last_bus);
}

/* Adds what is at d's place to the list; its header type, or -1. */
static int
scan_function(const struct pci_dev *place, unsigned depth)
{
	uint32_t id = pci_read(place, PCI_VENDOR_ID, 4);
	struct pci_dev *d;
	uint8_t type;

	if ((id & 0xffff) == 0xffff || nfunctions == FUNCTIONS_MAX)
		return -1;
	d = heap_alloc(sizeof(*d));
	if (d == NULL)
		return -1;
	*d = *place;
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	nfunctions++;
	*all_end = d;
	all_end = &d->next;
	type = (uint8_t)pci_read(d, PCI_HEADER_TYPE, 1);
	if ((type & ~HEADER_MULTI) == PCI_HEADER_TYPE_BRIDGE)
		scan_bridge(d, depth);
	else if (d->vendor == PCI_VENDOR_VIRTIO)
		probe_bars(d);
	return type;
}

static void
scan_bus(unsigned bus, struct pci_dev *bridge, unsigned depth)
{
	struct pci_dev place = {.bridge = bridge, .bus = (uint8_t)bus};
	int type;

	seen[bus] = true;
	for (place.slot = 0; place.slot < 32; place.slot++) {
		place.fn = 0;
		type = scan_function(&place, depth);
		if (type < 0 || !(type & HEADER_MULTI))
			continue;
		for (place.fn = 1; place.fn < 8; place.fn++)
			scan_function(&place, depth);
	}
}

struct pci_dev *
pci_first(void)
{
	if (!scanned && pci_config_init()) {
		scan_bus(0, NULL, 0);
		pci_assign(all);
	}
	scanned = true;
	return all;
}

/* --- using --- */

unsigned
pci_caps(const struct pci_dev *d, uint8_t id, uint8_t *at)
{
	unsigned i, n = 0, pos;

	if (!(pci_read(d, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = pci_read(d, PCI_CAPABILITY_LIST, 1) & 0xfc;
	for (i = 0; i < PCI_CAPS_MAX && pos >= 0x40; i++) {
		if (pci_read(d, pos + PCI_CAP_LIST_ID, 1) == id)
			at[n++] = (uint8_t)pos;
		pos = pci_read(d, pos + PCI_CAP_LIST_NEXT, 1) & 0xfc;
	}
	return n;
}

volatile void *
pci_map(const struct pci_dev *d, unsigned bar, uint64_t off, uint64_t len)
{
	const struct pci_bar *b;

	if (bar >= PCI_BARS)
		return NULL;
	b = &d->bar[bar];
	if (b->paddr == 0 || len == 0 || off > b->len || len > b->len - off ||
	    mmu_map_device(b->paddr + off, len) != 0)
		return NULL;
	return (volatile void *)(b->paddr + off);
}

void
pci_enable(const struct pci_dev *d)
{
	for (; d != NULL; d = d->bridge)
		pci_write(d, PCI_COMMAND, 2,
		    pci_read(d, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY |
			PCI_COMMAND_MASTER);
}

unsigned
pci_msix_count(const struct pci_dev *d)
{
	uint8_t at[PCI_CAPS_MAX];

	if (pci_caps(d, PCI_CAP_ID_MSIX, at) == 0)
		return 0;
	return (pci_read(d, at[0] + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) +
	       1;
}

int
pci_msix_enable(const struct pci_dev *d, const int *vector, unsigned n)
{
	volatile uint32_t *table;
	uint8_t at[PCI_CAPS_MAX];
	uint32_t where, data, flags;
	uint64_t paddr;
	unsigned i;

	if (pci_msix_count(d) < n || pci_caps(d, PCI_CAP_ID_MSIX, at) == 0)
		return -ENODEV;
	where = pci_read(d, at[0] + PCI_MSIX_TABLE, 4);
	table = pci_map(d, where & PCI_MSIX_TABLE_BIR,
	    where & PCI_MSIX_TABLE_OFFSET, (uint64_t)n * PCI_MSIX_ENTRY_SIZE);
	if (table == NULL)
		return -ENODEV;
	flags = pci_read(d, at[0] + PCI_MSIX_FLAGS, 2) | PCI_MSIX_FLAGS_ENABLE;
	pci_write(d, at[0] + PCI_MSIX_FLAGS, 2, flags | PCI_MSIX_FLAGS_MASKALL);
	for (i = 0; i < n; i++, table += PCI_MSIX_ENTRY_SIZE / 4) {
		lapic_msi((unsigned)vector[i], &paddr, &data);
		table[PCI_MSIX_ENTRY_LOWER_ADDR / 4] = (uint32_t)paddr;
		table[PCI_MSIX_ENTRY_UPPER_ADDR / 4] = (uint32_t)(paddr >> 32);
		table[PCI_MSIX_ENTRY_DATA / 4] = data;
		table[PCI_MSIX_ENTRY_VECTOR_CTRL / 4] = 0; /* not masked */
	}
	pci_write(d, PCI_COMMAND, 2,
	    pci_read(d, PCI_COMMAND, 2) | PCI_COMMAND_INTX_DISABLE);
	pci_write(d, at[0] + PCI_MSIX_FLAGS, 2,
	    flags & ~(uint32_t)PCI_MSIX_FLAGS_MASKALL);
	return 0;
}

/* The line of a pin, 0 to 3, of a slot of bus 0, by the host bridge there:
 * firmware's own note is about the 8259, and there may be no firmware. */
static int
root_gsi(const struct pci_dev *d, unsigned pin)
{
	static const struct pci_dev piix3 = {.slot = 1};
	struct acpi_pci pci;
	uint32_t line;

	switch ((uint32_t)all->vendor << 16 | all->device) {
	case HOST_Q35: /* PIRQ E to H: [ICH9] 10.1.20 as QEMU resets it */
		return d->slot < 25 ? 20 + (int)(d->slot + pin) % 4 : -ENODEV;
	case HOST_I440FX: /* what PIRQ A to D are routed to: [PIIX] 2.2.5 */
		line = pci_read(&piix3, 0x60 + (d->slot + pin + 3) % 4, 1);
		return line < 16 ? (int)line : -ENODEV;
	case HOST_GPEX: /* QEMU's own, as ACPI has it */
		acpi_pci(&pci);
		return pci.nlinks == 4 ? (int)pci.link[(d->slot + pin) % 4]
				       : -ENODEV;
	default:
		line = pci_read(d, PCI_INTERRUPT_LINE, 1);
		return line > 0 && line < 24 ? (int)line : -ENODEV;
	}
}

/* Below a bridge, a pin is the bridge's next one in turn: [PCI] bridge
 * architecture, 9.1. */
int
pci_gsi(const struct pci_dev *d)
{
	unsigned pin = pci_read(d, PCI_INTERRUPT_PIN, 1) - 1;

	if (pin > 3)
		return -ENODEV;
	for (; d->bridge != NULL; d = d->bridge)
		pin = (pin + d->slot) % 4;
	return root_gsi(d, pin);
}
