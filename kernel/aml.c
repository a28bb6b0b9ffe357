/* SPDX-License-Identifier: ISC */
/*
 * Facts from the DSDT without running it.  [ACPI] 20.2 for the bytes of AML,
 * 6.4 for resources.  Tables of hypervisors state what we want as constants,
 *
 *	Name (_HID, ...)  Name (_CRS, ResourceTemplate () {...})
 *	Method (_CBA) { Return (constant) }
 *
 * so we look for these names and read what follows.  A _CRS belongs to the
 * last _HID before it, and one that has bus numbers to a PCI host bridge.
 * LIMIT: what a table computes is not seen.
 */
#include <string.h>

#include "kernel/acpi.h"
#include "kernel/kernel.h"

#define DWORD_PREFIX 0x0c
#define QWORD_PREFIX 0x0e

/* Descriptors of resources: the first byte of a large one ... */
#define MEMORY32_FIXED 0x86
#define DWORD_SPACE    0x87
#define WORD_SPACE     0x88
#define INTERRUPT      0x89
#define QWORD_SPACE    0x8a
#define END_TAG        0x79 /* ... and the last, a small one */

#define SPACE_MEMORY 0 /* type of an address space */
#define SPACE_BUS    2

struct span {
	const uint8_t *p, *end;
};

/* A descriptor: what follows its tag and length. */
struct resource {
	uint8_t tag;
	struct span body;
};

/* Little-endian, of n bytes; 0 beyond the end. */
static uint64_t
get(const struct span *s, size_t off, unsigned n)
{
	uint64_t v = 0;

	if (s->p < s->end && off + n <= (size_t)(s->end - s->p))
		memcpy(&v, s->p + off, n);
	return v;
}

/* Takes the next descriptor off s; false at the end. */
static bool
resource_next(struct span *s, struct resource *r)
{
	size_t head = 1, len;

	if (s->p >= s->end || *s->p == END_TAG)
		return false;
	r->tag = *s->p;
	len = r->tag & 7;
	if (r->tag & 0x80) {
		head = 3;
		len = get(s, 1, 2);
	}
	if ((size_t)(s->end - s->p) < head + len)
		return false;
	r->body.p = s->p + head;
	r->body.end = s->p = r->body.p + len;
	return true;
}

/* A buffer: BufferOp PkgLength BufferSize bytes. */
static bool
buffer(struct span at, struct span *out)
{
	unsigned more, i;
	uint64_t len;

	if (get(&at, 0, 1) != 0x11)
		return false;
	at.p++;
	more = (unsigned)get(&at, 0, 1) >> 6;
	len = get(&at, 0, 1) & (more > 0 ? 0x0f : 0x3f);
	for (i = 1; i <= more; i++)
		len |= get(&at, i, 1) << (8 * i - 4);
	if (len > (size_t)(at.end - at.p))
		return false;
	out->end = at.p + len;
	at.p += 1 + more;
	switch (get(&at, 0, 1)) { /* its size, which is known already */
	case 0x0a:
		out->p = at.p + 2;
		break;
	case 0x0b:
		out->p = at.p + 3;
		break;
	case DWORD_PREFIX:
		out->p = at.p + 5;
		break;
	default:
		return false;
	}
	return out->p <= out->end;
}

static bool
name_is(const struct span *s, const char *name)
{
	return s->end - s->p >= 4 && memcmp(s->p, name, 4) == 0;
}

/* Calls fn for each _CRS, with what follows the name of its _HID, and for each
 * _CBA, with hid NULL and what follows the name of that. */
static void
scan(void (*fn)(void *arg, const struct span *hid, struct span s), void *arg)
{
	struct span at, hid = {NULL, NULL}, crs;
	struct acpi_table t;
	const uint8_t *p, *end;

	if (acpi_find("DSDT", &t) != 0)
		return;
	end = at.end = t.p + t.len;
	for (p = t.p; p < end; p++) {
		if (*p != '_')
			continue;
		at.p = p;
		crs = at;
		crs.p += 4;
		if (name_is(&at, "_HID"))
			hid = crs;
		else if (name_is(&at, "_CBA"))
			fn(arg, NULL, crs);
		else if (name_is(&at, "_CRS") && buffer(crs, &crs))
			fn(arg, &hid, crs);
	}
	acpi_free(&t);
}

