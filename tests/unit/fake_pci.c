/* SPDX-License-Identifier: ISC */
/* PCI as tests make it: see fake_pci.h. */
#include "tests/unit/fake_pci.h"

#include <string.h>

#include "kernel/apic.h"

struct fake_fn fake_fn[64];
unsigned fake_nfn;
bool fake_endless;
struct acpi_pci fake_acpi;

uint32_t
fake_get(unsigned f, unsigned off, unsigned width)
{
	uint32_t v = 0;

	memcpy(&v, fake_fn[f].cfg + off, width);
	return v;
}

void
fake_put(unsigned f, unsigned off, unsigned width, uint32_t v)
{
	memcpy(fake_fn[f].cfg + off, &v, width);
}

unsigned
fake_add(int bridge, unsigned slot, uint32_t id, bool is_bridge)
{
	struct fake_fn *f = &fake_fn[fake_nfn];

	memset(f, 0, sizeof(*f));
	f->bridge = bridge;
	f->slot = (uint8_t)slot;
	fake_put(fake_nfn, PCI_VENDOR_ID, 4, id);
	fake_put(fake_nfn, PCI_HEADER_TYPE, 1, is_bridge);
	if (is_bridge) /* 64-bit windows */
		fake_put(fake_nfn, PCI_PREF_MEMORY_BASE, 4, 0x00010001);
	return fake_nfn++;
}

void
fake_bar(unsigned f, unsigned n, uint64_t len, unsigned bits)
{
	fake_fn[f].bar_len[n] = len;
	fake_put(f, PCI_BASE_ADDRESS_0 + 4 * n, 4, bits);
}

static bool
is_bridge(const struct fake_fn *f)
{
	return (f->cfg[PCI_HEADER_TYPE] & 0x7f) == 1;
}

static struct fake_fn *
find(const struct pci_dev *d)
{
	struct fake_fn *f;
	uint8_t bus;

	for (f = fake_fn; f < fake_fn + fake_nfn; f++) {
		bus = f->bridge < 0 ? 0
				    : fake_fn[f->bridge].cfg[PCI_SECONDARY_BUS];
		if (bus == d->bus && f->slot == d->slot && f->fn == d->fn)
			return f;
	}
	return NULL;
}

/* What a write leaves of a BAR: address bits that are below its length, and the
 * kind, are fixed. */
static bool
write_bar(struct fake_fn *f, unsigned off, uint32_t v)
{
	unsigned n = (off - PCI_BASE_ADDRESS_0) / 4,
		 i = (unsigned)(f - fake_fn);
	uint32_t old;
	uint64_t len;

	if (n >= PCI_BARS || is_bridge(f))
		return false;
	old = fake_get(i, off, 4);
	len = f->bar_len[n];
	if (f->cfg[PCI_COMMAND] & PCI_COMMAND_MEMORY)
		f->decoded_while_probed = true;
	if (len != 0)
		v = (v & (uint32_t)-len & ~0xfU) | (old & 0xf);
	else if (n > 0 && f->bar_len[n - 1] != 0 &&
		 (f->cfg[off - 4] & PCI_BASE_ADDRESS_MEM_TYPE_64))
		v &= (uint32_t)(-f->bar_len[n - 1] >> 32);
	else
		v = 0;
	fake_put(i, off, 4, v);
	return true;
}

bool
pci_config_init(void)
{
	return fake_nfn > 0 || fake_endless;
}

bool
pci_config_bus(uint8_t bus)
{
	(void)bus;
	return true;
}

uint32_t
pci_read(const struct pci_dev *d, unsigned off, unsigned width)
{
	struct fake_fn *f = find(d);

	if (off % width != 0 || off + width > 256)
		panic("config read of %u at 0x%x", width, off);
	if (fake_endless) {
		if (off == PCI_HEADER_TYPE)
			return 0x81;
		return off == PCI_SECONDARY_BUS ? d->bus + d->slot : 0x1234;
	}
	if (f == NULL)
		return UINT32_MAX >> (32 - 8 * width);
	return fake_get((unsigned)(f - fake_fn), off, width);
}

void
pci_write(const struct pci_dev *d, unsigned off, unsigned width, uint32_t v)
{
	struct fake_fn *f = find(d);
	uint8_t pref[2];

	if (f == NULL || (width == 4 && write_bar(f, off, v)))
		return;
	memcpy(pref, f->cfg + PCI_PREF_MEMORY_BASE, 2);
	fake_put((unsigned)(f - fake_fn), off, width, v);
	if (is_bridge(f)) /* read-only bits */
		f->cfg[PCI_PREF_MEMORY_BASE] |= pref[0] & 0xf;
}

void
acpi_pci(struct acpi_pci *out)
{
	*out = fake_acpi;
}

bool
page_is_ram(uint64_t paddr, uint64_t len)
{
	(void)len;
	return paddr < FAKE_RAM_END;
}

int
mmu_map_device(uint64_t paddr, uint64_t len)
{
	return page_is_ram(paddr, len) ? -EINVAL : 0;
}

void
lapic_msi(unsigned vector, uint64_t *paddr, uint32_t *data)
{
	*paddr = 0xfee00000;
	*data = vector;
}
