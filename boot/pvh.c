/* SPDX-License-Identifier: ISC */
/*
 * The PVH door in C: struct hvm_start_info -> struct boot_info.  [PVH], and
 * xen/arch-x86/hvm/start_info.h for the layout.  What the structure points to
 * may lie anywhere, in RAM the memory map calls free included, so we copy it
 * or list it in boot_info.kept.
 */
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "boot/boot.h"
#include "boot/boot_info.h"
#include "kernel/kernel.h"

_Static_assert(sizeof(struct hvm_start_info) == 56, "[PVH] version 1");
_Static_assert(offsetof(struct hvm_start_info, memmap_paddr) == 40, "[PVH]");
_Static_assert(sizeof(struct hvm_modlist_entry) == 32, "[PVH]");
_Static_assert(sizeof(struct hvm_memmap_table_entry) == 24, "[PVH]");

static struct boot_info info;

/* The identity map holds only the image so far: add [paddr, +len).  It may
 * share a page with the command line, which we write to. */
static const void *
peek(uint64_t paddr, uint64_t len)
{
	if (mmu_map(paddr, len, MMU_W) < 0)
		panic("pvh: cannot map %lu bytes at 0x%lx", len, paddr);
	return (const void *)paddr;
}

/* The command line's length is known only after looking for its end. */
static char *
take_cmdline(uint64_t paddr, struct boot_range *kept)
{
	static char none[1];
	uint64_t end = paddr;

	if (paddr == 0)
		return none;
	do {
		if (end == paddr || end % PAGE_SIZE == 0)
			peek(end, 1);
	} while (*(const char *)end++ != '\0');
	kept->base = paddr;
	kept->len = end - paddr;
	return (char *)paddr;
}

static void
take_memmap(const struct hvm_start_info *si)
{
	const struct hvm_memmap_table_entry *e;
	uint32_t i;

	if (si->version < 1 || si->memmap_entries == 0)
		panic(
		    "pvh: no memory map (start info version %u)", si->version);
	e = peek(si->memmap_paddr, si->memmap_entries * sizeof(*e));
	for (i = 0; i < si->memmap_entries; i++) {
		if (e[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		if (info.nmem == BOOT_MEM_MAX)
			break;
		info.mem[info.nmem].base = e[i].addr;
		info.mem[info.nmem++].len = e[i].size;
	}
}

void
boot_pvh(uint64_t start_info_paddr)
{
	const struct hvm_start_info *si;
	const struct hvm_modlist_entry *mod;

	mmu_init();
	si = peek(start_info_paddr, sizeof(*si));
	if (si->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("pvh: bad start info magic 0x%x", si->magic);
	info.protocol = "pvh";
	info.cmdline = take_cmdline(si->cmdline_paddr, &info.kept[0]);
	info.rsdp_paddr = si->rsdp_paddr;
	if (si->nr_modules > 0) {
		mod = peek(si->modlist_paddr, sizeof(*mod));
		info.initrd.base = mod->paddr;
		info.initrd.len = mod->size;
		info.kept[1] = info.initrd;
	}
	take_memmap(si);
	kernel_main(&info);
}
