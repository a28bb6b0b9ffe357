/* SPDX-License-Identifier: ISC */
/*
 * Addresses for BARs and windows for bridges, where firmware did not choose any
 * (qboot never does).  A few small ones go where PCs have nothing else; for
 * more ACPI is asked what the host's windows are, which takes much longer.
 *
 * lay_out places what is on one bus, one thing behind the other; a bridge is a
 * thing as large as what is behind it, found out by a first pass that writes
 * nothing.  Large BARs of 64 bits go above 4 GiB, into prefetchable windows.
 */
#include "kernel/acpi.h"
#include "kernel/pci.h"

#define LARGE         (256UL << 20)
#define LEN_MAX       (1UL << 42)  /* of a BAR; sums of them fit 64 bits */
#define WINDOW        (1UL << 20)  /* a bridge counts in these */
#define WINDOW_CLOSED 0xfff00000UL /* for a base, above its end */

/* Free on PCs unless RAM reaches there.  BARs that fill a fourth of it at most
 * fit, whatever alignment takes; more ask ACPI. */
#define PC_LOW 0xf0000000UL
#define PC_LEN 0x0ec00000UL

struct plan {
	struct pci_dev *all;
	bool high;  /* large BARs now, else all others */
	bool write; /* the second pass */
};

static uint64_t lay_out(const struct plan *p, const struct pci_dev *bridge,
    uint64_t at, uint64_t end, uint64_t *align);

static void
set_bar(struct pci_dev *d, unsigned n, uint64_t paddr)
{
	unsigned off = PCI_BASE_ADDRESS_0 + 4 * n;

	d->bar[n].paddr = paddr;
	pci_write(d, off, 4, (uint32_t)paddr);
	if (d->bar[n].wide)
		pci_write(d, off + 4, 4, (uint32_t)(paddr >> 32));
}

/* The memory window, or the prefetchable one with its upper halves. */
static void
set_window(const struct pci_dev *d, bool high, uint64_t base, uint64_t last)
{
	uint32_t v =
	    (uint32_t)((base & 0xfff00000) >> 16 | (last & 0xfff00000));

	if (!high) {
		pci_write(d, PCI_MEMORY_BASE, 4, v);
		return;
	}
	pci_write(d, PCI_PREF_MEMORY_BASE, 4, v);
	pci_write(d, PCI_PREF_BASE_UPPER32, 4, (uint32_t)(base >> 32));
	pci_write(d, PCI_PREF_LIMIT_UPPER32, 4, (uint32_t)(last >> 32));
}

static bool
bridge_is_wide(const struct pci_dev *d)
{
	return (pci_read(d, PCI_PREF_MEMORY_BASE, 2) &
		   PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64;
}

/* Room for len bytes at or behind `at`; where they end, or `at` if they do not
 * fit. */
static uint64_t
place(uint64_t at, uint64_t end, uint64_t len, uint64_t align, uint64_t *where)
{
	*where = ALIGN_UP(at, align);
	return *where > end || len > end - *where ? at : *where + len;
}

static uint64_t
lay_out_bars(const struct plan *p, struct pci_dev *d, uint64_t at, uint64_t end,
    uint64_t *align)
{
	uint64_t len, where, next;
	unsigned n;

	for (n = 0; n < PCI_BARS; n++) {
		len = d->bar[n].len;
		if (len == 0 || len > LEN_MAX ||
		    (d->bar[n].wide && len >= LARGE) != p->high)
			continue;
		if (len < PAGE_SIZE) /* pages are not shared */
			len = PAGE_SIZE;
		if (len > *align)
			*align = len;
		next = place(at, end, len, len, &where);
		if (p->write && next != at)
			set_bar(d, n, where);
		at = next;
	}
	return at;
}

static uint64_t
lay_out_bridge(const struct plan *p, const struct pci_dev *d, uint64_t at,
    uint64_t end, uint64_t *align)
{
	struct plan try = *p;
	uint64_t a = WINDOW, len, where, next;

	try.write = false;
	len = ALIGN_UP(lay_out(&try, d, 0, UINT64_MAX >> 1, &a), WINDOW);
	if (len == 0 || (p->high && !bridge_is_wide(d))) {
		if (p->write) /* as after a reset, it may be open at 0 */
			set_window(d, p->high, WINDOW_CLOSED, 0);
		return at;
	}
	if (a > *align)
		*align = a;
	next = place(at, end, len, a, &where);
	if (p->write && next != at) {
		set_window(d, p->high, where, next - 1);
		lay_out(p, d, where, next, &a);
	}
	return next;
}

/* Places all that is right below `bridge` from `at` on, before `end`; where it
 * ends.  *align grows to what all of it needs. */
static uint64_t
lay_out(const struct plan *p, const struct pci_dev *bridge, uint64_t at,
    uint64_t end, uint64_t *align)
{
	struct pci_dev *d;

	for (d = p->all; d != NULL; d = d->next) {
		if (d->bridge != bridge)
			continue;
		if (d->bus_below != 0)
			at = lay_out_bridge(p, d, at, end, align);
		else
			at = lay_out_bars(p, d, at, end, align);
	}
	return at;
}

/* Bytes of BARs to place.  Firmware that chose one address has chosen all. */
static uint64_t
wanted(const struct pci_dev *d)
{
	uint64_t sum = 0;
	unsigned n;

	for (; d != NULL; d = d->next)
		for (n = 0; n < PCI_BARS; n++) {
			if (d->bar[n].paddr != 0)
				return 0;
			if (d->bar[n].len <= LEN_MAX)
				sum += d->bar[n].len;
		}
	return sum;
}

void
pci_assign(struct pci_dev *all)
{
	struct plan low = {all, false, true}, high = {all, true, true};
	struct acpi_range pc = {PC_LOW, PC_LEN};
	struct acpi_pci host = {.low = pc};
	uint64_t sum = wanted(all), align = 0;

	if (sum == 0)
		return;
	if (all->vendor != PCI_VENDOR_INTEL || sum > PC_LEN / 4 ||
	    page_is_ram(PC_LOW, PC_LEN))
		acpi_pci(&host);
	if (host.low.len == 0)
		host.low = pc;
	lay_out(
	    &low, NULL, host.low.base, host.low.base + host.low.len, &align);
	lay_out(&high, NULL, host.high.base, host.high.base + host.high.len,
	    &align);
}
