/* SPDX-License-Identifier: ISC */
/*
 * BSD's messages to standard error: the program's name, the text, and for
 * those without an x the text of errno.  err, errx end the program.
 */
#ifndef _ERR_H
#define _ERR_H

#include <stdarg.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

void err(int, const char *, ...)
    __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
void errx(int, const char *, ...)
    __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
void verr(int, const char *, va_list)
    __attribute__((__noreturn__, __format__(__printf__, 2, 0)));
void verrx(int, const char *, va_list)
    __attribute__((__noreturn__, __format__(__printf__, 2, 0)));
void warn(const char *, ...) __attribute__((__format__(__printf__, 1, 2)));
void warnx(const char *, ...) __attribute__((__format__(__printf__, 1, 2)));
void vwarn(const char *, va_list)
    __attribute__((__format__(__printf__, 1, 0)));
void vwarnx(const char *, va_list)
    __attribute__((__format__(__printf__, 1, 0)));

__END_DECLS

#endif
