/* SPDX-License-Identifier: ISC */
/*
 * What every file of the C library shim shares: how a public name is marked
 * and how a kernel result becomes a POSIX one.
 *
 * All objects are built with hidden visibility and sealed into one, so a name
 * is seen by applications only if its definition says PUBLIC.  It is weak:
 * an application that defines the same name wins, without an error.
 */
#ifndef LIBC_SHIM_SHIM_H
#define LIBC_SHIM_SHIM_H

#include <errno.h>

#define PUBLIC __attribute__((weak, visibility("default")))

/*
 * newlib reaches the system by these second names (host/newlib.sh renames what
 * it calls), so that an application's own read or write is not called by its
 * printf.  Strong, and the definition here, whatever else the first name means.
 */
#define LIBC_NAME(name)                                                        \
	extern __typeof__(name) __libc_##name                                  \
	    __attribute__((alias(#name), visibility("default")))

/* -errno to -1 with errno set; anything else unchanged. */
static inline long
posix_result(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#endif
