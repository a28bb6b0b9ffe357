/* SPDX-License-Identifier: ISC */
/* Directory entries, POSIX.1-2017 <dirent.h>, which newlib's includes this
 * file for. */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <sys/cdefs.h>
#include <sys/types.h>

typedef struct __sprat_dir DIR;

struct dirent {
	ino_t d_ino;
	off_t d_off; /* for seekdir: the entry after this */
	unsigned short d_reclen;
	unsigned char d_type; /* DT_... */
	char d_name[256];
};

#define _DIRENT_HAVE_D_TYPE
#define _DIRENT_HAVE_D_OFF
#define _DIRENT_HAVE_D_RECLEN
#define d_fileno d_ino

#define DT_UNKNOWN 0
#define DT_FIFO	   1
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_BLK	   6
#define DT_REG	   8
#define DT_LNK	   10
#define DT_SOCK	   12

#define IFTODT(mode)   (((mode)&0170000) >> 12)
#define DTTOIF(dirtype) ((dirtype) << 12)

#endif
