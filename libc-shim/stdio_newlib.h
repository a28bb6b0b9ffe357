/* SPDX-License-Identifier: ISC */
/* A function of newlib's stdio that its public headers do not show. */
#ifndef LIBC_SHIM_STDIO_NEWLIB_H
#define LIBC_SHIM_STDIO_NEWLIB_H

#include <reent.h>

/* Makes the standard streams; does nothing the second time. */
void __sinit(struct _reent *r);

#endif