static bool
hid_is(const struct span *hid, const void *bytes, size_t len)
{
	return (size_t)(hid->end - hid->p) >= len &&
	       memcmp(hid->p, bytes, len) == 0;
}

/* --- virtio-mmio --- */

static void
virtio_crs(void *arg, const struct span *hid, struct span s)
{
	void (**fn)(uint64_t base, uint64_t len, unsigned gsi) = arg;
	uint64_t base = 0, len = 0, gsi = 0;
	bool has_gsi = false;
	struct resource r;

	if (hid == NULL || !hid_is(hid, "\rLNRO0005", 10))
		return;
	while (resource_next(&s, &r)) {
		if (r.tag == MEMORY32_FIXED) {
			base = get(&r.body, 1, 4);
			len = get(&r.body, 5, 4);
		} else if (r.tag == INTERRUPT) {
			has_gsi = get(&r.body, 1, 1) > 0;
			gsi = get(&r.body, 2, 4);
		}
	}
	if (base != 0 && len != 0 && has_gsi)
		(*fn)(base, len, (unsigned)gsi);
}

void
acpi_virtio_mmio(void (*fn)(uint64_t base, uint64_t len, unsigned gsi))
{
	if (acpi_is_reduced())
		scan(virtio_crs, &fn);
}

/* --- PCI --- */

static void
pci_window(struct acpi_pci *out, const struct resource *r)
{
	unsigned n = r->tag == QWORD_SPACE ? 8 : 4;
	/* type and flags, 3 bytes; granularity, min, max, offset, length */
	uint64_t base = get(&r->body, 3 + n, n);
	uint64_t len = get(&r->body, 3 + 4 * n, n);
	struct acpi_range *to = base >> 32 ? &out->high : &out->low;

	if (get(&r->body, 0, 1) != SPACE_MEMORY || base < (1U << 20) ||
	    len > UINT64_MAX - base)
		return;
	/* of several, the last: the first may begin at the end of RAM */
	to->base = base;
	to->len = len;
}

static void
pci_resources(struct acpi_pci *out, struct span s)
{
	struct resource r;

	while (resource_next(&s, &r)) {
		if (r.tag == WORD_SPACE && get(&r.body, 0, 1) == SPACE_BUS) {
			out->ecam.first_bus = (uint8_t)get(&r.body, 5, 2);
			out->ecam.last_bus = (uint8_t)get(&r.body, 7, 2);
		} else if (r.tag == DWORD_SPACE || r.tag == QWORD_SPACE) {
			pci_window(out, &r);
		}
	}
}

static bool
has_buses(struct span s)
{
	struct resource r;

	while (resource_next(&s, &r))
		if (r.tag == WORD_SPACE && get(&r.body, 0, 1) == SPACE_BUS)
			return true;
	return false;
}

static void
pci_link(struct acpi_pci *out, struct span s)
{
	struct resource r;

	while (resource_next(&s, &r))
		if (r.tag == INTERRUPT && get(&r.body, 1, 1) > 0 &&
		    out->nlinks < 4)
			out->link[out->nlinks++] = (unsigned)get(&r.body, 2, 4);
}

static void
pci_crs(void *arg, const struct span *hid, struct span s)
{
	struct acpi_pci *out = arg;
	uint64_t op;

	if (hid == NULL) { /* _CBA: flags, ReturnOp, a constant */
		op = get(&s, 2, 1);
		out->has_ecam = get(&s, 1, 1) == 0xa4 &&
				(op == DWORD_PREFIX || op == QWORD_PREFIX);
		out->ecam.paddr = get(&s, 3, op == QWORD_PREFIX ? 8 : 4);
	} else if (has_buses(s)) { /* devices within come before, or not */
		if (out->low.len == 0)
			pci_resources(out, s);
	} else if (hid_is(hid, "\rPNP0C0F", 9)) {
		pci_link(out, s);
	}
}

void
acpi_pci(struct acpi_pci *out)
{
	memset(out, 0, sizeof(*out));
	scan(pci_crs, out);
}
