/* SPDX-License-Identifier: ISC */
/*
 * What every host command needs: messages, memory, time, finding programs.
 */
#ifndef HOST_UTIL_H
#define HOST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000ULL

/* "run", "cc", ...: messages then begin "sprat run: ". */
void util_command(const char *name);

/* One line on standard error; the newline is added. */
void util_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As realloc, but a failure ends the program with status 125. */
void *util_realloc(void *p, size_t bytes);
char *util_strdup(const char *s);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t util_now_ns(void);

/* Writes all of it; 0 or -errno. */
int util_write(int fd, const void *p, size_t len);

/* Makes sure descriptors 0, 1 and 2 are open, so that no pipe of ours takes
 * their place; 0 or -errno. */
int util_open_standard(void);

/* The path of an executable found as execvp would, for free(); or NULL. */
char *util_find_program(const char *name);

/* The part of `path` after the last slash. */
const char *util_basename(const char *path);

#endif
