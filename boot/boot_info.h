/* SPDX-License-Identifier: ISC */
/*
 * What every way of being started boils down to.  The entry that ran fills
 * one of these; nothing else leaves boot/.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdint.h>

#define BOOT_MEM_MAX 128 /* as many as a Linux zero page can carry */

struct boot_range {
	uint64_t base; /* physical address */
	uint64_t len;  /* bytes */
};

struct boot_info {
	const char *protocol;     /* "pvh", ... */
	char *cmdline;            /* NUL-terminated, ours to cut up */
	struct boot_range initrd; /* len 0: none */
	uint64_t rsdp_paddr;      /* ACPI root pointer, or 0 */
	unsigned nmem;
	struct boot_range mem[BOOT_MEM_MAX]; /* usable RAM, any order */
	struct boot_range kept[2]; /* RAM in use: command line, initrd */
};

#endif
