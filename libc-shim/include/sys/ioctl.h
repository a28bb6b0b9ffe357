/* SPDX-License-Identifier: ISC */
/* Device control; the request numbers are Linux's. */
#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H

#include <sys/cdefs.h>

#define TIOCGWINSZ 0x5413 /* struct winsize * */
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b /* int *: bytes that can be read now */
#define TIOCINQ	   FIONREAD
#define FIONBIO	   0x5421 /* int *: sets or clears O_NONBLOCK */
#define FIONCLEX   0x5450
#define FIOCLEX	   0x5451

struct winsize {
	unsigned short ws_row;
	unsigned short ws_col;
	unsigned short ws_xpixel;
	unsigned short ws_ypixel;
};

__BEGIN_DECLS

/* EBADF; ENOTTY: the file knows no such request. */
int ioctl(int, unsigned long, ...);

__END_DECLS

#endif
