/* SPDX-License-Identifier: ISC */
/*
 * GNU's messages to standard error: the program's name, the text, and that of
 * errnum unless 0; they end the program unless status is 0.
 */
#ifndef _ERROR_H
#define _ERROR_H

#include <sys/cdefs.h>

__BEGIN_DECLS

extern unsigned int error_message_count;
extern int error_one_per_line;
/* Prints what goes before the text, if not NULL. */
extern void (*error_print_progname)(void);

void error(int, int, const char *, ...)
    __attribute__((__format__(__printf__, 3, 4)));
void error_at_line(int, int, const char *, unsigned int, const char *, ...)
    __attribute__((__format__(__printf__, 5, 6)));

__END_DECLS

#endif
