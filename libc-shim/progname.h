/* SPDX-License-Identifier: ISC */
/* The program's name without its folder, for messages; start.c sets it. */
#ifndef LIBC_SHIM_PROGNAME_H
#define LIBC_SHIM_PROGNAME_H

extern const char *__progname;

#endif
