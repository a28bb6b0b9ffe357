/* SPDX-License-Identifier: ISC */
/*
 * PCI configuration spaces that a test fills: BARs with masks, bridges that
 * lead to the bus they are told.  Stands in for kernel/pci_config.c, and for
 * the rest of the kernel that kernel/pci.c calls.
 */
#ifndef TESTS_UNIT_FAKE_PCI_H
#define TESTS_UNIT_FAKE_PCI_H

#include "kernel/acpi.h"
#include "kernel/pci.h"

#define FAKE_RAM_END 0x40000000UL /* mmu_map_device refuses what is below */

struct fake_fn {
	int bridge; /* index of the one above it; -1: bus 0 */
	uint8_t slot, fn;
	uint8_t cfg[256];
	uint64_t bar_len[PCI_BARS]; /* that of a wide one, in its first */
	bool decoded_while_probed;  /* a BAR changed and memory was decoded */
};
extern struct fake_fn fake_fn[64];
extern unsigned fake_nfn;
extern bool fake_endless; /* each place of each bus has a bridge */
extern struct acpi_pci fake_acpi;

/* A function, or a bridge; its index. */
unsigned fake_add(int bridge, unsigned slot, uint32_t id, bool is_bridge);
/* bits: PCI_BASE_ADDRESS_... of a memory BAR's lowest 4. */
void fake_bar(unsigned f, unsigned n, uint64_t len, unsigned bits);
uint32_t fake_get(unsigned f, unsigned off, unsigned width);
void fake_put(unsigned f, unsigned off, unsigned width, uint32_t v);

#endif
