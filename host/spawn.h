/* SPDX-License-Identifier: ISC */
/*
 * Starting another program that never outlives us.
 */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include <sys/types.h>

/* Starts `path` with fds[0..2] as its standard descriptors (-1: ours), with
 * default signal handling, and with the kernel's promise to kill it when we
 * die.  The process id, or -errno, that of a failed exec included. */
pid_t spawn_start(const char *path, char *const argv[], const int fds[3]);

#endif
