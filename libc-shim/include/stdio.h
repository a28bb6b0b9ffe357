/* SPDX-License-Identifier: ISC */
/*
 * newlib's <stdio.h> and what it has only under other names.  getline and
 * getdelim, POSIX.1-2017: bytes read, or -1 at the end or with errno set;
 * *line is realloc'ed and for free().
 */
#ifndef SPRAT_STDIO_H
#define SPRAT_STDIO_H

#include_next <stdio.h>

__BEGIN_DECLS

#if __POSIX_VISIBLE >= 200809
ssize_t getline(char **__restrict, size_t *__restrict, FILE *__restrict);
ssize_t getdelim(char **__restrict, size_t *__restrict, int,
    FILE *__restrict);
#endif

__END_DECLS

#endif
