/* SPDX-License-Identifier: ISC */
/*
 * The types behind <sys/types.h>, in the place of newlib's, which has 16 bits
 * for file numbers, devices and users.  No function compiled into newlib has
 * them in its interface but for struct stat: see <sys/stat.h>.
 */
#ifndef _MACHINE__TYPES_H
#define _MACHINE__TYPES_H

#include <machine/_default_types.h>

typedef __uint64_t __ino_t;
#define __machine_ino_t_defined
typedef __uint32_t __dev_t;
#define __machine_dev_t_defined
typedef __uint32_t __uid_t;
#define __machine_uid_t_defined
typedef __uint32_t __gid_t;
#define __machine_gid_t_defined
typedef __uint64_t __fsfilcnt_t;
#define __machine_fsfilcnt_t_defined

#endif
