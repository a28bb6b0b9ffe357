/* SPDX-License-Identifier: ISC */
/* Requests of ioctl that disks know; the numbers are Linux's. */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#define BLKROGET     0x125eUL     /* int *: 1 if it cannot be written */
#define BLKGETSIZE   0x1260UL     /* unsigned long *: sectors of 512 bytes */
#define BLKFLSBUF    0x1261UL     /* as fsync */
#define BLKSSZGET    0x1268UL     /* int *: bytes of a block */
#define BLKDISCARD   0x1277UL     /* uint64_t[2], bytes: from where, how many */
#define BLKIOMIN     0x1278UL     /* unsigned *: bytes, a good size */
#define BLKIOOPT     0x1279UL     /* unsigned *: bytes, the best size, or 0 */
#define BLKALIGNOFF  0x127aUL     /* int *: bytes to the first physical block */
#define BLKPBSZGET   0x127bUL     /* unsigned *: bytes of a physical block */
#define BLKZEROOUT   0x127fUL     /* uint64_t[2], as BLKDISCARD */
#define BLKBSZGET    0x80081270UL /* int *: the same as BLKSSZGET here */
#define BLKGETSIZE64 0x80081272UL /* uint64_t *: bytes */

#endif
