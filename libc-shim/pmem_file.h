/* SPDX-License-Identifier: ISC */
/* Persistent memory in /dev. */
#ifndef LIBC_SHIM_PMEM_FILE_H
#define LIBC_SHIM_PMEM_FILE_H

/* Looks for pmem devices and registers /dev/pmemN for each new one. */
void pmem_file_probe(void);

#endif
