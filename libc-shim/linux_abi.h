/* SPDX-License-Identifier: ISC */
/*
 * Numbers as Linux has them, in which 9P2000.L and FUSE speak, and as newlib
 * has them.  File types and permissions are the same in both.
 */
#ifndef LIBC_SHIM_LINUX_ABI_H
#define LIBC_SHIM_LINUX_ABI_H

#include <stdint.h>

/* -errno for Linux's error `number`; -EIO for one that cannot be said. */
int linux_error(uint32_t number);

/* Linux's flags for open: access mode, append, sync and truncate.  Creation is
 * left to who asks for it. */
#define LINUX_O_CREAT      00000100U
#define LINUX_O_EXCL       00000200U
#define LINUX_O_DIRECTORY  00200000U
#define LINUX_O_NOFOLLOW   00400000U
#define LINUX_AT_REMOVEDIR 0x200U
uint32_t linux_open_flags(int flags);

#endif
