/* SPDX-License-Identifier: ISC */
/* Device numbers: a major one, and eight bits of minor. */
#ifndef _SYS_SYSMACROS_H
#define _SYS_SYSMACROS_H

#define major(dev)	    ((unsigned)(dev) >> 8 & 0xff)
#define minor(dev)	    ((unsigned)((dev)&0xff))
#define makedev(major, minor) ((unsigned)((major) << 8 | (minor)))

#endif
