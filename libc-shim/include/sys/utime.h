/* SPDX-License-Identifier: ISC */
/* utime, POSIX.1-2017 <utime.h>. */
#ifndef _SYS_UTIME_H
#define _SYS_UTIME_H

#include <sys/cdefs.h>
#include <sys/types.h>

struct utimbuf {
	time_t actime; /* s */
	time_t modtime;
};

__BEGIN_DECLS

int utime(const char *, const struct utimbuf *); /* NULL: now */

__END_DECLS

#endif
