/* SPDX-License-Identifier: ISC */
/* Disks in /dev. */
#ifndef LIBC_SHIM_BLK_FILE_H
#define LIBC_SHIM_BLK_FILE_H

/* Looks for disks and registers a device for each new one. */
void blk_file_probe(void);

#endif
