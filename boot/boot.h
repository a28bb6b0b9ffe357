/* SPDX-License-Identifier: ISC */
/* The C halves of the doors, called by their assembly halves. */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdint.h>

/* start_info_paddr: struct hvm_start_info, [PVH] */
void boot_pvh(uint64_t start_info_paddr) __attribute__((noreturn));

#endif
