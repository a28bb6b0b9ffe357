/* SPDX-License-Identifier: ISC */
/* Name of the system, POSIX.1-2017 <sys/utsname.h>. */
#ifndef _SYS_UTSNAME_H
#define _SYS_UTSNAME_H

#include <sys/cdefs.h>

struct utsname {
	char sysname[65];  /* "Sprat" */
	char nodename[65]; /* HOSTNAME of the environment, or "sprat" */
	char release[65];
	char version[65];
	char machine[65]; /* "x86_64" */
};

__BEGIN_DECLS

int uname(struct utsname *); /* 0 */

__END_DECLS

#endif
