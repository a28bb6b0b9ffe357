/* SPDX-License-Identifier: ISC */
/*
 * PCI functions: how they are found, given addresses, and made to interrupt.
 * [PCI] Local Bus 3.0, [PCIe] Base 4.0.  Looked at when somebody first asks;
 * from then on the list stays.  From threads, one at a time.
 */
#ifndef KERNEL_PCI_H
#define KERNEL_PCI_H

#include <linux/pci_regs.h>

#include "kernel/kernel.h"

#define PCI_VENDOR_INTEL  0x8086
#define PCI_VENDOR_VIRTIO 0x1af4

#define PCI_BARS     6
#define PCI_CAPS_MAX 48 /* in 192 bytes, 4 each */

struct pci_bar {
	uint64_t paddr; /* 0: it has no address */
	uint64_t len;   /* 0: there is no such memory BAR */
	bool wide;      /* 64 bits, and so is the next one's */
};

struct pci_dev {
	struct pci_dev *next;
	struct pci_dev *bridge; /* above it; NULL on bus 0 */
	uint8_t bus, slot, fn;
	uint8_t bus_below; /* a bridge's */
	uint16_t vendor, device;
	struct pci_bar bar[PCI_BARS]; /* of PCI_VENDOR_VIRTIO alone */
};

/* pci_config.c: width is 1, 2 or 4 and `off` a multiple of it.  What is not
 * there reads as all ones. */
bool pci_config_init(void); /* false: this machine has no PCI */
bool pci_config_bus(uint8_t bus);
uint32_t pci_read(const struct pci_dev *d, unsigned off, unsigned width);
void pci_write(
    const struct pci_dev *d, unsigned off, unsigned width, uint32_t v);

/* A quick look, before all that: might there be functions of that vendor?  True
 * also where one could be out of sight, behind a bridge or in ACPI. */
bool pci_peek(uint16_t vendor);

/* pci_assign.c: addresses for all BARs, unless firmware gave them some */
void pci_assign(struct pci_dev *all);

/* pci.c */
/* The first function of all, or NULL. */
struct pci_dev *pci_first(void);
/* Where its capabilities of that id are, in order; returns how many. */
unsigned pci_caps(const struct pci_dev *d, uint8_t id, uint8_t *at);
/* Maps part of a BAR; NULL if it is not all in one that has an address. */
volatile void *pci_map(
    const struct pci_dev *d, unsigned bar, uint64_t off, uint64_t len);
/* It decodes memory and masters the bus, and so do the bridges above it. */
void pci_enable(const struct pci_dev *d);
/* How many MSI-X vectors it has, and their use: the first n go to these of the
 * processor's, instead of the line. */
unsigned pci_msix_count(const struct pci_dev *d);
int pci_msix_enable(const struct pci_dev *d, const int *vector, unsigned n);
/* Its interrupt line; -ENODEV: none, or nobody knows which. */
int pci_gsi(const struct pci_dev *d);

#endif
