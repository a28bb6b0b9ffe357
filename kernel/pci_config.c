/* SPDX-License-Identifier: ISC */
/*
 * Configuration space: by memory where MCFG says so ([PCIe] 7.2.2), else by the
 * ports of old ([PCI] 3.2.2.3.2), else by memory where a _CBA says so (QEMU's
 * microvm, which has neither ports nor MCFG).
 */
#include "kernel/acpi.h"
#include "kernel/cpu.h"
#include "kernel/pci.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define ENABLE       (1U << 31)

#define BRIDGE  0x0604 /* class of bridges from PCI to PCI */
#define BUS_LEN (1UL << 20)

static struct acpi_ecam ecam; /* paddr 0: by ports */
static struct spinlock port_lock = SPINLOCK("pci");

/* Without PCI the port reads as all ones, or as another device's. */
static bool
have_ports(void)
{
	cpu_outl(PORT_ADDRESS, ENABLE);
	return cpu_inl(PORT_ADDRESS) == ENABLE;
}

bool
pci_config_init(void)
{
	struct acpi_pci pci;

	if (acpi_mcfg(&ecam) && ecam.first_bus == 0 && pci_config_bus(0))
		return true;
	ecam.paddr = 0;
	if (have_ports())
		return true;
	acpi_pci(&pci);
	if (!pci.has_ecam || pci.ecam.first_bus != 0)
		return false;
	ecam = pci.ecam;
	return pci_config_bus(0);
}

/* Before the first access to a bus; false: it cannot be. */
bool
pci_config_bus(uint8_t bus)
{
	if (ecam.paddr == 0)
		return true;
	return bus <= ecam.last_bus &&
	       mmu_map_device(ecam.paddr + bus * BUS_LEN, BUS_LEN) == 0;
}

static uint32_t
place(const struct pci_dev *d, unsigned off)
{
	return (uint32_t)d->slot << 15 | (uint32_t)d->fn << 12 | off;
}

static volatile void *
memory(const struct pci_dev *d, unsigned off)
{
	return (volatile void *)(ecam.paddr + d->bus * BUS_LEN + place(d, off));
}

/* Says of which function; the data port to use. */
static uint16_t
port_select(const struct pci_dev *d, unsigned off)
{
	cpu_outl(PORT_ADDRESS, ENABLE | (uint32_t)d->bus << 16 |
				   (uint32_t)d->slot << 11 |
				   (uint32_t)d->fn << 8 | (off & 0xfc));
	return (uint16_t)(PORT_DATA + off % 4);
}

static uint32_t
port_read(const struct pci_dev *d, unsigned off, unsigned width)
{
	uint64_t flags = spin_lock(&port_lock);
	uint16_t port = port_select(d, off);
	uint32_t v;

	if (width == 1)
		v = cpu_inb(port);
	else
		v = width == 2 ? cpu_inw(port) : cpu_inl(port);
	spin_unlock(&port_lock, flags);
	return v;
}

static bool
peek_slot(struct pci_dev *d, uint16_t vendor)
{
	unsigned nfn = 1, id;

	for (d->fn = 0; d->fn < nfn; d->fn++) {
		id = port_read(d, PCI_VENDOR_ID, 2);
		if (id == 0xffff)
			continue;
		if (id == vendor || port_read(d, PCI_CLASS_DEVICE, 2) == BRIDGE)
			return true;
		if (d->fn == 0 && (port_read(d, PCI_HEADER_TYPE, 1) & 0x80))
			nfn = 8;
	}
	return false;
}

bool
pci_peek(uint16_t vendor)
{
	struct pci_dev d = {.slot = 0};

	if (!have_ports())
		return acpi_rsdp_paddr != 0;
	for (; d.slot < 32; d.slot++)
		if (peek_slot(&d, vendor))
			return true;
	return false;
}

static void
port_write(const struct pci_dev *d, unsigned off, unsigned width, uint32_t v)
{
	uint64_t flags = spin_lock(&port_lock);
	uint16_t port = port_select(d, off);

	if (width == 1)
		cpu_outb(port, (uint8_t)v);
	else if (width == 2)
		cpu_outw(port, (uint16_t)v);
	else
		cpu_outl(port, v);
	spin_unlock(&port_lock, flags);
}

uint32_t
pci_read(const struct pci_dev *d, unsigned off, unsigned width)
{
	volatile void *p;

	if (ecam.paddr == 0)
		return port_read(d, off, width);
	p = memory(d, off);
	if (width == 1)
		return *(volatile uint8_t *)p;
	return width == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
}

void
pci_write(const struct pci_dev *d, unsigned off, unsigned width, uint32_t v)
{
	volatile void *p;

	if (ecam.paddr == 0) {
		port_write(d, off, width, v);
		return;
	}
	p = memory(d, off);
	if (width == 1)
		*(volatile uint8_t *)p = (uint8_t)v;
	else if (width == 2)
		*(volatile uint16_t *)p = (uint16_t)v;
	else
		*(volatile uint32_t *)p = v;
}
