/* SPDX-License-Identifier: ISC */
/*
 * What ACPI tells of devices that cannot be found otherwise.  [ACPI] 6.5.
 * Tables are copied before they are read, and nothing is read at boot.
 */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acpi_table {
	uint8_t *p; /* with its header, which is whole */
	uint32_t len;
};

/* A copy of the first table of that name, "DSDT" included; its checksum is
 * right.  -ENOENT: there is none. */
int acpi_find(const char *name, struct acpi_table *t);
void acpi_free(struct acpi_table *t);

/* Is it a machine of virtual devices, without the legacy of PCs? */
bool acpi_is_reduced(void);

/* PCI Express configuration space: MCFG's entry for segment 0. */
struct acpi_ecam {
	uint64_t paddr; /* of bus 0 */
	uint8_t first_bus, last_bus;
};
bool acpi_mcfg(struct acpi_ecam *e);

/* The I/O interrupt controller with line gsi, and the first of its lines. */
bool acpi_ioapic(unsigned gsi, uint64_t *paddr, unsigned *first);

/* --- aml.c: from the DSDT, found by pattern --- */

struct acpi_range {
	uint64_t base, len; /* len 0: none */
};

struct acpi_pci {
	bool has_ecam; /* by _CBA, where there may be no MCFG */
	struct acpi_ecam ecam;
	struct acpi_range low, high; /* for BARs: below 4 GiB, and above */
	unsigned nlinks;             /* interrupt links and their lines */
	unsigned link[4];
};
/* The first PCI host bridge. */
void acpi_pci(struct acpi_pci *out);
/* Each virtio-mmio device.  Looked for where ACPI is of the reduced kind alone:
 * PCs have long tables and none of these. */
void acpi_virtio_mmio(void (*fn)(uint64_t base, uint64_t len, unsigned gsi));

#endif
