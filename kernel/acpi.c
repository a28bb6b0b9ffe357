/* SPDX-License-Identifier: ISC */
/*
 * ACPI's tables of fixed form: the way from the root pointer to them, MCFG and
 * MADT.  [ACPI] 5.2.
 */
#include "kernel/acpi.h"

#include <string.h>

#include "kernel/kernel.h"

#define RSDP_LEN     20 /* of version 0, and what its checksum covers */
#define RSDP_RSDT    16
#define RSDP_XSDT    24
#define RSDP_VERSION 15

#define HEADER_LEN 36
#define TABLE_MAX  (1U << 20)

#define FADT_DSDT   40
#define FADT_FLAGS  112
#define FADT_X_DSDT 140

#define FADT_REDUCED (1U << 20)

#define MADT_ENTRIES 44
#define MADT_IOAPIC  1 /* type */

#define MCFG_ENTRIES 44
#define MCFG_ENTRY   16

/* All fields may lie unaligned. */
static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Memory that is no longer as the loader left it cannot hold tables. */
static bool
copy_in(void *to, uint64_t paddr, uint32_t len)
{
	if (paddr == 0 || paddr + len < paddr || page_is_ram(paddr, len) ||
	    mmu_map(paddr, len, MMU_R) != 0)
		return false;
	memcpy(to, (const void *)paddr, len);
	return true;
}

static bool
sum_is_zero(const uint8_t *p, uint32_t len)
{
	uint8_t sum = 0;

	while (len-- > 0)
		sum += *p++;
	return sum == 0;
}

static size_t
pages(uint32_t len)
{
	return (len + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* The table at paddr, if it has that name. */
static int
table_copy(uint64_t paddr, const char *name, struct acpi_table *t)
{
	uint8_t header[HEADER_LEN];

	if (!copy_in(header, paddr, HEADER_LEN) || memcmp(header, name, 4) != 0)
		return -ENOENT;
	t->len = get32(header + 4);
	if (t->len < HEADER_LEN || t->len > TABLE_MAX)
		return -EINVAL;
	t->p = page_alloc(pages(t->len));
	if (t->p == NULL)
		return -ENOMEM;
	if (copy_in(t->p, paddr, t->len) && sum_is_zero(t->p, t->len))
		return 0;
	acpi_free(t);
	return -EINVAL;
}

void
acpi_free(struct acpi_table *t)
{
	page_free(t->p, pages(t->len));
	t->p = NULL;
}

/* The root table: XSDT with addresses of 8 bytes, or RSDT with 4. */
static int
root_copy(struct acpi_table *t, unsigned *width)
{
	uint8_t rsdp[RSDP_XSDT + 8];
	uint64_t xsdt = 0;

	if (!copy_in(rsdp, acpi_rsdp_paddr, RSDP_LEN) ||
	    memcmp(rsdp, "RSD PTR ", 8) != 0 || !sum_is_zero(rsdp, RSDP_LEN))
		return -ENOENT;
	if (rsdp[RSDP_VERSION] >= 2 &&
	    copy_in(rsdp, acpi_rsdp_paddr, sizeof(rsdp)))
		xsdt = get64(rsdp + RSDP_XSDT);
	*width = 8;
	if (xsdt != 0 && table_copy(xsdt, "XSDT", t) == 0)
		return 0;
	*width = 4;
	return table_copy(get32(rsdp + RSDP_RSDT), "RSDT", t);
}

static int
dsdt_copy(struct acpi_table *t)
{
	struct acpi_table fadt;
	uint64_t paddr = 0;
	int err = acpi_find("FACP", &fadt);

	if (err != 0)
		return err;
	if (fadt.len >= FADT_X_DSDT + 8)
		paddr = get64(fadt.p + FADT_X_DSDT);
	if (paddr == 0 && fadt.len >= FADT_DSDT + 4)
		paddr = get32(fadt.p + FADT_DSDT);
	acpi_free(&fadt);
	return table_copy(paddr, "DSDT", t);
}

/* [ACPI] 5.2.9: HW_REDUCED_ACPI, a machine that is no PC. */
bool
acpi_is_reduced(void)
{
	struct acpi_table fadt;
	bool reduced;

	if (acpi_find("FACP", &fadt) != 0)
		return false;
	reduced = fadt.len >= FADT_FLAGS + 4 &&
		  (get32(fadt.p + FADT_FLAGS) & FADT_REDUCED);
	acpi_free(&fadt);
	return reduced;
}

int
acpi_find(const char *name, struct acpi_table *t)
{
	struct acpi_table root;
	unsigned width;
	uint32_t at;
	int err;

	if (strcmp(name, "DSDT") == 0)
		return dsdt_copy(t);
	err = root_copy(&root, &width);
	if (err != 0)
		return err;
	err = -ENOENT;
	for (at = HEADER_LEN; at + width <= root.len && err == -ENOENT;
	     at += width)
		err = table_copy(
		    width == 8 ? get64(root.p + at) : get32(root.p + at), name,
		    t);
	acpi_free(&root);
	return err;
}

bool
acpi_mcfg(struct acpi_ecam *e)
{
	struct acpi_table t;
	const uint8_t *p;
	bool found = false;
	uint32_t at;

	if (acpi_find("MCFG", &t) != 0)
		return false;
	for (at = MCFG_ENTRIES; at + MCFG_ENTRY <= t.len && !found;
	     at += MCFG_ENTRY) {
		p = t.p + at;
		e->paddr = get64(p);
		e->first_bus = p[10];
		e->last_bus = p[11];
		found = p[8] == 0 && p[9] == 0; /* segment */
	}
	acpi_free(&t);
	return found;
}

/* The one with the highest first line that is not above gsi: how many lines it
 * has, it says itself. */
bool
acpi_ioapic(unsigned gsi, uint64_t *paddr, unsigned *first)
{
	struct acpi_table t;
	bool found = false;
	const uint8_t *p;
	uint32_t at;

	if (acpi_find("APIC", &t) != 0)
		return false;
	for (at = MADT_ENTRIES; at + 2 <= t.len; at += p[1]) {
		p = t.p + at;
		if (p[1] < 2 || at + p[1] > t.len)
			break;
		if (p[0] != MADT_IOAPIC || p[1] < 12 || get32(p + 8) > gsi ||
		    (found && get32(p + 8) < *first))
			continue;
		*paddr = get32(p + 4);
		*first = get32(p + 8);
		found = true;
	}
	acpi_free(&t);
	return found;
}
